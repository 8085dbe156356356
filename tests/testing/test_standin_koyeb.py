"""The stand-in for Koyeb: what its OpenAPI document declares, asked over a real socket."""

from __future__ import annotations

import base64
import os
import re
import signal
import socket
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from examples.koyeb import stand_in_koyeb

from naftiko.testing import Cut, Fail

ITEM = {
    *("id", "created_at", "updated_at", "organization_id", "app_id", "service_id", "regional_deployment_id"),
    *("allocation_id", "type", "replica_index", "region", "datacenter", "status", "messages", "xyz_deployment_id"),
}
INSTANCE = ITEM | {"hypervisor", "started_at", "succeeded_at", "terminated_at"}
EVENT = {"id", "when", "organization_id", "instance_id", "type", "message", "metadata"}
STATUSES = {"ALLOCATING", "STARTING", "HEALTHY", "UNHEALTHY", "STOPPING", "STOPPED", "ERROR", "SLEEPING"}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def koyeb():
    with stand_in_koyeb("s3cret") as served:
        yield served


@pytest.fixture
def client(koyeb):
    with httpx.Client(base_url=koyeb.url, headers={"Authorization": "Bearer s3cret"}) as opened:
        yield opened
    koyeb.behave()


def all_instances(client, **params):
    return client.get("/v1/instances", params={"limit": 100, **params}).json()["instances"]


class TestToken:
    @pytest.mark.parametrize(
        "authorization", [None, "Bearer wrong", "Bearer", "s3cret", "Basic s3cret", "Bearer s3cre"]
    )
    @pytest.mark.parametrize(
        "path", ["/v1/instances", "/v1/instances/x", "/v1/instance_events", "/v1/streams/instances/exec"]
    )
    def test_every_operation_asks_for_it(self, koyeb, path, authorization):
        headers = {} if authorization is None else {"Authorization": authorization}
        got = httpx.get(koyeb.url + path, headers=headers)
        assert got.status_code == 401
        assert got.json() == {"status": 401, "code": "unauthorized", "message": "Token rejected"}

    def test_without_a_token_everybody_is_let_in(self):
        with stand_in_koyeb(None) as koyeb:
            assert httpx.get(f"{koyeb.url}/v1/instances").status_code == 200


class TestInstances:
    def test_the_fleet_is_realistic(self, client):
        """Thirty instances of four apps, in every state, with the declared fields and no others."""
        fleet = all_instances(client)
        assert len(fleet) == 30
        assert len({instance["id"] for instance in fleet}) == 30
        assert len({instance["app_id"] for instance in fleet}) == 4
        assert {instance["status"] for instance in fleet} == STATUSES
        for instance in fleet:
            assert set(instance) == ITEM
            assert MOMENT.fullmatch(instance["created_at"])
            assert instance["created_at"] <= instance["updated_at"]

    def test_a_page_by_default(self, client):
        reply = client.get("/v1/instances").json()
        assert set(reply) == {"instances", "limit", "offset", "count", "order"}
        assert (len(reply["instances"]), reply["limit"], reply["offset"], reply["count"], reply["order"]) == (
            10,
            10,
            0,
            30,
            "desc",
        )

    @pytest.mark.parametrize("order", ["asc", "desc"])
    def test_pages_join_to_the_whole_in_order(self, client, order):
        paged = []
        for offset in range(0, 36, 7):
            reply = client.get("/v1/instances", params={"limit": 7, "offset": offset, "order": order}).json()
            assert (reply["limit"], reply["offset"], reply["count"], reply["order"]) == (7, offset, 30, order)
            paged += reply["instances"]
        assert paged == all_instances(client, order=order)
        times = [instance["created_at"] for instance in paged]
        assert times == sorted(times, reverse=order == "desc")
        assert len(times) == 30

    @pytest.mark.parametrize(
        "name", ["app_id", "service_id", "regional_deployment_id", "allocation_id", "replica_index"]
    )
    def test_each_filter_keeps_what_has_its_value(self, client, name):
        fleet = all_instances(client)
        value = fleet[5][name]
        expected = [instance for instance in fleet if instance[name] == value]
        assert 0 < len(expected) < 30
        assert all_instances(client, **{name: value}) == expected

    def test_the_deployment_filter(self, client):
        fleet = all_instances(client)
        deployment = fleet[0]["xyz_deployment_id"]
        expected = [instance for instance in fleet if instance["xyz_deployment_id"] == deployment]
        assert all_instances(client, deployment_id=deployment) == expected

    def test_statuses_repeat_and_join_with_other_filters(self, client):
        fleet = all_instances(client)
        wanted = ["ERROR", "STOPPED"]
        app = next(instance["app_id"] for instance in fleet if instance["status"] == "ERROR")
        reply = client.get("/v1/instances", params={"statuses": wanted, "app_id": app, "limit": 1}).json()
        expected = [item for item in fleet if item["status"] in wanted and item["app_id"] == app]
        assert (reply["count"], reply["instances"]) == (len(expected), expected[:1])
        assert client.get("/v1/instances", params={"app_id": "unknown"}).json()["count"] == 0

    def test_a_period_keeps_what_ran_in_it(self, client):
        fleet = {
            item["id"]: client.get(f"/v1/instances/{item['id']}").json()["instance"] for item in all_instances(client)
        }
        start, end = "2026-05-18T12:00:00Z", "2026-05-18T14:00:00Z"
        expected = {
            id_
            for id_, instance in fleet.items()
            if instance.get("started_at", "9999") <= end and instance.get("terminated_at", "9999") >= start
        }
        found = {instance["id"] for instance in all_instances(client, starting_time=start, ending_time=end)}
        assert found == expected
        assert 0 < len(found) < 30

    def test_one_instance_alone(self, client):
        for item in all_instances(client):
            reply = client.get(f"/v1/instances/{item['id']}").json()
            assert set(reply) == {"instance"}
            assert item.items() <= reply["instance"].items()
            assert set(reply["instance"]) <= INSTANCE
            assert ("terminated_at" in reply["instance"]) == (item["status"] in {"STOPPED", "ERROR"})
            assert ("started_at" in reply["instance"]) == (item["status"] != "ALLOCATING")

    def test_an_unknown_instance_is_404(self, client):
        got = client.get("/v1/instances/no-such")
        assert got.status_code == 404
        assert got.json() == {"status": 404, "code": "not_found", "message": "Instance not found"}


