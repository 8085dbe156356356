"""What a compiled value is made of, for messages that say where a value should have come from.

Bytes that come from a step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from naftiko.expression.answers import HeaderOf, StatusOf
from naftiko.expression.content import Base64
from naftiko.expression.path import PathPlaceholder
from naftiko.expression.references import (
    Constant,
    InputOrVariable,
    InputPath,
    InputReference,
    OptionalInput,
    PathInto,
    ScopePath,
    StepPath,
    Variable,
)
from naftiko.expression.scope import Composed, Scope
from naftiko.expression.template import Placeholder, Template, Value
from naftiko.expression.text import compact_json


@dataclass(frozen=True, slots=True)
class StepBytes(Composed):
    """A value of a step for a parameter that declares bytes: they are sent, and not the base64 that stands for them."""

    value: Value

    def __call__(self, scope: Scope) -> Any:
        """Return the value; text that is no base64 stays the text that it is."""
        return _bytes(self.value(scope))


def _bytes(found: Any) -> Any:
    if isinstance(found, list):
        return [_bytes(element) for element in found]
    if not isinstance(found, str) or isinstance(found, Base64):
        return found
    try:
        return Base64.read(found)
    except ValueError:
        return found


def leaves(value: Any) -> Iterator[Any]:
    """Yield what a value is made of: inputs, variables, paths and constants; what is composed is taken apart."""
    inner: Iterable[Any]
    if isinstance(value, Composed):
        inner = value.inner()
    elif isinstance(value, dict):
        inner = value.values()
    elif isinstance(value, list):
        inner = value
    else:
        yield value
        return
    for each in inner:
        yield from leaves(each)


def argument_of(part: PathPlaceholder) -> str:
    """Return the argument that a placeholder is; its own name where it is made of something else."""
    return part.value.name if isinstance(part.value, InputReference) else part.name


def variables_in(value: Any, scope: Scope) -> list[str]:
    """Return the variables that a value reads where these inputs are given."""
    return [
        leaf.name
        for leaf in leaves(value)
        if isinstance(leaf, Variable) or (isinstance(leaf, InputOrVariable) and leaf.name not in scope.inputs)
    ]


def inputs_in(value: Any) -> list[str]:
    """Return the caller's inputs that a value reads."""
    kinds = (InputReference, OptionalInput, InputOrVariable, InputPath)
    return list(dict.fromkeys(leaf.name for leaf in leaves(value) if isinstance(leaf, kinds)))


def inputs_of(value: Any) -> Iterator[str]:
    """Yield the inputs that a value can't be made without; what stands in a section may be missing."""
    if isinstance(value, InputReference | InputOrVariable | OptionalInput | InputPath):
        yield value.name
    elif isinstance(value, Template):
        for part in value.parts:
            if isinstance(part, Placeholder):
                yield from inputs_of(part.value)


def reads_steps(value: Any) -> bool:
    """Tell whether a value reads the result of a step."""
    return any(isinstance(leaf, StepPath | ScopePath | StatusOf | HeaderOf) for leaf in leaves(value))


def steps_in(value: Any) -> list[str]:
    """Return the steps that a value reads by name."""
    return list(dict.fromkeys(leaf.step for leaf in leaves(value) if isinstance(leaf, StepPath | StatusOf | HeaderOf)))


def written(value: Any) -> str:
    """Return a compiled value as the file could have it."""
    if isinstance(value, StepPath):
        return f"$.{value.step}{value.path.text.removeprefix('$') if value.path is not None else ''}"
    if isinstance(value, StatusOf | HeaderOf):
        return str(value)
    if isinstance(value, ScopePath):
        return value.path.text
    if isinstance(value, InputPath):
        return f"{{{{{value.name}{value.path.text}}}}}"
    if isinstance(value, PathInto):
        return f"{written(value.value)}{value.path.text}"
    if isinstance(value, InputReference | OptionalInput | Variable | InputOrVariable):
        return f"{{{{{value.name}}}}}"
    if isinstance(value, Template):
        return value.text
    if isinstance(value, Constant):
        return compact_json(value.value)
    found = [written(leaf) for leaf in leaves(value) if leaf is not value and not isinstance(leaf, str)]
    return ", ".join(found) or "(a structure)"


def on_one_line(value: Any) -> Any:
    """Return a value whose variables must have one line: it goes into a URL or a header."""
    if isinstance(value, Variable | InputOrVariable):
        return replace(value, one_line=True)
    if isinstance(value, Template):
        return replace(value, parts=tuple(map(on_one_line, value.parts)))
    if isinstance(value, Placeholder):
        return replace(value, value=on_one_line(value.value))
    return value
