"""Documents are cut to a size: what is cut, and that nothing is lost."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from naftiko.engine.request import dump_json
from naftiko.expose.mcp import fitting as cutting
from naftiko.expose.mcp.fitting import Cut, cut, cut_text, size_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(st.text(max_size=6), inner, max_size=12),
    max_leaves=60,
)


def at(value, path):
    for step in path:
        value = value[step]
    return value


def test_an_array_is_cut_between_items():
    items = [{"id": number, "name": "x" * 20} for number in range(100)]
    shown, cuts = cut({"page": 1, "items": items}, 1000)
    [found] = cuts
    assert (found.path, found.total, found.unit) == (("items",), 100, "items")
    assert shown == {"page": 1, "items": items[: found.kept]}
    assert 15 < found.kept < 30


def test_small_members_stay_whole_and_large_ones_share_the_room():
    shown, cuts = cut({"a": list(range(10_000)), "b": "y" * 10_000, "c": {"d": [1, 2]}}, 4000)
    assert shown["c"] == {"d": [1, 2]}
    assert {found.path[0] for found in cuts} == {"a", "b"}
    assert 1500 < size_of(shown["a"]) <= 2000
    assert 1500 < size_of(shown["b"]) <= 2000


def test_an_item_that_does_not_fit_alone_is_cut_itself():
    shown, cuts = cut([{"id": 1, "points": list(range(5000))}, {"id": 2}], 1000)
    assert [found.path for found in cuts] == [(0, "points"), ()]
    assert (len(shown), shown[0]["id"]) == (1, 1)


def test_an_object_of_very_many_small_members_loses_some():
    document = {f"key-{number}": number for number in range(5000)}
    shown, [found] = cut(document, 2000)
    assert (found.path, found.total, found.unit) == ((), 5000, "members")
    assert list(shown.items()) == list(document.items())[: found.kept]


def test_escapes_count_as_what_they_take():
    shown, [found] = cut({"text": "\x00" * 5000}, 1200)
    assert size_of(shown) <= 1200
    assert found == Cut(("text",), len(shown["text"]), 5000, "characters")


def test_a_text_is_cut_at_the_end_of_a_line_where_one_is_near():
    assert cut_text("a" * 18 + "\n" + "b" * 50, 20) == "a" * 18 + "\n"
    assert cut_text("a\n" + "b" * 100, 50) == "a\n" + "b" * 48
    assert cut_text("short", 50) == "short"


@given(JSON, st.integers(600, 3000))
def test_what_is_cut_and_what_is_kept_make_the_whole(document, room):
    """Every cut says the truth about the original, something is always kept, and the rest is untouched."""
    shown, cuts = cut(document, room)
    json.loads(json.dumps(shown))
    assert size_of(shown) <= room
    if size_of(document) <= room:
        assert (shown, cuts) == (document, [])
        return
    assert cuts
    for found in cuts:
        whole, kept = at(document, found.path), at(shown, found.path)
        assert 0 < found.kept == len(kept) < found.total == len(whole)
        if isinstance(whole, dict):
            assert list(kept) == list(whole)[: found.kept]
        elif isinstance(whole, str):
            assert whole.startswith(kept)


def test_a_deep_document_is_measured_once_and_not_once_a_level(monkeypatch):
    document = {"leaf": "y" * 100}
    for _ in range(150):
        document = {"deeper": document, **{f"member {at}": "z" * 20 for at in range(50)}}
    written = 0

    def counting(value):
        nonlocal written
        text = dump_json(value)
        written += len(text)
        return text

    whole = size_of(document)
    monkeypatch.setattr(cutting, "dump_json", counting)
    cut(document, 20_000)
    assert written < 8 * whole