class TestEvents:
    def test_has_next_tells_whether_there_is_more(self, client):
        seen, offset, has_next = [], 0, True
        while has_next:
            reply = client.get("/v1/instance_events", params={"limit": 25, "offset": offset, "order": "asc"}).json()
            assert set(reply) == {"events", "limit", "offset", "order", "has_next"}
            seen += reply["events"]
            offset += 25
            has_next = reply["has_next"]
            assert offset < 500
        assert len({event["id"] for event in seen}) == len(seen) > 60
        assert all(first["when"] <= second["when"] for first, second in pairwise(seen))
        assert all(set(event) == EVENT and MOMENT.fullmatch(event["when"]) for event in seen)

    def test_instance_ids_and_types_repeat(self, client):
        ids = [instance["id"] for instance in all_instances(client, statuses="STOPPED")[:2]]
        reply = client.get("/v1/instance_events", params={"instance_ids": ids, "limit": 100, "order": "asc"}).json()
        assert {event["instance_id"] for event in reply["events"]} == set(ids)
        assert (len(reply["events"]), reply["has_next"]) == (10, False)
        types = {"instance_ids": ids, "types": ["STOPPING", "STOPPED"], "limit": 3}
        reply = client.get("/v1/instance_events", params=types).json()
        assert {event["type"] for event in reply["events"]} == {"STOPPING", "STOPPED"}
        assert (len(reply["events"]), reply["has_next"]) == (3, True)

    def test_the_last_event_is_the_status(self, client):
        for instance in all_instances(client):
            params = {"instance_ids": instance["id"], "limit": 1}
            (event,) = client.get("/v1/instance_events", params=params).json()["events"]
            assert (event["type"], event["when"]) == (instance["status"], instance["updated_at"])


class TestExec:
    def frame(self, client, **params):
        return client.get("/v1/streams/instances/exec", params=params).json()["result"]

    def test_the_frame_has_what_the_command_printed(self, client):
        instance = all_instances(client)[0]
        frame = self.frame(
            client, id=instance["id"], **{"body.command": ["echo", "a b", "é"], "body.tty_size.height": 24}
        )
        assert (frame["exited"], frame["exit_code"], frame["stdout"]["close"]) == (True, 0, True)
        assert base64.b64decode(frame["stdout"]["data"]).decode() == "a b é\n"
        frame = self.frame(client, id=instance["id"], **{"body.command": "rm"})
        assert (frame["exit_code"], base64.b64decode(frame["stderr"]["data"])) == (127, b"sh: rm: not found\n")

    def test_id_type_says_what_the_id_names(self, client):
        instance = all_instances(client)[0]
        params = {"id": instance["service_id"], "body.command": "hostname"}
        frame = self.frame(client, **params, id_type="SERVICE_ID")
        hostname = base64.b64decode(frame["stdout"]["data"]).decode().strip()
        assert client.get(f"/v1/instances/{hostname}").json()["instance"]["service_id"] == instance["service_id"]
        got = client.get("/v1/streams/instances/exec", params=params)
        assert (got.status_code, got.json()["code"]) == (404, "not_found")


