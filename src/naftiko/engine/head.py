"""What a response's headers say, read once in one pass over the raw pairs."""

from __future__ import annotations

from typing import Final

import httpx

_USEFUL: Final = frozenset(
    {
        b"etag",
        b"last-modified",
        b"cache-control",
        b"expires",
        b"vary",
        b"link",
        b"location",
        b"retry-after",
        b"content-language",
        b"content-disposition",
        b"x-request-id",
        b"x-total-count",
    }
)
_USEFUL_PREFIXES: Final = (b"ratelimit", b"x-ratelimit")
_KEPT: Final = "naftiko.head"


class Head:
    """The headers that the engine and its adapters look at.

    Attributes:
        content_type: as it came; ``""`` for none.
        coding: of a body that could not be decoded (``Content-Encoding``); ``""`` for none.
        useful: the ones that a REST caller gets (SEMANTICS 6), names in lower case.
    """

    __slots__ = ("coding", "content_type", "useful")

    def __init__(self, headers: httpx.Headers) -> None:
        self.content_type = ""
        self.coding = ""
        self.useful: list[tuple[str, str]] = []
        for raw_name, raw_value in headers.raw:
            name = raw_name.lower()
            if name == b"content-type":
                self.content_type = raw_value.decode("latin-1")
            elif name == b"content-encoding":
                self.coding = raw_value.decode("latin-1")
            elif name in _USEFUL or name.startswith(_USEFUL_PREFIXES):
                self.useful.append((name.decode("latin-1"), raw_value.decode("latin-1")))

    @property
    def media_type(self) -> str:
        """The media type without parameters, lower case; ``""`` for none."""
        return self.content_type.partition(";")[0].strip().lower()

    @property
    def charset(self) -> str | None:
        """The charset that the media type names."""
        if ";" not in self.content_type:
            return None
        for parameter in self.content_type.split(";")[1:]:
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "charset":
                return value.strip().strip("\"'") or None
        return None


def head_of(response: httpx.Response) -> Head:
    """Return a response's head; it is kept with the response."""
    known = response.extensions.get(_KEPT)
    if isinstance(known, Head):
        return known
    made = Head(response.headers)
    response.extensions[_KEPT] = made
    return made
