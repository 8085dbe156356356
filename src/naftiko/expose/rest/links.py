"""Headers that hold URLs: ``Location``, ``Content-Location``, ``Link`` and ``Refresh`` (RFC 9110, RFC 8288).

What is below the base URI of a consumed API leads to the exposed route that calls it, or is not said at all: callers
never see the address of an upstream. What leads elsewhere stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeAlias

Lead: TypeAlias = Callable[[str], str | None]
"""Returns what a URL reference of an upstream is to a caller; ``None``: nothing."""

URL_HEADERS: Final = frozenset({"location", "content-location", "link", "refresh"})
_MOST_LINKS: Final = 100
"""Links of one header that are looked at; the others are left out."""
_ANCHOR: Final = re.compile(r"""(;\s*anchor\s*=\s*)(?:"([^"]*)"|([^\s";,]*))""", re.IGNORECASE)
_REFRESH: Final = re.compile(r"\s*([0-9.]*)\s*[;,]?\s*", re.ASCII)
_URL: Final = re.compile(r"url\s*=\s*", re.IGNORECASE)


def rewritten(pairs: Iterable[tuple[str, str]], lead: Lead) -> Iterator[tuple[str, str]]:
    """Yield the headers as a caller gets them; one of which nothing is left is left out.

    Args:
        pairs: names in lower case, all of ``URL_HEADERS``, and values.
        lead: where a URL leads.
    """
    for name, value in pairs:
        made = _REWRITE[name](value, lead)
        if made:
            yield name, made


def _location(value: str, lead: Lead) -> str | None:
    return lead(value.strip()) if value.strip() else None


def _link(value: str, lead: Lead) -> str | None:
    """Rewrite the links of a header one by one; the context of one (``anchor``) is a URL too."""
    kept: list[str] = []
    for target, parameters in _links(value):
        leads = lead(target)
        anchors = {found[2] or found[3] or "" for found in _ANCHOR.finditer(parameters)}
        contexts = {anchor: lead(anchor) for anchor in anchors}
        if leads is None or None in contexts.values():
            continue
        replaced = _ANCHOR.sub(lambda found: f'{found[1]}"{contexts[found[2] or found[3] or ""]}"', parameters)  # noqa: B023  # called here
        kept.append(f"<{leads}>{replaced}")
    return ", ".join(kept)


def _links(value: str) -> Iterator[tuple[str, str]]:
    """Yield the target of each link and its parameters, from their ``;`` on; what is broken ends the header."""
    at = 0
    for _ in range(_MOST_LINKS):
        start = value.find("<", at)
        end = value.find(">", start)
        if start < 0 or end < 0 or value[at:start].strip(" \t,"):
            return
        at = _end_of_parameters(value, end + 1)
        yield value[start + 1 : end].strip(), value[end + 1 : at].rstrip()


def _end_of_parameters(value: str, at: int) -> int:
    """Return where the comma is that ends a link: one in quotes is none."""
    is_quoted = False
    while at < len(value):
        character = value[at]
        if is_quoted and character == "\\":
            at += 1
        elif character == '"':
            is_quoted = not is_quoted
        elif character == "," and not is_quoted:
            return at
        at += 1
    return len(value)


def _refresh(value: str, lead: Lead) -> str | None:
    """``5; url=/next`` leads on after five seconds; without a URL the page is loaded again."""
    seconds = _REFRESH.match(value)
    end = seconds.end() if seconds else 0
    named = _URL.match(value, end)
    target = value[named.end() if named else end :].strip().strip("'\"")
    if not target:
        return value
    leads = lead(target)
    return None if leads is None else f"{seconds[1] if seconds else ''}; url={leads}"


_REWRITE: Final[dict[str, Callable[[str, Lead], str | None]]] = {
    "location": _location,
    "content-location": _location,
    "link": _link,
    "refresh": _refresh,
}
