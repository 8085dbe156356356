"""Avro's binary encoding, read to JSON within limits (Avro 1.12, chapter 5).

A schema is compiled once to functions that read; a datum is read by calling the outermost one.
"""

from __future__ import annotations

import base64
import datetime as dt
import struct
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias, TypeVar

from naftiko.engine.formats.decoder import DecodeBudget, FormatError
from naftiko.engine.formats.numbers import json_float, json_single
from naftiko.ground.types import Json

_LONGEST_VARINT: Final = 10  # bytes of 64 bits
_LONGEST_DECIMAL: Final = 1024
_LARGEST_SCALE: Final = 2048  # a container brings its own schema: a scale is not to be trusted
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

Schema: TypeAlias = Any  # JSON, as fastavro has checked it
T = TypeVar("T")


class Cursor:
    """A place in the bytes of Avro data, and what may still be read from there."""

    __slots__ = ("_budget", "_content", "_depth", "position")

    def __init__(self, content: bytes, budget: DecodeBudget, *, position: int = 0) -> None:
        self._content = content
        self._budget = budget
        self._depth = 0
        self.position = position

    def at_end(self) -> bool:
        """Tell whether all bytes are read."""
        return self.position >= len(self._content)

    def expect_end(self) -> None:
        """Check that no bytes are left over: they would be a sign of another schema."""
        if not self.at_end():
            left = len(self._content) - self.position
            raise FormatError(f"it is not Avro data of this schema: {left:,} bytes are left at byte {self.position}")

    def wrong(self, what: str) -> FormatError:
        """Make the error that says ``what`` is wrong here."""
        return FormatError(f"it is not Avro data of this schema: {what} at byte {self.position}")

    def take(self, count: int) -> bytes:
        """Read ``count`` bytes."""
        end = self.position + count
        if end > len(self._content):
            raise self.wrong("it ends too early")
        taken = self._content[self.position : end]
        self.position = end
        return taken

    def long(self) -> int:
        """Read an int or long: zigzag, variable length."""
        number = shift = 0
        for _ in range(_LONGEST_VARINT):
            byte = self.take(1)[0]
            number |= (byte & 0x7F) << shift
            if byte < 0x80:  # noqa: PLR2004 -- the bit that says that more follows
                return (number >> 1) ^ -(number & 1)
            shift += 7
        raise self.wrong("a number is longer than 64 bits")

    def length(self) -> int:
        """Read a count or a length, which is not negative."""
        length = self.long()
        if length < 0:
            raise self.wrong("a length is negative")
        return length

    def text(self) -> str:
        """Read a string."""
        encoded = self.take(self.length())
        try:
            return encoded.decode()
        except UnicodeDecodeError:
            raise self.wrong("a string is not UTF-8") from None

    def items(self, read: Callable[[], T]) -> Iterator[T]:
        """Read the blocks of an array."""
        self._depth += 1
        self._budget.depth(self._depth)
        while count := self.long():
            if count < 0:  # then the size of the block in bytes follows
                count = -count
                self.length()
            self._budget.values(count)  # before reading: an item may have no bytes at all
            for _ in range(count):
                yield read()
        self._depth -= 1

    def entries(self, read: Callable[[], T]) -> Iterator[tuple[str, T]]:
        """Read the blocks of a map."""
        return self.items(lambda: (self.text(), read()))

    def record(self, fields: list[tuple[str, Read]]) -> Json:
        """Read the fields of a record."""
        self._depth += 1
        self._budget.depth(self._depth)
        self._budget.values(len(fields))
        record: Json = {name: read(self) for name, read in fields}
        self._depth -= 1
        return record


Read: TypeAlias = Callable[[Cursor], Json]


def compile_schema(schema: Schema) -> Read:
    """Compile a schema that fastavro has checked.

    Raises:
        FormatError: it uses what can't be read.
    """
    return _Compiler().compile(schema)


