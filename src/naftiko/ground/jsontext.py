"""Read and write JSON text (RFC 8259) so that every number keeps its digits (SEMANTICS 4.2).

orjson reads and writes all; it makes doubles of decimals, so where that would change a number (the value is written
again and compared with its text, a sixth of the parsing) the text is read by Python's scanner, which hands over each
number's own text. What is read so is written as it was: an ``ExactNumber`` is a fragment of JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import orjson

from naftiko.ground.digits import ExactNumber, json_decimal, json_integer

_END: Final = rb"(?=[ \t\r\n,\]}]|\Z)"
# Each begins with one certain character, which the scanner finds at the speed of memchr.
_CHANGED: Final = (
    re.compile(
        rb"\.[0-9]+(?:(?<=[0-9]0)"
        + _END
        + rb"|(?<=\.[0-9]{12})|(?<=[0-9]{5}\.[0-9]{8})|(?<=[0-9]{9}\.[0-9]{4})|(?<=[0-9]{13}\.[0-9])|(?<=\.00000))"
    ),
    re.compile(rb"e(?<=[0-9]e)[-+]?[0-9]+" + _END),
    re.compile(rb"E(?<=[0-9]E)[-+]?[0-9]+" + _END),
)
_MINUS_ZERO: Final = re.compile(rb"-0" + _END)
_INTEGERS: Final = bytes(0x30 if chr(byte) in "0123456789" else 0x20 for byte in range(256))
_LONG: Final = b"0" * 19
"""The shortest integer of more than 64 bits."""
_BLANKS: Final = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class Written:
    """A value whose JSON text is there already, as ``write`` made it.

    Attributes:
        text: the JSON.
    """

    text: bytes


class BrokenJson(ValueError):
    """What is no JSON, with its place.

    Attributes:
        line: from 1.
    """

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(f"{message} at line {line}, column {column}")
        self.line = line


def read(text: bytes | str) -> Any:
    """Return the value of a JSON text; of repeated keys the last one wins.

    Raises:
        ValueError: it is no JSON (``NaN`` and ``Infinity`` are none), is nested beyond what Python can hold, or has a
            number of more than 100,000 characters.
    """
    content = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError:
        return read_exactly(text)  # half a surrogate pair, a number beyond a double: JSON that orjson refuses
    return value if keeps_digits(content, value) else read_exactly(text)


def keeps_digits(content: bytes, value: Any) -> bool:
    """Tell whether ``value``, which orjson read of a JSON text, has every number as it is written there.

    ``False`` where that isn't certain: reading exactly is slower, and never wrong.
    """
    try:
        written = orjson.dumps(value)
    except TypeError:  # orjson reads 1,024 levels and writes 254
        return False
    # Most texts come as orjson writes them, or differ in their layout; a few have escapes that it doesn't write.
    if written == content:
        return True
    plain = content.replace(b"\\/", b"/") if b"\\" in content else content
    return written.translate(None, _BLANKS) == plain.translate(None, _BLANKS) or not _is_suspicious(content)


def _is_suspicious(content: bytes) -> bool:
    """Tell whether a JSON text may hold a number that orjson would write otherwise, or what looks like one."""
    return any(changed.search(content) for changed in _CHANGED) or _has_odd_integers(content)


def _has_odd_integers(content: bytes) -> bool:
    """Tell whether there may be an integer that Python's own would change: of more than 64 bits, or ``-0``."""
    return _LONG in content.translate(_INTEGERS) or _MINUS_ZERO.search(content) is not None


