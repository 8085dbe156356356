"""Several credentials to one API (SEMANTICS 4.5)."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Annotated, Any

from yaml.nodes import Node

from naftiko.document.model.authentication import (
    AUTHENTICATIONS,
    Acquire,
    Authentication,
    Filled,
    Unusable,
)


class SeveralAuthentication(Authentication):
    """All of several credentials: a list under ``authentication``, or one beside the ``tls`` of a consumes entry.

    Its texts are those of its parts, each with the number of the part before its key: ``1.token``.
    """

    kind = "several"
    called = "several authentications"

    type: str | None = "several"
    all: Annotated[tuple[Authentication, ...], AUTHENTICATIONS] = ()

    def places(self) -> tuple[tuple[str, str], ...]:
        """Those of all parts."""
        return tuple(place for part in self.all for place in part.places())

    def fault(self) -> Unusable | None:
        """That of any part, or two that travel in the same place."""
        found = next(filter(None, (part.fault() for part in self.all)), None)
        return found or self._twice()

    def unusable(self, sound: Container[str]) -> Unusable | None:
        """Why any part can't be done."""
        for at, part in enumerate(self.all):
            why = part.unusable([key for key in part.texts() if f"{at}.{key}" in sound])
            if why is not None:
                return why
        return self._twice()

    def _twice(self) -> Unusable | None:
        seen: set[tuple[str, str]] = set()
        for place in self.places():
            if place in seen:
                return Unusable("unknown-placement", f"has two credentials for the {place[0]} `{place[1]}`")
            seen.add(place)
        return None

    def addresses(self) -> Mapping[str, str]:
        """Those of all parts."""
        return {key: text for part in self.all for key, text in part.addresses().items()}

    def login(self) -> Acquire | None:
        """That of the part which has one."""
        return next(filter(None, (part.login() for part in self.all)), None)

    def texts(self) -> dict[str, str]:
        """Those of all parts."""
        return {f"{at}.{key}": text for at, part in enumerate(self.all) for key, text in part.texts().items()}

    def mark(self, key: str) -> Filled:
        """What the part says of it."""
        at, _, inner = key.partition(".")
        return self.all[int(at)].mark(inner)

    def place_of(self, key: str) -> Node | None:
        """Where it stands in its part."""
        at, _, inner = key.partition(".")
        return self.all[int(at)].place_of(inner)

    def without_place(self, **changes: Any) -> SeveralAuthentication:
        """Return a copy whose parts keep no nodes either."""
        return super().without_place(all=tuple(part.without_place() for part in self.all), **changes)

    def parts(self) -> tuple[Authentication, ...]:
        """All of them."""
        return self.all

    def described(self) -> str:
        """The kinds of its parts."""
        return " + ".join(part.described() for part in self.all)


AUTHENTICATIONS.add(SeveralAuthentication, (SeveralAuthentication.kind,))
