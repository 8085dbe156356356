"""What an HTML or XML error page says, for a glance and not for use: read once from front to back, in linear time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Final

_UNSEEN: Final = frozenset({"script", "style", "template", "svg"})
"""Elements whose content nobody is shown."""
_INLINE: Final = frozenset(
    {"a", "abbr", "b", "bdi", "code", "em", "i", "kbd", "mark", "s", "small", "span", "strong", "u"}
)
"""Elements that don't end a word."""
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9:_-]{0,40}")
_REFERENCE: Final = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_MARKUP: Final = frozenset("/!?abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
"""What follows a ``<`` that is one."""
_CDATA: Final = "<![CDATA["


def is_markup(text: str, media_type: str) -> bool:
    """Tell whether a text is a page: by its media type, or by its first character."""
    return "html" in media_type or text.lstrip("\ufeff \t\r\n")[:1] == "<"


def text_of_markup(text: str) -> str:
    """Return the title of a page and the text of its body, headings and all, on one line.

    A title that the body begins with is not said twice.
    """
    titles: list[str] = []
    pieces: list[str] = []
    for element, piece in _texts(text):
        (titles if element == "title" else pieces).append(piece)
    title, body = _line(titles), _line(pieces)
    if not title or body.startswith(title):
        return body
    return f"{title}: {body}" if body else title


def _line(pieces: list[str]) -> str:
    return " ".join("".join(pieces).split())


def _texts(text: str) -> Iterator[tuple[str, str]]:
    """Yield each text with the name of the element that was opened or closed before it."""
    at, element = 0, ""
    while True:
        tag = text.find("<", at)
        if tag != at:
            yield element, _plain(text[at:] if tag < 0 else text[at:tag])
        if tag < 0:
            return
        if text[tag + 1 : tag + 2] not in _MARKUP:
            yield element, "<"
            at = tag + 1
        elif text.startswith("<!--", tag):
            at = _behind(text, "-->", tag + 4)
        elif text.startswith(_CDATA, tag):
            at = _behind(text, "]]>", tag)
            yield element, text[tag + len(_CDATA) : at].removesuffix("]]>")
        else:
            element, at = _tag(text, tag)
            if element not in _INLINE:
                yield element, " "


def _tag(text: str, tag: int) -> tuple[str, int]:
    """Return the name of an element that is opened, and where its text begins: for one that nobody sees, behind it.

    An element that is closed has no name, so that what follows a title is none.
    """
    is_closing = text.startswith("</", tag)
    name = _NAME.match(text, tag + 1 + is_closing)
    element = name[0].lower() if name is not None else ""
    behind = _behind(text, ">", tag)
    if is_closing:
        return element if element in _INLINE else "", behind
    if element in _UNSEEN and text[behind - 2 : behind] != "/>":
        return "", _behind(text, ">", _closing(text, element, behind))
    return element, behind


def _closing(text: str, element: str, start: int) -> int:
    """Return where an element is closed; the end of the text where it never is."""
    found = re.compile(rf"</{element}(?![A-Za-z0-9])", re.IGNORECASE).search(text, start)
    return len(text) if found is None else found.start()


def _behind(text: str, mark: str, start: int) -> int:
    """Return the place behind the next ``mark``; the end of the text where there is none."""
    found = text.find(mark, start)
    return len(text) if found < 0 else found + len(mark)


def _plain(text: str) -> str:
    """Return a text without its references; only those of a sensible length are read."""
    return _REFERENCE.sub(lambda found: unescape(found[0]), text) if "&" in text else text
