r"""Undo the escapes of URLs, JSON, JavaScript and markup in bytes, and know where each byte came from.

``%6b``, ``\u006b``, ``\x6b``, ``&#107;`` and ``&sol;`` are one character spelt differently, once or several times over.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Final

_ROUNDS: Final = 8
"""How often over a text is unescaped."""
LONGEST_ESCAPE: Final = 16
"""Bytes of one escaped character that are known as one."""
UNRESERVED: Final = re.compile(rb"[A-Za-z0-9._~-]+")
"""Characters that no encoding needs to escape (RFC 3986, 2.3)."""


def _signs(codes: str, more: str = "") -> tuple[tuple[bytes, re.Pattern[bytes]], ...]:
    """Return what finds an escape: a byte that every one begins with, and a pattern for the whole."""
    patterns = {
        "%": rf"%(?:25){{0,4}}(?:{codes})",
        "\\": rf"\\(?:u00|x)(?:{codes}){more}",
        "&": rf"&(?:amp;){{0,4}}(?:\#(?:[xX]0{{0,4}}(?:{codes})|0{{0,4}}[0-9]{{2,3}})|(?:period|lowbar|hyphen|dash);)",
    }
    return tuple((begin.encode(), re.compile(pattern.encode())) for begin, pattern in patterns.items())


OF_UNRESERVED: Final = _signs("3[0-9]|4[1-9a-fA-F]|5[0-9aAfF]|6[1-9a-fA-F]|7[0-9aAeE]|2[dDeE]")
OF_ANY: Final = (
    *_signs("[0-9A-Fa-f]{2}", r"""|\\[/"'\\]|\\u[0-9A-Fa-f]{4}"""),
    (b"&", re.compile(rb"&[A-Za-z]+;")),
)

_ESCAPE: Final = re.compile(
    rb"%([0-9a-f]{2})|\\(?:u([0-9a-f]{4})|x([0-9a-f]{2})|([/\"'\\]))|(&(?:\#x?0{0,6}[0-9a-f]{1,6}+(?:;|(?!\Z))|[a-z]{2,8}[1-4]?;))",
    re.IGNORECASE,
)
_BLANK: Final = re.compile(rb"(?:[\r\n\t ]|\\[rnt])+")
_NUL: Final = re.compile(rb"\0+")
_BEGUN: Final = re.compile(
    rb"(?:%(?:25){0,4}[0-9a-f]?|\\{1,8}(?:u[0-9a-f]{0,3}|x[0-9a-f]?)?|&[a-z0-9#;]{0,15})\Z", re.IGNORECASE
)


class Unescaped:
    """Bytes, with where each of them was in what they were made of.

    Attributes:
        data: the bytes.
    """

    __slots__ = ("_here", "_source", "_there", "data")

    def __init__(self, data: bytes, here: list[int], there: list[int], source: Unescaped | None) -> None:
        self.data = data
        self._here = here
        self._there = there
        self._source = source

    def place(self, at: int, *, is_end: bool = False) -> int:
        """Return the place of a byte in the first text; that of an end is behind the whole escape before it."""
        return at if self._source is None else self._source.place(self._step(at, is_end=is_end), is_end=is_end)

    def _step(self, at: int, *, is_end: bool) -> int:
        """One text back. Pieces lie alternately between escapes (even) and in them (odd)."""
        piece = max(0, (bisect_left if is_end else bisect_right)(self._here, at) - 1)
        if piece % 2 == 0:
            return self._there[piece] + at - self._here[piece]
        return self._there[piece + 1] if is_end else self._there[piece]


def _replaced(source: Unescaped, pattern: re.Pattern[bytes], *, drops: bool) -> Unescaped | None:
    """Return the text with what the pattern finds unescaped or dropped, ``None`` where nothing is found."""
    pieces: list[bytes] = []
    here, there = [0], [0]
    size = at = 0
    for found in pattern.finditer(source.data):
        made = b"" if drops else _character(found)
        if made is None:
            continue
        pieces += [source.data[at : found.start()], made]
        size += found.start() - at
        here += [size, size + len(made)]
        there += [found.start(), found.end()]
        size += len(made)
        at = found.end()
    if not pieces:
        return None
    return Unescaped(b"".join([*pieces, source.data[at:]]), here, there, source)


def _character(found: re.Match[bytes]) -> bytes | None:
    percent, unicode, byte, itself, reference = found.groups()
    if percent or byte:
        return bytes.fromhex((percent or byte).decode())
    if unicode:
        return chr(int(unicode, 16)).encode("utf-8", "replace")
    if itself:
        return bytes(itself)
    text = reference.decode("ascii")
    made = html.unescape(text if text.endswith(";") else f"{text};")
    return None if made.startswith("&") and made != "&" else made.encode("utf-8", "replace")


def unescaped(data: bytes) -> Iterator[Unescaped]:
    """Yield a text as it is, unescaped once, twice, and so on until nothing is escaped any more.

    What UTF-16 and UTF-32 put between the letters is left out first; blanks and line ends, as MIME puts them into long
    base64 (RFC 2045, 6.8), at last.
    """
    known = Unescaped(data, [0], [0], None)
    yield known
    if b"\0" in data:
        known = _replaced(known, _NUL, drops=True) or known
        yield known
    last = known
    for _ in range(_ROUNDS):
        following = _replaced(last, _ESCAPE, drops=False)
        if following is None:
            break
        last = following
        yield last
    for squeezed in (known, last) if last is not known else (known,):
        without = _replaced(squeezed, _BLANK, drops=True)
        if without is not None:
            yield without


def begun_escape(data: bytes) -> int:
    """Return where an escape starts whose end may come later; the length where there is none."""
    at = len(data)
    for _ in range(_ROUNDS):  # what is escaped twice may be cut in the escape of its escape
        found = _BEGUN.search(data[max(0, at - 2 * LONGEST_ESCAPE) : at])
        if found is None or found.start() == found.end():
            break
        at -= found.end() - found.start()
    return at
