"""Did you mean."""

from __future__ import annotations

import difflib
import functools
from collections import Counter
from collections.abc import Iterable
from typing import Final

FEW: Final = 60
"""Names that are each compared with a word."""
_TELLING: Final = 200
"""Names that may share a piece which still tells something."""
_LOOKED_AT: Final = 20
"""Of more names, how many are compared."""
_LONGEST: Final = 400
"""Letters of the longest word that is looked for: comparing takes their square."""
_LISTED: Final = 20
"""Names that a hint lists."""


@functools.lru_cache(maxsize=4096)
def fold(name: str) -> str:
    """Drop case and punctuation: ``riskDetection-id`` and ``riskdetection_id`` are the same then."""
    return "".join(character for character in name if character.isalnum()).casefold()


class _Names:
    """Known names, ordered once for all the words that are looked up among them."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.sorted = sorted(set(names))
        self.by_fold: dict[str, str] = {}
        self._by_letters: dict[str, list[str]] = {}
        for name in self.sorted:
            self.by_fold.setdefault(fold(name), name)
            self._by_letters.setdefault("".join(sorted(name)), []).append(name)

    @functools.cached_property
    def _by_piece(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in self.sorted:
            for piece in _pieces(name):
                found.setdefault(piece, []).append(name)
        return found

    def swapped(self, word: str) -> str | None:
        """Return the first name of the same letters in another order."""
        same = self._by_letters.get("".join(sorted(word)), ())
        return next((name for name in same if name != word), None)

    def likely(self, word: str) -> list[str]:
        """Return the names that are worth a closer look: all of a few; of many those with most pieces of the word.

        Pieces that very many names have tell nothing, so the work doesn't grow with what is known.
        """
        if len(self.sorted) <= FEW:
            return self.sorted
        shared: Counter[str] = Counter()
        for piece in _pieces(word):
            names = self._by_piece.get(piece, ())
            if len(names) <= _TELLING:
                shared.update(names)
        return sorted(name for name, _ in shared.most_common(_LOOKED_AT))


def _pieces(name: str) -> set[str]:
    folded = fold(name)
    return {folded[at : at + 3] for at in range(max(1, len(folded) - 2))}


@functools.lru_cache(maxsize=32)
def _names(names: tuple[str, ...]) -> _Names:
    return _Names(names)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known name that ``word`` was most likely meant to be, or ``None``.

    The word may be a caller's: what is longer than any name is none.
    """
    if len(word) > _LONGEST:
        return None
    names = _names(tuple(known))
    same = names.by_fold.get(fold(word)) or names.swapped(word)
    if same is not None:
        return same
    close = difflib.get_close_matches(word, names.likely(word), n=1, cutoff=0.7)
    return close[0] if close else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean `x`?``, or nothing."""
    near = nearest(word, known)
    return f"did you mean `{near}`?" if near is not None else ""


def listed(names: Iterable[str]) -> str:
    """Return the first of some names in a row, and how many there are beside them; ``none`` for none."""
    every = list(names)
    more = f" and {len(every) - _LISTED} more" if len(every) > _LISTED else ""
    return f"{', '.join(every[:_LISTED])}{more}" if every else "none"
