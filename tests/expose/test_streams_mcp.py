"""Streams of upstreams as an agent gets them: progress as the items come, then the list (docs/streams.md)."""

from __future__ import annotations

import asyncio
import json
import os
import sys

import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp_wire import HANDSHAKE, NEWEST
from starlette.responses import Response

from holding import until
from stream_api import EVENTS, LINES, Feed, event, line

CAPABILITY = """
naftiko: 1.0.0-alpha2
capability:
  consumes:
  - type: http
    namespace: live
    baseUri: http://127.0.0.1:9
    resources:
    - path: /events
      operations:
      - {name: watch, method: GET, outputRawFormat: sse, collect: {until: $.done}}
      - {name: lines, method: GET, path: /lines, outputRawFormat: ndjson}
    - path: /told
      operations:
      - {name: tell, method: POST, body: {type: json, data: {count: "{{count}}", first: "{{first}}"}}}
  exposes:
  - type: mcp
    namespace: tools
    port: 9090
    tools:
    - name: watch
      description: What happens.
      call: live.watch
      outputParameters:
      - {name: n, type: integer, mapping: $.number}
    - name: lines
      description: Many lines.
      call: live.lines
    - name: summed
      description: What happens, told in one.
      steps:
      - {name: seen, type: call, call: live.watch}
      - {name: told, type: call, call: live.tell, with: {count: "{{seen.length()}}", first: "$.seen[0].number"}}
      mappings:
      - {targetName: every, value: $.seen}
      - {targetName: told, value: $.told}
"""


def fed(upstream, *pieces):
    feed = Feed()
    feed.say(*pieces)
    upstream.on("GET", "/events", feed)
    return feed


async def shown(client, feed, tool="watch"):
    """Call a tool; each item is said when the one before was shown. Return the result and the progress."""
    seen = []
    rest = [event({"number": 2}), event({"number": 3, "done": True})]

    async def on_progress(progress, total, message):
        assert total is None
        seen.append((progress, message))
        if message.startswith(("{", "1 ", "2 ")) and rest:
            feed.say(rest.pop(0))

    return await client.call_tool(tool, {}, progress_callback=on_progress), seen


EXPECTED = [(1, '{"n":1}'), (2, '{"n":2}'), (3, '{"n":3}')]
LIST = [{"n": 1}, {"n": 2}, {"n": 3}]


@pytest.mark.parametrize("mode", [NEWEST, "legacy"])
async def test_the_official_client_sees_each_item_before_the_next_is_sent(mode, serve, upstream):
    feed = fed(upstream, event({"number": 1}))
    async with Client(f"{await serve(CAPABILITY, base=upstream.url)}/mcp", mode=mode) as client:
        result, seen = await shown(client, feed)
    assert not result.is_error, result.content
    assert [each for each in seen if each[1].startswith("{")] == EXPECTED
    assert json.loads(result.content[0].text) == LIST
    assert feed.left.is_set()


@pytest.mark.parametrize("mode", [NEWEST, "legacy"])
async def test_so_does_a_client_over_stdio(mode, tmp_path, upstream):
    feed = fed(upstream, event({"number": 1}))
    file = tmp_path / "capability.yaml"
    file.write_text(CAPABILITY.replace("http://127.0.0.1:9", upstream.url), "utf-8")
    command = ["-m", "naftiko", "serve", str(file), "--transport", "stdio"]
    parameters = StdioServerParameters(
        command=sys.executable, args=command, env={"PYTHONPATH": os.pathsep.join(sys.path)}
    )
    async with Client(stdio_client(parameters), mode=mode) as client:
        result, seen = await shown(client, feed)
    assert [each for each in seen if each[1].startswith("{")] == EXPECTED
    assert json.loads(result.content[0].text) == LIST


async def test_a_session_sees_them_too(serve, upstream):
    feed = fed(upstream, event({"number": 1}))
    async with Client(f"{await serve(CAPABILITY, base=upstream.url, stateful=True)}/mcp", mode="legacy") as client:
        result, seen = await shown(client, feed)
    assert [each for each in seen if each[1].startswith("{")] == EXPECTED
    assert json.loads(result.content[0].text) == LIST


