"""Where adapters listen beside ports of their own: Unix sockets that an operator names, sockets of systemd.

A Unix socket is a file: who may connect is who may write to it. One that a server left behind that is gone is
replaced, one that somebody listens on is not; at the end it is removed, unless another server has put its own there.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from naftiko.serve.sockets import BACKLOG, UNIX, CannotListen, listen_together

_LONGEST: Final = 107
"""Bytes of a path that a socket's address has room for (unix(7)); some systems have less."""
_OF_THE_UNIT: Final = re.compile(r".*\.socket|unknown|")
"""Names that systemd gives where nobody has given one (sd_listen_fds(3))."""
Address = tuple[str, int]


class UnixSocket(socket.socket):
    """A socket whose file is ours to remove.

    Attributes:
        file: the file, and its inode, which tells it from another server's.
    """

    file: tuple[Path, int] | None = None

    def remove(self) -> None:
        """Remove the file, so that nobody else comes; another server's at the same path stays."""
        if self.file is not None:
            path, inode = self.file
            with contextlib.suppress(OSError):  # it is gone already
                if path.lstat().st_ino == inode:
                    path.unlink()


class Inherited(socket.socket):
    """A socket that somebody else has opened and goes on listening on: callers may wait in it for the next server."""

    name = ""


@dataclass(slots=True)
class Given:
    """What an operator gives adapters to listen on.

    Attributes:
        paths: of Unix sockets, by an adapter's namespace or kind; under ``""`` the one of all adapters of callers.
        mode: the permissions of their files.
        inherited: sockets that are open already.
    """

    paths: Mapping[str, str] = field(default_factory=dict)
    mode: int = 0o660
    inherited: Sequence[Inherited] = ()
    _used: set[int] = field(default_factory=set)
    _named: set[str] = field(default_factory=set)

    def place(self, names: Iterable[str], port: int, *, for_operators: bool) -> Address | None:
        """Return where an adapter listens; ``None``: on its port.

        Args:
            names: its namespace and its kind, what is more special first.
            port: that it would have.
            for_operators: whether it is for whoever runs the process: what is there for all is not for it.
        """
        known = [name for name in names if name]
        for name in (*known, *(() if for_operators else ("",))):
            if path := self.paths.get(name):
                self._named.add(name)
                return f"{UNIX}{path}", 0
        found = self._of(known, port, for_operators=for_operators)
        if found is None:
            return None
        self._used.add(found.fileno())
        return address_of(found)

    def _of(self, names: Sequence[str], port: int, *, for_operators: bool) -> Inherited | None:
        for name in names:
            for each in self.inherited:
                if name and each.name == name:
                    return each
        nameless = [each for each in self.inherited if _OF_THE_UNIT.fullmatch(each.name)]
        same_port = next((each for each in nameless if port and address_of(each)[1] == port), None)
        is_only = len(self.inherited) == 1 and not for_operators
        return same_port or (nameless[0] if nameless and is_only else None)

    @property
    def unused(self) -> list[Inherited]:
        """Those that no adapter listens on."""
        return [each for each in self.inherited if each.fileno() not in self._used]

    @property
    def misnamed(self) -> list[str]:
        """The names of paths that no adapter has."""
        return [name for name in self.paths if name not in self._named]

    def open(self, host: str, port: int, count: int) -> list[socket.socket]:
        """Open a listener: one socket for each process that serves it.

        Raises:
            CannotListen: it can't be opened.
        """
        ours = next((each for each in self.inherited if address_of(each) == (host, port)), None)
        if ours is not None:
            return [_again(ours) for _ in range(count)]
        if not host.startswith(UNIX):
            return listen_together(host, port, count)
        first = _listen(Path(host.removeprefix(UNIX)), self.mode)
        return [first, *(_again(first) for _ in range(count - 1))]


def given_name(text: str) -> tuple[str, str]:
    """Return the name and the path of ``[NAME=]PATH``.

    Raises:
        ValueError: there is no path, or it is too long for a socket.
    """
    name, equals, path = text.partition("=")
    if not equals or "/" in name:
        name, path = "", text
    path = os.path.abspath(os.path.expanduser(path.strip())) if path.strip() else ""  # noqa: PTH100, PTH111  # texts
    if not path or "\0" in path:
        raise ValueError(f"`{text[:200]}` is no path of a socket: one is like /run/naftiko.sock or rest=/run/rest.sock")
    if len(os.fsencode(path)) > _LONGEST:
        raise ValueError(f"`{path[:200]}` has more than {_LONGEST} bytes, which no socket's address has room for")
    return name.strip(), path


def file_mode(text: str) -> int:
    """Return the permissions of a file, of octal digits.

    Raises:
        ValueError: they are none.
    """
    if not re.fullmatch("0?[0-7]{3}", text):
        raise ValueError(f"`{text[:200]}` is no mode of a file: one is like 660 or 666")
    return int(text, 8)


def address_of(opened: socket.socket) -> Address:
    """Return where a socket listens: its host and port; ``unix:`` and a path, and 0."""
    found = opened.getsockname()
    return (found[0], found[1]) if isinstance(found, tuple) else (f"{UNIX}{os.fsdecode(found)}", 0)


def remove_files(sockets: Iterable[socket.socket]) -> None:
    """Remove the files of those that have some of ours."""
    for each in sockets:
        if isinstance(each, UnixSocket):
            each.remove()


def _again(opened: socket.socket) -> socket.socket:
    other = opened.dup()
    other.setblocking(False)  # noqa: FBT003  # the socket's own signature
    if isinstance(opened, UnixSocket) and isinstance(other, UnixSocket):
        other.file = opened.file
    return other


def _listen(path: Path, mode: int) -> UnixSocket:
    opened = UnixSocket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _make_place(path)
        with contextlib.suppress(OSError):  # where a system knows it not, there is the line after the next
            os.fchmod(opened.fileno(), mode)  # so that nobody may connect who may not, not even for a moment
        opened.bind(str(path))
        opened.file = path, path.lstat().st_ino
        path.chmod(mode)
        opened.listen(BACKLOG)
    except OSError as error:
        opened.remove()
        opened.close()
        why = (error.strerror or "unknown reason").lower()
        raise CannotListen(f"can't listen on {path}: {why}; choose another with --uds") from error
    except CannotListen:
        opened.close()
        raise
    opened.setblocking(False)  # noqa: FBT003  # the socket's own signature
    return opened


def _make_place(path: Path) -> None:
    """Remove a socket on which nobody listens any more.

    Raises:
        CannotListen: there is something else.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise CannotListen(
            f"can't listen on {path}: it is there and no socket; remove it, or choose another with --uds"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except OSError:  # its queue is full, or we may not ask
            pass
    raise CannotListen(f"{path} is in use: stop what listens there, or choose another with --uds")
