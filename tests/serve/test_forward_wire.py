"""`forward` on the wire: whose query key it is, headers of one hop, and requests that want to be two (RFC 9112)."""

from __future__ import annotations

import re
import socket

import httpx
import pytest
from odd_upstream import OddUpstream
from served import LIMIT, served

CAPABILITY = """
naftiko: 1.0.0-alpha5
capability:
  consumes:
  - namespace: up
    type: http
    baseUri: http://127.0.0.1:9
    authentication: {type: apikey, key: k, value: "{{env.KEY}}", placement: query}
    inputParameters: [{name: tenant, in: query, value: acme}]
    resources: [{name: odd, path: "/odd/{kind}", operations: [{name: ask, method: GET}]}]
  exposes:
  - type: rest
    namespace: web
    port: 8080
    resources:
    - path: "/through/{{path}}"
      forward:
        targetNamespace: up
        trustedHeaders: [X-Trace, X-Hop, Te, Upgrade, Proxy-Authorization, Proxy-X, Keep-Alive, Connection, Expect, HTTP2-Settings,
          Transfer-Encoding, Content-Length, Host, Trailer]
    - {path: "/ask/{kind}", operations: [{method: GET, call: up.ask}]}
"""
KEY = "our-key-0123456789"


@pytest.fixture(scope="module")
def upstream():
    with OddUpstream() as standing_in:
        yield standing_in


@pytest.fixture(scope="module")
def running(upstream, tmp_path_factory):
    file = tmp_path_factory.mktemp("forward") / "forward.yaml"
    file.write_text(CAPABILITY)
    options = ["--port", "rest=0", "--base-uri", f"up={upstream.url}/base"]
    with served(file, *options, env={"KEY": KEY}, ready=["rest "]) as process:
        yield process
        assert process.stop() == 0
        assert KEY not in process.said()


@pytest.fixture
def ask(upstream, running):
    """Send a request as it is written; return the answer, and the heads that the upstream got."""
    upstream.heads.clear()

    def asking(request: bytes, *, closes: bool = True) -> tuple[bytes, list[bytes]]:
        port = httpx.URL(running.rest).port
        with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as connection:
            connection.sendall(request)
            if not closes:
                connection.shutdown(socket.SHUT_WR)
            answer = b""
            while piece := connection.recv(65_536):
                answer += piece
        return answer, [*upstream.heads]

    return asking


def get(target: str, *headers: str) -> bytes:
    lines = [f"GET {target} HTTP/1.1", "Host: localhost", *headers]
    if not any(header.lower().startswith("connection") for header in headers):
        lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("", ""),
        ("?a=1&b=2", "a=1&b=2&"),
        ("?k=evil", ""),
        ("?k=evil&a=1", "a=1&"),
        ("?a=1&k=evil&k=evil2&b=2", "a=1&b=2&"),
        ("?%6b=evil&a=%20x", "a=%20x&"),
        ("?%6B=evil", ""),
        ("?K=evil", ""),
        ("?+k=evil&k%20=evil", ""),
        ("?k[]=evil&k[0]=evil&k%5Bx%5D=evil", ""),
        ("?a=1;k=evil;b=2", "a=1;b=2&"),
        ("?k", ""),
        ("?k&k=", ""),
        ("?key=mine&kk=mine", "key=mine&kk=mine&"),
        ("?a=k&a=k%3Dmine", "a=k&a=k%3Dmine&"),
        ("?tenant=other&TENANT=other", ""),
        ("?&&a=1&", "&&a=1&&"),
    ],
)
def test_our_key_wins_once_and_the_rest_is_kept(ask, query, kept):
    answer, heads = ask(get(f"/through/x{query}"))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert len(heads) == 1
    assert heads[0].split(b" ")[1].decode() == f"/base/x?{kept}tenant=acme&k={KEY}"


@pytest.mark.parametrize(
    "headers",
    [
        ("Connection: close, X-Hop", "X-Hop: secret"),
        ("connection: close,x-HOP , , keep-alive", "X-HOP: secret", "Keep-Alive: secret"),
        ("Connection: close", "Connection: x-hop", "X-Hop: secret"),
        ("Connection: close, Te", "TE: secret"),
        ("Upgrade: secret", "HTTP2-Settings: secret"),
        ("Proxy-Authorization: Basic secret", "Proxy-X: secret", "proxy-connection: secret"),
        ("Expect: 100-continue",),
        ("Trailer: secret", "Keep-Alive: timeout=secret"),
    ],
)
def test_headers_of_one_hop_stay_behind(ask, headers):
    answer, heads = ask(get("/through/x", "X-Trace: kept", *headers))
    assert b"HTTP/1.1 200 " in answer
    names = {line.partition(b":")[0].lower() for line in heads[0].split(b"\r\n")[1:] if line}
    assert b"secret" not in heads[0]
    assert b"x-trace" in names
    assert names <= {b"host", b"x-trace", b"user-agent", b"accept", b"accept-encoding", b"connection"}
    assert b"Host: localhost\r\n" not in heads[0]


