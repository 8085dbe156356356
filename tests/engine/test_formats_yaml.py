"""yaml: first document, YAML 1.2's core schema, aliases within limits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naftiko.engine.formats import FormatError, FormatOptions, decoder
from naftiko.ground.digits import ExactNumber

FIXTURES = Path(__file__).parent.parent / "fixtures" / "formats"
decode = decoder("yaml")


def test_the_first_document_with_the_types_of_yaml_1_2():
    document = decode((FIXTURES / "users.yaml").read_bytes(), None)
    assert document["users"] == [
        {"id": 1, "name": "Alice Smith", "age": 42, "active": True, "joined": "2024-02-29"},
        {"id": 2, "name": "Bob Johnson", "answer": "yes", "phone": 123},
        {"id": 3, "name": "Carol White", "ratio": 0.5},
    ]
    assert document["captain"] == document["users"][0]
    assert "second" not in document


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("~", None),
        ("null", None),
        ("Null", None),
        ("nULL", "nULL"),
        ("true", True),
        ("FALSE", False),
        ("yes", "yes"),
        ("on", "on"),
        ("tRue", "tRue"),
        ("0", 0),
        ("-7", -7),
        ("+7", 7),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("0b1", "0b1"),
        ("1:30", "1:30"),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("-1.5E-2", -0.015),
        (".", "."),
        ("-", [None]),
        ("+", "+"),
        ("1.2.3", "1.2.3"),
        ("2024-02-29", "2024-02-29"),
        (".inf", "Infinity"),
        ("-.INF", "-Infinity"),
        (".nan", "NaN"),
        ("<<", "<<"),
        ("1e999", ExactNumber("1e999")),
        ("'5'", "5"),
        ('"true"', "true"),
        ("|\n  5", "5"),
        ("!!str 5", "5"),
        ("!!int '5'", 5),
        ("!!float 5", 5),
        ("!!bool 'true'", True),
        ("!!null ''", None),
        ("!local 5", "5"),
        ("!!binary aGk=", "aGk="),
        ("!!timestamp 2024-01-01", "2024-01-01"),
        ("[]", []),
        ("{}", {}),
        ("[1, {a: b}]", [1, {"a": "b"}]),
        ("", None),
        ("# only a comment", None),
    ],
)
def test_scalars(text, value):
    got = decode(text.encode(), None)
    assert got == value
    assert isinstance(got, type(value))


def test_keys_are_text_as_written():
    assert decode(b"1: a\nyes: b\n2.50: c\n~: d\n'': e\n<<: f", None) == {
        "1": "a",
        "yes": "b",
        "2.50": "c",
        "~": "d",
        "": "e",
        "<<": "f",
    }


def test_an_anchored_key_can_be_repeated_and_of_repeated_keys_the_last_wins():
    assert decode(b"&k key: *k\n? *k\n: 2", None) == {"key": 2}


def test_tags_of_python_are_never_obeyed():
    assert decode(b"!!python/object/apply:os.system ['exit 1']", None) == ["exit 1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a: [1,\n}", "line 2, column 1"),
        (b"a: *x", r"alias \*x at line 1, column 4 has no anchor"),
        (b"&a [*a]", "inside its own anchor"),
        (b"? [a]\n: 1", "a key is a list or an object at line 1, column 3"),
        (b"- &x [1]\n- *x : 1", "a key is not text"),
        (b"a: \x01", "does not allow"),
        (b"a\tb: 1\n\t c: 2", "not YAML"),
        (b"n: " + b"1" * 100_001, "100,000 characters at line 1, column 4"),
        (b"n: 0x" + b"f" * 5000, "at line 1, column 4"),
        (b"a: \xff", "byte 3 is wrong"),
    ],
)
def test_what_is_not_yaml_is_told_with_its_place(text, message):
    with pytest.raises(FormatError, match=message):
        decode(text, None)


def test_aliases_are_counted_as_if_written_out():
    laughs = b"a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"
    for level in range(1, 12):
        laughs += b"a%d: &a%d [%s]\n" % (level, level, b",".join([b"*a%d" % (level - 1)] * 10))
    with pytest.raises(FormatError, match="expands to more than 67,108,864 bytes"):
        decode(laughs, None)


def test_depth_is_limited_through_aliases_too():
    chain = b"a0: &a0 [x]\n" + b"".join(b"a%d: &a%d [*a%d]\n" % (i, i, i - 1) for i in range(1, 300))
    with pytest.raises(FormatError, match="200 levels"):
        decode(chain, None)
    with pytest.raises(FormatError, match="200 levels"):
        decode(b"[" * 201 + b"]" * 201, None)
    assert decode(b"[" * 200 + b"]" * 200, None) is not None


def test_the_number_of_values_is_limited():
    with pytest.raises(FormatError, match="50 values"):
        decoder("yaml", FormatOptions(max_values=50))(b"- 1\n" * 50, None)


documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(st.characters(codec="ascii", min_codepoint=32)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="ascii", min_codepoint=32)), inner),
    max_leaves=20,
)


@given(documents)
def test_json_is_yaml(document):
    assert decode(json.dumps(document).replace("\x7f", "\\u007f").encode(), None) == document
