"""Objects that the processes of a pool have in common: made before the first fork, they are sent as a number."""

from __future__ import annotations

import itertools
from typing import Final
from weakref import WeakValueDictionary

_NUMBERS: Final = itertools.count()


class Shared:
    """An object that stays where it is: what is sent to another process of the pool is its number.

    Attributes:
        number: the same in all processes that were forked after it was made.
    """

    number: int

    def __init__(self) -> None:
        self.number = next(_NUMBERS)
        _KNOWN[self.number] = self


_KNOWN: Final[WeakValueDictionary[int, Shared]] = WeakValueDictionary()


def numbered(number: int) -> Shared:
    """Return the object with a number.

    Raises:
        KeyError: it is none of this process's.
    """
    return _KNOWN[number]


def next_number() -> int:
    """Return the number that no object has yet: those that are made from now on are unknown to earlier forks."""
    return next(_NUMBERS)
