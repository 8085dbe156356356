"""How many callers' connections a process can hold: each takes a file descriptor, and so does all else that it does."""

from __future__ import annotations

import contextlib
from typing import Final

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
