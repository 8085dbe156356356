"""Answers in gzip: for whom takes it, of what is worth it, and never of a stream of events."""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess

import httpx
import httpx2
import pytest
from front import FILE, PORTS, call_tool
from listening import listening, live
from served import LIMIT, get, served

from naftiko.serve.gzipped import Gzipped, takes_gzip

LONG = json.dumps([{"name": "Ada", "n": n} for n in range(500)]).encode()
JSON = (b"content-type", b"application/json")
TAKES = {"Accept-Encoding": "gzip"}
TAKES_ = {"Accept_Encoding": "gzip"}


def app(*pieces, status=200, headers=(JSON,)):
    async def answer(scope, receive, send):
        if scope["type"] == "lifespan":
            await live(receive, send)
            return
        await send({"type": "http.response.start", "status": status, "headers": list(headers)})
        for at, piece in enumerate(pieces):
            await send({"type": "http.response.body", "body": piece, "more_body": at < len(pieces) - 1})

    return Gzipped(answer, 1024)


async def ask(answering, method="GET", **headers):
    async with listening(answering) as port, httpx.AsyncClient(trust_env=False, timeout=LIMIT) as client:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with client.stream(
            method, f"http://127.0.0.1:{port}/", headers={"Accept-Encoding": "", **named}
        ) as answer:
            raw = b"".join([piece async for piece in answer.aiter_raw()])
    return answer, raw


def told(*headers):
    return (JSON, (b"content-length", b"%d" % len(LONG)), *headers)


async def test_a_long_answer_is_coded():
    answer, raw = await ask(
        app(LONG, headers=told((b"etag", b'"a"'), (b"accept-ranges", b"bytes"))), Accept_Encoding="br, gzip"
    )
    assert gzip.decompress(raw) == LONG
    assert int(answer.headers["content-length"]) == len(raw) < len(LONG) / 4
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["etag"] == 'W/"a"'
    assert answer.headers["vary"] == "Accept-Encoding"
    assert "accept-ranges" not in answer.headers


@pytest.mark.parametrize("size", [1, 100_000])
async def test_a_stream_is_coded_piece_by_piece(size):
    pieces = [LONG[:size] * 2, b"", LONG, b""]
    answer, raw = await ask(app(*pieces), **TAKES_)
    assert gzip.decompress(raw) == b"".join(pieces)
    assert answer.headers["transfer-encoding"] == "chunked"


async def test_whoever_reads_a_stream_waits_for_nothing_that_was_sent():
    goes_on = asyncio.Event()

    async def answer(scope, receive, send):
        if scope["type"] == "lifespan":
            await live(receive, send)
            return
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/x-ndjson")]}
        )
        await send({"type": "http.response.body", "body": b'{"n":1}\n', "more_body": True})
        await goes_on.wait()
        await send({"type": "http.response.body", "body": b'{"n":2}\n'})

    async with (
        listening(Gzipped(answer, 0)) as port,
        httpx.AsyncClient(trust_env=False, timeout=LIMIT) as client,
        client.stream("GET", f"http://127.0.0.1:{port}/", headers=TAKES) as answered,
    ):
        lines = answered.aiter_lines()
        assert await anext(lines) == '{"n":1}'
        goes_on.set()
        assert await anext(lines) == '{"n":2}'


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ((b"content-type", b"image/png"),),
        ((b"content-type", b"text/event-stream; charset=utf-8"),),
        told((b"content-encoding", b"br")),
        told((b"Cache-Control", b"private, no-transform")),
        told((b"content-digest", b"sha-256=:x:")),
    ],
    ids=["no type", "image", "events", "coded", "no-transform", "digest"],
)
async def test_what_goes_as_it_is(headers):
    answer, raw = await ask(app(LONG, headers=headers), **TAKES_)
    assert raw == LONG
    assert answer.headers.get("content-encoding") in {None, "br"}
    assert "vary" not in answer.headers


