"""Why a request is not sent.

A required value that is missing, one that would climb the path, an address that is none (SEMANTICS 3.2 and 4.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from naftiko.document.suggest import fold
from naftiko.expression.path import PathPlaceholder, path_text
from naftiko.expression.references import InputReference, OptionalInput
from naftiko.expression.scope import Scope
from naftiko.expression.sources import argument_of, inputs_in, reads_steps, steps_in, variables_in, written
from naftiko.expression.template import Value
from naftiko.ground.errors import CallError, InputError, MissingValue, Problem, UnusableVariable, UpstreamUnreachable
from naftiko.ground.types import ABSENT
from naftiko.link.needs import is_made_elsewhere
from naftiko.plan.actions import Call
from naftiko.plan.base import BaseUri
from naftiko.plan.parameter import Parameter
from naftiko.plan.unit import ApiPlan


def dots_in_path(call: Call, api: ApiPlan, scope: Scope) -> CallError:
    """Return the error for a call whose values make a dot segment of its path."""
    path, arguments = call.operation.path, dict(call.arguments)
    placed = {fold(name) for place, name in api.credentials if place == "path"}
    if any(fold(part.name) in placed for part in path.climbers(scope)):
        return _of_variables([f"the credential of `{api.namespace}`"], f"the path {path.text}")
    ours = {
        argument_of(part): [*variables_in(part.value, scope), *variables_in(arguments.get(argument_of(part)), scope)]
        for part in path.climbers(scope)
    }
    theirs = [name for name, variables in ours.items() if not variables]
    if not theirs:
        return _of_variables((name for variables in ours.values() for name in variables), f"the path {path.text}")
    return dots_in_inputs(callers_name(call, name) for name in theirs)


def dots_in_base(base: BaseUri, scope: Scope, call: Call | None) -> CallError:
    """Return the error for a base URI whose values make a dot segment; ``call`` is ``None`` for a forwarded request."""
    given = [name for name in base.path_names if name in scope.inputs]
    if not given:
        return _of_variables([*base.variables, *base.path_names], "the path of the base URI")
    return dots_in_inputs(name if call is None else callers_name(call, name) for name in given)


def wrong_base(base: BaseUri) -> UpstreamUnreachable:
    """Return the error for a base URI that is no URL once its variables are filled in; what they are is not shown."""
    return UpstreamUnreachable(
        "the address of the upstream is not an http or https URL",
        hint=f"correct its baseUri, or the value of {', '.join(base.names)}",
    )


def dots_in_inputs(names: Iterable[str]) -> InputError:
    """Return the error for inputs that make a dot segment."""
    message = "`{}` must not make a `.` or `..` segment of the path, however it is written"
    found = dict.fromkeys(names)
    return InputError([Problem(name, "path", message.format(name), "plain segments") for name in found])


def callers_name(call: Call, argument: str) -> str:
    """Return the name of the caller's input that an argument is; the argument's own where it is made of more."""
    value = dict(call.arguments).get(argument)
    return value.name if isinstance(value, InputReference | OptionalInput) else argument


def _of_variables(names: Iterable[str], where: str) -> UnusableVariable:
    return UnusableVariable(list(dict.fromkeys(names)), f"makes a `.` or `..` segment of {where}")


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
    return arguments.get(part.value.name) if isinstance(part.value, InputReference) else part.value


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
    elif found.source is not None and not isinstance(found.source, InputReference):
        message += f": it comes from {written(found.source)}"
    return Problem(name, found.location, message, "a value")


def _told(call: Call, found: _Lacking) -> str:
    what = f"no value for `{found.name}`, which `{call.operation.key}` requires"
    return f"{what}: {'nothing gives it one' if found.source is None else f'{written(found.source)} found nothing'}"
