"""How long one call's inputs may be checked: a file chooses the schema, a caller the value, and others wait meanwhile.

Where there is another process for what takes long (`engine.process_pool`) the event loop's own is a short one,
and what isn't done by then is begun anew there, with the long one.
"""

from __future__ import annotations

import time
from typing import Final

from naftiko.ground.errors import TakesLong

LONG: Final = 5.0
"""Seconds of checks where nobody waits, or nothing better can be done."""
SHORT: Final = 0.04
"""Seconds of checks in an event loop."""
PATTERNS: Final = 0.1
"""Seconds of all patterns together: one that takes longer backtracks, and no time is enough for it."""
_SHARE: Final = 2
"""One part in so many of a short time is for patterns."""


class CheckLimit:
    """How much time checks have in this process; changed when the process takes on a role.

    Attributes:
        seconds: for the checks of one call.
    """

    __slots__ = ("seconds",)

    def __init__(self) -> None:
        self.seconds = LONG


CHECK_LIMIT: Final = CheckLimit()
"""Of this process."""


class Watch:
    """The time that is left for the checks of one call."""

    __slots__ = ("_patterns", "_until")

    def __init__(self) -> None:
        self._until = time.perf_counter() + CHECK_LIMIT.seconds
        self._patterns = min(PATTERNS, CHECK_LIMIT.seconds / _SHARE)

    def look(self) -> None:
        """Go on only if there is time left.

        Raises:
            TakesLong: there is none.
        """
        if time.perf_counter() > self._until:
            raise TakesLong(CHECK_LIMIT.seconds)

    @property
    def for_patterns(self) -> float:
        """Seconds that are left for patterns; 0 for none.

        Raises:
            TakesLong: there are none, and elsewhere there are more.
        """
        if self._patterns <= 0:
            self.spend_patterns()
        return self._patterns

    def matched(self, since: float) -> None:
        """Take the time since a moment of ``perf_counter`` from what patterns have left."""
        self._patterns -= time.perf_counter() - since

    def spend_patterns(self) -> None:
        """Leave no time to patterns: one has taken all of it.

        Raises:
            TakesLong: elsewhere there is more.
        """
        self._patterns = 0.0
        if CHECK_LIMIT.seconds < LONG:
            raise TakesLong(CHECK_LIMIT.seconds)
