"""Lists in pages as an agent gets them: as much as fits, and handles for what comes after (docs/pagination.md)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mcp_wire import NEWEST

import paged_api as api

EVERY = api.items(350)
BUDGET = 4000


def capability(style: str, *, outputs: Any = None, method: str = "GET", more: Any = None) -> str:
    """A tool for a list in pages."""
    consumes = {
        "type": "http",
        "namespace": "up",
        "baseUri": "http://unused.invalid",
        "resources": [
            {
                "path": "/things",
                "operations": [
                    {"name": "list", "method": method, "pagination": {**api.STYLES[style], **(more or {})}},
                    {"name": "plain", "method": method},
                ],
            }
        ],
    }
    tool = {"name": "list", "description": "All things.", "call": "up.list"}
    if outputs:
        tool["outputParameters"] = outputs
    exposes = {"type": "mcp", "namespace": "mcp", "tools": [tool]}
    return json.dumps({"naftiko": "1.0.0-alpha2", "consumes": [consumes], "exposes": [exposes]})


async def walked(at: Any, name: str, arguments: Any = None) -> tuple[list[Any], list[Any]]:
    """Call a tool and follow its handles; return the items and the results."""
    results, found = [], []
    result = await at.call(name, arguments or {})
    while True:
        results.append(result)
        assert not result.get("isError"), result
        first, *notes = result["content"]
        document = json.loads(first["text"])
        handle = None
        if isinstance(document, dict):
            found += document.get("part", document.get("results", document.get("things", [])))
            handle = next((part["handle"] for part in document.get("_more", {}).get("parts", ())), None)
        else:
            found += document
        handle = handle or next(
            (note["text"].partition("handle: ")[2] for note in notes if "handle: " in note["text"]), None
        )
        if not handle:
            return found, results
        result = await at.call("naftiko-continue", {"handle": handle})


RESPONDERS = {
    "cursor": api.by_cursor(EVERY, 10),
    "offset": api.by_offset(EVERY, total=350),
    "page-number": api.by_number(EVERY, 10, pages=35),
    "keyset": api.by_key(EVERY),
    "link-header": api.by_link_header(EVERY, 10),
    "link-body": api.by_link(EVERY, 10),
}
KEYS = [
    {
        "name": "things",
        "type": "array",
        "mapping": "$.results",
        "items": {
            "type": "object",
            "properties": {
                "key": {"type": "string", "mapping": "$.id"},
                "text": {"type": "string", "mapping": "$.name"},
            },
        },
    }
]
NAMES = [{"name": "things", "type": "array", "mapping": "$.results[*].name"}]
ODD = [{"name": "things", "type": "array", "mapping": "$.results[*].odd"}]


@pytest.mark.parametrize("style", RESPONDERS)
async def test_each_item_comes_once_and_no_answer_is_too_long(style, upstream, serve, wire):
    upstream.on("GET", "/things", RESPONDERS[style])
    at = wire(f"{await serve(capability(style), base=upstream.url, answer_budget=BUDGET)}/mcp", NEWEST)
    found, results = await walked(at, "list")
    assert found == EVERY
    assert len(results) >= 4
    for result in results:
        assert sum(len(block["text"]) for block in result["content"]) <= BUDGET
    assert len(upstream.requests) <= 35 + 2 * len(results)  # the pages at a cut are asked for twice


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        (KEYS, [{"key": each["id"], "text": each["name"]} for each in EVERY]),
        (NAMES, [each["name"] for each in EVERY]),
    ],
)
async def test_what_outputs_make_is_walked_too(outputs, expected, upstream, serve, wire):
    upstream.on("GET", "/things", RESPONDERS["cursor"])
    at = wire(
        f"{await serve(capability('cursor', outputs=outputs), base=upstream.url, answer_budget=1000)}/mcp", NEWEST
    )
    found, _ = await walked(at, "list")
    assert found == expected


async def test_a_list_that_leaves_items_out_is_walked_too(upstream, serve, wire):
    every = [{"id": at, **({"odd": f"odd {at}"} if at % 3 else {})} for at in range(350)]
    upstream.on("GET", "/things", api.by_cursor(every, 10))
    at = wire(f"{await serve(capability('cursor', outputs=ODD), base=upstream.url, answer_budget=1000)}/mcp", NEWEST)
    found, _ = await walked(at, "list")
    assert found == [each["odd"] for each in every if "odd" in each]


async def test_an_answer_of_one_page_costs_one_request(upstream, serve, wire):
    upstream.on("GET", "/things", api.by_cursor(EVERY[:9], 10))
    at = wire(f"{await serve(capability('cursor'), base=upstream.url)}/mcp", NEWEST)
    result = await at.call("list", {})
    assert json.loads(result["content"][0]["text"]) == {"results": EVERY[:9], "next": None}
    assert len(result["content"]) == 1
    assert len(upstream.requests) == 1


async def test_pages_are_fetched_until_the_budget_is_full_and_no_further(upstream, serve, wire):
    upstream.on("GET", "/things", RESPONDERS["cursor"])
    at = wire(f"{await serve(capability('cursor'), base=upstream.url, answer_budget=BUDGET)}/mcp", NEWEST)
    await at.call("list", {})
    fetched = len(upstream.requests)
    sizes = [len(json.dumps(EVERY[: 10 * pages], separators=(",", ":"))) for pages in (fetched - 1, fetched)]
    assert sizes[0] <= BUDGET < sizes[1]


async def test_limit_is_an_input_and_goes_with_the_handles(upstream, serve, wire):
    upstream.on("GET", "/things", RESPONDERS["cursor"])
    at = wire(f"{await serve(capability('cursor'), base=upstream.url, answer_budget=BUDGET)}/mcp", NEWEST)
    for limit in (5, 123, 200):
        found, _ = await walked(at, "list", {"limit": limit})
        assert found == EVERY[:limit]
    wrong = await at.call("list", {"limit": 0})
    assert wrong["isError"]


async def test_a_bound_is_no_end_for_an_agent(upstream, serve, wire):
    upstream.on("GET", "/things", RESPONDERS["cursor"])
    text = capability("cursor", more={"max": {"pages": 2}})
    at = wire(f"{await serve(text, base=upstream.url)}/mcp", NEWEST)
    found, results = await walked(at, "list")
    assert found == EVERY
    assert len(results) == 18
    assert len(upstream.requests) == 35


async def test_a_page_that_fails_is_told_and_can_be_asked_for_again(upstream, serve, wire):
    upstream.on("GET", "/things", api.failing_at(RESPONDERS["cursor"], 3, 429, **{"Retry-After": "9"}))
    at = wire(f"{await serve(capability('cursor'), base=upstream.url)}/mcp", NEWEST)
    result = await at.call("list", {})
    said = " ".join(block["text"] for block in result["content"])
    assert "the list is not complete (page 3: the upstream answered 429, too many calls); try again in 9 s" in said
    assert "reason=failed" in result["_meta"]["dev.naftiko/notes"][0]
    document = json.loads(result["content"][0]["text"])
    assert document["results"] == EVERY[:20]
    assert document["_more"]["parts"][0]["left_out"] == "the items of the pages to come"
    handle = document["_more"]["parts"][0]["handle"]
    again = await at.call("naftiko-continue", {"handle": handle})
    rest = json.loads(again["content"][0]["text"])
    assert rest["part"][0] == EVERY[20]
    assert rest["from"] == 20


async def test_a_handle_says_nothing_of_the_cursor_and_cant_be_changed(upstream, serve, wire):
    upstream.on("GET", "/things", api.by_cursor(EVERY, 10))
    at = wire(f"{await serve(capability('cursor'), base=upstream.url, answer_budget=BUDGET)}/mcp", NEWEST)
    result = await at.call("list", {})
    handle = json.loads(result["content"][0]["text"])["_more"]["parts"][0]["handle"]
    assert handle.startswith("s.")
    for wrong in (handle[:-4] + "AAAA", "s." + handle[10:], handle[2:], "s."):
        refused = await at.call("naftiko-continue", {"handle": wrong})
        assert refused["isError"]
        assert "not one of this server's" in refused["content"][0]["text"]


async def test_a_search_by_post_is_walked_since_the_file_says_that_it_has_pages(upstream, serve, wire):
    def answer(request):
        start = request.json().get("cursor", 0) if request.body else 0
        return api.JSONResponse({"results": EVERY[start : start + 10], "next": start + 10 if start < 340 else None})

    upstream.on("POST", "/things", answer)
    more = {"request": {"cursorParam": "cursor", "cursorIn": "body"}}
    text = capability("cursor", method="POST", more=more)
    at = wire(f"{await serve(text, base=upstream.url, answer_budget=BUDGET)}/mcp", NEWEST)
    found, _ = await walked(at, "list")
    assert found == EVERY
