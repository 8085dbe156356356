"""Requests written byte by byte, as an attacker would, and their answers as they come."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

LIMIT = 30.0


class Raw(NamedTuple):
    """An answer: its status (0 where the server just closed), its head in lower case, its body."""

    status: int
    head: str
    body: str


def ask(
    url: str,
    method: str = "GET",
    path: str = "/",
    headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    body: bytes = b"",
    *,
    host: str | None = None,
) -> Raw:
    """Send one request on a connection of its own; ``host`` is another one than where it goes, ``""`` for none."""
    netloc = urlsplit(url).netloc
    pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
    if host != "":
        pairs.insert(0, ("Host", netloc if host is None else host))
    if body:
        pairs.append(("Content-Length", str(len(body))))
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in pairs), "Connection: close", "", ""]
    return answer_of(url, "\r\n".join(lines).encode("latin-1") + body)


def answer_of(url: str, request: bytes) -> Raw:
    """Send bytes, and read until the server closes."""
    name, _, port = urlsplit(url).netloc.rpartition(":")
    with socket.create_connection((name.strip("[]"), int(port)), timeout=LIMIT) as caller:
        pieces = []
        with contextlib.suppress(ConnectionError):  # cut: what came is what there is
            caller.sendall(request)
            while piece := caller.recv(65_536):
                pieces.append(piece)
    head, _, body = b"".join(pieces).partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1]) if head.startswith(b"HTTP/1.1 ") else 0
    return Raw(status, head.decode("latin-1").lower(), body.decode("utf-8", "replace"))
