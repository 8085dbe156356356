"""protobuf: one message of a ``.proto`` file, or of a descriptor set (``protoc --descriptor_set_out``).

``outputSchema`` names the file and may name the message, ``schemas/fleet.proto#acme.Vessel``; else it is the file's
first one. Keys are the names of the ``.proto`` file. Numbers are JSON numbers, 64-bit ones too; bytes are base64, enums
their name, and the types of ``google.protobuf`` (Timestamp, Struct and so on) what ProtoJSON makes of them. A field
without presence is always there, with its default; a field with presence is there when it was sent.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from naftiko.engine.formats.decoder import DecodeBudget, Decoder, FormatError, FormatOptions, library
from naftiko.engine.formats.numbers import json_float, json_single
from naftiko.engine.formats.proto_schema import message_descriptor
from naftiko.ground.types import Json

MAX_MESSAGE_BYTES: Final = 8 * 1024 * 1024
"""Twice what gRPC allows by default: two bytes make an empty message, which takes 130 in memory."""

# The types of the protobuf runtime: its own stubs leave descriptors' fields untyped.
_Message: TypeAlias = Any
_Field: TypeAlias = Any

_WRAPPERS: Final = frozenset(
    f"google.protobuf.{kind}Value"
    for kind in ("Bool", "Bytes", "Double", "Float", "Int32", "Int64", "String", "UInt32", "UInt64")
)
_PROTOJSON: Final = frozenset(
    f"google.protobuf.{name}" for name in ("Any", "Duration", "FieldMask", "ListValue", "Struct", "Timestamp", "Value")
)


def prepare(options: FormatOptions) -> Decoder:
    """Compile the schema file and find the message.

    Raises:
        FormatError: the schema file is missing or broken, or has no such message.
        FormatUnavailable: protobuf (or grpcio-tools, for a ``.proto`` file) is not installed.
    """
    if not options.schema:
        raise FormatError("Protobuf format requires outputSchema: the path of a .proto file or a descriptor set")
    factory = library("google.protobuf.message_factory", "protobuf")
    decode_error: type[Exception] = library("google.protobuf.message", "protobuf").DecodeError
    descriptor = message_descriptor(options)
    message_class = factory.GetMessageClass(descriptor)

    def decode(content: bytes, _charset: str | None) -> Json:
        if len(content) > MAX_MESSAGE_BYTES:
            raise FormatError(f"the message is larger than {MAX_MESSAGE_BYTES:,} bytes")
        message = message_class()
        try:
            message.ParseFromString(content)
        except decode_error:
            raise FormatError(
                f"it is not a {descriptor.full_name}: cut, nested too deeply, or of another type"
            ) from None
        return _Reader(DecodeBudget(options), descriptor.file.pool).message(message)

    return decode


class _Reader:
    """Turns messages to JSON, within the limits of one document."""

    def __init__(self, budget: DecodeBudget, pool: Any) -> None:
        self._budget = budget
        self._pool = pool

    def message(self, message: _Message) -> Json:
        descriptor = message.DESCRIPTOR
        self._budget.values(1)
        if descriptor.full_name in _WRAPPERS:
            return self._value(descriptor.fields_by_name["value"], message.value)
        if descriptor.full_name in _PROTOJSON:
            return self._protojson(message)
        return {
            field.name: self._field(field, getattr(message, field.name))
            for field in descriptor.fields
            if not field.has_presence or message.HasField(field.name)
        }

    def _field(self, field: _Field, value: Any) -> Json:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            self._budget.values(len(value))
            item = field.message_type.fields_by_name["value"]
            return {_key(key): self._value(item, value[key]) for key in value}
        if field.is_repeated:
            self._budget.values(1 + len(value))
            return [self._value(field, item) for item in value]
        return self._value(field, value)

    def _value(self, field: _Field, value: Any) -> Json:
        if field.message_type is not None:
            return self.message(value)
        if field.enum_type is not None:
            named = field.enum_type.values_by_number.get(value)
            return named.name if named else int(value)
        show = _SHOWN.get(field.type)
        shown: Json = show(value) if show else value
        return shown

    def _protojson(self, message: _Message) -> Json:
        json_format = library("google.protobuf.json_format", "protobuf")
        self._budget.values(message.ByteSize() // 2)  # no value of these types takes less than two bytes
        try:
            shown: Json = json_format.MessageToDict(
                message, preserving_proto_field_name=True, descriptor_pool=self._pool
            )
        except (json_format.Error, TypeError, ValueError) as wrong:
            raise FormatError(f"a {message.DESCRIPTOR.full_name} can't be shown as JSON: {wrong}") from None
        return shown


def _key(key: bool | int | str) -> str:  # noqa: FBT001 -- a map's key, whose type the schema decides
    return str(key).lower() if isinstance(key, bool) else str(key)


_DOUBLE: Final = 1  # descriptor.proto, FieldDescriptorProto.Type
_FLOAT: Final = 2
_BYTES: Final = 12
_SHOWN: Final[dict[int, Callable[[Any], Json]]] = {
    _DOUBLE: json_float,
    _FLOAT: json_single,
    _BYTES: lambda value: base64.b64encode(value).decode("ascii"),
}
