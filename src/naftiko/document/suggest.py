"""Did you mean."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable


@functools.lru_cache(maxsize=4096)
def fold(name: str) -> str:
    """Drop case and punctuation: ``riskDetection-id`` and ``riskdetection_id`` are the same then."""
    return "".join(character for character in name if character.isalnum()).casefold()


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known name that ``word`` was most likely meant to be, or ``None``."""
    candidates = sorted(set(known))
    folded = fold(word)
    for candidate in candidates:
        if fold(candidate) == folded:
            return candidate
    swapped = next((each for each in candidates if each != word and sorted(each) == sorted(word)), None)
    if swapped is not None:
        return swapped
    close = difflib.get_close_matches(word, candidates, n=1, cutoff=0.7)
    return close[0] if close else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean `x`?``, or nothing."""
    near = nearest(word, known)
    return f"did you mean `{near}`?" if near is not None else ""
