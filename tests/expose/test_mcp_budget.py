"""Answers that fit: cut to a budget, valid all the same, and the rest is fetched by handles."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import re

import pytest
from jsonschema import Draft202012Validator
from mcp.client import Client
from mcp_wire import HANDSHAKE, NEWEST
from starlette.responses import Response

from naftiko.expose.mcp import handles
from naftiko.expose.mcp.fitting import MORE, PART
from naftiko.expose.mcp.handles import Handles, Place

CAPABILITY = """
naftiko: 1.0.0-alpha2
capability:
  consumes:
    - type: http
      namespace: up
      baseUri: http://unused.invalid
      authentication: {type: bearer, token: upstream-secret-token}
      resources:
        - path: /json
          operations:
            - {name: json, method: GET, inputParameters: [{name: page, in: query, type: string}]}
            - {name: create, method: POST, body: {type: json, data: {name: "{{name}}"}}}
        - {path: /text, operations: [{name: text, method: GET, outputRawFormat: binary}]}
  exposes:
    - type: mcp
      namespace: mcp
      tools:
        - {name: json, description: Any JSON, call: up.json}
        - {name: create, description: Makes one, call: up.create}
        - {name: seeming-create, description: Only reads, call: up.create, hints: {readOnly: true}}
        - {name: text, description: Any text, call: up.text}
        - name: typed
          description: A promise
          call: up.json
          outputParameters: [{name: things, type: array, mapping: $.items, items: {type: object, mapping: $}}]
        - name: mocked
          description: No call
          outputParameters: [{name: said, type: string, value: hello}]
