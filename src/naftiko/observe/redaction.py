"""Keep secrets out of everything that is shown: logs, errors, problem bodies, dry runs (SEMANTICS 2)."""

from __future__ import annotations

import json
import re
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

HIDDEN = "***"
_SHORTEST = 4
"""A shorter secret is not looked for in text: hiding every ``1`` would hide the message."""
_SECRET_NAME = re.compile(
    r"token|secret|passw|pass$|_pass|api[-_]?key|(^|[-_.])key$|credential|authorization|cookie|signature|private",
    re.IGNORECASE,
)


def is_secret_name(name: str) -> bool:
    """Tell whether a variable, header or parameter of this name holds a secret by its name alone."""
    return _SECRET_NAME.search(name) is not None


class Secret:
    """A value that can't be printed; ``reveal`` gives it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value, for the wire only."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({HIDDEN})"

    __str__ = __repr__

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        raise TypeError("a secret is not pickled")


def _spellings(value: str) -> set[str]:
    """Return a value as URLs, XML and error messages escape it, and each of these as JSON does."""
    plain = {
        value,
        quote(value, safe="", errors="replace"),
        quote_plus(value, errors="replace"),
        escape(value),
        escape(value, {'"': "&quot;", "'": "&apos;"}),
        repr(value)[1:-1],
    }
    return plain | {json.dumps(text, ensure_ascii=is_ascii)[1:-1] for text in plain for is_ascii in (False, True)}


class Redactor:
    """Replaces secret values that it was told of, in any text."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def learn(self, value: str) -> None:
        """Hide this value from now on, also where a URL, JSON or XML has escaped it."""
        if len(value) < _SHORTEST or value in self._values:
            return
        self._values.update(_spellings(value))
        longest_first = sorted(self._values, key=len, reverse=True)
        self._pattern = re.compile("|".join(re.escape(known) for known in longest_first))

    def redact(self, text: str) -> str:
        """Return the text with every known secret hidden."""
        return text if self._pattern is None else self._pattern.sub(HIDDEN, text)
