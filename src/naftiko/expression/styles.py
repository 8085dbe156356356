"""How a parameter that is an array or an object is written: ``style`` and ``explode`` as OpenAPI 3 has them.

See https://spec.openapis.org/oas/v3.1.1.html#style-values and RFC 6570. A parameter without them has no ``Style``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from naftiko.document.findings import Findings
from naftiko.document.model import InputParameter
from naftiko.document.suggest import did_you_mean, fold
from naftiko.expression.text import as_text

FORM_STYLE: Final = "form"
DEEP_OBJECT: Final = "deepObject"
STYLES: Final[Mapping[str, tuple[str, ...]]] = {
    "query": (FORM_STYLE, "spaceDelimited", "pipeDelimited", DEEP_OBJECT),
    "path": ("simple", "label", "matrix"),
    "header": ("simple",),
    "cookie": (FORM_STYLE,),
}
"""The styles of each place; the first is what is meant where none is named."""
DELIMITERS: Final = {FORM_STYLE: ",", "spaceDelimited": " ", "pipeDelimited": "|"}
_PREFIXES: Final = {"simple": "", "label": ".", "matrix": ";"}
_WRITTEN: Final = {FORM_STYLE: ",", "spaceDelimited": "%20", "pipeDelimited": "%7C"}
_DEEPEST: Final = 20
"""Levels of a deepObject; what is deeper is JSON text."""
_RESERVED: Final = ":/?@!$'()*,;=%"
"""Reserved characters that mean nothing else in a query (RFC 3986 chapters 2.2 and 3.4), and escapes."""
_BARE_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Style:
    """How a value is written, compiled at load.

    Attributes:
        name: of the style.
        explode: whether each element or member stands for itself.
        allow_reserved: whether reserved characters stay as they are.
    """

    name: str
    explode: bool
    allow_reserved: bool = False

    def query_pairs(self, name: str, value: Any) -> Iterator[str]:
        """Yield the encoded ``name=value`` pairs of a query; what is null or empty is none."""
        if self.name == DEEP_OBJECT and isinstance(value, dict):
            yield from self._deep(name, value, _DEEPEST)
            return
        key = quote(name, safe="")
        if isinstance(value, dict):
            members = _members(value, self._encoded)
            if self.explode and self.name == FORM_STYLE:  # a member's name is the key: `=` and `&` in it are encoded
                yield from (f"{member}={text}" for member, text in _members(value, self._encoded, _quoted))
            elif members:
                yield f"{key}={self._delimiter.join(piece for pair in members for piece in pair)}"
        elif isinstance(value, list):
            texts = _elements(value, self._encoded)
            if self.explode or self.name == DEEP_OBJECT:
                yield from (f"{key}={text}" for text in texts)
            elif texts:
                yield f"{key}={self._delimiter.join(texts)}"
        else:
            yield f"{key}={self._encoded(as_text(value))}"

    def cookie_pairs(self, name: str, value: Any) -> Iterator[str]:
        """Yield the ``name=value`` pairs of a Cookie header."""
        return self.query_pairs(name, value)

    def pieces(self, name: str, value: Any, location: str) -> Iterator[str]:
        """Yield what a value makes in its place: pairs, or a text that is not empty."""
        if location in {"query", "cookie"}:
            yield from self.query_pairs(name, value)
        elif text := self.header(value) if location == "header" else self.segment(name, value):
            yield text

    def segment(self, name: str, value: Any, *, safe: str = "") -> str:
        """Return the encoded text of a path; what is empty is ``""``."""

        def encoded(text: str) -> str:
            return quote(text, safe=safe)

        prefix = _PREFIXES[self.name]
        if isinstance(value, dict | list) and not value:
            return ""
        between = (prefix or ",") if self.explode else ","
        if isinstance(value, dict):
            return self._labelled(name, prefix, _joined_members(value, encoded, between, explode=self.explode))
        if isinstance(value, list):
            texts = _elements(value, encoded)
            if self.name == "matrix" and self.explode:
                return "".join(f";{quote(name, safe='')}={text}" for text in texts)
            return self._labelled(name, prefix, between.join(texts), is_object=False)
        return self._labelled(name, prefix, encoded(as_text(value)), is_object=False)

    def _labelled(self, name: str, prefix: str, text: str, *, is_object: bool = True) -> str:
        """Return a text behind its style's prefix; matrix has the name too, unless the members have theirs."""
        if self.name != "matrix" or (is_object and self.explode):
            return prefix + text
        return f"{prefix}{quote(name, safe='')}={text}" if text else f"{prefix}{quote(name, safe='')}"

    def header(self, value: Any) -> str:
        """Return the value of a header, which nothing encodes."""
        if isinstance(value, dict):
            return _joined_members(value, str, ",", explode=self.explode)
        return ",".join(_elements(value, str)) if isinstance(value, list) else as_text(value)

    @property
    def _delimiter(self) -> str:
        return _WRITTEN.get(self.name, ",")

    def _encoded(self, text: str) -> str:
        if self.allow_reserved:
            return quote(_BARE_PERCENT.sub("%25", text), safe=_RESERVED)
        return quote(text, safe="")

    def _deep(self, name: str, value: Any, left: int) -> Iterator[str]:
        """Yield ``a[b][c]=d``; a list of scalars repeats its name, other lists have their indexes."""
        if isinstance(value, dict) and left:
            for member, inner in value.items():
                yield from self._deep(f"{name}[{member}]", inner, left - 1)
        elif isinstance(value, list) and left:
            is_plain = not any(isinstance(element, dict | list) for element in value)
            for at, element in enumerate(value):
                yield from self._deep(name if is_plain else f"{name}[{at}]", element, left - 1)
        elif value is not None:
            yield f"{quote(name, safe='')}={self._encoded(as_text(value))}"


