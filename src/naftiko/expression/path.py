"""Paths of consumed APIs.

Placeholders, percent-encoding, fragments and queries, and the dot segments that none may hold (SEMANTICS 4.1).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from naftiko.document.suggest import fold
from naftiko.expression.placeholders import IN_PATH
from naftiko.expression.scope import Scope
from naftiko.expression.styles import Style
from naftiko.expression.template import Value
from naftiko.expression.text import as_text, quoted
from naftiko.ground.types import ABSENT

_DOTS: Final = frozenset({".", ".."})
_SUSPECT: Final = re.compile(
    r"(?:^|[/\\])\.\.?(?:$|[/\\;%])"  # dots that stand there, or that something encoded follows
    r"|%(?:2[5EeFf]|5[Cc]|[Cc][01]|(?![0-9A-Fa-f]{2}))"  # an encoded dot, separator or `%`, or no escape at all
)
"""What every path that climbs has; most paths that don't climb have nothing of it."""
_ESCAPED: Final = re.compile(r"%(?:[Uu]00)?([2-7][0-9A-Fa-f])")
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
        decoded = _ESCAPED.sub(_character, _OVERLONG.sub(_short, _NESTED.sub("%", path)))
        if decoded == path:
            break
        path = decoded
    return path


def _character(found: re.Match[str]) -> str:
    return chr(int(found[1], 16))


def _short(found: re.Match[str]) -> str:
    return "\\" if found[1] is None else "." if found[1] in "Ee" else "/"


"""``{x}`` and ``{{x}}``, also with the ``$`` of a shell before it, which is no part of any path (SEMANTICS 2)."""
_GOOGLE = re.compile(r"(?:https?://)?[^/?#]*\.googleapis\.com(?::[^/?#]*)?(?:[/?#]|$)", re.IGNORECASE)
_RESOURCE_NAMES = frozenset({"name", "parent", "resource"})
"""What Google's APIs call the name of a resource, which is a path itself (google.aip.dev/122)."""
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PATH_SAFE = "/:@!$&'()*+,;=~%"
_QUERY_SAFE = "/?:@!$'()*,;~%"


@dataclass(frozen=True, slots=True)
class PathPlaceholder:
    """A placeholder in a path.

    Attributes:
        name: without the operator.
        keeps_slashes: ``{+x}``, ``{x+}``, ``{x*}``: slashes of the value stay.
        value: where its value comes from.
        style: how an array or an object is written, if the file says that.
    """

    name: str
    keeps_slashes: bool
    value: Value
    style: Style | None = None


PathPart: TypeAlias = "str | PathPlaceholder"


@dataclass(frozen=True, slots=True)
class QueryPart:
    """One ``name=value`` of a query that stands in a path; ``value`` is ``None`` for a bare name."""

    name: str
    value: tuple[PathPart, ...] | None

    @property
    def holds_placeholder(self) -> bool:
        """Whether its value comes from a call."""
        return any(isinstance(part, PathPlaceholder) for part in self.value or ())


