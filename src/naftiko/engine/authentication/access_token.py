"""Keep an access token: renewed before it expires, by one request however many calls wait for it."""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from naftiko.ground.errors import CallError, NaftikoError

MARGIN: Final = 30.0
"""Seconds before expiry from which on a token is renewed; a tenth of its life where that is less."""
UNKNOWN_LIFE: Final = 3600.0
"""Seconds that a token is used whose server doesn't say how long it lives; a 401 ends it earlier."""
PAUSE: Final = 5.0
"""Seconds between tries to renew a token that still holds, and between renewals after a 401."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token as the server granted it.

    Attributes:
        value: the token.
        life: the seconds that it lives, ``None`` where the server doesn't say.
        refresh: the refresh token that came with it, ``""`` for none.
    """

    value: str = field(repr=False)
    life: float | None = None
    refresh: str = field(default="", repr=False)


Grant: TypeAlias = Callable[[], Awaitable[AccessToken]]
"""Asks for a token; raises a ``CallError``."""


@dataclass(frozen=True, slots=True)
class _Held:
    """A token in use; times are of the keeper's clock."""

    value: str = field(repr=False)
    renew_at: float
    expires_at: float
    refusable_at: float


class TokenKeeper:
    """Gives the current token.

    Safe for many calls of one event loop; a token outlives its loop, a request for one doesn't.

    Args:
        clock: the time in seconds, which never goes back.
        margin: seconds before a token's end from which on it is renewed, half of its life at most; ``None``: as usual.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, margin: float | None = None) -> None:
        self._clock = clock
        self._margin = margin
        self._held: _Held | None = None
        self._flight: asyncio.Task[AccessToken | CallError] | None = None
        self._refused = False

    async def token(self, grant: Grant) -> str:
        """Return a token that holds; ask for one with ``grant`` where there is none.

        A token near its end is renewed beside the calls, which don't wait. One request serves all calls that wait, and
        goes on when the call that started it is cancelled.

        Raises:
            CallError: what ``grant`` raised; each waiting call gets an error of its own.
            NaftikoError: there is no token, and no event loop to ask for one in.
        """
        now = self._clock()
        held = self._held
        if held is not None and now < held.renew_at:
            return held.value
        flight = self._flight_of(grant)
        if held is not None and now < held.expires_at:
            return held.value
        if flight is None:
            raise NaftikoError("a token has to be fetched first, which needs an event loop")
        outcome = await asyncio.shield(flight)
        if isinstance(outcome, CallError):
            raise copy.copy(outcome)
        return outcome.value

    def refused(self, value: str) -> bool:
        """Take note that a server refused a token; return whether a new try with another one makes sense.

        It doesn't where the refused token is itself the answer to a refusal a moment ago.
        """
        held = self._held
        if held is None or held.value != value:
            return True  # another call has been here
        if self._clock() < held.refusable_at:
            return False
        self._held = None
        self._refused = True
        return True

    def _flight_of(self, grant: Grant) -> asyncio.Task[AccessToken | CallError] | None:
        """Return the request under way in this event loop; start one where there is none. ``None``: no loop."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return None
        flight = self._flight
        if flight is None or flight.done() or flight.get_loop() is not loop:
            flight = self._flight = loop.create_task(self._renew(grant), name="access token")
        return flight

    async def _renew(self, grant: Grant) -> AccessToken | CallError:
        """Return an error instead of raising it: nobody may be waiting for it."""
        try:
            granted = await grant()
        except CallError as error:
            held = self._held
            if held is not None:
                self._held = replace(held, renew_at=min(self._clock() + PAUSE, held.expires_at))
            return error
        now = self._clock()
        life = UNKNOWN_LIFE if granted.life is None else granted.life
        self._held = _Held(
            granted.value,
            renew_at=now + life - (min(MARGIN, life / 10) if self._margin is None else min(self._margin, life / 2)),
            expires_at=now + life,
            refusable_at=now + PAUSE if self._refused else now,
        )
        self._refused = False
        return granted
