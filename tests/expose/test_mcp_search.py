"""Many tools behind three: find, describe and call."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from functools import partial

import pytest
from mcp_wire import HANDSHAKE, NEWEST

from naftiko.expose.mcp import mcp_app, options
from naftiko.expose.mcp.finding import terms, words
from naftiko.ground.errors import NaftikoError

SHIPS = """
naftiko: 1.0.0-alpha2
capability:
  consumes:
    - type: http
      namespace: up
      baseUri: http://unused.invalid
      resources: [{path: /ship, operations: [{name: ship, method: GET, inputParameters: [{name: imo, in: query}]}]}]
  exposes:
    - type: mcp
      namespace: ships
      tools:
        - {name: list-ships, description: Lists the ships of the fleet, outputParameters: [{type: string, value: all}]}
        - name: get-ship
          description: Returns one ship by its number
          call: up.ship
          inputParameters: [{name: imo, type: integer, description: The number, required: true}]
        - {name: sinkShip, description: Sinks a ship, outputParameters: [{type: string, value: sunk}]}
"""
CREWS = """
naftiko: 1.0.0-alpha2
capability:
  exposes:
    - type: mcp
      namespace: crews
      tools:
        - name: hire-sailor
          description: Hires a sailor for a ship
          label: Hire
          inputParameters:
            - {name: rank, type: string, enum: [cook, mate], required: true}
          outputParameters: [{name: hired, type: string, value: "a {{rank}}"}]
        - {name: list-sailors, description: Lists the crew, outputParameters: [{type: string, value: none}]}
