"""What keeps answers: the interface, and what is kept."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TypeAlias

import httpx

from naftiko.engine.head import Head

_OVERHEAD = 400
"""Bytes that an entry takes beside what is in it."""
_OF_A_HEADER = 160
"""Bytes that a header takes beside its characters."""


Mark: TypeAlias = "int | str"
"""What a tag was at some time."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A stored answer as it is given.

    Attributes:
        age: in whole seconds.
        pairs: its headers, ``Age`` among them.
        head: the same, read.
        request: that it was first given to, without our credential.
    """

    age: int
    pairs: Sequence[tuple[bytes, bytes]]
    head: Head
    request: httpx.Request


@dataclass(slots=True)
class Entry:
    """A stored answer (RFC 9111 chapter 3). Times are seconds since 1970.

    Attributes:
        status: HTTP status.
        headers: as they came, but for those of the connection.
        body: uncoded.
        asked: the request headers that ``Vary`` names, with their values (RFC 9111 chapter 4.1).
        stored: when it came, or was last found to be unchanged.
        age: seconds that it was old by then (RFC 9111 chapter 4.2.3).
        fresh: seconds of age up to which it is as good as new.
        grace: seconds beyond in which it is given while it is asked for anew (RFC 5861 chapter 3).
        rescue: seconds beyond in which it is given where the API fails (RFC 5861 chapter 4).
        shown: as it was given last.
    """

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    asked: Mapping[str, str | None]
    stored: float
    age: float
    fresh: float
    grace: float
    rescue: float
    shown: Shown | None = field(default=None, compare=False)

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        return _OVERHEAD + len(self.body) + sum(len(name) + len(value) + _OF_A_HEADER for name, value in self.headers)

    @property
    def usable(self) -> float:
        """Seconds after which nobody can use it any more, unless the API says that it is unchanged."""
        return self.fresh - self.age + max(self.grace, self.rescue)

    def header(self, name: bytes) -> str:
        """Return a header's value, ``""`` for none."""
        return next((value.decode("latin-1") for known, value in self.headers if known.lower() == name), "")


class Store(ABC):
    """What keeps answers by key: several of a key where they depend on the request's headers.

    One that other processes share is another class of this shape; its methods may wait, and raise nothing: what can't
    be reached has nothing. A tag is what entries are forgotten by.

    Attributes:
        why_not: why it doesn't keep an answer, in a few words.
    """

    why_not = "larger than the store, or changed meanwhile"

    @abstractmethod
    async def get(self, key: str, tag: str) -> Sequence[Entry]:
        """Return what is stored under a key and a tag, the newest first."""

    @abstractmethod
    async def put(self, key: str, entries: Sequence[Entry], tag: str, since: Mark = 0) -> bool:
        """Store what stands under a key from now on; return whether it was kept.

        Args:
            key: of the request.
            entries: all of them.
            tag: by which it is forgotten.
            since: the mark of the tag when the answer was asked for; of what was forgotten since then nothing is kept.
        """

    @abstractmethod
    async def forget(self, tag: str) -> None:
        """Forget all of a tag."""

    @abstractmethod
    def lock(self, key: str) -> AbstractAsyncContextManager[bool]:
        """Return what lets one of several processes ask for a key; whether others may have asked meanwhile."""

    async def mark(self, tag: str) -> Mark:  # noqa: ARG002  # a store's shape
        """Return what tells, later, whether anything of a tag was forgotten since."""
        return 0
