"""JSON bodies that a file writes as a text with placeholders (SEMANTICS 4.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from naftiko.expression.escape import EscapeContext
from naftiko.expression.references import Constant, Names, Structure
from naftiko.expression.scope import Scope
from naftiko.expression.template import Placeholder, Template, has_placeholder, parse_json_text
from naftiko.expression.text import as_text, compact_json
from naftiko.ground import jsontext
from naftiko.ground.types import ABSENT

_SINGLE_BRACES = re.compile(r"\{([A-Za-z_][\w.-]*)\}")


@dataclass(frozen=True, slots=True)
class JsonText:
    """JSON text with placeholders.

    It is filled as text, so that it stays as it is written; where a value is absent it is filled by structure, so
    that the key whose only placeholder it is can be left out.
    """

    template: Template
    structure: Structure | None

    def render(self, scope: Scope) -> str:
        """Return the JSON text."""
        if self.structure is not None and self.template.lacks_values(scope):
            return compact_json(self.structure(scope))
        return self.template.render(scope)

    def __call__(self, scope: Scope) -> str:
        """Return the JSON text."""
        return self.render(scope)


def structure_of(template: Template) -> Structure | None:
    """Return the structure of JSON text with placeholders, or ``None`` where it has sections or is no JSON."""
    marks: dict[str, Placeholder] = {}
    pieces: list[str] = []
    for part in template.parts:
        if isinstance(part, str):
            pieces.append(part)
        elif isinstance(part, Placeholder):
            mark = f"\ue000{len(marks)}\ue001"
            marks[mark] = part
            pieces.append(mark if part.position is EscapeContext.JSON_STRING else f'"{mark}"')
        else:
            return None
    try:
        return Structure(_unmark(jsontext.read("".join(pieces)), marks))
    except (ValueError, _KeyIsTemplate):
        return None


class _KeyIsTemplate(Exception):  # it is caught here, never shown
    """JSON text with a placeholder in a key, which is filled as text only."""


_MARK = re.compile("(\ue000\\d+\ue001)")


def _unmark(value: Any, marks: Mapping[str, Placeholder]) -> Any:
    if isinstance(value, dict):
        if any(_MARK.search(key) for key in value):
            raise _KeyIsTemplate
        return {key: _unmark(inner, marks) for key, inner in value.items()}
    if isinstance(value, list):
        return [_unmark(inner, marks) for inner in value]
    if not isinstance(value, str) or not _MARK.search(value):
        return value
    only = marks.get(value)
    if only is not None and only.position is EscapeContext.JSON_VALUE:
        return only.value
    # Inside quotes a value is text, whatever its type.
    parts = [
        replace(marks[piece], position=EscapeContext.PLAIN) if piece in marks else piece for piece in _MARK.split(value)
    ]
    return TextOf(Template(value, tuple(part for part in parts if part != "")))


@dataclass(frozen=True, slots=True)
class TextOf:
    """A template inside quotes: text, or ABSENT where every placeholder is."""

    template: Template

    def __call__(self, scope: Scope) -> Any:
        """Return the text; null stays null where it is all there is between the quotes (SEMANTICS 3.2)."""
        value = self.template(scope)
        return value if value is ABSENT or value is None else as_text(value)


def double_braces(data: str, names: Names) -> str:
    """Bring placeholders with single braces, as paths have them, to double ones: `{"imo": "{imo}", "ids": {ids}}`.

    Text that is JSON once they are filled is meant so; in text that is JSON already, only the names of declared
    parameters are placeholders. All other text keeps its braces (`query { viewer {login} }`).
    """
    if has_placeholder(data) or "{" not in data:
        return data
    if is_json(data):
        return _SINGLE_BRACES.sub(lambda found: f"{{{found[0]}}}" if found[1] in names.inputs else found[0], data)
    doubled = _SINGLE_BRACES.sub(r"{{\1}}", data)
    filled = structure_of(parse_json_text(doubled, lambda _: Constant(None)))
    return data if filled is None else doubled


def is_json(text: str) -> bool:
    """Tell whether a text is JSON."""
    try:
        jsontext.read(text)
    except ValueError:
        return False
    return True
