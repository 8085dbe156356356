"""How a credential stands in bytes: as it is, in hex, in base64; and what of these every encoding leaves alone."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from naftiko.observe.unescaping import UNRESERVED

LONG: Final = 16
"""Characters from which on a credential is nothing else, wherever it stands."""
MIXED: Final = 8
"""The same of one of letters and of digits or marks; what is shorter is known by its name beside it."""
SHORTEST_ENCODED: Final = 6
"""Bytes from which on base64 and hex of them are nothing else."""
_SIGN: Final = 5
"""Bytes of a part that is looked for first."""


@dataclass(frozen=True, slots=True)
class SecretPattern:
    """How a credential stands in bytes.

    Attributes:
        folded: the value and its hex, in lower case: found in any case.
        exact: its base64 forms.
        folded_signs: a part of each of ``folded`` that no encoding needs to change, else the whole.
        signs: the same in the first half of each of ``exact``.
        ends: the same in the second half, for base64 whose lines are broken.
        has_signs: whether all of them have such a part.
    """

    folded: frozenset[bytes]
    exact: frozenset[bytes]
    folded_signs: frozenset[bytes]
    signs: frozenset[bytes]
    ends: frozenset[bytes]
    has_signs: bool


@lru_cache(maxsize=256)
def needle(value: str) -> SecretPattern:
    """Return how a credential stands in bytes."""
    data = value.encode("utf-8", "replace")
    folded = {data.lower(), value.lower().encode("utf-8", "replace")}
    if not value.isascii():
        folded.add(value.lower().encode("latin-1", "replace"))
    exact: set[bytes] = set()
    if len(data) >= SHORTEST_ENCODED:
        folded.add(data.hex().encode())
        exact.update(in_base64(data))
    return SecretPattern(
        folded=frozenset(folded),
        exact=frozenset(exact),
        folded_signs=frozenset(_plain(known) or known for known in folded),
        signs=frozenset(_plain(known[: len(known) // 2]) or _plain(known) or known for known in exact),
        ends=frozenset(filter(None, (_plain(known[len(known) // 2 :]) for known in exact))),
        has_signs=all(map(_plain, (*folded, *exact))),
    )


def in_base64(data: bytes) -> Iterator[bytes]:
    """Yield what base64 (RFC 4648) makes of data, wherever in longer data it stands: what is its own."""
    for before in range(3):
        whole = base64.b64encode(bytes(before) + data).rstrip(b"=")
        # The first and last characters depend on what stands around the data.
        start, odd = -(-before * 8 // 6), (before + len(data)) % 3
        inner = whole[start : len(whole) - 1 if odd else len(whole)]
        yield inner
        yield inner.replace(b"+", b"-").replace(b"/", b"_")


def _plain(data: bytes) -> bytes:
    """Return the longest part that no encoding needs to escape, ``b""`` where it is too short to be looked for."""
    longest = max(UNRESERVED.findall(data), key=len, default=b"")
    return longest if len(longest) >= _SIGN else b""


def stands_out(value: str) -> bool:
    """Tell whether a value is nothing else wherever it stands: a long one, or a mixed one."""
    if len(value) >= LONG:
        return True
    return len(value) >= MIXED and not value.isalpha() and not value.isdigit()
