"""Dot segments: what some server takes for ``.`` or ``..`` and climbs by, with our credential (SEMANTICS 4.1).

``%2E`` is ``.`` (RFC 3986 chapter 6.2.2.2), so encoding doesn't help: such a path is refused. Servers differ in what
they do before they resolve dots. Some decode more than once, some take a backslash for a slash, some drop what follows
a ``;``, some read ``%u002e`` or the overlong UTF-8 of ``.`` and ``/``. A path is refused if any of them would climb.
"""

from __future__ import annotations

import re
from typing import Final

_DOTS: Final = frozenset({".", ".."})
_SUSPECT: Final = re.compile(
    r"(?:^|[/\\])\.\.?(?:$|[/\\;%])"  # dots that stand there, or that something encoded follows
    r"|%(?:2[5EeFf]|5[Cc]|[Cc][01]|(?![0-9A-Fa-f]{2}))"  # an encoded dot, separator or `%`, or no escape at all
)
"""What every path that climbs has; most paths that don't climb have nothing of it."""
_ESCAPE: Final = re.compile(r"%(?:[Uu]00)?([2-7][0-9A-Fa-f])")
"""An encoded ASCII character, also as ``%u002e``; nothing else can become a part of a dot segment."""
_NESTED: Final = re.compile(r"%(?:25)+")
_OVERLONG: Final = re.compile(r"%[Cc]0%[Aa]([EeFf])|%[Cc]1%9[Cc]")
_SEPARATORS: Final = re.compile(r"[/\\]")
_LEVELS: Final = 8
"""How often a path is decoded; no chain of servers comes near it."""
_LONGEST: Final = 1 << 16
"""Characters of a suspicious path that are looked at; no server takes a longer one."""


def climbs(path: str) -> bool:
    """Tell whether a path, as it would be sent, has a segment that some server takes for ``.`` or ``..``.

    Values such as ``a..b``, ``...``, ``.hidden`` or ``..foo`` are no dot segments.

    Args:
        path: percent-encoded, without query and fragment.
    """
    if "%" not in path and "/." not in path and "\\" not in path and path[:1] != ".":
        return False  # nearly every path ends here
    if not _SUSPECT.search(path):
        return False
    if len(path) > _LONGEST:
        return True
    return any(segment.partition(";")[0] in _DOTS for segment in _SEPARATORS.split(_decoded(path)))


def _decoded(path: str) -> str:
    """Decode a path until it stays as it is; what can't be a part of a dot segment is left encoded."""
    for _ in range(_LEVELS):
        decoded = _ESCAPE.sub(_character, _OVERLONG.sub(_short, _NESTED.sub("%", path)))
        if decoded == path:
            break
        path = decoded
    return path


def _character(found: re.Match[str]) -> str:
    return chr(int(found[1], 16))


def _short(found: re.Match[str]) -> str:
    return "\\" if found[1] is None else "." if found[1] in "Ee" else "/"