def _elements(value: list[Any], encode: Callable[[str], str]) -> list[str]:
    return [encode(as_text(element)) for element in value if element is not None]


def _members(
    value: Mapping[str, Any], encode: Callable[[str], str], encode_name: Callable[[str], str] | None = None
) -> list[tuple[str, str]]:
    """Return the members of an object, encoded once; what is null is as absent."""
    name = encode_name or encode
    return [(name(member), encode(as_text(inner))) for member, inner in value.items() if inner is not None]


def _quoted(name: str) -> str:
    return quote(name, safe="")


def _joined_members(value: Mapping[str, Any], encode: Callable[[str], str], between: str, *, explode: bool) -> str:
    mark = "=" if explode else ","
    return between.join(f"{member}{mark}{text}" for member, text in _members(value, encode))


def style_of(given: InputParameter, location: str, findings: Findings) -> Style | None:
    """Return how a parameter is written; ``None`` where it doesn't say, or says what means nothing there (told)."""
    if given.style is None and given.explode is None and given.allow_reserved is None:
        return None
    known = STYLES.get(location, ())
    if given.allow_reserved is not None and location != "query":
        _tell(given, "allowReserved", f"`allowReserved` means nothing {_where(location)}", findings, "remove it")
    if not known:
        key = "style" if given.style is not None else "explode"
        if given.style is not None or given.explode is not None:
            _tell(given, key, f"`{key}` means nothing {_where(location)}", findings, "remove it")
        return None
    name = known[0] if given.style is None else _named(given, location, findings)
    if name is None or (given.style is None and given.explode is None and location != "query"):
        return None
    explode = name in {FORM_STYLE, DEEP_OBJECT} if given.explode is None else given.explode
    return Style(name, explode, bool(given.allow_reserved) and location == "query")


def _named(given: InputParameter, location: str, findings: Findings) -> str | None:
    """Return the style that a parameter names; one that differs in its case alone is meant, and told."""
    known, style = STYLES[location], given.style or ""
    if style in known:
        return style
    every = tuple(dict.fromkeys(name for names in STYLES.values() for name in names))
    meant = next((name for name in known if fold(name) == fold(style)), None)
    if meant is None and style in every:
        message = f"the style `{style}` means nothing {_where(location)}; it is not followed"
    else:
        message = f"`{style}` is no style; {'it is not followed' if meant is None else f'`{meant}` is meant'}"
    _tell(given, "style", message, findings, did_you_mean(style, known) or f"use {', '.join(known)}")
    return meant


def _tell(given: InputParameter, key: str, message: str, findings: Findings, hint: str) -> None:
    findings.at(given.at(key)).warning("unknown-style", message, hint=hint)


def _where(location: str) -> str:
    places = {"body": "in a body", "argument": "for an argument of a tool, which is JSON"}
    return places.get(location, f"for a parameter `in: {location}`")
