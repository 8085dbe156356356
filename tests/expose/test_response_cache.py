"""The store of answers in front of an API (SEMANTICS 4.10): the cases of RFC 9111 and RFC 5861, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass, field
from email.utils import formatdate

import pytest
from mcp_wire import NEWEST
from rest_serving import client_of, in_process
from starlette.responses import JSONResponse, Response

import naftiko
from holding import LIMIT, Held, until
from naftiko.engine.resilience.caching import freshness
from naftiko.testing import HangUp

OLD = {"Age": "100"}
"""What came is older than it says to be good for."""


@dataclass
class Api:
    """An API whose answers are numbered."""

    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    body: str | None = None
    count: int = 0

    def __call__(self, request):
        self.count += 1
        headers = {"Content-Type": "application/json", **self.headers}
        etag = self.headers.get("ETag")
        if etag is not None and request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers={**self.headers, "X-Unchanged": "1"})
        content = json.dumps({"n": self.count}) if self.body is None else self.body
        return Response(content, self.status, headers=headers)


def document(cache, *, at="operation", inputs=(), resiliency=None, more=None, others=None):
    policies = {"resiliency": {"cache": cache, **(resiliency or {})}}
    level = policies if at == "api" else {}
    others = others or {}
    operation = {"name": "get", "method": "GET", **(policies if at == "operation" else {}), **others.get("get", {})}
    consumes = {
        "type": "http",
        "namespace": "api",
        "baseUri": "http://unused.invalid",
        **level,
        "resources": [
            {
                "path": "/things/{id}",
                **(policies if at == "resource" else {}),
                "inputParameters": [{"name": "id", "in": "path"}, *inputs],
                "operations": [
                    operation,
                    {"name": "put", "method": "PUT"},
                    {"name": "delete", "method": "DELETE", **others.get("delete", {})},
                    {"name": "post", "method": "POST"},
                ],
            }
        ],
        **(more or {}),
    }
    outer = [{"name": "id", "in": "path"}, *inputs]
    methods = ("get", "put", "delete", "post")
    operations = [
        {"name": name, "method": name.upper(), "call": f"api.{name}", "inputParameters": outer} for name in methods
    ]
    mapped = {
        "name": "mapped",
        "method": "GET",
        "call": "api.get",
        "inputParameters": outer,
        "outputParameters": [{"name": "n", "type": "integer", "mapping": "$.n"}],
    }
    return {
        "naftiko": "1.0.0-alpha5",
        "capability": {
            "consumes": [consumes],
            "exposes": [
                {
                    "type": "rest",
                    "namespace": "front",
                    "port": 3000,
                    "resources": [
                        {"name": "things", "path": "/things/{id}", "operations": operations},
                        {"name": "mapped", "path": "/mapped/{id}", "operations": [mapped]},
                        {"name": "forward", "path": "/forward/{path}", "forward": {"targetNamespace": "api"}},
                    ],
                }
            ],
        },
    }


@pytest.fixture
async def front(upstream):
    """Serve a capability with a cache; what is awaited is a client of it."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(cache, **more):
            capability = naftiko.loads(
                json.dumps(document(cache, **more)),
                settings=naftiko.Settings(base_uris={"*": upstream.url}, environment={}),
            )
            assert not capability.errors, capability.errors
            return await stack.enter_async_context(client_of(capability))

        yield start


def served(upstream, **headers) -> Api:
    api = Api(headers=headers)
    upstream.on("*", "/things/{id}", api)
    return api


async def numbers(client, *paths, **headers):
    return [(await client.get(path, headers=headers)).json()["n"] for path in paths or ("/things/1",) * 3]


FRESH = "fresh"
STALE = "asked again"
UNCHANGED = "asked whether it is unchanged"

