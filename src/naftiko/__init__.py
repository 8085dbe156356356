"""Serve Naftiko capabilities: one YAML file becomes a REST API and an MCP server.

    import naftiko

    capability = naftiko.load("capability.yaml", variables={"KOYEB_API_KEY": "…"})
    unit = capability.units[0]
    request = unit.request({"limit": "5"})      # an httpx.Request, nothing sent
    answer = await unit.run({"limit": "5"})
    app = naftiko.rest_app(capability)          # an ASGI app

Names are imported when they are first used, so that ``naftiko --version`` loads no server.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from naftiko.engine.answer import Answer
    from naftiko.engine.capability import Capability, Unit, load, loads
    from naftiko.engine.sending import Outgoing, Policy, Send, Target
    from naftiko.engine.settings import Settings
    from naftiko.expose.mcp import mcp_app
    from naftiko.expose.rest import rest_app
    from naftiko.expression.content import Content
    from naftiko.ground.errors import (
        CallError,
        CapabilityError,
        InputError,
        MissingVariable,
        NaftikoError,
        NotExecutable,
        Overloaded,
        Problem,
        UpstreamBroken,
        UpstreamError,
        UpstreamRedirect,
        UpstreamRefused,
        UpstreamStatus,
        UpstreamTimeout,
        UpstreamUnreachable,
    )
    from naftiko.ground.types import Diagnostic, Position, Severity
    from naftiko.observe.observer import Caller, Exchange, Observer, StepRun, UnitRun
    from naftiko.plan.inputs import Input

_HOMES = {
    "naftiko.engine.answer": ("Answer",),
    "naftiko.engine.capability": ("Capability", "Unit", "load", "loads"),
    "naftiko.engine.sending": ("Outgoing", "Policy", "Send", "Target"),
    "naftiko.engine.settings": ("Settings",),
    "naftiko.ground.errors": (
        "CallError",
        "CapabilityError",
        "InputError",
        "MissingVariable",
        "NaftikoError",
        "NotExecutable",
        "Overloaded",
        "Problem",
        "UpstreamBroken",
        "UpstreamError",
        "UpstreamRedirect",
        "UpstreamRefused",
        "UpstreamStatus",
        "UpstreamTimeout",
        "UpstreamUnreachable",
    ),
    "naftiko.expose.mcp": ("mcp_app",),
    "naftiko.expose.rest": ("rest_app",),
    "naftiko.observe.observer": ("Caller", "Exchange", "Observer", "StepRun", "UnitRun"),
    "naftiko.expression.content": ("Content",),
    "naftiko.plan.inputs": ("Input",),
    "naftiko.ground.types": ("Diagnostic", "Position", "Severity"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Answer",
    "CallError",
    "Caller",
    "Capability",
    "CapabilityError",
    "Content",
    "Diagnostic",
    "Exchange",
    "Input",
    "InputError",
    "MissingVariable",
    "NaftikoError",
    "NotExecutable",
    "Observer",
    "Outgoing",
    "Overloaded",
    "Policy",
    "Position",
    "Problem",
    "Send",
    "Settings",
    "Severity",
    "StepRun",
    "Target",
    "Unit",
    "UnitRun",
    "UpstreamBroken",
    "UpstreamError",
    "UpstreamRedirect",
    "UpstreamRefused",
    "UpstreamStatus",
    "UpstreamTimeout",
    "UpstreamUnreachable",
    "__version__",
    "load",
    "loads",
    "mcp_app",
    "rest_app",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'naftiko' has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
