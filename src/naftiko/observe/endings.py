"""What is to be done before a process ends: what waits to be sent is sent, for as long as there is time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

Ending = Callable[[float], None]
"""Takes the seconds that it has."""
_ENDINGS: Final[list[Ending]] = []


def at_end(ending: Ending) -> None:
    """Call this once before the process ends."""
    _ENDINGS.append(ending)


def end(seconds: float) -> None:
    """Do what is to be done, each within these seconds."""
    while _ENDINGS:
        _ENDINGS.pop()(seconds)