CASES = [
    # what the file says, what the answer says, what becomes of the second request
    ({}, {"Cache-Control": "max-age=60"}, FRESH),
    ({}, {"Cache-Control": 'MAX-AGE="60"'}, FRESH),
    ({}, {"Cache-Control": "max-age=60, max-age=0"}, FRESH),
    ({}, {"Cache-Control": "max-age=99999999999999999999"}, STALE),
    ({}, {"Cache-Control": "max-age=9999999999"}, FRESH),
    ({}, {"Cache-Control": "max-age=60", **OLD}, STALE),
    ({}, {"Cache-Control": "max-age=60", "Date": formatdate(1, usegmt=True)}, STALE),
    ({}, {"Cache-Control": "max-age=60", "ETag": '"v"', **OLD}, UNCHANGED),
    ({}, {"Cache-Control": "max-age=60", "Last-Modified": formatdate(1, usegmt=True), **OLD}, UNCHANGED),
    ({}, {"Cache-Control": "max-age=0"}, STALE),
    ({}, {"Cache-Control": "max-age=soon"}, STALE),
    ({}, {"Cache-Control": "s-maxage=60"}, STALE),
    ({}, {"Cache-Control": "private, max-age=60"}, FRESH),
    ({}, {"Cache-Control": 'private="set-cookie", max-age=60'}, FRESH),
    ({}, {"Cache-Control": "no-store"}, STALE),
    ({}, {"Cache-Control": "max-age=60, No-Store"}, STALE),
    ({}, {"Cache-Control": "no-cache, max-age=60"}, STALE),
    ({}, {"Cache-Control": "no-cache, max-age=60", "ETag": '"v"'}, UNCHANGED),
    ({}, {"Cache-Control": "max-age=60, must-revalidate"}, FRESH),
    ({}, {"Cache-Control": "max-age=60, must-revalidate", "ETag": '"v"', **OLD}, UNCHANGED),
    ({}, {"Expires": formatdate(4_000_000_000, usegmt=True)}, FRESH),
    ({}, {"Expires": "0"}, STALE),
    ({}, {"Expires": formatdate(4_000_000_000, usegmt=True), "Cache-Control": "max-age=0"}, STALE),
    ({}, {"Last-Modified": formatdate(1, usegmt=True)}, FRESH),
    ({}, {"ETag": '"v"'}, UNCHANGED),
    ({}, {}, STALE),
    ({}, {"Cache-Control": "max-age=60", "Vary": "*"}, STALE),
    ({}, {"Cache-Control": "max-age=60", "Vary": "Accept-Language"}, FRESH),
    ({"ttl": "60s"}, {}, FRESH),
    ({"ttl": "60s"}, {"Cache-Control": "max-age=0, must-revalidate"}, FRESH),
    ({"ttl": "60s"}, {"Cache-Control": "no-cache"}, FRESH),
    ({"ttl": "60s"}, {"Cache-Control": "no-store"}, STALE),
    ({"ttl": "60s"}, {"Age": "3600"}, FRESH),
    ({"ttl": "60s", "maxBytes": "100"}, {}, STALE),
    ({"ttl": "60s", "enabled": False}, {}, STALE),
    ("60s", {}, FRESH),
    (True, {"Cache-Control": "max-age=60"}, FRESH),
]


@pytest.mark.parametrize("path", ["/things/1", "/mapped/1"], ids=["passed on", "mapped"])
@pytest.mark.parametrize(("cache", "headers", "second"), CASES)
async def test_what_becomes_of_a_second_request(upstream, front, cache, headers, second, path):
    api = served(upstream, **headers)
    modified = headers.get("Last-Modified")
    if modified is not None and second == UNCHANGED:
        upstream.on(
            "GET",
            "/things/{id}",
            lambda asked: (
                Response(status_code=304) if asked.headers.get("if-modified-since") == modified else api(asked)
            ),
        )
    client = await front(cache)
    first, again = await client.get(path), await client.get(path)
    assert (first.status_code, again.status_code) == (200, 200)
    assert len(upstream.requests) == (1 if second == FRESH else 2)
    assert [first.json()["n"], again.json()["n"]] == [1, 2 if second == STALE else 1]
    asked = [name for name in ("if-none-match", "if-modified-since") if name in upstream.requests[-1].headers]
    assert bool(asked) is (second == UNCHANGED)
    assert ("age" in again.headers) is (second != STALE or "Age" in headers)


