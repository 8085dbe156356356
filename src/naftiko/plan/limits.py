"""How much one caller may ask for, compiled (SEMANTICS 6.6 and 7.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from naftiko.ground.durations import written

Level: TypeAlias = Literal["unit", "resource", "adapter", "operator"]
"""Where limits are declared."""
By: TypeAlias = Literal["address", "caller", "claim", "header"]
"""What tells callers apart."""
REQUESTS: Final = "requests"
IN_FLIGHT: Final = "inFlight"
_SINGLE: Final = {1.0: "s", 60.0: "m", 3600.0: "h", 86_400.0: "d"}


@dataclass(frozen=True, slots=True)
class CallerLimits:
    """The limits of whatever shares a scope.

    Attributes:
        requests: how many there may be in ``seconds``; 0: any number.
        seconds: that many requests come back in.
        burst: how many may come at once after a pause.
        in_flight: how many may be under way at once; 0: any number.
        by: what tells callers apart.
        name: of the claim or the header, the header's in lower case.
        level: where they are declared.
        scope: what they are for, ``""`` for all of an adapter: what has the same scope counts together.
    """

    requests: int = 0
    seconds: float = 1.0
    burst: int = 0
    in_flight: int = 0
    by: By = "address"
    name: str = ""
    level: Level = "adapter"
    scope: str = ""

    @property
    def interval(self) -> float:
        """Seconds after which one request more is allowed."""
        return self.seconds / self.requests

    def described(self) -> dict[str, Any]:
        """Return the values under the keys of a file."""
        said: dict[str, Any] = {}
        if self.requests:
            period = _SINGLE.get(self.seconds) or written(self.seconds)
            said |= {REQUESTS: f"{self.requests}/{period}", "burst": self.burst}
        if self.in_flight:
            said[IN_FLIGHT] = self.in_flight
        return {**said, "by": f"{self.by}:{self.name}" if self.name else self.by}
