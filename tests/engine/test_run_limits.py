"""Limits while a unit runs: time, size, connections, threads; and what a cancelled call leaves behind (SEMANTICS 4.7)."""

from __future__ import annotations

import asyncio

import pytest
from consuming import consuming

from naftiko.engine.transport import Limits
from naftiko.ground.errors import Overloaded, UpstreamBroken, UpstreamTimeout
from naftiko.testing import Drip, Flood, Stall, StandInUpstream


@pytest.fixture
def upstream():
    """A stand-in on a real socket."""
    with StandInUpstream() as standing_in:
        yield standing_in


def limited(upstream, operation=None, **limits):
    """A unit in front of the stand-in."""
    return consuming(operation, base_uris={"*": upstream.url}, limits=Limits(**limits))


@pytest.mark.parametrize("behaviour", [Stall(300), Drip(b"x" * 6000, pause=0.05)])
async def test_no_exchange_takes_longer_than_its_limit(upstream, behaviour):
    """Neither silence nor a body that drips keeps a caller."""
    upstream.misbehave(behaviour)
    async with limited(upstream, read=200, total=0.4) as capability:
        loop = asyncio.get_running_loop()
        started = loop.time()
        with pytest.raises(UpstreamTimeout) as caught:
            await capability.units[0].run({})
        assert loop.time() - started < 60
        assert caught.value.operation == "api.do"


@pytest.mark.parametrize("announced", [False, True])
async def test_no_answer_is_larger_than_its_limit(upstream, announced):
    """It is not read to its end."""
    upstream.misbehave(Flood(size=50_000_000, announced=announced))
    async with limited(upstream, response_bytes=100_000) as capability:
        with pytest.raises(UpstreamBroken, match="100000 bytes"):
            await capability.units[0].run({})


async def test_the_general_limit_holds_for_binary_answers_too(upstream):
    """A larger maxBinarySize does not lift it, and is not blamed."""
    upstream.misbehave(Flood(size=1_000_000))
    operation = {"outputRawFormat": "binary", "maxBinarySize": "5MiB"}
    async with limited(upstream, operation, response_bytes=100_000) as capability:
        with pytest.raises(UpstreamBroken) as caught:
            await capability.units[0].run({})
    assert "maxBinarySize" not in caught.value.detail + caught.value.hint


async def test_connections_are_bounded(upstream):
    """More calls than connections wait, and are told when none becomes free in time."""
    upstream.on("GET", "/things", {})
    upstream.misbehave(Stall(300))
    async with limited(upstream, connections=2, queue=0.1) as capability:
        unit = capability.units[0]
        calls = [asyncio.create_task(unit.run({})) for _ in range(6)]
        async with asyncio.timeout(60):
            while sum(call.done() for call in calls) < 4:  # noqa: ASYNC110  # whichever four
                await asyncio.sleep(0.01)
        assert upstream.connections <= 2
        for call in calls:
            call.cancel()
        results = await asyncio.gather(*calls, return_exceptions=True)
    refused = [result for result in results if isinstance(result, Overloaded)]
    assert len(refused) == 4
    assert all(result.retry_after for result in refused)


async def test_a_cancelled_call_gives_its_connection_back(upstream):
    """Fifty of them leave a pool of two usable."""
    upstream.on("GET", "/things", {"fine": True})
    async with limited(upstream, connections=2, queue=60) as capability:
        unit = capability.units[0]
        upstream.misbehave(Stall(10))
        for _ in range(25):
            calls = [asyncio.create_task(unit.run({})) for _ in range(2)]
            await asyncio.sleep(0.005)
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
        upstream.behave()
        async with asyncio.timeout(60):
            assert (await unit.run({})).value == {"fine": True}


async def test_closing_twice_and_using_again(upstream):
    """A closed capability opens its connections anew at the next call."""
    upstream.on("GET", "/things", [1])
    capability = limited(upstream)
    for _ in range(2):
        assert (await capability.units[0].run({})).value == [1]
        await capability.aclose()
    await capability.aclose()