@pytest.mark.parametrize(
    ("status", "headers", "requests"),
    [
        (404, {"Cache-Control": "max-age=60"}, 1),
        (404, {}, 2),
        (204, {"Cache-Control": "max-age=60"}, 1),
        (500, {"Cache-Control": "max-age=60"}, 1),
        (503, {}, 2),
        (206, {"Cache-Control": "max-age=60"}, 2),
    ],
)
@pytest.mark.parametrize("cache", [{}, {"ttl": "60s"}])
async def test_which_statuses_are_kept(upstream, front, cache, status, headers, requests):
    api = served(upstream, **headers)
    api.status, api.body = status, "" if status == 204 else '{"n": 0}'
    client = await front(cache)
    assert [(await client.get("/things/1")).status_code for _ in range(2)] == [status, status]
    assert len(upstream.requests) == requests


@pytest.mark.parametrize("at", ["operation", "resource", "api"])
async def test_it_is_declared_at_any_level(upstream, front, at):
    served(upstream)
    client = await front({"ttl": "60s"}, at=at)
    assert await numbers(client) == [1, 1, 1]


async def test_each_url_is_an_answer_of_its_own(upstream, front):
    served(upstream)
    client = await front({"ttl": "60s"}, inputs=[{"name": "q", "in": "query"}])
    assert await numbers(client, "/things/1", "/things/2", "/things/1?q=a", "/things/1?q=b", "/things/1?q=a") == [
        *(1, 2, 3, 4),
        3,
    ]


async def test_vary_tells_answers_apart(upstream, front):
    """And where it isn't said, another language is the same answer."""
    api = served(upstream, **{"Cache-Control": "max-age=60", "Vary": "accept-LANGUAGE"})
    client = await front({}, inputs=[{"name": "Accept-Language", "in": "header"}])
    asked = ["de", "fr", "de", "fr"]
    got = [(await client.get("/things/1", headers={"Accept-Language": one})).json()["n"] for one in asked]
    assert got == [1, 2, 1, 2]
    del api.headers["Vary"]
    got = [(await client.get("/things/2", headers={"Accept-Language": one})).json()["n"] for one in asked]
    assert got == [3, 3, 3, 3]


@pytest.mark.parametrize("name", ["Authorization", "X-Api-Key", "X-Tenant"])
@pytest.mark.parametrize("cache", [{"ttl": "60s"}, {"ttl": "60s", "key": ["id"]}])
async def test_callers_with_credentials_of_their_own_share_nothing(upstream, front, name, cache):
    served(upstream)
    if "key" in cache and name == "X-Tenant":
        cache = {**cache, "key": ["id", name]}
    client = await front(cache, inputs=[{"name": name, "in": "header"}])

    async def asking(who):
        return [(await client.get("/things/1", headers={name: who})).json()["n"] for _ in range(3)]

    assert await asking("Bearer alice") == [1, 1, 1]
    assert await asking("Bearer bob") == [2, 2, 2]
    assert await asking("Bearer alice") == [1, 1, 1]
    many = [asking(f"Bearer {at % 5}") for at in range(50)]
    got = await asyncio.gather(*many)
    assert [{*each} for each in got] == [{*got[at % 5]} for at in range(50)]
    assert len({each[0] for each in got}) == 5


async def test_a_cookie_of_a_caller_is_its_own(upstream, front):
    served(upstream)
    client = await front({"ttl": "60s", "key": ["id"]}, inputs=[{"name": "session", "in": "cookie"}])
    got = [(await client.get("/things/1", headers={"Cookie": f"session={who}"})).json()["n"] for who in "abab"]
    assert got == [1, 2, 1, 2]


