"""How many calls are under way, how many are made in a period, and what becomes of the others."""

from __future__ import annotations

import asyncio

import pytest
from resilience_world import SLOW, Seen, capability, status, world

from naftiko.engine.forward import Inbound, forwarded
from naftiko.engine.keeping import take_over
from naftiko.engine.resilience.bulkhead import Berths
from naftiko.ground.errors import BulkheadFull, CallError, RateLimited
from virtual_time import virtual_time


async def run(api, name="get"):
    unit = next(unit for unit in api.units if unit.name == name and unit.adapter == "mcp")
    return await unit.run({} if name == "get" else {"n": 1})


async def together(api, calls, name="get"):
    """Return what comes of calls at once: how many of each kind."""
    found = await asyncio.gather(*(run(api, name) for _ in range(calls)), return_exceptions=True)
    kinds = [each.kind if isinstance(each, CallError) else each.status for each in found]
    return {kind: kinds.count(kind) for kind in kinds}


def berths(api):
    return list(api.upstreams["up"].states.of(Berths))


@virtual_time
async def test_no_more_calls_are_under_way_than_a_bulkhead_has_places():
    async with (
        world() as upstream,
        capability(upstream.url, api="{bulkhead: {maxConcurrentCalls: 3, maxWaitDuration: 1m}}") as api,
    ):
        upstream.pause = 1.0
        assert await together(api, 12) == {200: 12}
        assert berths(api)[0].in_use == 0
    assert upstream.most == 3


@virtual_time
async def test_who_waited_long_enough_is_refused_and_told():
    async with (
        world() as upstream,
        capability(upstream.url, api="{bulkhead: {maxConcurrentCalls: 3, maxWaitDuration: 1500ms}}") as api,
    ):
        upstream.pause = 1.0
        assert await together(api, 12) == {200: 6, "bulkhead-full": 6}
        assert (berths(api)[0].in_use, berths(api)[0].waiting) == (0, 0)
    assert len(upstream.asked) == 6


@virtual_time
async def test_without_patience_others_are_refused_at_once():
    seen = Seen()
    async with world() as upstream:
        api = capability(upstream.url, api="{bulkhead: {maxConcurrentCalls: 2, maxWaitDuration: 0}}", observer=seen)
        async with api:
            upstream.pause = 1.0
            tasks = [asyncio.create_task(run(api)) for _ in range(2)]
            await asyncio.sleep(0.1)
            with pytest.raises(BulkheadFull, match=r"^2 calls of `up\.get` are under way, which is the most$") as full:
                await run(api)
            assert full.value.retry_after == 1.0
            await asyncio.gather(*tasks)
    assert seen.outcomes == [("bulkhead", "rejected")]


@virtual_time
async def test_the_queue_is_bounded_too():
    policy = "{bulkhead: {maxConcurrentCalls: 1, maxWaitDuration: 1m, maxQueuedCalls: 2}}"
    async with world() as upstream, capability(upstream.url, api=policy) as api:
        upstream.pause = 1.0
        assert await together(api, 10) == {200: 3, "bulkhead-full": 7}


@virtual_time
async def test_the_deadline_ends_a_wait_for_a_place():
    policy = "{timeLimiter: 2s, bulkhead: {maxConcurrentCalls: 1, maxWaitDuration: 1m}}"
    async with world() as upstream, capability(upstream.url, api=policy) as api:
        upstream.usual = SLOW
        began = asyncio.get_running_loop().time()
        assert await together(api, 2) == {"upstream-timeout": 1, "bulkhead-full": 1}
        assert asyncio.get_running_loop().time() - began < 2.1


@virtual_time
async def test_who_leaves_the_queue_or_a_call_gives_its_place_back():
    async with (
        world() as upstream,
        capability(upstream.url, api="{bulkhead: {maxConcurrentCalls: 1, maxWaitDuration: 1m}}") as api,
    ):
        upstream.pause = 1.0
        tasks = [asyncio.create_task(run(api)) for _ in range(4)]
        await asyncio.sleep(0.5)
        for task in tasks[:3]:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert done[3].status == 200
        assert (berths(api)[0].in_use, berths(api)[0].waiting) == (0, 0)


