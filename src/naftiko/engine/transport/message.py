"""What requests and answers are made of, and what nobody may make them of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

import httpx

Pairs: TypeAlias = Sequence[tuple[bytes, bytes]]
"""Headers, in order."""

TOKEN: Final = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""What may stand in the name of a header, and in a method (RFC 9110, 5.6.2)."""

CONTROLS: Final = bytes({*range(0x20), 0x7F} - {ord("\t")})
"""What can't stand in the value of one: control characters but the tab (RFC 9110, 5.5)."""


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
