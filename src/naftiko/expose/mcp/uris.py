"""URI templates of resources: RFC 6570 level 1, each variable one segment, percent-decoded.

The SDK has a ``mcp.shared.uri_template``, also in linear time. It refuses what files may have (``{{userId}}``,
``{user-id}``, a name that stands twice, two without a text between), and reads the user ``""`` in ``data://users//profile``.
What matches is ``Pattern``, which paths of REST need anyway.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from naftiko.expose.http.pattern import Pattern

_VARIABLE: Final = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}|\{\s*([^{}]+?)\s*\}")
_DELIMITERS: Final = frozenset("/?#")
"""What a value never crosses, so that each URI is read in one way only."""


class UriTemplate:
    """A template such as ``data://users/{userId}/profile``; a URI without variables is one that matches itself.

    Attributes:
        text: the template as clients are told it, single braces.
        variables: their names, in order.
    """

    def __init__(self, text: str) -> None:
        self.text = _VARIABLE.sub(lambda found: f"{{{found[1] or found[2]}}}", text)
        self.variables: tuple[str, ...] = tuple(found[1] or found[2] for found in _VARIABLE.finditer(text))
        self._pattern = Pattern(tuple(_VARIABLE.split(text)[::3]), self.variables)

    def match(self, uri: str) -> dict[str, str] | None:
        """Return the variables' values, or ``None`` where the URI is another one.

        A name that stands twice must have the same value twice. Where a URI can be read in several ways, first values
        are short: if one of these crosses a delimiter, so does one of every other way.
        """
        found = self._pattern.match(uri)
        if found is None or any(not _DELIMITERS.isdisjoint(value) for value in found):
            return None
        values: dict[str, str] = {}
        for name, raw in zip(self.variables, found, strict=True):
            value = unquote(raw)
            if values.setdefault(name, value) != value:
                return None
        return values
