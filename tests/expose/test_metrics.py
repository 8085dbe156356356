"""Metrics of calls over sockets, as a scraper reads them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import pickle
import re

import httpx
import pytest
from mcp_wire import LIMIT, NEWEST, serving
from starlette.responses import JSONResponse

import naftiko
from naftiko.engine.pool_figures import pool_figures
from naftiko.engine.transport import Limits
from naftiko.expose.mcp import mcp_app
from naftiko.observe.figures import MOST_SERIES, Family
from naftiko.observe.metrics import Metrics, added, exposition
from naftiko.testing import HangUp

CAPABILITY = """
naftiko: 1.0.0-alpha2
info: {label: Counted "Ships"}
capability:
  consumes:
    - type: http
      namespace: up
      baseUri: http://unused.invalid
      resources: [{path: "/things/{id}", operations: [{name: thing, method: GET}]}]
  exposes:
    - type: rest
      namespace: rest-ns
      port: 8080
      resources:
        - {path: "/things/{id}", operations: [{method: GET, name: thing, call: up.thing}]}
        - path: /flow/{id}
          operations:
            - method: GET
              name: flow
              inputParameters: [{name: id, in: path}]
              steps:
                - {type: call, name: one, call: up.thing, with: {id: "{{id}}"}}
                - {type: lookup, name: two, index: one, match: n, lookupValue: "{{id}}"}
              mappings: [{targetName: got, value: $.one.n}]
        - {path: "/forward/{path}", forward: {targetNamespace: up}}
    - type: mcp
      namespace: mcp-ns
      tools: [{name: thing, description: A thing, call: up.thing}]
      resources:
        - {name: page, uri: "things://{id}", description: A thing, mimeType: application/json, call: up.thing}
"""
SERIES = re.compile(r"([a-z_]+)(?:\{(.*)\})? (\S+)")
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


def read(text):
    """Return the values of series by name and labels."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, labels, value = SERIES.fullmatch(line).groups()
            assert (name, labels) not in found
            found[name, frozenset(LABEL.findall(labels or ""))] = float(value)
    return found


class Scraped:
    """What is counted, once it is counted: an answer is there a moment before its run has ended."""

    def __init__(self, metrics):
        self.metrics = metrics

    def all(self):
        return read(exposition(self.metrics.snapshot()))

    def value(self, name, **labels):
        return self.all().get((name, frozenset(labels.items())))

    async def until(self, name, expected, **labels):
        async with asyncio.timeout(LIMIT):
            while self.value(name, **labels) != expected:  # noqa: ASYNC110  # a forward ends behind its answer
                await asyncio.sleep(0.01)

    def of(self, name):
        return {labels for found, labels in self.all() if found == name}


@pytest.fixture
async def site(upstream):
    metrics = Metrics()
    settings = naftiko.Settings(
        base_uris={"up": upstream.url}, environment={}, observer=metrics.observer(), limits=Limits(connections=1)
    )
    async with contextlib.AsyncExitStack() as stack:
        capability = await stack.enter_async_context(naftiko.loads(CAPABILITY, settings=settings))
        assert not capability.errors, capability.errors
        metrics.serves([capability.label])
        metrics.add(lambda: pool_figures([capability]))

        async def start(adapter):
            made = naftiko.rest_app([capability]) if adapter == "rest" else mcp_app([capability])
            url = await stack.enter_async_context(serving(made))
            return await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=LIMIT, trust_env=False))

        yield Scraped(metrics), start


async def test_rest_calls_by_operation_and_status(site, upstream):
    scraped, start = site
    client = await start("rest")
    upstream.on("GET", "/things/{id}", {"n": 1})
    for _ in range(2):
        assert (await client.get("/things/7")).status_code == 200
    for wrong, status in ((JSONResponse({}, 503), 503), (HangUp(), 502), (JSONResponse({}, 404), 404)):
        upstream.misbehave(wrong)
        assert (await client.get("/things/7")).status_code == status
    rest = {"ikanos_adapter_type": "rest", "ikanos_operation_id": "/things/{id} GET"}
    for status, count in (("200", 2), ("503", 1), ("502", 1), ("404", 1)):
        assert scraped.value("ikanos_request_total", **rest, status=status) == count
        assert scraped.value("ikanos_request_duration_seconds_count", **rest, status=status) == count
    sent = {"http_request_method": "GET", "server_address": "127.0.0.1"}
    for status, count in (("200", 2), ("503", 1), ("404", 1)):
        assert scraped.value("ikanos_http_client_total", **sent, http_response_status_code=status) == count
    assert scraped.value("ikanos_http_client_total", **sent, error_type="upstream-broken") == 1
    # What the caller did wrong is no error of ours: the alerts are on the ratio of the two.
    errors = {dict(labels)["error_type"] for labels in scraped.of("ikanos_request_errors")}
    assert errors == {"upstream-status", "upstream-broken"}
    assert scraped.value("ikanos_request_in_flight", ikanos_adapter_type="rest") == 0
    assert scraped.value("ikanos_http_client_in_flight", ikanos_namespace="up") == 0
    assert scraped.value("ikanos_capability_active", ikanos_capability='Counted \\"Ships\\"') == 1


