"""A request in httpx's language, made for the wire at a third of the price.

``httpx.Request`` parses its URL and encodes it anew, normalises each header and wraps its body, which together take
longer than all else that building a request needs. Here the URL is encoded already and stays text until somebody asks
for ``url``, and so do the headers; everything else is as ``httpx.Request`` has it.

What is set here in place of ``httpx.Request.__init__`` is what tests/test_insides.py finds that it sets.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from functools import lru_cache

import httpx

_NO_BODY = httpx.ByteStream(b"")


class WireRequest(httpx.Request):
    """A request whose URL is encoded already.

    Attributes:
        address: the URL as it goes on the wire.
        method: the method token.
    """

    def __init__(
        self,
        method: str,
        address: str,
        headers: Sequence[tuple[bytes, bytes]],
        content: bytes | AsyncIterable[bytes] | None = None,
    ) -> None:
        # Not super().__init__: what it does per call is what this class is for.
        self.method = method
        self.address = address
        self._parsed: httpx.URL | None = None
        self.extensions = {}
        if content is None:
            self.stream = _NO_BODY
            self._content = b""
            pairs = [*headers]
            if method in {"POST", "PUT", "PATCH"}:
                pairs.append((b"Content-Length", b"0"))
        elif isinstance(content, bytes):
            self.stream = httpx.ByteStream(content)
            self._content = content
            pairs = [*headers, (b"Content-Length", str(len(content)).encode("ascii"))]
        else:
            self.stream = _Pieces(content)
            pairs = [*headers, (b"Transfer-Encoding", b"chunked")]
        host = _host(address.partition("://")[2].partition("/")[0])
        self._pairs: list[tuple[bytes, bytes]] = [(b"Host", host), *pairs]
        self._headers: httpx.Headers | None = None

    @property
    def headers(self) -> httpx.Headers:  # type: ignore[override]  # an attribute there, made on demand here
        """The headers; a change of them is seen on the wire."""
        if self._headers is None:
            self._headers = httpx.Headers(self._pairs)
        return self._headers

    @property
    def raw_headers(self) -> Sequence[tuple[bytes, bytes]]:
        """The headers as they go on the wire."""
        return self._pairs if self._headers is None else self._headers.raw

    def set_header(self, name: str, value: str) -> None:
        """Set a header, without making ``headers`` for it, which takes longer than all else of most requests."""
        self.set_field(name.encode("ascii"), value.encode("ascii"))

    def set_field(self, name: bytes, value: bytes) -> None:
        """Set a header, as ``set_header``."""
        if self._headers is not None:
            self._headers[name.decode("ascii")] = value.decode("ascii")
            return
        size, lower = len(name), name.lower()
        for pair in self._pairs:
            if len(pair[0]) == size and pair[0].lower() == lower:
                self._pairs = [each for each in self._pairs if each[0].lower() != lower]
                break
        self._pairs.append((name, value))

    @property
    def url(self) -> httpx.URL:  # type: ignore[override]  # an attribute there, parsed on demand here
        """The URL, parsed."""
        if self._parsed is None:
            self._parsed = httpx.URL(self.address)
        return self._parsed


class _Pieces(httpx.AsyncByteStream):
    """A body that comes in pieces; of an iterator there is one reading, and a second is an error, not an empty body."""

    def __init__(self, pieces: AsyncIterable[bytes]) -> None:
        self._pieces = pieces
        self._is_read = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._is_read and isinstance(self._pieces, AsyncIterator):
            raise httpx.StreamConsumed
        self._is_read = True
        async for piece in self._pieces:
            yield piece


@lru_cache(maxsize=256)  # one for each API, and for each host that variables make
def _host(authority: str) -> bytes:
    """Return the ``Host`` of a URL: host and port, without what a client may not send (RFC 9110 chapter 7.2).

    Args:
        authority: what stands between ``//`` and the path; without a path a query may follow it.
    """
    host = authority.partition("?")[0].rpartition("@")[2]
    return host.encode("ascii" if host.isascii() else "idna")