async def test_the_file_says_which_arguments_matter(upstream, front):
    served(upstream)
    inputs = [{"name": "limit", "in": "query"}, {"name": "trace", "in": "query"}, {"name": "api_key", "in": "query"}]
    client = await front({"ttl": "60s", "key": ["limit"]}, inputs=inputs)
    paths = ["/things/1?limit=1&trace=a", "/things/1?limit=1&trace=b", "/things/1?limit=2", "/things/2?limit=1"]
    assert await numbers(client, *paths) == [1, 1, 2, 3]
    assert await numbers(client, "/things/1?limit=1&api_key=a", "/things/1?limit=1&api_key=b") == [4, 5]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
@pytest.mark.parametrize("prefix", ["/things", "/forward/things"])
@pytest.mark.parametrize("at", ["operation", "api"])
async def test_what_changes_a_thing_makes_what_is_kept_of_it_old(upstream, front, method, prefix, at):
    served(upstream)
    client = await front({"ttl": "60s"}, at=at, inputs=[{"name": "q", "in": "query"}])
    assert await numbers(client, "/things/1", "/things/1?q=a", "/things/2", "/things/1") == [1, 2, 3, 1]
    assert (await client.request(method, f"{prefix}/1")).status_code in {200, 204}
    assert await numbers(client, "/things/1", "/things/1?q=a", "/things/2") == [5, 6, 3]


async def test_a_change_that_failed_changes_nothing(upstream, front):
    served(upstream)
    upstream.on("PUT", "/things/{id}", JSONResponse({"error": "no"}, 409))
    client = await front({"ttl": "60s"})
    assert await numbers(client) == [1, 1, 1]
    assert (await client.put("/things/1")).status_code == 409
    assert await numbers(client) == [1, 1, 1]


async def test_where_a_new_thing_is_told_of_what_is_kept_of_it_is_old(upstream, front):
    served(upstream)
    upstream.on("POST", "/things/{id}", JSONResponse({}, 201, headers={"Location": "/things/9"}))
    client = await front({"ttl": "60s"})
    assert await numbers(client, "/things/9", "/things/9") == [1, 1]
    assert (await client.post("/things/1")).status_code == 201
    assert await numbers(client, "/things/9") == [2]


async def test_an_answer_that_was_asked_for_before_a_change_is_not_kept(upstream, front):
    """It may be older than the change that came meanwhile."""
    served(upstream)
    held = Held()
    upstream.misbehave(held, times=1)
    client = await front({"ttl": "60s"})
    asking = asyncio.create_task(client.get("/things/1"))
    await until(lambda: upstream.requests)
    await client.put("/things/1")
    held.let_go()
    assert (await asking).json()["n"] == 2
    assert await numbers(client, "/things/1", "/things/1") == [3, 3]


@pytest.mark.parametrize(
    ("cache", "headers", "is_rescued"),
    [
        ({"staleIfError": "1h"}, {"Cache-Control": "max-age=60"}, True),
        ({}, {"Cache-Control": "max-age=60, stale-if-error=3600"}, True),
        ({}, {"Cache-Control": "max-age=60, stale-if-error=10"}, False),
        ({}, {"Cache-Control": "max-age=60"}, False),
        ({"staleIfError": "1h"}, {"Cache-Control": "max-age=60, must-revalidate"}, False),
        ({"staleIfError": "1h"}, {"Cache-Control": "no-cache"}, False),
        ({"staleIfError": "1h"}, {"Cache-Control": "no-store"}, False),
    ],
)
@pytest.mark.parametrize("failure", [HangUp(), JSONResponse({"error": "busy"}, 503), JSONResponse({}, 500)])
async def test_the_stale_answer_where_the_api_fails(upstream, front, cache, headers, is_rescued, failure):
    served(upstream, **headers, **OLD)
    client = await front(cache)
    assert await numbers(client, "/things/1") == [1]
    upstream.misbehave(failure)
    answer = await client.get("/things/1")
    assert (answer.status_code == 200) is is_rescued
    if is_rescued:
        assert answer.json()["n"] == 1
        assert int(answer.headers["age"]) >= 100
        assert answer.headers["naftiko-note"].startswith("cache;stale;age=1")
    else:
        assert answer.status_code in {500, 502, 503}


