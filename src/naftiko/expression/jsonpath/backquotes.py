"""The spellings that only jsonpath-ng has: ``$.a.`parent```, ``$.text.`split(-, 0, -1)```.

No RFC 9535 expression has a backquote outside a string, so these are jsonpath-ng's alone and it gets them whole.
Its regular expressions (``=~``, ``sub``) run on Python's ``re`` and could hang, so they are refused here; the RFC's
``match()`` and our ``=~`` do the same under a limit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import jsonpath_ng
from jsonpath_ng.ext.parser import parse as parse_extended

from naftiko.expression.jsonpath.literals import JSONPathError

_UNBOUNDED = re.compile(r"`sub\b|=~")
_PLACE = re.compile(r"\b(?:line )?1(?::|, column |, col )([0-9]+)")


@dataclass(frozen=True, slots=True)
class Backquoted:
    """A whole path that jsonpath-ng evaluates."""

    text: str
    _path: jsonpath_ng.JSONPath

    def select(self, nodes: list[Any], root: Any) -> list[Any]:  # noqa: ARG002 - the protocol's signature
        """Give what jsonpath-ng finds; a document that its extensions can't take has nothing to find."""
        try:
            return [found.value for node in nodes for found in self._path.find(node)]
        except Exception:  # noqa: BLE001 - its extensions raise whatever Python does, on documents we don't choose
            return []

    def __str__(self) -> str:
        return self.text


def parse_backquotes(text: str) -> Backquoted:
    """Compile a path with jsonpath-ng's extended parser.

    Raises:
        JSONPathError: it can't be read, or it uses a pattern that could hang.
    """
    unbounded = _UNBOUNDED.search(text)
    if unbounded:
        raise JSONPathError(f"{unbounded[0].strip('`')} can't be used beside a backquoted name", unbounded.start())
    try:
        return Backquoted(text, parse_extended(text))
    except Exception as error:  # noqa: BLE001 - its extensions raise bare Exceptions
        place = _PLACE.search(str(error))
        column = int(place[1]) if place else text.index("`")
        raise JSONPathError("jsonpath-ng can't read this expression", min(column, len(text) - 1)) from None