@dataclass(frozen=True, slots=True)
class PathTemplate:
    """A consumed path, parsed.

    Attributes:
        text: as the file has it.
        parts: encoded text and placeholders.
        query: the query that stands in the path, kept and joined with the parameters.
    """

    text: str
    parts: tuple[PathPart, ...]
    query: tuple[QueryPart, ...] = ()

    @property
    def placeholders(self) -> tuple[PathPlaceholder, ...]:
        """The placeholders of the path itself, in order."""
        return tuple(part for part in self.parts if isinstance(part, PathPlaceholder))

    @property
    def names(self) -> tuple[str, ...]:
        """Their names, each once, in order."""
        return tuple(dict.fromkeys(part.name for part in self.placeholders))

    @property
    def query_names(self) -> tuple[str, ...]:
        """The placeholders of the query that stands in the path."""
        found = (part for pair in self.query for part in pair.value or ())
        return tuple(dict.fromkeys(part.name for part in found if isinstance(part, PathPlaceholder)))

    def styled(self, styles: Mapping[str, Style]) -> PathTemplate:
        """Return the same, its placeholders of these names written in a style."""
        if not styles:
            return self
        parts = (
            replace(part, style=styles.get(part.name)) if isinstance(part, PathPlaceholder) else part
            for part in self.parts
        )
        return replace(self, parts=tuple(parts))

    def fill(self, scope: Scope) -> tuple[str, list[str]]:
        """Return the encoded path and the names of placeholders that have no value.

        Whoever sends it refuses dot segments (``plan.dots.climbs``).
        """
        missing: list[str] = []
        pieces: list[str] = []
        if len(self.parts) == 1 and isinstance(self.parts[0], str):  # most have no placeholder
            return self.parts[0], missing
        for part in self.parts:
            if isinstance(part, str):
                pieces.append(part)
                continue
            text = _segment(part, scope)
            if text is None or not text:
                missing.append(part.name)
            else:
                pieces.append(text)
        return "".join(pieces), missing

    def climbers(self, scope: Scope) -> tuple[PathPlaceholder, ...]:
        """Return the placeholders that make a dot segment; all of them, where no value does so alone."""
        alone = tuple(part for part in self.placeholders if climbs(_segment(part, scope) or ""))
        return alone or self.placeholders

    @property
    def climbs(self) -> bool:
        """Whether the path as the file has it, whatever its placeholders are, holds a dot segment."""
        return climbs("".join(part if isinstance(part, str) else "x" for part in self.parts))

    def fill_query(self, scope: Scope) -> Iterator[str]:
        """Yield the encoded pairs of the query in the path; one whose placeholder is absent is left out."""
        for pair in self.query:
            if pair.value is None:
                yield pair.name
                continue
            texts = [part if isinstance(part, str) else _segment(part, scope) for part in pair.value]
            if None not in texts:
                yield f"{pair.name}={''.join(text for text in texts if text is not None)}"


def _segment(part: PathPlaceholder, scope: Scope) -> str | None:
    value = part.value(scope)
    if value is ABSENT or value is None:
        return None
    safe = "/" if part.keeps_slashes else ""
    if part.style is not None:
        return part.style.segment(part.name, value, safe=safe)
    return quoted(path_text(value), safe)


def path_text(value: Any) -> str:
    """Return a value's text in a path: a list's elements are joined by commas (RFC 6570 simple expansion)."""
    if isinstance(value, list):
        return ",".join(as_text(element) for element in value)
    return as_text(value)


def encode_literal(text: str, safe: str = _PATH_SAFE) -> str:
    """Percent-encode what may not stand in a path or query as it is written; escapes that are there stay."""
    return quote(_ESCAPE.sub("%25", text), safe=safe)


def parse_path(
    text: str, resolve: Callable[[str], Value], *, resource_names: frozenset[str] = frozenset()
) -> PathTemplate:
    """Parse a consumed path: its ``#fragment`` is dropped, its ``?query`` kept apart.

    Args:
        text: the path.
        resolve: says what a placeholder's name means.
        resource_names: placeholders that keep their slashes, however they are written.
    """
    path, query, _ = split_path(text)
    parts = tuple(
        replace(part, keeps_slashes=True) if isinstance(part, PathPlaceholder) and part.name in resource_names else part
        for part in _parts(path, resolve, _PATH_SAFE)
    )
    return PathTemplate(text, parts, tuple(_query(query[1:], resolve)))


def resource_names(base_uri: str | None) -> frozenset[str]:
    """Return the placeholders that are resource names of an API, such as ``projects/p/topics/t`` of Google's."""
    return _RESOURCE_NAMES if _GOOGLE.match((base_uri or "").strip()) else frozenset()


def split_path(text: str) -> tuple[str, str, str]:
    """Cut a path at ``?`` and ``#`` outside of placeholders; the marks stay with what they begin."""
    bare = IN_PATH.sub(lambda found: "x" * len(found[0]), text)
    end = bare.find("#") if "#" in bare else len(text)
    mark = bare.find("?", 0, end)
    mark = end if mark < 0 else mark
    return text[:mark], text[mark:end], text[end:]


