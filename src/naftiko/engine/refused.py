"""Why a request is not sent: a value that would climb the path, an address that is none (SEMANTICS 4.1)."""

from __future__ import annotations

from collections.abc import Iterable

from naftiko.document.suggest import fold
from naftiko.errors import CallError, InputError, Problem, UnusableVariable, UpstreamUnreachable
from naftiko.plan.actions import Call
from naftiko.plan.base import BaseUri
from naftiko.plan.references import Input, OptionalInput
from naftiko.plan.scope import Scope
from naftiko.plan.sources import argument_of, variables_in
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
    return value.name if isinstance(value, Input | OptionalInput) else argument


def _of_variables(names: Iterable[str], where: str) -> UnusableVariable:
    return UnusableVariable(list(dict.fromkeys(names)), f"makes a `.` or `..` segment of {where}")
