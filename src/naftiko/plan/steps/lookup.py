"""A step that looks values up in the result of an earlier one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from naftiko.plan.actions import Call, Runner, StepResult
from naftiko.plan.scope import Scope
from naftiko.plan.template import Value
from naftiko.plan.text import as_text
from naftiko.types import ABSENT


@dataclass(frozen=True, slots=True)
class LookupStepPlan:
    """A lookup.

    Attributes:
        index: what is searched: a list of objects, or an object of parallel arrays.
        match: the field that is compared, as text.
        value: what is looked for, one value or a list.
        fields: what is taken of a hit; none: all of it.
    """

    name: str
    needs: frozenset[str]
    index: Value
    match: str
    value: Value
    fields: tuple[str, ...]

    @property
    def calls(self) -> tuple[Call, ...]:
        """It makes none."""
        return ()

    async def run(self, runner: Runner, scope: Scope) -> StepResult:  # noqa: ARG002  # a step's shape
        """Look up; hits keep the order of the values, none found is null (one value) or ``[]`` (a list)."""
        wanted = self.value(scope)
        found: Any
        if isinstance(wanted, list):
            rows = self._by_match(scope)
            hits = (_hit(rows, value) for value in wanted)
            found = [self._taken(hit) for hit in hits if hit is not None]
        elif wanted is ABSENT or wanted is None:
            found = None
        else:
            hit = _hit(self._by_match(scope), wanted)
            found = None if hit is None else self._taken(hit)
        return StepResult(found, found)

    def _by_match(self, scope: Scope) -> dict[str, dict[str, Any]]:
        """Return the rows by the text of the compared field; the first of equal ones wins."""
        rows: dict[str, dict[str, Any]] = {}
        for row in _rows(self.index(scope)):
            value = row.get(self.match, ABSENT)
            if value is not ABSENT and value is not None:
                for text in _texts(value):
                    rows.setdefault(text, row)
        return rows

    def _taken(self, row: dict[str, Any]) -> dict[str, Any]:
        return {name: row.get(name) for name in self.fields} if self.fields else row


def _hit(rows: dict[str, dict[str, Any]], wanted: Any) -> dict[str, Any] | None:
    return next((rows[text] for text in _texts(wanted) if text in rows), None)


def _texts(value: Any) -> tuple[str, ...]:
    """Return what a value is compared as: its text; for a decimal also without zeros at its end, as 1 for ``1.0``."""
    text = as_text(value)
    return (text, text.rstrip("0").rstrip(".")) if isinstance(value, float) and "." in text else (text,)


def _rows(data: Any) -> Iterator[dict[str, Any]]:
    """Yield the rows of a list of objects, of an object of parallel arrays, or of a single object."""
    if isinstance(data, list):
        yield from (row for row in data if isinstance(row, dict))
    elif isinstance(data, dict):
        columns = {name: values for name, values in data.items() if isinstance(values, list)}
        if columns and len(columns) == len(data):
            for at in range(max(map(len, columns.values()))):
                yield {name: values[at] for name, values in columns.items() if at < len(values)}
        else:
            yield data
