"""New connections: the name is looked up, its addresses are tried side by side (RFC 8305), TLS is spoken."""

from __future__ import annotations

import asyncio
import functools
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

import httpx
from aiohappyeyeballs import start_connection

from naftiko.engine.transport.environment import platform_context
from naftiko.engine.transport.http11.origin import Origin

_HEAD_START: Final = 0.25
"""Seconds after which the next address is tried beside the first (RFC 8305, 5)."""
_NAME_KNOWN: Final = 10.0
"""Seconds for which the addresses of a name are known."""

_Place: TypeAlias = "tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]"
_Address: TypeAlias = tuple[socket.AddressFamily, socket.SocketKind, int, str, _Place]
"""As the system gives it."""
_ProtocolT = TypeVar("_ProtocolT", bound=asyncio.Protocol)


@dataclass(slots=True)
class _Name:
    """What is known of a name.

    Attributes:
        until: the loop's time until which it is known.
        lookup: gives its addresses.
        turn: which of them comes first; the first one at first.
    """

    until: float
    lookup: asyncio.Task[Sequence[_Address]]
    turn: int = -1


class Connecting:
    """Opens connections, in one event loop.

    Args:
        limit: seconds for lookup, TCP and TLS together.
        verify: ``True`` trusts the platform's certificates, a context decides for itself, ``False`` trusts anyone.
    """

    def __init__(self, limit: float, verify: bool | ssl.SSLContext) -> None:  # noqa: FBT001 - the same flag as httpx's
        self._limit = limit
        self._verify = verify
        self._loop = asyncio.get_running_loop()
        self._names: dict[tuple[str, int], _Name] = {}

    async def connect(self, origin: Origin, protocol: _ProtocolT) -> _ProtocolT:
        """Open a connection for a protocol, and return that.

        Raises:
            httpx.ConnectTimeout: it took too long.
            httpx.ConnectError: it can't be opened; the cause says why.
        """
        try:
            async with asyncio.timeout(self._limit) as limit:
                await self._connect(origin, protocol)
        except OSError as error:
            if isinstance(error, TimeoutError) and limit.expired():
                raise httpx.ConnectTimeout("no connection in time") from error
            raise httpx.ConnectError("no connection") from error
        return protocol

    async def _connect(self, origin: Origin, protocol: asyncio.Protocol) -> None:
        connected = await start_connection(
            await self._addresses(origin.host, origin.port), happy_eyeballs_delay=_HEAD_START, interleave=1
        )
        try:
            await self._loop.create_connection(
                lambda: protocol,
                sock=connected,
                ssl=self._tls() if origin.tls else None,
                server_hostname=origin.host.rstrip(".") if origin.tls else None,
            )
        except BaseException:
            connected.close()  # uvloop leaves it open
            raise

    async def _addresses(self, host: str, port: int) -> Sequence[_Address]:
        """Look up a name, once for all who ask at the same time, each of whom begins with another address.

        Raises:
            OSError: it has none.
        """
        known = self._names.get((host, port))
        if known is None or known.until < self._loop.time():
            known = self._names[host, port] = _Name(
                self._loop.time() + _NAME_KNOWN, self._loop.create_task(self._look_up(host, port))
            )
        try:
            found = await asyncio.shield(known.lookup)
        except OSError:
            known.until = 0.0
            raise
        known.turn = (known.turn + 1) % len(found)
        return [*found[known.turn :], *found[: known.turn]]

    async def _look_up(self, host: str, port: int) -> Sequence[_Address]:
        try:
            found = await self._loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        except socket.gaierror:
            raise
        except (OSError, UnicodeError) as error:  # other ways of saying so
            raise socket.gaierror(socket.EAI_NONAME, "no such host") from error
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "no such host")
        return found

    def _tls(self) -> ssl.SSLContext:
        if isinstance(self._verify, ssl.SSLContext):
            return self._verify
        return platform_context() if self._verify else _trusting()


@functools.cache
def _trusting() -> ssl.SSLContext:
    """The context that trusts anyone."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context
