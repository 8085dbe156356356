"""Names that clients accept (SEMANTICS 3.8): safe, stable for every run, unique, and kept with the real one.

Common MCP clients refuse property names outside ``^[a-zA-Z0-9_.-]{1,64}$`` and tool names outside
``^[a-zA-Z0-9_-]{1,64}$``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

MAX_LENGTH = 64
_DIGEST = 8
_WORD_BREAK = re.compile(r"[^a-zA-Z0-9]+|(?<=[a-z0-9])(?=[A-Z])")
_UNSAFE_IN_PROPERTY = re.compile(r"[^a-zA-Z0-9_.-]+")
_UNSAFE_IN_TOOL = re.compile(r"[^a-zA-Z0-9_-]+")


def in_words(name: str) -> str:
    """Return a name as words, for whoever finds no description: ``$orderBy`` is ``Order by``."""
    return " ".join(_WORD_BREAK.sub(" ", name).split()).capitalize() or name


def property_names(names: Iterable[str]) -> dict[str, str]:
    """Return a safe name for each input name; a name that is safe already is its own."""
    return _aliases(names, _UNSAFE_IN_PROPERTY)


def tool_names(names: Iterable[str]) -> dict[str, str]:
    """Return a safe name for each tool name; over-long ones are shortened the same way for every run."""
    return _aliases(names, _UNSAFE_IN_TOOL)


def _aliases(names: Iterable[str], unsafe: re.Pattern[str]) -> dict[str, str]:
    ordered = list(dict.fromkeys(names))
    cleaned = {name: _clean(name, unsafe) for name in ordered}
    safe = {name for name in ordered if name and cleaned[name] == name and len(name) <= MAX_LENGTH}
    claims: dict[str, int] = {}
    for name in ordered:
        claims[cleaned[name]] = claims.get(cleaned[name], 0) + 1
    return {
        name: name if name in safe else _unique(name, cleaned[name], clashes=claims[cleaned[name]] > 1)
        for name in ordered
    }


def _clean(name: str, unsafe: re.Pattern[str]) -> str:
    return unsafe.sub("_", name).strip("_") if unsafe.search(name) else name


def _unique(name: str, cleaned: str, *, clashes: bool) -> str:
    """Shorten and, where two names would be the same, tell them apart by a digest of the real name.

    The digest depends on the name alone, so an alias never changes because another input came or went.
    """
    if cleaned and not clashes and len(cleaned) <= MAX_LENGTH:
        return cleaned
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
    return f"{cleaned[: MAX_LENGTH - _DIGEST - 1]}_{digest}" if cleaned else f"input_{digest}"
