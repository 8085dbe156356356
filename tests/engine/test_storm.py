"""A thousand callers of an API that is down, and those of another one; ``benchmarks/storm.py`` is the same, measured."""

from __future__ import annotations

import asyncio

from resilience_world import SLOW, status, world

import naftiko
from naftiko.engine.resilience.breaker import Circuit
from naftiko.ground.errors import CallError
from virtual_time import virtual_time

FILE = """
naftiko: 1.0.0-alpha2
consumes:
- type: http
  namespace: down
  baseUri: "DOWN"
  resiliency: POLICY
  resources: [{path: /x, operations: [{name: get, method: GET}]}]
- type: http
  namespace: other
  baseUri: "OTHER"
  resources: [{path: /x, operations: [{name: get, method: GET}]}]
exposes:
- type: mcp
  namespace: mcp
  tools: [{name: down, description: d, call: down.get}, {name: other, description: d, call: other.get}]
"""
CALLERS = 1000
WINDOW = 50
POLICY = (
    "{timeLimiter: 5s, retry: {maxAttempts: 3, waitDuration: 100ms},"
    f" circuitBreaker: {{slidingWindowSize: {WINDOW}, waitDurationInOpenState: 30s}}}}"
)


def load(down, other, policy=POLICY):
    text = FILE.replace("DOWN", down.url).replace("OTHER", other.url).replace("POLICY", policy)
    return naftiko.loads(text, settings=naftiko.Settings(environment={}))


async def run(api, name):
    try:
        return (await next(unit for unit in api.units if unit.name == name).run({})).status
    except CallError as error:
        return error.kind


async def timed(api, calls):
    """Return how long calls of the other API take, one after another."""
    clock, found = asyncio.get_running_loop().time, []
    for _ in range(calls):
        began = clock()
        assert await run(api, "other") == 200
        found.append(clock() - began)
    return found


@virtual_time
async def test_a_breaker_keeps_a_crowd_away_and_lets_it_in_again():
    async with world() as down, world() as other, load(down, other) as api:
        down.usual = status(503)
        down.pause = 0.01
        other.pause = 0.01
        before = await timed(api, 50)
        crowd = [asyncio.create_task(run(api, "down")) for _ in range(CALLERS)]
        during = await timed(api, 50)
        outcomes = await asyncio.gather(*crowd)
        assert set(outcomes) <= {"upstream-status", "circuit-open"}
        assert max(during) <= max(before) + 0.001
        # Those that are under way when it opens; all others are told at once.
        assert len(down.asked) <= WINDOW + api.upstreams["down"].limits.connections
        (circuit,) = (each for each in api.upstreams["down"].states.of(Circuit) if each.operation == "down.get")
        assert circuit.state == "open"
        asked = len(down.asked)
        assert set(await asyncio.gather(*(run(api, "down") for _ in range(CALLERS)))) == {"circuit-open"}
        assert len(down.asked) == asked
        down.usual = status(200)
        await asyncio.sleep(31)
        for _ in range(3):
            assert await run(api, "down") == 200
        assert circuit.state == "closed"
        assert set(await asyncio.gather(*(run(api, "down") for _ in range(CALLERS)))) == {200}


@virtual_time
async def test_the_budget_alone_bounds_what_reaches_an_api_that_is_down():
    policy = "{timeLimiter: 1m, retry: {maxAttempts: 5, waitDuration: 10ms}}"
    async with world() as down, world() as other, load(down, other, policy) as api:
        down.usual = status(503)
        outcomes = await asyncio.gather(*(run(api, "down") for _ in range(CALLERS)))
        assert set(outcomes) == {"upstream-status"}
        assert CALLERS <= len(down.asked) <= CALLERS * 1.2


@virtual_time
async def test_an_api_that_hangs_takes_no_time_of_another():
    async with world() as down, world() as other, load(down, other) as api:
        down.usual = SLOW
        other.pause = 0.01
        before = await timed(api, 50)
        crowd = [asyncio.create_task(run(api, "down")) for _ in range(CALLERS)]
        assert max(await timed(api, 200)) <= max(before) + 0.001
        outcomes = await asyncio.gather(*crowd)
    assert set(outcomes) <= {"upstream-timeout", "circuit-open", "overloaded"}
