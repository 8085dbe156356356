"""Link the calls that give the tokens of other APIs: ``acquire: {call: namespace.operation}`` (SEMANTICS 4.5).

It is done before any other call is linked: an API whose token can't be had can't be called.
"""

from __future__ import annotations

from dataclasses import replace

from naftiko.document.findings import Findings
from naftiko.document.model import Acquire
from naftiko.expression import jsonpath
from naftiko.expression.references import Names
from naftiko.link.apis import Apis
from naftiko.link.calls import Caller, CallLinker, CannotLink
from naftiko.link.needs import Needs
from naftiko.plan.unit import ApiPlan, Login

_HINT = "name an operation of another consumes entry, one that has an authentication of another kind or none"


def link_logins(apis: Apis, calls: CallLinker, names: Names, findings: Findings) -> Apis:
    """Return the APIs with the calls that give their tokens; what can't be linked is told, and blocks its API."""
    plans = dict(apis.plans)
    for key, api in apis.plans.items():
        model = None if api.authentication is None else api.authentication.login()
        if model is None or api.blocked:
            continue
        try:
            plans[key] = _linked(api, model, apis, calls, names)
        except CannotLink as error:
            why = f"the token of `{api.namespace}` can't be had: {error.reason}"
            findings.at(error.node or model.at("call")).error("bad-login", why, hint=error.hint or _HINT)
            plans[key] = replace(api, blocked=why)
    return replace(apis, plans=plans)


def _linked(api: ApiPlan, model: Acquire, apis: Apis, calls: CallLinker, names: Names) -> ApiPlan:
    inside = replace(names, inputs=frozenset(), open_inputs=False, variables={}, used={}, missing={}, free={})
    caller = Caller(inside, True, (), is_agent=False)  # noqa: FBT003  # it declares all inputs that it has: none
    call = calls.link(model.call or "", model.with_, model, caller, Needs())
    other = apis.plans[call.operation.api]
    if other.key == api.key:
        raise CannotLink("bad-login", f"`{call.operation.key}` needs it itself")
    if other.authentication is not None and other.authentication.login() is not None:
        raise CannotLink("bad-login", f"`{call.operation.key}` needs such a token itself")
    placed = {name for _, name in other.credentials}
    given = placed.union(name for name, _ in call.arguments)
    lacking = [slot.name for slot in call.operation.slots if slot.required and given.isdisjoint((slot.key, slot.name))]
    if lacking:
        named = " and ".join(f"`{name}`" for name in lacking)
        raise CannotLink("bad-login", f"`{call.operation.key}` requires {named}", f"give {named} a value in `with`")
    token = _path(model, "tokenField", model.token_field or "")
    expires = None if model.expires_in_field is None else _path(model, "expiresInField", model.expires_in_field)
    needed = (*other.variables, *inside.variables, *call.variables)
    login = Login(call, token, expires, needed, api.variables)
    return replace(api, login=login, variables=tuple(dict.fromkeys((*api.variables, *needed))))


def _path(model: Acquire, key: str, text: str) -> jsonpath.JSONPath:
    try:
        return jsonpath.parse(text if text.startswith("$") else f"$.{text}")
    except jsonpath.JSONPathError as error:
        raise CannotLink("bad-login", f"`{key}`: {error.message}", "write a JSONPath", model.at(key)) from error
