"""Clients not written here list, call, read and get, over HTTP and stdio, as their users do."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import clients
import pytest
from clients import Requests, Target
from conformance_serving import CAPABILITY, NAFTIKO
from conformance_upstream import stand_in_fixtures
from examples.koyeb import StandInKoyeb, stand_in_koyeb

TESTS = Path(__file__).parents[1]
sys.path += [str(TESTS / "serve"), str(TESTS / "tutorial")]

from served import FIRST, served, surroundings  # noqa: E402  # it is beside the tests of serve
from shipyard import SECRETS, shipyard  # noqa: E402  # it is beside the tests of the tutorial

KOYEB_TOKEN = "koyeb-secret-token-1234"
TUTORIAL = TESTS / "fixtures" / "tutorial" / "step-11-fleet-manifest.yaml"
CLIENTS = ("typescript", "fastmcp", "mcp 2025-06-18", "mcp 2025-11-25", "mcp 2026-07-28")
Ask = Callable[[str, Requests], Awaitable[list[dict[str, Any]]]]

pytestmark = pytest.mark.conformance


@pytest.fixture(scope="module")
def koyeb() -> Iterator[StandInKoyeb]:
    with stand_in_koyeb(KOYEB_TOKEN) as standing_in:
        yield standing_in


@pytest.fixture(scope="module")
def over_stdio(koyeb: StandInKoyeb) -> Iterator[dict[str, Target]]:
    """What a client's configuration says of each capability."""
    with shipyard() as dockyard, stand_in_fixtures() as upstream:
        bearer = {"authorization": f"Bearer {SECRETS['mcp-server-token']}"}
        yield {
            "koyeb": _target(FIRST, {"koyeb-instances": koyeb.url}, env={"KOYEB_API_KEY": KOYEB_TOKEN}),
            "tutorial": _target(TUTORIAL, {"registry": dockyard.url, "legacy": dockyard.url}, headers=bearer),
            "fixtures": _target(CAPABILITY, {"fixtures": upstream.url}),
        }


def _target(
    file: Path, base_uris: dict[str, str], env: dict[str, str] | None = None, headers: dict[str, str] | None = None
) -> Target:
    options = [text for name, url in base_uris.items() for text in ("--base-uri", f"{name}={url}")]
    return Target([str(NAFTIKO), "serve", str(file), *options], surroundings(**(env or {})), headers or {})


@pytest.fixture(scope="module")
def over_http(over_stdio: dict[str, Target]) -> Iterator[dict[str, Target]]:
    """The same, served on free ports."""
    with contextlib.ExitStack() as stack:
        found = {}
        for name, target in over_stdio.items():
            ports = ["--port", "mcp=0", "--port", "skill=0"] + ([] if name == "fixtures" else ["--port", "rest=0"])
            server = stack.enter_context(served(*target.command[2:], *ports, env=target.env, ready=("mcp ",)))
            found[name] = replace(target, url=server.mcp)
        yield found


@pytest.fixture(params=["http", "stdio"])
def targets(request, over_stdio, over_http) -> dict[str, Target]:
    if request.param == "http":
        return over_http
    return {
        name: replace(target, command=[*target.command, "--transport", "stdio"]) for name, target in over_stdio.items()
    }


@pytest.fixture(params=CLIENTS)
def ask(request, tools, targets) -> Ask:
    """Connect a client to a capability by its name, make requests, and return the results."""
    name, _, version = request.param.partition(" ")
    if name == "typescript":
        asking = clients.typescript(tools)
    else:
        asking = clients.fastmcp() if name == "fastmcp" else clients.python_sdk(version)
    return lambda capability, requests: asking(targets[capability], requests)


def call(tool: str, **arguments: Any) -> tuple[str, dict[str, Any]]:
    return "tools/call", {"name": tool, "arguments": arguments}


async def test_the_first_capability_lists_and_calls(ask: Ask, koyeb: StandInKoyeb):
    """Tools with their schemas, a page of instances, one instance, and an error that says what was not found."""
    instance = koyeb.instances[0]
    listed, page, one, missing = await ask(
        "koyeb",
        [
            ("tools/list", {}),
            call("list-instances", limit="2"),
            call("get-instance", id=instance.id),
            call("get-instance", id="no-such-instance"),
        ],
    )
    tools = {tool["name"]: tool for tool in listed["tools"]}
    assert list(tools) == ["list-instance-events", "list-instances", "get-instance", "exec-command"]
    assert tools["get-instance"]["inputSchema"]["required"] == ["id"]
    assert tools["get-instance"]["annotations"]["readOnlyHint"] is True
    assert page["structuredContent"]["count"] == len(koyeb.instances)
    assert len(page["structuredContent"]["instances"]) == 2
    assert one["structuredContent"]["instance"]["id"] == instance.id
    assert missing["isError"] is True
    assert "404" in missing["content"][0]["text"]


async def test_the_tutorial_lists_and_calls(ask: Ask):
    """Its last step: a bearer token over HTTP, a manifest out of four calls and three lookups."""
    listed, manifest, ships = await ask(
        "tutorial",
        [
            ("tools/list", {}),
            call("get-voyage-manifest", voyageId="VOY-2026-042"),
            call("list-ships", status="in_dock"),
        ],
    )
    assert [tool["name"] for tool in listed["tools"]][-1] == "get-voyage-manifest"
    assert len(listed["tools"]) == 6
    assert manifest["structuredContent"]["ship"]["name"] == "Northern Star"
    assert [row["hazardous"] for row in manifest["structuredContent"]["cargo"]] == [True, False]
    assert [ship["name"] for ship in json.loads(ships["content"][0]["text"])] == ["Göteborg Express"]


async def test_resources_are_read_and_prompts_are_got(ask: Ask):
    """Neither the first capability nor the tutorial declares any, so this is a file that declares all kinds."""
    template, file, prompt = await ask(
        "fixtures",
        [
            ("resources/read", {"uri": "test://template/123/data"}),
            ("resources/read", {"uri": "test://files/review.md"}),
            ("prompts/get", {"name": "test_prompt_with_arguments", "arguments": {"arg1": "here", "arg2": "there"}}),
        ],
    )
    [contents] = template["contents"]
    assert json.loads(contents["text"])["data"] == "Data for ID: 123"
    assert file["contents"][0]["text"] == "Please review {{topic}}.\n"
    [message] = prompt["messages"]
    assert message["content"]["text"] == "Prompt with arguments: arg1='here', arg2='there'"
