"""Open the listening sockets, all of them or none, and know how many connections a process can hold."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import socket
import struct
import sys
from dataclasses import dataclass, field
from typing import Final

from naftiko.document.ports import LAST_PORT
from naftiko.ground.errors import NaftikoError

try:
    import resource
except ImportError:  # no such limit, as on Windows
    resource = None  # type: ignore[assignment]

_WANTED: Final = 65_536
"""Descriptors that a process asks for; the kernel gives them for nothing until they are used."""
_RESERVE: Final = 64
"""Descriptors for listening sockets, logs, files, pipes, and for callers who are told that there is no place."""
_MOST: Final = 10_000
"""Connections beyond which their memory is the limit."""
FEW: Final = 256
"""Connections below which an operator should know."""


def raise_limit() -> int:
    """Let the process open as many files as it may; return how many that is, 0 where there is no limit."""
    if resource is None:
        return 0
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED if hard == resource.RLIM_INFINITY else min(hard, _WANTED)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):  # some systems have a lower limit that they don't tell
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return 0 if soft == resource.RLIM_INFINITY else soft


def most_connections(descriptors: int, upstream: int) -> int:
    """Return how many connections of callers leave enough descriptors for all else.

    Args:
        descriptors: that the process may open; 0 for any number.
        upstream: connections to consumed APIs, at most. They get half of the descriptors if need be, no more.
    """
    if not descriptors:
        return _MOST
    reserve = min(_RESERVE + upstream, descriptors // 2)
    return max(1, min(descriptors - reserve, _MOST))


UNIX: Final = "unix:"
"""What the address of a Unix socket begins with; its path follows."""
BACKLOG: Final = 2048
_ATTACH_FILTER: Final = 26
"""``SO_ATTACH_FILTER`` (socket(7)), which Python has no name for."""
_DROP_ALL: Final = struct.pack("=HBBI", 0x06, 0, 0, 0)
"""``BPF_RET | BPF_K`` of 0: of every packet no byte is let through (Linux, networking/filter.rst)."""


@dataclass(frozen=True, slots=True)
class OwnPort:
    """A port that an operator opens.

    Attributes:
        host: its address.
        port: 0 is a free one.
        token: what callers must show, or ``None``.
    """

    host: str
    port: int
    token: str | None = field(default=None, repr=False)


class CannotListen(NaftikoError):
    """A socket that can't be opened; the text is one line."""


def is_port(number: int) -> bool:
    """Tell whether a number can be a port; 0 is a free one."""
    return 0 <= number <= LAST_PORT


def listen_together(host: str, port: int, count: int) -> list[socket.socket]:
    """Open several sockets on one port, among which the system spreads the connections.

    Raises:
        CannotListen: as ``listen``.
    """
    if count > 1 and port:  # sockets that share a port share it with those of another server too, and nobody is told
        listen(host, port).close()
    first = listen(host, port, shared=count > 1)
    opened = [first]
    try:
        opened += [listen(host, first.getsockname()[1], shared=True) for _ in range(count - 1)]
    except CannotListen:
        for each in opened:
            each.close()
        raise
    return opened


def listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Open a listening socket; port 0 is a free one.

    Args:
        host: the address.
        port: the port.
        shared: whether other sockets of ours may listen on the same port.

    Raises:
        CannotListen: the port is none or in use, the address is not ours, or there is no permission.
    """
    if not is_port(port):
        raise CannotListen(f"can't listen on port {port}: ports are 0 to {LAST_PORT}; choose one with --port")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, ValueError) as error:  # no such name; one that is no name at all, such as `a..b`
        raise CannotListen(f"can't listen on {host}: there is no such address here; choose one with --host") from error
    # asyncio turns Nagle's algorithm off for sockets that say they are TCP: else an answer waits 40 ms for its body.
    opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        opened.bind(address)
        opened.listen(BACKLOG)
    except OSError as error:
        opened.close()
        raise CannotListen(_reason(host, port, error)) from error
    opened.setblocking(False)  # noqa: FBT003  # the socket's own signature
    return opened


def _reason(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use: stop what listens there, or choose another with --port"
    if error.errno == errno.EACCES:
        return f"no permission to listen on port {port}: choose one above 1023 with --port"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine: choose one with --host"
    return f"can't listen on {host}:{port}: {(error.strerror or 'unknown reason').lower()}"


def url_of(opened: socket.socket, scheme: str = "http") -> str:
    """Return the URL of a listening socket; an unspecified address is shown as loopback's name.

    That of a Unix socket is what nginx has: ``http://unix:/run/shop.sock:``, which a path follows.
    """
    found = opened.getsockname()
    if not isinstance(found, tuple):
        return f"{scheme}://unix:{os.fsdecode(found)}:"
    host, port = found[:2]
    shown = "localhost" if host in {"0.0.0.0", "::"} else f"[{host}]" if ":" in host else host  # noqa: S104  # compared
    return f"{scheme}://{shown}:{port}"


def take_no_more(listening: socket.socket) -> None:
    """Let nobody else into the queue of a listening socket; who is in it can still be accepted.

    Closing a listening socket resets whoever waits in its queue, and between the last look into it and the close
    somebody may come. From now on they are not heard: they try again after a second, and are refused, or are taken by
    whoever listens then. Where the system can't do it, nothing happens.
    """
    if sys.platform != "linux":
        return
    instruction = ctypes.create_string_buffer(_DROP_ALL, len(_DROP_ALL))
    with contextlib.suppress(OSError):
        program = struct.pack("@HP", 1, ctypes.addressof(instruction))  # struct sock_fprog
        listening.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, program)
