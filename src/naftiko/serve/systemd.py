"""What systemd and a service say to each other: sockets that it has opened, and how the service is.

No library is needed: sockets come as descriptors from 3 on (sd_listen_fds(3)), and what is said is a datagram of lines
(sd_notify(3)). Where nobody asks, nothing is said.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Callable, MutableMapping
from typing import Any, Final

from naftiko.serve.given import Inherited
from naftiko.serve.sockets import CannotListen

_FIRST: Final = 3
"""The first descriptor that is passed (``SD_LISTEN_FDS_START``)."""
_MOST: Final = 1024
_MICRO: Final = 1_000_000


def inherited(environment: MutableMapping[str, str]) -> list[Inherited]:
    """Return the sockets that are passed to this process, and to no other one.

    Their variables are removed, so that no child takes the descriptors for its own.

    Raises:
        CannotListen: one is nothing that callers come to.
    """
    said = {name: environment.pop(name, "") for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")}
    count = said["LISTEN_FDS"]
    if said["LISTEN_PID"] != str(os.getpid()) or not count.isdecimal() or not 0 < int(count) <= _MOST:
        return []
    names = said["LISTEN_FDNAMES"].split(":") if said["LISTEN_FDNAMES"] else []
    return [_taken(_FIRST + at, names[at] if at < len(names) else "") for at in range(int(count))]


def _taken(descriptor: int, name: str) -> Inherited:
    what = f"descriptor {descriptor} of LISTEN_FDS ({name or 'without a name'})"
    try:
        opened = Inherited(fileno=descriptor)
    except OSError as error:
        raise CannotListen(f"{what} is no socket: {(error.strerror or 'unknown reason').lower()}") from error
    opened.name = name
    opened.set_inheritable(False)
    is_stream = opened.type == socket.SOCK_STREAM
    if not is_stream or not opened.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        opened.detach()
        raise CannotListen(f"{what} is no socket that listens: a .socket unit has ListenStream= and Accept=no")
    return opened


class Notifier:
    """Tells systemd how the service is; where nobody wants to know, it does nothing.

    Args:
        environment: says where it is told. The variables are removed, so that no child speaks for the service.

    Attributes:
        watchdog: seconds between two signs of life, half of what is allowed; 0: nobody waits for any.
    """

    def __init__(self, environment: MutableMapping[str, str]) -> None:
        self._address = _address(environment.pop("NOTIFY_SOCKET", ""))
        usec, pid = environment.pop("WATCHDOG_USEC", ""), environment.pop("WATCHDOG_PID", "")
        is_ours = not pid or pid == str(os.getpid())
        wanted = bool(self._address) and is_ours and usec.isdecimal()
        self.watchdog = int(usec) / _MICRO / 2 if wanted else 0.0
        self._last = 0.0
        self._status = ""
        self._owner = os.getpid()

    def __bool__(self) -> bool:
        return bool(self._address) and os.getpid() == self._owner

    def say(self, *lines: str) -> None:
        """Send some lines; nobody is waited for."""
        if not self:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)  # noqa: FBT003  # the socket's own signature
            sender.sendto("\n".join(lines).encode(), self._address)

    def ready(self, status: str) -> None:
        """The service serves, from now on or again."""
        self.say("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """The service reads its files again; ``ready`` follows, whatever comes of it."""
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self.say("RELOADING=1", f"MONOTONIC_USEC={now}", "STATUS=Reading the files again")

    def begin(self, status: str, loop: asyncio.AbstractEventLoop) -> None:
        """The service serves, in an event loop that gives signs of life from now on."""
        self._status = status
        self.ready(status)
        self.live(loop.call_later)

    def around(self, reload: Callable[[], asyncio.Task[Any]]) -> Callable[[], None]:
        """Return what begins a reload and tells of it."""

        def told() -> None:
            self.reloading()
            reload().add_done_callback(lambda _: self.ready(self._status))

        return told

    def stopping(self) -> None:
        """The service ends."""
        self.say("STOPPING=1", "STATUS=Finishing the requests that are under way")

    def alive(self) -> None:
        """Give a sign of life if it is time for one; whoever calls this lives."""
        now = time.monotonic()
        if self.watchdog and now - self._last >= self.watchdog:
            self._last = now
            self.say("WATCHDOG=1")

    def live(self, call_later: Callable[..., object]) -> None:
        """Give signs of life as long as an event loop runs, which stops with it.

        Args:
            call_later: the loop's.
        """
        if self.watchdog and self:
            self._last = 0.0
            self.alive()
            call_later(self.watchdog, self.live, call_later)


def _address(text: str) -> str:
    """Return the address of a socket: a path, or an abstract name (unix(7)); ``""`` for any other kind."""
    if text.startswith("@") and len(text) > 1:
        return f"\0{text[1:]}"
    return text if text.startswith("/") else ""
