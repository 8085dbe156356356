"""What is on its way to an upstream, and the policies around whatever sends it.

A policy is anything that, given what sends a request, returns something else that sends it: it may send once more,
wait, refuse, or answer without sending. Policies are asked once, while the capability is loaded, for each operation
that it calls and for each API that it forwards to. Where there is none, requests go to the transport directly.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

import httpx

from naftiko.engine.transport.whole import Whole
from naftiko.plan.resilience import NOTE_HEADER

if TYPE_CHECKING:
    from naftiko.engine.paging.told import Wish
    from naftiko.engine.request import Draft
    from naftiko.engine.upstream import Upstream
    from naftiko.plan.operation import Operation
    from naftiko.plan.resilience import Resilience

NOTE: Final = NOTE_HEADER
"""The field of an answer that says what policies made of it: items with parameters (RFC 9651)."""
TRIED: Final = "naftiko.tried"
"""The extension of an answer that says how often it was asked for, in words."""


@dataclass(slots=True)
class Outgoing:
    """A request that is ready but for the credential, which it gets each time it is sent.

    Attributes:
        upstream: where it goes to.
        operation: the consumed operation, ``namespace.operation``; the namespace alone of what is forwarded.
        raw_format: of its answer.
        draft: method, URL, query, headers and body; sending leaves it as it is, so it can be sent again.
        mapped: the names of fields that the file maps, which win over the credential's.
        max_binary_bytes: the largest answer that is read, where it is smaller than the general limit.
        template: the URL with its placeholders, as the file has it.
        attempts: how often it has been sent.
        is_idempotent: whether who calls says that sending it twice does what sending it once does.
        deadline: the loop's time at which the call ends, or ``None``.
        may_go: called after a wait; it raises where the request should not be sent any more.
        is_fallback: whether it stands in for a call that failed.
        arguments: of the call, where another one may stand in for it.
        pages: what is wanted of a list in pages; ``None``: all that its bounds allow.
        opens: whether it opens a WebSocket, whose first message its body is.
    """

    upstream: Upstream
    operation: str
    raw_format: str
    draft: Draft
    mapped: Collection[str] = ()
    max_binary_bytes: int | None = None
    template: str = ""
    attempts: int = 0
    is_idempotent: bool = False
    deadline: float | None = None
    may_go: Callable[[], None] | None = None
    is_fallback: bool = False
    arguments: Mapping[str, Any] | None = None
    pages: Wish | None = None
    opens: bool = False

    @property
    def is_repeatable(self) -> bool:
        """Whether there is something to send once more: a body that came in pieces is gone then, unless it was kept."""
        streamed = self.draft.streamed
        return streamed is None or streamed.is_kept or not self.attempts

    async def answer(self) -> httpx.Response:
        """Send it."""
        return await self.upstream.send_drafted(self)

    def answered(self, status: int, content: bytes = b"", headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Return an answer to it that no upstream gave.

        Args:
            status: the HTTP status.
            content: the body, uncoded.
            headers: such as ``Content-Type``; ``Content-Length`` is added.
        """
        pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in (headers or {}).items()]
        pairs.append((b"Content-Length", str(len(content)).encode("ascii")))
        request = httpx.Request(self.draft.method, self.draft.full_url())
        return Whole(status, pairs, content, request, {})


Send: TypeAlias = Callable[[Outgoing], Awaitable[httpx.Response]]
"""Sends a request and returns the answer.

Of a call its body is read, and 401 to our credential is an error; of what is forwarded the body is still to come, and
whoever doesn't return the answer must close it. Statuses of 4xx and 5xx are answers. What fails otherwise raises a
``CallError``.
"""


@dataclass(frozen=True, slots=True)
class Target:
    """What a policy is asked for.

    Attributes:
        namespace: of the API.
        operation: that is called; ``None``: whatever is forwarded to the API.
        resilience: the policies that are declared for it, or ``None``.
    """

    namespace: str
    operation: Operation | None
    resilience: Resilience | None = None

    @property
    def comes_in_pieces(self) -> bool:
        """Whether the bodies of its answers are still to come when they are returned: what is forwarded, streams."""
        return self.operation is None or self.operation.stream is not None


class Policy(Protocol):
    """What wraps whatever sends requests, such as a class that is made with it and can be called.

    It is asked while the capability is loaded; where it has nothing to do it returns ``send`` itself, which then costs
    nothing. What it keeps for all operations of an API it keeps by ``target.namespace``.
    """

    def __call__(self, send: Send, target: Target, /) -> Send:
        """Return what sends requests of ``target`` from now on."""
        ...


def wrapped(send: Send, policies: Sequence[Policy], target: Target) -> Send:
    """Return ``send`` with policies around it, the first one outermost."""
    for policy in reversed(policies):
        send = policy(send, target)
    return send
