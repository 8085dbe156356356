"""What went wrong with an upstream, in plain words: every lower-level error becomes one of `naftiko.ground.errors`.

The texts name host, port and cause. They hold no path, query, header or class name, since a caller reads them.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from typing import Final

import httpx

from naftiko.engine.transport.environment import ADVICE, UnusableProxyError
from naftiko.engine.transport.limits import Limits
from naftiko.engine.transport.message import FlawedAnswer
from naftiko.ground.errors import (
    CallError,
    Overloaded,
    UpstreamBroken,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnreachable,
)

LOWER_ERRORS: Final = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError)
"""What a transport raises when the upstream is at fault; ``OSError`` includes TLS and time limits."""

_UNSENT: Final = (httpx.ConnectError, httpx.ConnectTimeout)
"""Raised before anything is sent."""
_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}


class NoWebSocket(httpx.RemoteProtocolError):
    """An answer of 101 that is not what a handshake asks for."""


def place(url: httpx.URL) -> str:
    """Host and port of ``url``, such as ``api.example.com:443``."""
    host = f"[{url.host}]" if ":" in url.host else url.host
    port = url.port or _PORTS.get(url.scheme)
    return f"{host}:{port}" if port else host


def call_error(error: Exception, where: str, limits: Limits, *, in_body: bool) -> CallError:
    """The error that the caller gets for ``error``.

    Args:
        error: one of ``LOWER_ERRORS``.
        where: host and port, from ``place``.
        limits: the limits that the call had.
        in_body: whether the answer's headers had come already.
    """
    made = _told(error, where, limits, in_body=in_body)
    if isinstance(made, UpstreamError):
        made.is_unsent = isinstance(error, _UNSENT)
    return made


def _told(error: Exception, where: str, limits: Limits, *, in_body: bool) -> CallError:
    if isinstance(error, httpx.PoolTimeout):
        return Overloaded(f"all {limits.connections} connections to {where} were busy for {limits.queue:g} s")
    if isinstance(error, httpx.ConnectTimeout):
        return UpstreamTimeout(f"no connection to {where} within {limits.connect:g} s")
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        did = "stopped in the middle of its answer" if in_body else "did not answer"
        return UpstreamTimeout(f"{where} {did}: nothing came for {limits.read:g} s")
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return UpstreamUnreachable(
            "the address of the upstream is not an http or https URL", hint="correct its baseUri"
        )
    if isinstance(error, UnusableProxyError):
        return UpstreamUnreachable(f"{where} can't be reached: {error.reason}", hint=ADVICE)
    if isinstance(error, httpx.ProxyError):
        return _unreachable(f"{where} can't be reached through the proxy", error)
    if isinstance(error, httpx.ConnectError) or (isinstance(error, OSError) and not in_body):
        return _unreachable(f"{where} can't be reached", error)
    if in_body:
        return UpstreamBroken(f"the answer of {where} was cut: the connection closed before its end")
    if isinstance(error, httpx.RemoteProtocolError) and "disconnected" not in str(error):
        flaw = f": {error}" if isinstance(error, FlawedAnswer) else ""
        kind = "no WebSocket (RFC 6455 chapter 4.2.2)" if isinstance(error, NoWebSocket) else "not HTTP"
        return UpstreamBroken(f"what {where} answered is {kind}{flaw}")
    return UpstreamBroken(f"{where} closed the connection before answering")


def out_of_time(where: str, limits: Limits) -> UpstreamTimeout:
    """The error for an exchange that took longer than ``limits.total``."""
    return UpstreamTimeout(f"the exchange with {where} took longer than {limits.total:g} s")


def _unreachable(what: str, error: Exception) -> UpstreamUnreachable:
    cause, hint = _cause(error)
    return UpstreamUnreachable(f"{what}: {cause}" if cause else what, hint=hint)


def _cause(error: Exception) -> tuple[str, str]:
    """Why there is no connection, and what to do about it; both may be empty."""
    chain = tuple(_chain(error))
    for explain in (_certificate, _name_or_connection, _system):
        for link in chain:
            if told := explain(link):
                return told
    return "", ""


def _certificate(error: BaseException) -> tuple[str, str] | None:
    if isinstance(error, ssl.SSLCertVerificationError) and (said := getattr(error, "verify_message", "")):
        return (
            f"its certificate is not trusted ({said.rstrip('.')})",
            "correct the host name, or name the authority that signed it in SSL_CERT_FILE",
        )
    return None


def _name_or_connection(error: BaseException) -> tuple[str, str] | None:
    if isinstance(error, socket.gaierror):
        if error.errno == socket.EAI_AGAIN:
            return "its name can't be looked up at the moment", ""
        return "no such host", "check the host name in its baseUri"
    if isinstance(error, ssl.SSLError) and (reason := getattr(error, "reason", "")):
        return f"no TLS connection ({reason.replace('_', ' ').lower()})", "check whether it speaks https there"
    if isinstance(error, ConnectionRefusedError):
        return "it refuses connections", "check the port, and that it is running"
    if isinstance(error, ConnectionError):
        return "it closed the connection at once", ""
    return None


def _system(error: BaseException) -> tuple[str, str] | None:
    """What the operating system says of its own."""
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno).lower(), ""
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """``error`` and what it came from; an exception may, by accident, be its own cause."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
