"""Answers whose head is none: 502 with a reason over REST, MCP and `forward`, and the next call works (RFC 9110)."""

from __future__ import annotations

import json

import httpx
import pytest
from odd_upstream import OddUpstream
from served import FREE, LIMIT, served

CAPABILITY = """
naftiko: 1.0.0-alpha5
capability:
  consumes:
  - namespace: up
    type: http
    baseUri: http://127.0.0.1:9
    resources: [{name: odd, path: "/odd/{kind}", operations: [{name: ask, method: GET}]}]
  exposes:
  - type: rest
    namespace: web
    port: 8080
    resources:
    - {path: "/ask/{kind}", operations: [{method: GET, call: up.ask}]}
    - {path: "/mapped/{kind}", operations: [{method: GET, call: up.ask, outputParameters: [{name: ok, type: boolean, mapping: $.ok}]}]}
    - {path: "/through/{{path}}", forward: {targetNamespace: up, trustedHeaders: [X-Trace]}}
  - type: mcp
    namespace: agents
    port: 9090
    tools: [{name: ask, description: Ask the odd one., call: up.ask}]
"""


def flawed(head: bytes, status: bytes = b"200 OK") -> bytes:
    return (
        b"HTTP/1.1 "
        + status
        + b"\r\n"
        + head
        + b'Content-Type: application/json\r\nContent-Length: 12\r\n\r\n{"ok": true}'
    )


FLAWED = {
    "999": flawed(b"", b"999 X"),
    "600": flawed(b"", b"600 X"),
    "1000": flawed(b"", b"1000 X"),
    "099": flawed(b"", b"099 X"),
    "000": flawed(b"", b"000 X"),
    "20": flawed(b"", b"20 X"),
    "minus": flawed(b"", b"-20 X"),
    "no-number": flawed(b"", b"abc X"),
    "no-status": b"HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    "101": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nxx",
    "escape-in-value": flawed(b'ETag: "\x1b[31m"\r\n'),
    "escape-in-any-value": flawed(b"X-Any: \x1b[31m\r\n"),
    "bell-in-type": b'HTTP/1.1 200 OK\r\nContent-Type: text/\x07plain\r\nContent-Length: 12\r\n\r\n{"ok": true}',
    "delete-in-value": flawed(b"X-Any: a\x7f\r\n"),
    "null-in-value": flawed(b"X-Any: a\0b\r\n"),
    "return-in-value": flawed(b"X-Any: a\rX-Evil: 1\r\n"),
    "space-in-name": flawed(b"X Any: a\r\n"),
    "space-before-colon": flawed(b"X-Any : a\r\n"),
    "bracket-in-name": flawed(b"X(Any): a\r\n"),
    "byte-in-name": flawed(b"X-\xe9: a\r\n"),
    "quote-in-name": flawed(b'X"Any: a\r\n'),
    "no-name": flawed(b": a\r\n"),
    "no-colon": flawed(b"what is this\r\n"),
    "two-lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 20\r\n\r\n{}",
    "length-list": b"HTTP/1.1 200 OK\r\nContent-Length: 2, 20\r\n\r\n{}",
    "length-plus": b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n{}",
    "length-and-chunked": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "chunked-and-length": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "chunk-size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n0\r\n\r\n",
    "too-many": b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: a\r\n" % at for at in range(5000)) + b"\r\n",
    "too-long": flawed(b"X-Any: " + b"a" * 200_000 + b"\r\n"),
    "early-for-ever": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100_000 + flawed(b""),
    "garbage": bytes(range(256)),
    "no-http": b'{"ok": true}\r\n\r\n',
}


@pytest.fixture(scope="module")
def upstream():
    with OddUpstream() as standing_in:
        standing_in.answers.update(FLAWED)
        yield standing_in


@pytest.fixture(scope="module")
def running(upstream, tmp_path_factory):
    file = tmp_path_factory.mktemp("heads") / "odd.yaml"
    file.write_text(CAPABILITY)
    with served(file, *FREE, "--base-uri", f"up={upstream.url}") as process:
        yield process
        assert process.stop() == 0


@pytest.fixture(scope="module")
def client(running):
    with httpx.Client(base_url=running.rest, trust_env=False, timeout=LIMIT) as made:
        yield made


def call_tool(running, kind: str) -> dict[str, object]:
    message = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "ask", "arguments": {"kind": kind}},
    }
    headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-06-18"}
    answer = httpx.post(running.mcp, json=message, headers=headers, trust_env=False, timeout=LIMIT)
    assert answer.status_code == 200
    return answer.json()["result"]


@pytest.mark.parametrize("kind", FLAWED)
def test_a_flawed_head_is_told_and_harms_no_other_call(client, running, kind):
    for path in (f"/ask/{kind}", f"/mapped/{kind}", f"/through/odd/{kind}"):
        answer = client.get(path)
        assert answer.status_code == 502, path
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["type"] == "urn:naftiko:problem:upstream-broken"
        assert "Error" not in problem["detail"]
        assert client.get("/ask/fine").json() == {"ok": True}
    result = call_tool(running, kind)
    assert result["isError"]
    assert "upstream's answer is broken" in result["content"][0]["text"]
    assert "Traceback" not in running.said()


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("999", "its status is 999, and statuses are 100 to 599"),
        ("101", "switches to another protocol (101)"),
        ("escape-in-value", "a header of it holds a character that no header may hold"),
    ],
)
def test_the_problem_says_what_is_wrong(client, kind, said):
    assert said in client.get(f"/ask/{kind}").json()["detail"]


SOUND = {
    "latin": ("Location: /\u00e9\r\n".encode("latin-1"), 200),
    "tab": (b"X-Any: a\tb\r\n", 200),
    "empty": (b"X-Any:\r\n", 200),
    "symbols": (b"X!#$%&'*+.^_`|~-1: a\r\n", 200),
}


@pytest.mark.parametrize("kind", SOUND)
def test_what_is_allowed_stays_allowed(upstream, client, kind):
    head, status = SOUND[kind]
    upstream.answers[kind] = flawed(head)
    for path in (f"/ask/{kind}", f"/through/odd/{kind}"):
        assert client.get(path).status_code == status


@pytest.mark.parametrize(
    ("kind", "raw", "status"),
    [
        ("nothing-204", b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", 204),
        ("length-204", b"HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n", 204),
        ("length-304", b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 700\r\n\r\n', 304),
        ("chunked-304", b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", 304),
        (
            "early-hints",
            b'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"ok": true}',
            200,
        ),
    ],
)
def test_answers_without_content_and_early_ones(upstream, client, running, kind, raw, status):
    """A length of what is not sent is no length of what we send (RFC 9110 chapters 8.6 and 15.2)."""
    upstream.answers[kind] = raw
    for path in (f"/ask/{kind}", f"/through/odd/{kind}"):
        answer = client.get(path)
        assert (answer.status_code, answer.content) == (status, b"" if status != 200 else b'{"ok": true}')
        assert client.get("/ask/fine").json() == {"ok": True}
    assert "Traceback" not in running.said()
    assert json.dumps(call_tool(running, kind))
