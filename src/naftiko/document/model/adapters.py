"""Which kinds of adapters a file may declare."""

from __future__ import annotations

from naftiko.document.model.adapter import AdapterModel, UnknownAdapter
from naftiko.document.model.base import Choice
from naftiko.document.model.control import ControlAdapter
from naftiko.document.model.mcp import McpAdapter
from naftiko.document.model.rest import RestAdapter
from naftiko.document.model.skill import SkillAdapter

ADAPTERS: list[type[AdapterModel]] = []
"""The models of all kinds, in the order in which they are told."""

CHOICE = Choice(by="type", models={}, default=UnknownAdapter, unknown=UnknownAdapter)
"""How the model of an adapter follows from its keys."""


def add_adapter(model: type[AdapterModel]) -> None:
    """Let files declare adapters of one more kind.

    Raises:
        ValueError: a word of it means another kind.
    """
    CHOICE.add(model, (model.kind, *model.spellings))
    if model not in ADAPTERS:
        ADAPTERS.append(model)
    CHOICE.by_key.clear()
    for keys in ("own_keys", "likely_keys"):  # what one kind alone has counts before what is likely another's
        for known in ADAPTERS:
            CHOICE.by_key.update((key, known.kind) for key in getattr(known, keys) if key not in CHOICE.by_key)


for built_in in (RestAdapter, McpAdapter, SkillAdapter, ControlAdapter):
    add_adapter(built_in)
