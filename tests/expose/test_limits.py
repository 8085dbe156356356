"""Limits for callers, on real sockets: who shares one, what is told, what is counted (SEMANTICS 6.6 and 7.5)."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from mcp_wire import HANDSHAKE, LIMIT, NEWEST, serving
from rest_serving import client_of, operation, rest_capability, route
from starlette.responses import JSONResponse

import naftiko
from holding import Held, until
from naftiko.engine.settings import Settings
from naftiko.expose.authentication import PRINCIPAL, Principal
from naftiko.expose.http.limits import CallLimit
from naftiko.expose.limiting.callers import key_of
from naftiko.expose.limiting.limiter import Limiter, limiters
from naftiko.expose.limiting.store import LocalStore
from naftiko.expose.mcp import mcp_app
from naftiko.expose.mcp.endpoint import Endpoint
from naftiko.expose.mcp.limited import make_endpoint
from naftiko.expose.mcp.options import McpOptions
from naftiko.expose.mcp.sessions import Sessions
from naftiko.expose.mcp.sources import mcp_sources
from naftiko.expose.rest.options import RestOptions
from naftiko.ground.errors import CallerLimited
from naftiko.plan.limits import CallerLimits
from naftiko.testing import StandInUpstream
from naftiko.testing.identity import StandInIdentityProvider

HOUR = 3600.0


@pytest.fixture
def upstream():
    with StandInUpstream() as stand_in:
        stand_in.on("GET", "/x", {"ok": True})
        yield stand_in


def limited(upstream: StandInUpstream, limits: Any, *routes: Any, **more: Any) -> naftiko.Capability:
    """A REST adapter with limits, in front of an API."""
    adapter = {"limits": limits, **more.pop("adapter", {})}
    return rest_capability(routes or [route("/x")], api={"baseUri": upstream.url}, adapter=adapter, **more)


async def statuses(client: httpx.AsyncClient, times: int, path: str = "/x", **options: Any) -> list[int]:
    return [(await client.get(path, **options)).status_code for _ in range(times)]


async def test_a_route_answers_as_many_as_it_may_and_then_says_when(upstream):
    async with client_of(limited(upstream, "3/h")) as client:
        answers = [await client.get("/x") for _ in range(5)]
    assert [each.status_code for each in answers] == [200, 200, 200, 429, 429]
    assert len(upstream.requests) == 3, "what is refused is not sent"
    assert [each.headers["ratelimit-policy"] for each in answers] == ['"requests";q=3;w=3600'] * 5
    left = [each.headers["ratelimit"].partition(";t=")[0] for each in answers]
    assert left == ['"requests";r=2', '"requests";r=1', '"requests";r=0', '"requests";r=0', '"requests";r=0']
    refused = answers[3]
    wait = int(refused.headers["retry-after"])
    assert 0 < wait <= HOUR / 3
    assert refused.headers["ratelimit"].endswith(f";t={wait}"), "both mean the same point in time"
    assert refused.headers["cache-control"] == "no-store"
    said = refused.json()
    assert said["type"] == "urn:naftiko:problem:quota-exceeded"
    assert said["violated-policies"] == ["requests"]
    assert said["detail"] == "one caller may make 3 requests an hour"


async def test_a_head_is_refused_without_a_body(upstream):
    async with client_of(limited(upstream, "1/h")) as client:
        await client.get("/x")
        refused = await client.head("/x")
    assert (refused.status_code, refused.content) == (429, b"")
    assert int(refused.headers["retry-after"]) > 1


async def test_a_burst_is_what_may_come_at_once(upstream):
    async with client_of(limited(upstream, {"requests": "2/h", "burst": 4})) as client:
        answers = [await client.get("/x") for _ in range(5)]
    assert [each.status_code for each in answers] == [200] * 4 + [429]
    assert answers[0].headers["ratelimit-policy"] == '"requests";q=4;w=7200', "the rate is still two an hour"
    assert answers[4].json()["detail"] == "one caller may make 2 requests an hour, 4 of them at once"


async def test_routes_share_what_the_adapter_declares_and_have_what_they_declare(upstream):
    routes = [
        route("/a"),
        route("/b"),
        route("/own", limits="1/h"),
        route("/free", limits=False),
        {**route("/r/a"), "limits": "2/h"},
    ]
    async with client_of(limited(upstream, "2/h", *routes)) as client:
        assert await statuses(client, 1, "/a") == [200]
        assert await statuses(client, 2, "/b") == [200, 429]
        assert await statuses(client, 2, "/own") == [200, 429]
        assert await statuses(client, 3, "/free") == [200, 200, 200]
        assert await statuses(client, 3, "/r/a") == [200, 200, 429]
        assert "ratelimit" not in (await client.get("/free")).headers
        assert (await client.get("/nothing")).status_code == 404, "what is not there is not counted"


async def test_two_callers_do_not_share(upstream):
    limits = {"requests": "1/h", "by": "header:X-Key"}
    async with client_of(limited(upstream, limits)) as client:
        assert await statuses(client, 2, headers={"X-Key": "a"}) == [200, 429]
        assert await statuses(client, 2, headers={"x-key": "b"}) == [200, 429]
        assert await statuses(client, 2) == [200, 429], "who sends none is known by the address"


async def test_the_claims_of_a_token_tell_callers_apart(upstream):
    resource = "http://shop.test/"
    with StandInIdentityProvider(audience=resource) as identity:
        keys = {"type": "oauth2", "authorizationServerUri": identity.url, "resource": resource}

        def as_(**claims: Any) -> dict[str, Any]:
            return {"headers": {"Authorization": f"Bearer {identity.token(**claims)}"}}

        by_team = limited(upstream, {"requests": "2/h", "by": "claim:org.team"}, adapter={"authentication": keys})
        async with client_of(by_team) as client:
            assert await statuses(client, 1) == [401], "who isn't let in is not counted"
            assert await statuses(client, 1, **as_(sub="ann", org={"team": "red"})) == [200]
            assert await statuses(client, 2, **as_(sub="bob", org={"team": "red"})) == [200, 429]
            assert await statuses(client, 1, **as_(sub="bob", org={"team": "blue"})) == [200]
            assert await statuses(client, 3, **as_(sub="cy")) == [200, 200, 429]
            assert await statuses(client, 1, **as_(sub="di")) == [200], "without the claim a token is its subject's"
        usual = limited(upstream, "1/h", adapter={"authentication": keys})
        async with client_of(usual) as client:
            assert await statuses(client, 2, **as_(sub="ann")) == [200, 429]
            assert await statuses(client, 1, **as_(sub="bob")) == [200], "one address, two callers"


async def test_calls_in_flight_are_limited_and_given_back(upstream):
    held = Held()
    upstream.on("GET", "/slow", {})
    upstream.misbehave(held, path="/slow")
    limits = {"inFlight": 2, "by": "header:X-Key"}
    capability = limited(
        upstream, limits, route("/slow", call="api.slow"), operations={"slow": operation(path="/slow")}
    )
    async with client_of(capability) as client:
        under_way = [asyncio.create_task(client.get("/slow", headers={"X-Key": "a"})) for _ in range(2)]
        await until(lambda: len(upstream.requests) == 2)
        refused = await client.get("/slow", headers={"X-Key": "a"})
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "1"
        assert refused.headers["ratelimit-policy"] == '"inFlight";q=2;qu="concurrent-requests"'
        assert refused.headers["ratelimit"] == '"inFlight";r=0'
        assert refused.json()["violated-policies"] == ["inFlight"]
        other = asyncio.create_task(client.get("/slow", headers={"X-Key": "b"}))
        await until(lambda: len(upstream.requests) == 3)
        held.let_go()
        assert [each.status_code for each in await asyncio.gather(*under_way, other)] == [200] * 3
        assert (await client.get("/slow", headers={"X-Key": "a"})).status_code == 200
    (limiter,) = limiters(capability)
    assert limiter.store.in_flight == 0, "nothing of callers is kept whose calls have ended"


async def test_a_caller_who_leaves_gives_its_place_back(upstream):
    held = Held()
    upstream.on("GET", "/slow", {})
    upstream.misbehave(held, path="/slow")
    capability = limited(
        upstream, {"inFlight": 1}, route("/slow", call="api.slow"), operations={"slow": operation(path="/slow")}
    )
    async with client_of(capability) as client:
        leaving = asyncio.create_task(client.get("/slow"))
        await until(lambda: len(upstream.requests) == 1)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        (limiter,) = limiters(capability)
        await until(lambda: not limiter.store.in_flight)
        held.let_go()
        assert (await client.get("/slow")).status_code == 200


async def test_what_is_forwarded_is_limited_and_says_our_quota(upstream):
    theirs = {"RateLimit-Remaining": "9", "RateLimit": '"their";r=9', "RateLimit-Policy": '"their";q=9'}
    upstream.on("GET", "/theirs", JSONResponse({}, headers=theirs))
    forward = {"path": "/all/{path}", "forward": {"targetNamespace": "api"}}
    async with client_of(limited(upstream, "1/h", forward)) as client:
        answers = [await client.get("/all/theirs") for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 429]
    assert [each.headers["ratelimit-policy"] for each in answers] == ['"requests";q=1;w=3600'] * 2
    assert "ratelimit-remaining" not in answers[0].headers


async def test_of_rivals_all_limits_count(upstream):
    """The body says which of them answers, and a limit is asked before it is read."""
    one = {"name": "a", "method": "POST", "call": "api.a", "limits": "1/h"}
    two = {"name": "b", "method": "POST", "call": "api.b"}
    one["inputParameters"] = [{"name": "a", "in": "body", "type": "string", "required": True}]
    two["inputParameters"] = [{"name": "b", "in": "body", "type": "string", "required": True}]
    upstream.on("POST", "/x", {"ok": True})
    operations = {"a": operation("POST"), "b": operation("POST")}
    capability = rest_capability([{"path": "/x", "operations": [one, two]}], operations, api={"baseUri": upstream.url})
    async with client_of(capability) as client:
        found = [(await client.post("/x", json={"b": "1"})).status_code for _ in range(2)]
    assert found == [200, 429]


async def test_pages_of_other_origins_may_read_what_is_left(upstream):
    options = RestOptions(cors_origins=("https://app.test",))
    async with client_of(limited(upstream, "1/h"), options=options) as client:
        answer = await client.get("/x", headers={"Origin": "https://app.test"})
    exposed = answer.headers["access-control-expose-headers"].lower()
    assert {"ratelimit", "ratelimit-policy", "retry-after"} <= {each.strip() for each in exposed.split(",")}


async def test_the_description_says_it(upstream):
    capability = limited(upstream, None, route("/x", limits="1/h"), route("/y"))
    async with client_of(capability) as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
    assert "Retry-After" in paths["/x"]["get"]["responses"]["429"]["headers"]
    assert "429" not in paths["/y"]["get"]["responses"]


async def test_where_nothing_is_limited_the_app_is_the_one_that_counts_nothing(upstream):
    capability = tools(upstream)
    made = make_endpoint(mcp_sources([capability]), McpOptions(), CallLimit(0), Sessions(1))
    assert type(made) is Endpoint
    assert type(made.tools).__name__ == "ToolBook"
    assert not limiters(capability)


def tools(upstream: StandInUpstream, limits: Any = None, own: Any = None) -> naftiko.Capability:
    """An MCP adapter with a tool and a resource."""
    consumes = {
        "namespace": "api",
        "type": "http",
        "baseUri": upstream.url,
        "resources": [{"path": "/x", "operations": [{"name": "do", "method": "GET"}]}],
    }
    exposes = {
        "type": "mcp",
        "namespace": "tools",
        "tools": [
            {"name": "find", "description": "d", "call": "api.do", **({} if own is None else {"limits": own})},
            {"name": "other", "description": "d", "call": "api.do"},
        ],
        "resources": [{"name": "it", "uri": "it://x", "description": "d", "call": "api.do"}],
        **({} if limits is None else {"limits": limits}),
    }
    document = {"naftiko": "1.0.0-alpha5", "capability": {"consumes": [consumes], "exposes": [exposes]}}
    return naftiko.loads(json.dumps(document), settings=Settings(environment={}))


@contextlib.asynccontextmanager
async def serving_tools(capability: naftiko.Capability, **options: Any) -> AsyncIterator[str]:
    async with serving(mcp_app([capability], **options)) as url:
        yield url
    await capability.aclose()


async def rpc(url: str, method: str, params: dict[str, Any], version: str, **headers: str) -> dict[str, Any]:
    """Send one message as a client of a revision does; return the answer."""
    sent = dict(params)
    said = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": version, **headers}
    if version == NEWEST:
        meta = {"protocolVersion": version, "clientCapabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        sent["_meta"] = {f"io.modelcontextprotocol/{key}": value for key, value in meta.items()}
        said |= {"Mcp-Method": method, "Mcp-Name": str(params.get("name") or params.get("uri"))}
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": sent}
    async with httpx.AsyncClient(trust_env=False, timeout=LIMIT) as client:
        answer = await client.post(f"{url}/mcp", json=message, headers=said)
    assert answer.headers["content-type"].startswith("application/json"), answer.text
    found: dict[str, Any] = answer.json()
    return found


async def called(url: str, name: str, version: str = NEWEST, **headers: str) -> dict[str, Any]:
    answer = await rpc(url, "tools/call", {"name": name, "arguments": {}}, version, **headers)
    found: dict[str, Any] = answer["result"]
    return found


@pytest.mark.parametrize("version", [HANDSHAKE[-1], NEWEST])
async def test_a_tool_says_when_in_both_eras_of_the_protocol(upstream, version):
    async with serving_tools(tools(upstream, limits="2/h")) as url:
        results = [await called(url, name, version) for name in ("find", "other", "find")]
    assert [bool(each.get("isError")) for each in results] == [False, False, True]
    text = results[2]["content"][0]["text"]
    assert "429 Too Many Requests" in text
    assert "one caller may make 2 requests an hour" in text
    (line,) = [each for each in text.splitlines() if each.startswith("What to do: try again after ")]
    assert 1 < int(line.split()[6]) <= HOUR / 2
    assert len(upstream.requests) == 2


async def test_tools_and_resources_have_limits_of_their_own(upstream):
    async with serving_tools(tools(upstream, limits="1/h")) as url:
        assert "contents" in (await rpc(url, "resources/read", {"uri": "it://x"}, HANDSHAKE[-1]))["result"]
        error = (await rpc(url, "resources/read", {"uri": "it://x"}, HANDSHAKE[-1]))["error"]
        assert "try again after" in error["message"]
        assert (await called(url, "find"))["isError"], "what an adapter declares is shared by all of it"
        listed = await rpc(url, "tools/list", {}, HANDSHAKE[-1])
        assert len(listed["result"]["tools"]) == 2, "lists are not calls"
    async with serving_tools(tools(upstream, own="1/h")) as url:
        own = [bool((await called(url, "find")).get("isError")) for _ in range(2)]
        free = [bool((await called(url, "other")).get("isError")) for _ in range(2)]
    assert (own, free) == ([False, True], [False, False])


async def test_two_callers_of_a_tool_do_not_share(upstream):
    capability = tools(upstream, limits={"requests": "1/h", "by": "header:x-key"})
    async with serving_tools(capability) as url:
        found = [bool((await called(url, "find", **{"X-Key": key})).get("isError")) for key in "aab"]
        assert found == [False, True, False]
        reads = [
            "error" in await rpc(url, "resources/read", {"uri": "it://x"}, HANDSHAKE[-1], **{"X-Key": key})
            for key in "bcc"
        ]
        assert reads == [True, False, True]


async def test_each_message_of_a_session_is_of_whoever_sends_it(upstream):
    """A session goes the SDK's way, in a task of its own that began with another request."""
    version = HANDSHAKE[-1]
    about = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    capability = tools(upstream, limits={"requests": "1/h", "by": "header:x-key"})
    async with (
        serving_tools(capability, stateful=True) as url,
        httpx.AsyncClient(trust_env=False, timeout=LIMIT, base_url=url) as client,
    ):
        client.headers = {"Accept": "application/json, text/event-stream", "X-Key": "first"}
        begun = await client.post("/mcp", json={"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": about})
        client.headers["Mcp-Session-Id"] = begun.headers["mcp-session-id"]
        client.headers["MCP-Protocol-Version"] = version
        await client.post("/mcp", json={"jsonrpc": "2.0", "method": "notifications/initialized"})
        errors = []
        for key in "aab":
            params = {"name": "find", "arguments": {}}
            message = {"jsonrpc": "2.0", "id": len(errors) + 1, "method": "tools/call", "params": params}
            text = (await client.post("/mcp", json=message, headers={"X-Key": key})).text
            (data,) = [line for line in text.splitlines() if line.startswith("data: {")]
            errors.append(bool(json.loads(data.removeprefix("data: "))["result"].get("isError")))
    assert errors == [False, True, False]


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_a_bucket_fills_as_time_goes():
    clock, limits = Clock(), CallerLimits(10, 1.0, 20)
    store = LocalStore(clock=clock)

    async def taken(times: int) -> int:
        return sum([(await store.take(b"a", limits)).allowed for _ in range(times)])

    assert await taken(50) == 20
    refused = await store.take(b"a", limits)
    assert refused.seconds == pytest.approx(0.1)
    clock.now += refused.seconds
    assert await taken(50) == 1, "after the time that it says one more is allowed"
    clock.now += 0.5
    assert await taken(50) == 5
    clock.now += HOUR
    assert await taken(50) == 20, "it is full, and not fuller"


