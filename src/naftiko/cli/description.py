"""What ``inspect`` says about a capability, as data; the text is made of the same."""

from __future__ import annotations

from typing import Any

from naftiko.document.model import Authentication
from naftiko.engine.capability import Adapter, Capability, Unit
from naftiko.expose.description import unit_description
from naftiko.expose.registry import KINDS
from naftiko.expose.served import Exposed
from naftiko.plan.addresses import without_user

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
    return None if authentication is None else authentication.described()


def _adapter(adapter: Adapter, capability: Capability) -> dict[str, Any]:
    model = adapter.plan.model
    return {
        "type": adapter.kind,
        "namespace": adapter.namespace,
        "transport": model.served_over,
        "address": model.address or _DEFAULT_ADDRESS,
        "port": model.port,
        "authentication": authentication_kind(model.authentication),
        "units": [unit_description(unit, capability) for unit in adapter.units],
        **KINDS[adapter.kind].description(Exposed(capability, adapter)),
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
