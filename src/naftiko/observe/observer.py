"""What runs, for whoever wants to see it: spans, metrics, audits.

There is one observer for all that a capability does: each run of a unit, each step of a flow, each exchange with an
upstream. It is given to ``Settings``. Where there is none nothing is made for it and nothing is called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Final, Literal

_UNSEEN: Final[AbstractContextManager[None]] = nullcontext()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks for a run, and with what; all of it comes from outside, and may be secret.

    Attributes:
        protocol: ``http``, ``mcp``, or ``""`` where a program calls.
        headers: of the HTTP request, as they came; none where there was no HTTP request.
        method: of the HTTP request, or of the MCP request, such as ``tools/call``.
        path: of the HTTP request, still encoded.
        address: host and port of the peer, or ``None``.
        version: of the MCP protocol.
        request_id: of the MCP request.
        meta: the ``_meta`` of the MCP request's parameters.
    """

    protocol: Literal["", "http", "mcp"] = ""
    headers: Sequence[tuple[bytes, bytes]] = ()
    method: str = ""
    path: str = ""
    address: tuple[str, int] | None = None
    version: str = ""
    request_id: int | str | None = None
    meta: Mapping[str, Any] | None = None


@dataclass(slots=True)
class UnitRun:
    """A run of a route, a tool or a resource.

    Attributes:
        capability: what the file calls itself.
        adapter: its kind, such as ``rest``.
        namespace: of the adapter.
        name: of the operation, tool or resource.
        method: of a route.
        path: of a route, as the file has it.
        caller: who asks.
        status: of HTTP, once there is an answer or a failure: what a REST caller gets, before what HTTP makes of it.
    """

    capability: str
    adapter: str
    namespace: str
    name: str
    method: str | None
    path: str | None
    caller: Caller
    status: int | None = None


@dataclass(frozen=True, slots=True)
class StepRun:
    """A run of a step of a flow.

    Attributes:
        name: of the step.
        kind: ``call``, ``lookup`` or another kind of step.
        operation: that it calls, ``namespace.operation``, or ``""``.
    """

    name: str
    kind: str
    operation: str = ""


@dataclass(slots=True)
class Exchange:
    """A request to an upstream, and its answer.

    Attributes:
        purpose: ``call``, ``forward``, or ``credential``: what is asked for a token, a challenge and the like.
        namespace: of the API.
        operation: ``namespace.operation``; the namespace alone of what is no call of one.
        method: of the request.
        template: the URL with its placeholders, as the file has it; ``""`` where there is none.
        url: as it is sent, secrets hidden.
        attempt: 1 for the first time that this request is sent, 2 for the second, and so on.
        set_header: sets a header of the request, such as ``traceparent``; until the context is entered.
        bytes_sent: of the request's body; ``None`` of one that comes in pieces.
        status: of the answer, once it is there.
        bytes_received: of the answer's body, decoded; of what is forwarded as it came.
    """

    purpose: Literal["call", "forward", "credential"]
    namespace: str
    operation: str
    method: str
    template: str
    url: str
    attempt: int
    set_header: Callable[[str, str], None] = field(repr=False)
    bytes_sent: int | None = None
    status: int | None = None
    bytes_received: int | None = None


class Observer:
    """Sees what runs; one that sees only some of it overrides only that.

    Each method returns a context manager. It is entered before the work begins, in its task, and left when the work has
    ended: with the exception if it failed, ``asyncio.CancelledError`` if whoever asked for it has gone. A step runs
    within the context of its unit, an exchange within that of its step: what one sets in a context variable, the other
    finds there. Not seen are the steps that a flow takes in another process, where large documents are read, and a call
    of a tool whose message itself is so large; their exchanges are. What a method is given is filled in on the way
    (``status``). It must neither wait nor raise: the call would wait, or fail.
    """

    def unit(self, run: UnitRun, /) -> AbstractContextManager[Any]:
        """See a unit run, from its inputs to its answer; what is forwarded, to the end of the answer's body."""
        del run
        return _UNSEEN

    def step(self, run: StepRun, /) -> AbstractContextManager[Any]:
        """See a step run."""
        del run
        return _UNSEEN

    def exchange(self, exchange: Exchange, /) -> AbstractContextManager[Any]:
        """See a request that is sent to an upstream, to the end of the answer's body; each attempt is one."""
        del exchange
        return _UNSEEN
