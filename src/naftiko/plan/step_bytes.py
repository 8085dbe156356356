"""Bytes that come from a step: its result is a document, which holds them as base64 (SEMANTICS 4.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from naftiko.plan.content import Base64
from naftiko.plan.scope import Scope
from naftiko.plan.template import Value


@dataclass(frozen=True, slots=True)
class StepBytes:
    """A value of a step for a parameter that declares bytes: they are sent, and not the base64 that stands for them."""

    value: Value

    def __call__(self, scope: Scope) -> Any:
        """Return the value; text that is no base64 stays the text that it is."""
        return _bytes(self.value(scope))


def _bytes(found: Any) -> Any:
    if isinstance(found, list):
        return [_bytes(element) for element in found]
    if not isinstance(found, str) or isinstance(found, Base64):
        return found
    try:
        return Base64.read(found)
    except ValueError:
        return found
