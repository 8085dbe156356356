"""The kinds of adapters that are linked: what differs between them when a file is loaded.

How they are served is in ``naftiko.expose``. A kind whose model is known and that is not here is told as unserved.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from naftiko.document.model import AdapterModel, CapabilityDocument
from naftiko.document.model.adapters import add_adapter
from naftiko.link.adapters.control import CONTROL
from naftiko.link.adapters.kind import AdapterKind, Declaration
from naftiko.link.adapters.mcp import MCP
from naftiko.link.adapters.rest import REST
from naftiko.link.adapters.skill import SKILL

__all__ = ["KINDS", "linked", "register", "units_of"]

KINDS: dict[str, AdapterKind[Any]] = {each.kind: each for each in (REST, MCP, SKILL, CONTROL)}
"""The kinds by their words, in the order in which they are told."""


def register(kind: AdapterKind[Any]) -> None:
    """Let files declare adapters of one more kind, and link them; call it before a file is loaded.

    Raises:
        ValueError: a word of it means another kind.
    """
    add_adapter(kind.model)
    KINDS[kind.kind] = kind


def linked(document: CapabilityDocument) -> Iterator[tuple[AdapterKind[Any], AdapterModel]]:
    """Yield the adapters of a file that are linked, each with its kind."""
    for model in document.exposes:
        if isinstance(model, AdapterModel) and model.kind in KINDS:
            yield KINDS[model.kind], model


def units_of(document: CapabilityDocument) -> Iterator[Declaration]:
    """Yield what the adapters of a file run."""
    for kind, model in linked(document):
        yield from (unit for _, unit, _ in kind.mentions(model))