@pytest.mark.parametrize("status", [204, 206, 304])
async def test_statuses_that_have_no_whole_body(status):
    headers = (
        (JSON, (b"etag", b'"a"'), (b"content-range", b"bytes 0-1/9")) if status == 206 else (JSON, (b"etag", b'"a"'))
    )
    answer, _ = await ask(app(b"" if status != 206 else b"ab", status=status, headers=headers), **TAKES_)
    assert "content-encoding" not in answer.headers
    assert answer.headers["etag"] == ('W/"a"' if status == 304 else '"a"')
    assert answer.headers.get("vary") == ("Accept-Encoding" if status == 304 else None)


async def test_small_answers_and_callers_who_do_not_take_it_get_it_plain_but_caches_know():
    for answering, headers in ((app(b"[1]"), TAKES_), (app(LONG, headers=told()), {})):
        answer, raw = await ask(answering, **headers)
        assert raw in {b"[1]", LONG}
        assert "content-encoding" not in answer.headers
        assert answer.headers["vary"] == "Accept-Encoding"
    answer, _ = await ask(app(LONG, headers=told((b"vary", b"Origin, accept-encoding"))), **TAKES_)
    assert answer.headers.get_list("vary") == ["Origin, accept-encoding"]


async def test_a_head_is_that_of_the_plain_answer():
    answer, raw = await ask(app(LONG, headers=told()), "HEAD", **TAKES_)
    assert raw == b""
    assert answer.headers["content-length"] == str(len(LONG))


@pytest.mark.parametrize(
    ("value", "takes"),
    [
        ("gzip", True), ("GZIP", True), ("x-gzip", True), ("br, gzip;q=0.5", True), ("*", True), ("gzip;q=0", False),
        ("*;q=0.5, gzip;q=0", False), ("identity;q=1, gzip;q=0.5", False), ("gzip;q=0.5, identity;q=0.1", True),
        ("", False), ("br", False), ("gzip;q=what", False), ("gzip;q=9", False), ("identity", False),
    ],
)  # fmt: skip
def test_who_takes_it(value, takes):
    assert takes_gzip([value.encode()]) is takes


def test_long_headers_are_read_in_linear_time():
    assert not takes_gzip([b"a;q=1," * 10_000])
    assert takes_gzip([b"gzip;q=0.5," + b" " * 60_000])


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "front.yaml"
    path.write_text(FILE)
    return path


@pytest.mark.parametrize("more", [(), ("--workers", "2")], ids=["one", "two"])
def test_rest_and_mcp(file, more):
    with served(
        file,
        *PORTS,
        "--gzip",
        "--gzip-min-size",
        "100",
        "--access-log",
        "--log-format",
        "json",
        *more,
        ready=('"rest"', '"mcp"'),
    ) as running:
        rest, mcp = (json.loads(line)["url"] for line in running.lines[:2])
        answer = get(f"{rest}/openapi.json")
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.json()["openapi"] == "3.1.0"
        agent = httpx2.AsyncClient(trust_env=False, timeout=LIMIT)
        assert not asyncio.run(call_tool(mcp, client=agent, id="7")).is_error
        said = subprocess.run(
            ["curl", "-sS", "--compressed", f"{rest}/openapi.json"], capture_output=True, timeout=LIMIT, check=True
        )
        assert json.loads(said.stdout) == answer.json()
        plain = len(get(f"{rest}/openapi.json", headers={"Accept-Encoding": "identity"}).content)
        sizes = [json.loads(line)["bytes"] for line in running.errors if "/openapi.json" in line]
        assert min(sizes) < plain / 2  # the bytes that were sent


def test_it_is_off_unless_asked_for(file):
    with served(file, *PORTS) as running:
        answer = get(f"{running.rest}/openapi.json", headers=TAKES)
        assert "content-encoding" not in answer.headers
        assert "vary" not in answer.headers
