"""What holds, and what doesn't: values that are there and true, and comparisons as in a filter of JSONPath."""

from __future__ import annotations

import re
from typing import Any, Final

from naftiko.expression import jsonpath
from naftiko.ground.types import ABSENT

_FALSE: Final = frozenset({"", "false", "null", "no", "0"})
"""Texts that are no condition, in lower case: what a template makes of a value that is none."""
_COMPARES: Final = re.compile(r"[=<>]|&&|\|\||\(")


def is_true(value: Any) -> bool:
    """Tell whether a value is there and true: null, false, 0, and empty texts, lists and objects are not."""
    if value is ABSENT or value is None:
        return False
    if isinstance(value, str):
        return value.strip().lower() not in _FALSE
    return bool(value)


def compares(text: str) -> bool:
    """Tell a comparison, such as ``$.total > 100``, from a path."""
    return _COMPARES.search(text) is not None


def comparison(text: str) -> jsonpath.JSONPath:
    """Compile a comparison; its paths begin at the one object that is looked at (RFC 9535, 2.3.5).

    Raises:
        JSONPathError: it can't be read.
    """
    rooted = re.sub(r"\$(?=[.\[])", "@", text)
    return jsonpath.parse(f"$[?{rooted}]")


def holds(path: jsonpath.JSONPath, value: Any) -> bool:
    """Tell whether a comparison holds for an object."""
    return path([value]) not in (ABSENT, None, [])
