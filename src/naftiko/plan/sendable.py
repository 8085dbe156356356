"""What the value of a variable may hold (SEMANTICS 4.2)."""

from __future__ import annotations

import re

from naftiko.errors import UnusableVariable

_NOT_ON_A_LINE = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_UNSENDABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def sendable(name: str, value: str, *, one_line: bool) -> str:
    """Return a variable's value if it can be sent (SEMANTICS 4.2).

    Raises:
        UnusableVariable: a control character is in it, or bytes that are no UTF-8; the value is never shown.
    """
    if not value.isprintable() and (_NOT_ON_A_LINE if one_line else _UNSENDABLE).search(value):
        raise UnusableVariable([name], "can't be sent: it holds a line break or control character, or is no UTF-8")
    return value
