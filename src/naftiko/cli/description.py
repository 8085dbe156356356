"""What ``inspect`` says about a capability, as data; the text is made of the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from naftiko.document.model import Authentication, McpAdapter, McpPrompt
from naftiko.engine.capability import Adapter, Capability, Unit
from naftiko.plan.actions import Action
from naftiko.plan.addresses import without_user
from naftiko.plan.inputs import Input
from naftiko.plan.operation import Operation
from naftiko.plan.unit import ResourcePlan
from naftiko.types import ABSENT

_DEFAULT_ADDRESS = "127.0.0.1"


def describe(capability: Capability) -> dict[str, Any]:
    """Return everything that a capability exposes and consumes; no secrets, no values of variables.

    The shape is stable (docs/cli.md): keys may be added, none is renamed or removed.
    """
    info = capability.plan.info
    return {
        "file": str(capability.path),
        "label": capability.label,
        "description": info.description if info else None,
        "version": capability.document.version,
        "consumes": [
            {
                "namespace": api.namespace,
                "baseUri": without_user(api.base.text),
                "authentication": authentication_kind(api.authentication),
            }
            for api in capability.plan.apis.values()
        ],
        "uses": _uses(capability),
        "exposes": [_adapter(adapter, capability) for adapter in capability.adapters],
    }


def _uses(capability: Capability) -> dict[str, Any]:
    """Return which variables go where, and which files are read (SEMANTICS 9)."""
    reach = capability.reach()
    return {
        "variables": [
            {"name": used.name, "source": used.source, "targets": list(used.targets)} for used in reach.variables
        ],
        "files": [
            {
                "path": str(used.path),
                "for": used.used_as,
                "outside": used.is_outside,
                "refused": used.refused,
                "targets": list(used.targets),
            }
            for used in reach.files
        ],
    }


def authentication_kind(authentication: Authentication | None) -> str | None:
    """Return what kind of credential travels, never the credential."""
    return None if authentication is None else (authentication.type or "unknown")


def _adapter(adapter: Adapter, capability: Capability) -> dict[str, Any]:
    model = adapter.plan.model
    return {
        "type": adapter.kind,
        "namespace": adapter.namespace,
        "transport": model.served_over,
        "address": model.address or _DEFAULT_ADDRESS,
        "port": model.port,
        "authentication": authentication_kind(model.authentication),
        "units": [_unit(unit, capability) for unit in adapter.units],
        **(_more_of_mcp(adapter, model, capability) if isinstance(model, McpAdapter) else {}),
    }


def _more_of_mcp(adapter: Adapter, model: McpAdapter, capability: Capability) -> dict[str, Any]:
    return {
        "resources": [_resource(plan, capability) for plan in adapter.plan.resources],
        "prompts": [_prompt(prompt) for prompt in model.prompts],
    }


def _resource(plan: ResourcePlan, capability: Capability) -> dict[str, Any]:
    unit = None if plan.unit is None else Unit(plan.unit, capability.engine)
    return {
        "name": plan.name,
        "uri": plan.uri,
        "mimeType": plan.mime_type,
        "description": plan.description,
        "location": plan.directory,
        "call": unit.call if unit else None,
        "executable": unit.executable if unit else True,
        "reason": unit.reason if unit else "",
        "inputs": [_input(given) for given in unit.inputs] if unit else [],
        "upstream": list(_upstream(unit.plan.action, capability)) if unit else [],
    }


def _prompt(prompt: McpPrompt) -> dict[str, Any]:
    return {
        "name": prompt.name,
        "description": prompt.description,
        "location": prompt.location,
        "arguments": [
            {
                "name": argument.name,
                "required": argument.required and argument.default is None,
                "description": argument.description,
                **({} if argument.default is None else {"default": argument.default}),
            }
            for argument in prompt.arguments
        ],
    }


def _unit(unit: Unit, capability: Capability) -> dict[str, Any]:
    return {
        "name": unit.name,
        "alias": unit.alias,
        "method": unit.method,
        "path": unit.path,
        "description": unit.description,
        "call": unit.call,
        "executable": unit.executable,
        "reason": unit.reason,
        "inputs": [_input(given) for given in unit.inputs],
        "upstream": list(_upstream(unit.plan.action, capability)),
    }


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
        yield {"method": "*", "url": f"{without_user(api.base.text).rstrip('/')}/{{path}}", "operation": None}


def _request(operation: Operation, capability: Capability) -> dict[str, Any]:
    base = without_user(capability.plan.apis[operation.api].base.text).strip().rstrip("/")
    return {
        "method": operation.method,
        "url": f"{base}/{operation.path.text.lstrip('/')}",
        "operation": operation.key,
    }


def is_mock(unit: Unit) -> bool:
    """Tell a unit that calls nothing and answers what the file says."""
    return unit.plan.action is not None and unit.plan.action.is_made_here


def variables(capability: Capability) -> list[dict[str, Any]]:
    """Return the variables that anything needs: whether each has a value, where to set it, what it blocks."""
    needed: dict[str, dict[str, None]] = {}
    for name, user in capability.needed_variables():
        needed.setdefault(name, {})[user] = None
    return [
        {
            "name": name,
            "set": capability.variables.get(name) is not None,
            "hint": capability.variables.hint(name),
            "neededBy": list(users),
        }
        for name, users in needed.items()
    ]
