"""The connections to one upstream: bounded, shared by its operations, given back by callers who don't read."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from click.testing import CliRunner
from odd_upstream import OddUpstream, hangs_up, leaves, never_ends, says_nothing
from served import LIMIT, served

from naftiko.cli.application import application

CAPABILITY = """
naftiko: 1.0.0-alpha5
capability:
  consumes:
  - namespace: up
    type: http
    baseUri: http://127.0.0.1:9
    resources:
    - {name: slow, path: "/slow/{kind}", operations: [{name: slow, method: GET}]}
    - {name: quick, path: "/quick/{kind}", operations: [
        {name: quick, method: GET}, {name: add, method: POST}, {name: put, method: PUT}, {name: drop, method: DELETE},
        {name: change, method: PATCH}]}
  exposes:
  - type: rest
    namespace: web
    port: 8080
    resources:
    - {path: "/slow/{kind}", operations: [{method: GET, call: up.slow}]}
    - {path: "/quick/{kind}", operations: [
        {method: GET, call: up.quick}, {method: POST, call: up.add}, {method: PUT, call: up.put},
        {method: DELETE, call: up.drop}, {method: PATCH, call: up.change}]}
    - {path: "/through/{{path}}", forward: {targetNamespace: up, trustedHeaders: [X-Trace]}}
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    made = tmp_path_factory.mktemp("places") / "places.yaml"
    made.write_text(CAPABILITY)
    return made


@pytest.fixture(scope="module")
def standing_in():
    with OddUpstream() as made:
        made.answers.update({"never": says_nothing, "endless": never_ends, "leaves": leaves})
        yield made


@pytest.fixture
def upstream(standing_in):
    standing_in.clear()
    return standing_in


@pytest.fixture(scope="module")
def usual(file, standing_in):
    """A client of a process that nothing was set of."""
    with serving(file, standing_in) as client:
        yield client


@contextlib.contextmanager
def serving(file, upstream, *options: str, **env: str) -> Iterator[httpx.Client]:
    with (
        served(
            file, "--port", "rest=0", "--base-uri", f"up={upstream.url}", *options, ready=["rest "], env=env
        ) as process,
        httpx.Client(base_url=process.rest, trust_env=False, timeout=LIMIT) as client,
    ):
        yield client
        assert process.stop(within=LIMIT) == 0


@contextlib.contextmanager
def callers(client: httpx.Client, count: int, path: str, buffer: int = 0) -> Iterator[list[socket.socket]]:
    """Callers who ask and read nothing."""
    with contextlib.ExitStack() as stack:
        sockets = []
        for _ in range(count):
            connection = stack.enter_context(socket.socket())
            if buffer:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            connection.connect(("127.0.0.1", client.base_url.port))
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            sockets.append(connection)
        yield sockets


def until(condition, what: str = "") -> None:
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("path", "buffer"), [("/slow/never", 0), ("/through/slow/never", 0), ("/through/slow/endless", 4096)]
)
def test_a_slow_operation_does_not_starve_its_siblings(usual, upstream, path, buffer):
    """60 callers want all 50 connections, and get 40."""
    kind = path.rpartition("/")[2]
    with callers(usual, 60, path, buffer):
        until(lambda: upstream.counts[f"GET {kind}"] >= 40)
        for _ in range(20):
            assert usual.get("/quick/x").json() == {"ok": True}
        assert upstream.counts[f"GET {kind}"] == 40
        assert upstream.open <= 50
    until(lambda: upstream.open <= 5)


