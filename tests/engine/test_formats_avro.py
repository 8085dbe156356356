"""avro: data written by fastavro, read back; limits that the data can't break."""

from __future__ import annotations

import datetime as dt
import io
import json
from decimal import Decimal
from pathlib import Path

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from naftiko.engine.formats import FormatError, FormatOptions, decoder

FIXTURES = Path(__file__).parent.parent / "fixtures" / "formats"
OPTIONS = FormatOptions(schema="schemas/vessel.avsc", schema_base=FIXTURES)
SCHEMA = json.loads((FIXTURES / "schemas" / "vessel.avsc").read_text())
VESSEL = {
    "code": "V001",
    "tonnage": 2**40,
    "draught": 7.1,
    "kind": "TANKER",
    "built": dt.date(2015, 3, 1),
    "seen": dt.datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=dt.UTC),
    "price": Decimal("-1234.50"),
    "photo": b"\xff\x00",
    "ports": ["Göteborg", ""],
    "crew": {"deck": 12, "engine": 5},
    "sister": None,
}
SHOWN = {
    "code": "V001",
    "tonnage": 2**40,
    "draught": 7.1,
    "kind": "TANKER",
    "built": "2015-03-01",
    "seen": "2026-01-02T03:04:05.678000Z",
    "price": "-1234.50",
    "photo": "/wA=",
    "ports": ["Göteborg", ""],
    "crew": {"deck": 12, "engine": 5},
    "sister": None,
}


def datum(schema, value):
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), value)
    return out.getvalue()


def container(schema, values, codec="null"):
    out = io.BytesIO()
    fastavro.writer(out, fastavro.parse_schema(schema), values, codec=codec)
    return out.getvalue()


def decode_with(schema, content, tmp_path, **limits):
    (tmp_path / "s.avsc").write_text(json.dumps(schema))
    return decoder("avro", FormatOptions(schema="s.avsc", schema_base=tmp_path, **limits))(content, None)


def test_a_bare_datum_of_the_schema_file():
    sister = {**VESSEL, "sister": {**VESSEL, "tonnage": None}}
    assert decoder("avro", OPTIONS)(datum(SCHEMA, sister), None) == {**SHOWN, "sister": {**SHOWN, "tonnage": None}}


@pytest.mark.parametrize("codec", ["null", "deflate", "bzip2", "xz"])
def test_a_container_file_needs_no_schema_file_and_is_an_array(codec):
    content = container(SCHEMA, [VESSEL] * 3, codec)
    assert decoder("avro")(content, None) == [SHOWN] * 3
    assert decoder("avro", OPTIONS)(content, None) == [SHOWN] * 3


def test_a_bare_datum_without_a_schema_file_is_told_what_is_missing():
    with pytest.raises(FormatError, match="Avro format requires outputSchema"):
        decoder("avro")(b"\x02", None)


@pytest.mark.parametrize(
    ("schema", "value", "shown"),
    [
        ("null", None, None),
        ("boolean", True, True),
        ("int", -(2**31), -(2**31)),
        ("long", 2**63 - 1, 2**63 - 1),
        ("double", 0.1, 0.1),
        ("double", float("nan"), "NaN"),
        ("float", float("-inf"), "-Infinity"),
        ("float", 0.1, 0.1),
        ("float", 3.4028234663852886e38, 3.4028235e38),
        ({"type": "fixed", "name": "f", "size": 2}, b"hi", "aGk="),
        (
            {"type": "fixed", "name": "d", "size": 4, "logicalType": "decimal", "precision": 9, "scale": 3},
            Decimal("0.007"),
            "0.007",
        ),
        ({"type": "int", "logicalType": "time-millis"}, dt.time(1, 2, 3), "01:02:03"),
        ({"type": "long", "logicalType": "time-micros"}, dt.time(1, 2, 3, 4), "01:02:03.000004"),
        (
            {"type": "long", "logicalType": "timestamp-micros"},
            dt.datetime(1969, 12, 31, 23, 59, 59, tzinfo=dt.UTC),
            "1969-12-31T23:59:59Z",
        ),
        ({"type": "long", "logicalType": "timestamp-nanos"}, 1_000_000_001, "1970-01-01T00:00:01.000000001Z"),
        ({"type": "long", "logicalType": "local-timestamp-millis"}, 0, "1970-01-01T00:00:00"),
        ({"type": "long", "logicalType": "timestamp-millis"}, 2**62, 2**62),
        (
            {"type": "string", "logicalType": "uuid"},
            "00000000-0000-0000-0000-000000000000",
            "00000000-0000-0000-0000-000000000000",
        ),
        (
            {"type": "array", "items": {"type": "map", "values": ["null", "int"]}},
            [{"a": 1}, {"b": None}],
            [{"a": 1}, {"b": None}],
        ),
    ],
)
def test_what_each_type_is_in_json(schema, value, shown, tmp_path):
    assert decode_with(schema, datum(schema, value), tmp_path) == shown


