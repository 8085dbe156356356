"""What requests and answers are made of, and what nobody may make them of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import httpx

from naftiko.http_fields import CONTROLS, TOKEN

Pairs: TypeAlias = Sequence[tuple[bytes, bytes]]
"""Headers, in order."""


def address_of(request: httpx.Request) -> str:
    """The URL as it goes on the wire, its path and query untouched."""
    address: str | None = getattr(request, "address", None)
    if address is not None:
        return address
    url = request.url
    return f"{url.scheme}://{url.netloc.decode('ascii')}{url.raw_path.decode('ascii')}"


def raw_headers(request: httpx.Request) -> Pairs:
    """The headers as they go on the wire."""
    pairs: Pairs | None = getattr(request, "raw_headers", None)
    return request.headers.raw if pairs is None else pairs


def refuse_unsendable(pairs: Pairs) -> None:
    """Refuse headers that can't be sent as they are.

    Raises:
        ValueError: one holds a control character, or bytes that are neither ASCII nor UTF-8, or its name is none.
    """
    for raw_name, raw_value in pairs:
        name = raw_name.decode("ascii")
        try:
            raw_value.decode("utf-8")
        except UnicodeDecodeError:
            raise ValueError(f"the header {name!r} is neither ASCII nor UTF-8") from None
        text = raw_name + raw_value
        if len(text.translate(None, CONTROLS)) != len(text):
            raise ValueError(f"the header {name!r} holds a control character, such as a line break")
        if not raw_name or raw_name.translate(None, TOKEN):
            raise ValueError(f"the header {name!r} holds a character that no name may hold")
