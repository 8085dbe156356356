"""What the policies of one API remember between calls, and count for whoever looks.

It belongs to the event loop of the calls. What a policy remembers is found by its settings, so that a file that is
loaded anew goes on with what its unchanged policies know.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from typing import Any, Generic, TypeVar

StateT = TypeVar("StateT")


class Cell(Generic[StateT]):
    """Where a policy finds what it remembers.

    Attributes:
        state: of now; another one's, once that was taken over.
    """

    __slots__ = ("state",)

    def __init__(self, state: StateT) -> None:
        self.state = state


class States:
    """The memory of an API's policies.

    Attributes:
        counts: how often a policy did something, by policy, operation and what it did.
    """

    def __init__(self) -> None:
        self._cells: dict[Hashable, Cell[Any]] = {}
        self.counts: Counter[tuple[str, str, str]] = Counter()

    def cell(self, key: Hashable, make: Callable[[], StateT]) -> Cell[StateT]:
        """Return the cell of a key, which is made once."""
        known = self._cells.get(key)
        if known is None:
            known = self._cells[key] = Cell(make())
        return known

    def of(self, kind: type[StateT]) -> Iterator[StateT]:
        """Yield what is remembered of one kind."""
        yield from (cell.state for cell in self._cells.values() if isinstance(cell.state, kind))

    def take_over(self, before: States) -> None:
        """Go on with what the same policies knew before."""
        for key, cell in self._cells.items():
            known = before._cells.get(key)
            if known is not None:
                cell.state = known.state
        self.counts = before.counts
