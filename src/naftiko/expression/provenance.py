"""Where an output's value came from, as a path that names the same thing in the whole document (``--explain``)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from naftiko.expression import jsonpath
from naftiko.expression.references import Path, StepPath
from naftiko.expression.scope import Scope


def below(at: str, text: str) -> str:
    """Return a path from the document, of one from a context that stands at ``at``; at the top it is as written."""
    if at == "$":
        return text or "$"
    rest = text.strip().removeprefix("$").removesuffix(".")
    if not rest:
        return at
    return f"{at}{rest}" if rest[0] in ".[" else f"{at}.{rest}"


def place(at: str, text: str) -> str:
    """Return the same from the root, for what stands below it."""
    path = below(at, text).strip().removesuffix(".") or "$"
    return path if path.startswith("$") else f"${'' if path.startswith('[') else '.'}{path}"


def missed(path: Path, context: Any, at: str = "$") -> str:
    """Say how far a path matched below ``at``, and what is there instead."""
    told = path.explain(context)
    return str(replace(told, matched=f"{at}{told.matched.removeprefix('$')}"))


def missed_step(value: Any, scope: Scope) -> str:
    """Say how far a path into a step's result matched; nothing for any other value."""
    if not isinstance(value, StepPath) or value.path is None:
        return ""
    return f"in step `{value.step}`: {missed(value.path, scope.steps.get(value.step), f'$.{value.step}')}"


def named(name: str) -> jsonpath.JSONPath:
    """Return the path to the field of a name, whatever characters it has."""
    if name.isidentifier() and name.isascii():
        return jsonpath.parse(f"$.{name}")
    quoted = name.replace("\\", "\\\\").replace("'", "\\'")
    return jsonpath.parse(f"$['{quoted}']")