@pytest.mark.parametrize("version", [NEWEST, *HANDSHAKE])
async def test_who_asks_for_no_progress_gets_the_list(version, serve, upstream, wire):
    fed(upstream, event({"number": 1}), event({"number": 2, "done": True}))
    result = await wire(f"{await serve(CAPABILITY, base=upstream.url)}/mcp", version).call("watch")
    assert json.loads(result["content"][0]["text"]) == [{"n": 1}, {"n": 2}]
    assert "_meta" not in result or "dev.naftiko/notes" not in result["_meta"]


async def test_a_step_sees_the_list_and_its_items_are_counted_not_shown(serve, upstream):
    """What a step gets may be what the outputs leave out."""
    feed = fed(upstream, event({"number": 1}))
    upstream.on("POST", "/told", lambda request: Response(request.body, media_type="application/json"))
    async with Client(f"{await serve(CAPABILITY, base=upstream.url)}/mcp", mode=NEWEST) as client:
        result, seen = await shown(client, feed, "summed")
    assert not result.is_error, result.content
    made = json.loads(result.content[0].text)
    assert made["every"] == [{"number": 1}, {"number": 2}, {"number": 3, "done": True}]
    assert [each for each in seen if "waiting" not in each[1]] == [(1, "1 items"), (2, "2 items"), (3, "3 items")]


async def test_items_that_come_fast_are_not_all_shown_but_counted(serve, upstream):
    upstream.on("GET", "/events/lines", lambda _: Response(line({"a": 1}) * 900, media_type=LINES))
    seen = []

    async def on_progress(progress, total, message):
        seen.append(progress)

    async with Client(f"{await serve(CAPABILITY, base=upstream.url)}/mcp", mode=NEWEST) as client:
        result = await client.call_tool("lines", {}, progress_callback=on_progress)
    assert len(json.loads(result.content[0].text)) == 900
    assert seen == sorted(set(seen))
    assert seen[:20] == list(range(1, 21))
    assert len(seen) < 500


async def test_a_list_that_is_cut_to_fit_has_no_handle_since_a_stream_comes_once(serve, upstream):
    upstream.on("GET", "/events/lines", lambda _: Response(line({"a": "x" * 90}) * 900, media_type=LINES))
    url = await serve(CAPABILITY, base=upstream.url, answer_budget=2000)
    async with Client(f"{url}/mcp", mode=NEWEST) as client:
        result = await client.call_tool("lines", {})
    assert len(result.content[0].text) < 3000
    assert "handle" not in json.dumps([each.model_dump() for each in result.content])


@pytest.mark.parametrize("version", [NEWEST, HANDSHAKE[0]])
async def test_a_cut_stream_gives_what_came_with_a_note(version, serve, upstream, wire):
    feed = fed(upstream, event({"number": 1}))
    feed.cut()
    result = await wire(f"{await serve(CAPABILITY, base=upstream.url)}/mcp", version).call("watch")
    assert not result["isError"]
    assert json.loads(result["content"][0]["text"]) == [{"n": 1}]
    assert "the list is not complete" in result["content"][1]["text"]
    assert "reason=cut;items=1" in result["_meta"]["dev.naftiko/notes"][0]


async def test_one_that_is_cut_before_its_first_item_is_an_error(serve, upstream, wire):
    fed(upstream).cut()
    result = await wire(f"{await serve(CAPABILITY, base=upstream.url)}/mcp", NEWEST).call("watch")
    assert result["isError"]


@pytest.mark.parametrize("version", [NEWEST, HANDSHAKE[0]])
async def test_a_client_who_leaves_closes_the_upstream(version, serve, upstream, wire):
    feed = fed(upstream, event({"number": 1}))
    at = wire(f"{await serve(CAPABILITY, base=upstream.url)}/mcp", version)
    params = {"name": "watch", "arguments": {}, "_meta": {"progressToken": 1}}
    call = asyncio.create_task(at.post("tools/call", params))
    await until(feed.asked.is_set)
    call.cancel()
    await asyncio.wait([call])
    await until(feed.left.is_set)


async def test_the_output_schema_is_that_of_a_list(serve, upstream):
    async with Client(f"{await serve(CAPABILITY, base=upstream.url)}/mcp", mode=NEWEST) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert tools["watch"].output_schema["type"] == "array"
    assert EVENTS not in str(tools["watch"].description)
