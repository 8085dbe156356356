"""text and binary: strings and bytes; encodings are never guessed by replacement."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naftiko.engine.formats import FormatError, decoder

decode = decoder("text")


@pytest.mark.parametrize(
    ("content", "charset", "text"),
    [
        ("Göteborg".encode(), None, "Göteborg"),
        ("Göteborg".encode("latin-1"), "ISO-8859-1", "Göteborg"),
        ("Göteborg".encode("latin-1"), '"latin1"', "Göteborg"),
        ("日本".encode("shift_jis"), "Shift_JIS", "日本"),
        ("Göteborg".encode("utf-16"), None, "Göteborg"),
        ("Göteborg".encode("utf-8-sig"), "iso-8859-1", "Göteborg"),
        ("Göteborg".encode("utf-32"), None, "Göteborg"),
        ("Göteborg".encode(), "x-unknown", "Göteborg"),
        ("Göteborg".encode(), "", "Göteborg"),
        (b"a\x00b", None, "a\x00b"),
        (b"+AGE-", "utf-7", "+AGE-"),
        (b"\\x41", "unicode_escape", "\\x41"),
        (b"6869", "hex", "6869"),
        (b"a", "a\x00b", "a"),
    ],
)
def test_the_byte_order_mark_then_the_charset_then_utf8(content, charset, text):
    assert decode(content, charset) == text


@pytest.mark.parametrize(
    ("content", "charset", "text"),
    [
        (b"\xed\xa0\xbd!", None, "\ufffd!"),
        (b"\xef\xbb\xbf\xed\xa0\xbd!", None, "\ufffd!"),
        (b"x\xf0\x9f\x98", None, "x\ufffd"),
        (b"x\xf0\x9f y", "utf-8", "x\ufffd y"),
        ("€ 😀 ".encode() + b"\xe2\x82", None, "€ 😀 \ufffd"),
        ("a\ud83d".encode("utf-16", "surrogatepass"), None, "a\ufffd"),
        ("\ude00\ud83d😀".encode("utf-16-be", "surrogatepass"), "utf-16be", "\ufffd\ufffd😀"),
    ],
)
def test_half_a_character_breaks_nothing(content, charset, text):
    """A text that was cut inside of an emoji, by its bytes or by its units of UTF-16 (SEMANTICS 5.2)."""
    assert decode(content, charset) == text


@given(text=st.text(), at=st.integers(2, 3))
def test_a_character_of_four_bytes_may_be_cut_anywhere_behind_its_second(text, at):
    assert decode(text.encode() + "😀".encode()[:at], None) == text.removeprefix("\ufeff") + "\ufffd"


@pytest.mark.parametrize(
    ("content", "charset", "message"),
    [
        (b"ab\xff", None, "not UTF-8 text: byte 2 is wrong"),
        (b"\xef\xbb\xbfab\xff", None, "not UTF-8 text: byte 5 is wrong"),
        (b"ab\xff", "us-ascii", "not ASCII text: byte 2 is wrong"),
        (b"ab\xff", "x-unknown", "not UTF-8 text: byte 2"),
        (b"\xff\xfea", None, "not UTF-16-LE text: byte 2"),
        (b"\xa0\x80", None, "not UTF-8 text: byte 0"),
        (b"ni\xf1", None, "not UTF-8 text: byte 2"),
    ],
)
def test_a_wrong_encoding_is_told_with_its_byte(content, charset, message):
    with pytest.raises(FormatError, match=message):
        decode(content, charset)


@given(st.binary())
def test_binary_is_base64(content):
    encoded = decoder("binary")(content, None)
    assert base64.b64decode(encoded, validate=True) == content
