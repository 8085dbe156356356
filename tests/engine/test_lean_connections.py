"""Connections of our own: how long they are kept, who repeats what on another one, how they are opened."""

from __future__ import annotations

import asyncio
import socket
import ssl

import httpx
import pytest
import trustme
from raw_upstream import OK, Received, answers, ask, until

from naftiko.engine.transport import Limits, Transport, pool
from naftiko.engine.transport.http11 import exchanges
from naftiko.engine.wire import WireRequest
from naftiko.ground.errors import UpstreamBroken, UpstreamTimeout, UpstreamUnreachable

LIMITS = Limits()


async def test_an_idle_connection_is_closed_after_a_while(start, transport, monkeypatch):
    monkeypatch.setattr(exchanges, "KEEP_ALIVE", 0.05)
    upstream = await start(answers(OK))
    await asyncio.gather(*(ask(transport, upstream.url()) for _ in range(3)))
    await until(lambda: upstream.ended == upstream.connections)
    assert (await ask(transport, upstream.url())).content == b"ok"


async def test_a_connection_in_use_is_not_idle(start, transport, monkeypatch):
    """One is used all the time, and outlives those that were needed once."""
    monkeypatch.setattr(exchanges, "KEEP_ALIVE", 0.2)
    together, present = asyncio.Event(), 0

    async def handle(request: Received, writer: asyncio.StreamWriter) -> None:
        nonlocal present
        if b"/together" in request.line:
            present += 1
            if present == 3:
                together.set()
            await together.wait()
        writer.write(OK)

    upstream = await start(handle)
    await asyncio.gather(*(ask(transport, upstream.url("/together")) for _ in range(3)))
    while upstream.ended < 2:
        await ask(transport, upstream.url())
    assert (upstream.connections, upstream.ended) == (3, 2)