def test_headers_of_one_hop_do_not_come_back(ask, upstream):
    upstream.answers["hops"] = (
        b"HTTP/1.1 200 OK\r\nConnection: X-Hop, close\r\nconnection: x-other\r\nX-Hop: secret\r\nX-Other: secret\r\n"
        b"Keep-Alive: timeout=secret\r\nProxy-Authenticate: Basic realm=secret\r\nProxy-Y: secret\r\nUpgrade: secret\r\n"
        b"Trailer: secret\r\nTE: secret\r\nX-Kept: 1\r\nContent-Length: 2\r\n\r\nok"
    )
    answer, _ = ask(get("/through/hops"))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert (b"secret" in head, body) == (False, b"ok")
    assert b"x-kept: 1" in head
    upstream.answers["length"] = b"HTTP/1.1 200 OK\r\nConnection: content-length\r\nContent-Length: 2\r\n\r\nok"
    answer, _ = ask(get("/through/length"))
    assert answer.endswith(b"\r\n2\r\nok\r\n0\r\n\r\n")


def test_trace_is_not_forwarded(ask):
    """Its answer is the request, with our credential (RFC 9110 chapter 9.3.8)."""
    answer, heads = ask(get("/through/x").replace(b"GET", b"TRACE", 1))
    assert answer.startswith(b"HTTP/1.1 501 ")
    assert heads == []


HIDDEN = b"GET /through/admin HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
POST = b"POST /through/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
SMUGGLED = {
    "length and chunked": b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % (5 + len(HIDDEN)),
    "chunked and length": b"Transfer-Encoding: chunked\r\nContent-Length: %d\r\n\r\n0\r\n\r\n" % (5 + len(HIDDEN)),
    "two lengths": b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN),
    "list of lengths": b"Content-Length: 0, %d\r\n\r\n" % len(HIDDEN),
    "length with a sign": b"Content-Length: +0\r\n\r\n",
    "hexadecimal length": b"Content-Length: 0x0\r\n\r\n",
    "length below zero": b"Content-Length: -1\r\n\r\n",
    "unknown coding": b"Transfer-Encoding: xchunked\r\n\r\n",
    "coding behind chunked": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "two codings": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "coding and a tab": b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "space before the colon": b"Transfer-Encoding : chunked\r\nContent-Length: 0\r\n\r\n",
    "folded coding": b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 0\r\n\r\n",
    "folded header": b"X-Trace: a\r\n Content-Length: 5\r\nContent-Length: 0\r\n\r\n",
    "return alone": b"X-Trace: a\rContent-Length: 5\r\nContent-Length: 0\r\n\r\n",
    "line feed in a value": b"X-Trace: a\n\nGET /x HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    "chunk size": b"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n",
    "chunk below zero": b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
    "huge chunk": b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n\r\n",
    "chunk without an end": b"Transfer-Encoding: chunked\r\n\r\n1\r\naX\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("form", SMUGGLED)
def test_one_request_is_never_two(ask, form):
    """Refused, or one request: what hides behind it reaches nobody under another reading."""
    answer, heads = ask(POST + SMUGGLED[form] + HIDDEN)
    assert len(re.findall(rb"HTTP/1\.1 \d", answer)) == 1
    assert answer.split(b" ")[1] in {b"400", b"200", b"502"}, answer
    assert not any(b"/admin" in head for head in heads)
    for head in heads:
        assert head.lower().count(b"\r\ncontent-length:") + head.lower().count(b"\r\ntransfer-encoding:") == 1


def test_a_trailer_is_no_header(ask, upstream):
    """What comes behind a chunked body stays behind."""
    body = b"Transfer-Encoding: chunked\r\nTrailer: X-Trace\r\n\r\n2\r\nok\r\n0\r\nX-Trace: late\r\n\r\n"
    upstream.answers["x"] = _echo_of_chunks
    answer, heads = ask(POST + body)
    del upstream.answers["x"]
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"late" not in heads[0]


def test_a_trailer_has_no_more_fields_than_a_head(ask):
    body = b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n" + b"X: a\r\n" * 10_000 + b"\r\n"
    answer, _ = ask(POST + body)
    assert not answer.startswith(b"HTTP/1.1 200 ")


async def _echo_of_chunks(_head, writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
    await writer.drain()
    writer.close()


CODED = {
    "unknown coding": b"Transfer-Encoding: xchunked\r\n\r\n",
    "coded chunks": b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "coding behind chunked": b"Transfer-Encoding: chunked, identity\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "two codings": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 2\r\nContent-Length: 0\r\n\r\nok",
    "length and chunked": b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("form", CODED)
def test_an_answer_that_could_be_two_is_none(ask, upstream, form):
    kind = form.replace(" ", "-")
    hidden = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    upstream.answers[kind] = b"HTTP/1.1 200 OK\r\n" + CODED[form] + hidden
    answer, _ = ask(get(f"/through/{kind}"))
    assert answer.startswith(b"HTTP/1.1 502 "), answer
    answer, _ = ask(get("/through/x"))
    assert b"evil" not in answer


def test_what_follows_an_answer_is_nobodys(ask, upstream):
    """A second answer behind the first, to a request that was never sent, is not the next caller's."""
    hidden = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    upstream.answers["more"] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + hidden
    for _ in range(3):
        ask(get("/through/more"))
        answer, _ = ask(get("/through/x"))
        assert b"evil" not in answer
