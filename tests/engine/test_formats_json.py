"""json: RFC 8259, without loss of digits, within limits."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from naftiko.engine.formats import FormatError, FormatOptions, decoder
from naftiko.engine.request import dump_json

decode = decoder("json")


@pytest.mark.parametrize(
    "number",
    [2**63 - 1, -(2**63), 2**64 - 1, 2**64, -(2**63) - 1, 10**19, -(10**19), 123456789012345678901234567890, 10**300],
)
def test_integers_keep_their_digits(number):
    assert decode(b'{"id": %d}' % number, None) == {"id": number}


@pytest.mark.parametrize(
    "text",
    [
        *("1.10", "1.0", "2.50", "-0", "-0.0", "1e5", "1E+2", "1e400", "1e-400", "0.00000001", "18446744073709551616"),
        *("12345678901234567.89", "0.12345678901234567890123", "100000000000000000000001", "1" * 5000),
    ],
)
@pytest.mark.parametrize("around", ["%s", "[%s]", ' {"a" : %s } ', '{"\\u00e9": ["é", %s, 1.5]}', "\ufeff[%s,NaN]"])
def test_every_number_is_written_again_as_it_came(text, around):
    came = around % text
    written = dump_json(decode(came.encode(), None)).decode()
    assert written == "".join(came.replace("\\u00e9", "é").replace("NaN", "null").removeprefix("\ufeff").split())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"[nan]", "line 1, column 2"),
        (b"[+Infinity]", "line 1, column 2"),
        (b"[1,\n2", "line 2, column 2"),
        (b"[1e999, 01]", "line 1"),
        (b"[" + b"1" * 100_001 + b"]", "more than 100,000 characters"),
        (b"[0." + b"1" * 100_001 + b"]", "more than 100,000 characters"),
        (b'["a\x00b"]', "not JSON"),
        (b"[1] [2]", "column 5"),
        (b'["\xff"]', "byte 2 is wrong"),
        (b"   ", "not JSON"),
    ],
)
def test_what_is_not_json_is_told_with_its_place(text, message):
    with pytest.raises(FormatError, match=message) as caught:
        decode(text, None)
    assert "orjson" not in caught.value.detail


def test_what_python_writes_for_no_number_is_null():
    """JSON has no word for NaN; a whole answer is not lost for one of them."""
    assert decode(b'{"a":NaN,"b":[Infinity,-Infinity,1.10]}', None) == {"a": None, "b": [None, None, 1.1]}


def test_half_a_surrogate_pair_is_a_replacement_character():
    assert decode(b'{"a\\uDE00":"cut \\ud83d","b":"\\ud83d\\ude00"}', None) == {"a\ufffd": "cut \ufffd", "b": "😀"}


def test_a_byte_order_mark_is_no_error():
    assert decode(b'\xef\xbb\xbf{"a": 1}', None) == {"a": 1}
    assert decode('{"a": "å"}'.encode("utf-16"), None) == {"a": "å"}
    character_of_bracket_bytes = "\u5b5b" * 300
    assert decode(f'["{character_of_bracket_bytes}"]'.encode("utf-16"), None) == [character_of_bracket_bytes]


def test_the_declared_charset_is_used_only_for_what_is_not_utf8():
    assert decode('["Göteborg"]'.encode("latin-1"), "iso-8859-1") == ["Göteborg"]
    assert decode('["Göteborg"]'.encode(), "iso-8859-1") == ["Göteborg"]


def test_depth_is_counted_exactly_up_to_the_limit():
    assert decode(b"[" * 200 + b"]" * 200, None) is not None
    with pytest.raises(FormatError, match="more than 200 levels"):
        decode(b"[" * 201 + b"]" * 201, None)


def test_brackets_in_strings_neither_hide_depth_nor_make_it():
    hidden = b'["]",' * 300 + b'"["' + b',"["]' * 300
    with pytest.raises(FormatError, match="200 levels"):
        decode(hidden, None)
    shallow = orjson.dumps(["[" * 500, '\\"[[', "{" * 500 + '"', ["]"] * 500])
    assert decode(shallow, None) == orjson.loads(shallow)


def test_the_number_of_containers_is_limited_before_they_are_made():
    few = decoder("json", FormatOptions(max_values=100))
    assert len(few(b"[" + b",".join([b"{}"] * 99) + b"]", None)) == 99
    with pytest.raises(FormatError, match="more than 100 objects"):
        few(b"[" + b",".join([b"{}"] * 100) + b"]", None)


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


@given(documents, st.booleans())
def test_what_python_writes_is_read_back(document, ascii_only):
    try:
        text = json.dumps(document, ensure_ascii=ascii_only).encode()
    except UnicodeEncodeError:
        return
    assert decode(text, None) == document


@given(documents)
def test_the_depth_is_that_of_the_document(document):
    def depth(value):
        children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
        return 0 if children is None else 1 + max(map(depth, children), default=0)

    text = json.dumps(document).encode()
    assert decoder("json", FormatOptions(max_depth=depth(document)))(text, None) == document
    if depth(document):
        with pytest.raises(FormatError, match="levels"):
            decoder("json", FormatOptions(max_depth=depth(document) - 1))(text, None)