async def test_buckets_are_accumulated_and_end_in_all(site, upstream):
    scraped, start = site
    client = await start("rest")
    upstream.on("GET", "/things/{id}", {"n": 1})
    await client.get("/things/7")
    buckets = [
        (float(dict(labels)["le"]), value)
        for (name, labels), value in scraped.all().items()
        if name == "ikanos_request_duration_seconds_bucket"
    ]
    assert buckets == sorted(buckets)
    assert buckets[-1] == (float("inf"), 1)
    assert {0.005, 1.0, 10.0} < {bound for bound, _ in buckets}


async def test_steps_and_forwards(site, upstream):
    scraped, start = site
    client = await start("rest")
    upstream.on("GET", "/things/{id}", [{"n": "7"}])
    assert (await client.get("/flow/7")).status_code == 200
    assert (await client.get("/forward/things/7")).status_code == 200
    assert (await client.request("PROPFIND", "/forward/things/7")).status_code in {404, 405}
    await scraped.until("ikanos_request_in_flight", 0, ikanos_adapter_type="rest")
    for kind in ("call", "lookup"):
        assert scraped.value("ikanos_step_duration_seconds_count", ikanos_namespace="rest-ns", step_type=kind) == 1, (
            scraped.of("ikanos_step_duration_seconds_count")
        )
    operations = {dict(labels)["ikanos_operation_id"] for labels in scraped.of("ikanos_request_total")}
    assert operations == {"/flow/{id} GET", "/forward/{path} GET", "/forward/{path} other"}


async def test_tools_and_resources(site, upstream, wire):
    scraped, start = site
    client = await start("mcp")
    at = wire(f"{client.base_url}/mcp", NEWEST)
    upstream.on("GET", "/things/{id}", {"n": 1})
    assert not (await at.call("thing", {"id": "7"})).get("isError")
    assert (await at.call("thing", {}))["isError"]
    await at.ask("resources/read", {"uri": "things://7"})
    tool = {"ikanos_adapter_type": "mcp", "ikanos_operation_id": "thing"}
    assert scraped.value("ikanos_request_total", **tool, status="OK") == 1
    assert scraped.value("ikanos_request_total", **tool, status="ERROR") == 1
    assert scraped.value("ikanos_request_errors", **tool, error_type="invalid-input") == 1
    page = {**tool, "ikanos_operation_id": "resources/read page"}
    assert scraped.value("ikanos_request_total", **page, status="OK") == 1


async def test_pools_and_the_process(site, upstream):
    scraped, start = site
    client = await start("rest")
    upstream.on("GET", "/things/{id}", {"n": 1})
    await client.get("/things/7")
    up = {"ikanos_namespace": "up"}
    assert scraped.value("ikanos_http_client_pool_limit", **up) == 1
    assert scraped.value("ikanos_http_client_pool_in_use", **up) == 0
    assert scraped.value("ikanos_http_client_queue_duration_seconds_count", **up) == 0
    assert scraped.value("process_cpu_seconds_total") > 0
    assert scraped.value("process_resident_memory_bytes") > 10_000_000
    assert 3 <= scraped.value("process_open_fds") <= scraped.value("process_max_fds")
    assert scraped.value("process_start_time_seconds") > 1_000_000_000
    assert scraped.value("python_gc_collections_total", generation="2") is not None


async def test_workers_are_added_up(site, upstream):
    """A snapshot is plain data: it goes through JSON, or pickle, from a worker to who supervises them."""
    scraped, start = site
    client = await start("rest")
    upstream.on("GET", "/things/{id}", {"n": 1})
    await client.get("/things/7")
    one = scraped.metrics.snapshot()
    assert pickle.loads(pickle.dumps(one)) == one
    assert exposition(json.loads(json.dumps(one))) == exposition(one)
    two = read(exposition(added([one, json.loads(json.dumps(one))]), "naftiko"))
    alone = read(exposition(one, "naftiko"))
    assert two.keys() == alone.keys()
    for (name, labels), value in two.items():
        once = alone[name, labels]
        is_same = name in {"process_start_time_seconds", "python_info", "naftiko_capability_active"}
        assert value == pytest.approx(once if is_same else 2 * once), name
    assert (
        "naftiko_request_total",
        frozenset({("naftiko_adapter_type", "rest"), ("naftiko_operation_id", "/things/{id} GET"), ("status", "200")}),
    ) in two


def test_the_number_of_series_has_a_bound():
    family = Family("@x_total", "X", "counter", ("host", "status"))
    for at in range(MOST_SERIES + 500):
        family.counter(f"host{at}", "200").value += 1
    family.counter("host1", "200").value += 1
    series = read(exposition({"@x_total": family.snapshot()}))
    assert len(series) == MOST_SERIES + 1
    assert sum(series.values()) == MOST_SERIES + 501
    assert series["ikanos_x_total", frozenset({("host", "other"), ("status", "other")})] == 500


def test_what_outsiders_say_forges_no_line():
    text = exposition({"@x_total": {"type": "counter", "help": "a\nb", "samples": [({"host": 'a"} 1\ny_total\\'}, 1)]}})
    assert (
        text
        == '# HELP ikanos_x_total a\\nb\n# TYPE ikanos_x_total counter\nikanos_x_total{host="a\\"} 1\\ny_total\\\\"} 1\n'
    )
