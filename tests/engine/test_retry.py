"""What is sent again, how often, when, and what is said of it: every fault with each kind of call."""

from __future__ import annotations

import asyncio
import datetime as dt
from email.utils import format_datetime

import pytest
from resilience_world import HALF, OK, RESET, SLOW, Seen, capability, status, world

import naftiko
from naftiko.ground.errors import UpstreamBroken, UpstreamStatus, UpstreamTimeout, UpstreamUnreachable
from naftiko.testing import refused_url
from virtual_time import virtual_time

POLICY = "{retry: {maxAttempts: 3, waitDuration: 2s, jitter: 0}, timeLimiter: 20s}"
KEYED = "{retry: {maxAttempts: 3, waitDuration: 2s, jitter: 0, idempotencyKey: true}, timeLimiter: 20s}"
DATE = "date"


def answer(fault):
    """Return what the API says; a date is one of 8 seconds hence."""
    if isinstance(fault, tuple):
        code, when = fault
        if when == DATE:
            when = format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=8), usegmt=True)
        return status(code, {"Retry-After": when})
    return status(fault) if isinstance(fault, int) else fault


def made(url, call, observer, **settings):
    return capability(
        url, operations={"get": POLICY, "post": KEYED if call == "keyed" else POLICY}, observer=observer, **settings
    ), ("get" if call == "get" else "post")


async def run(api, name):
    unit = next(unit for unit in api.units if unit.name == name and unit.adapter == "mcp")
    return await unit.run({} if name == "get" else {"n": 1})


FAULTS = {
    "500": (500, False, 0),
    "502": (502, True, 2),
    "503": (503, True, 2),
    "503 seconds": ((503, "7"), True, 7),
    "503 date": ((503, DATE), True, 6.5),
    "429": (429, True, 2),
    "429 seconds": ((429, "5"), True, 5),
    "404": (404, False, 0),
    "reset": (RESET, True, 2),
    "half": (HALF, True, 2),
}
"""The fault, whether it is sent again where it may be, and the seconds that lie between."""


@pytest.mark.parametrize("call", ["get", "post", "keyed"])
@pytest.mark.parametrize("fault", FAULTS)
@virtual_time
async def test_a_fault_is_met_by_another_attempt_where_that_does_no_harm(fault, call):
    said, is_passing, gap = FAULTS[fault]
    seen = Seen()
    async with world(answer(said), answer(said)) as upstream:
        api, name = made(upstream.url, call, seen)
        async with api:
            again = is_passing and call != "post"
            if again:
                assert (await run(api, name)).value == {"n": 1}
            else:
                with pytest.raises((UpstreamStatus, UpstreamBroken)):
                    await run(api, name)
    expected = 3 if again else 1
    assert seen.attempts == list(range(1, expected + 1))
    assert len(upstream.asked) == expected
    assert all(seconds >= gap for seconds in upstream.gaps)
    assert len({asked.body for asked in upstream.asked}) == 1
    keys = {asked.headers.get("idempotency-key") for asked in upstream.asked}
    assert len(keys) == 1
    assert (keys != {None}) == (call == "keyed")


@pytest.mark.parametrize("call", ["get", "post", "keyed"])
@virtual_time
async def test_where_there_is_no_connection_nothing_was_sent_and_any_call_is_tried_again(call):
    seen = Seen()
    with refused_url() as url:
        api, name = made(url, call, seen)
        async with world(), api:
            with pytest.raises(UpstreamUnreachable, match=r"^3 attempts in 4\.\d s, the last: .* refuses connections$"):
                await run(api, name)
    assert seen.attempts == [1, 2, 3]
    assert seen.outcomes == [("retry", "retried"), ("retry", "retried"), ("retry", "exhausted")]


@pytest.mark.parametrize("call", ["get", "post", "keyed"])
@virtual_time
async def test_one_deadline_is_over_all_attempts(call):
    """The first takes all that there is: nothing is left for another."""
    seen = Seen()
    async with world() as upstream:
        upstream.usual = SLOW
        api, name = made(upstream.url, call, seen)
        async with api:
            began = asyncio.get_running_loop().time()
            with pytest.raises(UpstreamTimeout, match="the call took longer than 20s"):
                await run(api, name)
            assert asyncio.get_running_loop().time() - began == pytest.approx(20, abs=0.05)
    assert seen.attempts == [1]


