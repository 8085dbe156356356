"""Files of the command line: capability files by name, directory and glob pattern, and what commands write."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from naftiko.engine.reach import is_there
from naftiko.ground.seen import seen, text_of

_DEFAULT_PATHS = ("capabilities",)
_SUFFIXES = frozenset({".yaml", ".yml"})
_ROOT_KEY = re.compile(rb"""^(?:\xef\xbb\xbf)?["']?(?:naftiko|ikanos)["']?[ \t]*:""", re.MULTILINE)
_MAGIC = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """What was found.

    Attributes:
        files: the capability files, each once, in the order of the arguments, sorted within a directory.
        others: YAML files of directories that are no capabilities, such as files to import from.
    """

    files: tuple[Path, ...]
    others: tuple[Path, ...]


def write_text(file: Path, text: str) -> None:
    """Write what a command makes to a file.

    Raises:
        click.ClickException: it can't be written.
    """
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{file}: {(error.strerror or 'it cannot be written').lower()}") from error


def find_files(arguments: Iterable[str]) -> FoundFiles:
    """Find the files that the arguments name.

    A file that is named is taken as it is. In a directory, at any depth, YAML files with a root key ``naftiko`` or
    ``ikanos`` are taken; hidden directories are not searched.

    Raises:
        click.UsageError: an argument names nothing.
    """
    given = tuple(arguments)
    return seen("capabilities", repr(given), lambda: _found(given))


def _found(arguments: Iterable[str]) -> FoundFiles:
    files: dict[Path, None] = {}
    others: dict[Path, None] = {}
    for argument in arguments:
        for path in _paths(argument):
            if not path.is_dir():
                files[path] = None
                continue
            for below in _yaml_files(path):
                (files if is_capability(below) else others)[below] = None
    return FoundFiles(tuple(files), tuple(path for path in others if path not in files))


def _paths(argument: str) -> list[Path]:
    path = Path(argument)
    if is_there(path):
        return [path]
    if _MAGIC.search(argument):
        found = sorted(Path(name) for name in glob.glob(argument, recursive=True))  # noqa: PTH207  # absolute patterns too
        if found:
            return [each for each in found if each.is_dir() or each.suffix.lower() in _SUFFIXES]
        raise click.UsageError(f"no file matches `{argument}`")
    raise click.UsageError(f"there is no file or directory `{argument}`")


def _yaml_files(directory: Path) -> list[Path]:
    found = (path for path in directory.rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file())
    return sorted(path for path in found if not _is_hidden(path.relative_to(directory)))


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def is_capability(path: Path) -> bool:
    """Tell whether a file has a capability's root key; its YAML may be broken all the same."""
    try:
        return _ROOT_KEY.search(text_of(path)) is not None
    except OSError:
        return True  # whoever reads it then says why it can't be read


def default_paths(paths: Sequence[str]) -> Sequence[str]:
    """Return the paths, or the directory that is served without any."""
    if paths:
        return paths
    if all(Path(path).exists() for path in _DEFAULT_PATHS):
        return _DEFAULT_PATHS
    raise click.UsageError("name a capability file or a directory of them")
