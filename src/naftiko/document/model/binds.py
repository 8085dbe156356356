"""Binds: variables from outside (SEMANTICS 2)."""

from __future__ import annotations

from pydantic import Field

from naftiko.document.model.base import Model


class Bind(Model):
    """A set of variables.

    Attributes:
        location: where they are read (``file://``, ``vault://``, ``k8s-secret://``, ``k8s://``, ``env://``);
            ``None`` is the environment.
        keys: variable name to the key at the source.
    """

    namespace: str | None = None
    description: str | None = None
    location: str | None = None
    keys: dict[str, str] = Field(default_factory=dict)