def read_exactly(text: bytes | str, *, nan_is_null: bool = False) -> Any:
    """Return the value of a JSON text, read by Python's scanner: every number that would be changed is exact.

    Args:
        text: bytes are UTF-8, or another encoding of Unicode that their beginning shows.
        nan_is_null: whether ``NaN``, ``Infinity`` and ``-Infinity``, which Python writes, are null.

    Raises:
        ValueError: as ``read``.
    """
    try:
        decoded = text.decode(json.detect_encoding(text), "surrogatepass") if isinstance(text, bytes) else text
        content = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        # Each integer that is handed over costs a call; the encodings that are not UTF-8 have NULs between digits.
        decoder = _DECODERS[nan_is_null, b"\0" in content or _has_odd_integers(content)]
        return decoder.decode(decoded)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except json.JSONDecodeError as wrong:
        raise BrokenJson(wrong.msg, wrong.lineno, wrong.colno) from None


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _decoder(*, nan_is_null: bool, integers: bool) -> json.JSONDecoder:
    constant = (lambda _: None) if nan_is_null else _no_number
    return json.JSONDecoder(
        parse_float=json_decimal, parse_int=json_integer if integers else None, parse_constant=constant
    )


_DECODERS: Final = {
    (nan_is_null, integers): _decoder(nan_is_null=nan_is_null, integers=integers)
    for nan_is_null in (False, True)
    for integers in (False, True)
}


def fragment(value: Any) -> orjson.Fragment:
    """Return an exact number, or what is written already, as the piece of JSON that it is.

    It is the ``default`` of orjson where nothing else is new.

    Raises:
        TypeError: it is none.
    """
    if isinstance(value, ExactNumber):
        return orjson.Fragment(value.text)
    if isinstance(value, Written):
        return orjson.Fragment(value.text)
    raise TypeError(f"{type(value).__name__} is no JSON")


def write(value: Any, default: Callable[[Any], Any] = fragment, *, indented: bool = False) -> bytes:
    """Return JSON text without spaces, or indented by two; half a surrogate pair is U+FFFD, NaN is null.

    Args:
        value: to be written.
        default: gives what is written for a value that is no JSON, or its ``fragment``.
        indented: for people to read.

    Raises:
        TypeError: it holds what is no JSON.
    """
    try:
        return orjson.dumps(value, default, orjson.OPT_INDENT_2 if indented else None)
    except TypeError:  # an integer beyond 64 bits, half a surrogate pair, 255 levels
        return "".join(_pieces(value, default, "\n" if indented else "")).encode()


class _Piece(str):
    """A part of the text, among values that are still to be written."""

    __slots__ = ()


def _pieces(value: Any, default: Callable[[Any], Any], newline: str) -> Iterator[str]:
    """Yield the pieces of any value's JSON text, however deep, and however long its integers."""
    waiting: list[tuple[Any, int]] = [(value, 0)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, _Piece):
            yield value
        elif isinstance(value, str):
            yield _quoted(value)
        elif isinstance(value, dict | list):
            waiting.extend(reversed(_members(value, depth, newline)))
        elif isinstance(value, ExactNumber):
            yield value.text
        elif value is None or isinstance(value, bool | float | orjson.Fragment):
            yield orjson.dumps(value).decode()
        elif isinstance(value, int):
            yield str(value)
        else:
            waiting.append((default(value), depth))


def _members(value: dict[Any, Any] | list[Any], depth: int, newline: str) -> list[tuple[Any, int]]:
    """Return the members of a collection with what stands between them."""
    brackets = "{}" if isinstance(value, dict) else "[]"
    if not value:
        return [(_Piece(brackets), depth)]
    indent = newline and newline + "  " * (depth + 1)
    parts: list[tuple[Any, int]] = []
    for member in value:
        parts.append((_Piece(("," if parts else brackets[0]) + indent), depth))
        if isinstance(value, dict):
            parts.append((_Piece(_quoted(str(member)) + (": " if newline else ":")), depth))
        parts.append((value[member] if isinstance(value, dict) else member, depth + 1))
    return [*parts, (_Piece((newline and newline + "  " * depth) + brackets[1]), depth)]


def _quoted(text: str) -> str:
    try:
        return orjson.dumps(text).decode()
    except TypeError:  # half a surrogate pair
        return orjson.dumps(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")).decode()
