"""Reading a query string as Koyeb declares it, with every problem found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from starlette.datastructures import QueryParams

from naftiko.ground.types import Json

_DIGITS: Final = 18
"""More digits than these don't fit the declared int64."""


class Query:
    """The query of one request; each ``problems`` entry is an ``ErrorField``.

    A parameter that is there but empty is a problem where its text has a form to hold to, since an empty text has none.
    """

    def __init__(self, params: QueryParams) -> None:
        self._params = params
        self.problems: list[Json] = []

    def refuse(self, name: str, description: str) -> None:
        """Note a problem of the parameter ``name``."""
        self.problems.append({"field": name, "description": description})

    def text(self, name: str) -> str | None:
        """One text."""
        values = self._params.getlist(name)
        if len(values) > 1:
            self.refuse(name, f"too many values: 1 expected, got {len(values)}")
        return values[0] if values else None

    def many(self, name: str, allowed: Sequence[str] = ()) -> list[str]:
        """The values of a repeated parameter (``collectionFormat: multi``), each out of ``allowed`` if that has any."""
        values = self._params.getlist(name)
        if allowed and any(value not in allowed for value in values):
            self.refuse(name, f"each value must be one of {', '.join(allowed)}")
        return values

    def choice(self, name: str, allowed: Sequence[str], default: str) -> str:
        """One of ``allowed``."""
        value = self.text(name)
        if value is None or value in allowed:
            return value or default
        self.refuse(name, f"must be one of {', '.join(allowed)}")
        return default

    def integer(self, name: str, *, low: int = 0, high: int | None = None) -> int | None:
        """An integer from ``low`` to ``high``."""
        value = self.text(name)
        if value is None:
            return None
        if value.isascii() and value.isdecimal() and len(value) <= _DIGITS:
            number = int(value)
            if low <= number and (high is None or number <= high):
                return number
        limits = f"of at least {low}" if high is None else f"from {low} to {high}"
        self.refuse(name, f"must be an integer {limits}")
        return None

    def moment(self, name: str) -> datetime | None:
        """A date and time with its offset (RFC 3339)."""
        value = self.text(name)
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            self.refuse(name, "must be an RFC 3339 date and time, such as 2026-05-19T08:00:00Z")
            return None
        return moment
