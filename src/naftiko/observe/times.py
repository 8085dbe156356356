"""Moments as logs show them: RFC 3339, in UTC, to the millisecond."""

from __future__ import annotations

import datetime as dt
import time
from functools import lru_cache


def shown(moment: float) -> str:
    """Return a moment, in seconds since the epoch."""
    second = int(moment)
    return f"{shown_second(second)}.{int((moment - second) * 1000):03d}Z"


def shown_now() -> str:
    """Return this moment."""
    return shown(time.time())


@lru_cache(maxsize=4)  # the same for a thousand lines of a busy server
def shown_second(second: int) -> str:
    """Return a second since the epoch, without its zone."""
    return dt.datetime.fromtimestamp(second, tz=dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