@virtual_time
async def test_an_attempt_has_what_earlier_ones_left():
    async with world(status(503, {"Retry-After": "15"})) as upstream:
        upstream.usual = SLOW
        api, name = made(upstream.url, "get", None)
        async with api:
            began = asyncio.get_running_loop().time()
            with pytest.raises(UpstreamTimeout, match=r"2 attempts in 20\.0 s, the last: "):
                await run(api, name)
            assert asyncio.get_running_loop().time() - began == pytest.approx(20, abs=0.05)
    assert len(upstream.asked) == 2


@virtual_time
async def test_nothing_is_sent_once_the_time_is_over():
    """A policy from outside, around those of the file, may have used it up."""
    late = []

    def slow(send, target):
        async def sending(outgoing):
            if late:
                outgoing.deadline = asyncio.get_running_loop().time() + 1
                await asyncio.sleep(1)
            return await send(outgoing)

        return sending

    async with world() as upstream:
        api, name = made(upstream.url, "get", None, policies=(slow,))
        async with api:
            await run(api, name)  # its connection is kept: the next request could go at once
            late.append(True)
            with pytest.raises(UpstreamTimeout):
                await run(api, name)
            await asyncio.sleep(1)
    assert len(upstream.asked) == 1


@pytest.mark.parametrize("wait", ["30", DATE.replace("date", "86400"), "999999999999999"])
@virtual_time
async def test_what_an_api_asks_for_is_not_waited_for_beyond_the_deadline(wait):
    """Its answer is told at once, and says when."""
    seen = Seen()
    async with world(status(503, {"Retry-After": wait})) as upstream:
        api, name = made(upstream.url, "get", seen)
        async with api:
            with pytest.raises(UpstreamStatus) as failed:
                await run(api, name)
            assert asyncio.get_running_loop().time() < 1
    assert failed.value.retry_after == float(wait)
    assert seen.outcomes == [("retry", "out-of-time")]
    assert len(upstream.asked) == 1


@virtual_time
async def test_without_a_time_limiter_the_general_limit_is_the_deadline():
    async with world(*[status(503, {"Retry-After": "40"})] * 3) as upstream:
        api = capability(upstream.url, api="{retry: {maxAttempts: 9, waitDuration: 1s}}")
        async with api:
            with pytest.raises(UpstreamStatus):
                await run(api, "get")
            assert asyncio.get_running_loop().time() <= api.settings.limits.total


@virtual_time
async def test_waits_grow_and_have_a_longest():
    async with world(*[status(503)] * 5) as upstream:
        policy = "{timeLimiter: 1m, retry: {maxAttempts: 6, waitDuration: 1s, backoff: exponential, multiplier: 3, maxWaitDuration: 9s, jitter: 0}}"
        async with capability(upstream.url, api=policy) as api:
            await run(api, "get")
    assert upstream.gaps == pytest.approx([1, 3, 9, 9, 9], abs=0.01)


@virtual_time
async def test_chance_makes_waits_longer_and_shorter():
    async with world(*[status(503)] * 40) as upstream:
        policy = "{timeLimiter: 5m, retry: {maxAttempts: 41, waitDuration: 2s, jitter: 0.5, budget: {minimum: 100}}}"
        async with capability(upstream.url, api=policy) as api:
            await run(api, "get")
    assert all(0.99 <= gap <= 3.01 for gap in upstream.gaps)
    assert min(upstream.gaps) < 2 < max(upstream.gaps)


@virtual_time
async def test_a_condition_says_what_is_sent_again():
    async with world(status(500), status(418)) as upstream:
        policy = '{retry: {waitDuration: 1s, retryOnResultPredicate: "statusCode >= 500 || statusCode == 418"}}'
        async with capability(upstream.url, api=policy) as api:
            assert (await run(api, "get")).value == {"n": 1}
    assert len(upstream.asked) == 3


@virtual_time
async def test_each_call_has_a_key_of_its_own():
    async with (
        world(status(503), OK, status(503), OK) as upstream,
        capability(upstream.url, operations={"post": KEYED}) as api,
    ):
        await run(api, "post")
        await run(api, "post")
    keys = [asked.headers["idempotency-key"] for asked in upstream.asked]
    assert keys[0] == keys[1] != keys[2] == keys[3]