async def test_an_answer_that_says_no_is_no_failure(upstream, front):
    api = served(upstream, **{"Cache-Control": "max-age=60"}, **OLD)
    client = await front({"staleIfError": "1h"})
    assert await numbers(client, "/things/1") == [1]
    api.status = 404
    assert (await client.get("/things/1")).status_code == 404


@pytest.mark.parametrize(
    ("cache", "control"),
    [({"staleWhileRevalidate": "1h"}, "max-age=60"), ({}, "max-age=60, stale-while-revalidate=3600")],
)
async def test_the_stale_answer_while_it_is_asked_for_anew(upstream, front, cache, control):
    api = served(upstream, **{"Cache-Control": control}, **OLD)
    client = await front(cache)
    assert await numbers(client, "/things/1") == [1]
    del api.headers["Age"]
    held = Held()
    upstream.misbehave(held)
    got = await asyncio.gather(*(client.get("/things/1") for _ in range(10)))
    assert [answer.json()["n"] for answer in got] == [1] * 10
    await until(lambda: len(upstream.requests) == 2)
    held.let_go()
    async with asyncio.timeout(LIMIT):
        while await numbers(client, "/things/1") != [2]:  # noqa: ASYNC110  # the store has no event
            await asyncio.sleep(0.01)
    assert len(upstream.requests) == 2


async def test_what_is_unchanged_has_the_headers_of_now(upstream, front):
    api = served(upstream, **{"Cache-Control": "max-age=60", "ETag": '"v"', "X-Request-Id": "one"}, **OLD)
    client = await front({})
    await client.get("/things/1")
    api.headers = {"Cache-Control": "max-age=30", "ETag": '"v"', "X-Request-Id": "two"}
    answers = [await client.get("/things/1") for _ in range(3)]
    assert [answer.headers["x-request-id"] for answer in answers] == ["two"] * 3
    assert [answer.headers["cache-control"] for answer in answers] == ["max-age=30"] * 3
    assert [answer.json()["n"] for answer in answers] == [1] * 3
    assert len(upstream.requests) == 2


async def test_a_caller_who_has_the_answer_gets_304_from_the_store(upstream, front):
    served(upstream, **{"Cache-Control": "max-age=60", "ETag": '"v"'})
    client = await front({})
    assert await numbers(client, "/things/1") == [1]
    again = await client.get("/things/1", headers={"If-None-Match": '"v"'})
    assert (again.status_code, again.content) == (304, b"")
    cold = await client.get("/things/2", headers={"If-None-Match": '"v"'})
    assert cold.status_code == 304
    assert await numbers(client, "/things/2") == [2]
    assert len(upstream.requests) == 2


async def test_many_callers_of_a_cold_key_cost_one_request(upstream, front):
    served(upstream)
    held = Held()
    upstream.misbehave(held)
    client = await front({"ttl": "60s"})
    asking = [asyncio.create_task(client.get("/things/1")) for _ in range(100)]
    await until(lambda: upstream.requests)
    held.let_go()
    got = await asyncio.gather(*asking)
    assert [answer.json()["n"] for answer in got] == [1] * 100
    assert len(upstream.requests) == 1


async def test_who_asked_first_may_leave_and_the_others_get_the_answer(upstream, front):
    served(upstream)
    held = Held()
    upstream.misbehave(held)
    client = await front({"ttl": "60s"})
    first = asyncio.create_task(client.get("/things/1"))
    await until(lambda: upstream.requests)
    others = [asyncio.create_task(client.get("/things/1")) for _ in range(5)]
    await asyncio.sleep(0.2)
    first.cancel()
    await asyncio.sleep(0.2)
    held.let_go()
    assert [answer.json()["n"] for answer in await asyncio.gather(*others)] == [1] * 5
    assert len(upstream.requests) == 1


