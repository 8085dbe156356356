"""When a breaker opens, what it refuses, and how it closes again."""

from __future__ import annotations

import asyncio
import logging

import pytest
from resilience_world import HALF, OK, RESET, SLOW, Seen, capability, status, world

from naftiko.engine.forward import Inbound, forwarded
from naftiko.engine.keeping import take_over
from naftiko.engine.resilience.breaker import Circuit, Window
from naftiko.ground.errors import CallError, CircuitOpen, UpstreamStatus
from naftiko.plan.resilience import CircuitBreaker
from naftiko.testing import refused_url
from virtual_time import virtual_time

POLICY = (
    "{timeLimiter: 5s, circuitBreaker: {slidingWindowSize: 4, failureRateThreshold: 50,"
    " waitDurationInOpenState: 30s, permittedCallsInHalfOpenState: 2}}"
)


async def run(api, name="get"):
    unit = next(unit for unit in api.units if unit.name == name and unit.adapter == "mcp")
    return await unit.run({} if name == "get" else {"n": 1})


async def outcomes(api, calls, name="get"):
    """Return what comes of calls one after another: the status, or the kind of the error."""
    found = []
    for _ in range(calls):
        try:
            found.append((await run(api, name)).status)
        except UpstreamStatus as error:
            found.append(error.response.status_code)
        except CallError as error:
            found.append(error.kind)
    return found


def circuit(api, operation="up.get"):
    return next(each for each in api.upstreams["up"].states.of(Circuit) if each.operation == operation)


@pytest.mark.parametrize("fault", [status(500), status(503), RESET, HALF, SLOW])
@virtual_time
async def test_failures_open_it_within_its_window(fault):
    async with world() as upstream, capability(upstream.url, api=POLICY) as api:
        upstream.usual = fault
        await outcomes(api, 4)
        assert circuit(api).state == "open"
        assert await outcomes(api, 3) == ["circuit-open"] * 3
    assert len(upstream.asked) == 4


@virtual_time
async def test_a_refused_connection_opens_it():
    with refused_url() as url:
        async with world(), capability(url, api=POLICY) as api:
            assert await outcomes(api, 5) == ["upstream-unreachable"] * 4 + ["circuit-open"]


@pytest.mark.parametrize("answer", [status(404), status(401), status(429), status(418), OK])
@virtual_time
async def test_what_a_caller_did_wrong_never_opens_it(answer):
    async with world() as upstream, capability(upstream.url, api=POLICY) as api:
        upstream.usual = answer
        await outcomes(api, 20)
        assert circuit(api).state == "closed"
    assert len(upstream.asked) == 20


@virtual_time
async def test_half_of_the_calls_are_enough_and_fewer_are_not():
    async with world(*[OK, status(500), OK, OK] * 5) as upstream, capability(upstream.url, api=POLICY) as api:
        await outcomes(api, 20)
        assert circuit(api).state == "closed"
        upstream.answers = [OK, status(500), OK, status(500)]
        await outcomes(api, 4)
        assert circuit(api).state == "open"


@virtual_time
async def test_it_says_when_it_is_tried_again():
    async with world(*[status(500)] * 4) as upstream, capability(upstream.url, api=POLICY) as api:
        await outcomes(api, 4)
        await asyncio.sleep(10)
        with pytest.raises(CircuitOpen) as refused:
            await run(api)
    assert refused.value.retry_after == pytest.approx(20, abs=0.1)
    assert refused.value.operation == "up.get"
    assert "`up.get` is not called: 100 % of its last calls failed, and it is tried again in 20s" in str(refused.value)


@virtual_time
async def test_it_closes_when_its_trials_are_good():
    seen = Seen()
    async with world(*[status(500)] * 4) as upstream:
        api = capability(upstream.url, api=POLICY, observer=seen)
        async with api:
            await outcomes(api, 4)
            await asyncio.sleep(31)
            assert await outcomes(api, 1) == [200]
            assert circuit(api).state == "half-open"
            assert await outcomes(api, 1) == [200]
            assert circuit(api).state == "closed"
            assert await outcomes(api, 5) == [200] * 5
    assert [outcome for policy, outcome in seen.outcomes if policy == "circuitBreaker"] == [
        "open",
        "half-open",
        "closed",
    ]


@virtual_time
async def test_it_opens_again_when_a_trial_fails():
    async with world(*[status(500)] * 6) as upstream, capability(upstream.url, api=POLICY) as api:
        await outcomes(api, 4)
        await asyncio.sleep(31)
        assert await outcomes(api, 3) == [500, 500, "circuit-open"]
        await asyncio.sleep(29)
        assert await outcomes(api, 1) == ["circuit-open"]
        await asyncio.sleep(2)
        assert await outcomes(api, 2) == [200, 200]


