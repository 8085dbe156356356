"""What an answer is written to: it goes out in as few segments as it can, and the caller gets all of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

_JOINED: Final = 64 * 1024
"""Bytes of a body that are copied behind the head of their answer; of a longer one that costs more than it saves."""


class PoliteTransport:
    """The transport of a connection, as answers have it.

    The head of an answer waits for the first piece of its body, no longer than until the loop's next turn: two writes
    are two system calls, of which each costs as much as all the code of a small answer. And closing doesn't take the
    answer from a caller who still sends its request.

    Args:
        loop: the connection's.
        transport: the connection's.
        close: closes the connection once what was written has gone out.
    """

    __slots__ = ("_close", "_head", "_loop", "_write", "is_closing")

    def __init__(self, loop: Any, transport: Any, close: Callable[[], None]) -> None:
        self._loop = loop
        self._write = transport.write
        self._close = close
        self._head = b""
        self.is_closing: Callable[[], bool] = transport.is_closing

    def begin(self, head: bytes) -> None:
        """Write the head of an answer."""
        self.flush()  # of an answer before it that had no body
        self._head = head
        self._loop.call_soon(self.flush)

    def write(self, data: bytes) -> None:
        """Write what follows."""
        if not self._head:
            self._write(data)
            return
        head, self._head = self._head, b""
        if len(data) <= _JOINED:
            self._write(head + data)
        else:
            self._write(head)
            self._write(data)

    def flush(self) -> None:
        """Write the head that waits, if there is one."""
        if self._head:
            head, self._head = self._head, b""
            self._write(head)

    def close(self) -> None:
        """End the answer, and the connection."""
        self.flush()
        self._close()
