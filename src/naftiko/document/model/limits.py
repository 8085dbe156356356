"""How much one caller may ask for (SEMANTICS 6.6 and 7.5)."""

from __future__ import annotations

from typing import ClassVar

from naftiko.document.model.base import Model


class CallerLimits(Model):
    """The limits of an adapter, a resource, a route or a tool; the narrowest that is there says all of them.

    Attributes:
        enabled: ``false`` takes away what a wider level says.
        requests: how many in which time, such as ``10/s`` or ``1000/h``.
        burst: how many may come at once after a pause; where nothing is said, as many as ``requests`` names.
        in_flight: how many may be under way at once.
        by: what tells one caller from another: ``address``, ``caller``, ``claim:NAME`` or ``header:NAME``.
    """

    key_spellings: ClassVar = {"requests": "rate", "inFlight": "concurrency"}

    enabled: bool = True
    requests: str | None = None
    burst: int | None = None
    in_flight: int | None = None
    by: str | None = None
