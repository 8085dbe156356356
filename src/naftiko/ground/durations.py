"""Durations as files and operators write them: ``500ms``, ``10s``, ``1m``, ``2h``, or ISO 8601 as ``PT1M30S``."""

from __future__ import annotations

import re
from typing import Final

_PART: Final = r"(\d{1,12}(?:\.\d{1,9})?)"
_SIMPLE: Final = re.compile(rf"\s*{_PART}\s*(ms|s|sec|m|min|h|d)\s*", re.IGNORECASE)
_ISO: Final = re.compile(rf"\s*P(?:{_PART}D)?(?:T(?:{_PART}H)?(?:{_PART}M)?(?:{_PART}S)?)?\s*", re.IGNORECASE)
_UNITS: Final = {"ms": 0.001, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
_ISO_UNITS: Final = (86_400.0, 3600.0, 60.0, 1.0)
_NOTHING: Final = re.compile(r"\s*0+(?:\.0+)?\s*")
_MINUTE: Final = 60.0


def seconds_of(text: str) -> float | None:
    """Return a duration in seconds; ``None`` for what is none. A bare number is none but 0: nothing says its unit."""
    if _NOTHING.fullmatch(text):
        return 0.0
    simple = _SIMPLE.fullmatch(text)
    if simple is not None:
        return float(simple[1]) * _UNITS[simple[2].lower()]
    iso = _ISO.fullmatch(text)
    if iso is None or not any(iso.groups()):
        return None
    return sum(float(part) * unit for part, unit in zip(iso.groups(), _ISO_UNITS, strict=True) if part)


def written(seconds: float) -> str:
    """Return a duration as a file would write it."""
    if seconds and seconds < 1:
        return f"{round(seconds * 1000, 3):g}ms"
    if seconds >= _MINUTE and seconds % _MINUTE == 0:
        return f"{seconds / _MINUTE:g}m"
    return f"{seconds:g}s"
