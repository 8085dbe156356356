"""Items are told apart the same way however their bytes come."""

from __future__ import annotations

import gzip
import itertools
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naftiko.engine.streaming.framing import LARGEST, BrokenStream, Events, JsonLines, JsonSequence
from naftiko.engine.transport.content_coding import NotDecodableError, piecewise

TEXTS = st.lists(st.text(st.characters(blacklist_characters="\r\n\x00", blacklist_categories=["Cs"])), max_size=4)


def cut(content, places):
    at = sorted({min(place, len(content)) for place in places} | {0, len(content)})
    return [content[begin:end] for begin, end in itertools.pairwise(at)]


def frames(framer, pieces):
    found = [frame for piece in pieces for frame in framer.feed(piece)]
    return [(frame.data, frame.event, frame.identity) for frame in (*found, *framer.rest())]


@given(TEXTS, st.sampled_from(["\n", "\r", "\r\n"]), st.lists(st.integers(0, 200), max_size=30), st.booleans())
def test_events(texts, end, places, has_mark):
    content = "".join(f"event: e{at}{end}id: {at}{end}data: {text}{end}:c{end}{end}" for at, text in enumerate(texts))
    content = ("\ufeff" if has_mark else "") + content
    expected = [(text.encode(), f"e{at}", str(at)) for at, text in enumerate(texts)]
    assert frames(Events(), cut(content.encode(), places)) == expected


def test_an_event_is_there_with_its_last_byte():
    framer = Events()
    assert [frame.data for frame in framer.feed(b"data: 1\r\r")] == [b"1"]
    assert [frame.data for frame in framer.feed(b"\ndata: 2\r\n\r")] == [b"2"]
    assert [frame.data for frame in framer.feed(b"\n")] == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"data\n\n", [b""]),
        (b"data:\ndata\n\n", [b"\n"]),
        (b"data:  x\n\n", [b" x"]),
        (b"datax: 1\ndata : 2\n\n", []),
        (b"event: a\n\ndata: 1\n\n", [b"1"]),
        (b"data: 1", []),
        (b"data: 1\n", []),
    ],
)
def test_events_as_the_standard_has_them(content, expected):
    assert [data for data, _, _ in frames(Events(), [content])] == expected


def test_a_name_without_data_is_no_event_and_none_of_the_next():
    assert frames(Events(), [b"event: a\nid: 1\n\ndata: 1\n\n"]) == [(b"1", "", "")]


@given(st.lists(st.integers()), st.lists(st.integers(0, 200), max_size=30), st.sampled_from(["\n", "\r\n", "\n\n"]))
def test_lines(values, places, end):
    content = end.join(map(str, values)).encode()
    assert [data for data, _, _ in frames(JsonLines(), cut(content, places))] == [b"%d" % each for each in values]


@given(st.lists(st.integers()), st.lists(st.integers(0, 200), max_size=30), st.booleans())
def test_sequences(values, places, is_indented):
    text = "\x1e{\n%d\n}\n" if is_indented else "\x1e[%d]\n"
    content = "".join(text % each for each in values).encode()
    expected = [(text % each).strip("\x1e\n").encode() for each in values]
    assert [data for data, _, _ in frames(JsonSequence(), cut(content, places))] == expected


def test_a_text_on_a_line_is_there_before_the_next_one():
    assert [frame.data for frame in JsonSequence().feed(b"\x1e[1]\n")] == [b"[1]"]


@pytest.mark.parametrize("framer", [Events, JsonLines, JsonSequence])
def test_what_has_no_end_is_refused_before_it_is_kept(framer):
    made, fed = framer(), []

    def feed():
        for piece in itertools.repeat(b"data: " + b"x" * 1000):
            fed.append(len(piece))
            yield from made.feed(piece)

    with pytest.raises(BrokenStream, match="more than 1,048,576 bytes"):
        list(feed())
    assert sum(fed) < LARGEST + 10_000


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=9), st.sampled_from(["gzip", "deflate"]))
def test_codings_are_undone_piece_by_piece(content, places, coding):
    coded = gzip.compress(content) if coding == "gzip" else zlib.compress(content)
    undo = piecewise(coding)
    assert b"".join(plain for piece in cut(coded, places) for plain in undo(piece)) == content


def test_what_is_no_gzip_is_told():
    with pytest.raises(NotDecodableError, match="is not gzip"):
        list(piecewise("gzip")(b"data: 1\n\n"))


def test_a_bomb_is_taken_bit_by_bit():
    pieces = piecewise("gzip")(gzip.compress(b"\0" * 50_000_000))
    assert len(next(pieces)) < 100_000
