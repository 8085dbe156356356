"""Callers of `forward` who do not read their answer give the upstream's connection back, and lose their own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket

import pytest
from odd_upstream import OddUpstream, never_ends

import naftiko
from naftiko.engine.settings import Settings
from naftiko.expose.rest import rest_app
from naftiko.expose.rest.options import RestOptions
from naftiko.serve.server import Servers, Site
from naftiko.serve.sockets import listen


@pytest.fixture
def upstream():
    with OddUpstream() as standing_in:
        standing_in.answers["endless"] = never_ends
        yield standing_in


@contextlib.asynccontextmanager
async def forwarding(upstream, reading_seconds: float):
    """A route that forwards, on a socket of the server that `naftiko serve` runs."""
    consumes = {"namespace": "up", "type": "http", "baseUri": upstream.url}
    routes = [{"path": "/through/{{path}}", "forward": {"targetNamespace": "up"}}]
    exposes = {"type": "rest", "namespace": "web", "port": 8080, "resources": routes}
    document = {"naftiko": "1.0.0-alpha5", "capability": {"consumes": [consumes], "exposes": [exposes]}}
    capability = naftiko.loads(json.dumps(document), settings=Settings(environment={}))
    app = rest_app(capability, RestOptions(reading_seconds=reading_seconds))
    opened = listen("127.0.0.1", 0)
    servers = Servers([Site(opened, lambda: app)])
    task = asyncio.create_task(servers.run())
    try:
        yield opened.getsockname()[1]
    finally:
        servers.stop()
        await task
        opened.close()


def caller(port: int, path: str, buffer: int = 4096) -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    connection.connect(("127.0.0.1", port))
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return connection


async def until(condition) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - the other side's state has no event to wait for
            await asyncio.sleep(0.01)


async def test_a_caller_who_reads_nothing_is_let_go(upstream, caplog):
    caplog.set_level(logging.INFO)
    async with forwarding(upstream, reading_seconds=0.3) as port:
        with contextlib.ExitStack() as stack:
            there = [stack.enter_context(caller(port, "/through/endless")) for _ in range(5)]
            await until(lambda: upstream.open == 5)
            await until(lambda: upstream.open == 0)
            for connection in there:
                connection.settimeout(5)
                with contextlib.suppress(ConnectionResetError):
                    while await asyncio.to_thread(connection.recv, 1 << 20):
                        pass
    told = [record.getMessage() for record in caplog.records]
    assert sum("did not read its answer for 0.3 s" in text for text in told) == 5
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING], told


async def test_a_caller_who_reads_slowly_is_waited_for(upstream):
    """Each piece has its own time."""
    async with forwarding(upstream, reading_seconds=1) as port:
        with caller(port, "/through/endless", 65_536) as connection:
            connection.settimeout(5)
            size = 0
            for _ in range(20):
                size += len(await asyncio.to_thread(connection.recv, 1 << 20))
                await asyncio.sleep(0.06)
            assert upstream.open == 1
            assert size > 0
        await until(lambda: upstream.open == 0)
