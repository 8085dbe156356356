"""The items of a stream within bounds, and why it ended."""

from __future__ import annotations

import asyncio

import pytest

from naftiko.engine.streaming import Bounds, Item, ItemStream
from naftiko.expression import jsonpath
from naftiko.ground.errors import UpstreamBroken
from naftiko.plan.streams import MAX_ITEMS, Collect, Until


class Given:
    """A source of values; after them it ends, fails, or stays silent."""

    def __init__(self, values, *, error=None, silent=False):
        self.values = values
        self.error = error
        self.silent = silent
        self.closed = 0
        self.given = 0

    async def __aiter__(self):
        for value in self.values:
            self.given += 1
            yield Item(value, size=10)
        if self.error is not None:
            raise self.error
        if self.silent:
            await asyncio.Event().wait()

    async def aclose(self):
        self.closed += 1


def until(text):
    return Until(text, jsonpath.parse(text), compares=False)


def taken(source, collect, *, seconds=60.0, make=None, relays=False):
    async def run():
        bounds = Bounds.relayed(collect) if relays else Bounds.listed(collect, seconds)
        stream = ItemStream(source, bounds, make) if make else ItemStream(source, bounds)
        try:
            values = [item.value async for item in stream]
        finally:
            await stream.aclose()
        return values, stream

    return asyncio.run(run())


def test_all_of_a_stream_that_ends_is_not_early():
    source = Given([1, 2])
    values, stream = taken(source, Collect())
    assert values == [1, 2]
    assert (stream.ended.reason, stream.note, stream.count, stream.size) == ("end", "", 2, 20)
    assert source.closed


def test_each_item_is_made_into_what_the_outputs_say():
    values, _ = taken(Given([{"a": 1}, {"a": 2}]), Collect(), make=lambda item: item["a"])
    assert values == [1, 2]


def test_until_is_asked_of_the_item_as_it_came_and_keeps_it():
    source = Given([{"n": 1}, {"done": True}, {"n": 3}])
    values, stream = taken(source, Collect(until("$.done")), make=len)
    assert values == [1, 1]
    assert (stream.ended.reason, stream.note) == ("until", "")
    assert source.given == 2


def test_a_stream_that_ends_before_its_last_item_is_early():
    _, stream = taken(Given([{}]), Collect(until("$.done"), limit=5, seconds=9))
    assert stream.note == 'incomplete;reason=end;items=1;detail="the stream ended before its last item came"'


@pytest.mark.parametrize(("collect", "is_early"), [(Collect(limit=3), False), (Collect(until("$"), limit=3), True)])
def test_a_declared_limit_is_an_end_unless_the_last_item_is_told(collect, is_early):
    source = Given([False] * 9)
    values, stream = taken(source, collect)
    assert len(values) == 3
    assert (stream.ended.reason, stream.ended.is_early) == ("limit", is_early)
    assert source.given == 3


def test_a_list_has_bounds_of_its_own_and_says_that_it_is_cut():
    _, stream = taken(Given(range(10**9)), Collect())
    assert (stream.count, stream.ended.reason, stream.ended.is_early) == (MAX_ITEMS, "limit", True)


def test_who_passes_items_on_has_none_of_its_own():
    values, stream = taken(Given(range(MAX_ITEMS * 3)), Collect(), relays=True)
    assert (len(values), stream.ended.reason) == (MAX_ITEMS * 3, "end")


def test_bytes():
    values, stream = taken(Given(range(100)), Collect(size=35))
    assert (values, stream.ended.reason, stream.note) == ([0, 1, 2], "bytes", "")


def test_a_silent_stream_ends_with_its_time():
    source = Given([1], silent=True)
    values, stream = taken(source, Collect(), seconds=0.05)
    assert (values, stream.ended.reason, stream.ended.is_early) == ([1], "time", True)
    assert source.closed


def test_a_source_that_never_waits_ends_with_its_time_too():
    _, stream = taken(Given(iter(int, 1)), Collect(limit=10**9, size=10**12), seconds=0.05)
    assert stream.ended.reason == "time"


def test_a_cut_stream_gives_what_came():
    error = UpstreamBroken('it "broke"')
    values, stream = taken(Given([1, 2], error=error), Collect(limit=9, seconds=9))
    assert values == [1, 2]
    assert (stream.ended.reason, stream.ended.error) == ("cut", error)
    assert stream.note == r'incomplete;reason=cut;items=2;detail="it \"broke\""'


def test_who_leaves_closes_the_source():
    async def run():
        source = Given(range(10**9))
        stream = ItemStream(source, Bounds.relayed(Collect()))
        await anext(stream)
        await stream.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        return source, stream

    source, stream = asyncio.run(run())
    assert (source.closed > 0, stream.ended.reason, stream.note) == (True, "left", "")