"""
THREE = ["find-tools", "describe-tool", "call-tool"]


@pytest.fixture(params=[HANDSHAKE[0], NEWEST])
async def at(serve, upstream, wire, request):
    url = await serve(SHIPS, CREWS, base=upstream.url, tool_mode="search")
    return wire(f"{url}/mcp", request.param)


async def found(at, query, **more):
    result = await at.call("find-tools", {"query": query, **more})
    assert result["isError"] is False, result
    assert json.loads(result["content"][0]["text"]) == result["structuredContent"]
    return result["structuredContent"]


async def test_three_tools_stand_for_all(at):
    tools = (await at.ask("tools/list"))["tools"]
    assert [tool["name"] for tool in tools] == [*THREE, "naftiko-continue"]
    assert "among the 5 tools of ships, crews" in tools[0]["description"]
    assert tools[0]["annotations"] == {"readOnlyHint": True}
    assert "annotations" not in tools[2]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("hire somebody", "hire-sailor"),
        ("list ships", "list-ships"),
        ("ship by number", "get-ship"),
        ("SINK", "sinkShip"),
        ("imo", "get-ship"),
    ],
)
async def test_the_best_one_is_found_first(at, query, first):
    assert (await found(at, query))["tools"][0]["name"] == first


async def test_what_is_found_says_how_it_is_called(at):
    [hire] = [tool for tool in (await found(at, "hire"))["tools"] if tool["name"] == "hire-sailor"]
    assert hire == {
        "name": "hire-sailor",
        "description": "Hires a sailor for a ship",
        "arguments": {"rank": '"cook" | "mate", required'},
    }


async def test_the_same_question_has_the_same_answer_in_every_process(at):
    first = await found(at, "ship")
    script = (
        "import asyncio, sys, json, httpx, naftiko; sys.path.insert(0, 'tests/expose'); "
        "from mcp_wire import Wire, NEWEST; from test_mcp_search import SHIPS, CREWS; from naftiko.expose.mcp import mcp_app\n"
        "app = mcp_app([naftiko.loads(text) for text in (SHIPS, CREWS)], tool_mode='search')\n"
        "async def ask():\n"
        "    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url='http://localhost') as client:\n"
        "        result = await Wire(client, '/mcp', NEWEST).call('find-tools', {'query': 'ship'})\n"
        "        print(json.dumps(result['structuredContent'])); await app.aclose()\n"
        "asyncio.run(ask())"
    )
    run = partial(subprocess.run, check=True, capture_output=True, text=True, timeout=60)
    ran = await asyncio.to_thread(run, [sys.executable, "-c", script])
    assert json.loads(ran.stdout) == first


async def test_nothing_found_says_what_to_do_and_no_words_give_the_first(at):
    nothing = await found(at, "xylophone")
    assert (nothing["tools"], nothing["fitting"]) == ([], 0)
    assert "other words" in nothing["to_do"]
    assert [tool["name"] for tool in (await found(at, "", limit=2))["tools"]] == ["list-ships", "get-ship"]
    assert len((await found(at, "ship", limit="1"))["tools"]) == 1


async def test_a_tool_is_described_as_the_list_would_show_it(at, serve, wire):
    plain = wire(f"{await serve(SHIPS, CREWS)}/mcp", at.version)
    listed = {tool["name"]: tool for tool in (await plain.ask("tools/list"))["tools"]}
    for name in ("hire-sailor", "get-ship", "sinkShip"):
        assert (await at.call("describe-tool", {"name": name}))["structuredContent"] == listed[name]


async def test_a_tool_is_called_with_its_own_checks_and_repairs(at, upstream):
    upstream.on("GET", "/ship", lambda request: {"imo": request.query["imo"]})
    result = await at.call("call-tool", {"name": "get-ship", "arguments": '{"imo": "7"}'})
    assert result["structuredContent"] == {"imo": "7"}
    refused = await at.call("call-tool", {"name": "hire-sailor", "arguments": {"rank": "king"}})
    assert refused["isError"] is True
    assert "must be one of: cook, mate" in refused["content"][0]["text"]
    hired = await at.call("call-tool", {"name": "hire-sailor", "arguments": {"rank": "cook"}})
    assert hired["structuredContent"] == {"hired": "a cook"}
    assert (await at.call("hire-sailor", {"rank": "mate"}))["structuredContent"] == {"hired": "a mate"}


@pytest.mark.parametrize("tool", ["describe-tool", "call-tool"])
async def test_an_unknown_name_is_an_error_with_a_hint(at, tool):
    result = await at.call(tool, {"name": "get-shop"})
    assert result["isError"] is True
    assert "did you mean" in result["content"][0]["text"]
    assert "find-tools" in result["content"][0]["text"]
    assert (await at.call(tool, {}))["isError"] is True


async def test_a_denied_tool_is_neither_found_nor_described_nor_called(serve, wire):
    url = await serve(SHIPS, CREWS, tool_mode="search", deny_tools=["ships/sink*"])
    at = wire(f"{url}/mcp", NEWEST)
    assert "sinkShip" not in [tool["name"] for tool in (await found(at, "sink a ship"))["tools"]]
    for tool in ("describe-tool", "call-tool"):
        assert (await at.call(tool, {"name": "sinkShip"}))["isError"] is True


async def test_a_large_answer_is_cut_and_continued_here_too(serve, upstream, wire):
    upstream.on("GET", "/ship", {"items": list(range(10_000))})
    at = wire(f"{await serve(SHIPS, base=upstream.url, tool_mode='search', answer_budget=2000)}/mcp", NEWEST)
    cut = (await at.call("call-tool", {"name": "get-ship", "arguments": {"imo": 1}}))["structuredContent"]
    handle = cut["_more"]["parts"][0]["handle"]
    more = (await at.call("naftiko-continue", {"handle": handle}))["structuredContent"]
    assert more["part"][0] == len(cut["items"])


def test_words_are_found_in_every_spelling():
    assert words("listHTTPServers get_ship-by.id v2 Città <b>cities</b> add-on") == [
        *("list", "http", "servers", "get", "ship", "by", "id", "v", "2", "città", "cities", "addon"),
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("refunds", "refund"),
        ("cities", "city"),
        ("erase a ship", "deleteShip"),
        ("unfollow", "delete follow"),
        ("fetching ships", "displays a ship"),
    ],
)
def test_words_of_one_meaning_are_one_term(one, other):
    assert terms(one) == terms(other)


def test_words_that_say_nothing_are_left_out_unless_there_are_no_others():
    assert terms("what is the status of a ship") == terms("status ship")
    assert terms("what is it") == ["what", "is", "it"]


def test_without_the_library_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setattr(options, "find_spec", lambda _name: None)
    with pytest.raises(NaftikoError, match=r"pip install 'naftiko\[search\]'"):
        mcp_app([], tool_mode="search")
    with pytest.raises(ValueError, match="tool_mode"):
        mcp_app([], tool_mode="other")


async def test_a_server_without_tools_can_be_searched(serve, wire):
    at = wire(f"{await serve('naftiko: 1.0.0-alpha2', tool_mode='search')}/mcp", NEWEST)
    assert (await found(at, "ship"))["tools"] == []