class _Compiler:
    """Turns schemas to functions; named types are kept by their name, for schemas that refer to them."""

    def __init__(self) -> None:
        self._named: dict[str, Read] = {}
        self._complex: dict[str, Callable[[Schema], Read]] = {
            "record": self._record,
            "error": self._record,
            "enum": self._enum,
            "array": self._array,
            "map": self._map,
            "fixed": self._fixed,
        }

    def compile(self, schema: Schema) -> Read:
        if isinstance(schema, list):
            return self._union(schema)
        if isinstance(schema, str):
            return _PRIMITIVES[schema] if schema in _PRIMITIVES else self._reference(schema)
        kind = schema["type"]
        if not isinstance(kind, str):
            return self.compile(kind)
        base = self._complex[kind](schema) if kind in self._complex else self.compile(kind)
        read = _logical(schema, base)
        if "name" in schema:
            self._named[schema["name"]] = read
        return read

    def _reference(self, name: str) -> Read:
        named = self._named

        def reference(cursor: Cursor) -> Json:
            read = named.get(name)  # looked up when reading: a type may refer to itself before it is complete
            if read is None:
                raise FormatError(f'the Avro schema is broken: unknown type "{name}"')
            return read(cursor)

        return reference

    def _record(self, schema: Schema) -> Read:
        fields = [(field["name"], self.compile(field["type"])) for field in schema["fields"]]
        return lambda cursor: cursor.record(fields)

    def _array(self, schema: Schema) -> Read:
        read = self.compile(schema["items"])
        return lambda cursor: list(cursor.items(lambda: read(cursor)))

    def _map(self, schema: Schema) -> Read:
        read = self.compile(schema["values"])
        return lambda cursor: dict(cursor.entries(lambda: read(cursor)))

    def _union(self, schema: Schema) -> Read:
        branches = [self.compile(branch) for branch in schema]

        def union(cursor: Cursor) -> Json:
            at = cursor.length()
            if at >= len(branches):
                raise cursor.wrong(f"a union of {len(branches)} types has no type {at}")
            return branches[at](cursor)

        return union

    def _enum(self, schema: Schema) -> Read:
        symbols: list[str] = schema["symbols"]

        def enum(cursor: Cursor) -> Json:
            at = cursor.length()
            if at >= len(symbols):
                raise cursor.wrong(f"an enum of {len(symbols)} symbols has no symbol {at}")
            return symbols[at]

        return enum

    def _fixed(self, schema: Schema) -> Read:
        size = schema["size"]
        if not isinstance(size, int) or size < 0:
            raise FormatError(f"the Avro schema is broken: a fixed type of {size} bytes")
        if _is_decimal(schema):
            return lambda cursor: _decimal(cursor.take(size), schema, cursor)
        return lambda cursor: base64.b64encode(cursor.take(size)).decode("ascii")


def _boolean(cursor: Cursor) -> Json:
    byte = cursor.take(1)[0]
    if byte > 1:
        raise cursor.wrong("a boolean is neither 0 nor 1")
    return byte == 1


def _float(cursor: Cursor) -> Json:
    value: float = struct.unpack("<f", cursor.take(4))[0]
    return json_single(value)


def _double(cursor: Cursor) -> Json:
    value: float = struct.unpack("<d", cursor.take(8))[0]
    return json_float(value)


def _bytes(cursor: Cursor) -> Json:
    return base64.b64encode(cursor.take(cursor.length())).decode("ascii")


_PRIMITIVES: Final[dict[str, Read]] = {
    "null": lambda _: None,
    "boolean": _boolean,
    "int": Cursor.long,
    "long": Cursor.long,
    "float": _float,
    "double": _double,
    "bytes": _bytes,
    "string": Cursor.text,
}


def _logical(schema: Schema, base: Read) -> Read:
    """Wrap ``base`` for a logical type; one that is unknown, or on another type, is ignored, as the spec says."""
    kind = f"{schema['type']} {schema.get('logicalType')}"
    if schema["type"] == "bytes" and _is_decimal(schema):
        return lambda cursor: _decimal(cursor.take(cursor.length()), schema, cursor)
    show = _LOGICAL.get(kind)
    return (lambda cursor: _shown(show, base(cursor))) if show else base


def _shown(show: Callable[[int], str], value: Json) -> Json:
    if not isinstance(value, int):
        return value
    try:
        return show(value)
    except (OverflowError, ValueError):  # beyond the calendar of Python
        return value


def _is_decimal(schema: Schema) -> bool:
    scale = schema.get("scale", 0)
    return schema.get("logicalType") == "decimal" and isinstance(scale, int) and 0 <= scale <= _LARGEST_SCALE


def _decimal(unscaled: bytes, schema: Schema, cursor: Cursor) -> Json:
    if len(unscaled) > _LONGEST_DECIMAL:
        raise cursor.wrong("a decimal is too long")
    number = int.from_bytes(unscaled, signed=True)
    scale: int = schema.get("scale", 0)
    digits = str(abs(number)).rjust(scale + 1, "0")
    whole, fraction = digits[: len(digits) - scale], digits[len(digits) - scale :]
    return f"{'-' if number < 0 else ''}{whole}{'.' if fraction else ''}{fraction}"


def _moment(**units: float) -> str:
    return (_EPOCH + dt.timedelta(**units)).replace(tzinfo=None).isoformat()


def _nanoseconds(value: int) -> str:
    seconds, nanos = divmod(value, 1_000_000_000)
    return f"{_moment(seconds=seconds)}.{nanos:09}"


def _time(micros: int) -> str:
    return (_EPOCH + dt.timedelta(microseconds=micros)).time().isoformat()


_LOGICAL: Final[dict[str, Callable[[int], str]]] = {
    "int date": lambda days: _moment(days=days)[:10],
    "int time-millis": lambda value: _time(value * 1000),
    "long time-micros": _time,
    "long timestamp-millis": lambda value: _moment(milliseconds=value) + "Z",
    "long timestamp-micros": lambda value: _moment(microseconds=value) + "Z",
    "long timestamp-nanos": lambda value: _nanoseconds(value) + "Z",
    "long local-timestamp-millis": lambda value: _moment(milliseconds=value),
    "long local-timestamp-micros": lambda value: _moment(microseconds=value),
    "long local-timestamp-nanos": _nanoseconds,
}
