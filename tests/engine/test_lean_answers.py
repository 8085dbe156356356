"""Answers on connections of our own, byte by byte as a socket may bring them (RFC 9112)."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import struct

import httpx
import pytest
import trustme
from raw_upstream import OK, Received, answers, ask, until

from naftiko.engine.transport import Limits, Transport, stream
from naftiko.ground.errors import UpstreamBroken

LIMITS = Limits()

KEPT = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\n\r\nhello",
    "chunks": b"HTTP/1.1 200 OK\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
    "extensions": b'HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nX-A: 1\r\n\r\n5;a=b;c="d"\r\nhello\r\n0;e\r\n\r\n',
    "trailers": b"HTTP/1.1 200 OK\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n05\r\nhello\r\n0\r\nX-A: 2\r\nX-B: 3\r\n\r\n",
    "interim": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX-A: 0\r\n\r\n"
    b"HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 5\r\n\r\nhello",
    "blanks": b"HTTP/1.1 200 OK\r\nX-A: \t 1 \t\r\nContent-Length: 5 \r\n\r\nhello",
    "no reason": b"HTTP/1.1 200\r\nX-A: 1\r\nContent-Length: 5\r\n\r\nhello",
    "lone line feeds": b"HTTP/1.1 200 OK\nX-A: 1\nContent-Length: 5\n\nhello",
    "kept by 1.0": b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nX-A: 1\r\nContent-Length: 5\r\n\r\nhello",
    "an offer to upgrade": b"HTTP/1.1 200 OK\r\nUpgrade: h2c\r\nConnection: upgrade\r\nX-A: 1\r\nContent-Length: 5\r\n\r\nhello",
}
CLOSED = {
    "close": b"HTTP/1.1 200 OK\r\nConnection: Close\r\nX-A: 1\r\nContent-Length: 5\r\n\r\nhello",
    "1.0": b"HTTP/1.0 200 OK\r\nX-A: 1\r\nContent-Length: 5\r\n\r\nhello",
}


@pytest.mark.parametrize("pieces", [1, 2, 3, 7])
@pytest.mark.parametrize("answer", KEPT.values(), ids=KEPT)
async def test_an_answer_may_come_in_pieces_of_any_size(start, transport, answer, pieces):
    async def handle(_: Received, writer: asyncio.StreamWriter) -> None:
        for at in range(0, len(answer), pieces):
            writer.write(answer[at : at + pieces])
            await writer.drain()
            await asyncio.sleep(0)

    upstream = await start(handle)
    for _ in range(2):
        response = await ask(transport, upstream.url())
        assert (response.status_code, response.content) == (200, b"hello")
        assert response.headers.get_list("x-a") == ["1"]
        assert "x-b" not in response.headers
    assert upstream.connections == 1


@pytest.mark.parametrize("answer", CLOSED.values(), ids=CLOSED)
async def test_a_connection_that_is_not_to_be_kept_is_closed_by_us(start, transport, answer):
    upstream = await start(answers(answer))
    for _ in range(2):
        assert (await ask(transport, upstream.url())).content == b"hello"
    await until(lambda: upstream.ended == upstream.connections == 2)


async def test_a_request_that_asks_for_the_end_of_its_connection_gets_it(start, transport):
    upstream = await start(answers(OK))
    for _ in range(2):
        assert (
            await ask(transport, httpx.Request("GET", upstream.url(), headers={"Connection": "close"}))
        ).content == b"ok"
    assert upstream.connections == 2


@pytest.mark.parametrize(
    "surplus",
    [b"x", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", b"HTTP/1.1 200 OK\r\nContent-Le", b"\0\0\0"],
    ids=["a byte", "an answer", "half an answer", "no HTTP"],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_what_comes_behind_an_answer_is_nobodys(start, transport, surplus, method):
    """It could pass for the answer to the next request (response splitting): the connection is not used again."""
    head, _, body = OK.partition(b"\r\n\r\n")
    upstream = await start(answers(head + b"\r\n\r\n" + (body if method == "GET" else b"") + surplus))
    for _ in range(2):
        response = await ask(transport, httpx.Request(method, upstream.url()))
        assert (response.status_code, response.content) == (200, b"ok" if method == "GET" else b"")
    assert upstream.connections == 2


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_a_body_where_none_may_be_is_nobodys(start, transport, status):
    upstream = await start(answers(b"HTTP/1.1 " + status + b"\r\nContent-Length: 4\r\n\r\nevil"))
    for _ in range(2):
        assert (await ask(transport, upstream.url())).content == b""
    assert upstream.connections == 2


async def test_bytes_on_an_idle_connection_close_it(start, transport):
    async def handle(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        if b"/first" in request.line:
            await writer.drain()
            await asked.wait()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")

    asked = asyncio.Event()
    upstream = await start(handle)
    assert (await ask(transport, upstream.url("/first"))).content == b"ok"
    asked.set()
    await until(lambda: upstream.ended == 1)
    assert (await ask(transport, upstream.url("/second"))).content == b"ok"
    assert upstream.connections == 2


async def test_an_answer_to_head_without_a_length_keeps_the_connection(start, transport):
    upstream = await start(answers(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"))
    for _ in range(3):
        assert (await ask(transport, httpx.Request("HEAD", upstream.url()))).status_code == 200
    assert upstream.connections == 1
    upstream = await start(answers(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"))
    for _ in range(2):
        assert (await ask(transport, httpx.Request("HEAD", upstream.url()))).status_code == 200
    assert upstream.connections == 2


async def test_a_body_until_the_end_of_the_connection_must_end_in_order(start, transport):
    async def handle(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nall of it")
        await writer.drain()
        await asyncio.sleep(0.02)
        if b"/reset" in request.line:  # without lingering, which sends RST
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
        else:
            writer.close()

    upstream = await start(handle)
    assert (await ask(transport, upstream.url("/end"))).content == b"all of it"
    with pytest.raises(UpstreamBroken, match="was cut"):
        await ask(transport, upstream.url("/reset"))


def interim(count: int) -> bytes:
    return b"HTTP/1.1 102 Processing\r\n\r\n" * count + OK


async def test_some_interim_answers_are_passed_over_and_a_flood_of_them_is_not(start, transport):
    upstream = await start(answers(interim(100)))
    assert (await ask(transport, upstream.url())).content == b"ok"
    upstream = await start(answers(interim(101)))
    with pytest.raises(UpstreamBroken, match="is not HTTP"):
        await ask(transport, upstream.url())


@pytest.mark.parametrize(
    ("fields", "length", "read"), [(127, 10, True), (128, 10, False), (1, 64 * 1024, True), (1, 64 * 1024 + 1, False)]
)
async def test_a_head_has_a_longest_line_and_a_most_of_lines(start, transport, fields, length, read):
    head = b"".join(b"X-%d: %b\r\n" % (at, b"a" * length) for at in range(fields))
    upstream = await start(answers(b"HTTP/1.1 200 OK\r\n" + head + b"Content-Length: 0\r\n\r\n"))
    if read:
        assert (await ask(transport, upstream.url())).headers["x-0"] == "a" * length
    else:
        with pytest.raises(UpstreamBroken, match="is not HTTP"):
            await ask(transport, upstream.url())


@pytest.mark.parametrize(("fields", "read"), [(128, True), (129, False)])
async def test_a_body_has_a_most_of_trailers(start, transport, fields, read):
    chunks = b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n" + b"X: 1\r\n" * fields + b"\r\n"
    upstream = await start(answers(b"HTTP/1.1 200 OK\r\n" + chunks))
    if read:
        assert (await ask(transport, upstream.url())).content == b"ok"
    else:
        with pytest.raises(UpstreamBroken, match=r"is not HTTP|was cut"):
            await ask(transport, upstream.url())


@pytest.mark.parametrize(
    ("begin", "more", "said"),
    [
        (b"HTTP/1.1 200 ", b"OK" * 30_000, "is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x" * 60_000, "is not HTTP"),
        (b"HTTP/1.1 200 OK\r\n", b"X-Many: 1\r\n" * 5000, "is not HTTP"),
        (b"", b"\r\n" * 30_000, "is not HTTP"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
            b"X-Trailer: 1\r\n" * 5000,
            "is not HTTP|was cut",
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Long: ", b"x" * 60_000, "is not HTTP|was cut"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;", b"x" * 60_000, "is not HTTP|was cut"),
    ],
    ids=["reason", "value", "fields", "blank lines", "trailers", "trailer", "extension"],
)
async def test_what_never_ends_and_brings_nothing_is_given_up(start, begin, more, said):
    """Long before any limit of time: it is kept in memory, and no limit of bodies counts it."""
    sent = 0

    async def handle(_: Received, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(begin)
        while not writer.is_closing() and sent < 100_000_000:
            writer.write(more)
            sent += len(more)
            await writer.drain()

    upstream = await start(handle)
    transport = Transport(LIMITS)
    with pytest.raises(UpstreamBroken, match=said):
        await ask(transport, upstream.url())
    await until(lambda: upstream.ended == 1)
    assert sent < 100_000_000
    await transport.aclose()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\nhel\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nhel\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhel",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhel",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nhel\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nhel",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nhel",
        b"HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nhel",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0x3\r\n\r\nhel",
        b"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nhel",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\nhel",
        b"HTTP/1.7 200 OK\r\nContent-Length: 3\r\n\r\nhel",
        b"http/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhel",
        b"HTTP/1.1 101 Switching\r\n\r\nhel",
        b"HTTP/1.1 103 Hints\r\nContent-Length: 3\r\n\r\nhel" + OK,
        b"HTTP/1.1 103 Hints\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n0\r\n\r\n" + OK,
    ],
    ids=lambda answer: re.sub(rb"[^ -~]+", b"|", answer)[9:70].decode(),
)
async def test_what_could_be_read_in_two_ways_is_not_read(start, transport, answer):
    upstream = await start(answers(answer))
    with pytest.raises(UpstreamBroken, match=r"is not HTTP|was cut"):
        await ask(transport, upstream.url())
    await until(lambda: upstream.ended == 1)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
async def test_a_reader_that_takes_its_time_stops_the_upstream_and_is_no_silence_of_it(start, tls):
    """Beside what the two sockets hold, no more is read than a few hundred KB of a body that nobody takes."""
    size, written = 64 * 1024 * 1024, 0

    async def handle(request: Received, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        if b"/large" not in request.line:
            writer.write(OK)
            return
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        while written < size:
            writer.write(b"x" * 65_536)
            written += 65_536
            await writer.drain()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    upstream = await start(handle, context if tls else None)
    taken, limits = 0, Limits(read=1)
    transport = Transport(limits, verify=False)
    async with stream(transport, httpx.Request("GET", upstream.url("/large")), limits) as response:
        async for chunk in response.aiter_raw():
            if not taken:
                await asyncio.sleep(2 * limits.read)
                assert written < size // 2
            taken += len(chunk)
    assert taken == size
    assert (await ask(transport, upstream.url("/small"))).content == b"ok"
    assert (upstream.connections, upstream.ended) == (1, 0)
    await transport.aclose()
