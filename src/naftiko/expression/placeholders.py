"""How placeholders and sections are written in a text (https://mustache.github.io/mustache.5.html)."""

from __future__ import annotations

import re
from typing import Final

TAG: Final = re.compile(r"\{\{\{\s*(?P<triple>[^{}]*?)\s*\}\}\}|\{\{\s*(?P<kind>[#^/!&]?)\s*(?P<name>[^{}]*?)\s*\}\}")
"""A placeholder, the begin or end of a section, or a comment."""
VARIABLE: Final = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
"""A variable where nothing but variables can stand: addresses of adapters, locations of files."""
IN_PATH: Final = re.compile(r"\$?\{\{\s*([^{}/]+?)\s*\}\}|\$?\{([^{}/]+)\}")
"""A placeholder in a path: ``{id}``, ``{{id}}``, ``${id}``; the name is in one of the two groups."""
IN_ADDRESS: Final = re.compile(r"\$?\{\{\s*([^{}]+?)\s*\}\}|\$?\{([^{}]+)\}")
"""One in a base URI or in a query, whose name may hold a slash."""

_NAME: Final = r"\s*[#^/&!]?\s*[\w$@.][\w\s$@.\[\]/+*-]*"
_HALF: Final = re.compile(
    rf"\{{\{{{_NAME}\}}(?!\}})|(?<!\{{)\{{{_NAME}\}}\}}|\{{\{{{_NAME}[^{{}}]*$|^[^{{}}]*[\w\]]\s*\}}\}}"
)
"""``{{a}``, ``{a}}``, ``{{a`` and ``a}}``."""
_BESIDE: Final = re.compile(r"\{\0|\0\}")
"""A brace beside a placeholder, which is a NUL here: in JSON it may be an object's."""


def broken_at(text: str, *, is_json: bool = False) -> int | None:
    """Return where a placeholder lacks a brace, or has one too many; ``None``: nowhere.

    Text whose braces are in balance, such as JSON or GraphQL, lacks none.
    """
    bare = TAG.sub("\0", text)
    if bare.count("{") == bare.count("}"):
        return None
    found = _HALF.search(bare) or (None if is_json else _BESIDE.search(bare))
    if found is None:
        return None
    before = bare[: found.start()].count("\0")
    tags = [tag for tag, _ in zip(TAG.finditer(text), range(before), strict=False)]
    return found.start() + sum(len(tag[0]) - 1 for tag in tags)


def may_hold_tags(text: str) -> bool:
    """Tell whether a text is a template, or was meant to be one."""
    return "{{" in text or "}}" in text
