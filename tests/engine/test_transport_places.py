"""Who gets a place of a pool, and who waits."""

from __future__ import annotations

import asyncio
import random

import pytest

from naftiko.engine.transport import Limits
from naftiko.engine.transport.places import NO_OPERATION, Places


def taken(places: Places, operation: str) -> int:
    """Take all that an operation may have; return how many."""
    count = 0
    while places.take(operation):
        count += 1
    return count


@pytest.mark.parametrize(
    ("most", "share", "alone"),
    [
        (50, 0.8, 40),
        (50, 0.9, 45),
        (50, 1, 50),
        (50, 0.5, 25),
        (10, 0.9, 9),
        (9, 0.9, 9),
        (4, 0.9, 4),
        (2, 0.9, 2),
        (2, 0.5, 1),
        (1, 0.1, 1),
    ],
)
def test_what_one_operation_may_hold(most, share, alone):
    assert taken(Places(most, share), "api.slow") == alone


def test_one_that_comes_later_finds_a_place_whatever_the_others_hold():
    """Each of several that want everything leaves something to the next."""
    places = Places(50, 0.8)
    assert [taken(places, f"api.{at}") for at in range(5)] == [40, 8, 1, 1, 0]
    even = Places(50, 0.8)
    for _ in range(50):
        for at in range(5):
            even.take(f"api.{at}")
    assert even.take("api.late")


def test_requests_of_no_operation_take_any_place():
    places = Places(50, 0.1)
    assert taken(places, NO_OPERATION) == 50


async def test_the_operation_that_holds_the_fewest_is_served_first():
    places = Places(4, 1)
    assert taken(places, "api.slow") == 4
    slow, quick = (asyncio.create_task(places.wait(operation)) for operation in ("api.slow", "api.quick"))
    await asyncio.sleep(0)
    places.give_back("api.slow")
    await asyncio.sleep(0)
    assert (slow.done(), quick.done()) == (False, True)
    places.give_back("api.slow")
    await slow


async def test_two_that_hold_as_many_take_turns():
    places = Places(1, 0.9)
    order: list[str] = []

    async def call(operation: str) -> None:
        if not places.take(operation):
            await places.wait(operation)
        order.append(operation)
        await asyncio.sleep(0)
        places.give_back(operation)

    await asyncio.gather(*(call(f"api.{name}") for name in "aaaabbbb"))
    assert "".join(name[-1] for name in order) in {"aabababb", "abababab", "aababbab", "abababba"}, order


async def test_who_is_cancelled_holds_nothing():
    """In whatever moment it comes, also in the one in which a place is given: in the end all are there."""
    places = Places(3, 0.9)
    chance = random.Random(7)

    async def call(operation: str) -> None:
        if not places.take(operation):
            await places.wait(operation)
        try:
            await asyncio.sleep(chance.random() * 0.002)
        finally:
            places.give_back(operation)

    tasks = [asyncio.create_task(call(f"api.{at % 4}")) for at in range(300)]
    loop = asyncio.get_running_loop()
    for task in tasks:
        loop.call_later(chance.random() * 0.05, task.cancel)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert taken(places, NO_OPERATION) == 3
    assert not places.take("api.a")


@pytest.mark.parametrize("share", [0, -1, 1.01])
def test_a_share_that_is_none(share):
    with pytest.raises(ValueError, match="share"):
        Limits(share=share)
