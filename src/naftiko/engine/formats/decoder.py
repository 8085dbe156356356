"""What every format promises, and what it may cost (SEMANTICS 5.1).

An upstream's answer is not trusted: each decoder works within the limits of its ``FormatOptions``, and the only
thing it raises is ``FormatError``.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from naftiko.ground.errors import NaftikoError
from naftiko.ground.types import Json


class FormatError(NaftikoError):
    """Bytes that are not what their format says, or a format that can't be set up.

    Attributes:
        detail: one sentence in plain words, with the position where there is one.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class FormatUnavailable(NaftikoError):
    """A format whose library is not installed.

    Attributes:
        extra: the optional extra of naftiko that brings the library.
    """

    def __init__(self, name: str, *, extra: str) -> None:
        super().__init__(f'the {name} format needs a library that is not installed: pip install "naftiko[{extra}]"')
        self.extra = extra


@dataclass(frozen=True, slots=True)
class FormatOptions:
    """What an operation says about its format, and the limits of decoding.

    Attributes:
        schema: the operation's ``outputSchema``: a CSS selector (html), the start of a heading (markdown), or the
            path of a schema file (avro, protobuf).
        schema_base: the folder of the capability file; a schema file must be inside it.
        schema_roots: folders or files beside it where one may lie too.
        message: the protobuf message to decode; ``None`` is the first one of the schema file.
        max_bytes: the most bytes of a body, of the text of an expanded YAML document, and of a decompressed Avro file.
        max_depth: how deeply objects and arrays may be nested.
        max_values: how many objects, arrays, rows, elements and cells a document may hold; a row of two bytes takes
            two hundred in memory, so a limit of bytes alone does not bound the memory.
    """

    schema: str | None = None
    schema_base: Path | None = None
    schema_roots: tuple[Path, ...] = ()
    message: str | None = None
    max_bytes: int = 64 * 1024 * 1024
    max_depth: int = 200
    max_values: int = 2_000_000


class Decoder(Protocol):
    """Turns the bytes of a body into a JSON document."""

    def __call__(self, content: bytes, charset: str | None, /) -> Json:
        """Decode ``content``; ``charset`` is the parameter of its ``Content-Type``, if any.

        Raises:
            FormatError: the bytes are not what the format says, or go beyond a limit.
        """


class DecodeBudget:
    """Counts what one document makes us hold in memory, and stops it in time."""

    __slots__ = ("_text", "_values", "options")

    def __init__(self, options: FormatOptions) -> None:
        self.options = options
        self._values = options.max_values
        self._text = options.max_bytes

    def values(self, count: int) -> None:
        """Take ``count`` values out of the budget."""
        self._values -= count
        if self._values < 0:
            raise FormatError(f"it holds more than {self.options.max_values:,} values")

    def text(self, length: int) -> None:
        """Take ``length`` characters (or bytes) out of the budget."""
        self._text -= length
        if self._text < 0:
            raise FormatError(f"it expands to more than {self.options.max_bytes:,} bytes")

    def depth(self, depth: int) -> None:
        """Check that ``depth`` levels of nesting are allowed."""
        if depth > self.options.max_depth:
            raise FormatError(f"it is nested more than {self.options.max_depth} levels deep")


def library(module: str, format_name: str) -> Any:
    """Import ``module``, which an optional extra brings.

    Raises:
        FormatUnavailable: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as missing:
        raise FormatUnavailable(format_name, extra="formats") from missing