def test_a_full_pool_is_503_with_retry_after_and_all_of_it_is_set_by_the_operator(file, upstream):
    """Of 3 connections one operation may hold 2, a second one gets the third, and nothing is left for others."""
    env = {
        "NAFTIKO_UPSTREAM_MAX_CONCURRENT_CALLS": "7 up=3",
        "NAFTIKO_UPSTREAM_MAX_WAIT_DURATION": "600",
        "NAFTIKO_UPSTREAM_OPERATION_SHARE": "0.5",
    }
    options = ["--upstream-max-wait-duration", "0.3"]
    with serving(file, upstream, *options, **env) as client, callers(client, 5, "/slow/never"):
        until(lambda: upstream.counts["GET never"] >= 2)
        assert client.get("/quick/x").status_code == 200
        assert upstream.counts["GET never"] == 2
        with callers(client, 1, "/through/slow/never"):
            until(lambda: upstream.counts["GET never"] == 3)
            started = time.monotonic()
            answer = client.get("/quick/x")
            assert 0.2 < time.monotonic() - started < LIMIT
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["type"] == "urn:naftiko:problem:overloaded"
    assert "all 3 connections" in answer.json()["detail"]
    assert upstream.counts["GET x"] == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--upstream-max-concurrent-calls", "0"], "is not like 20 or shop=5"),
        (["--upstream-max-concurrent-calls", "up=many"], "is not like 20 or shop=5"),
        (
            ["--upstream-max-concurrent-calls", "upp=5"],
            "--upstream-max-concurrent-calls upp=5 names no consumed API; did you mean",
        ),
        (["--upstream-max-wait-duration", "0"], "is not in the range"),
        (["--upstream-operation-share", "1.5"], "is not in the range"),
    ],
)
def test_settings_that_mean_nothing_are_told(file, options, said):
    done = CliRunner().invoke(application, ["serve", str(file), *options])
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())


def test_no_get_is_lost_to_an_upstream_that_closes_after_each_answer(usual, upstream):
    """Each connection is closed a moment after its answer, while the next request is on its way to it."""
    total = 400

    def ask(count: int) -> list[int]:
        with httpx.Client(base_url=usual.base_url, trust_env=False, timeout=LIMIT) as own:
            found = []
            for at in range(count):
                found.append(own.get("/quick/leaves").status_code)
                time.sleep(0.001 * (at % 5))
            return found

    with ThreadPoolExecutor(8) as pool:
        statuses = [status for each in pool.map(ask, [total // 8] * 8) for status in each]
    assert statuses == [200] * total
    assert upstream.counts["GET leaves"] >= total  # some were asked for once more


@pytest.mark.parametrize(("method", "times"), [("POST", 1), ("PUT", 1), ("DELETE", 1), ("PATCH", 1), ("GET", 2)])
def test_what_changes_something_is_sent_once_whatever_becomes_of_its_connection(usual, upstream, method, times):
    """Its upstream reads it, and closes without an answer: it may have been carried out (RFC 9110, 9.2.2)."""
    upstream.answers["pay"] = hangs_up
    for _ in range(3):
        assert usual.get("/quick/x").status_code == 200  # a connection that is kept, and will be reused
        assert usual.request(method, "/quick/pay", json={}).status_code == 502
    assert upstream.counts[f"{method} pay"] == 3 * times


def test_what_fails_on_a_fresh_connection_is_not_repeated(file, upstream):
    """There was no idle connection that its upstream could have closed."""
    upstream.answers["pay"] = hangs_up
    with serving(file, upstream) as client:
        for _ in range(3):
            assert client.get("/quick/pay").status_code == 502
    assert upstream.counts["GET pay"] == 3


@pytest.mark.parametrize("written", ["2", '"up=2"', '["50", "up=2"]', "{up = 2}"])
def test_the_settings_file_says_it_as_a_number_a_text_a_list_or_a_table(file, upstream, tmp_path, written):
    settings = tmp_path / "naftiko.toml"
    settings.write_text(f"[serve]\nupstream-max-concurrent-calls = {written}\nupstream-operation-share = 0.5\n")
    with serving(file, upstream, "--config", str(settings)) as client, callers(client, 3, "/slow/never"):
        until(lambda: upstream.counts["GET never"] == 1)
        assert client.get("/quick/x").status_code == 200
        assert upstream.counts["GET never"] == 1