@pytest.mark.parametrize(("requests", "seconds"), [(3, HOUR), (7, 86_400.0), (999_983, 1.0), (1, 366 * 86_400.0)])
async def test_counts_are_exact_whatever_the_rounding(requests, seconds):
    clock = Clock()
    clock.now = 12_345_678.901
    store, limits = LocalStore(clock=clock), CallerLimits(requests, seconds, min(requests, 1000))
    found = [await store.take(b"a", limits) for _ in range(limits.burst + 3)]
    assert sum(each.allowed for each in found) == limits.burst
    assert [each.remaining for each in found[: limits.burst]] == list(range(limits.burst - 1, -1, -1))


async def test_many_keys_take_bounded_memory():
    clock, limits = Clock(), CallerLimits(1, HOUR, 1)
    store = LocalStore(most=100, clock=clock)
    assert (await store.take(b"kept", limits)).allowed
    for at in range(10_000):
        await store.take(b"%d" % at, limits)
        assert not (await store.take(b"kept", limits)).allowed, "who comes often is not forgotten for a crowd"
        assert len(store) <= 100
    clock.now += 2 * HOUR
    for at in range(200):
        await store.take(b"new", limits)
        await store.take(b"n%d" % at, limits)
    assert len(store) <= 100


async def test_what_is_full_again_is_forgotten_as_others_come():
    clock, limits = Clock(), CallerLimits(1, 1.0, 1)
    store = LocalStore(clock=clock)
    for at in range(1000):
        await store.take(b"%d" % at, limits)
    clock.now += 10
    for at in range(1000):
        clock.now += 2
        await store.take(b"n%d" % at, limits)
    assert len(store) < 5


