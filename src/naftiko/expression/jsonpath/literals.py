"""What stands between parentheses.

The arguments of a function, and JSON whose texts may stand between single quotes.
"""

from __future__ import annotations

import re
from typing import Any, Final

from naftiko.ground import jsontext


class JSONPathError(ValueError):
    """An expression that can't be read.

    Attributes:
        message: what is wrong, one sentence without the place.
        column: where in the text, counted from 0; always inside it.
    """

    def __init__(self, message: str, column: int) -> None:
        super().__init__(f"{message} (column {column + 1})")
        self.message = message
        self.column = column


STRING: Final = r"""(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")"""
_DEEPEST: Final = 20
_SINGLE: Final = re.compile(rf"{STRING}", re.DOTALL)
_MARK: Final = re.compile(rf"{STRING}|(?P<mark>[][(){{}},])", re.DOTALL)


def split_arguments(text: str, start: int, end: int) -> tuple[list[tuple[str, int]], int]:
    """Take the arguments apart that begin at the parenthesis at ``start``.

    Returns:
        Each argument with its offset, and the offset after the closing parenthesis.

    Raises:
        JSONPathError: the parenthesis is never closed, or an argument is missing.
    """
    pieces: list[tuple[str, int]] = []
    depth, begin = 0, start + 1
    for found in _MARK.finditer(text, start, end):
        mark = found["mark"]
        if mark is None:
            continue
        depth += {"(": 1, "[": 1, "{": 1, ",": 0}.get(mark, -1)
        if depth > _DEEPEST:
            raise JSONPathError("the expression is nested too deeply", found.start())
        if depth == 0 or (mark == "," and depth == 1):
            piece = text[begin : found.start()]
            if piece.strip() or mark == "," or pieces:
                pieces.append((piece.strip(), begin + len(piece) - len(piece.lstrip())))
            begin = found.end()
        if depth == 0:
            _check(pieces)
            return pieces, found.end()
    raise JSONPathError("this parenthesis, or a quote inside it, is never closed", start)


def _check(pieces: list[tuple[str, int]]) -> None:
    for piece, place in pieces:
        if not piece:
            raise JSONPathError("an argument is missing", place)


def json_of(text: str) -> Any:
    """Return the value of JSON whose texts may stand in single quotes.

    Raises:
        ValueError: it is none.
    """
    return jsontext.read(_SINGLE.sub(_in_double_quotes, text))


def _in_double_quotes(found: re.Match[str]) -> str:
    if found[0].startswith('"'):
        return found[0]
    inside = re.sub(
        r"\\.|\"", lambda part: {'"': '\\"', "\\'": "'"}.get(part[0], part[0]), found[0][1:-1], flags=re.DOTALL
    )
    return f'"{inside}"'
