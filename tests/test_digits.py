"""Numbers that keep their digits: what is one, what they are compared as, how they stand in a text (SEMANTICS 4.2)."""

from __future__ import annotations

import copy
import math
import pickle
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naftiko.ground.digits import (
    ExactNumber,
    core_number,
    digits,
    is_whole,
    json_decimal,
    json_integer,
    read_number,
    whole,
)

integers = st.integers(min_value=-(10**40), max_value=10**40).map(str)
decimals = st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
numbers = integers | decimals


def made(text):
    """Return the number of a JSON text, as a reader of JSON makes it."""
    return json_integer(text) if text.lstrip("-").isdigit() else json_decimal(text)


@given(numbers)
def test_a_number_written_as_text_is_sent_on_as_it_is_written(text):
    assert digits(read_number(text)) == text


@given(decimals)
def test_a_number_out_of_json_has_its_digits_and_no_exponent(text):
    shown = digits(made(text))
    assert "e" not in shown.lower()
    assert Decimal(shown) == Decimal(text)
    assert shown == text or "e" in text.lower()


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1 ",
        "+1",
        ".5",
        "5.",
        "007",
        "-",
        "1_000",
        "\uff11",
        "\u0663",
        "0x10",
        "inf",
        "nan",
        "Infinity",
        "NaN",
        "1e",
        "1e5.0",
        "1,5",
        "--1",
        "1" * 100_001,
        "0.1\n",
        "\u22125",
    ],
)
def test_what_json_has_no_number_for_is_none(text):
    assert read_number(text) is None


@given(numbers, numbers)
def test_numbers_compare_by_their_exact_value(one, other):
    first, second = made(one), made(other)
    value, beside = Decimal(one), Decimal(other)
    assert (first < second, first <= second, first > second, first >= second, first == second, first != second) == (
        *(value < beside, value <= beside, value > beside, value >= beside, value == beside, value != beside),
    )


@given(numbers)
def test_equal_numbers_have_equal_hashes_where_a_float_holds_them(text):
    number = made(text)
    if number == float(number):
        assert hash(number) == hash(float(number))


def test_a_number_beside_no_number():
    number = ExactNumber("1.10")
    assert number != "1.10"
    assert number is not None
    assert [number < math.nan, number >= math.nan, number == math.nan] == [False] * 3  # noqa: PLW0177  # on purpose
    assert 1 < number < 2
    assert 2 > number > 1
    with pytest.raises(TypeError):
        number < "2"  # noqa: B015  # it is the comparison that fails


def test_a_copy_has_the_digits_too():
    number = read_number("1.10e1")
    out_of_json = json_decimal("1.10e1")
    assert pickle.loads(pickle.dumps(out_of_json)).shown == "11.0"
    for twin in (copy.deepcopy(number), pickle.loads(pickle.dumps(number))):
        assert (twin, twin.text, twin.shown) == (11, "1.10e1", "1.10e1")
    assert f"{number} {number!r} {number:.1f}" == "1.10e1 1.10e1 11.0"


@pytest.mark.parametrize(
    ("text", "is_it"),
    [
        ("1.0", True),
        ("1e2", True),
        ("12.50e1", True),
        ("1.5", False),
        ("1e-1", False),
        ("100000000000000000000001", True),
        ("100000000000000000000001.5", False),
        ("9" * 5000, True),
        ("1e400", True),
        ("1e-400", False),
        ("-0", True),
        ("1e999999999999", True),
        ("1e-99999999999999999999", False),
        ("1e99999999999999999999", True),
    ],
)
def test_what_json_schema_calls_an_integer(text, is_it):
    assert is_whole(made(text)) is is_it


def test_only_numbers_are_whole():
    assert [is_whole(value) for value in (True, "1", None, float("nan"), float("inf"), 1, 1.0)] == [False] * 5 + [
        True
    ] * 2


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("5.0", "5"),
        ("5e2", "500"),
        ("12.50e1", "125"),
        ("9" * 30 + ".000", "9" * 30),
        ("1e400", "1" + "0" * 400),
        ("-5.0", "-5"),
        ("9" * 30, "9" * 30),
        ("1e99999", "1e99999"),
    ],
)
def test_a_whole_number_in_the_way_of_an_integer(text, written):
    assert digits(whole(made(text))) == written


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1, "1"),
        (1.0, "1.0"),
        (1e-08, "0.00000001"),
        (1e22, "1" + "0" * 22),
        (2**70, str(2**70)),
        (ExactNumber("1e5000"), "1e5000"),
        (ExactNumber("1e99999999999999999999"), "1e99999999999999999999"),
        (float("inf"), "inf"),
    ],
)
def test_no_exponent_is_invented(number, text):
    assert digits(number) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_in_a_text_means_the_same(number):
    assert float(digits(number)) == number


@pytest.mark.parametrize("make", [json_integer, json_decimal, core_number])
def test_a_number_beyond_reason_is_refused(make):
    with pytest.raises(ValueError, match="more than 100,000 characters"):
        make("1" * 100_001)
