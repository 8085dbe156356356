"""Connections: kept, found closed, waited for, given back, and the event loop they belong to."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Self

import httpx
import pytest
from raw_upstream import OK, QUICK, Received, answers, get, until

from naftiko.engine.transport import Limits, Transport, fetch, stream
from naftiko.engine.transport.whole import Whole
from naftiko.ground.errors import Overloaded, UpstreamBroken, UpstreamUnreachable


async def test_a_connection_that_the_server_closed_meanwhile_is_replaced(start, transport):
    upstream = await start(answers(OK, close=True))
    for method in ("GET", "POST", "GET"):
        assert (await fetch(transport, httpx.Request(method, upstream.url()), QUICK)).content == b"ok"
        await until(lambda: upstream.ended == upstream.connections)
    assert upstream.connections == 3


class ClosingServer:
    """Answers once a connection, in a thread, and closes it when it is told to: while the caller's loop is busy."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(5)
        self._close, self._closed = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/"

    def _serve(self) -> None:
        for _ in range(2):
            connection, _ = self._listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(OK)
                self._close.wait(5)
            self._closed.set()

    def close_the_connection(self) -> None:
        """Return when it is closed."""
        self._close.set()
        self._closed.wait(5)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(5)
        self._listening.close()


async def fetched(transport: Transport, request: httpx.Request) -> bytes:
    return (await fetch(transport, request, QUICK)).content


async def streamed(transport: Transport, request: httpx.Request) -> bytes:
    async with stream(transport, request, QUICK) as response:
        return await response.aread()


async def handled(transport: Transport, request: httpx.Request) -> bytes:
    response = await transport.handle_async_request(request)
    try:
        return await response.aread()
    finally:
        await response.aclose()


@pytest.mark.parametrize("way", [fetched, streamed, handled])
async def test_a_post_does_not_meet_a_connection_whose_end_was_not_seen_yet(transport, way):
    """The event loop is held while the server closes: the POST must not be lost on the dead connection.

    However many turns the way to the connection gives the loop by itself: one is not enough to see the end of one.
    """
    with ClosingServer() as server:
        await way(transport, httpx.Request("POST", server.url, content=b"1"))
        server.close_the_connection()  # the loop sees nothing of it
        assert await way(transport, httpx.Request("POST", server.url, content=b"2")) == b"ok"


async def test_a_get_that_meets_a_closing_connection_is_sent_once_more_and_a_post_is_not(start, transport):
    """The server closes on reading the second request, which it may have carried out: only GET may be repeated."""
    counts: dict[bytes, int] = {}

    async def handle(request: Received, writer: asyncio.StreamWriter) -> None:
        counts[request.line] = counts.get(request.line, 0) + 1
        if len(upstream.requests) == 2:
            writer.transport.abort()
        else:
            writer.write(OK)

    upstream = await start(handle)
    await get(transport, upstream.url("/first"))
    assert (await get(transport, upstream.url("/second"))).content == b"ok"
    assert counts[b"GET /second HTTP/1.1"] == 2
    upstream.requests.clear()
    await get(transport, upstream.url("/first"))
    with pytest.raises(UpstreamBroken, match="closed the connection before answering"):
        await fetch(transport, httpx.Request("POST", upstream.url("/second"), content=b"pay"), QUICK)
    assert counts[b"POST /second HTTP/1.1"] == 1


async def test_a_call_that_finds_no_free_connection_is_told_so(start):
    release = asyncio.Event()

    async def handle(_: Received, writer: asyncio.StreamWriter) -> None:
        await release.wait()
        writer.write(OK)

    upstream = await start(handle)
    limits = Limits(connections=1, queue=0.1, read=60)
    transport = Transport(limits)
    first = asyncio.create_task(get(transport, upstream.url(), limits))
    await until(lambda: len(upstream.requests) == 1)
    with pytest.raises(Overloaded, match=f"all 1 connections to {upstream.place} were busy for 0.1 s") as caught:
        await get(transport, upstream.url(), limits)
    assert caught.value.retry_after is not None
    release.set()
    assert (await first).content == b"ok"
    assert (await get(transport, upstream.url(), limits)).content == b"ok"
    await transport.aclose()


async def test_more_callers_than_connections_take_turns(start):
    upstream = await start(answers(OK))
    limits = Limits(connections=5)
    transport = Transport(limits)
    responses = await asyncio.gather(*(get(transport, upstream.url(), limits) for _ in range(300)))
    assert {response.content for response in responses} == {b"ok"}
    assert upstream.connections == 5
    await transport.aclose()


async def test_a_cancelled_call_closes_its_connection_and_frees_its_place(start):
    async def handle(request: Received, writer: asyncio.StreamWriter) -> None:
        if b"/slow-head" in request.line:
            await asyncio.sleep(300)
        if b"/slow-body" in request.line:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
            await asyncio.sleep(300)
        writer.write(OK)

    upstream = await start(handle)
    limits = Limits(connections=1, queue=60)
    transport = Transport(limits)
    for path in ("/slow-head", "/slow-body"):
        before = len(upstream.requests)
        call = asyncio.create_task(get(transport, upstream.url(path), limits))
        waiting = asyncio.create_task(get(transport, upstream.url("/never"), limits))
        await until(lambda seen=before: len(upstream.requests) > seen)
        await asyncio.sleep(0.02)
        waiting.cancel()
        call.cancel()
        done = await asyncio.gather(call, waiting, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in done)
        assert (await get(transport, upstream.url("/next"), limits)).content == b"ok"
    assert not [request for request in upstream.requests if b"/never" in request.line]
    assert upstream.connections == 3
    await transport.aclose()


async def test_a_closed_transport_stays_closed_and_may_be_closed_again(start):
    upstream = await start(answers(OK))
    transport = Transport(QUICK)
    await get(transport, upstream.url())
    await transport.aclose()
    await transport.aclose()
    await until(lambda: upstream.ended == 1)
    with pytest.raises(UpstreamUnreachable, match="can't be reached"):
        await get(transport, upstream.url())


def test_one_transport_serves_one_event_loop_after_another():
    transport = Transport(QUICK)

    async def call(*, last: bool) -> bytes:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
            await writer.drain()
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            response = await get(transport, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
            if last:
                await transport.aclose()
            return response.content

    assert asyncio.run(call(last=False)) == b"ok"
    assert asyncio.run(call(last=False)) == b"ok"
    assert asyncio.run(call(last=True)) == b"ok"


async def test_cancellations_at_any_moment_lose_no_connection(start):
    """300 calls over 3 connections, each cancelled after another short time; then all 3 must still be there."""
    together = asyncio.Event()

    async def handle(request: Received, writer: asyncio.StreamWriter) -> None:
        if b"/together" in request.line:
            if sum(b"/together" in seen.line for seen in upstream.requests) == 3:
                together.set()
            await together.wait()
        writer.write(OK[:-1])
        await asyncio.sleep(0.001)
        writer.write(OK[-1:])

    upstream = await start(handle)
    limits = Limits(connections=3, queue=60)
    transport = Transport(limits)
    calls = [asyncio.create_task(get(transport, upstream.url(), limits)) for _ in range(300)]
    for call in calls:
        asyncio.get_running_loop().call_later(calls.index(call) % 50 * 0.0007, call.cancel)
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(result) for result in results} <= {asyncio.CancelledError, Whole}
    async with asyncio.timeout(60):
        answers_ = await asyncio.gather(*(get(transport, upstream.url("/together"), limits) for _ in range(3)))
    assert [answer.content for answer in answers_] == [b"ok"] * 3
    await transport.aclose()
