"""A capability as it is understood, for people: its document without any value of a variable."""

from __future__ import annotations

from typing import Any

from naftiko.document.writing import HIDDEN, as_data
from naftiko.engine.capability import Capability
from naftiko.expression.placeholders import VARIABLE


def shown_document(capability: Capability) -> dict[str, Any]:
    """Return what a file says, imports joined, with ``***`` where a variable or a secret stands.

    The file is read again where its document was forgotten.
    """
    names = {name for name, _ in capability.needed_variables()} | capability.environment_names()
    redact = capability.variables.redactor.redact

    def shown(text: str) -> str:
        return redact(VARIABLE.sub(lambda found: HIDDEN if is_one(found[1]) else found[0], text))

    def is_one(name: str) -> bool:
        return name in names or name.startswith("env.") or name.rpartition(".")[2] in names

    return as_data(capability.document, shown)
