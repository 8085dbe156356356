"""An independent oracle for runs over real capability files.

It answers, straight from the YAML and by the contract alone, what a capability serves (:func:`units`), gives
distinctive inputs for a unit (:func:`make_inputs`) and says what a call must send upstream
(:func:`expected_request`). It shares no code with ``naftiko``; where the contract is silent, a comment that begins
with "Choice" says what was chosen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from oracle_document import TEMPLATE, Unservable, load, text
from oracle_outputs import Expected, Unjudged, expected_answer, mock_answer
from oracle_references import ABSENT, Digits, exact, json_text, read_json
from oracle_request import Call, ExpectedRequest, Json, MissingVariable
from oracle_units import ExpectedInput, ExpectedUnit, units_of
from oracle_wire import Unsendable, canonical_url

__all__ = [
    "Digits",
    "Expected",
    "ExpectedInput",
    "ExpectedRequest",
    "ExpectedUnit",
    "Json",
    "MissingVariable",
    "Unjudged",
    "Unsendable",
    "Unservable",
    "canonical_url",
    "exact",
    "expected_answer",
    "expected_mock",
    "expected_opening",
    "expected_request",
    "filled",
    "json_text",
    "logins",
    "make_inputs",
    "names_in",
    "needed_variables",
    "read_json",
    "resolves",
    "units",
]

HEADER_VALUES = {
    "accept": "application/json",
    "accept-encoding": "identity",
    "content-type": "application/json",
    "content-encoding": "identity",
    "authorization": "Bearer caller-token",
    "range": "bytes=0-9",
    "if-match": '"etag-1"',
    "if-none-match": '"etag-2"',
}
"""Values for headers that mean something to a server or a client on the way."""

DATES = ("2026-01-31", "2026-01-31T12:00:00Z", "2026-01", "12:00", "a", "A", "1", "abcdef", "9074729")


def units(path: Path) -> list[ExpectedUnit]:
    """List the REST operations, forwards and MCP tools of a file; a file that is no capability serves nothing."""
    try:
        return list(units_of(load(path.resolve())))
    except Unservable:
        return []


def resolves(unit: ExpectedUnit) -> bool:
    """Tell whether everything that the unit names exists (contract, chapter 1.4)."""
    return unit.executable


def make_inputs(unit: ExpectedUnit) -> dict[str, Any]:
    """Make a distinctive typed value for every input of a unit, the same in every run.

    Text has characters that need encoding, except where it reaches a header. A REST unit that declares its inputs
    may leave out a placeholder of its own path: that gets a value too, since the route can't be called without. So
    does the body of a route that passes it on.
    """
    made = {one.name: _value(unit, one, index) for index, one in enumerate(unit.inputs, start=1)}
    if unit.plan is not None and unit.adapter == "rest":
        carried = {one.placeholder for one in unit.inputs if one.placeholder}
        for index, name in enumerate(unit.plan.place.exposed, start=1):
            if name not in carried:
                made.setdefault(name, f"p{index}-a/b c?d#é")
    if unit.passes_body:
        made.setdefault("body", {"passed on": [Digits("1.10"), "é", None]})
    return made


def _value(unit: ExpectedUnit, one: ExpectedInput, index: int) -> Any:
    if one.enum:
        return one.enum[0]
    match one.type:
        case "integer":
            return Digits(f"{1000 + index}" if index % 2 else f"1000000000000000000000{index:02}")
        case "number":
            return Digits(("0.000000{:02}", "1234567890123456{:02}.89", "{}.10", "{}")[index % 4].format(index))
        case "boolean":
            return bool(index % 2)
        case "array":
            return [f"v{index}a&b", f"v{index}=c/d"]
        case "object":
            return {f"k{index}": "a/b é", "n": Digits(f"{index}.50"), "flag": True, "list": [Digits("1"), "two"]}
    header = next((name for name in _header_names(unit, one)), None)
    value = f"v{index}-a/b c?d#é" if header is None else HEADER_VALUES.get(header.lower(), f"h{index}-a/b?d#e")
    if one.pattern and not re.search(one.pattern, value):
        value = next((date for date in DATES if re.search(one.pattern, date)), value)
    return value


def _header_names(unit: ExpectedUnit, one: ExpectedInput) -> Iterator[str]:
    """Yield the headers that an input reaches, on either side."""
    if one.location in ("header", "cookie"):
        yield one.name
    if unit.plan is None:
        return
    for parameter in unit.plan.operation.parameters:
        if parameter.location not in ("header", "cookie"):
            continue
        with_ = unit.plan.with_
        spoken = unit.plan.context.inputs(with_[parameter.name]) if parameter.name in with_ else [parameter.name]
        if one.name in spoken:
            yield parameter.name


def expected_request(
    path: Path,
    unit: ExpectedUnit,
    inputs: Mapping[str, Any],
    *,
    base_uri_override: str,
    variables: Mapping[str, str],
) -> ExpectedRequest:
    """Say what a call of a unit must send; ``path`` is the unit's file.

    ``inputs`` are named as in ``unit.inputs``; ``variables`` are bind variables and environment, by the name in the
    template or the bind's source key. It works for kind ``call`` and for a ``ref`` whose function is one call. A REST
    caller's whole body goes in as ``body`` where ``unit.passes_body``.

    Raises:
        ValueError: the unit is not one call, or not of this file.
        MissingVariable: a variable has no value: nothing may be sent.
        Unsendable: a placeholder of the path has no value: nothing may be sent.
    """
    if unit.plan is not None and unit.plan.file != path.resolve():
        raise ValueError(f"{unit.name} is no unit of {path}")
    return Call(unit, inputs, variables).request(base_uri_override)


def expected_opening(
    path: Path, unit: ExpectedUnit, inputs: Mapping[str, Any], *, base_uri_override: str, variables: Mapping[str, str]
) -> ExpectedRequest:
    """Say what the first step of an orchestration must send; as :func:`expected_request`."""
    return expected_request(
        path, replace(unit, plan=unit.opening), inputs, base_uri_override=base_uri_override, variables=variables
    )


def expected_mock(unit: ExpectedUnit, inputs: Mapping[str, Any]) -> Any:
    """Say what a mock must answer.

    Raises:
        Unjudged: its outputs hold something that the oracle doesn't know.
    """
    return mock_answer(unit.mock, lambda name: inputs.get(name, ABSENT))


def logins(path: Path) -> dict[str, tuple[str, str]]:
    """Return the header that the adapters of each kind ask of their callers: its name, and a template of its value."""
    found: dict[str, tuple[str, str]] = {}
    for adapter in load(path.resolve()).exposes:
        asked = adapter.get("authentication")
        kind = "mcp" if adapter.get("type") == "mcp" else "rest"
        if isinstance(asked, dict) and asked.get("type") == "bearer":
            found.setdefault(kind, ("Authorization", f"Bearer {asked['token']}"))
        elif isinstance(asked, dict) and asked.get("type") == "apikey":
            found.setdefault(kind, (text(asked["key"]), text(asked["value"])))
    return found


def names_in(value: str) -> list[str]:
    """List the variables of a text, without the namespace of their bind."""
    return [name.rpartition(".")[2] for name in TEMPLATE.findall(value)]


def filled(value: str, variables: Mapping[str, str]) -> str:
    """Put variables into a text."""
    return TEMPLATE.sub(lambda hit: variables[hit[1].rpartition(".")[2]], value)


class _Asked(dict[str, str]):
    """Variables that answer anything and remember what was asked."""

    def __contains__(self, name: object) -> bool:
        return self.setdefault(str(name), f"value-of-{name}") is not None


def needed_variables(unit: ExpectedUnit) -> dict[str, str]:
    """Map each variable that a call of the unit (or its first step) reads to the bind's source key."""
    plan = unit.plan or unit.opening
    if plan is None:
        return {name: name for value in unit.forwards.values() for name in names_in(text(value))}
    asked = _Asked()
    sources = {**plan.context.scope.sources, **plan.operation.scope.sources}
    Call(replace(unit, plan=plan), make_inputs(unit), asked).request("http://localhost")
    return {name: sources.get(name, name) for name in asked}
