"""What REST answers say about caching: the `cache` of an operation (SEMANTICS 6.5, RFC 9111 chapter 5.2)."""

from __future__ import annotations

import hashlib

import pytest
from rest_serving import client_of, operation, rest_capability, route
from starlette.responses import JSONResponse, Response

TAG = '"v7"'
WHEN = "Wed, 21 Oct 2015 07:28:00 GMT"
MAPPED = [{"name": "id", "type": "integer", "mapping": "$.id"}]
OF_THE_UPSTREAM = {
    "ETag": TAG,
    "Last-Modified": WHEN,
    "Cache-Control": "public, max-age=5, must-revalidate",
    "Expires": WHEN,
    "Vary": "Accept, Origin",
    "Age": "3",
}


def answering(upstream, headers=OF_THE_UPSTREAM, status=200) -> None:
    def answer(request):
        if request.headers.get("if-none-match") == TAG:
            return Response(status_code=304, headers=headers)
        return JSONResponse({"id": 7}, headers=headers, status_code=status)

    upstream.on("*", "/x", answer)


def front(upstream, *, method="GET", consumed="GET", adapter=None, more=None, **keys):
    return rest_capability(
        [route("/x", method, **keys)],
        {"do": operation(consumed, "/x")},
        base_uris={"*": upstream.url},
        adapter=adapter,
        more=more,
    )


def of_caches(answer):
    names = ("cache-control", "etag", "last-modified", "expires", "vary", "age")
    return {name: answer.headers[name] for name in names if name in answer.headers}


def tag_of(content: bytes) -> str:
    return f'W/"{hashlib.sha256(content).hexdigest()[:16]}"'


CONTROLS = [
    ({"maxAge": 300}, "max-age=300"),
    ({"maxAge": 300, "scope": "public", "mustRevalidate": True}, "public, max-age=300, must-revalidate"),
    (
        {
            "staleWhileRevalidate": 30,
            "immutable": True,
            "mustRevalidate": True,
            "noStore": True,
            "noCache": True,
            "sMaxAge": 9,
            "maxAge": 5,
            "scope": "private",
        },
        "private, max-age=5, s-maxage=9, no-cache, no-store, must-revalidate, immutable, stale-while-revalidate=30",
    ),
    ({"maxAge": 0}, "max-age=0"),
    ({"maxAge": -5}, "max-age=0"),
    ({"noStore": True}, "no-store"),
]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("mapped", [False, True], ids=["passed on", "mapped"])
@pytest.mark.parametrize(("cache", "control"), CONTROLS)
async def test_the_block_says_what_the_answer_says(upstream, cache, control, mapped, method):
    """And nothing that the upstream says is there beside it."""
    answering(upstream)
    outputs = {"outputParameters": MAPPED} if mapped else {}
    async with client_of(front(upstream, cache={**cache, "vary": ["Accept-Language"]}, **outputs)) as client:
        content = (await client.get("/x")).content
        answer = await client.request(method, "/x")
    assert answer.json() == {"id": 7} if method == "GET" else not answer.content
    assert of_caches(answer) == {"cache-control": control, "vary": "Accept-Language", "etag": tag_of(content)}


@pytest.mark.parametrize("mapped", [False, True], ids=["passed on", "mapped"])
async def test_who_has_the_answer_gets_304_and_the_upstream_is_called(upstream, mapped):
    answering(upstream)
    outputs = {"outputParameters": MAPPED} if mapped else {}
    async with client_of(front(upstream, cache={"maxAge": 60, "vary": ["Accept"]}, **outputs)) as client:
        etag = (await client.get("/x")).headers["etag"]
        again = await client.get("/x", headers={"If-None-Match": f'"other", {etag}'})
        other = await client.get("/x", headers={"If-None-Match": '"other"'})
    assert (again.status_code, again.content) == (304, b"")
    assert of_caches(again) == {"cache-control": "max-age=60", "vary": "Accept", "etag": etag}
    assert not {"content-type", "content-length"} & set(again.headers)
    assert other.status_code == 200
    assert len(upstream.requests) == 3
    assert not any("if-none-match" in sent.headers for sent in upstream.requests)


async def test_without_a_tag(upstream):
    answering(upstream)
    async with client_of(front(upstream, cache={"maxAge": 60, "etag": False}, outputParameters=MAPPED)) as client:
        answer = await client.get("/x")
    assert of_caches(answer) == {"cache-control": "max-age=60"}


async def test_a_tag_alone(upstream):
    answering(upstream)
    async with client_of(front(upstream, cache={"etag": True})) as client:
        answer = await client.get("/x")
    assert of_caches(answer) == {"etag": tag_of(answer.content)}


PROPAGATED = [
    ({}, "public, max-age=5, must-revalidate", WHEN, "Accept, Origin"),
    ({"maxAge": 60}, "public, max-age=60, must-revalidate", None, "Accept, Origin"),
    ({"scope": "private"}, "private, max-age=5, must-revalidate", WHEN, "Accept, Origin"),
    ({"noStore": True}, "public, max-age=5, no-store, must-revalidate", None, "Accept, Origin"),
    (
        {"vary": ["origin", "Accept-Language"]},
        "public, max-age=5, must-revalidate",
        WHEN,
        "origin, Accept-Language, Accept",
    ),
]