@pytest.mark.parametrize(("method", "times"), [("GET", 2), ("QUERY", 2), ("PUT", 1), ("DELETE", 1), ("POST", 1)])
async def test_a_safe_request_is_repeated_once_and_no_other_at_all(start, transport, method, times):
    """The server hangs up on every request but the first."""

    async def handle(request: Received, writer: asyncio.StreamWriter) -> None:
        if request.line.startswith(b"HEAD"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        else:
            writer.transport.abort()

    upstream = await start(handle)
    await ask(transport, httpx.Request("HEAD", upstream.url()))
    with pytest.raises(UpstreamBroken, match="closed the connection before answering"):
        await ask(transport, httpx.Request(method, upstream.url(), content=b"1"))
    assert [request.line.split()[0] for request in upstream.requests] == [b"HEAD", *[method.encode()] * times]


@pytest.mark.parametrize("begun", [b"H", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"])
async def test_a_request_whose_answer_had_begun_is_not_repeated(start, transport, begun):
    async def handle(request: Received, writer: asyncio.StreamWriter) -> None:
        if len(upstream.requests) == 1:
            writer.write(OK)
        else:
            writer.write(begun)
            await writer.drain()
            writer.close()

    upstream = await start(handle)
    await ask(transport, upstream.url())
    with pytest.raises(UpstreamBroken):
        await ask(transport, upstream.url())
    assert len(upstream.requests) == 2


async def test_a_request_on_a_fresh_connection_is_not_repeated(start, transport):
    async def handle(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    upstream = await start(handle)
    with pytest.raises(UpstreamBroken):
        await ask(transport, upstream.url())
    assert len(upstream.requests) == 1


async def test_silence_is_not_repeated(start):
    async def handle(_: Received, writer: asyncio.StreamWriter) -> None:
        if len(upstream.requests) == 1:
            writer.write(OK)
        else:
            await asyncio.sleep(60)

    upstream = await start(handle)
    transport = Transport(Limits(read=1))
    await ask(transport, upstream.url())
    with pytest.raises(UpstreamTimeout):
        await ask(transport, upstream.url())
    assert len(upstream.requests) == 2
    await transport.aclose()


async def test_a_slow_answer_is_no_silence_as_long_as_it_comes(start):
    """The one timer of a connection is set anew when it is due, across its requests."""
    limits = Limits(read=2)

    async def handle(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n")
        for _ in range(6):
            await asyncio.sleep(0.4)
            writer.write(b"x")

    upstream = await start(handle)
    transport = Transport(limits)
    for _ in range(2):
        assert (await ask(transport, upstream.url())).content == b"xxxxxx"
    assert upstream.connections == 1
    await transport.aclose()


async def test_a_name_is_looked_up_once_for_all_who_ask_at_a_time(start, transport, monkeypatch):
    asked = []
    original = socket.getaddrinfo

    def counted(host: str, *rest: object, **more: object) -> object:
        asked.append(host)
        return original(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", counted)
    together, present = asyncio.Event(), 0

    async def handle(_: Received, writer: asyncio.StreamWriter) -> None:
        nonlocal present
        present += 1
        if present == 4:
            together.set()
        await together.wait()
        writer.write(OK)

    upstream = await start(handle)
    await asyncio.gather(*(ask(transport, upstream.url()) for _ in range(4)))
    assert (upstream.connections, asked) == (4, ["localhost"])


async def test_a_failed_lookup_is_tried_anew_by_the_next_call(start, transport, monkeypatch):
    upstream = await start(answers(OK))
    original = socket.getaddrinfo

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    results = await asyncio.gather(*(ask(transport, upstream.url()) for _ in range(3)), return_exceptions=True)
    assert all("no such host" in str(result) for result in results)
    monkeypatch.setattr(socket, "getaddrinfo", original)
    assert (await ask(transport, upstream.url())).content == b"ok"


async def test_a_name_that_can_not_be_one_is_no_host(transport):
    with pytest.raises(UpstreamUnreachable, match="no such host"):
        await ask(transport, WireRequest("GET", f"http://{'a' * 80}.example/", []))


async def test_the_next_address_is_tried_beside_one_that_is_silent_or_refuses(start, transport, monkeypatch):
    upstream = await start(answers(OK))

    def several(*_: object, **__: object) -> object:
        kind = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [(*kind, ("127.0.0.1", 1)), (*kind, ("127.0.0.1", upstream.port))]

    monkeypatch.setattr(socket, "getaddrinfo", several)
    for _ in range(2):
        assert (
            await ask(transport, httpx.Request("GET", upstream.url(), headers={"connection": "close"}))
        ).content == b"ok"


async def test_tls_keeps_its_connections_and_says_what_it_speaks(start):
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server)
    server.set_alpn_protocols(["h2", "http/1.1"])
    spoken = []

    async def handle(request: Received, writer: asyncio.StreamWriter) -> None:
        spoken.append(writer.get_extra_info("ssl_object").selected_alpn_protocol())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000)

    upstream = await start(handle, server)
    transport = Transport(LIMITS, verify=False)
    for method in ("GET", "POST", "GET"):
        request = httpx.Request(method, upstream.url(), content=b"y" * 300_000)
        assert len((await ask(transport, request)).content) == 300_000
    assert (upstream.connections, spoken) == (1, ["http/1.1"] * 3)
    assert upstream.requests[1].body == b"y" * 300_000
    await transport.aclose()
    await until(lambda: upstream.ended == 1)


async def test_a_post_over_tls_does_not_meet_a_connection_that_was_closed(start):
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server)
    upstream = await start(answers(OK, close=True), server)
    transport = Transport(LIMITS, verify=False)
    for at in range(3):
        assert (await ask(transport, httpx.Request("POST", upstream.url(), content=b"1"))).content == b"ok"
        await until(lambda seen=at: upstream.ended == seen + 1)
    await transport.aclose()


async def test_ipv6(transport):
    if not socket.has_ipv6:
        pytest.skip("no IPv6")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(OK)
        await reader.read()
        writer.close()

    heads: list[bytes] = []
    try:
        server = await asyncio.start_server(serve, "::1", 0)
    except OSError:
        pytest.skip("no IPv6 on this machine")
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert (await ask(transport, f"http://[::1]:{port}/")).content == b"ok"
        assert b"\r\nHost: [::1]:%d\r\n" % port in b"\r\n" + heads[0].split(b"\r\n", 1)[1]
        await transport.aclose()
        await asyncio.sleep(0.01)


async def test_without_the_parser_aiohttp_takes_its_place(start, monkeypatch):
    monkeypatch.setattr(pool, "find_spec", lambda _: None)
    upstream = await start(answers(OK))
    transport = Transport(LIMITS)
    for _ in range(2):
        assert (await ask(transport, upstream.url())).content == b"ok"
    assert upstream.connections == 1
    assert type(transport._pools[asyncio.get_running_loop()]._direct).__name__ == "AiohttpExchanges"
    await transport.aclose()