def _query(text: str, resolve: Callable[[str], Value]) -> Iterator[QueryPart]:
    for pair in text.split("&"):
        name, equals, value = pair.partition("=")
        if name or equals:
            parts = tuple(_parts(value, resolve, _QUERY_SAFE)) if equals else None
            yield QueryPart(encode_literal(name, _QUERY_SAFE), parts)


def _parts(text: str, resolve: Callable[[str], Value], safe: str) -> Iterator[PathPart]:
    at = 0
    for found in IN_PATH.finditer(text):
        if found.start() > at:
            yield encode_literal(text[at : found.start()], safe)
        name, keeps = placeholder_name(found[1] or found[2])
        yield PathPlaceholder(name, keeps, resolve(name))
        at = found.end()
    if at < len(text):
        yield encode_literal(text[at:], safe)


def placeholder_name(written: str) -> tuple[str, bool]:
    """Return a placeholder's name without its operator, and whether it keeps slashes."""
    name = written.strip()
    bare = name.removeprefix("+").removesuffix("+").removesuffix("*")
    return (bare, True) if bare and bare != name else (name, False)


def placeholders(text: str) -> tuple[str, ...]:
    """Return the names of the placeholders in a path, each once, in order; those of its query are not among them."""
    return _names(split_path(text)[0])


def inputs_of_path(text: str, variable: Callable[[str], str | None]) -> frozenset[str]:
    """Return what has single braces in a path or its query and is no variable: ``{ID}`` is an input like ``{id}``.

    In double braces, names in capitals are variables as in any other text.

    Args:
        text: the path.
        variable: says which variable a name is, if it is one.
    """
    path, query, _ = split_path(text)
    single = (placeholder_name(found[2])[0] for found in IN_PATH.finditer(path + query) if found[2])
    return frozenset(name for name in single if variable(name) is None)


def all_placeholders(text: str) -> tuple[str, ...]:
    """Return the names of the placeholders in a path and in its query, each once, in order."""
    path, query, _ = split_path(text)
    return _names(path + query)


def has_loose_brace(text: str) -> bool:
    """Tell whether a path, or its query, holds a brace that is no placeholder's."""
    path, query, _ = split_path(text)
    left = IN_PATH.sub("", path + query)
    return "{" in left or "}" in left


def _names(text: str) -> tuple[str, ...]:
    found = (placeholder_name(match[1] or match[2])[0] for match in IN_PATH.finditer(text))
    return tuple(dict.fromkeys(found))


def same_placeholder(name: str, candidates: tuple[str, ...]) -> str | None:
    """Return the candidate that is the same name: exactly, else after dropping case and punctuation."""
    if name in candidates:
        return name
    folded = fold(name)
    return next((candidate for candidate in candidates if fold(candidate) == folded), None)


def join(resource: str, operation: str | None, *, complete: bool) -> str:
    """Return an operation's full path from its resource's and its own (SEMANTICS 4.1)."""
    if not operation:
        return resource
    if complete or resource in {"", "/"}:
        return operation
    outer, query, fragment = split_path(resource)
    if query or fragment:
        path, own_query, own_fragment = split_path(operation)
        pairs = "&".join(text[1:] for text in (query, own_query) if len(text) > 1)
        joined = join(outer, path, complete=False)
        return f"{joined}{'?' if pairs else ''}{pairs}{own_fragment or fragment}"
    slash = "" if operation.startswith(("?", "#")) else "/"
    return f"{resource.rstrip('/')}{slash}{operation.lstrip('/')}"


def shape(path: str) -> str:
    """Return a route with its placeholders' names dropped: two of the same shape catch the same requests."""
    return IN_PATH.sub("{}", path)


def fill_route(path: str, value: Callable[[str], str]) -> str:
    """Return a route with its placeholders filled in by name."""
    return IN_PATH.sub(lambda found: value(placeholder_name(found[1] or found[2])[0]), path)


def begins_with(path: str, prefix: str) -> bool:
    """Tell whether a path begins with another one, segment by segment."""
    segments, first = _segments(path), _segments(prefix)
    return bool(first) and segments[: len(first)] == first


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]
