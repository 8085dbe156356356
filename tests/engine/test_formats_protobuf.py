"""protobuf: messages of a .proto file and of a descriptor set."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from naftiko.engine.formats import FormatError, FormatOptions, decoder

FIXTURES = Path(__file__).parent.parent / "fixtures" / "formats"
OPTIONS = FormatOptions(schema="schemas/fleet.proto", schema_base=FIXTURES)


@pytest.fixture(scope="module")
def descriptor_set(tmp_path_factory):
    """A descriptor set as protoc writes it."""
    folder = tmp_path_factory.mktemp("descriptors")
    arguments = [
        "-m",
        "grpc_tools.protoc",
        f"-I{FIXTURES / 'schemas'}",
        f"--descriptor_set_out={folder / 'fleet.desc'}",
    ]
    subprocess.run([sys.executable, *arguments, "--include_imports", "fleet.proto"], check=True, timeout=60)
    return folder / "fleet.desc"


@pytest.fixture(scope="module")
def classes(descriptor_set):
    """The message classes of the schema, to write what is decoded."""
    from google.protobuf import descriptor_pb2, message_factory

    files = descriptor_pb2.FileDescriptorSet.FromString(descriptor_set.read_bytes())
    return message_factory.GetMessages(list(files.file))


@pytest.fixture
def fleet(classes):
    vessel = classes["fleet.v1.Vessel"](
        vessel_code="V001", tonnage=2**53 + 1, draught=7.1, kind="CARGO", photo=b"\xff\x00", flag="", company="Acme"
    )
    vessel.seen.FromJsonString("2026-01-02T03:04:05Z")
    vessel.imo.value = 2**60
    vessel.home.name = "Göteborg"
    empty = classes["fleet.v1.Vessel"]()
    return classes["fleet.v1.Fleet"](records=[vessel, empty], totals={"all": 2}).SerializeToString()


EXPECTED = {
    "records": [
        {
            "vessel_code": "V001",
            "tonnage": 2**53 + 1,
            "draught": 7.1,
            "kind": "CARGO",
            "photo": "/wA=",
            "flag": "",
            "seen": "2026-01-02T03:04:05Z",
            "imo": 2**60,
            "home": {"name": "Göteborg"},
            "company": "Acme",
        },
        {"vessel_code": "", "tonnage": 0, "draught": 0.0, "kind": "UNKNOWN", "photo": ""},
    ],
    "totals": {"all": 2},
}


def test_the_first_message_of_a_proto_file_with_imports(fleet):
    assert decoder("protobuf", OPTIONS)(fleet, None) == EXPECTED


def test_a_descriptor_set(fleet, descriptor_set):
    options = FormatOptions(schema=descriptor_set.name, schema_base=descriptor_set.parent)
    assert decoder("protobuf", options)(fleet, None) == EXPECTED


def test_a_descriptor_set_without_the_files_of_google(fleet, descriptor_set, tmp_path):
    from google.protobuf import descriptor_pb2

    files = descriptor_pb2.FileDescriptorSet.FromString(descriptor_set.read_bytes())
    own = [file for file in files.file if not file.name.startswith("google/")]
    (tmp_path / "own.pb").write_bytes(descriptor_pb2.FileDescriptorSet(file=own).SerializeToString())
    assert decoder("protobuf", FormatOptions(schema="own.pb", schema_base=tmp_path))(fleet, None) == EXPECTED
    (tmp_path / "cut.pb").write_bytes(descriptor_pb2.FileDescriptorSet(file=own[-1:]).SerializeToString())
    with pytest.raises(FormatError, match="lacks its imports"):
        decoder("protobuf", FormatOptions(schema="cut.pb", schema_base=tmp_path))


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("schemas/fleet.proto#Vessel", None),
        ("schemas/fleet.proto#fleet.v1.Vessel", None),
        ("schemas/fleet.proto", "Vessel"),
        ("schemas/fleet.proto#Fleet", "fleet.v1.Vessel"),
    ],
)
def test_a_named_message(schema, message, classes):
    content = classes["fleet.v1.Vessel"](vessel_code="V002").SerializeToString()
    options = FormatOptions(schema=schema, schema_base=FIXTURES, message=message)
    assert decoder("protobuf", options)(content, None)["vessel_code"] == "V002"


def test_wrong_data_is_an_error_without_a_python_name():
    decode = decoder("protobuf", OPTIONS)
    for content in (b"\x0a", b"\x0a\x7fabc", b"\xff" * 20, b"\x0a\x04\x0a\x02\xff\xfe"):
        with pytest.raises(FormatError, match=r"it is not a fleet\.v1\.Fleet") as caught:
            decode(content, None)
        assert "Error" not in caught.value.detail


def test_nesting_is_limited():
    content = b""
    for _ in range(5000):
        content = b"\x0a" + varint(len(content)) + content
    with pytest.raises(FormatError, match="nested too deeply"):
        decoder("protobuf", FormatOptions(schema="schemas/fleet.proto#Node", schema_base=FIXTURES))(content, None)


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def test_the_number_of_values_is_limited():
    limited = decoder("protobuf", FormatOptions(schema=OPTIONS.schema, schema_base=FIXTURES, max_values=100))
    with pytest.raises(FormatError, match="100 values"):
        limited(b"\x0a\x00" * 101, None)


def test_types_of_google_are_what_protojson_makes_of_them(tmp_path):
    from google.protobuf import any_pb2, struct_pb2

    (tmp_path / "s.proto").write_text(
        'syntax = "proto3"; import "google/protobuf/any.proto"; import "google/protobuf/struct.proto";\n'
        "message M { google.protobuf.Struct data = 1; google.protobuf.Any any = 2; }"
    )
    decode = decoder("protobuf", FormatOptions(schema="s.proto", schema_base=tmp_path))
    data = struct_pb2.Struct()
    data.update({"a": [1, "x", None, {"b": True}]})
    content = b"\x0a" + varint(data.ByteSize()) + data.SerializeToString()
    assert decode(content, None) == {"data": {"a": [1.0, "x", None, {"b": True}]}}
    unknown = any_pb2.Any(type_url="type.googleapis.com/who.Knows", value=b"\x08\x01").SerializeToString()
    with pytest.raises(FormatError, match=r"google\.protobuf\.Any can't be shown"):
        decode(b"\x12" + varint(len(unknown)) + unknown, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('syntax = "proto3";\nmessage M { strin a = 1; }', '"strin" is not defined'),
        ("message M {", "s.proto:1"),
        ('syntax = "proto3";', "has no message"),
        ('syntax = "proto3"; import "../outside.proto"; message M {}', "does not compile"),
        ('syntax = "proto3"; import "link.proto"; message M {}', "outside the folder"),
    ],
)
def test_a_broken_schema_file_is_told_at_load(text, message, tmp_path):
    base = tmp_path / "base"
    base.mkdir()
    (tmp_path / "outside.proto").write_text('syntax = "proto3";')
    (base / "link.proto").symlink_to(tmp_path / "outside.proto")
    (base / "s.proto").write_text(text)
    with pytest.raises(FormatError, match=message):
        decoder("protobuf", FormatOptions(schema="s.proto", schema_base=base))


def test_what_is_missing_is_told_at_load(tmp_path):
    with pytest.raises(FormatError, match="Protobuf format requires outputSchema"):
        decoder("protobuf")
    with pytest.raises(FormatError, match="no schema file"):
        decoder("protobuf", FormatOptions(schema="missing.proto", schema_base=tmp_path))
    with pytest.raises(FormatError, match='no message "Boat"; it has Fleet, Vessel, Node'):
        decoder("protobuf", FormatOptions(schema="schemas/fleet.proto#Boat", schema_base=FIXTURES))
    (tmp_path / "x.desc").write_bytes(b"\xff\xff")
    with pytest.raises(FormatError, match=r"neither a \.proto file nor a descriptor set"):
        decoder("protobuf", FormatOptions(schema="x.desc", schema_base=tmp_path))