"""
BUDGET = 4000
ITEMS = [{"id": number, "name": f"thing {number}", "tags": ["ä", "b"]} for number in range(1000)]


@pytest.fixture(params=[HANDSHAKE[0], HANDSHAKE[-1], NEWEST])
async def at(serve, upstream, wire, request):
    url = await serve(CAPABILITY, base=upstream.url, answer_budget=BUDGET)
    return wire(f"{url}/mcp", request.param)


def text_of(result):
    assert result["isError"] is False, result
    assert sum(len(block["text"]) for block in result["content"]) <= BUDGET
    document = json.loads(result["content"][0]["text"])
    if "structuredContent" in result:
        assert result["structuredContent"] == document
    return document


async def test_a_cut_object_keeps_its_shape_and_says_what_is_left_out(at, upstream):
    upstream.on("GET", "/json", {"total": 1000, "items": ITEMS, "next": None})
    document = text_of(await at.call("json"))
    assert list(document) == ["total", "items", "next", MORE]
    assert document["items"] == ITEMS[: len(document["items"])]
    [part] = document[MORE]["parts"]
    assert part["at"] == "$.items"
    assert part["left_out"] == f"{1000 - len(document['items']):,} of 1,000 items"
    assert re.search(r"about [\d,]+ tokens are left out", document[MORE]["cut"])
    assert "naftiko-continue" in document[MORE]["to_do"]


async def test_all_of_it_is_fetched_part_by_part(at, upstream):
    upstream.on("GET", "/json", {"items": ITEMS})
    document = text_of(await at.call("json", {"page": "3"}))
    got = list(document["items"])
    while MORE in document:
        [part] = document[MORE]["parts"]
        document = text_of(await at.call("naftiko-continue", {"handle": part["handle"]}))
        assert (document["from"], document["of"]) == (len(got), 1000)
        got += document[PART]
    assert got == ITEMS
    assert all(request.query["page"] == "3" for request in upstream.requests)


async def test_parts_within_parts_are_fetched_too(at, upstream):
    """A long text in an item, in an array that is cut itself: every character comes, in the end."""
    long = "".join(f"line {number}\n" for number in range(2000))
    upstream.on("GET", "/json", {"a": [{"id": 1}, {"id": 2, "log": long}, {"id": 3}], "b": "z" * 9000})
    texts: dict[str, str] = {}
    handles_left = []

    def note(document, base):
        handles_left.extend(part["handle"] for part in document.get(MORE, {}).get("parts", ()))
        if base is None:
            texts["b"] = document["b"]
            found = document["a"]
        else:
            found = document[PART]
        if isinstance(found, str):
            key = "b" if set(found) == {"z"} else "log"
            texts[key] = texts.get(key, "") + found
        for item in found if isinstance(found, list) else ():
            if "log" in item:
                texts["log"] = item["log"]
            ids.append(item["id"])

    ids: list[int] = []
    note(text_of(await at.call("json")), None)
    while handles_left:
        document = text_of(await at.call("naftiko-continue", {"handle": handles_left.pop(0)}))
        note(document, "part")
    assert ids == [1, 2, 3]
    assert texts == {"log": long, "b": "z" * 9000}


async def test_an_array_is_cut_with_a_note_beside_it(at, upstream):
    upstream.on("GET", "/json", ITEMS)
    result = await at.call("json")
    assert text_of(result) == ITEMS[: len(text_of(result))]
    assert "structuredContent" not in result
    note = result["content"][1]["text"]
    handle = re.search(r"handle: (\S+)", note)[1]
    rest = text_of(await at.call("naftiko-continue", {"handle": handle}))
    assert rest[PART][0] == ITEMS[len(text_of(result))]


async def test_a_promised_schema_is_kept(at, upstream):
    upstream.on("GET", "/json", {"items": ITEMS})
    tools = {tool["name"]: tool for tool in (await at.ask("tools/list"))["tools"]}
    result = await at.call("typed")
    document = text_of(result)
    Draft202012Validator(tools["typed"]["outputSchema"]).validate(result["structuredContent"])
    assert document["things"] == ITEMS[: len(document["things"])]
    assert document[MORE]["parts"][0]["handle"]


async def test_a_text_is_cut_at_a_line_and_continued(at, upstream):
    text = "".join(f"line {number}\n" for number in range(3000))
    upstream.on("GET", "/text", lambda _request: Response(text, media_type="text/plain"))
    result = await at.call("text")
    got = ""
    while True:
        assert sum(len(block["text"]) for block in result["content"]) <= BUDGET
        got += result["content"][0]["text"]
        if len(result["content"]) == 1:
            break
        assert got.endswith("\n")
        handle = re.search(r"handle: (\S+)", result["content"][1]["text"])[1]
        result = await at.call("naftiko-continue", {"handle": handle})
    assert got == text


async def test_what_is_only_written_widely_is_written_tightly_instead(at, upstream):
    document = {"items": ITEMS[:50]}
    wide = json.dumps(document, indent=8)
    assert len(wide) > BUDGET
    upstream.on("GET", "/json", lambda _request: Response(wide, media_type="application/json"))
    assert text_of(await at.call("json")) == document


async def test_a_call_that_changes_something_is_never_made_twice(at, upstream):
    upstream.on("POST", "/json", {"items": ITEMS})
    document = text_of(await at.call("create", {"name": "x"}))
    [part] = document[MORE]["parts"]
    assert "handle" not in part
    assert "a second time" in document[MORE]["to_do"]
    document = text_of(await at.call("seeming-create", {"name": "x"}))
    assert document[MORE]["parts"][0]["handle"]


async def test_files_over_the_budget_are_an_error_and_images_are_not(at, upstream):
    content = b"\x00" * BUDGET
    for media_type in ("application/pdf", "image/png"):
        upstream.on("GET", "/text", lambda _request, kind=media_type: Response(content, media_type=kind))
        result = await at.call("text")
        assert result["isError"] is (media_type == "application/pdf")
        if result["isError"]:
            assert f"{BUDGET} bytes" in result["content"][0]["text"]
            assert "--answer-budget" in result["content"][0]["text"]
        else:
            assert base64.b64decode(result["content"][0]["data"]) == content


async def test_a_handle_that_was_changed_is_a_clear_error(at, upstream):
    upstream.on("GET", "/json", {"items": ITEMS})
    handle = text_of(await at.call("json"))[MORE]["parts"][0]["handle"]
    seen = len(upstream.requests)
    for wrong in ("", "x", handle[:-3], ("A" if handle[0] != "A" else "B") + handle[1:], handle * 100, "ä" * 30):
        result = await at.call("naftiko-continue", {"handle": wrong})
        assert result["isError"] is True
        assert "call the tool again" in result["content"][0]["text"]
    for arguments in ({}, {"handle": handle, "tool": "create"}):
        assert (await at.call("naftiko-continue", arguments))["isError"] is True
    assert len(upstream.requests) == seen


async def test_a_handle_is_good_for_an_hour(at, upstream, monkeypatch):
    upstream.on("GET", "/json", {"items": ITEMS})
    handle = text_of(await at.call("json"))[MORE]["parts"][0]["handle"]
    now = handles.time.time()
    monkeypatch.setattr(handles.time, "time", lambda: now + 3590)
    assert (await at.call("naftiko-continue", {"handle": handle}))["isError"] is False
    monkeypatch.setattr(handles.time, "time", lambda: now + 3610)
    assert "too old" in (await at.call("naftiko-continue", {"handle": handle}))["content"][0]["text"]


async def test_an_answer_that_has_changed_is_a_clear_error(at, upstream):
    upstream.on("GET", "/json", {"items": ITEMS})
    handle = text_of(await at.call("json"))[MORE]["parts"][0]["handle"]
    for other in ({"items": ITEMS[:2]}, {"things": []}, {"items": None}, []):
        upstream.on("GET", "/json", other)
        result = await at.call("naftiko-continue", {"handle": handle})
        assert result["isError"] is True
        assert "answers something else by now" in result["content"][0]["text"]


def test_handles_hold_what_the_caller_sent_and_are_shared_by_key(monkeypatch):
    place = Place("ns/tool", {"q": "x", "n": 2**70}, ("items", 3, "log"), 17)
    made = Handles().made(place)
    assert Handles().read(made) == place
    monkeypatch.setenv("NAFTIKO_HANDLE_KEY", "a key of all workers")
    shared = Handles().made(place)
    assert Handles(b"a key of all workers").read(shared) == place
    for other in (Handles(b"another key"), Handles()):
        with pytest.raises(Exception, match="not one of this server's"):
            other.read(made)
    assert Handles().made(Place("ns/tool", {"q": "".join(map(chr, range(60_000)))}, (), 1)) is None


async def test_arguments_that_are_too_long_for_a_handle_are_told(serve, upstream, wire):
    upstream.on("GET", "/json", {"items": ITEMS})
    at = wire(f"{await serve(CAPABILITY, base=upstream.url, answer_budget=BUDGET)}/mcp", NEWEST)
    page = base64.b64encode(random.Random(1).randbytes(3000)).decode()
    more = text_of(await at.call("json", {"page": page}))[MORE]
    assert "too long to continue" in more["to_do"]


async def test_no_secret_is_in_a_handle(serve, upstream, wire):
    upstream.on("GET", "/json", {"items": ITEMS})
    at = wire(f"{await serve(CAPABILITY, base=upstream.url, answer_budget=BUDGET)}/mcp", NEWEST)
    handle = text_of(await at.call("json", {"page": "7"}))[MORE]["parts"][0]["handle"]
    import zlib

    content = zlib.decompress(base64.urlsafe_b64decode(handle + "==")[16:])
    assert json.loads(content)[1:3] == ["mcp/json", {"page": "7"}]
    assert b"secret" not in content


async def test_each_tool_may_have_a_budget_of_its_own(serve, upstream, wire):
    upstream.on("GET", "/json", {"items": ITEMS})
    budgets = {"typed": 0, "mcp/js*": 2000, "*": 30_000}
    at = wire(f"{await serve(CAPABILITY, base=upstream.url, answer_budgets=budgets)}/mcp", NEWEST)
    assert len((await at.call("json"))["content"][0]["text"]) <= 2000
    assert len((await at.call("typed"))["structuredContent"]["things"]) == 1000
    upstream.on("POST", "/json", {"items": ITEMS})
    assert 20_000 < len((await at.call("create", {"name": "x"}))["content"][0]["text"]) <= 30_000


async def test_by_default_an_answer_has_at_most_some_20000_tokens(serve, upstream, wire):
    upstream.on("GET", "/json", {"items": ITEMS * 5})
    url = f"{await serve(CAPABILITY, base=upstream.url)}/mcp"
    result = await wire(url, NEWEST).call("json")
    assert 70_000 < len(result["content"][0]["text"]) <= 80_000


async def test_the_continuing_tool_is_listed_where_the_operator_chose_a_budget(serve, upstream, wire):
    async def names(text, **options):
        at = wire(f"{await serve(text, base=upstream.url, **options)}/mcp", NEWEST)
        return [tool["name"] for tool in (await at.ask("tools/list"))["tools"]]

    only_mock = CAPABILITY.replace("tools:", "tools: [{name: m, outputParameters: [{type: string, value: x}]}]\n#")
    only_mock = "\n".join(line for line in only_mock.splitlines() if not re.match(r"        - (\{?name|name)", line))
    only_mock = re.sub(r"\n          (description|call|outputParameters).*", "", only_mock)
    assert (await names(CAPABILITY, answer_budget=50_000))[-1] == "naftiko-continue"
    assert "naftiko-continue" not in await names(CAPABILITY)
    assert "naftiko-continue" not in await names(CAPABILITY, answer_budget=0)
    assert await names(only_mock, answer_budget=50_000) == ["m"]


async def test_authentication_is_asked_for_as_for_the_tool(serve, upstream, wire):
    upstream.on("GET", "/json", {"items": ITEMS})
    guarded = CAPABILITY.replace("      tools:", "      authentication: {type: bearer, token: let-me-in}\n      tools:")
    at = wire(f"{await serve(guarded, base=upstream.url, answer_budget=BUDGET)}/mcp", NEWEST)
    params = {"name": "json", "arguments": {}}
    answer = await at.post("tools/call", params, authorization="Bearer let-me-in")
    handle = json.loads(answer.json()["result"]["content"][0]["text"])[MORE]["parts"][0]["handle"]
    params = {"name": "naftiko-continue", "arguments": {"handle": handle}}
    assert (await at.post("tools/call", params)).status_code == 401
    assert (await at.post("tools/call", params, authorization="Bearer let-me-in")).status_code == 200


async def test_a_handle_of_a_tool_that_is_not_served_is_refused(serve, upstream, wire):
    upstream.on("GET", "/json", {"items": ITEMS})
    first = wire(f"{await serve(CAPABILITY, base=upstream.url, answer_budget=BUDGET)}/mcp", NEWEST)
    handle = text_of(await first.call("json"))[MORE]["parts"][0]["handle"]
    second = wire(f"{await serve(CAPABILITY, base=upstream.url, deny_tools=['json'])}/mcp", NEWEST)
    result = await second.call("naftiko-continue", {"handle": handle})
    assert result["isError"] is True
    assert "not served here" in result["content"][0]["text"]


async def test_the_official_client_takes_cut_answers(serve, upstream):
    upstream.on("GET", "/json", {"items": ITEMS})
    url = await serve(CAPABILITY, base=upstream.url, answer_budget=BUDGET)
    for mode in ("auto", "legacy"):
        async with asyncio.timeout(60), Client(f"{url}/mcp", mode=mode) as client:
            await client.list_tools()
            result = await client.call_tool("typed", {})
            handle = result.structured_content[MORE]["parts"][0]["handle"]
            more = await client.call_tool("naftiko-continue", {"handle": handle})
            assert more.structured_content["from"] == len(result.structured_content["things"])


@pytest.mark.parametrize("options", [{"answer_budget": 10}, {"answer_budgets": {"x": 999}}, {"answer_budget": -1}])
async def test_a_budget_that_nothing_fits_into_is_refused(serve, options):
    with pytest.raises(ValueError, match="at least 1000 characters"):
        await serve(CAPABILITY, **options)