async def test_what_may_not_be_stored_is_nobody_elses(upstream, front):
    """Who waited for it asks for itself, and later ones don't wait at all."""
    api = served(upstream, **{"Cache-Control": "no-store"})
    client = await front({"ttl": "60s"})
    got = await asyncio.gather(*(client.get("/things/1") for _ in range(20)))
    assert sorted(answer.json()["n"] for answer in got) == list(range(1, 21))
    assert api.count == 20


async def test_a_failure_is_everybodys_who_waited_for_it(upstream, front):
    upstream.on("GET", "/things/{id}", JSONResponse({"error": "busy"}, 503))
    held = Held()
    upstream.misbehave(held)
    client = await front({"ttl": "60s"})
    asking = [asyncio.create_task(client.get("/things/1")) for _ in range(20)]
    await until(lambda: upstream.requests)
    await asyncio.sleep(0.3)
    held.let_go()
    got = await asyncio.gather(*asking)
    assert [(answer.status_code, answer.json()) for answer in got] == [(503, {"error": "busy"})] * 20
    assert len(upstream.requests) < 20


async def test_what_was_used_least_recently_goes_first(upstream, front):
    api = served(upstream)
    api.body = json.dumps({"n": 1, "x": "x" * 3000})
    client = await front({"ttl": "60s", "maxBytes": "16KiB"})
    for at in range(3):
        await client.get(f"/things/{at}")
    await client.get("/things/0")
    for at in range(3, 5):
        await client.get(f"/things/{at}")
    before = api.count
    await client.get("/things/0")
    assert api.count == before
    await client.get("/things/1")
    assert api.count == before + 1


async def test_retries_are_within(upstream, front):
    served(upstream)
    upstream.misbehave(JSONResponse({}, 503), times=1)
    client = await front({"ttl": "60s"}, resiliency={"retry": {"maxAttempts": 2, "waitDuration": "1ms"}})
    assert await numbers(client) == [1, 1, 1]
    assert len(upstream.requests) == 2


async def test_our_own_refused_credential_is_told(upstream, front):
    api = served(upstream, **{"Cache-Control": "max-age=60"}, **OLD)
    more = {"authentication": {"type": "bearer", "token": "t0ken-of-ours"}}
    client = await front({"staleIfError": "1h"}, more=more)
    assert await numbers(client, "/things/1") == [1]
    api.status = 401
    assert (await client.get("/things/1")).status_code == 502


async def test_the_clock(upstream, front, monkeypatch):
    """Answers grow old as time goes by."""
    served(upstream, **{"Cache-Control": "max-age=60"})
    offset = 0.0
    real = freshness.now
    monkeypatch.setattr(freshness, "now", lambda: real() + offset)
    client = await front({})
    assert await numbers(client, "/things/1") == [1]
    offset = 50.0
    answer = await client.get("/things/1")
    assert (answer.json()["n"], answer.headers["age"]) == (1, "50")
    offset = 61.0
    assert await numbers(client, "/things/1", "/things/1") == [2, 2]


async def test_a_stored_answer_that_stands_in_for_another_says_so(upstream, front):
    served(upstream)
    upstream.on("DELETE", "/things/{id}", JSONResponse({}, 503))
    client = await front({"ttl": "60s"}, others={"delete": {"resiliency": {"fallback": {"call": "api.get"}}}})
    assert await numbers(client) == [1, 1, 1]
    answer = await client.delete("/things/1")
    assert answer.json() == {"n": 1}
    assert answer.headers["naftiko-note"].startswith('fallback;from="api.get"')


