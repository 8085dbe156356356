"""MCP clients hear of lists that have changed while the server serves, on the streams that they have."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from mcp.client import Client
from mcp.server.subscriptions import PromptsListChanged, ToolsListChanged
from mcp_types import ToolListChangedNotification
from served import LIMIT, Served, served, tools_of

FILE = """\
naftiko: 1.0.0-beta5
info: {{label: Quay}}
exposes:
- type: mcp
  namespace: agents
  port: 9090
  tools: [{{name: {tool}, description: d, outputParameters: [{{type: string, value: a}}]}}]
  prompts: [{{name: {prompt}, description: d, template: [{{role: user, content: hello}}]}}]
- type: control
  port: 9464
  management: {{reload: true}}
"""
PORTS = ("--port", "mcp=0", "--port", "control=0")


def write(file: Path, tool: str, prompt: str = "greet") -> None:
    whole = file.with_suffix(".new")
    whole.write_text(FILE.format(tool=tool, prompt=prompt))
    whole.replace(file)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "quay.yaml"
    write(path, "one")
    return path


@contextlib.asynccontextmanager
async def serving(file: Path, *options: str) -> AsyncIterator[Served]:
    with served(file, *PORTS, *options, ready=("mcp ", "control ")) as running:
        yield running


async def reload(running: Served) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=LIMIT) as asking:
        said = (await asking.post(f"{running.url('control')}/config/reload")).json()
    assert said["status"] == "applied", said


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_clients_of_the_newest_revision_hear_of_what_has_changed(file: Path, workers: str):
    async with (
        serving(file, "--workers", workers) as running,
        Client(running.mcp) as client,
        client.listen(tools_list_changed=True, prompts_list_changed=True, resources_list_changed=True) as changes,
        asyncio.timeout(LIMIT),
    ):
        assert client.server_capabilities.tools.list_changed
        for tool in ("two", "three"):  # the stream outlasts what it was opened to
            write(file, tool)
            await reload(running)
            assert isinstance(await anext(changes), ToolsListChanged)
            assert [each.name for each in await tools_of(client)] == [tool]
        write(file, "three", "welcome")
        await reload(running)
        assert isinstance(await anext(changes), PromptsListChanged)
        write(file, "four", "welcome")
        await reload(running)
        assert isinstance(await anext(changes), ToolsListChanged)  # of resources nothing is said: there are none
        result = await client.call_tool("four", {})
        assert not result.is_error


async def test_what_was_served_is_gone_though_somebody_listens(file: Path):
    """A stream keeps nothing of the file that it came to: the processes for large documents are those of now."""
    async with (
        serving(file) as running,
        Client(running.mcp) as client,
        client.listen(tools_list_changed=True) as changes,
        asyncio.timeout(LIMIT),
    ):
        for at in range(4):
            write(file, f"tool-{at}")
            await reload(running)
            assert isinstance(await anext(changes), ToolsListChanged)
        while len(children(running.process.pid)) > 1:  # noqa: ASYNC110  # another process's
            await asyncio.sleep(0.05)


def children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


async def test_a_stop_ends_the_streams(file: Path):
    async with serving(file) as running, Client(running.mcp) as client, asyncio.timeout(LIMIT):
        with contextlib.suppress(Exception):  # whatever the client makes of it, the server doesn't wait
            async with client.listen(tools_list_changed=True) as changes:
                os.kill(running.process.pid, signal.SIGTERM)
                await asyncio.to_thread(running.process.wait, LIMIT)
                async for _ in changes:
                    raise AssertionError("nothing has changed")
        assert running.process.wait(LIMIT) == 0


async def test_clients_of_older_revisions_hear_in_their_session_which_goes_on(file: Path):
    heard: asyncio.Queue[object] = asyncio.Queue()

    async def hear(message: object) -> None:
        heard.put_nowait(message)

    async with (
        serving(file, "--stateful") as running,
        Client(running.mcp, mode="legacy", message_handler=hear) as client,
        asyncio.timeout(LIMIT),
    ):
        assert client.server_capabilities.tools.list_changed
        assert [each.name for each in await tools_of(client)] == ["one"]
        for tool in ("two", "three"):
            write(file, tool)
            await reload(running)
            while not isinstance(await heard.get(), ToolListChangedNotification):
                pass
            assert [each.name for each in await tools_of(client)] == [tool]
            assert not (await client.call_tool(tool, {})).is_error
