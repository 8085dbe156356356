"""Lists in pages as a REST caller gets them (docs/pagination.md)."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any

import pytest
from rest_serving import client_of, operation, rest_capability, route
from starlette.responses import JSONResponse, Response

import paged_api as api
from holding import until

EVERY = api.items(35)
LISTS = {
    "cursor": (api.by_cursor(EVERY, 10), 4),
    "cursor that is empty at the end": (api.by_cursor(EVERY, 10, last=""), 4),
    "cursor that stays": (api.by_cursor(EVERY, 10, last="c30"), 4),
    "cursor with has_more false": (api.by_cursor(EVERY, 10, last="c999", more=True), 4),
    "offset": (api.by_offset(EVERY), 4),
    "offset, last page full": (api.by_offset(EVERY[:30]), 4),
    "offset, total": (api.by_offset(EVERY[:30], total=30), 3),
    "offset, total too large": (api.by_offset(EVERY, total=1000), 5),
    "offset, total is that of a page": (api.by_offset(EVERY, total=5), 4),
    "offset, pages smaller than asked for": (api.by_offset(EVERY, total=35, largest=7), 5),
    "page-number": (api.by_number(EVERY, 10), 5),
    "page-number, pages": (api.by_number(EVERY, 10, pages=4), 4),
    "page-number, pages too many": (api.by_number(EVERY, 10, pages=90), 5),
    "page-number, last page repeated": (api.by_number(EVERY, 10, repeats=True), 5),
    "keyset": (api.by_key(EVERY), 4),
    "keyset, last page full": (api.by_key(EVERY[:30]), 4),
    "keyset, has_more": (api.by_key(EVERY[:30], says_more=True), 3),
    "link-header": (api.by_link_header(EVERY, 10), 4),
    "link-body": (api.by_link(EVERY, 10), 4),
}


def paging(
    upstream, style: str, *, outputs: Any = None, more: Mapping[str, Any] | None = None, method="GET", **op: Any
):
    block = {**api.STYLES[style.partition(",")[0].split()[0]], **(more or {})}
    routes = [route("/list", method, **({"outputParameters": outputs} if outputs else {}))]
    declared = operation(method, path="/things", pagination=block, **op)
    return rest_capability(routes, {"do": declared}, base_uris={"*": upstream.url})


def listed(document: Any) -> list[Any]:
    return document if isinstance(document, list) else document["results"]


@pytest.mark.parametrize("style", LISTS)
async def test_the_list_is_whole_and_each_page_asked_for_once(style, upstream):
    responder, requests = LISTS[style]
    upstream.on("GET", "/things", responder)
    async with client_of(paging(upstream, style)) as client:
        response = await client.get("/list")
    assert response.status_code == 200, response.text
    expected = 30 if "full" in style or style in {"offset, total", "keyset, has_more"} else 35
    assert listed(response.json()) == EVERY[:expected]
    assert len(upstream.requests) == requests
    assert len({each.raw_query for each in upstream.requests}) == requests
    assert "naftiko-note" not in response.headers


async def test_what_outputs_see_is_the_first_pages_document_with_the_whole_list(upstream):
    """Cursors are as the last page has them; everything else as the first one."""
    pages = {
        "": {"at": 1, "meta": {"next": "b", "size": 2}, "results": [1, 2]},
        "b": {"at": 2, "meta": {"next": None, "size": 1}, "results": [3]},
    }
    upstream.on("GET", "/things", lambda request: JSONResponse(pages[request.query.get("cursor", "")]))
    block = {"response": {"dataPath": "$.results", "nextCursorPath": "$.meta.next"}}
    async with client_of(paging(upstream, "cursor", more=block)) as client:
        response = await client.get("/list")
    assert response.json() == {"at": 1, "meta": {"next": None, "size": 2}, "results": [1, 2, 3]}


async def test_one_page_is_passed_on_byte_for_byte(upstream):
    content = b'{ "results" : [ 1.0 ], "next":null }'
    upstream.on("GET", "/things", lambda _: Response(content, headers={"ETag": '"1"'}, media_type="application/json"))
    async with client_of(paging(upstream, "cursor")) as client:
        response = await client.get("/list")
    assert response.content == content
    assert response.headers["etag"] == '"1"'


OBJECTS = [
    {
        "name": "things",
        "type": "array",
        "mapping": "$.results",
        "items": {"type": "object", "properties": {"key": {"type": "string", "mapping": "$.id"}}},
    },
    {"name": "cursor", "type": "string", "mapping": "$.next"},
]
ARRAY = [{"type": "array", "mapping": "$.results[*].name"}]
COUNTED = [
    {"name": "last", "type": "string", "mapping": "$.results[-1].id"},
    {"name": "number", "type": "number", "mapping": "$.results.length()"},
]


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        (OBJECTS, {"things": [{"key": each["id"]} for each in EVERY], "cursor": None}),
        (ARRAY, [each["name"] for each in EVERY]),
        (COUNTED, {"last": "i34", "number": 35}),
    ],
)
async def test_a_mapping_for_one_page_works_for_all(outputs, expected, upstream):
    upstream.on("GET", "/things", api.by_cursor(EVERY, 10))
    async with client_of(paging(upstream, "cursor", outputs=outputs)) as client:
        response = await client.get("/list")
    assert response.json() == expected
    assert len(upstream.requests) == 4


@pytest.mark.parametrize("outputs", [None, OBJECTS, ARRAY])
async def test_the_first_bytes_come_before_the_last_page(outputs, upstream):
    gate = threading.Event()

    async def answer(request):
        if request.query.get("cursor") == "c30":
            await until(gate.is_set)
        return api.by_cursor(EVERY, 10)(request)

    upstream.on("GET", "/things", answer)
    async with (
        client_of(paging(upstream, "cursor", outputs=outputs)) as client,
        client.stream("GET", "/list") as response,
    ):
        pieces = response.aiter_text()
        begun = ""
        while "i29" not in begun and "Item 29" not in begun:
            begun += await anext(pieces)
        assert "34" not in begun
        gate.set()
        whole = begun + "".join([piece async for piece in pieces])
    assert "content-length" not in response.headers
    document = json.loads(whole)
    assert len(document if isinstance(document, list) else next(iter(document.values()))) == len(EVERY)


@pytest.mark.parametrize(("limit", "requests"), [(5, 1), (10, 1), (11, 2), (35, 4), (90, 4)])
@pytest.mark.parametrize("style", ["cursor", "offset", "page-number", "keyset", "link-header", "link-body"])
async def test_limit_says_how_many_items_are_wanted(style, limit, requests, upstream):
    upstream.on("GET", "/things", LISTS["page-number, pages" if style == "page-number" else style][0])
    async with client_of(paging(upstream, style)) as client:
        response = await client.get("/list", params={"limit": limit})
        wrong = await client.get("/list", params={"limit": 0})
    assert listed(response.json()) == EVERY[:limit]
    assert len(upstream.requests) == requests
    assert wrong.status_code == 400


async def test_a_page_is_no_larger_than_what_is_wanted(upstream):
    upstream.on("GET", "/things", api.by_offset(EVERY))
    async with client_of(paging(upstream, "offset")) as client:
        await client.get("/list", params={"limit": 3})
    assert upstream.requests[0].query["limit"] == "3"


BOUNDS = [
    ({"pages": 2}, 20, "max-pages", 2),
    ({"items": 15}, 15, "max-items", 2),
    ({"items": 20}, 20, "max-items", 2),
    ({"bytes": "500B"}, 20, "max-bytes", 2),
]


@pytest.mark.parametrize(("bounds", "count", "reason", "requests"), BOUNDS)
async def test_a_bound_ends_the_list_and_says_so(bounds, count, reason, requests, upstream):
    """Of a list that is counted the answer is made whole, so that its head says what is missing."""
    upstream.on("GET", "/things", api.by_cursor(EVERY, 10))
    outputs = [*OBJECTS, {"name": "number", "type": "number", "mapping": "$.results.length()"}]
    async with client_of(paging(upstream, "cursor", more={"max": bounds}, outputs=outputs)) as client:
        response = await client.get("/list")
    assert response.json()["number"] == count
    assert response.json()["cursor"] == f"c{requests * 10}"
    assert response.headers["naftiko-note"].startswith(f"incomplete;reason={reason};pages={requests};items={count};")
    assert len(upstream.requests) == requests


async def test_a_page_that_fails_leaves_what_came_and_says_what_is_missing(upstream):
    upstream.on("GET", "/things", api.failing_at(api.by_cursor(EVERY, 10), 3, 429, **{"Retry-After": "17"}))
    async with client_of(paging(upstream, "cursor", outputs=COUNTED)) as client:
        response = await client.get("/list")
    assert response.json() == {"last": "i19", "number": 20}
    assert response.headers["naftiko-note"] == (
        'incomplete;reason=failed;pages=2;items=20;detail="page 3: the upstream answered 429, too many calls"'
        ";retry-after=17"
    )


async def test_the_first_pages_failure_is_the_calls(upstream):
    upstream.on("GET", "/things", api.failing_at(api.by_cursor(EVERY, 10), 1, 503, **{"Retry-After": "3"}))
    async with client_of(paging(upstream, "cursor")) as client:
        response = await client.get("/list")
    assert response.status_code == 503
    assert response.headers["retry-after"] == "3"
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("style", ["link-header", "link-body"])
async def test_a_link_to_another_host_is_told_and_not_followed(style, upstream):
    make = api.by_link_header if style == "link-header" else api.by_link
    upstream.on("GET", "/things", make(EVERY, 10, host="http://elsewhere.example"))
    async with client_of(paging(upstream, style)) as client:
        response = await client.get("/list")
    assert listed(response.json()) == EVERY[:10]
    assert "reason=other-origin" in response.headers["naftiko-note"]
    assert "http://elsewhere.example" in response.headers["naftiko-note"]
    assert len(upstream.requests) == 1


async def test_cursors_that_go_round_in_a_circle_end(upstream):
    following = {"": "a", "a": "b", "b": "c", "c": "a"}
    upstream.on(
        "GET",
        "/things",
        lambda request: JSONResponse(
            {"results": [request.query.get("cursor", "")], "next": following[request.query.get("cursor", "")]}
        ),
    )
    async with client_of(paging(upstream, "cursor", outputs=COUNTED)) as client:
        response = await client.get("/list")
    assert response.json()["number"] == 4
    assert "reason=loop" in response.headers["naftiko-note"]
    assert len(upstream.requests) == 4


async def test_has_more_without_a_cursor_is_told(upstream):
    upstream.on("GET", "/things", lambda _: JSONResponse({"results": [1], "next": None, "has_more": True}))
    async with client_of(paging(upstream, "cursor")) as client:
        response = await client.get("/list")
    assert listed(response.json()) == [1]
    assert "reason=no-cursor" in response.headers["naftiko-note"]


async def test_an_empty_page_in_the_middle_is_no_end(upstream):
    pages = {"": ([1], "b"), "b": ([], "c"), "c": ([2], None)}

    def answer(request):
        found, following = pages[request.query.get("cursor", "")]
        return JSONResponse({"results": found, "next": following})

    upstream.on("GET", "/things", answer)
    async with client_of(paging(upstream, "cursor")) as client:
        response = await client.get("/list")
    assert listed(response.json()) == [1, 2]


@pytest.mark.parametrize("body", [{"type": "json", "data": {"filter": "{{q}}"}}, None])
async def test_a_cursor_travels_in_a_body(body, upstream):
    def answer(request):
        said = request.json() if request.body else {}
        assert said.get("filter", "red") == "red"
        assert said["page_size"] == 10
        start = said.get("cursor", 0)
        return JSONResponse({"results": EVERY[start : start + 10], "next": start + 10 if start < 30 else None})

    upstream.on("POST", "/things", answer)
    asked = {"request": {"cursorParam": "cursor", "cursorIn": "body", "limitParam": "page_size", "limitValue": 10}}
    given = {"body": body} if body else {}
    async with client_of(paging(upstream, "cursor", more=asked, method="POST", **given)) as client:
        response = await client.post("/list", json={"q": "red"} if body else None)
    assert listed(response.json()) == EVERY
    assert len(upstream.requests) == 4


async def test_a_cursor_travels_in_a_header(upstream):
    def answer(request):
        start = int(request.headers.get("x-cursor", "0"))
        return JSONResponse({"results": EVERY[start : start + 20], "next": start + 20 if start < 20 else None})

    upstream.on("GET", "/things", answer)
    asked = {"request": {"cursorParam": "X-Cursor", "cursorIn": "header"}}
    async with client_of(paging(upstream, "cursor", more=asked)) as client:
        response = await client.get("/list")
    assert listed(response.json()) == EVERY


async def test_each_page_carries_the_credential_once(upstream):
    """A link may hold the credential of the page that it stood in, which is masked there."""
    upstream.on(
        "GET",
        "/things",
        lambda request: JSONResponse(
            {"results": [request.query["key"]], "links": {"next": f"/things?{request.raw_query}&page=2"}}
            if "page" not in request.query
            else {"results": [request.query["key"]], "links": {}}
        ),
    )
    declared = operation(path="/things", pagination=api.STYLES["link-body"])
    auth = {"authentication": {"type": "apikey", "key": "key", "value": "{{env.TOKEN}}", "placement": "query"}}
    capability = rest_capability(
        [route("/list", outputParameters=COUNTED)],
        {"do": declared},
        api=auth,
        base_uris={"*": upstream.url},
        environment={"TOKEN": "hunter2-hunter2"},
    )
    async with client_of(capability) as client:
        response = await client.get("/list")
    assert response.json()["number"] == 2
    assert [each.query.getlist("key") for each in upstream.requests] == [["hunter2-hunter2"]] * 2
    assert "hunter2" not in response.text


async def test_a_caller_who_goes_ends_the_pages(upstream):
    gate, left = threading.Event(), threading.Event()

    async def answer(request):
        if request.query.get("cursor") == "c10":
            gate.set()
            try:
                await until(left.is_set)
            finally:
                left.set()
        return api.by_cursor(EVERY, 10)(request)

    upstream.on("GET", "/things", answer)
    capability = paging(upstream, "cursor")
    async with client_of(capability) as client:
        async with client.stream("GET", "/list") as response:
            await anext(response.aiter_raw())
            await until(gate.is_set)
        await until(lambda: capability.upstreams["api"].figures().in_use == 0)
        left.set()
    assert len(upstream.requests) == 2


async def test_the_whole_list_of_an_operation_is_what_steps_see(upstream):
    upstream.on("GET", "/things", api.by_cursor(EVERY, 10))
    declared = operation(path="/things", pagination=api.STYLES["cursor"])
    steps = [{"type": "call", "name": "all", "call": "api.do"}]
    mappings = [{"target": "names", "value": "$.all.results[*].id"}]
    capability = rest_capability(
        [route("/list", call=None, steps=steps, mappings=mappings)], {"do": declared}, base_uris={"*": upstream.url}
    )
    async with client_of(capability) as client:
        response = await client.get("/list")
    assert response.json() == {"names": [each["id"] for each in EVERY]}
    assert len(upstream.requests) == 4


async def test_a_list_in_a_table_is_paged_too(upstream):
    rows = {"1": "id,n\na,1\nb,2\n", "2": "id,n\nc,3\n", "3": "id,n\n"}
    upstream.on("GET", "/things", lambda request: Response(rows[request.query.get("page", "1")], media_type="text/csv"))
    more = {"response": {"dataPath": "$"}}
    async with client_of(paging(upstream, "page-number", more=more, outputRawFormat="csv")) as client:
        response = await client.get("/list")
        one = await client.get("/list", params={"limit": 1})
    assert [row["id"] for row in response.json()] == ["a", "b", "c"]
    assert [row["id"] for row in one.json()] == ["a"]


async def test_what_has_no_list_is_passed_on_as_it_is(upstream):
    content = b'{"message" : "no list here"}'
    upstream.on("GET", "/things", lambda _: Response(content, media_type="application/json"))
    async with client_of(paging(upstream, "cursor")) as client:
        response = await client.get("/list")
    assert response.content == content
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_an_answer_that_is_made_whole_has_an_etag(method, upstream):
    upstream.on("GET", "/things", api.by_cursor(EVERY, 10))
    async with client_of(paging(upstream, "cursor", outputs=COUNTED)) as client:
        first = await client.request(method, "/list")
        again = await client.request(method, "/list", headers={"If-None-Match": first.headers["etag"]})
    assert (first.status_code, again.status_code) == (200, 304)


async def test_a_list_takes_no_longer_than_its_time(upstream):
    gate = threading.Event()

    async def answer(request):
        if request.query.get("cursor") == "c10":
            await until(gate.is_set)
        return api.by_cursor(EVERY, 10)(request)

    upstream.on("GET", "/things", answer)
    async with client_of(paging(upstream, "cursor", outputs=COUNTED, more={"max": {"time": "1s"}})) as client:
        response = await client.get("/list")
    gate.set()
    assert response.json()["number"] == 10
    assert "reason=max-time" in response.headers["naftiko-note"]


async def test_a_page_passes_the_policies_of_its_operation(upstream):
    """A page that is busy for a moment is asked for once more, and nothing is missing."""
    upstream.on("GET", "/things", api.failing_at(api.by_cursor(EVERY, 10), 2, 503))
    retrying = {"resiliency": {"retry": {"maxAttempts": 2, "waitDuration": "1ms"}}}
    async with client_of(paging(upstream, "cursor", **retrying)) as client:
        response = await client.get("/list")
    assert response.json()["results"] == EVERY
    assert len(upstream.requests) == 5


async def test_a_flow_says_which_of_its_lists_is_not_whole(upstream):
    upstream.on("GET", "/things", api.failing_at(api.by_cursor(EVERY, 10), 2, 500))
    declared = operation(path="/things", pagination=api.STYLES["cursor"])
    steps = [{"type": "call", "name": "all", "call": "api.do"}]
    mappings = [{"target": "number", "value": "$.all.results.length()"}]
    capability = rest_capability(
        [route("/list", call=None, steps=steps, mappings=mappings)], {"do": declared}, base_uris={"*": upstream.url}
    )
    async with client_of(capability) as client:
        response = await client.get("/list")
    assert response.json() == {"number": 10}
    assert response.headers["naftiko-note"].startswith("incomplete;reason=failed;pages=1;items=10;")


async def test_a_mapped_cursor_is_where_the_list_begins(upstream):
    upstream.on("GET", "/things", api.by_cursor(EVERY, 10))
    declared = operation(
        path="/things", pagination=api.STYLES["cursor"], inputParameters=[{"name": "cursor", "in": "query"}]
    )
    routes = [route("/list", **{"inputParameters": [{"name": "from", "in": "query"}], "with": {"cursor": "{{from}}"}})]
    capability = rest_capability(routes, {"do": declared}, base_uris={"*": upstream.url})
    async with client_of(capability) as client:
        response = await client.get("/list", params={"from": "c20"})
    assert response.json()["results"] == EVERY[20:]
    assert [request.query.get("cursor") for request in upstream.requests] == ["c20", "c30"]


async def test_in_mock_mode_one_request_is_shown(upstream):
    mocked = rest_capability(
        [route("/list")],
        {"do": operation(path="/things", pagination=api.STYLES["offset"])},
        base_uris={"*": upstream.url},
        mock=True,
    )
    async with client_of(mocked) as client:
        response = await client.get("/list")
    assert response.json()["url"] == f"{upstream.url}/things?limit=10"
    assert not upstream.requests


async def test_what_stands_in_for_a_page_is_none_of_the_list(upstream):
    """A fallback answers for a whole call; in the middle of a list it would be mistaken for its end."""
    upstream.on("GET", "/things", api.failing_at(api.by_cursor(EVERY, 10), 3, 503))
    falling = {"resiliency": {"fallback": {"value": {"results": ["stale"], "next": None}}}}
    probe = rest_capability([route("/list")], {"do": operation(path="/things", **falling)})
    assert not [found for found in probe.diagnostics if "policy" in found.rule], probe.diagnostics
    async with client_of(paging(upstream, "cursor", outputs=COUNTED, **falling)) as client:
        response = await client.get("/list")
    assert response.json() == {"last": "i19", "number": 20}
    assert "fallback is no page of the list" in response.headers["naftiko-note"]


async def test_no_list_is_endless(upstream):
    """An API whose cursors never end, and never come again, is bounded all the same."""
    upstream.on(
        "GET",
        "/things",
        lambda request: JSONResponse({"results": [1], "next": request.query.get("cursor", "") + "x"}),
    )
    async with client_of(paging(upstream, "cursor")) as client:
        response = await client.get("/list")
    assert response.json()["results"] == [1] * 20
    assert len(upstream.requests) == 20


async def test_a_cursor_that_would_be_another_header_is_not_sent(upstream):
    cursor = "a\r\nX-Admin: yes"
    upstream.on("GET", "/things", lambda _: JSONResponse({"results": [1], "next": cursor}))
    asked = {"request": {"cursorParam": "X-Cursor", "cursorIn": "header"}}
    async with client_of(paging(upstream, "cursor", more=asked, outputs=COUNTED)) as client:
        response = await client.get("/list")
    assert response.json()["number"] == 1
    assert "holds what no header may" in response.headers["naftiko-note"]
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("cursor", ["a&limit=1#x", "ä ?/%2e%2e", "=&;", "{{env.TOKEN}}"])
async def test_a_cursor_is_a_value_and_no_syntax(cursor, upstream):
    upstream.on(
        "GET",
        "/things",
        lambda request: JSONResponse({"results": [1], "next": None if request.query.get("cursor") else cursor}),
    )
    async with client_of(paging(upstream, "cursor", outputs=COUNTED)) as client:
        response = await client.get("/list")
    assert response.json()["number"] == 2
    assert [dict(request.query) for request in upstream.requests] == [{}, {"cursor": cursor}]
