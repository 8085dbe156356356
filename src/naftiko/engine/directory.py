"""A directory of files that are served: which there are, and which one a path names (SEMANTICS 7)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

from naftiko.engine.reach import is_there
from naftiko.ground.media_types import of_file

MOST_FILES: Final = 10_000
"""Files of one directory that are listed: a client gets them in one page."""


class NotServed(Exception):
    """A URI that names no file which may be read."""


@dataclass(frozen=True, slots=True)
class ServedFile:
    """A file of a directory: its URI, its path and its media type.

    Attributes:
        relative: its path below the directory; empty where the resource is this one file.
    """

    uri: str
    path: Path
    media_type: str
    relative: str = ""


class Directory:
    """The files below a directory, or one file; dot files are not served, and symbolic links may not lead out.

    Args:
        uri: of the directory; a file's is this, a slash and its relative path.
        root: the directory, or a file.
        media_type: of every file, or ``None`` to go by the suffix.
    """

    def __init__(self, uri: str, root: Path, media_type: str | None) -> None:
        self.uri = uri.rstrip("/")
        self.root = root
        self._media_type = media_type

    def files(self) -> list[ServedFile]:
        """Return the files, in order of their paths; an unreadable or absent directory has none."""
        if self._is_file:
            return [self._served(self.uri, self.root)]
        found: list[ServedFile] = []
        for path in self._walk():
            relative = path.relative_to(self.root).as_posix()
            found.append(self._served(f"{self.uri}/{quote(relative)}", path, relative))
            if len(found) == MOST_FILES:
                break
        return found

    @property
    def _is_file(self) -> bool:
        """Whether it is one file, and has not become a link since it was found."""
        return is_there(self.root) and self.root.is_file() and self._inside(self.root) == self.root

    def _walk(self) -> Iterator[Path]:
        for folder, folders, names in os.walk(self.root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                path = Path(folder, name)
                if name.startswith(".") or not _has_uri(path.as_posix()):
                    continue
                if (real := self._inside(path)) is not None and real.is_file():
                    yield path

    def _inside(self, path: Path) -> Path | None:
        """Return where a path leads, links followed; ``None`` where that is nothing or outside of the directory."""
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError):
            return None
        return real if real.is_relative_to(self.root) else None

    def _served(self, uri: str, path: Path, relative: str = "") -> ServedFile:
        return ServedFile(uri, path, self._media_type or of_file(path.name), relative)

    def holds(self, uri: str) -> bool:
        """Tell whether a URI is meant to be one of these files, whether it exists or not."""
        return uri == self.uri or uri.startswith(f"{self.uri}/")

    def find(self, uri: str) -> ServedFile:
        """Return the file that a URI names.

        Raises:
            NotServed: there is none, it is a directory, a dot file, or outside the directory.
        """
        if uri == self.uri:
            if self._is_file:
                return self._served(uri, self.root)
            raise NotServed("it is a directory, not a file")
        segments = [unquote(segment) for segment in uri[len(self.uri) + 1 :].split("/")]
        return self._named(uri, segments)

    def of_path(self, path: str) -> ServedFile:
        """Return the file at a path below the directory.

        Raises:
            NotServed: there is none, it is a directory, a dot file, or outside the directory.
        """
        return self._named(f"{self.uri}/{quote(path, errors='replace')}", path.split("/"))

    def _named(self, uri: str, segments: Sequence[str]) -> ServedFile:
        if any(_is_refused(segment) for segment in segments):
            raise NotServed("its path is not allowed")
        path = self.root.joinpath(*segments)
        real = self._inside(path)
        if real is not None and real.is_dir():
            raise NotServed("it is a directory, not a file")
        if real is None or not real.is_file():
            raise NotServed("there is no such file")
        return self._served(uri, path)


def _has_uri(path: str) -> bool:
    """Tell whether a path can be named: one that is not UTF-8 has no URI that means it."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_refused(segment: str) -> bool:
    """Tell the segments that no file is read by: empty ones, dot files, and what would be more than one segment."""
    return not segment or segment.startswith(".") or any(mark in segment for mark in ("/", "\\", "\0", ":"))
