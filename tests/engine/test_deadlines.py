"""Time limits with one timer for many: each ends at its own time, and nothing else is ended."""

from __future__ import annotations

import asyncio

import pytest

from naftiko.engine.deadlines import Deadline
from virtual_time import virtual_time


async def late(after: float, limit: float, takes: float) -> tuple[str, float]:
    """Begin after a while; return how it ended, and when."""
    loop = asyncio.get_running_loop()
    await asyncio.sleep(after)
    try:
        with Deadline(limit):
            await asyncio.sleep(takes)
    except TimeoutError:
        return "late", loop.time()
    return "in time", loop.time()


@virtual_time
async def test_each_ends_at_its_own_time():
    ended = await asyncio.gather(late(0, 10, 60), late(3, 10, 60), late(3, 2, 60), late(4, 10, 5), late(40, 10, 60))
    assert [how for how, _ in ended] == ["late", "late", "late", "in time", "late"]
    assert [when for _, when in ended] == pytest.approx([10, 13, 5, 9, 50], abs=0.01)


@virtual_time
async def test_nobody_looks_where_nothing_runs():
    loop = asyncio.get_running_loop()
    assert await late(0, 10, 1) == ("in time", pytest.approx(1, abs=0.01))
    await asyncio.sleep(10)
    assert not [handle for handle in loop._scheduled if not handle.cancelled()]


@virtual_time
async def test_a_cancellation_from_outside_goes_on():
    task = asyncio.create_task(late(0, 10, 60))
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@virtual_time
async def test_a_cancellation_in_the_same_moment_goes_on():
    task = asyncio.create_task(late(0, 10, 60))
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_at(10, task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task


@virtual_time
async def test_an_error_of_its_own_stays_what_it_is():
    with pytest.raises(LookupError), Deadline(10):
        raise LookupError("nothing")


@virtual_time
async def test_what_is_over_when_its_time_is_leaves_the_task_as_it_was():
    async def closing():
        with Deadline(10):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                return asyncio.current_task().cancelling()
        return None

    task = asyncio.create_task(closing())
    assert await task == 1
    assert task.cancelling() == 0


@virtual_time
async def test_one_inside_of_another():
    async def outer():
        with Deadline(5):
            assert await late(0, 2, 60) == ("late", pytest.approx(2, abs=0.01))
            await asyncio.sleep(60)

    with pytest.raises(TimeoutError):
        await outer()
    assert asyncio.get_running_loop().time() == pytest.approx(5, abs=0.01)


def test_one_event_loop_after_another():
    assert asyncio.run(late(0, 0.01, 60))[0] == "late"
    assert asyncio.run(late(0, 0.01, 60))[0] == "late"
