"""Lists of ten public APIs, in the shapes that their documentation has, through examples/pagination.yaml."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from mcp_wire import NEWEST, serving
from rest_serving import client_of
from starlette.responses import JSONResponse, Response

import naftiko
from naftiko.engine.settings import Settings
from naftiko.expose.mcp import mcp_app
from naftiko.testing import RecordedRequest

FILE = Path(__file__).parents[2] / "examples/pagination.yaml"
NAMES = ("notion", "github", "stripe", "slack", "shopify", "salesforce", "zendesk", "jira", "koyeb", "kubernetes")
COUNT = 730
SECRETS = {
    name: f"secret-of-{name.lower()}"
    for name in (*(f"{name.upper()}_TOKEN" for name in NAMES if name != "stripe"), "STRIPE_KEY")
}
THINGS = [{"id": f"x_{at}", "title": f"Thing {at}"} for at in range(COUNT)]


def notion(request: RecordedRequest) -> Response:
    """It gives a cursor with the last page too."""
    asked = request.json()
    start, size = int((asked.get("start_cursor") or "c-0")[2:]), asked["page_size"]
    more = start + size < COUNT
    cursor = f"c-{start + size}"
    return JSONResponse(
        {
            "object": "list",
            "results": THINGS[start : start + size],
            "next_cursor": cursor,
            "has_more": more,
            "type": "page_or_database",
            "page_or_database": {},
        }
    )


def github(request: RecordedRequest) -> Response:
    page, size = int(request.query.get("page", 1)), int(request.query["per_page"])
    here = f"http://{request.headers['host']}/repositories/1/issues?per_page={size}&page="
    links = [f'<{here}{page - 1}>; rel="prev"', f'<{here}1>; rel="first"'] if page > 1 else []
    if page * size < COUNT:
        links = [f'<{here}{page + 1}>; rel="next"', f'<{here}{-(-COUNT // size)}>; rel="last"', *links]
    return JSONResponse(THINGS[(page - 1) * size : page * size], headers={"link": ", ".join(links)})


def stripe(request: RecordedRequest) -> Response:
    after, size = request.query.get("starting_after"), int(request.query["limit"])
    start = int(after[2:]) + 1 if after else 0
    data = THINGS[start : start + size]
    return JSONResponse({"object": "list", "data": data, "has_more": start + size < COUNT, "url": "/v1/charges"})


def slack(request: RecordedRequest) -> Response:
    start, size = int(request.query.get("cursor") or 0), int(request.query["limit"])
    cursor = str(start + size) if start + size < COUNT else ""
    found = THINGS[start : start + size]
    return JSONResponse({"ok": True, "channels": found, "response_metadata": {"next_cursor": cursor}})


def shopify(request: RecordedRequest) -> Response:
    start, size = int(request.query.get("page_info", 0)), int(request.query["limit"])
    here = f"http://{request.headers['host']}{request.path}?limit={size}&page_info="
    links = [f'<{here}{start - size}>; rel="previous"'] if start else []
    links += [f'<{here}{start + size}>; rel="next"'] if start + size < COUNT else []
    headers = {"link": ", ".join(links)} if links else {}
    return JSONResponse({"products": THINGS[start : start + size]}, headers=headers)


def salesforce(request: RecordedRequest) -> Response:
    start = int(request.path.rpartition("-")[2]) if "-" in request.path else 0
    done = start + 200 >= COUNT
    body: dict[str, Any] = {"totalSize": COUNT, "done": done, "records": THINGS[start : start + 200]}
    if not done:
        body["nextRecordsUrl"] = f"/services/data/v60.0/query/01gD0000002HU6KIAW-{start + 200}"
    return JSONResponse(body)


def zendesk(request: RecordedRequest) -> Response:
    start, size = int(request.query.get("page[after]", 0)), int(request.query["page[size]"])
    more = start + size < COUNT
    after = str(start + size) if more else None
    meta = {"has_more": more, "after_cursor": after, "before_cursor": None}
    return JSONResponse({"tickets": THINGS[start : start + size], "meta": meta, "links": {"next": after, "prev": None}})


def jira(request: RecordedRequest) -> Response:
    """It gives 50 at a time, whatever it is asked for."""
    start = int(request.query.get("startAt", 0))
    return JSONResponse({"startAt": start, "maxResults": 50, "total": COUNT, "issues": THINGS[start : start + 50]})


def koyeb(request: RecordedRequest) -> Response:
    start, size = int(request.query.get("offset", 0)), int(request.query["limit"])
    found = THINGS[start : start + size]
    return JSONResponse(
        {"apps": found, "limit": size, "offset": start, "count": COUNT, "has_next": start + size < COUNT}
    )


def kubernetes(request: RecordedRequest) -> Response:
    start, size = int(request.query.get("continue", 0)), int(request.query["limit"])
    metadata: dict[str, Any] = {"resourceVersion": "10245"}
    if start + size < COUNT:
        metadata |= {"continue": str(start + size), "remainingItemCount": COUNT - start - size}
    return JSONResponse(
        {"kind": "PodList", "apiVersion": "v1", "metadata": metadata, "items": THINGS[start : start + size]}
    )


API: Mapping[str, tuple[Callable[[RecordedRequest], Response], str, str, int]] = {
    "notion": (notion, "/notion/db1", "results", 8),
    "github": (github, "/github/octo/cat", "", 8),
    "stripe": (stripe, "/stripe", "data", 8),
    "slack": (slack, "/slack", "channels", 4),
    "shopify": (shopify, "/shopify", "products", 3),
    "salesforce": (salesforce, "/salesforce?q=SELECT+Id+FROM+Account", "records", 4),
    "zendesk": (zendesk, "/zendesk", "tickets", 8),
    "jira": (jira, "/jira", "issues", 15),
    "koyeb": (koyeb, "/koyeb", "apps", 8),
    "kubernetes": (kubernetes, "/kubernetes", "items", 2),
}
"""Each API: its answers, the route, where the list is, and how many requests it takes."""
TOOLS = {
    "notion": ("notion-query", {"database": "db1"}),
    "github": ("github-issues", {"owner": "octo", "repository": "cat"}),
    "salesforce": ("salesforce-query", {"q": "SELECT Id FROM Account"}),
    "kubernetes": ("kubernetes-pods", {}),
}


def example(upstream: Any) -> naftiko.Capability:
    return naftiko.load(FILE, settings=Settings(base_uris={"*": upstream.url}, environment=SECRETS))


@pytest.mark.parametrize("name", NAMES)
async def test_the_list_is_whole(name, upstream):
    responder, path, member, requests = API[name]
    upstream.on("*", "/{rest:path}", responder)
    async with client_of(example(upstream)) as client:
        response = await client.request("POST" if name == "notion" else "GET", path)
    assert response.status_code == 200, response.text
    document = response.json()
    assert (document[member] if member else document) == THINGS
    assert len(upstream.requests) == requests
    assert "naftiko-note" not in response.headers
    for request in upstream.requests:
        secret = request.headers.get("x-shopify-access-token") or request.headers["authorization"]
        assert f"secret-of-{name}" in secret


def test_the_example_has_nothing_to_tell(upstream):
    capability = example(upstream)
    assert not capability.diagnostics
    assert not [found for found in capability.lint() if "pag" in found.rule or "pag" in found.message]


@pytest.mark.parametrize("name", TOOLS)
async def test_an_agent_walks_it(name, upstream, wire):
    responder, _, member, _ = API[name]
    upstream.on("*", "/{rest:path}", responder)
    async with example(upstream) as made, serving(mcp_app([made], answer_budget=8000)) as url:
        found = await walked(wire(f"{url}/mcp", NEWEST), *TOOLS[name], member)
    assert found == THINGS


async def walked(at: Any, tool: str, arguments: Mapping[str, str], member: str) -> list[Any]:
    """Call a tool, and follow the handles to the end of the list."""
    result = await at.call(tool, arguments)
    found: list[Any] = []
    while True:
        assert not result["isError"], result
        text = "\n".join(block["text"] for block in result["content"])
        document, end = json.JSONDecoder().raw_decode(text)
        listed = document if isinstance(document, list) else document.get("part", document.get(member))
        found += listed
        parts = document.get("_more", {}).get("parts", []) if isinstance(document, dict) else []
        handle = parts[0]["handle"] if parts else text[end:].partition("handle: ")[2]
        if not handle:
            return found
        result = await at.call("naftiko-continue", {"handle": handle})


async def test_a_cursor_that_is_too_old_leaves_what_came(upstream):
    """Kubernetes forgets a list after some minutes, and answers 410."""

    def answer(request):
        if request.query.get("continue"):
            return JSONResponse({"kind": "Status", "code": 410, "reason": "Expired"}, 410)
        return kubernetes(request)

    upstream.on("GET", "/pods", answer)
    async with client_of(example(upstream)) as client:
        response = await client.get("/kubernetes")
    document = response.json()
    assert document["items"] == THINGS[:500]
    assert document["metadata"]["continue"] == "500"  # who looks sees that there is more
