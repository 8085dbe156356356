"""Avro container files: a header with the schema, then blocks of data, compressed or not (Avro 1.12, chapter 10)."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Final

from naftiko.engine.formats.avro_datum import Cursor
from naftiko.engine.formats.decoder import DecodeBudget, FormatError

MAGIC: Final = b"Obj\x01"
_SYNC_BYTES: Final = 16

_Decompress = Callable[[bytes, int], bytes]  # at most so many bytes of what the block holds


def _deflate(block: bytes, limit: int) -> bytes:
    return zlib.decompressobj(wbits=-zlib.MAX_WBITS).decompress(block, limit)


def _bzip2(block: bytes, limit: int) -> bytes:
    return bz2.BZ2Decompressor().decompress(block, limit)


def _xz(block: bytes, limit: int) -> bytes:
    return lzma.LZMADecompressor(memlimit=2 * limit + 2**24).decompress(block, limit)


def _as_it_is(block: bytes, _limit: int) -> bytes:
    return block


_CODECS: Final[dict[str, _Decompress]] = {"null": _as_it_is, "deflate": _deflate, "bzip2": _bzip2, "xz": _xz}


class Container:
    """The header of a container file, and its blocks.

    Attributes:
        schema: the JSON text of the schema that the data was written with.
    """

    def __init__(self, content: bytes, budget: DecodeBudget) -> None:
        self._budget = budget
        self._cursor = Cursor(content, budget, position=len(MAGIC))
        header = dict(self._cursor.entries(lambda: self._cursor.take(self._cursor.length())))
        self._sync = self._cursor.take(_SYNC_BYTES)
        self.schema = header.get("avro.schema", b"")
        codec = header.get("avro.codec", b"null").decode("utf-8", "replace")
        if codec not in _CODECS:
            raise FormatError(f'the Avro codec "{codec}" is not supported; known: {", ".join(_CODECS)}')
        self._codec = codec

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """Give the number of data and the decompressed bytes of each block."""
        cursor = self._cursor
        while not cursor.at_end():
            count = cursor.length()
            block = self._decompressed(cursor.take(cursor.length()))
            if cursor.take(_SYNC_BYTES) != self._sync:
                raise FormatError(f"it is not Avro: no sync marker at byte {cursor.position - _SYNC_BYTES}")
            yield count, block

    def _decompressed(self, block: bytes) -> bytes:
        limit = self._budget.options.max_bytes + 1
        try:
            plain = _CODECS[self._codec](block, limit)
        except (zlib.error, OSError, EOFError, lzma.LZMAError, ValueError) as wrong:
            raise FormatError(f"it is not Avro: a block is not {self._codec}: {wrong}") from None
        self._budget.text(len(plain))
        return plain
