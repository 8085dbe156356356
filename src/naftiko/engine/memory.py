"""How much memory large bodies and documents may hold, in all requests of a process together (SEMANTICS 9).

A request takes what it holds out of the budget, as it comes, and gives it back when its answer is sent: the body of a
caller, what upstreams answer, what is made of it. Small ones are not counted: a server that has thousands of them at
once has other limits for that. Above the budget a request is refused before it has done anything that can't be done
again, and in any case before its answer begins.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from naftiko.ground.errors import Overloaded

SMALL: Final = 64 * 1024
"""Bytes of a body that are not counted."""
_FEW: Final = 64
"""Pieces of a body that are put together at the end."""
_PUT_TOGETHER: Final = 4 * 1024 * 1024
"""Bytes of a body, likewise."""
_LEAST: Final = 64 * 1024 * 1024
_OF_A_CGROUP: Final = 2
_OF_A_MACHINE: Final = 4
"""Which part of what there is may be held: of a container's half, of a machine's that is shared with others less."""
_UNITS: Final = {"K": 1024, "M": 1024**2, "G": 1024**3}
_RETRY_AFTER: Final = 2.0
_CGROUPS: Final = Path("/sys/fs/cgroup")


class Budget:
    """The bytes that may be held.

    Attributes:
        limit: how many; 0 for any number.
        taken: how many are held.
        refused: how often there were too few left.
    """

    __slots__ = ("limit", "refused", "taken")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = 0
        self.refused = 0

    def take(self, size: int) -> None:
        """Take bytes.

        Raises:
            Overloaded: there are too few left.
        """
        if not self.has(size):
            self.refused += 1
            raise Overloaded(
                f"large requests and answers hold all the memory that they may, {self.limit // 1024**2} MiB",
                retry_after=_RETRY_AFTER,
            )
        self.taken += size

    def has(self, size: int) -> bool:
        """Tell whether there are so many left."""
        return not self.limit or self.taken + size <= self.limit

    def give(self, size: int) -> None:
        """Give bytes back."""
        self.taken -= size


class Lease:
    """What one request holds, as a context around it.

    Attributes:
        held: bytes.
    """

    __slots__ = ("_budget", "_is_over", "_token", "held")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._is_over = False
        self.held = 0

    def __enter__(self) -> Self:
        self._token = _LEASE.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _LEASE.reset(self._token)
        self._is_over = True
        if self.held:
            self._budget.give(self.held)

    def take(self, size: int) -> None:
        """Hold more; see ``Budget.take``. What goes on for others when the request is over is not held by it."""
        if self._is_over:
            return
        self._budget.take(size)
        self.held += size

    def keep(self, size: int) -> None:
        """Hold more, whatever is left."""
        if self._is_over:
            return
        self._budget.taken += size
        self.held += size


_LEASE: Final[ContextVar[Lease | None]] = ContextVar("lease", default=None)


def hold(size: int) -> None:
    """Take bytes out of the budget until the request that is being answered is done.

    Raises:
        Overloaded: there are too few left.
    """
    lease = _LEASE.get()
    if lease is not None:
        lease.take(size)


def keep(size: int) -> None:
    """Count bytes that are there already, for which room was made before."""
    lease = _LEASE.get()
    if lease is not None:
        lease.keep(size)


class Growing:
    """A body that comes in pieces; it is held once it is not small any more.

    A few pieces are put together once, at the end. More of them, or a large body, grow in one block, which the system
    gets back when it is gone: pieces would leave holes behind.
    """

    __slots__ = ("_block", "_held", "_pieces", "_size")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._block: bytearray | None = None
        self._size = 0
        self._held = 0

    def add(self, piece: bytes) -> int:
        """Take a piece; return how many bytes there are.

        Raises:
            Overloaded: there is no room for it.
        """
        size = self._size = self._size + len(piece)
        if size > SMALL:
            hold(size - self._held)
            self._held = size
        if self._block is not None:
            self._block += piece
            return size
        self._pieces.append(piece)
        if len(self._pieces) > _FEW or (size > _PUT_TOGETHER and len(self._pieces) > 1):
            self._block = bytearray().join(self._pieces)
            self._pieces.clear()
        return size

    def whole(self) -> bytes:
        """Return all of it."""
        if self._block is not None:
            return bytes(self._block)
        return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)


def budget_of(text: str, workers: int = 1) -> int:
    """Return the budget of each of so many processes.

    Args:
        text: bytes such as ``512M``, a part of what there is such as ``25%``, 0 for any number, or ``""``: half of the
            cgroup's limit, else a quarter of the machine's memory.
        workers: how many processes share it.

    Raises:
        ValueError: it is none of these.
    """
    if not text:
        limited = _cgroup_limit()
        total = (limited or _machine()) // (_OF_A_CGROUP if limited else _OF_A_MACHINE)
    else:
        total = _amount(text.strip().upper().removesuffix("IB").removesuffix("B"), text)
        if not total:
            return 0
    return max(_LEAST, total // workers)


def _amount(bare: str, text: str) -> int:
    digits, unit = (bare[:-1], bare[-1]) if bare[-1:] in {*_UNITS, "%"} else (bare, "")
    try:
        number = float(digits)
    except ValueError:
        number = -1
    if not 0 <= number < 1e15 or (unit == "%" and number > 100):  # noqa: PLR2004  # no machine has more; all of it
        raise ValueError(f"`{text}` is no amount of memory, like 512M, 2G, 25% or 0")
    if unit == "%":
        return round((_cgroup_limit() or _machine()) * number / 100)
    return round(number * _UNITS.get(unit, 1))


def _machine() -> int:
    """Return the memory of the machine, in bytes."""
    with suppress(ValueError, OSError, AttributeError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return 4 * 1024**3


def _cgroup_limit(root: Path = _CGROUPS, own: Path = Path("/proc/self/cgroup")) -> int | None:
    """Return the smallest limit of the process's control groups, of version 2 or 1; ``None`` where there is none."""
    limits = [number for file in _limit_files(root, own) if (number := _number(file)) is not None]
    smallest = min(limits, default=None)
    return smallest if smallest is not None and smallest < _machine() else None


def _limit_files(root: Path, own: Path) -> Iterator[Path]:
    """Yield the files that may hold a limit: those of the group and of all that it is in (cgroups(7))."""
    try:
        lines = own.read_text("utf-8").splitlines()
    except OSError:
        lines = []
    yield root / "memory.max"
    yield root / "memory" / "memory.limit_in_bytes"
    for line in lines:
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0":
            base, name = root, "memory.max"
        elif "memory" in controllers.split(","):
            base, name = root / "memory", "memory.limit_in_bytes"
        else:
            continue
        group = base / path.strip("/")
        while group != base and base in group.parents:
            yield group / name
            group = group.parent


def _number(file: Path) -> int | None:
    try:
        text = file.read_text("ascii").strip()
    except (OSError, ValueError):
        return None
    return int(text) if text.isdecimal() else None
