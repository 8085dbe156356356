"""Which tools are served: patterns, single adapters of a file, names behind a prefix."""

from __future__ import annotations

import pytest
from mcp_wire import NEWEST, serving

import naftiko
from naftiko.expose.mcp import mcp_app
from naftiko.expose.selection import Selection, nearest

TWO_PORTS = """
naftiko: 1.0.0-alpha2
capability:
  consumes: [{type: http, namespace: fleet, baseUri: "http://unused.invalid", resources: []}]
  exposes:
    - type: mcp
      namespace: public
      port: 9001
      tools:
        - {name: greet, description: Greets, outputParameters: [{name: said, type: string, value: public}]}
        - {name: list-all, description: Lists, outputParameters: [{name: said, type: string, value: all}]}
      prompts: [{name: ask, template: [{content: Ask}]}]
    - type: mcp
      namespace: internal
      port: 9002
      tools:
        - {name: drop-all, description: Drops, outputParameters: [{name: said, type: string, value: dropped}]}
"""
OTHER = """
naftiko: 1.0.0-alpha2
capability:
  consumes: [{type: http, namespace: crew, baseUri: "http://unused.invalid", resources: []}]
  exposes:
    - type: mcp
      namespace: crew-mcp
      tools:
        - {name: greet, description: Greets, outputParameters: [{name: said, type: string, value: crew}]}
        - name: a-name-that-is-just-as-long-as-the-clients-of-our-days-let-it-be
          description: Long
          outputParameters: [{name: said, type: string, value: long}]
      prompts: [{name: ask, template: [{content: Ask}]}]
"""


async def names(at):
    return [tool["name"] for tool in (await at.ask("tools/list"))["tools"]]


@pytest.mark.parametrize(
    ("options", "served"),
    [
        ({}, ["greet", "list-all", "drop-all"]),
        ({"allow_tools": ["list-*"]}, ["list-all"]),
        ({"deny_tools": ["drop-*"]}, ["greet", "list-all"]),
        ({"allow_tools": ["public/*"]}, ["greet", "list-all"]),
        ({"allow_tools": ["*"], "deny_tools": ["public/*"]}, ["drop-all"]),
    ],
)
async def test_what_is_not_admitted_is_neither_listed_nor_called(serve, wire, options, served):
    at = wire(f"{await serve(TWO_PORTS, **options)}/mcp", NEWEST)
    assert await names(at) == served
    for name in ("greet", "list-all", "drop-all"):
        answer = (await at.post("tools/call", {"name": name, "arguments": {}})).json()
        if name in served:
            assert answer["result"]["isError"] is False
        else:
            assert answer["error"]["message"].startswith(f"Unknown tool: {name}")


def test_deny_wins_and_patterns_mean_the_name_or_the_whole():
    selection = Selection(("a/*", "get-*"), ("*-secret", "a/drop"))
    admitted = [
        (space, name)
        for space, name in (("a", "x"), ("b", "x"), ("b", "get-x"), ("b", "get-secret"), ("a", "drop"), ("b", "drop"))
        if selection.admits(space, name)
    ]
    assert admitted == [("a", "x"), ("b", "get-x")]
    assert nearest({"*": 1, "a/*": 2, "a/get-*": 3}, "a", "get-x") == 3
    assert nearest({"a/*": 2}, "b", "x") is None


async def test_one_adapter_of_a_file_can_be_served_alone(tmp_path, wire):
    """A file with two MCP ports: what is internal is not at the public one."""
    capability = naftiko.loads(TWO_PORTS, path=tmp_path / "two.yaml")
    public, internal = (adapter for adapter in capability.adapters if adapter.kind == "mcp")
    for adapter, served in ((public, ["greet", "list-all"]), (internal, ["drop-all"])):
        async with serving(mcp_app([(capability, adapter)])) as url:
            for path in ("/mcp", "/", f"/{adapter.namespace}/mcp"):
                assert await names(wire(f"{url}{path}", NEWEST)) == served


async def test_behind_prefixes_no_tool_or_prompt_is_lost(serve, wire):
    url = await serve(TWO_PORTS, OTHER, prefix=True)
    at = wire(f"{url}/mcp", NEWEST)
    listed = await names(at)
    assert listed[:4] == ["fleet_greet", "fleet_list-all", "fleet_drop-all", "crew_greet"]
    assert len(listed[4]) == 64
    assert listed[4].startswith("crew_a-name-that")
    assert (await at.call("fleet_greet"))["structuredContent"] == {"said": "public"}
    assert (await at.call("crew_greet"))["structuredContent"] == {"said": "crew"}
    for name in (listed[4], "crew_a-name-that-is-just-as-long-as-the-clients-of-our-days-let-it-be"):
        assert (await at.call(name))["structuredContent"] == {"said": "long"}
    assert [prompt["name"] for prompt in (await at.ask("prompts/list"))["prompts"]] == ["fleet_ask", "crew_ask"]
    assert (await at.post("tools/call", {"name": "greet", "arguments": {}})).json()["error"]


async def test_each_capability_has_its_own_names_at_its_own_path(serve, wire):
    url = await serve(TWO_PORTS, OTHER, prefix=True)
    assert await names(wire(f"{url}/fleet/mcp", NEWEST)) == ["greet", "list-all", "drop-all"]
    own = wire(f"{url}/crew/mcp", NEWEST)
    assert (await own.call("greet"))["structuredContent"] == {"said": "crew"}
