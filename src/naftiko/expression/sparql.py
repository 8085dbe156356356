"""Values in SPARQL texts: escaped by where they stand, so that none can leave its place (SPARQL 1.1 chapter 19)."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import quote

from naftiko.expression.placeholders import TAG

_LONG_QUOTES: Final = ('"""', "'''")
_IRI: Final = re.compile(r"<(?:\{\{\{?[^{}]*\}\}\}?|[^<>\"{}|^`\\\x00-\x20])*>")
"""An IRI reference (production 139) that may hold placeholders; a ``<`` that begins none compares two values."""
_NOT_IN_IRI: Final = re.compile(r"[<>\"{}|^`\\\x00-\x20]")
_TERM: Final = re.compile(
    r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"  # a number
    r"|[?$]\w+"  # a variable
    r"|[^\W\d][\w-]*|(?:[^\W\d][\w-]*)?:[\w-]*"  # a word, a prefixed name
    r"|<[^<>\"{}|^`\\\x00-\x20]*>"
)
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_TO_ESCAPE: Final = re.compile(r"\\[uU]|[\\\"'\n\r\t]")


class NoTerm(ValueError):
    """A value that can't stand bare in a SPARQL text."""


def in_string(text: str) -> str:
    r"""Return a value inside a literal's quotes.

    ``\u0022`` is read before anything else in SPARQL (19.2), some say even behind a backslash: so a ``u`` there is
    written as an escape itself.
    """
    return _TO_ESCAPE.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    text = found[0]
    return _ESCAPES[text] if len(text) == 1 else f"\\\\\\u{ord(text[1]):04X}"


def in_iri(text: str) -> str:
    """Return a value inside ``<`` and ``>``: what no IRI holds is percent-encoded."""
    return _NOT_IN_IRI.sub(lambda found: quote(found[0], safe=""), text)


def in_comment(text: str) -> str:
    """Return a value behind ``#``: on one line."""
    return " ".join(text.splitlines())


def bare(text: str) -> str:
    """Return a value that stands by itself.

    Raises:
        NoTerm: it is more than one number, variable, name or IRI, and could be any part of a query.
    """
    if not _TERM.fullmatch(text):
        raise NoTerm(text)
    return text


def places(text: str) -> Callable[[int], str]:
    """Return a test for where in a SPARQL text an offset lies: ``string``, ``iri``, ``comment`` or ``bare``."""
    spans = list(_spans(text))
    starts = [start for start, _, _ in spans]

    def place(offset: int) -> str:
        at = bisect_right(starts, offset) - 1
        return spans[at][2] if at >= 0 and offset < spans[at][1] else "bare"

    return place


def _spans(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield what is not bare, in order; placeholders are passed over whole."""
    at = 0
    while at < len(text):
        tag = TAG.match(text, at)
        if tag:
            at = tag.end()
            continue
        character = text[at]
        end, place = at + 1, ""
        if character in "\"'":
            end, place = _string_end(text, at), "string"
        elif character == "#":
            end, place = _line_end(text, at), "comment"
        elif character == "<" and (iri := _IRI.match(text, at)):
            end, place = iri.end(), "iri"
        if place:
            yield at, end, place
        at = end


def _string_end(text: str, start: int) -> int:
    """Return where the literal that begins at ``start`` ends; one that is never closed ends with the text."""
    quotes = text[start : start + 3] if text.startswith(_LONG_QUOTES, start) else text[start]
    at = start + len(quotes)
    while at < len(text):
        tag = TAG.match(text, at)
        if tag:
            at = tag.end()
        elif text[at] == "\\":
            at += 2
        elif text.startswith(quotes, at):
            return at + len(quotes)
        else:
            at += 1
    return len(text)


def _line_end(text: str, start: int) -> int:
    """Return where the line ends; a placeholder's own text holds no line's end."""
    ends = (text.find(end, start) for end in "\r\n")
    return min((end for end in ends if end >= 0), default=len(text))
