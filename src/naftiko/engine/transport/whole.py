"""An answer whose body is here already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import httpx


class Whole(httpx.Response):
    """An answer with its body, uncoded.

    ``httpx.Response(content=…)`` sends the body through its decoders and its stream before it keeps it, which takes
    longer than all else that an answer needs.
    """

    def __init__(
        self,
        status_code: int,
        headers: httpx.Headers | Sequence[tuple[bytes, bytes]],
        body: bytes,
        request: httpx.Request,
        extensions: Mapping[str, bytes],
    ) -> None:
        super().__init__(
            status_code,
            headers=headers,
            stream=httpx.ByteStream(body),
            request=request,
            extensions=extensions,
        )
        self._content = body