@virtual_time
async def test_operations_share_what_their_api_declares_and_have_what_they_declare():
    operations = {"put": "{bulkhead: {maxConcurrentCalls: 5, maxWaitDuration: 0}}"}
    async with world() as upstream:
        api = capability(
            upstream.url, api="{bulkhead: {maxConcurrentCalls: 2, maxWaitDuration: 0}}", operations=operations
        )
        async with api:
            upstream.pause = 1.0
            found = await asyncio.gather(together(api, 2), together(api, 2, "post"), together(api, 5, "put"))
    assert found == [{200: 2}, {"bulkhead-full": 2}, {200: 5}]


@virtual_time
async def test_what_is_forwarded_holds_its_place_until_its_body_is_through():
    async with (
        world() as upstream,
        capability(upstream.url, api="{bulkhead: {maxConcurrentCalls: 1, maxWaitDuration: 0}}") as api,
    ):
        action = next(unit.plan.action for unit in api.units if unit.plan.action.forwarded).forwarded
        target = api.upstreams["up"]
        async with target.open(forwarded(action, Inbound("GET", "x", "", (), None), target)) as response:
            with pytest.raises(BulkheadFull):
                await run(api)
            assert await response.aread() == b'{"n": 1}'
        assert (await run(api)).status == 200
        upstream.usual = None
        upstream.answers = [status(500)]
        async with target.open(forwarded(action, Inbound("GET", "x", "", (), None), target)):
            pass  # nobody reads it
        upstream.usual = status(204)
        assert (await run(api)).status == 204


RATE = "{rateLimiter: {limitForPeriod: 5, limitRefreshPeriod: 10s, timeoutDuration: WAIT}}"


@virtual_time
async def test_no_more_calls_are_made_in_a_period_than_are_allowed():
    async with world() as upstream, capability(upstream.url, api=RATE.replace("WAIT", "0ms")) as api:
        assert await together(api, 12) == {200: 5, "rate-limited": 7}
        with pytest.raises(
            RateLimited, match=r"^`up.get` is called 5 times in 10s at most, and those are made$"
        ) as full:
            await run(api)
        assert 0 < full.value.retry_after <= 10
        await asyncio.sleep(full.value.retry_after)
        assert await together(api, 12) == {200: 5, "rate-limited": 7}
    assert len(upstream.asked) == 10


@virtual_time
async def test_others_wait_for_the_next_period_if_it_is_near():
    async with world() as upstream, capability(upstream.url, api=RATE.replace("WAIT", "21s")) as api:
        assert await together(api, 30) == {200: 15, "rate-limited": 15}
    periods = [int(asked.at / 10) for asked in upstream.asked]
    assert {period: periods.count(period) for period in periods} in ({0: 5, 1: 5, 2: 5}, {1: 5, 2: 5, 3: 5})


@virtual_time
async def test_a_wait_is_not_longer_than_the_call_has_time():
    policy = RATE.replace("WAIT", "1m").replace("{rate", "{timeLimiter: 3s, rate", 1)
    async with world() as upstream, capability(upstream.url, api=policy) as api:
        assert await together(api, 8) == {200: 5, "rate-limited": 3}
        assert asyncio.get_running_loop().time() < 3


@virtual_time
async def test_who_leaves_gives_a_permit_back():
    async with world() as upstream, capability(upstream.url, api=RATE.replace("WAIT", "1m")) as api:
        await together(api, 5)
        waiting = [asyncio.create_task(run(api)) for _ in range(5)]
        await asyncio.sleep(1)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        began = asyncio.get_running_loop().time()
        assert await together(api, 5) == {200: 5}
        assert asyncio.get_running_loop().time() - began < 10
    assert len(upstream.asked) == 10


@virtual_time
async def test_each_attempt_is_a_call_to_them():
    policy = RATE.replace("WAIT", "0ms").replace("{rate", "{retry: {maxAttempts: 9, waitDuration: 1ms}, rate", 1)
    async with world() as upstream, capability(upstream.url, api=policy) as api:
        upstream.usual = status(503)
        assert await together(api, 1) == {"rate-limited": 1}
    assert len(upstream.asked) == 5


@virtual_time
async def test_what_was_counted_stays_when_the_file_is_loaded_anew():
    async with world() as upstream:
        before = capability(upstream.url, api=RATE.replace("WAIT", "0ms"))
        after = capability(upstream.url, api=RATE.replace("WAIT", "0ms"))
        async with before, after:
            assert await together(before, 5) == {200: 5}
            take_over(after, before)
            assert await together(after, 5) == {"rate-limited": 5}
