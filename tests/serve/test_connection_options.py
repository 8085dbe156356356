"""What the options say about callers' connections holds on every port; few descriptors refuse nobody in silence."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from urllib.parse import urlsplit

import pytest
from front import wait_until
from raw_http import answer_of, ask
from served import LIMIT, NAFTIKO, served

from naftiko.serve.sockets import most_connections

FILE = """\
naftiko: 1.0.0-alpha2
capability:
  consumes: [{type: http, namespace: up, baseUri: "http://127.0.0.1:9", resources: [{name: r, path: /r, operations: [{name: get, method: GET}, {name: add, method: POST}]}]}]
  exposes:
    - type: rest
      namespace: front
      port: 8080
      resources: [{path: /r, operations: [{name: get, method: GET, call: up.get}, {name: add, method: POST, call: up.add}]}]
    - {type: mcp, namespace: tools, port: 9090, tools: [{name: get, description: Gets., call: up.get}]}
"""
PORTS = ("--port", "rest=0", "--port", "mcp=0", "--mock")
SMALL = (
    *("--max-head-bytes", "2048", "--max-head-fields", "10", "--head-timeout", "1", "--body-timeout", "1"),
    *("--idle-timeout", "1", "--max-connections-per-address", "20"),
)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("connections") / "front.yaml"
    path.write_text(FILE)
    return path


@pytest.fixture(scope="module")
def site(file):
    with served(file, *PORTS, *SMALL) as running:
        yield running


@pytest.fixture(params=["rest", "mcp"])
def url(request, site):
    return site.url(request.param)


@pytest.mark.parametrize(("headers", "status"), [({"X": "v" * 2100}, 431), ({f"x-{at}": "v" for at in range(10)}, 431)])
def test_heads_are_bounded_on_every_port(url, headers, status):
    answer = ask(url, path="/r", headers=headers)
    assert answer.status == status
    assert json.loads(answer.body)["detail"].endswith(("2048 bytes", "10 header fields"))


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", 0),
        (b"GET /r HTTP/1.1\r\nHost: localhost\r\nX-A: ", 408),
        (
            b"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
            408,
        ),
    ],
    ids=["not a byte", "half a head", "half a body"],
)
def test_nobody_is_waited_for_on_any_port(url, sent, status):
    path = urlsplit(url).path or "/r"
    began = time.monotonic()
    assert answer_of(url, sent.replace(b"{path}", path.encode())).status == status
    assert time.monotonic() - began < LIMIT


def test_an_idle_connection_is_closed(url):
    answer = answer_of(url, b"GET /r HTTP/1.1\r\nHost: localhost\r\n\r\n")  # returns when the server closes
    assert answer.status in {200, 404}


def test_one_address_is_bounded_over_all_ports(site):
    with contextlib.ExitStack() as stack:
        for at in range(20):
            stack.enter_context(connection(site.rest if at % 2 else site.mcp))
        for url in (site.rest, site.mcp):
            end = time.monotonic() + LIMIT
            while (answer := ask(url, path="/r")).status != 503:  # until all twenty are taken in
                assert time.monotonic() < end
            assert "retry-after" in answer.head
    site.wait_for_errors("127.0.0.1 has 20 connections open")


def connection(url: str) -> socket.socket:
    place = urlsplit(url)
    return socket.create_connection((place.hostname, place.port), timeout=LIMIT)


def test_few_descriptors_are_shared_out_and_told(file):
    """As with ``ulimit -n 256``, where 241 connections made the server deaf without a word."""
    command = ("-c", 'ulimit -n 256; exec "$0" "$@"', str(NAFTIKO), "serve")
    with served(file, *PORTS, command=command, program="/bin/sh") as running:
        assert any("142 connections" in line and "256 files" in line for line in running.errors), running.errors
        with contextlib.ExitStack() as stack:
            idle = [stack.enter_context(connection(running.rest)) for _ in range(300)]
            for caller in idle[:200]:
                with contextlib.suppress(OSError):  # closed to make place
                    caller.sendall(b"GET /r HTTP/1.1\r\nHost: localhost\r\n\r\n")
            for url, status in ((running.rest, 200), (running.mcp, 405)):
                assert ask(url, path=urlsplit(url).path or "/r").status == status
            busy = [stack.enter_context(connection(running.mcp)) for _ in range(200)]
            for caller in busy:
                with contextlib.suppress(OSError):  # refused
                    caller.sendall(b"GET /half")
            end = time.monotonic() + LIMIT
            while (answer := ask(running.rest, path="/r")).status != 503:  # those that came last are not yet taken in
                assert time.monotonic() < end
                time.sleep(0.1)
            assert "142 connections are open" in answer.body
        running.wait_for_errors("idle ones are closed")
        wait_until(lambda: sum("142 connections are open" in line for line in running.errors) >= 2, running.said)
        assert sum("142 connections are open" in line for line in running.errors) == 2, running.errors
        end = time.monotonic() + LIMIT
        while ask(running.rest, path="/r").status != 200:
            assert time.monotonic() < end
            time.sleep(0.1)


@pytest.mark.parametrize(
    ("descriptors", "upstream", "most"),
    [(256, 50, 142), (256, 5_000, 128), (1024, 50, 910), (65_536, 50, 10_000), (0, 50, 10_000), (2, 50, 1)],
)
def test_the_usual_number_of_connections_leaves_descriptors_for_upstreams(descriptors, upstream, most):
    assert most_connections(descriptors, upstream) == most


def refused_lines(running, count):
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        found = [json.loads(line) for line in running.errors if '"naftiko.access"' in line]
        if len(found) >= count:
            return found
        time.sleep(0.02)
    raise AssertionError(running.said())


def test_what_the_connection_itself_refuses_has_an_access_line_too(file):
    options = ("--access-log", "--log-format", "json")
    with served(file, *PORTS, *SMALL, *options, ready=('"rest"', '"mcp"')) as running:
        rest = json.loads(running.lines[0])["url"]
        told = [
            (answer_of(rest, b"NONSENSE\r\n\r\n"), {"status": 400}),
            (
                answer_of(rest, b"GET /r HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
                {"status": 400, "method": "GET", "path": "/r"},
            ),
            (ask(rest, path="/r%20x", headers={"X": "v" * 2100}), {"status": 431}),
            (ask(rest, path="/r%20x", headers={f"x-{at}": "v" for at in range(10)}), {"status": 431, "path": "/r x"}),
            (answer_of(rest, b"GET /r HTTP/1.1\r\nHost: localhost\r\nX-A: "), {"status": 408}),
            (
                answer_of(
                    rest,
                    b"POST /r HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
                ),
                {"status": 408, "method": "POST", "route": "/r"},
            ),
        ]
        lines = refused_lines(running, len(told))
        assert len(lines) == len(told), lines
        for (answer, facts), line in zip(told, lines, strict=True):
            assert answer.status == facts["status"]
            assert line["client"] == "127.0.0.1"
            assert line["bytes"] == len(answer.body)
            assert f"x-request-id: {line['request_id']}" in answer.head
            assert line.items() >= facts.items()


def test_a_connection_for_which_there_is_no_place_has_an_access_line(file):
    options = ("--max-connections-per-address", "2", "--access-log", "--log-format", "json")
    with served(file, *PORTS, *options, ready=('"rest"', '"mcp"')) as running, contextlib.ExitStack() as stack:
        rest = json.loads(running.lines[0])["url"]
        place = urlsplit(rest)
        for _ in range(2):
            stack.enter_context(socket.create_connection((place.hostname, place.port), timeout=LIMIT))
        answer = answer_of(rest, b"")
        assert answer.status == 503
        (line,) = refused_lines(running, 1)
        assert (line["status"], line["client"]) == (503, "127.0.0.1")
        assert f"x-request-id: {line['request_id']}" in answer.head