@virtual_time
async def test_only_the_trials_reach_it_while_it_is_tried():
    async with world(*[status(500)] * 4) as upstream, capability(upstream.url, api=POLICY) as api:
        await outcomes(api, 4)
        await asyncio.sleep(31)
        upstream.pause = 1.0
        found = await asyncio.gather(*(outcomes(api, 1) for _ in range(50)))
        assert sorted(map(str, found)) == ["['circuit-open']"] * 48 + ["[200]"] * 2
    assert len(upstream.asked) == 6


@virtual_time
async def test_a_trial_that_is_left_makes_room_for_another():
    async with world(*[status(500)] * 4) as upstream, capability(upstream.url, api=POLICY) as api:
        await outcomes(api, 4)
        await asyncio.sleep(31)
        upstream.pause = 1.0
        tasks = [asyncio.create_task(run(api)) for _ in range(2)]
        await asyncio.sleep(0.5)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert await outcomes(api, 2) == [200, 200]
        assert circuit(api).state == "closed"


@virtual_time
async def test_what_began_before_it_opened_counts_no_more():
    async with world() as upstream, capability(upstream.url, api=POLICY) as api:
        upstream.pause = 1.0
        upstream.usual = status(500)
        await asyncio.gather(*(outcomes(api, 1) for _ in range(20)))
        assert circuit(api).state == "open"
        assert circuit(api).window.calls == 0


@virtual_time
async def test_each_operation_has_its_own():
    def answer(asked):
        return status(500) if asked.method == "GET" else OK

    async with world() as upstream, capability(upstream.url, api=POLICY) as api:
        upstream.answer = answer
        assert (await outcomes(api, 5))[-1] == "circuit-open"
        assert await outcomes(api, 5, "post") == [200] * 5


@virtual_time
async def test_retries_stop_when_it_opens():
    async with world() as upstream:
        upstream.usual = status(503)
        policy = POLICY.replace("{timeLimiter: 5s", "{timeLimiter: 5m, retry: {maxAttempts: 9, waitDuration: 1s}")
        async with capability(upstream.url, api=policy) as api:
            with pytest.raises(CircuitOpen, match=r"^5 attempts in \d\.\d s, the last: `up\.get` is not called"):
                await run(api)
    assert len(upstream.asked) == 4


@virtual_time
async def test_it_is_told_in_the_log(caplog):
    caplog.set_level(logging.INFO, "naftiko.engine.resilience")
    async with world(*[status(500)] * 4) as upstream, capability(upstream.url, api=POLICY) as api:
        await outcomes(api, 6)
        await asyncio.sleep(31)
        await outcomes(api, 2)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "the circuit of `up.get` is open: 100 % of its calls failed: it is left alone for 30s"),
        ("INFO", "the circuit of `up.get` is half-open: 2 calls try whether it works again"),
        ("INFO", "the circuit of `up.get` is closed: it works again"),
    ]


@virtual_time
async def test_a_file_that_is_loaded_anew_goes_on_with_its_state():
    async with world(*[status(500)] * 4) as upstream:
        before, after = capability(upstream.url, api=POLICY), capability(upstream.url, api=POLICY)
        other = capability(upstream.url, api=POLICY.replace("30s", "40s"))
        async with before, after, other:
            await outcomes(before, 4)
            take_over(after, before)
            assert await outcomes(after, 1) == ["circuit-open"]
            take_over(other, after)  # its breaker is another one
            assert await outcomes(other, 1) == [200]


def test_a_window_of_time_forgets_what_is_older():
    window = Window(CircuitBreaker(size=0, seconds=10))
    for second in range(5):
        window.add(float(second), failed=True)
    assert (window.calls, window.failures) == (5, 5)
    window.add(12.5, failed=False)
    assert (window.calls, window.failures, window.percent) == (3, 2, pytest.approx(66.67, abs=0.01))
    window.add(100.0, failed=False)
    assert (window.calls, window.failures) == (1, 0)


@virtual_time
async def test_a_window_of_time_opens_it_too():
    policy = "{circuitBreaker: {slidingWindowSize: 30s, minimumNumberOfCalls: 3, waitDurationInOpenState: 5s}}"
    async with world() as upstream, capability(upstream.url, api=policy) as api:
        upstream.usual = status(500)
        assert await outcomes(api, 2) == [500, 500]
        await asyncio.sleep(40)
        assert await outcomes(api, 4) == [500, 500, 500, "circuit-open"]


@virtual_time
async def test_what_is_forwarded_has_one_of_its_own():
    async with world() as upstream, capability(upstream.url, api=POLICY) as api:
        upstream.usual = status(502)
        action = next(unit.plan.action for unit in api.units if unit.plan.action.forwarded).forwarded
        target = api.upstreams["up"]

        async def forward():
            outgoing = forwarded(action, Inbound("GET", "x", "", (), None), target)
            async with target.open(outgoing) as response:
                return response.status_code, await response.aread()

        assert [await forward() for _ in range(4)] == [(502, b"{}")] * 4
        with pytest.raises(CircuitOpen, match="`up` is not called"):
            await forward()
        assert await outcomes(api, 1) == [502]
