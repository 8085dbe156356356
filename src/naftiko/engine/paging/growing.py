"""Which lists of an answer grow with the pages of what it is made of (docs/pagination.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from naftiko.plan.outputs import (
    ArrayOf,
    Expressed,
    FoundValue,
    ObjectOf,
    Output,
    Outputs,
    ValuesOf,
    WholeDocument,
)
from naftiko.plan.paging import Spot

Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Growing:
    """A list of an answer that grows with the pages.

    Attributes:
        path: where it is in the answer.
        is_even: whether it has one item for each item of the pages.
    """

    path: Path
    is_even: bool


class _Whole(Exception):  # it ends a look through a tree
    """An output needs the whole list, so that it can't be made page by page."""


def growing(outputs: Outputs, data: Spot) -> tuple[Growing, ...]:
    """Return the lists of an answer that are, page by page, what they are of all pages together.

    Returns:
        none where another output needs the whole list, such as the number of its items, or its first one.
    """
    if outputs.identity:
        return (Growing(data.keys, is_even=True),)
    try:
        return tuple(_growing(outputs.output, (), (), data.keys))
    except _Whole:
        return ()


def _growing(output: Output, at: Path, context: Path, data: Path) -> Iterator[Growing]:
    """Yield the growing lists of an output.

    Args:
        output: the output.
        at: where its value is in the answer.
        context: where what it is made of is in the document.
        data: where the pages have their list.
    """
    if isinstance(output, WholeDocument):
        yield from _value(context, at, data)
    elif isinstance(output, FoundValue):
        yield from _found(output, at, context, data)
    elif isinstance(output, ObjectOf):
        inside = _inside(output.context, context, data)
        if inside is not None:
            for name, inner in output.properties:
                yield from _growing(inner, (*at, name), inside, data)
    elif isinstance(output, ArrayOf | ValuesOf):
        steps = context if output.context is None else _steps(output.context, context)
        if isinstance(output, ArrayOf) and steps == data:
            yield Growing(at, is_even=True)
        else:
            _keep_away(steps, data)
    elif not isinstance(output, Expressed):
        raise _Whole


def _keep_away(steps: tuple[str | int | None, ...] | None, data: Path) -> None:
    """Let a path be that leads nowhere near the list.

    Raises:
        _Whole: it does.
    """
    if steps is None or all(step is None or step == key for step, key in zip(steps, data, strict=False)):
        raise _Whole


def _found(output: FoundValue, at: Path, context: Path, data: Path) -> Iterator[Growing]:
    steps = _steps(output, context, wild=True)
    size = len(data)
    if steps is None or None not in steps:
        yield from _value(steps, at, data)
    elif steps[:size] == data and steps[size] is None:
        yield Growing(at, is_even=len(steps) == size + 1)
    else:
        _keep_away(steps, data)


def _value(path: tuple[str | int | None, ...] | None, at: Path, data: Path) -> Iterator[Growing]:
    """Yield the list in a value of the document as it is."""
    if path is not None and data[: len(path)] == path:
        yield Growing((*at, *data[len(path) :]), is_even=True)
    else:
        _keep_away(path, data)


def _inside(found: FoundValue | None, context: Path, data: Path) -> Path | None:
    """Return the context of an object's properties; ``None`` where it is nowhere near the list."""
    if found is None:
        return context
    steps = _steps(found, context)
    if steps is not None and data[: len(steps)] == steps:
        return tuple(step for step in steps if step is not None)
    _keep_away(steps, data)
    return None


def _steps(found: FoundValue, context: Path, *, wild: bool = False) -> tuple[str | int | None, ...] | None:
    """Return where a path leads, a wildcard being ``None``; ``None`` where that can't be said."""
    steps = None if found.consumed is not None else found.path.steps
    if steps is None or (None in steps and not wild):
        return None
    return (*context, *steps)
