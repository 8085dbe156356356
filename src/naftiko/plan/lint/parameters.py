"""Parameters that contradict themselves: a default that they refuse, an enum of another type, impossible bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from naftiko.document.findings import Findings
from naftiko.document.model import CapabilityDocument, InputParameter, Model
from naftiko.document.nodes import Node
from naftiko.errors import InputError
from naftiko.http_fields import is_token
from naftiko.plan.inputs import Input, InputSet, fit, shorten
from naftiko.plan.schema import parameter_schema
from naftiko.plan.validation import broken_pattern
from naftiko.types import ABSENT

_BOUNDS = (("minimum", "maximum"), ("min_length", "max_length"))
_KEYS = {"min_length": "minLength", "max_length": "maxLength"}


def check_parameters(document: CapabilityDocument, findings: Findings) -> None:
    """Check every input parameter of the file, to any depth."""
    for parameter in parameters(document):
        _check(parameter, findings)
        _check_name(parameter.location, parameter.name, parameter.at("name"), findings)
        if (parameter.location or "").lower() == "header":
            _check_line(parameter.value, parameter.at("value"), findings)
    for api in document.consumes:
        for name, value in getattr(api, "headers", {}).items():
            _check_name("header", name, api.at("headers", name), findings)
            _check_line(value, api.at("headers", name), findings)


def _check_name(location: str | None, name: str | None, node: Node | None, findings: Findings) -> None:
    """Check that a header or a cookie can have its name (RFC 9110 chapter 5.1, RFC 6265 chapter 4.1.1)."""
    kind = (location or "").lower()
    if kind in {"header", "cookie"} and name and not is_token(name):
        findings.at(node).error(
            "bad-header",
            f"no {kind} can have the name `{name[:60]}`",
            hint="use letters, digits, `-` and `_`, without spaces and colons",
        )


def _check_line(value: str | None, node: Node | None, findings: Findings) -> None:
    if value is not None and ("\n" in value.strip() or "\r" in value.strip()):
        findings.at(node).error("bad-header", "a header's value is one line, and this one holds a line break")


def _check(parameter: InputParameter, findings: Findings) -> None:
    if parameter.enum is not None:
        _check_enum(parameter, parameter.enum, findings)
    for low, high in _BOUNDS:
        least, most = getattr(parameter, low), getattr(parameter, high)
        if least is not None and most is not None and least > most:
            findings.at(parameter.at(_KEYS.get(high, high))).error(
                "contradictory-parameter",
                f"{_named(parameter)}: no value is from {least} to {most}",
                hint="swap the two",
            )
    if parameter.default is not None:
        for reason in _refusals(parameter):
            findings.at(parameter.at("default")).error(
                "contradictory-parameter",
                f"the default {shorten(parameter.default)} is refused: {reason}",
                hint="correct the default, or the rule that it breaks",
            )
    for inner in (*parameter.properties, *([parameter.items] if parameter.items is not None else [])):
        _check(inner, findings)


def _named(parameter: InputParameter) -> str:
    return f"`{parameter.name}`" if parameter.name else "an element"


def _check_enum(parameter: InputParameter, enum: list[Any], findings: Findings) -> None:
    for at, member in enumerate(enum):
        if member is not None and fit(member, parameter.type) is ABSENT:
            findings.at(parameter.at("enum", at)).error(
                "contradictory-parameter",
                f"{_named(parameter)} is of type {parameter.type}, and {shorten(member)} of its `enum` is not",
                hint="correct the type, or the value",
            )


def _refusals(parameter: InputParameter) -> tuple[str, ...]:
    """Return why a default would be refused if a caller gave it."""
    schema = parameter_schema(parameter)
    if parameter.pattern is not None and broken_pattern(parameter.pattern):
        del schema["pattern"]  # told where inputs are made
    name = parameter.name or "value"
    given = Input(name, name, "argument", parameter.type, required=False, schema=schema)
    try:
        InputSet([given]).check({name: parameter.default})
    except InputError as error:
        return tuple(dict.fromkeys(problem.message for problem in error.problems))
    return ()


def parameters(document: CapabilityDocument) -> Iterator[InputParameter]:
    """Yield every input parameter of the file, wherever one may be declared."""
    for thing in (*document.consumes, *document.aggregates, *document.exposes):
        for holder in _below(thing):
            given = getattr(holder, "input_parameters", None)
            yield from given if isinstance(given, tuple) else ()


def _below(thing: Model) -> Iterator[Model]:
    """Yield a thing and all that it is made of that may have inputs."""
    yield thing
    for key in ("resources", "operations", "functions", "tools"):
        inner = getattr(thing, key, None)
        for each in inner if isinstance(inner, tuple) else ():
            yield from _below(each)
