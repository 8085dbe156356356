"""The files of a skill over HTTP: one as it is, and all of them as an archive."""

from __future__ import annotations

import asyncio
import io
import re
import time
import zipfile
import zlib
from collections.abc import Awaitable, Callable, Sequence
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, BinaryIO, Final

from starlette.types import Scope, Send

from naftiko.engine.directory import NotServed
from naftiko.engine.skills import Skill, SkillFile
from naftiko.expose.http.replies import Refused, Reply
from naftiko.observe import sanitize as neutral

_OK: Final = int(HTTPStatus.OK)
_NOT_MODIFIED: Final = int(HTTPStatus.NOT_MODIFIED)
_PIECE: Final = 128 * 1024
"""Bytes that are read and sent at once."""
_HARMLESS: Final = (
    ("x-content-type-options", "nosniff"),
    ("content-security-policy", "default-src 'none'; sandbox"),
)
"""A file may be a web page: no browser runs it with the rights of this origin."""
_TAG: Final = re.compile(r'(?:W/)?("[^"]*")')
_FIRST_YEAR: Final = 1980
"""The first year that an archive can say."""
_Reads = Callable[[Skill, Callable[[], Any]], Awaitable[Any]]


async def contents(skill: Skill, path: str, read: _Reads, scope: Scope, send: Send) -> Reply | None:
    """Send a file.

    Args:
        skill: whose it is.
        path: relative to it.
        read: reads of a skill's files, off the event loop.
        scope: of the request.
        send: of the request.

    Raises:
        Refused: there is none, or nobody may have it.
    """
    try:
        file, stream = await read(skill, lambda: skill.open(path))
    except NotServed as error:
        shown = neutral.one_line(path)[:200]
        detail = f"File not found: {shown}" if "no such" in str(error) else f"File not found: {shown}: {error}"
        raise Refused(int(HTTPStatus.NOT_FOUND), "not-found", detail) from None
    try:
        tag = _tag(file) if stream is not None else f'W/"{zlib.crc32(skill.made):x}-{file.size:x}"'
        headers = [("etag", tag), *_modified(file), *_HARMLESS]
        if _has_it(tag, scope):
            return Reply(_NOT_MODIFIED, b"", file.media_type, headers, "no-cache")
        if stream is None:
            return Reply(_OK, skill.made, file.media_type, headers, "no-cache")
        if scope["method"] == "HEAD":
            await _begin(send, file.media_type, [*headers, ("content-length", str(file.size))])
            await send({"type": "http.response.body", "body": b""})
            return None
        await _begin(send, file.media_type, [*headers, ("content-length", str(file.size))])
        await _send_all(stream, file.size, send)
        return None
    finally:
        if stream is not None:
            stream.close()


async def _send_all(stream: BinaryIO, size: int, send: Send) -> None:
    """Send as many bytes as were told, whatever the file has become meanwhile."""
    left = size
    while left > 0:
        piece = await asyncio.to_thread(stream.read, min(_PIECE, left))
        if not piece:
            raise OSError("a file of a skill became shorter while it was sent")
        left -= len(piece)
        await send({"type": "http.response.body", "body": piece, "more_body": left > 0})
    if size == 0:
        await send({"type": "http.response.body", "body": b""})


async def _begin(send: Send, media_type: str, headers: Sequence[tuple[str, str]]) -> None:
    said = [("cache-control", "no-cache"), ("content-type", media_type), *headers]
    raw = [(name.encode(), value.encode("latin-1", "replace")) for name, value in said]
    await send({"type": "http.response.start", "status": _OK, "headers": raw})


def _tag(file: SkillFile) -> str:
    """Return the entity tag of a file: weak, since it is of its time and size, not of its bytes."""
    return f'W/"{file.size:x}-{int((file.modified or 0) * 1_000_000):x}"'


def _modified(file: SkillFile) -> list[tuple[str, str]]:
    return [] if file.modified is None else [("last-modified", formatdate(file.modified, usegmt=True))]


def _has_it(tag: str, scope: Scope) -> bool:
    """Tell whether the caller has this version (RFC 9110 chapter 13.1.2)."""
    asked = b", ".join(value for name, value in scope["headers"] if name == b"if-none-match").decode("latin-1")
    return asked.strip() == "*" or tag.removeprefix("W/") in _TAG.findall(asked)


class _Sink(io.RawIOBase):
    """Takes what an archive is written of, until it is sent."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        """Return what was written since it was asked last."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


async def archive(skill: Skill, files: Sequence[SkillFile], scope: Scope, send: Send) -> Reply | None:
    """Send files as a ZIP archive, one after the other: no more than one of them is in memory."""
    name = re.sub(r"[^\w.-]", "_", skill.name)
    headers = [("content-disposition", f'attachment; filename="{name}.zip"'), _HARMLESS[0]]
    if scope["method"] == "HEAD":
        await _begin(send, "application/zip", headers)
        await send({"type": "http.response.body", "body": b""})
        return None
    sink = _Sink()
    written = zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED)
    await _begin(send, "application/zip", headers)
    for file in files:
        await asyncio.to_thread(_add, written, skill, file)
        await _send_pieces(sink.taken(), send)
    written.close()
    await send({"type": "http.response.body", "body": sink.taken()})
    return None


async def _send_pieces(data: bytes, send: Send) -> None:
    for at in range(0, len(data), _PIECE):
        await send({"type": "http.response.body", "body": data[at : at + _PIECE], "more_body": True})


def _add(written: zipfile.ZipFile, skill: Skill, file: SkillFile) -> None:
    """Add a file as it is now; one that has gone meanwhile is left out."""
    try:
        now, content = skill.read(file.path)
    except NotServed:
        return
    when = time.gmtime(now.modified or 0)
    date = when[:6] if when.tm_year >= _FIRST_YEAR else (_FIRST_YEAR, 1, 1, 0, 0, 0)
    entry = zipfile.ZipInfo(file.path, date)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    written.writestr(entry, content)
