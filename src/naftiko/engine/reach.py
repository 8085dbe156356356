"""What a capability file may reach, and what it does reach (SEMANTICS 9).

A file is somebody else's text: the files that it names lie below its own directory, or below a root that the operator
names; of the environment it reads what the operator lets it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from naftiko.errors import NaftikoError

_OWN: Final = frozenset({"NAFTIKO_AUTH", "NAFTIKO_HANDLE_KEY", "NAFTIKO_NONCE_KEY"})
"""The engine's own secrets, which are nothing to a capability."""


class OutOfReach(NaftikoError):
    """A file that a capability names and may not read."""


class FileRoots:
    """Where the files of a capability lie: below its own directory, or a root that the operator names.

    Attributes:
        own: the capability's directory, links resolved.
        named: the operator's roots, directories or single files, likewise.
    """

    def __init__(self, base: Path, named: Iterable[Path] = ()) -> None:
        self.own = base.resolve()
        self.named = tuple(root.resolve() for root in named)

    def holds(self, path: Path) -> bool:
        """Tell whether a path lies below one of them, links resolved."""
        try:
            real = path.resolve()
        except (OSError, RuntimeError, ValueError):  # links in a circle; a NUL
            return False
        return any(real.is_relative_to(root) for root in (self.own, *self.named))

    def is_outside(self, path: Path) -> bool:
        """Tell whether a path lies outside of the capability's own directory."""
        return not FileRoots(self.own).holds(path)

    def why_not(self, path: Path) -> str:
        """Return why a path may not be read, ``""`` where it may."""
        if self.holds(path):
            return ""
        return f"it lies outside of {self.own}; let it be read with --file-root {path}"

    def check(self, path: Path, written: str) -> None:
        """Let a path through that lies below one of them.

        Raises:
            OutOfReach: it doesn't.
        """
        why = self.why_not(path)
        if why:
            raise OutOfReach(f"`{written}` is not read: {why}")


@dataclass(frozen=True, slots=True)
class ReadableNames:
    """Which variables of the environment a capability may read.

    Attributes:
        allowed: names or patterns; none: all.
        denied: names or patterns, which win.
    """

    allowed: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()

    def why_not(self, name: str) -> str:
        """Return why a variable may not be read, ``""`` where it may."""
        if name in _OWN:
            return "it is the server's own"
        if any(fnmatchcase(name, pattern) for pattern in self.denied):
            return "--deny-env names it"
        if self.allowed and not any(fnmatchcase(name, pattern) for pattern in self.allowed):
            return "--allow-env doesn't name it"
        return ""

    def of(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the variables of an environment that may be read."""
        return {name: value for name, value in environment.items() if not self.why_not(name)}


@dataclass(frozen=True, slots=True)
class UsedVariable:
    """A variable and where its value goes.

    Attributes:
        name: as the file has it.
        source: what it is called where it comes from, and where that is; ``""`` for the environment under its name.
        targets: hosts as base URIs have them, or whose callers get it.
        is_set: whether it has a value.
    """

    name: str
    source: str
    targets: tuple[str, ...]
    is_set: bool


@dataclass(frozen=True, slots=True)
class UsedFile:
    """A file or directory that a capability makes the engine read.

    Attributes:
        path: where it is.
        used_as: what for.
        is_outside: whether it lies outside of the capability's directory.
        refused: why it is not read, or ``""``.
        is_named: whether it lies below a root that the operator names.
        targets: where its values go, of a bind's.
    """

    path: Path
    used_as: str
    is_outside: bool
    refused: str
    targets: tuple[str, ...] = ()
    is_named: bool = False


@dataclass(frozen=True, slots=True)
class Reach:
    """What a capability uses."""

    variables: tuple[UsedVariable, ...]
    files: tuple[UsedFile, ...]

    @property
    def outside(self) -> Sequence[UsedFile]:
        """The files outside of the capability's directory."""
        return [file for file in self.files if file.is_outside]

    def by_target(self, *, set_ones: bool = False) -> Iterator[tuple[str, list[str]]]:
        """Yield each target with the variables whose values go there; only those that have one, if wanted."""
        found: dict[str, list[str]] = {}
        for variable in (each for each in self.variables if each.is_set or not set_ones):
            for target in variable.targets:
                found.setdefault(target, []).append(variable.name)
        yield from found.items()
