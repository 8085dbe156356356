"""A client's configuration file.

One entry is put in, everything else stays; a backup first, then all of it at once.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final


def read(path: Path) -> str:
    """Return the text of a file with its ends of lines as they are; ``""`` where there is none.

    Raises:
        OSError: it can't be read.
        UnicodeDecodeError: it is no UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return ""


def replace(path: Path, text: str) -> Path | None:
    """Write a file in one piece; return the backup of what was there before, if anything was.

    A symbolic link stays one: what it points to is written. Permissions stay as they are.

    Raises:
        OSError: it can't be written; then nothing has changed.
    """
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    backup = _backup(target) if target.exists() else None
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        if backup is not None:
            shutil.copymode(target, temporary)
        Path(temporary).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
    return backup


def _backup(path: Path) -> Path:
    """Copy a file to ``FILE.bak-YYYYMMDD-HHMMSS``, local time; an older backup is never overwritten."""
    name = f"{path.name}.bak-{dt.datetime.now().astimezone():%Y%m%d-%H%M%S}"
    backup = path.with_name(name)
    count = 1
    while backup.exists():
        count += 1
        backup = path.with_name(f"{name}-{count}")
    shutil.copy2(path, backup)
    return backup


_TOKEN: Final = re.compile(r'"(?:\\.|[^"\\])*"|//[^\r\n]*|/\*.*?\*/', re.DOTALL)
_STRING_OR_COMMA: Final = re.compile(r'"(?:\\.|[^"\\])*"|,(?=\s*[}\]])')
_BLANK: Final = re.compile(r"\s*")
_INDENT: Final = re.compile(r"\n([ \t]+)\"")
_DEFAULT_INDENT: Final = "  "


class Unreadable(Exception):
    """The file is not what the client can read; the message says where and why."""


class Occupied(Exception):
    """There is another entry of the same name."""


@dataclass(frozen=True, slots=True)
class _Member:
    """A member of an object: its name, and where its value stands in the text."""

    name: str
    value: Any
    start: int
    end: int


def changed(text: str, key: str, name: str, entry: Mapping[str, Any], *, comments: bool, force: bool = False) -> str:
    """Return a configuration with an entry in it; the same text where it is there already.

    Args:
        text: the configuration, ``""`` for a new one.
        key: the member that holds the servers.
        name: of the entry.
        entry: what it says.
        comments: whether comments and trailing commas are read.
        force: whether another entry of the same name is replaced.

    Raises:
        Unreadable: it is no JSON object, or what holds the servers is none.
        Occupied: there is another entry of the same name.
    """
    if not text.strip():
        return json.dumps({key: {name: entry}}, indent=_DEFAULT_INDENT, ensure_ascii=False) + "\n"
    plain = _without_comments(text) if comments else text
    before = _parsed(plain)
    servers = _last(_members(plain, _skip_blank(plain, 0)), key)
    if servers is None:
        new = _put(text, plain, _skip_blank(plain, 0), key, {name: entry}, depth=1)
    elif not isinstance(servers.value, dict):
        raise Unreadable(f"`{key}` is no object")
    elif name not in servers.value:
        new = _put(text, plain, servers.start, name, entry, depth=2)
    elif servers.value[name] == entry:
        return text
    elif not force:
        raise Occupied(name)
    else:
        old = _last(_members(plain, servers.start), name)
        assert old is not None  # noqa: S101  # it is in servers.value
        new = text[: old.start] + _written(text, entry, depth=2) + text[old.end :]
    expected = {**before, key: {**before.get(key, {}), name: entry}}
    if _parsed(_without_comments(new) if comments else new) != expected:
        raise Unreadable("it can't be changed without touching something else")
    return new


def _parsed(plain: str) -> dict[str, Any]:
    try:
        found = json.loads(plain)
    except json.JSONDecodeError as error:
        raise Unreadable(f"line {error.lineno}, column {error.colno}: {error.msg.lower()}") from error
    if not isinstance(found, dict):
        raise Unreadable("it is no JSON object")
    return found


def _without_comments(text: str) -> str:
    """Return the text with comments and trailing commas as blanks, so that every place stays where it is."""
    plain = _TOKEN.sub(lambda found: found[0] if found[0].startswith('"') else _blank(found[0]), text)
    return _STRING_OR_COMMA.sub(lambda found: " " if found[0] == "," else found[0], plain)


def _blank(text: str) -> str:
    return re.sub(r"[^\r\n]", " ", text)


def _skip_blank(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return at if found is None else found.end()


def _members(plain: str, start: int) -> list[_Member]:
    """Return the members of the object at ``start``; the text is known to be JSON."""
    decoder = json.JSONDecoder()
    members: list[_Member] = []
    at = _skip_blank(plain, start + 1)
    while plain[at] != "}":
        name, at = decoder.raw_decode(plain, at)
        value_start = _skip_blank(plain, _skip_blank(plain, at) + 1)  # behind the colon
        value, end = decoder.raw_decode(plain, value_start)
        members.append(_Member(name, value, value_start, end))
        at = _skip_blank(plain, end)
        if plain[at] == ",":
            at = _skip_blank(plain, at + 1)
    return members


def _last(members: list[_Member], name: str) -> _Member | None:
    """Return the member of a name; of two, the one that counts for every reader."""
    return next((member for member in reversed(members) if member.name == name), None)


def _put(text: str, plain: str, start: int, name: str, value: Mapping[str, Any], *, depth: int) -> str:
    """Return the text with one more member at the end of the object at ``start``."""
    members = _members(plain, start)
    close = _skip_blank(plain, members[-1].end if members else start + 1)
    head = text[:close]
    if members:
        # The comma stands right behind the last value, before any comment; a trailing one is there already.
        behind = members[-1].end
        comma = "" if "," in _uncommented(text[behind:close]) else ","
        head = text[:behind] + comma + text[behind:close]
    newline, indent = _newline(text), _indent(text)
    member = f"{json.dumps(name, ensure_ascii=False)}: {_written(text, value, depth=depth)}"
    return f"{head.rstrip()}{newline}{indent * depth}{member}{newline}{indent * (depth - 1)}{text[close:]}"


def _uncommented(text: str) -> str:
    return _TOKEN.sub("", text)


def _written(text: str, value: Mapping[str, Any], *, depth: int) -> str:
    """Return a value as the file would write it: its indentation, its ends of lines."""
    indent = _indent(text)
    lines = json.dumps(value, indent=indent, ensure_ascii=False).splitlines()
    return (_newline(text) + indent * depth).join(lines)


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _indent(text: str) -> str:
    found = _INDENT.search(text)
    return found[1] if found else _DEFAULT_INDENT
