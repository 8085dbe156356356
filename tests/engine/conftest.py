"""Fixtures of the engine's tests that stand on real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from raw_upstream import QUICK, Handler, Start, Upstream, received

from naftiko.engine.transport import Transport, pool


@pytest_asyncio.fixture
async def start() -> AsyncIterator[Start]:
    """Start an upstream with a handler; everything is closed after the test."""
    servers: list[asyncio.Server] = []
    connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def starting(handler: Handler, tls: ssl.SSLContext | None = None) -> Upstream:
        upstream = Upstream(scheme="https" if tls else "http")

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            upstream.connections += 1
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                while not writer.is_closing():
                    request = await received(reader)
                    upstream.requests.append(request)
                    await handler(request, writer)
            upstream.ended += 1
            writer.transport.abort()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connections[asyncio.ensure_future(serve(reader, writer))] = writer

        server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
        upstream.port = server.sockets[0].getsockname()[1]
        servers.append(server)
        return upstream

    yield starting
    await asyncio.sleep(0.005)  # what was connected last is accepted, or its socket is nobody's
    for server in servers:
        server.close()
    for task, writer in connections.items():
        task.cancel()
        writer.transport.abort()
    await asyncio.gather(*connections, return_exceptions=True)
    await asyncio.sleep(0.005)  # an aborted connection closes its socket one turn later


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Ask what any transport must do of both ways: our own connections, and aiohttp where their parser is missing."""
    if "transport" in metafunc.fixturenames and metafunc.module.__name__.startswith("test_transport"):
        metafunc.parametrize("transport", ["own", "aiohttp"], indirect=True)


@pytest_asyncio.fixture
async def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Transport]:
    """A transport with the limits that a module names, else with quick ones."""
    if getattr(request, "param", "own") == "aiohttp":
        monkeypatch.setattr(pool, "find_spec", lambda _: None)
    transport = Transport(getattr(request.module, "LIMITS", QUICK))
    yield transport
    await transport.aclose()