class TestErrors:
    @pytest.mark.parametrize(
        ("path", "query", "fields"),
        [
            ("instances", "limit=", ["limit"]),
            ("instances", "limit=0", ["limit"]),
            ("instances", "limit=101&offset=-1&order=up", ["limit", "offset", "order"]),
            ("instances", "limit=1&limit=2", ["limit"]),
            ("instances", "offset=" + "9" * 5000, ["offset"]),
            ("instances", "limit=%C2%B2", ["limit"]),
            ("instances", "statuses=HEALTHY,ERROR", ["statuses"]),
            ("instances", "statuses=HEALTHY&statuses=healthy", ["statuses"]),
            ("instances", "replica_index=rest.replica_index", ["replica_index"]),
            ("instances", "starting_time=yesterday&ending_time=2026-05-19T08:00:00", ["starting_time", "ending_time"]),
            (
                "instances",
                "starting_time=2026-05-19T08:00:00Z&ending_time=2026-05-19T08:00:00%2B01:00",
                ["ending_time"],
            ),
            ("instance_events", "limit=ten", ["limit"]),
            ("streams/instances/exec", "", ["id", "body.command"]),
            (
                "streams/instances/exec",
                "id=x&body.command=ls&id_type=APP&body.tty_size.width=w",
                ["id_type", "body.tty_size.width"],
            ),
        ],
    )
    def test_every_invalid_field_is_named(self, client, path, query, fields):
        got = client.get(f"/v1/{path}?{query}")
        body = got.json()
        assert got.status_code == 400
        assert (set(body), body["status"], body["code"]) == (
            {"status", "code", "message", "fields"},
            400,
            "invalid_argument",
        )
        assert all(set(field) == {"field", "description"} for field in body["fields"])
        assert sorted(field["field"] for field in body["fields"]) == sorted(fields)

    def test_what_is_not_declared_is_a_google_rpc_status(self, client):
        missing, wrong = client.get("/v1/v1/instances"), client.post("/v1/instances")
        assert (missing.status_code, missing.json()["code"]) == (404, 5)
        assert (wrong.status_code, wrong.json()["code"], wrong.headers["allow"]) == (405, 12, "GET")

    def test_it_misbehaves_like_any_stand_in(self, koyeb, client):
        koyeb.misbehave(Fail(503), times=1)
        assert client.get("/v1/instances").status_code == 503
        koyeb.misbehave(Cut(), path="/v1/instances/{id}", times=1)
        with pytest.raises(httpx.RemoteProtocolError):
            client.get("/v1/instances/x")
        assert client.get("/v1/instances").status_code == 200


class TestCommand:
    def start(self, *options):
        command = [sys.executable, "-W", "error", "-m", "examples.koyeb", *options]
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    @pytest.mark.skipif(os.name == "nt", reason="signals end it otherwise there")
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_it_serves_until_a_signal_and_is_the_same_in_every_run(self, client, number):
        with self.start("--port", "0", "--token", "demo") as process:
            try:
                line = process.stdout.readline()
                url = re.fullmatch(r"Koyeb stand-in on (http://127\.0\.0\.1:\d+)\n", line)[1]
                got = httpx.get(f"{url}/v1/instances", headers={"Authorization": "Bearer demo"})
                assert got.json() == client.get("/v1/instances").json()
                process.send_signal(number)
                rest, errors = process.communicate(timeout=60)
                assert (process.returncode, rest, errors) == (0, "", "")
            finally:
                process.kill()

    def test_a_taken_port_is_said_in_one_line(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with self.start("--port", str(port)) as process:
                _, errors = process.communicate(timeout=60)
        assert process.returncode == 1
        assert errors.startswith(f"Error: can't listen on 127.0.0.1:{port}: ")
        assert "--port" in errors
        assert errors.count("\n") == 1
