"""What a unit is and calls, as data (docs/cli.md): no secrets, no values of variables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from naftiko.engine.capability import Capability, Unit
from naftiko.expression.jsonpath import JSONPath
from naftiko.ground.types import ABSENT
from naftiko.plan.actions import Action
from naftiko.plan.addresses import without_user
from naftiko.plan.caching import CacheHeaders
from naftiko.plan.inputs import Input
from naftiko.plan.operation import Operation
from naftiko.plan.paging import Pager
from naftiko.plan.resilience import Resilience


def unit_description(unit: Unit, capability: Capability) -> dict[str, Any]:
    """Return what a route or tool is."""
    return {
        "name": unit.name,
        "alias": unit.alias,
        "method": unit.method,
        "path": unit.path,
        "description": unit.description,
        **_caching(unit.plan.cache),
        **run_description(unit, capability),
    }


def _caching(cache: CacheHeaders | None) -> dict[str, Any]:
    """Return what a route's answers say about caching, where the file says it."""
    if cache is None:
        return {}
    vary = {"vary": list(cache.vary)} if cache.vary else {}
    return {"cache": {"control": cache.control, **vary, "etag": cache.etag, "propagate": cache.propagate}}


def run_description(unit: Unit | None, capability: Capability) -> dict[str, Any]:
    """Return whether something runs, of which inputs, and what it sends; without a unit nothing runs."""
    return {
        "call": unit.call if unit else None,
        "executable": unit.executable if unit else True,
        "reason": unit.reason if unit else "",
        "inputs": [_input(given) for given in unit.inputs] if unit else [],
        "upstream": list(_upstream(unit.plan.action, capability)) if unit else [],
        **_limits(unit),
        **_redaction(unit.plan.outputs.redact if unit else ()),
    }


def _redaction(paths: Sequence[JSONPath]) -> dict[str, Any]:
    """Return what nobody is to see, where the file takes something out."""
    return {"redact": [path.text for path in paths]} if paths else {}


def _limits(unit: Unit | None) -> dict[str, Any]:
    """Return how much one caller may ask for, with the level that declares it."""
    plan = None if unit is None else unit.plan.limits
    return {} if plan is None else {"limits": {"from": plan.level, "scope": plan.scope, **plan.described()}}


def _input(given: Input) -> dict[str, Any]:
    described = {
        "name": given.shown,
        "alias": given.alias,
        "in": given.location,
        "type": given.type,
        "required": given.required,
        "description": given.description,
    }
    return described if given.default is ABSENT else {**described, "default": given.default}


def _upstream(action: Action | None, capability: Capability) -> Iterator[dict[str, Any]]:
    """Yield what an action sends, each as its method and URL template, with the step's name in a flow."""
    if action is None:
        return
    for step, call in action.calls:
        yield {**({"step": step} if step else {}), **_request(call.operation, capability)}
    if action.forwarded is not None:
        api = capability.plan.apis[action.forwarded.api]
        url = f"{without_user(api.base.text).rstrip('/')}/{{path}}"
        yield {"method": "*", "url": url, "operation": None, **_policies(api.resilience)}


def _policies(made: Resilience | None, pager: Pager | None = None) -> dict[str, Any]:
    """Return the policies of what is sent, the outermost first, each with the level that declares it."""
    found = [] if pager is None else [{"policy": "pagination", "from": pager.level, **pager.described()}]
    if made is not None:
        found += [{"policy": each.word, "from": each.level, **each.described()} for each in made.policies]
    return {"policies": found} if found else {}


def _request(operation: Operation, capability: Capability) -> dict[str, Any]:
    base = without_user(capability.plan.apis[operation.api].base.text).strip().rstrip("/")
    return {
        "method": operation.method,
        "url": f"{base}/{operation.path.text.lstrip('/')}",
        "operation": operation.key,
        **({} if operation.stream is None else {"stream": operation.stream.described()}),
        **_redaction(operation.redact),
        **_policies(operation.resilience, operation.pager),
    }
