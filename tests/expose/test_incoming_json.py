"""JSON with a byte order mark or half of a surrogate pair becomes JSON that every parser reads (SEMANTICS 5.2)."""

from __future__ import annotations

import json
import re

import orjson
from hypothesis import given
from hypothesis import strategies as st

from naftiko.expose.http.bodies import whole_json

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(exclude_categories=())), inner),
    max_leaves=8,
)
HALF = re.compile("[\ud800-\udfff]")


def whole(value):
    """The same value, U+FFFD for each half."""
    return json.loads(HALF.sub("\ufffd", json.dumps(value, ensure_ascii=False)))


@given(value=ANYTHING)
def test_any_json_that_python_writes_can_be_read(value):
    text = json.dumps(value).encode()
    assert orjson.loads(whole_json(text)) == whole(json.loads(text))
    assert whole_json(b"\xef\xbb\xbf" + text) == whole_json(text)


@given(
    text=st.binary(max_size=60) | st.lists(st.sampled_from([b"\\", b"u", b"\\ud8", b"00", b"dc00", b'"'])).map(b"".join)
)
def test_bytes_that_are_no_json_are_no_reason_to_fail(text):
    """What is read already is left as it is, and nothing is read twice."""
    made = whole_json(text)
    assert whole_json(made) == made or text.startswith(b"\xef\xbb\xbf" * 2)


def test_a_pair_stays_a_pair_and_a_backslash_is_no_escape():
    for same in (b'"\\ud83d\\ude00"', b'"\\\\ud83d"', b'"\\n\\ufffd"', b"{}", b'"\\u00e9"'):
        assert whole_json(same) == same
    assert whole_json(b'"\\ud83d\\ud83d\\ude00\\ude00"') == b'"\\ufffd\\ud83d\\ude00\\ufffd"'