HINTED = """
naftiko: 1.0.0-alpha2
consumes:
- {type: http, namespace: up, baseUri: "URL", retry: 2, resources: [{path: /search, operations: [{name: search, method: POST}]}]}
aggregates:
- namespace: f
  functions:
  - {name: once, description: d, semantics: {idempotent: true}, call: up.search}
  - {name: safe, description: d, semantics: {safe: true}, call: up.search}
exposes:
- type: mcp
  namespace: mcp
  tools:
  - {name: plain, description: d, call: up.search}
  - {name: hinted, description: d, call: up.search, hints: {idempotent: true}}
  - {name: reading, description: d, call: up.search, hints: {readOnly: true}}
  - {name: function, description: d, ref: f.once}
  - {name: safe, description: d, ref: f.safe}
  - {name: steps, description: d, hints: {idempotent: true}, steps: [{type: call, name: one, call: up.search}]}
"""


@pytest.mark.parametrize(
    ("tool", "attempts"),
    [("plain", 1), ("hinted", 2), ("reading", 2), ("function", 2), ("safe", 2), ("steps", 1)],
)
@virtual_time
async def test_a_tool_that_says_that_it_is_idempotent_is_called_again(tool, attempts):
    """Of a flow that says nothing of each of its steps: a search before may be what makes the whole one idempotent."""
    async with world(status(503)) as upstream, naftiko.loads(HINTED.replace("URL", upstream.url)) as api:
        unit = next(unit for unit in api.units if unit.name == tool)
        if attempts == 1:
            with pytest.raises(UpstreamStatus):
                await unit.run({})
        else:
            await unit.run({})
    assert len(upstream.asked) == attempts


@virtual_time
async def test_a_caller_who_leaves_ends_the_waiting():
    async with world(status(503)) as upstream:
        api, name = made(upstream.url, "get", None)
        async with api:
            task = asyncio.create_task(run(api, name))
            await asyncio.sleep(1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.sleep(30)
    assert len(upstream.asked) == 1


@virtual_time
async def test_retries_are_a_part_of_the_calls():
    """1,000 callers of an API that is down: it is asked at most 1.2 times as often as they ask."""
    seen = Seen()
    async with world() as upstream:
        upstream.usual = status(503)
        api = capability(upstream.url, api="{retry: {maxAttempts: 5, waitDuration: 10ms}}", observer=seen)
        async with api:
            failed = await asyncio.gather(*(run(api, "get") for _ in range(1000)), return_exceptions=True)
    assert len(failed) == 1000
    assert all(isinstance(each, UpstreamStatus) for each in failed)
    assert 1000 < len(upstream.asked) <= 1200
    assert ("retry", "over-budget") in seen.outcomes


@virtual_time
async def test_a_budget_forgets_what_was_long_ago():
    async with world() as upstream:
        upstream.usual = status(503)
        policy = "{retry: {maxAttempts: 2, waitDuration: 10ms, budget: {minimum: 1, window: 10s}}}"
        async with capability(upstream.url, api=policy) as api:
            for _ in range(3):
                upstream.asked.clear()
                counts = []
                for _ in range(3):
                    before = len(upstream.asked)
                    with pytest.raises(UpstreamStatus):
                        await run(api, "get")
                    counts.append(len(upstream.asked) - before)
                assert counts == [2, 1, 1]
                await asyncio.sleep(11)


@virtual_time
async def test_a_failure_says_what_was_tried():
    async with world(*[status(503)] * 3) as upstream:
        api, name = made(upstream.url, "get", None)
        async with api:
            with pytest.raises(UpstreamStatus, match=r"^3 attempts in 4\.\d s, the last: the upstream answered 503$"):
                await run(api, name)


@virtual_time
async def test_without_a_policy_nothing_wraps_a_call():
    async with world(status(503)) as upstream, capability(upstream.url) as api:
        assert api.upstreams["up"]._is_bare
        with pytest.raises(UpstreamStatus):
            await run(api, "get")
    assert len(upstream.asked) == 1


@virtual_time
async def test_an_operation_without_a_policy_is_sent_as_it_is_beside_one_that_has_one():
    async with world(status(503)) as upstream, capability(upstream.url, operations={"put": POLICY}) as api:
        with pytest.raises(UpstreamStatus):
            await run(api, "get")
        assert not api.upstreams["up"]._has_policies(
            next(call for unit in api.units if unit.name == "get" for _, call in unit.plan.action.calls).operation
        )
    assert len(upstream.asked) == 1
