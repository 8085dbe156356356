"""What every kind of adapter has, and what the class of its model says about the kind."""

from __future__ import annotations

from typing import ClassVar

from naftiko.document.model.authentication import AnyAuthentication
from naftiko.document.model.base import Model, Port


class AdapterModel(Model):
    """An adapter of a kind that is known.

    Attributes:
        kind: the word of the kind, as ``type`` has it.
        spellings: other words for it, in lower case.
        called: what it is called in a sentence: ``a REST adapter``.
        own_keys: keys that no other kind has: they say what it is where ``type`` is missing.
        likely_keys: keys that say so where nothing else does.
        content: the keys of what it exposes; who asks only where it listens doesn't read them.
        serves_skills: whether its clients find the file's skills there too.
    """

    kind: ClassVar[str]
    spellings: ClassVar[tuple[str, ...]] = ()
    called: ClassVar[str]
    own_keys: ClassVar[tuple[str, ...]] = ()
    likely_keys: ClassVar[tuple[str, ...]] = ()
    content: ClassVar[tuple[str, ...]] = ()
    serves_skills: ClassVar[bool] = False

    type: str = ""
    namespace: str | None = None
    description: str | None = None
    address: str | None = None
    port: Port = None
    authentication: AnyAuthentication | None = None

    @property
    def served_over(self) -> str:
        """What carries it: ``http``, or ``stdio``."""
        return "http"

    @property
    def listens(self) -> bool:
        """Whether it has an address at all."""
        return self.served_over != "stdio"


class UnknownAdapter(Model):
    """An adapter of a kind that this runtime doesn't serve."""

    open_ended: ClassVar[bool] = True

    type: str | None = None
    namespace: str | None = None