async def test_the_stale_answer_goes_before_a_fallback(upstream, front):
    served(upstream, **{"Cache-Control": "max-age=60"}, **OLD)
    client = await front({"staleIfError": "1h"}, resiliency={"fallback": {"value": {"n": -1}}})
    assert await numbers(client, "/things/1") == [1]
    upstream.misbehave(HangUp())
    assert await numbers(client, "/things/1", "/things/2") == [1, -1]


async def test_a_constant_is_not_stored(upstream, front):
    served(upstream)
    client = await front({"ttl": "60s"}, resiliency={"fallback": {"value": {"n": -1}}})
    upstream.misbehave(HangUp(), times=1)
    assert await numbers(client, "/things/1", "/things/1") == [-1, 1]


@pytest.mark.parametrize("key", [[], ["q"]])
async def test_each_page_of_a_list_is_an_answer_of_its_own(upstream, front, key):
    def page(request):
        at = int(dict(request.query).get("cursor", "0"))
        return JSONResponse({"n": 0, "items": [at], "next": str(at + 1) if at < 2 else None})

    upstream.on("GET", "/things/{id}", page)
    pages = {
        "type": "cursor",
        "request": {"cursorParam": "cursor"},
        "response": {"dataPath": "$.items", "nextCursorPath": "$.next"},
    }
    inputs = [{"name": "q", "in": "query"}, {"name": "cursor", "in": "query"}]
    cache = {"ttl": "60s", **({"key": key} if key else {})}
    client = await front(cache, inputs=inputs, others={"get": {"pagination": pages}})
    for _ in range(2):
        assert (await client.get("/things/1")).json()["items"] == [0, 1, 2]
    assert len(upstream.requests) == 3


MCP = """
naftiko: 1.0.0-alpha5
capability:
  consumes:
    - type: http
      namespace: api
      baseUri: http://unused.invalid
      resources:
        - path: /things/{id}
          operations: [{name: get, method: GET, resiliency: {cache: {ttl: 90s}}}]
  exposes:
    - type: mcp
      namespace: agents
      cacheScope: public
      tools: [{name: thing, description: A thing, call: api.get, inputParameters: [{name: id, in: path}]}]
      resources:
        - {name: one, description: A thing, uri: "things://one", mimeType: application/json, call: api.get, with: {id: "1"}}
"""


async def test_tools_and_resources_have_what_is_stored(upstream, serve, wire):
    """And what is read of a resource says for how long."""
    served(upstream)
    at = wire(f"{await serve(MCP, base=upstream.url)}/mcp", NEWEST)
    assert [(await at.call("thing", {"id": "1"}))["structuredContent"]["n"] for _ in range(2)] == [1, 1]
    read = await at.ask("resources/read", {"uri": "things://one"})
    assert json.loads(read["contents"][0]["text"]) == {"n": 1}
    assert (read["ttlMs"], read["cacheScope"]) == (90_000, "public")
    assert len(upstream.requests) == 1


async def test_a_crowd_at_a_cold_key_costs_one_request(upstream):
    """benchmarks/cache.py has ten thousand."""
    served(upstream)
    settings = naftiko.Settings(base_uris={"*": upstream.url}, environment={})
    capability = naftiko.loads(json.dumps(document({"ttl": "60s"})), settings=settings)
    async with capability, in_process(capability) as client:
        got = await asyncio.gather(*(client.get("/things/1") for _ in range(1000)))
    assert {answer.json()["n"] for answer in got} == {1}
    assert len(upstream.requests) == 1


async def test_a_broken_connection_is_everybodys_who_waited_for_it(upstream, front):
    served(upstream)
    client = await front({"ttl": "60s"}, inputs=[{"name": "q", "in": "query"}])
    upstream.misbehave(HangUp())
    got = await asyncio.gather(*(client.get("/things/1") for _ in range(20)))
    assert {answer.status_code for answer in got} == {502}
    assert len({answer.json()["detail"] for answer in got}) == 1
    upstream.behave()
    assert (await client.get("/things/1")).status_code == 200
