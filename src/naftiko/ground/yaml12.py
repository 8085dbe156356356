"""Plain scalars of YAML 1.2's core schema (https://yaml.org/spec/1.2.2/ chapter 10.3): ``no`` and ``1:30`` are text."""

from __future__ import annotations

import re
from typing import Final

NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
BOOLEANS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
NUMBERS_BEGIN: Final = frozenset("+-.0123456789")
"""What numbers begin with: spares most texts the patterns."""
_NUMBER: Final = re.compile(
    r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
)
_NOT_FINITE: Final = re.compile(r"([-+]?)\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


def is_number(text: str) -> bool:
    """Tell whether a plain scalar is a finite number."""
    return _NUMBER.fullmatch(text) is not None


def not_finite(text: str) -> float | None:
    """Return the infinity or the NaN that a plain scalar is, or ``None``."""
    found = _NOT_FINITE.fullmatch(text)
    return None if found is None else float(text.replace(".", ""))
