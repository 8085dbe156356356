"""A required parameter without a value ends the call before anything is sent (SEMANTICS 3.2).

A request without its filter would be answered with everybody's data. Whoever drafts a request notices at no cost that
something may lack; what does, and where its value should have come from, is found out here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from naftiko.engine.refused import callers_name
from naftiko.errors import CallError, InputError, MissingValue, Problem
from naftiko.plan.actions import Call
from naftiko.plan.parameter import Parameter
from naftiko.plan.path import PathPlaceholder, path_text
from naftiko.plan.references import Input
from naftiko.plan.required import is_made_elsewhere
from naftiko.plan.scope import Scope
from naftiko.plan.sources import argument_of, inputs_in, reads_steps, steps_in, written
from naftiko.plan.template import Value
from naftiko.plan.unit import ApiPlan
from naftiko.types import ABSENT


def sends_nothing(value: Any, parameter: Parameter | None = None) -> bool:
    """Tell whether a value leaves no trace in a query, a header or a cookie: it is none, or a list of none.

    An object without members is none either, where the parameter has a style; elsewhere it is the JSON text ``{}``.
    """
    if parameter is not None and parameter.style is not None and isinstance(value, dict):
        return next(parameter.style.pieces(parameter.name, value, parameter.location), None) is None
    return value is ABSENT or value is None or (isinstance(value, list) and all(item is None for item in value))


@dataclass(frozen=True, slots=True)
class _Lacking:
    """A parameter without a value, and what the value should have been made of."""

    name: str
    location: str
    source: Value | None


def without_values(call: Call, api: ApiPlan, scope: Scope, *, has_body: bool | None) -> CallError | None:
    """Return the error for a call that lacks required values, or ``None`` where it lacks none.

    Args:
        call: the call.
        api: the API that it goes to.
        scope: its arguments and the variables.
        has_body: whether a body is sent; ``None`` where that isn't known yet, and no body is looked at.
    """
    of_parameters = _of_parameters(call, api, scope, has_body=has_body)
    return _error(call, [*_of_base(call, api, scope), *_of_path(call, scope), *of_parameters])


def base_without_values(call: Call, api: ApiPlan, scope: Scope) -> CallError | None:
    """Return the error for a call that lacks a value of its base URI, or ``None`` where it lacks none."""
    return _error(call, list(_of_base(call, api, scope)))


def _error(call: Call, lacking: list[_Lacking]) -> CallError | None:
    theirs = [found for found in lacking if found.source is not None and not _reads_steps(call, found.source)]
    if theirs:
        return InputError([_problem(call, found) for found in theirs])
    if not lacking:
        return None
    told = "; ".join(_told(call, found) for found in lacking)
    steps = dict.fromkeys(step for found in lacking for step in steps_in(found.source))
    looked = " and ".join(f"`{step}`" for step in steps)
    return MissingValue(
        [found.name for found in lacking], told, hint=f"look at what step {looked} found" if steps else ""
    )


def _of_base(call: Call, api: ApiPlan, scope: Scope) -> Iterator[_Lacking]:
    """A placeholder of the base URI that a call fills; a variable may stand in for a caller's input, not for a step."""
    for name, source in call.arguments:
        value = scope.inputs.get(name)
        absent = value is None or not path_text(value)
        if name in api.base.path_names and absent and (reads_steps(source) or not scope.variables.get(name)):
            yield _Lacking(name, "path", source)


def _of_path(call: Call, scope: Scope) -> Iterator[_Lacking]:
    arguments = dict(call.arguments)
    names = call.operation.path.fill(scope)[1]
    for part in call.operation.path.placeholders:
        if part.name in names:
            yield _Lacking(argument_of(part), "path", _source(part, arguments))


def _source(part: PathPlaceholder, arguments: dict[str, Value]) -> Value | None:
    return arguments.get(part.value.name) if isinstance(part.value, Input) else part.value


def _of_parameters(call: Call, api: ApiPlan, scope: Scope, *, has_body: bool | None) -> Iterator[_Lacking]:
    arguments = dict(call.arguments)
    ours = {name for place, name in api.credentials if place == "query"}
    yield from (found for found in _of_paths_query(call, scope, arguments) if found.name not in ours)
    for parameter in call.operation.parameters:
        if not parameter.required or parameter.location in {"path", "environment"}:
            continue
        source = arguments.get(parameter.argument) if parameter.fixed is None else _inside(parameter.fixed, arguments)
        value = parameter.value_in(scope)
        if parameter.location == "body":
            lacks = has_body is not None and _lacks_in_body(call, parameter, value, source, has_body=has_body)
        else:
            lacks = sends_nothing(value, parameter) or (value == {} and _left_by_steps(call, source))
        if lacks and not is_made_elsewhere(parameter, call.operation, api):
            yield _Lacking(parameter.argument, parameter.location, source)


def _left_by_steps(call: Call, source: Value | None) -> bool:
    """``{}`` is JSON text that a caller may mean; where a step should have filled it, it is none."""
    return source is not None and _reads_steps(call, source)


def _inside(fixed: Value, arguments: dict[str, Value]) -> Value:
    """Return the argument in a fixed value that a step should have given, else the fixed value itself."""
    inner = (arguments.get(name) for name in inputs_in(fixed))
    return next((value for value in inner if value is not None and reads_steps(value)), fixed)


def _of_paths_query(call: Call, scope: Scope, arguments: dict[str, Value]) -> Iterator[_Lacking]:
    path = call.operation.path
    sent = {pair.partition("=")[0] for pair in path.fill_query(scope)} if call.operation.path_query else set()
    for parameter in call.operation.path_query:
        if parameter.name not in sent:
            pair = next(pair for pair in path.query if pair.name == parameter.name)
            part = next(part for part in pair.value or () if isinstance(part, PathPlaceholder))
            yield _Lacking(parameter.name, "query", _source(part, arguments))


def _lacks_in_body(call: Call, parameter: Parameter, value: Any, source: Value | None, *, has_body: bool) -> bool:
    """``null`` is a value in a JSON body where a caller gives it, and none where a step found nothing."""
    if value is not ABSENT and (value is not None or source is None or not _reads_steps(call, source)):
        return False
    is_whole = parameter is call.operation.in_body.whole or any(extra.place == "body" for extra in call.extras)
    return not (is_whole and has_body and value is ABSENT)


def _reads_steps(call: Call, source: Value) -> bool:
    """Tell whether a value comes out of a step, by itself or by an argument that it reads."""
    arguments = dict(call.arguments)
    return reads_steps(source) or any(reads_steps(arguments.get(name)) for name in inputs_in(source))


def _problem(call: Call, found: _Lacking) -> Problem:
    name = callers_name(call, found.name)
    message = f"no value for `{name}`, which `{call.operation.key}` requires"
    if name != found.name:
        message += f" as `{found.name}`"
    elif found.source is not None and not isinstance(found.source, Input):
        message += f": it comes from {written(found.source)}"
    return Problem(name, found.location, message, "a value")


def _told(call: Call, found: _Lacking) -> str:
    what = f"no value for `{found.name}`, which `{call.operation.key}` requires"
    return f"{what}: {'nothing gives it one' if found.source is None else f'{written(found.source)} found nothing'}"
