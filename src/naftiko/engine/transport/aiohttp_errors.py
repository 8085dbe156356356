"""aiohttp's exceptions in httpx's words: the one place that knows both."""

from __future__ import annotations

import socket

import httpx


def httpx_error(error: Exception) -> httpx.TransportError | None:
    """The httpx exception that says what ``error`` of aiohttp says, or ``None`` if it is none of aiohttp's.

    The texts are for logs; what a caller reads is written by ``failures``, which looks at the type and at the causes.
    """
    import aiohttp  # noqa: PLC0415 - loaded already when there is an error of it

    if isinstance(error, aiohttp.ClientConnectorDNSError) and not isinstance(error.os_error, socket.gaierror):
        error.__cause__ = socket.gaierror(socket.EAI_NONAME, "no such host")  # another resolver's way of saying so
    kinds: tuple[tuple[type[Exception], type[httpx.TransportError], str], ...] = (
        (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout, "no connection in time"),
        (aiohttp.ServerTimeoutError, httpx.ReadTimeout, "nothing came in time"),
        (aiohttp.ClientHttpProxyError, httpx.ProxyError, "the proxy refused"),
        (aiohttp.ClientProxyConnectionError, httpx.ProxyError, "no connection to the proxy"),
        (aiohttp.ClientConnectorError, httpx.ConnectError, "no connection"),
        (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError, "Server disconnected without a response"),
        (aiohttp.ClientResponseError, httpx.RemoteProtocolError, "not an HTTP answer"),
        (aiohttp.ClientPayloadError, httpx.ReadError, "the body is cut"),
        (aiohttp.InvalidURL, httpx.UnsupportedProtocol, "not an address"),
        (aiohttp.NonHttpUrlClientError, httpx.UnsupportedProtocol, "not http or https"),
        (aiohttp.ClientError, httpx.ReadError, "the connection broke"),
    )
    for theirs, ours, text in kinds:
        if isinstance(error, theirs):
            return ours(text)
    return None
