"""Challenges: the ``WWW-Authenticate`` header (RFC 9110 chapter 11.6.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from naftiko.http_fields import quoted

_UNPRINTABLE: Final = re.compile(r"[^\x20-\x7e]")


def challenge(scheme: str, texts: Mapping[str, str], bare: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Return the header.

    Args:
        scheme: its word.
        texts: parameters that are quoted strings.
        bare: parameters that are tokens, such as Digest's ``algorithm``.
    """
    fields = [f"{name}={quoted(_UNPRINTABLE.sub('?', value))}" for name, value in texts.items()]
    fields += [f"{name}={value}" for name, value in (bare or {}).items()]
    return "WWW-Authenticate", f"{scheme} {', '.join(fields)}"
