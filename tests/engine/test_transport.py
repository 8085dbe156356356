"""The transport on real sockets: what goes on the wire and what comes back."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gzip
import random
import subprocess
import sys
import zlib
from collections.abc import AsyncIterator, Callable
from functools import partial

import brotli
import httpx
import pytest
from raw_upstream import OK, QUICK, Received, answers, coded, get

import naftiko
from naftiko.engine.transport import Limits, Transport, fetch
from naftiko.ground.errors import UpstreamBroken

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/a%2Fb/%2E%2E/c",
        "/a?a=1&a=2&page%5Btoken%5D=x&q=%7By%7D",
        "/a//b/?x=a+b&y=%20&z=%C3%A9",
        "/%24batch/'(x)',;:@!*~?$orderby=name%20desc&u=http://h/?q",
    ],
)
async def test_the_request_target_is_sent_byte_for_byte(start, transport, target):
    upstream = await start(answers(OK))
    await get(transport, upstream.url(target))
    assert upstream.requests[0].line == b"GET " + target.encode() + b" HTTP/1.1"


async def test_headers_are_sent_as_given_and_nothing_is_made_up(start, transport):
    upstream = await start(answers(OK))
    given = [
        ("X-One", "1"),
        ("X-Dup", "a"),
        ("X-Dup", "b"),
        ("x-dup", "c"),
        ("X-Name", "Zoë"),
        ("Accept-Encoding", "br"),
    ]
    await get(transport, upstream.url(), headers=[(n.encode(), v.encode()) for n, v in given])
    request = upstream.requests[0]
    assert request.all(b"x-dup") == [b"a", b"b", b"c"]
    assert request.all(b"x-name") == ["Zoë".encode()]
    assert request.all(b"host") == [upstream.place.encode()]
    assert request.all(b"user-agent") == [f"naftiko/{naftiko.__version__}".encode()]
    assert request.all(b"accept-encoding") == [b"br"]
    assert {name.lower() for name, _ in request.headers} == {
        b"host", b"user-agent", b"accept-encoding", b"x-one", b"x-dup", b"x-name"
    }  # fmt: skip


async def test_a_given_user_agent_wins_and_compression_is_asked_for(start, transport):
    upstream = await start(answers(OK))
    await get(transport, upstream.url(), headers={"user-agent": "mine/1"})
    assert upstream.requests[0].all(b"user-agent") == [b"mine/1"]
    assert upstream.requests[0].all(b"accept-encoding") == [b"gzip, deflate, br, zstd"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"X-Bad", b"a\r\nX-Evil: 1"),
        (b"X-Bad", b"a\nb"),
        (b"X-Bad", b"a\x00b"),
        (b"X-Bad", b"caf\xe9"),
        (b"X-Bad: 1\r\nX-Evil", b"1"),
    ],
)
async def test_a_header_that_could_be_more_than_a_header_is_refused_before_sending(start, transport, name, value):
    upstream = await start(answers(OK))
    with pytest.raises(ValueError, match="the header 'X-Bad"):
        await get(transport, upstream.url(), headers=[(name, value)])
    assert upstream.connections == 0


async def test_a_tab_may_stand_in_a_header(start, transport):
    upstream = await start(answers(OK))
    await get(transport, upstream.url(), headers=[(b"X-Tab", b"a\tb")])
    assert upstream.requests[0].all(b"x-tab") == [b"a\tb"]


async def test_a_method_that_is_no_token_is_refused_before_sending(start, transport):
    upstream = await start(answers(OK))
    with pytest.raises(ValueError, match="token"):
        await fetch(transport, httpx.Request("GET / HTTP/1.1\r\nX: 1", upstream.url()), QUICK)
    assert upstream.requests == []


@pytest.mark.parametrize("method", ["POST", "PROPFIND", "QUERY", "M-SEARCH"])
async def test_any_method_and_a_body_of_bytes(start, transport, method):
    upstream = await start(answers(OK))
    await fetch(transport, httpx.Request(method, upstream.url(), content=b"\x00body\xff"), QUICK)
    request = upstream.requests[0]
    assert request.line.startswith(method.encode())
    assert request.body == b"\x00body\xff"
    assert request.all(b"content-length") == [b"6"]
    assert request.all(b"content-type") == []


@pytest.mark.parametrize("request_", [{"content": b""}, {"stream": httpx.ByteStream(b"")}])
async def test_a_post_without_a_body_says_so(start, transport, request_):
    upstream = await start(answers(OK))
    await fetch(transport, httpx.Request("POST", upstream.url(), **request_), QUICK)
    assert upstream.requests[0].all(b"content-length") == [b"0"]
    assert upstream.requests[0].all(b"transfer-encoding") == []


async def test_a_large_body_is_sent_whole(start, transport):
    upstream = await start(answers(OK))
    body = bytes(range(256)) * 12_000
    await fetch(transport, httpx.Request("PUT", upstream.url(), content=body), QUICK)
    assert upstream.requests[0].body == body


async def test_a_streamed_body_is_chunked_unless_its_length_is_told(start, transport):
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one "
        await asyncio.sleep(0.01)
        yield b"two"

    upstream = await start(answers(OK))
    await fetch(transport, httpx.Request("POST", upstream.url(), content=pieces()), QUICK)
    await fetch(
        transport, httpx.Request("POST", upstream.url(), content=pieces(), headers={"content-length": "7"}), QUICK
    )
    chunked, told = upstream.requests
    assert (chunked.body, chunked.all(b"transfer-encoding"), chunked.all(b"content-length")) == (
        b"one two",
        [b"chunked"],
        [],
    )
    assert (told.body, told.all(b"transfer-encoding"), told.all(b"content-length")) == (b"one two", [], [b"7"])


async def test_a_multipart_body_is_sent_with_its_length(start, transport):
    upstream = await start(answers(OK))
    await fetch(transport, httpx.Request("POST", upstream.url(), files={"f": ("a.txt", b"hello")}), QUICK)
    assert b"hello" in upstream.requests[0].body
    assert upstream.requests[0].all(b"content-type")[0].startswith(b"multipart/form-data; boundary=")


async def test_an_answer_keeps_its_status_headers_and_duplicates(start, transport):
    upstream = await start(
        answers(b"HTTP/1.1 418 Teapot\r\nX-A: 1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 3\r\n\r\ntea")
    )
    response = await get(transport, upstream.url())
    assert (response.status_code, response.reason_phrase, response.content) == (418, "Teapot", b"tea")
    assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert response.text == "tea"
    assert response.request.url == upstream.url()


async def test_no_cookie_is_kept(start, transport):
    upstream = await start(answers(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nContent-Length: 0\r\n\r\n"))
    await get(transport, upstream.url())
    await get(transport, upstream.url())
    assert upstream.requests[1].all(b"cookie") == []


async def test_calls_one_after_another_share_a_connection(start, transport):
    upstream = await start(answers(OK))
    for _ in range(5):
        assert (await get(transport, upstream.url())).content == b"ok"
    assert (len(upstream.requests), upstream.connections) == (5, 1)


@pytest.mark.parametrize(
    ("method", "answer", "status"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\nContent-Encoding: gzip\r\n\r\n", 200),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n", 204),
        ("GET", b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 7\r\n\r\n', 304),
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200),
    ],
)
async def test_answers_without_a_body_end_at_once_and_keep_the_connection(start, transport, method, answer, status):
    upstream = await start(answers(answer))
    for _ in range(2):
        response = await fetch(transport, httpx.Request(method, upstream.url()), QUICK)
        assert (response.status_code, response.content) == (status, b"")
    assert upstream.connections == 1


async def test_interim_answers_are_passed_over(start, transport):
    upstream = await start(answers(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK))
    assert (await get(transport, upstream.url())).status_code == 200


async def test_bodies_in_chunks_in_pieces_and_until_the_end(start, transport):
    async def handle(request: Received, writer: asyncio.StreamWriter) -> None:
        if b"/chunks" in request.line:
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart")
            await asyncio.sleep(0.02)
            writer.write(b"\r\n3\r\n-es\r\n0\r\n\r\n")
        else:
            writer.write(b"HTTP/1.0 200 OK\r\n\r\nto the ")
            await writer.drain()
            await asyncio.sleep(0.02)
            writer.write(b"end")
            writer.close()

    upstream = await start(handle)
    assert (await get(transport, upstream.url("/chunks"))).content == b"part-es"
    assert (await get(transport, upstream.url("/eof"))).content == b"to the end"


async def test_long_headers_are_read(start, transport):
    upstream = await start(answers(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 30_000 + b"\r\nContent-Length: 0\r\n\r\n"))
    assert len((await get(transport, upstream.url())).headers["x-long"]) == 30_000


WIDE_WINDOW = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 27}).compress(
    b"hello" * 1000, zstd.ZstdCompressor.FLUSH_BLOCK
)
"""A frame that wants 128 MiB of memory before its first byte."""


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


def bomb(*codings: Callable[[bytes], bytes]) -> Callable[[], bytes]:
    """What makes a small body of 300 MB, which takes a second: only whoever runs that test makes it."""
    return lambda: functools.reduce(lambda body, coding: coding(body), codings, b"\0" * 300_000_000)


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (gzip.compress(b"hello" * 9), "gzip"),
        (gzip.compress(b"hello" * 4) + gzip.compress(b"hello" * 5), "GZIP"),
        (zlib.compress(b"hello" * 9), "deflate"),
        (raw_deflate(b"hello" * 9), "deflate"),
        (gzip.compress(zlib.compress(b"hello" * 9)), "deflate, gzip"),
        (brotli.compress(b"hello" * 9), "br"),
        (zstd.compress(b"hello" * 9), "zstd"),
        (zstd.compress(b"hello" * 4) + zstd.compress(b"hello" * 5), "Zstd"),
        (gzip.compress(brotli.compress(b"hello" * 9)), "br, , gzip"),
        (b"hello" * 9, "identity"),
        (b"hello" * 9, "UTF-8"),
    ],
)
async def test_a_compressed_answer_is_read_and_no_longer_called_compressed(start, transport, body, coding):
    upstream = await start(answers(coded(body, coding)))
    response = await get(transport, upstream.url())
    assert response.content == b"hello" * 9
    assert "content-encoding" not in response.headers
    assert "content-length" not in response.headers


@pytest.mark.parametrize("coding", ["compress", "gzip, dcb", "x-own, gzip"])
async def test_a_coding_that_is_not_known_stays(start, transport, coding):
    upstream = await start(answers(coded(b"\x1f\x9d\x90", coding)))
    response = await get(transport, upstream.url(), headers={"accept-encoding": coding})
    assert (response.content, response.headers["content-encoding"]) == (b"\x1f\x9d\x90", coding)


@pytest.mark.parametrize("status", [b"200 OK", b"304 Not Modified", b"204 No Content"])
@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate"])
async def test_where_there_is_no_body_nothing_is_coded(start, transport, status, coding):
    upstream = await start(answers(b"HTTP/1.1 %b\r\nContent-Encoding: %b\r\n\r\n" % (status, coding.encode())))
    response = await fetch(transport, httpx.Request("HEAD", upstream.url()), QUICK)
    assert (response.content, "content-encoding" in response.headers) == (b"", False)


@pytest.mark.parametrize(
    ("body", "coding", "said"),
    [
        (gzip.compress(b"\0" * 3_000_000), "gzip", "larger than 100000 bytes"),
        (bomb(gzip.compress, gzip.compress), "gzip, gzip", "larger than 100000 bytes"),
        (gzip.compress(b"hello" * 1000, mtime=0)[:-12], "gzip", "was cut"),
        (b"plain text", "gzip", "is not gzip"),
        (bomb(partial(brotli.compress, quality=5)), "br", "larger than 100000 bytes"),
        (bomb(zstd.compress), "zstd", "larger than 100000 bytes"),
        (brotli.compress(random.Random(1).randbytes(2000))[:-12], "br", "was cut"),
        (zstd.compress(random.Random(1).randbytes(2000))[:-12], "zstd", "was cut"),
        (b"\xff plain text", "br", "is not br"),
        (b"plain text", "zstd", "is not zstd"),
        (WIDE_WINDOW, "zstd", "is not zstd"),
        (b"", "gzip" + ", gzip" * 99, "has 100 codings"),
        (lambda: gzip.compress(b"") * 450_000, "gzip", "has more than 10,000 members"),
        (lambda: b"\x50\x2a\x4d\x18\0\0\0\0" * 1_000_000, "zstd", "has more than 1,000 frames"),
    ],
)
async def test_a_compressed_answer_that_is_none_or_a_bomb(start, transport, body, coding, said):
    upstream = await start(answers(coded(body() if callable(body) else body, coding)))
    with pytest.raises(UpstreamBroken, match=f"the answer of {upstream.place} {said}|{said}"):
        await get(transport, upstream.url(), Limits(response_bytes=10_000_000 if "more than" in said else 100_000))


@pytest.mark.parametrize("size", [101, 300_000])
async def test_an_answer_above_the_limit_is_not_read(start, transport, size):
    upstream = await start(answers(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size))
    with pytest.raises(UpstreamBroken, match="is larger than 100 bytes"):
        await get(transport, upstream.url(), Limits(response_bytes=100))


def test_importing_the_transport_does_not_import_its_pool():
    code = "import sys, naftiko.engine.transport; sys.exit(len({'aiohttp', 'yarl'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0


def test_httpx_client_can_stand_on_it():
    """The seam is httpx's own: nothing of ``fetch`` is needed to use the transport."""

    async def call() -> tuple[bytes, bytes]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.closing(writer):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(coded(gzip.compress(b"zipped"), "gzip"))
                await reader.readuntil(b"\r\n\r\n")
                writer.write(OK)
                await writer.drain()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            async with httpx.AsyncClient(transport=Transport(QUICK)) as client:
                zipped = (await client.get(url)).content
                async with client.stream("GET", url) as response:
                    return zipped, b"".join([chunk async for chunk in response.aiter_raw()])

    assert asyncio.run(call()) == (b"zipped", b"ok")
