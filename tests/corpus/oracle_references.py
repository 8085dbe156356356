"""The expression side of the corpus oracle: which caller's inputs a value of the file speaks of, and what it gives.

Contract, chapter 3.1: references (``rest.x``), templates (``{{x}}``), bare words, literals, maps and lists.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from oracle_document import TEMPLATE, Scope


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()
"""The value of an input that the caller didn't give."""


@dataclass(frozen=True)
class Digits:
    """A JSON number as it is written: its digits are its value (contract, chapter 4.2)."""

    text: str


def exact(value: Any) -> Any:
    """Return a JSON value whose numbers are all ``Digits``, so that they compare by what is written."""
    if isinstance(value, dict):
        return {key: exact(part) for key, part in value.items()}
    if isinstance(value, list):
        return [exact(part) for part in value]
    return Digits(json.dumps(value)) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def read_json(text: str | bytes) -> Any:
    """Parse JSON; its numbers are ``Digits``."""
    return json.loads(text, parse_float=Digits, parse_int=Digits)


def json_text(value: Any) -> str:
    """Write JSON; ``Digits`` are written as they are."""
    if isinstance(value, Digits):
        return value.text
    if isinstance(value, dict):
        return f"{{{','.join(f'{json_text(str(key))}:{json_text(part)}' for key, part in value.items())}}}"
    if isinstance(value, list):
        return f"[{','.join(map(json_text, value))}]"
    return json.dumps(value, ensure_ascii=False)


Look = Callable[[str], Any]
ALIASES = ("rest", "tools", "mcp")


@dataclass(frozen=True)
class Context:
    """What names mean in one unit.

    ``declared`` are the unit's declared inputs, ``locals`` the names that stand for step results (and ``item`` of a
    ``forEach``), ``scope`` the binds.
    """

    prefixes: frozenset[str]
    scope: Scope
    declared: frozenset[str] = frozenset()
    locals: frozenset[str] = field(default_factory=frozenset)

    def reference(self, value: str) -> str | None:
        """Return the caller's input that a whole string refers to: everything after the prefix's dot, verbatim."""
        if value in self.declared:
            return value
        if value.startswith("$this."):
            # Choice: `$this.<any namespace>.x`, and a `{{x}}` there is the same as x.
            name = value.removeprefix("$this.").partition(".")[2]
            inner = TEMPLATE.fullmatch(name)
            return (inner[1] if inner else name) or None
        for prefix in self.prefixes:
            if prefix and value.startswith(f"{prefix}.") and not value.endswith("."):
                return value[len(prefix) + 1 :]
        return None

    def template_input(self, placeholder: str) -> str | None:
        """Return the caller's input that a template's placeholder names, or ``None`` for a step's or a bind's."""
        if self.scope.names_variable(placeholder) or placeholder.partition(".")[0] in self.locals:
            return None
        return self.reference(placeholder) or placeholder

    def inputs(self, value: Any) -> list[str]:
        """List the caller's inputs that a ``with`` value speaks of, in order, each once."""
        found: dict[str, None] = {}
        if isinstance(value, dict):
            found.update(dict.fromkeys(name for part in value.values() for name in self.inputs(part)))
        elif isinstance(value, list):
            found.update(dict.fromkeys(name for part in value for name in self.inputs(part)))
        elif isinstance(value, str):
            name = self.reference(value)
            if name is not None:
                return [name]
            names = (self.template_input(hit) for hit in TEMPLATE.findall(value))
            found.update(dict.fromkeys(name for name in names if name))
        return list(found)

    def evaluate(self, value: Any, look: Look, variable: Look) -> Any:
        """Give a ``with`` value its value; ``look`` gives an input, ``variable`` a bind variable."""
        if isinstance(value, str):
            name = self.reference(value)
            if name is not None:
                return look(name)
            if value.startswith("$."):
                return ABSENT  # a path into steps; a unit with one call has none
        return fill(value, lambda placeholder: self._placeholder(placeholder, look, variable))

    def _placeholder(self, placeholder: str, look: Look, variable: Look) -> Any:
        name = self.template_input(placeholder)
        return variable(placeholder) if name is None else look(name)


def fill(value: Any, look: Look) -> Any:
    """Fill the templates of a value by structure (contract, chapter 4.3).

    A string that is one placeholder keeps the value's type; an entry whose only placeholder is absent is left out.
    Choice: text around an absent placeholder stays, with nothing in its place; if all of its placeholders are
    absent the whole text is. A map or list all of whose entries fell away stays, empty.
    """
    if isinstance(value, dict):
        filled = {str(key): fill(part, look) for key, part in value.items()}
        return {key: part for key, part in filled.items() if part is not ABSENT}
    if isinstance(value, list):
        return [part for part in (fill(one, look) for one in value) if part is not ABSENT]
    if not isinstance(value, str):
        return value
    whole = TEMPLATE.fullmatch(value.strip())
    if whole:
        return look(whole[1])
    hits = TEMPLATE.findall(value)
    if not hits:
        return value
    parts = {hit: look(hit) for hit in hits}
    if all(part is ABSENT for part in parts.values()):
        return ABSENT
    return TEMPLATE.sub(lambda hit: "" if parts[hit[1]] is ABSENT else as_text(parts[hit[1]]), value)


def as_text(value: Any) -> str:
    """Return a value as it stands in a path, query or header (contract, chapter 4.2)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Digits):
        return value.text
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (dict, list)):
        return json_text(value)
    return "null" if value is None else str(value)


def body_names(body: Any) -> list[str]:
    """List the placeholders of a consumed body template, in order, each once, without ``tools.`` or ``rest.``."""
    if isinstance(body, dict):
        return list(dict.fromkeys(name for part in body.values() for name in body_names(part)))
    if isinstance(body, list):
        return list(dict.fromkeys(name for part in body for name in body_names(part)))
    if not isinstance(body, str):
        return []
    return list(dict.fromkeys(bare(hit) for hit in TEMPLATE.findall(body)))


def bare(placeholder: str) -> str:
    """Drop a caller's alias from a placeholder of a consumed operation: ``tools.name`` is ``name``."""
    head, dot, rest = placeholder.partition(".")
    return rest if dot and head in ALIASES else placeholder
