"""The examples of docs/pagination.md are what it says they are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from rest_serving import client_of, rest_capability, route
from starlette.responses import JSONResponse

from naftiko.link.paging import STYLES

TEXT = (Path(__file__).parents[2] / "docs/pagination.md").read_text("utf-8")
SHOWN = dict(re.findall(r"^### ([\w-]+)\n.*?```yaml\n(.*?)```", TEXT, re.MULTILINE | re.DOTALL))
COUNT = 120
THINGS = [{"id": at} for at in range(COUNT)]


def test_each_type_has_an_example():
    assert set(SHOWN) == set(STYLES)


def answer(style: str, request: Any) -> JSONResponse:
    """Give a page of such an API."""
    asked = {**dict(request.query.items()), **(request.json() if request.body else {})}
    size = int(next((asked[name] for name in ("page_size", "limit", "per_page") if name in asked), 30))
    start = {
        "cursor": lambda: int(asked.get("start_cursor") or 0),
        "offset": lambda: int(asked.get("offset", 0)),
        "page-number": lambda: (int(asked.get("page", 1)) - 1) * size,
        "keyset": lambda: int(asked.get("starting_after", -1)) + 1,
    }.get(style, lambda: int(asked.get("at", 0)))()
    page, end = THINGS[start : start + size], start + size
    more = end < COUNT
    link = f"/notes?at={end}&per_page={size}"
    bodies: dict[str, Any] = {
        "cursor": {"results": page, "next_cursor": str(end), "has_more": more},
        "offset": {"items": page, "total": COUNT},
        "page-number": {"items": page, "pages": -(-COUNT // size)},
        "link-header": page,
        "link-body": {"value": page, **({"@odata.nextLink": link} if more else {})},
        "keyset": {"data": page, "has_more": more},
    }
    headers = {"link": f'<{link}>; rel="next"'} if style == "link-header" and more else {}
    return JSONResponse(bodies[style], headers=headers)


@pytest.mark.parametrize("style", SHOWN)
async def test_the_example_gives_the_whole_list(style, upstream):
    declared = yaml.safe_load(SHOWN[style])
    method = declared["method"]
    upstream.on(method, "/notes", lambda request: answer(style, request))
    operation = {"path": "/notes", **{key: value for key, value in declared.items() if key != "name"}}
    capability = rest_capability([route("/list", method)], {"do": operation}, base_uris={"*": upstream.url})
    assert not [found for found in capability.diagnostics if "pag" in found.rule + found.message]
    async with client_of(capability) as client:
        response = await client.request(method, "/list")
    document = response.json()
    lists = [document] if isinstance(document, list) else [each for each in document.values() if isinstance(each, list)]
    assert lists == [THINGS], json.dumps(document)[:300]


def test_the_bounds_are_those_that_the_page_says():
    (shown,) = re.findall(r"```yaml\nmax: (\{.*?\})\n```", TEXT)
    shown = yaml.safe_load(shown)
    capability = rest_capability(
        [route("/list")],
        {"do": {"path": "/x", "method": "GET", "pagination": {"type": "link-header", "response": {"dataPath": "$"}}}},
    )
    (unit,) = capability.plan.units
    bounds = unit.action.only_call.operation.pager.bounds
    assert (bounds.pages, bounds.items, bounds.size) == (shown["pages"], shown["items"], 5 * 1024 * 1024)
    assert shown["time"] == f"{capability.settings.limits.total:g}s"
