"""Challenges: the ``WWW-Authenticate`` header (RFC 9110 chapter 11.6.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_UNPRINTABLE: Final = re.compile(r"[^\x20-\x7e]")


def challenge(scheme: str, quoted: Mapping[str, str], bare: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Return the header.

    Args:
        scheme: its word.
        quoted: parameters that are quoted strings.
        bare: parameters that are tokens, such as Digest's ``algorithm``.
    """
    fields = [f'{name}="{_escaped(value)}"' for name, value in quoted.items()]
    fields += [f"{name}={value}" for name, value in (bare or {}).items()]
    return "WWW-Authenticate", f"{scheme} {', '.join(fields)}"


def _escaped(text: str) -> str:
    return _UNPRINTABLE.sub("?", text).replace("\\", "\\\\").replace('"', '\\"')
