"""Serve MCP apps on real sockets, and speak to them with the official client or with bare JSON-RPC."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx
import uvicorn

HANDSHAKE = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
NEWEST = "2026-07-28"
LIMIT = 60.0
"""Seconds that anything may take on a busy machine."""

GRACE = 2.0
"""Seconds that answers under way get when a test ends."""


class _Server(uvicorn.Server):
    """Uvicorn without its ticks of a tenth of a second, which most tests would wait for longer than for all else."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()
        self.told_to_stop = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self.told_to_stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let the answers under way end, cancel those that take longer, and then end the app's lifespan."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if tasks := set(self.server_state.tasks):
            _, late = await asyncio.wait(tasks, timeout=GRACE)
            for task in late:
                task.cancel()
            await asyncio.wait(tasks, timeout=LIMIT)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await self.lifespan.shutdown()


@contextlib.asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """Serve an ASGI app with its lifespan on a free port of 127.0.0.1; the block gets the URL."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        # On a busy machine a connection may be idle for long: none is closed just when a client sends again.
        config = uvicorn.Config(app, log_level="error", lifespan="on", ws="none", timeout_keep_alive=600)
        server = _Server(config)
        task = asyncio.create_task(server.serve([listening]))
        started = asyncio.create_task(server.listens.wait())
        try:
            await asyncio.wait([started, task], timeout=LIMIT, return_when=asyncio.FIRST_COMPLETED)
            assert server.listens.is_set(), "the app did not start"
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            started.cancel()
            server.told_to_stop.set()
            await asyncio.wait_for(task, LIMIT)


class Wire:
    """Bare JSON-RPC over HTTP at one revision of the protocol."""

    def __init__(self, client: httpx.AsyncClient, url: str, version: str) -> None:
        self.client = client
        self.url = url
        self.version = version
        self._last = 0

    async def post(self, method: str, params: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        """POST one request."""
        self._last += 1
        params = dict(params or {})
        sent = {"accept": "application/json, text/event-stream", "mcp-protocol-version": self.version}
        if self.version == NEWEST:
            meta = {
                "io.modelcontextprotocol/protocolVersion": NEWEST,
                "io.modelcontextprotocol/clientCapabilities": {},
            }
            params["_meta"] = {**meta, **params.get("_meta", {})}
            sent["mcp-method"] = method
            name = params.get("name", params.get("uri"))
            if name is not None and method in {"tools/call", "prompts/get", "resources/read"}:
                sent["mcp-name"] = name
        body = {"jsonrpc": "2.0", "id": self._last, "method": method, "params": params}
        sent.update({key.replace("_", "-"): value for key, value in headers.items()})
        return await self.client.post(self.url, json=body, headers=sent)

    async def ask(self, method: str, params: dict[str, Any] | None = None) -> Any:
        """Return the result, or fail."""
        answer = (await self.post(method, params)).json()
        assert "result" in answer, answer
        return answer["result"]

    async def error(self, method: str, params: dict[str, Any] | None = None) -> Any:
        """Return the error, or fail."""
        answer = (await self.post(method, params)).json()
        assert "error" in answer, answer
        return answer["error"]

    async def call(self, tool: str, arguments: dict[str, Any] | None = None) -> Any:
        """Return the result of a tool call."""
        return await self.ask("tools/call", {"name": tool, "arguments": arguments or {}})
