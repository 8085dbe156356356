"""JSON is read and written with the digits of every number, fast where none could be lost (SEMANTICS 4.2)."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from naftiko.ground import jsontext
from naftiko.ground.digits import ExactNumber
from naftiko.ground.jsontext import fragment, keeps_digits, read, read_exactly, write

NUMBER = r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?"
numbers = (
    st.from_regex(NUMBER, fullmatch=True)
    | st.integers().map(str)
    | st.floats(allow_nan=False, allow_infinity=False).map(repr)
)
texts = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    ["2024-01-01T00:00:00.000Z", "1.10", "1e5,", "1" * 20, "550e8400-e29b-41d4-a716-446655440000", "v1.50 ]", "é"]
)


@st.composite
def documents(draw):
    """Draw a JSON text, compact, of numbers, texts and collections of them."""
    inner = st.recursive(
        numbers | texts.map(lambda text: json.dumps(text, ensure_ascii=False)) | st.sampled_from(["null", "true"]),
        lambda inside: (
            st.lists(inside, max_size=4).map(lambda items: f"[{','.join(items)}]")
            | st.dictionaries(texts, inside, max_size=4).map(
                lambda items: (
                    "{" + ",".join(f"{json.dumps(key, ensure_ascii=False)}:{item}" for key, item in items.items()) + "}"
                )
            )
        ),
        max_leaves=12,
    )
    return draw(inner)


def numbers_of(text):
    """Return the numbers of a JSON text as they are written, in order."""
    found = []
    json.loads(text, parse_float=found.append, parse_int=found.append)
    return found


@given(documents())
@example("[1e-08]")
@example("[0.000001,1]")
@example('{"a":"1.10, "}')
def test_what_is_read_is_written_with_the_same_digits(text):
    assert numbers_of(write(read(text))) == numbers_of(text)


@given(documents(), st.integers(0, 4), st.booleans())
def test_layout_and_escapes_change_nothing(text, indent, ascii_only):
    """As Python's and other servers write: blanks, line ends, characters as escapes."""
    laid = json.dumps(
        json.loads(text, parse_float=lambda number: f"\0{number}\0", parse_int=lambda number: f"\0{number}\0"),
        indent=indent or None,
        ensure_ascii=ascii_only,
    )
    laid = laid.replace('"\\u0000', "").replace('\\u0000"', "")
    try:
        expected = numbers_of(laid)
    except ValueError:  # a text of the document had a NUL of its own
        return
    assert numbers_of(write(read(laid.encode()))) == expected


@given(documents())
def test_what_orjson_reads_without_loss_stays_its_own(text):
    """Nothing is read the slow way that the fast way reads as well, where the text is as orjson writes it."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return
    if orjson.dumps(value).decode() == text:
        assert keeps_digits(text.encode(), value)


def test_the_usual_answer_is_not_suspicious():
    """Escapes hide whether a text is written as orjson would; dates, versions and UUIDs are no numbers."""
    usual = b'{"t":"2024-01-01T00:00:00.000Z","v":"1.10","u":"550e8400-e29b-41d4-a716-44665544e0e1","p":12.5,"n":-1,"s":"\\/"}'
    assert orjson.dumps(orjson.loads(usual)) != usual
    assert keeps_digits(usual, orjson.loads(usual))


@pytest.mark.parametrize(
    "text", ["NaN", "[Infinity]", "[-Infinity]", "[1", "", "nul", "[" * 100_000, '{"a":1,}', "01", "+1", ".5"]
)
def test_what_is_no_json_is_refused(text):
    for way in (read, read_exactly):
        with pytest.raises(ValueError, match=r"."):
            way(text)
        with pytest.raises(ValueError, match=r"."):
            way(text.encode())


def test_what_python_writes_for_no_number_may_be_null():
    assert read_exactly("[NaN,-Infinity,1.10]", nan_is_null=True) == [None, None, ExactNumber("1.10")]


def test_other_encodings_of_unicode_are_read():
    for encoding in ("utf-8-sig", "utf-16", "utf-32", "utf-16-le"):
        assert read('{"é": 1.10}'.encode(encoding)) == {"é": 1.1}


@given(documents(), st.booleans())
def test_whatever_orjson_refuses_is_written_in_the_same_form(text, indented):
    """An integer beyond 64 bits, or half a surrogate pair, takes the slow way; nothing but that shows it."""
    value = read(text)
    without = write([value], indented=indented).decode()
    with_both = write([value, 2**70, "\ud800"], indented=indented).decode()
    comma = ",\n  " if indented else ","
    assert with_both == f'{without.rstrip("]").rstrip() if indented else without[:-1]}{comma}{2**70}{comma}"\ufffd"' + (
        "\n]" if indented else "]"
    ) or without.endswith("]\n]")


def test_deep_documents_are_written():
    deep = [1]
    for _ in range(5000):
        deep = [deep]
    assert write(deep) == b"[" * 5001 + b"1" + b"]" * 5001


def test_what_is_no_json_is_not_written():
    for value in (object(), [object()], {"a": {1, 2}}):
        with pytest.raises(TypeError, match="is no JSON"):
            write(value)
    assert (
        write([object(), 2**70], lambda value: "x" if type(value) is object else fragment(value)) == b'["x",%d]' % 2**70
    )
    assert write([ExactNumber("1.10"), float("nan"), 1.0, True, None], str) == b'["1.10",null,1.0,true,null]'
    assert jsontext.write({1: "a"}) == b'{"1":"a"}'
