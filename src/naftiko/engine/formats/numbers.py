"""Numbers that JSON can't say as they are (RFC 8259 section 6 has no NaN and no infinity)."""

from __future__ import annotations

import math
import struct


def json_float(value: float) -> float | str:
    """Give ``value``, or the name that ProtoJSON gives it: ``NaN``, ``Infinity``, ``-Infinity``."""
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def json_single(value: float) -> float | str:
    """Like ``json_float`` for a number of 32 bits: 0.1 stays 0.1, which Python shows as 0.10000000149011612."""
    if not math.isfinite(value):
        return json_float(value)
    packed = struct.pack("<f", value)
    for digits in range(6, 9):
        short = float(f"{value:.{digits}g}")
        try:
            if struct.pack("<f", short) == packed:
                return short
        except OverflowError:  # rounded up, beyond the largest number of 32 bits
            continue
    return float(f"{value:.9g}")
