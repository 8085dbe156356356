"""The kinds of adapters that are served. How each is linked is in ``naftiko.link.adapters``."""

from __future__ import annotations

from typing import Any

from naftiko.expose.control.adapter import CONTROL
from naftiko.expose.mcp.adapter import MCP
from naftiko.expose.rest.adapter import REST
from naftiko.expose.served import ServedKind
from naftiko.expose.skill.adapter import SKILL

KINDS: dict[str, ServedKind[Any]] = {each.kind: each for each in (REST, MCP, SKILL, CONTROL)}
"""The kinds by their words. Behind a listener, the first one that is there has all paths that no other one has."""


def for_callers() -> list[ServedKind[Any]]:
    """Return the kinds that callers have: those that run something."""
    return [kind for kind in KINDS.values() if not kind.for_operators]


def register(kind: ServedKind[Any]) -> None:
    """Serve adapters of one more kind, and let files declare them; call it before a file is loaded.

    A kind with the same model is replaced.

    Raises:
        ValueError: a word of it means another kind.
    """
    from naftiko.link import adapters  # noqa: PLC0415  # whoever asks only for ports links nothing

    adapters.register(kind.linking())
    KINDS[kind.kind] = kind
