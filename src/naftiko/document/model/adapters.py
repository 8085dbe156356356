"""Which kinds of adapters a file may declare."""

from __future__ import annotations

from naftiko.document.model.adapter import AdapterModel, UnknownAdapter
from naftiko.document.model.base import Choice
from naftiko.document.model.control import ControlAdapter
from naftiko.document.model.mcp import McpAdapter
from naftiko.document.model.rest import RestAdapter
from naftiko.document.model.skill import SkillAdapter

ADAPTERS: list[type[AdapterModel]] = [RestAdapter, McpAdapter, SkillAdapter, ControlAdapter]
"""The models of all kinds, in the order in which they are told."""

CHOICE = Choice(by="type", models={}, default=UnknownAdapter, unknown=UnknownAdapter)
"""How the model of an adapter follows from its keys."""


def add_adapter(model: type[AdapterModel]) -> None:
    """Let files declare adapters of one more kind; one that is known already is replaced."""
    ADAPTERS[:] = [*(known for known in ADAPTERS if known.kind != model.kind), model]
    _settle()


def _settle() -> None:
    """Let the choice be what the models say; a key of one kind alone counts before a likely one of another."""
    CHOICE.models.clear()
    CHOICE.models.update((word, model) for model in ADAPTERS for word in (model.kind, *model.spellings))
    CHOICE.by_key.clear()
    for keys in ("own_keys", "likely_keys"):
        for model in ADAPTERS:
            for key in getattr(model, keys):
                CHOICE.by_key.setdefault(key, model.kind)


_settle()
