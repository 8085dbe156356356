"""A step that looks values up in the result of an earlier one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from naftiko.document.findings import Findings
from naftiko.document.model import ConsumedOperation, LookupStep, OutputParameter
from naftiko.document.suggest import did_you_mean, listed
from naftiko.expression.references import StepPath
from naftiko.expression.scope import Scope
from naftiko.expression.template import Value
from naftiko.expression.text import as_text
from naftiko.ground.types import ABSENT
from naftiko.link.steps.contract import Linking, StepPlan
from naftiko.plan.actions import Runner, StepResult


@dataclass(frozen=True, slots=True)
class LookupStepPlan(StepPlan):
    """A lookup.

    Attributes:
        index: what is searched: a list of objects, or an object of parallel arrays.
        match: the field that is compared, as text.
        value: what is looked for, one value or a list.
        fields: what is taken of a hit; none: all of it.
    """

    index: Value
    match: str
    value: Value
    fields: tuple[str, ...]

    @classmethod
    def link(cls, step: LookupStep, linking: Linking) -> Self:
        """Link it; it finds nothing without the inputs that it looks for."""
        index = linking.result(step.index, "index") if step.index else None
        if not isinstance(index, StepPath):
            near = did_you_mean(step.index or "", linking.earlier)
            linking.cannot(
                "unknown-step",
                f"looks into `{step.index}`, which is no earlier step",
                near or f"earlier steps: {listed(linking.earlier)}",
                key="index",
            )
        wanted = step.lookup_value if step.lookup_values is None else step.lookup_values
        if step.match is None or wanted is None:
            linking.cannot("unsupported-step", "needs `match` and `lookupValue`")
        value = linking.value(wanted, "lookupValue")
        return cls(linking.name, linking.reads([index, value]), index, step.match, value, step.output_parameters)

    @classmethod
    def check(cls, step: LookupStep, called: Mapping[str, ConsumedOperation], findings: Findings) -> None:
        """Check what it compares and takes against the outputs that the called operation declares."""
        if not step.index:
            return
        fields = _fields(step.index.strip().removeprefix("$."), called)
        wanted = [("match", step.match), *(("outputParameters", name) for name in step.output_parameters)]
        for key, field in wanted if fields else ():
            if field and field not in fields:
                findings.at(step.at(key)).warning(
                    "unknown-field",
                    f"no item of `{step.index}` has `{field}`, as far as its outputs are declared: it finds nothing",
                    hint=did_you_mean(field, fields) or f"declared: {listed(fields)}",
                )

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


def _fields(index: str, called: Mapping[str, ConsumedOperation]) -> list[str]:
    """Return the fields that the items of an index declare; none where nobody knows them."""
    name = next((name for name in called if index == name or index.startswith(f"{name}.")), None)
    if name is None:
        return []
    outputs = called[name].output_parameters
    if len(outputs) == 1 and outputs[0].name is None:
        found: OutputParameter | None = outputs[0]
    else:
        found = OutputParameter(properties=outputs)
    for key in filter(None, index[len(name) :].split(".")):
        inside = found.properties if found is not None else ()
        found = next((each for each in inside if each.name == key), None)
    return [] if found is None else _columns(found)


def _columns(declared: OutputParameter) -> list[str]:
    if declared.items is not None:
        return [each.name for each in declared.items.properties if each.name]
    lists = [each for each in declared.properties if each.type == "array"]
    if lists and len(lists) == len(declared.properties):  # parallel arrays
        return [each.name for each in lists if each.name]
    return []
