"""Answers of upstreams without what was sent as a credential (SEMANTICS 9).

They are veiled where they come in, so that whatever is made of one, by whoever, has none: a body that is passed on, a
header, an excerpt in an error, a result of a tool, the input of the next step. ``Location`` and ``Link`` are left to
the adapters, which know the routes that they lead to and never say one that shows a credential.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

import httpx

from naftiko.engine.transport.whole import Whole, raw_headers
from naftiko.observe.masking import MaskedStream, SecretMask

_FIRST_ERROR: Final = 400
_POINTING: Final = frozenset({b"location", b"link", b"content-location", b"refresh"})
_COUNTED: Final = frozenset({"avro", "binary", "protobuf"})
"""Formats that count bytes: a mask is as long as what it hides."""
_SMALL: Final = 64 * 1024
"""Bytes of a body that is looked through together with the headers."""
_PIECE: Final = 16 * 1024
"""Bytes of a stream that are looked through at once, a microsecond each where much is escaped."""


async def veiled(response: httpx.Response, veil: SecretMask, own: Sequence[str], raw_format: str) -> httpx.Response:
    """Return an answer with credentials masked; the answer itself where it has none, which is as good as always.

    Args:
        response: the answer, its body read.
        veil: what to hide.
        own: credentials that this call alone carries.
        raw_format: what the body is.
    """
    body = response.content
    is_strict = response.status_code >= _FIRST_ERROR
    raw = raw_headers(response)
    values = b" | ".join([value for name, value in raw if name.lower() not in _POINTING])
    if len(body) <= _SMALL:
        whole = b"%b | %b" % (values, body)
        if not veil.is_due(whole, own, strict=is_strict):
            return response
    masked = await veil.amasked(body, own, strict=is_strict, same_length=raw_format in _COUNTED)
    headers = _headers(raw, veil, own, strict=is_strict)
    if masked is body and headers == raw:
        return response
    if len(masked) != len(body):
        headers = [
            (name, str(len(masked)).encode() if name.lower() == b"content-length" else value) for name, value in headers
        ]
    return Whole(response.status_code, headers, masked, response.request, {})


def _headers(
    raw: Sequence[tuple[bytes, bytes]], veil: SecretMask, own: Sequence[str], *, strict: bool
) -> list[tuple[bytes, bytes]]:
    return [
        (name, value if name.lower() in _POINTING else veil.masked(value, own, strict=strict)) for name, value in raw
    ]


def veiled_head(response: httpx.Response, veil: SecretMask, own: Sequence[str]) -> httpx.Response:
    """Return an answer whose body is looked through by whoever reads it, without credentials in its headers."""
    return httpx.Response(
        response.status_code,
        headers=_headers(raw_headers(response), veil, own, strict=False),
        stream=response.stream,
        request=response.request,
        extensions=response.extensions,
    )


def veiled_stream(response: httpx.Response, veil: SecretMask, own: Sequence[str]) -> httpx.Response:
    """Return an answer whose body comes in pieces, credentials masked across their borders; a byte stays a byte."""
    is_strict = response.status_code >= _FIRST_ERROR
    return httpx.Response(
        response.status_code,
        headers=_headers(raw_headers(response), veil, own, strict=is_strict),
        stream=_VeiledBody(response, veil.stream(own, strict=is_strict)),
        request=response.request,
        extensions=response.extensions,
    )


class _VeiledBody(httpx.AsyncByteStream):
    def __init__(self, response: httpx.Response, veil: MaskedStream) -> None:
        self._response = response
        self._veil = veil

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for large in self._response.aiter_raw():
            for at in range(0, len(large), _PIECE):
                if at:
                    await asyncio.sleep(0)  # others go on meanwhile
                masked = self._veil.feed(large[at : at + _PIECE] if len(large) > _PIECE else large)
                if masked:
                    yield masked
        rest = self._veil.rest()
        if rest:
            yield rest

    async def aclose(self) -> None:
        await self._response.aclose()