@pytest.mark.parametrize(("cache", "control", "expires", "vary"), PROPAGATED)
async def test_what_the_upstream_says_counts_where_it_is_propagated(upstream, cache, control, expires, vary):
    answering(upstream)
    async with client_of(front(upstream, cache={"propagate": True, **cache})) as client:
        answer = await client.get("/x")
        again = await client.get("/x", headers={"If-None-Match": TAG})
    said = {"cache-control": control, "etag": TAG, "last-modified": WHEN, "expires": expires, "vary": vary}
    assert of_caches(answer) == {name: value for name, value in said.items() if value is not None}
    assert again.status_code == 304
    assert of_caches(again) == of_caches(answer)
    assert upstream.requests[-1].headers["if-none-match"] == TAG


async def test_what_is_made_of_a_propagated_answer_has_a_tag_of_its_own(upstream):
    """The upstream's tag and date are of other bytes: a caller who has an older mapping hasn't got this answer."""
    answering(upstream)
    async with client_of(front(upstream, cache={"propagate": True}, outputParameters=MAPPED)) as client:
        answer = await client.get("/x")
    said = of_caches(answer)
    assert said.pop("last-modified") != WHEN
    assert said == {
        "cache-control": "public, max-age=5, must-revalidate",
        "etag": tag_of(answer.content),
        "expires": WHEN,
        "vary": "Accept, Origin",
    }


async def test_of_steps_the_last_call_is_propagated(upstream):
    answering(upstream)
    upstream.on("GET", "/y", JSONResponse({"id": 8}, headers={"Cache-Control": "max-age=1"}))
    steps = [{"type": "call", "name": "one", "call": "api.other"}, {"type": "call", "name": "two", "call": "api.do"}]
    mappings = [{"targetName": "got", "value": "$.one.id"}]
    capability = rest_capability(
        [
            {
                "path": "/x",
                "operations": [
                    {"name": "x", "method": "GET", "steps": steps, "mappings": mappings, "cache": {"propagate": True}}
                ],
            }
        ],
        {"do": operation(path="/x"), "other": operation(path="/y")},
        base_uris={"*": upstream.url},
    )
    async with client_of(capability) as client:
        answer = await client.get("/x")
    assert answer.json() == {"got": 8}
    assert of_caches(answer) == {
        "cache-control": "public, max-age=5, must-revalidate",
        "etag": tag_of(answer.content),
        "expires": WHEN,
        "vary": "Accept, Origin",
    }


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("headers", [{}, {"If-Match": TAG}])
async def test_what_changes_something_is_never_kept(upstream, method, headers):
    answering(upstream)
    async with client_of(front(upstream, method=method, consumed=method, cache={"maxAge": 60})) as client:
        answer = await client.request(method, "/x", headers=headers)
    assert answer.status_code == 200
    assert (answer.headers["cache-control"], answer.headers["etag"]) == ("no-store", TAG)
    assert "expires" not in answer.headers


@pytest.mark.parametrize("status", [404, 500, 503])
async def test_a_failure_is_what_the_upstream_says(upstream, status):
    answering(upstream, {"Cache-Control": "max-age=1"}, status)
    async with client_of(front(upstream, cache={"maxAge": 60})) as client:
        answer = await client.get("/x")
    assert (answer.status_code, answer.headers["cache-control"]) == (status, "max-age=1")
    assert "etag" not in answer.headers


FUNCTION = {
    "aggregates": [
        {
            "namespace": "harbour",
            "functions": [
                {"name": "tide", "description": "The tide.", "semantics": {"cacheable": True}, "call": "api.do"},
                {"name": "ship", "description": "A ship.", "call": "api.do"},
            ],
        }
    ]
}


@pytest.mark.parametrize(
    ("ref", "keys", "adapter", "control"),
    [
        ("harbour.tide", {}, {}, "public, max-age=60"),
        (
            "harbour.tide",
            {},
            {"authentication": {"type": "apikey", "key": "X-Key", "value": "k3y-of-a-caller", "in": "header"}},
            "private, max-age=60",
        ),
        ("harbour.tide", {"cache": {"maxAge": 9}}, {}, "max-age=9"),
        ("harbour.ship", {}, {}, "public, max-age=5, must-revalidate"),
    ],
)
async def test_what_is_made_of_a_cacheable_function(upstream, ref, keys, adapter, control):
    answering(upstream)
    capability = front(upstream, call=None, ref=ref, adapter=adapter, more=FUNCTION, **keys)
    async with client_of(capability) as client:
        answer = await client.get("/x", headers={"X-Key": "k3y-of-a-caller"})
    assert (answer.status_code, answer.headers["cache-control"]) == (200, control)
    assert (answer.headers["etag"] == TAG) is (ref == "harbour.ship")


async def test_a_large_answer_is_not_hashed(upstream):
    upstream.on("GET", "/x", Response(b"x" * (8 * 1024 * 1024 + 1), media_type="text/plain"))
    capability = rest_capability(
        [route("/x", cache={"maxAge": 5})],
        {"do": operation(path="/x", outputRawFormat="text")},
        base_uris={"*": upstream.url},
    )
    async with client_of(capability) as client:
        answer = await client.get("/x")
    assert of_caches(answer) == {"cache-control": "max-age=5"}


async def test_what_is_forwarded_keeps_its_headers(upstream):
    answering(upstream)
    capability = rest_capability(
        [{"path": "/f/{path}", "forward": {"targetNamespace": "api"}}], base_uris={"*": upstream.url}
    )
    async with client_of(capability) as client:
        answer = await client.get("/f/x")
        again = await client.get("/f/x", headers={"If-None-Match": TAG})
    assert answer.headers["cache-control"] == OF_THE_UPSTREAM["Cache-Control"]
    assert (again.status_code, again.headers["etag"]) == (304, TAG)
