"""A request of a caller, as logs tell of it: its id, what it was for, how it went, how long it took."""

from __future__ import annotations

import os
import re
import secrets
from contextvars import ContextVar
from itertools import count
from time import perf_counter
from typing import Final

from naftiko.observe.timing import CallTiming

_ID: Final = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._~+/=:@-]{0,127}")
"""What an id of a caller's may be: nothing that a header, a log or a shell takes for more than text."""
REQUEST: Final = "naftiko.request"
"""The key of an ASGI scope that has the ``RequestRecord``."""
_numbers = count(1)
_PLACE: Final = [secrets.token_hex(4)]
"""What tells the ids of this process from those of others, behind one element: a fork makes another."""


def _other_place() -> None:
    _PLACE[0] = secrets.token_hex(4)


def new_request_id() -> str:
    """Return an id that no other request has: 16 hexadecimal digits."""
    return f"{_PLACE[0]}{next(_numbers) & 0xFFFFFFFF:08x}"


def taken_request_id(value: bytes | None) -> str | None:
    """Return a caller's own id; ``None`` where it has none, or one that is too long or has other characters."""
    if value is None or _ID.fullmatch(value) is None:
        return None
    return value.decode("ascii")


class RequestRecord:
    """A request.

    Attributes:
        request_id: the caller's own, or one that was made.
        is_callers: whether the id is the caller's.
        method: of HTTP; ``""`` where there was no HTTP request.
        path: of HTTP, decoded.
        client: the address that it came from.
        adapter: ``rest``, ``mcp`` or another kind; ``""`` while nobody knows.
        route: as the file has it, or the path of an adapter's endpoint; ``""`` where no route is.
        tool: the name of a tool, a resource or a prompt.
        rpc: the method of a JSON-RPC message.
        caller: whom the authentication let in; ``""`` where nobody asked.
        certificate: whose certificate the caller has shown (RFC 4514); ``""`` where none was asked for.
        status: of HTTP; 0 before an answer.
        sent: bytes of the answer's body.
        failed: whether a tool's result is an error.
        trace_id: of the trace that it belongs to, 32 hexadecimal digits, or ``""``.
        began: when it came, by ``perf_counter``.
        timing: how long it waited for upstreams; ``None`` where nobody wants to know.
        fields: of the head of the answer, beside the app's own; ``None`` where another server serves.
    """

    __slots__ = (
        *("adapter", "began", "caller", "client", "failed", "fields", "is_callers", "method", "path", "request_id"),
        *("certificate", "route", "rpc", "sent", "status", "timing", "tool", "trace_id"),
    )

    def __init__(
        self,
        request_id: str,
        *,
        is_callers: bool = False,
        client: str = "",
    ) -> None:
        self.request_id = request_id
        self.is_callers = is_callers
        self.client = client
        self.timing: CallTiming | None = None
        self.fields: list[tuple[bytes, bytes]] | None = None
        self.method = self.path = self.adapter = self.route = self.tool = self.rpc = self.caller = self.trace_id = ""
        self.certificate = ""
        self.status = self.sent = 0
        self.failed = False
        self.began = perf_counter()


request_now: Final[ContextVar[RequestRecord | None]] = ContextVar("naftiko.request", default=None)
"""The request that is being answered."""


def request_id_now() -> str | None:
    """Return the id of the request that is being answered; ``None`` where a program calls, or another server serves."""
    record = request_now.get()
    return None if record is None else record.request_id


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_other_place)
