"""Arbitrary bytes: a decoder gives JSON or a FormatError, never anything else."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from naftiko.engine.formats import KNOWN, FormatError, FormatOptions, decoder

FIXTURES = Path(__file__).parent.parent / "fixtures" / "formats"
SCHEMAS = {"avro": "schemas/vessel.avsc", "protobuf": "schemas/fleet.proto"}
DECODERS = {
    name: decoder(name, FormatOptions(schema=SCHEMAS.get(name), schema_base=FIXTURES)) for name in sorted(KNOWN)
}
SEEDS = {
    "json": [b'{"a": [1, "\\u00e9", null]}'],
    "xml": [(FIXTURES / "vessels-soap.xml").read_bytes()],
    "csv": [(FIXTURES / "users.csv").read_bytes()],
    "tsv": [b'a\tb\n"1\t"\t2\n'],
    "psv": [b'a|b\n"1|"|2\n'],
    "yaml": [(FIXTURES / "users.yaml").read_bytes(), b"a: &x [!!int 1, *x]\n? - b\n"],
    "html": [(FIXTURES / "products.html").read_bytes()],
    "markdown": [(FIXTURES / "release.md").read_bytes()],
    "avro": [b'Obj\x01\x02\x16avro.schema\x10"string"\x00' + b"s" * 16 + b"\x02\x04\x02a" + b"s" * 16],
    "protobuf": [b"\x0a\x08\x0a\x04V001\x10\x07", b"\x0a\x06\x3a\x04\x08\xff\xff\x7f"],
    "text": ["Göteborg".encode()],
    "binary": [b"\x00"],
}
CHARSETS = st.none() | st.sampled_from(
    [
        "utf-8",
        "iso-8859-1",
        "utf-16",
        "shift_jis",
        "utf-7",
        "idna",
        "hex",
        "zlib",
        "x",
        "\x00",
        "unicode_escape",
        "big5",
    ]
)


def decoded_or_refused(name, content, charset):
    with contextlib.suppress(FormatError):
        document = DECODERS[name](content, charset)
        json.dumps(document, allow_nan=False)


@pytest.mark.parametrize("name", sorted(KNOWN))
@settings(max_examples=150, deadline=None)
@given(content=st.binary(max_size=300), charset=CHARSETS)
@example(content=b"\x00" * 50, charset=None)
@example(content=b"\xff\xfe\x00\x00", charset="utf-8")
def test_any_bytes(name, content, charset):
    decoded_or_refused(name, content, charset)


@pytest.mark.parametrize("name", sorted(KNOWN))
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_real_body_with_some_bytes_changed_cut_or_repeated(name, data):
    content = bytearray(data.draw(st.sampled_from(SEEDS[name])))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content)))
        change = data.draw(st.sampled_from(["set", "cut", "insert", "repeat"]))
        if change == "set" and at < len(content):
            content[at] = data.draw(st.integers(0, 255))
        elif change == "cut":
            del content[at : at + data.draw(st.integers(1, 40))]
        elif change == "insert":
            content[at:at] = data.draw(
                st.sampled_from([b"<", b"&", b'"', b"[", b"{", b"\x00", b"\xff", b"*", b"|", b"\n"])
            )
        else:
            content[at:at] = content[max(0, at - 30) : at] * data.draw(st.integers(1, 20))
    decoded_or_refused(name, bytes(content), None)


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_every_cut_of_a_real_body(name):
    for seed in SEEDS[name]:
        for end in range(len(seed)):
            decoded_or_refused(name, seed[:end], None)
