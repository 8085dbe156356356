"""Which documents take long: by their size, and for JSON by how much there is in it."""

from __future__ import annotations

from typing import Final

_LARGEST: Final = {
    "json": 512 * 1024,
    "text": 512 * 1024,
    "csv": 32 * 1024,
    "tsv": 32 * 1024,
    "psv": 32 * 1024,
    "xml": 32 * 1024,
    "markdown": 1024,
    "form": 16 * 1024,
}
"""Bytes of a document by its format up to which it is read where it is, mapped and written in 20 ms at most."""
LIGHT: Final = 1024
"""Bytes of a document that is light whatever it is."""
_FEW_BYTES: Final = 8 * 1024
"""The same for the other formats: yaml, html, avro, protobuf."""
_SURELY_LIGHT: Final = 16 * 1024
_MOST_VALUES: Final = 4_000
"""Values and escapes of a JSON document, likewise: each costs microseconds where it is mapped, checked or mended."""


def is_heavy(content: bytes, kind: str) -> bool:
    """Tell whether a document of a format is better read elsewhere."""
    size = len(content)
    if kind != "json":
        return size > _LARGEST.get(kind, _FEW_BYTES)
    return size > _SURELY_LIGHT and (size > _LARGEST["json"] or _values(content) > _MOST_VALUES)


def _values(content: bytes) -> int:
    return content.count(b",") + content.count(b"[") + content.count(b"{") + content.count(b"\\")
