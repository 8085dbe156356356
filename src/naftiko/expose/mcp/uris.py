"""URI templates of resources: RFC 6570 level 1, each variable one segment, percent-decoded."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

_VARIABLE: Final = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}|\{\s*([^{}]+?)\s*\}")
_LONGEST: Final = 8192
"""Characters of a URI that are matched; a longer one names nothing."""


class UriTemplate:
    """A template such as ``data://users/{userId}/profile``; a URI without variables is one that matches itself.

    Attributes:
        text: the template as clients are told it, single braces.
        variables: their names, in order.
    """

    def __init__(self, text: str) -> None:
        self.text = _VARIABLE.sub(lambda found: f"{{{found[1] or found[2]}}}", text)
        self.variables: tuple[str, ...] = tuple(found[1] or found[2] for found in _VARIABLE.finditer(text))
        parts = _VARIABLE.split(text)[::3]
        # A value never crosses a delimiter, so that each URI is read in one way only.
        self._pattern = re.compile("([^/?#]+)".join(re.escape(part) for part in parts))

    def match(self, uri: str) -> dict[str, str] | None:
        """Return the variables' values, or ``None`` where the URI is another one.

        A name that stands twice must have the same value twice.
        """
        found = self._pattern.fullmatch(uri) if len(uri) <= _LONGEST else None
        if found is None:
            return None
        values: dict[str, str] = {}
        for name, raw in zip(self.variables, found.groups(), strict=True):
            value = unquote(raw)
            if values.setdefault(name, value) != value:
                return None
        return values