@pytest.mark.parametrize(
    ("schema", "content", "message"),
    [
        ("string", b"\x0aab", "ends too early at byte 1"),
        ("string", b"\x04a\xff", "not UTF-8 at byte 3"),
        ("string", b"\x02ab", "1 bytes are left at byte 2"),
        ("string", b"\x01", "a length is negative"),
        ("long", b"\xff" * 11, "longer than 64 bits"),
        ({"type": "bytes", "logicalType": "decimal", "precision": 4}, b"\xa0\x1f" + b"1" * 2000, "too long"),
        ("boolean", b"\x02", "neither 0 nor 1"),
        (["null", "int"], b"\x04", "a union of 2 types has no type 2"),
        ({"type": "enum", "name": "e", "symbols": ["A"]}, b"\x02", "an enum of 1 symbols has no symbol 1"),
        ({"type": "array", "items": "null"}, b"\x80\x94\xeb\xdc\x03\x00", "more than 2,000,000 values"),
    ],
)
def test_wrong_data_is_told_with_its_place(schema, content, message, tmp_path):
    with pytest.raises(FormatError, match=message):
        decode_with(schema, content, tmp_path)


def test_a_recursive_schema_does_not_end_the_process(tmp_path):
    schema = {"type": "record", "name": "N", "fields": [{"name": "next", "type": ["null", "N"]}]}
    assert decode_with(schema, b"\x02\x02\x00", tmp_path) == {"next": {"next": {"next": None}}}
    for content in (b"\x02" * 300, b"\x02" * 1_000_000):
        with pytest.raises(FormatError, match="nested"):
            decode_with(schema, content, tmp_path)


def test_a_compressed_bomb_is_stopped():
    bomb = container("string", ["x" * 50_000_000], "deflate")
    assert len(bomb) < 100_000
    with pytest.raises(FormatError, match="expands to more than 1,000,000 bytes"):
        decoder("avro", FormatOptions(max_bytes=1_000_000))(bomb, None)


def test_broken_containers_are_errors():
    content = container("string", ["a", "b"])
    wrong = {
        "a block is not deflate": content.replace(b"avro.codec\x08null", b"avro.codec\x0edeflate"),
        "no sync marker": content[:-16] + b"x" * 16,
        "ends too early": content[:-3],
        "unknown": content.replace(b'"string"', b'"strung"'),
        "codec": content.replace(b"avro.codec\x08null", b"avro.codec\x08nill"),
        "nested": content.replace(b'\x10"string"', b"\x80\x04" + b"[" * 128 + b"]" * 128),
    }
    for message, broken in wrong.items():
        assert broken != content
        with pytest.raises(FormatError, match=f"(?i){message}"):
            decoder("avro")(broken, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "schema is broken: it is not JSON"),
        ('{"type": "record"}', "schema is broken"),
        ('"missing.Type"', "schema is broken"),
        ('{"type": "fixed", "name": "f", "size": -1}', "schema is broken"),
        ("[" * 100 + "]" * 100, "levels deep"),
    ],
)
def test_a_broken_schema_file_is_told_at_load(text, message, tmp_path):
    (tmp_path / "s.avsc").write_text(text)
    with pytest.raises(FormatError, match=message):
        decoder("avro", FormatOptions(schema="s.avsc", schema_base=tmp_path))


def test_a_schema_file_stays_in_the_folder_of_the_capability(tmp_path):
    outside = tmp_path / "outside.avsc"
    outside.write_text('"string"')
    base = tmp_path / "base"
    base.mkdir()
    (base / "link.avsc").symlink_to(outside)
    for name in ("../outside.avsc", str(outside), "link.avsc"):
        with pytest.raises(FormatError, match="outside the folder"):
            decoder("avro", FormatOptions(schema=name, schema_base=base))
    for name in ("missing.avsc", ".", "a\x00b"):
        with pytest.raises(FormatError, match=r"no schema file|can't be read"):
            decoder("avro", FormatOptions(schema=name, schema_base=base))
    with pytest.raises(FormatError, match="not a file on disk"):
        decoder("avro", FormatOptions(schema="s.avsc"))


@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.dictionaries(st.text(), st.booleans())))
def test_what_fastavro_writes_is_read_back(values):
    schema = {"type": "array", "items": ["null", "long", "string", {"type": "map", "values": "boolean"}]}
    assert decoder("avro")(container(schema, [values]), None) == [values]