def of_address(address: str) -> bytes:
    return key_of(CallerLimits(by="address"))({"client": (address, 1)})


def test_an_ipv6_network_is_one_caller():
    assert of_address("2001:db8:0:1::1") == of_address("2001:db8:0:1:ffff:ffff:ffff:ffff")
    assert of_address("2001:db8:0:1::1") != of_address("2001:db8:0:2::1")
    assert of_address("::ffff:192.0.2.1") == of_address("192.0.2.1")
    assert of_address("192.0.2.1") != of_address("192.0.2.2")
    assert of_address("not an address") == key_of(CallerLimits())({"client": None}) == key_of(CallerLimits())({})


def test_keys_are_short_and_show_no_credential():
    key = key_of(CallerLimits(by="header", name="x-key"))
    long = key({"headers": [(b"X-Key", b"secret" * 100_000)]})
    assert len(long) < 32
    assert b"secret" not in long
    assert key({"headers": [(b"x-key", b"a"), (b"x-key", b"b")]}) != key({"headers": [(b"x-key", b"ab")]})


def test_any_claim_makes_a_key():
    key = key_of(CallerLimits(by="claim", name="org"))

    def of(value: Any) -> bytes:
        return key({PRINCIPAL: Principal("oauth2", "ann", {"org": value}), "client": ("192.0.2.1", 1)})

    values = [10**30, "\ud800", [1, 2], {"a": 1, "b": 2}, True, 1.5, "1.5", None]
    assert len({of(value) for value in values}) == len(values)
    assert of({"a": 1, "b": 2}) == of({"b": 2, "a": 1})


async def test_who_is_refused_for_calls_in_flight_has_lost_no_request():
    limiter = Limiter(CallerLimits(2, HOUR, 2, 1), "shop")
    async with limiter.calling({}) as first:
        assert first.taken is not None
        assert first.taken.remaining == 1
        with pytest.raises(CallerLimited):
            async with limiter.calling({}):
                pass
    async with limiter.calling({}) as second:
        assert second.taken is not None
        assert second.taken.remaining == 0
    with pytest.raises(CallerLimited) as refused:
        async with limiter.calling({}):
            pass
    assert refused.value.violated == "requests"
    assert dict(limiter.refused) == {"inFlight": 1, "requests": 1}
    assert limiter.store.in_flight == 0
