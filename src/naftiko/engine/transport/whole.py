"""An answer whose body is here already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import httpx


class Whole(httpx.Response):
    """An answer with its body, uncoded.

    ``httpx.Response`` normalises each header, and sends a body through its decoders and its stream before it keeps it,
    which takes longer than all else that an answer needs. Here the headers stay as they came until somebody asks for
    ``headers``; everything else is as ``httpx.Response`` has it once it is read.

    Attributes:
        content: the body.
    """

    content: bytes = b""  # a property there, which looks whether it is read

    def __init__(
        self,
        status_code: int,
        headers: httpx.Headers | Sequence[tuple[bytes, bytes]],
        body: bytes,
        request: httpx.Request,
        extensions: Mapping[str, bytes],
    ) -> None:
        # Not super().__init__: what it does per call is what this class is for.
        self.status_code = status_code
        self._headers: httpx.Headers | None = None
        self._pairs: Sequence[tuple[bytes, bytes]] = ()
        if type(headers) is list:  # first: to ask an abstract class, as httpx's is, costs more than all the rest
            self._pairs = headers
        elif isinstance(headers, httpx.Headers):
            self._headers = headers
        else:
            self._pairs = headers
        self._request = request
        self.next_request = None
        self.extensions = {**extensions}
        self.history = []
        self.is_closed = False
        self.is_stream_consumed = False
        self.default_encoding = "utf-8"
        self.stream = httpx.ByteStream(body)
        self._num_bytes_downloaded = 0
        self.content = self._content = body

    @property
    def headers(self) -> httpx.Headers:  # type: ignore[override]  # an attribute there, made on demand here
        """The headers, which may be changed."""
        if self._headers is None:
            self._headers = httpx.Headers(self._pairs)
        return self._headers


def raw_headers(response: httpx.Response) -> Sequence[tuple[bytes, bytes]]:
    """Return the headers of an answer as they came, duplicates included."""
    if isinstance(response, Whole) and response._headers is None:  # noqa: SLF001  # of the class above
        return response._pairs  # noqa: SLF001  # likewise
    return response.headers.raw
