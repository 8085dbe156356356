"""Answers passed on while they come, and redirects."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator

import httpx
import pytest
from raw_upstream import OK, QUICK, Received, answers, coded, get, until

from naftiko.engine.transport import Limits, Transport, fetch, stream
from naftiko.ground.errors import UpstreamBroken, UpstreamTimeout


async def test_a_streamed_answer_comes_raw_and_while_it_is_made(start, transport):
    release = asyncio.Event()
    zipped = gzip.compress(b"hello")

    async def handle(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(coded(zipped, "gzip")[:-4])
        await release.wait()
        writer.write(zipped[-4:])

    upstream = await start(handle)
    async with stream(transport, httpx.Request("GET", upstream.url()), QUICK) as response:
        assert (response.status_code, response.headers["content-encoding"]) == (200, "gzip")
        body = b""
        async for chunk in response.aiter_raw():
            body += chunk
            release.set()
    assert body == zipped
    assert upstream.requests[0].all(b"accept-encoding") == [b"identity"]
    assert (await get(transport, upstream.url())).content == b"hello"
    assert upstream.connections == 1


async def test_a_stream_that_is_left_early_closes_its_connection(start, transport):
    async def handle(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"1\r\nx\r\n")
            await writer.drain()
            await asyncio.sleep(0.01)

    upstream = await start(handle)
    limits = Limits(connections=1, queue=0.2)
    transport = Transport(limits)
    for _ in range(2):
        async with stream(transport, httpx.Request("GET", upstream.url()), limits) as response:
            async for _chunk in response.aiter_raw():
                break
    await until(lambda: upstream.ended == 2)
    await transport.aclose()


async def test_a_stream_that_breaks_is_told_like_any_other_failure(start, transport):
    upstream = await start(answers(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", close=True))
    async with stream(transport, httpx.Request("GET", upstream.url()), QUICK) as response:
        with pytest.raises(UpstreamBroken, match=f"the answer of {upstream.place} was cut"):
            _ = [chunk async for chunk in response.aiter_raw()]


async def test_a_redirect_is_an_answer_of_a_stream(start, transport):
    upstream = await start(answers(b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"))
    async with stream(transport, httpx.Request("GET", upstream.url()), QUICK) as response:
        assert (response.status_code, response.headers["location"]) == (302, "/b")
    assert len(upstream.requests) == 1


async def test_an_error_of_the_uploads_source_is_not_blamed_on_the_upstream(start, transport):
    class CallerGone(Exception):
        pass

    async def upload() -> AsyncIterator[bytes]:
        yield b"some"
        raise CallerGone

    upstream = await start(answers(OK))
    with pytest.raises(CallerGone):
        async with stream(transport, httpx.Request("POST", upstream.url(), content=upload()), QUICK):
            pass
    assert upstream.requests == []


async def test_a_stream_that_is_not_answered_in_time(start, transport):
    async def handle(_: Received, __: asyncio.StreamWriter) -> None:
        await asyncio.sleep(5)

    upstream = await start(handle)
    with pytest.raises(UpstreamTimeout, match=r"took longer than 0\.1 s"):
        async with stream(transport, httpx.Request("GET", upstream.url()), Limits(total=0.1)):
            pass


async def test_a_redirect_to_another_origin_is_an_answer_and_takes_no_credential_along(start, transport):
    other = await start(answers(OK))
    upstream = await start(
        answers(f"HTTP/1.1 302 Found\r\nLocation: {other.url('/x')}\r\nContent-Length: 0\r\n\r\n".encode())
    )
    response = await get(transport, upstream.url(), headers={"authorization": "Bearer secret"})
    assert (response.status_code, response.headers["location"]) == (302, other.url("/x"))
    assert other.connections == 0


async def test_redirects_within_the_origin_share_the_connection(start, transport):
    async def handle(request: Received, writer: asyncio.StreamWriter) -> None:
        moved = b"HTTP/1.1 307 Moved\r\nLocation: ../b%2Fc?x=1\r\nContent-Length: 4\r\n\r\nmove"
        writer.write(moved if request.line.startswith(b"PUT /a/") else OK)

    upstream = await start(handle)
    response = await fetch(transport, httpx.Request("PUT", upstream.url("/a/"), content=b"body"), QUICK)
    assert response.content == b"ok"
    assert (upstream.requests[1].line, upstream.requests[1].body) == (b"PUT /b%2Fc?x=1 HTTP/1.1", b"body")
    assert upstream.connections == 1


async def test_a_streamed_body_that_is_gone_is_not_sent_again(start, transport):
    async def pieces() -> AsyncIterator[bytes]:
        yield b"once"

    upstream = await start(answers(b"HTTP/1.1 307 Moved\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"))
    response = await fetch(transport, httpx.Request("POST", upstream.url(), content=pieces()), QUICK)
    assert (response.status_code, len(upstream.requests)) == (307, 1)
