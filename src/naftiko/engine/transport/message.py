"""What requests and answers are made of, and what nobody may make them of (RFC 9110, RFC 9112)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

import httpx

from naftiko.ground.http import CONTROLS, TOKEN

MOST_INTERIM: Final = 100
"""Answers before an answer (RFC 9110, 15.2): one is usual, and each costs as much as one that is passed on."""

_FIRST_FINAL: Final = 200
_LAST: Final = 599
_SWITCHING: Final = 101
_CODINGS: Final = frozenset({"chunked", "identity"})
"""Transfer codings that are read; ``identity``, none at all, is no more than what old servers say (RFC 7230, A.2)."""


class FlawedAnswer(httpx.RemoteProtocolError):
    """The head of an answer is none; the text completes "what the upstream answered is not HTTP"."""


def flaw_of_head(status: int, headers: Sequence[tuple[bytes, bytes]], codings: Sequence[str]) -> str:
    """Return what is wrong with the head of a final answer, ``""`` for nothing.

    Whoever passes such an answer on would split it in two, or could not send it at all.

    Args:
        status: its status.
        headers: as they came.
        codings: the values of ``Transfer-Encoding``; a body in another than ``chunked`` is nobody's to read.
    """
    if not _FIRST_FINAL <= status <= _LAST:
        if status == _SWITCHING:
            return "it switches to another protocol (101), which nobody asked for"
        return f"its status is {status}, and statuses are 100 to 599"
    if codings and (len(codings) > 1 or codings[0].strip().lower() not in _CODINGS):
        return "its transfer coding is not `chunked` alone"
    if headers:
        names, values = map(b"".join, zip(*headers))  # noqa: B905  # pairs, all of them
        if names.translate(None, TOKEN) or len(values.translate(None, CONTROLS)) != len(values):
            return "a header of it holds a character that no header may hold"
    return ""


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
