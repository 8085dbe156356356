"""Clients not written here, behind one function each: ask a served capability, and return the results as on the wire."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO, TypeAlias

import httpx2
import pytest
from conformance_tools import Missing, Tools, installed
from mcp import StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

SDK: Final = {"@modelcontextprotocol/sdk": "1.32.2"}
"""The TypeScript SDK, in this exact version."""
SCRIPT: Final = Path(__file__).with_name("typescript_client.mjs")
SECONDS: Final = 60.0
Requests: TypeAlias = Sequence[tuple[str, Mapping[str, Any]]]
"""Methods and their params."""


@dataclass(frozen=True)
class Target:
    """A capability that is served: at ``url``, or by ``command`` where there is none."""

    command: Sequence[str]
    env: Mapping[str, str]
    headers: Mapping[str, str]
    url: str | None = None


Ask: TypeAlias = Callable[[Target, Requests], Awaitable[list[dict[str, Any]]]]


def typescript(tools: Tools) -> Ask:
    """The TypeScript SDK's client; the test is skipped where npm can't install it."""
    try:
        modules = installed(SDK) / "node_modules"
    except Missing as missing:
        pytest.skip(str(missing))

    async def ask(target: Target, requests: Requests) -> list[dict[str, Any]]:
        command, *arguments = target.command
        stdio = {"command": command, "args": arguments, "env": dict(target.env), "stderr": "ignore"}
        told = {
            "modules": str(modules),
            "url": target.url,
            "headers": dict(target.headers),
            "stdio": None if target.url else stdio,
            "requests": requests,
        }
        process = await asyncio.create_subprocess_exec(
            tools.node, SCRIPT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )  # fmt: skip
        try:
            async with asyncio.timeout(SECONDS):
                said, errors = await process.communicate(json.dumps(told).encode())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode == 0, errors.decode()
        return json.loads(said)

    return ask


def fastmcp() -> Ask:
    """FastMCP's client; the test is skipped where it is not installed, since nothing else here needs it."""
    client = pytest.importorskip("fastmcp", reason="pip install fastmcp")
    transports = client.client.transports

    async def ask(target: Target, requests: Requests) -> list[dict[str, Any]]:
        if target.url:
            transport = transports.StreamableHttpTransport(target.url, headers=dict(target.headers))
        else:
            command, *arguments = target.command
            transport = transports.StdioTransport(
                command, arguments, dict(target.env), keep_alive=False, log_file=Path(os.devnull)
            )
        async with asyncio.timeout(SECONDS), client.Client(transport) as connected:
            methods = {
                "tools/list": lambda _: connected.list_tools_mcp(),
                "tools/call": lambda params: connected.call_tool_mcp(params["name"], dict(params["arguments"])),
                "resources/read": lambda params: connected.read_resource_mcp(params["uri"]),
                "prompts/get": lambda params: connected.get_prompt_mcp(params["name"], dict(params["arguments"])),
            }
            return [_shown(await methods[method](params)) for method, params in requests]

    return ask


def python_sdk(version: str) -> Ask:
    """The `mcp` SDK's client, at one revision of the protocol."""

    async def ask(target: Target, requests: Requests) -> list[dict[str, Any]]:
        mode = version if version.startswith("2026") else "legacy"
        with pytest.MonkeyPatch.context() as patch, _nowhere() as nothing:
            # The client offers the newest revision that has a handshake, and there is no option for another one.
            patch.setattr("mcp.client.session.LATEST_HANDSHAKE_VERSION", version)
            async with asyncio.timeout(SECONDS), httpx2.AsyncClient(headers=dict(target.headers)) as http:
                if target.url:
                    transport = streamable_http_client(target.url, http_client=http)
                else:
                    command, *arguments = target.command
                    parameters = StdioServerParameters(command=command, args=arguments, env=dict(target.env))
                    transport = stdio_client(parameters, errlog=nothing)
                async with Client(transport, mode=mode) as connected:
                    assert connected.protocol_version == version
                    return [_shown(await _asked(connected, method, params)) for method, params in requests]

    return ask


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


async def _asked(client: Client, method: str, params: Mapping[str, Any]) -> Any:
    match method:
        case "tools/list":
            return await client.list_tools()
        case "tools/call":
            return await client.call_tool(params["name"], dict(params["arguments"]))
        case "resources/read":
            return await client.read_resource(params["uri"])
        case _:
            return await client.get_prompt(params["name"], dict(params["arguments"]))


def _shown(result: Any) -> dict[str, Any]:
    return result.model_dump(mode="json", by_alias=True, exclude_none=True)
