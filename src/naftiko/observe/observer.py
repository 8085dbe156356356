"""What runs, for whoever wants to see it: spans, metrics, audits.

There is one observer for all that a capability does: each run of a unit, each step of a flow, each exchange with an
upstream. It is given to ``Settings``. Where there is none nothing is made for it and nothing is called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from types import TracebackType
from typing import Any, Final, Literal, NamedTuple, TypeAlias

Seen: TypeAlias = Literal["unit", "step", "exchange", "request", "acted"]
"""What an observer may see."""
Hooking: TypeAlias = Literal["unit", "exchange"]
"""What hooks are for: what is seen of every call."""
Purpose: TypeAlias = Literal["call", "forward", "credential"]
"""What a request to an upstream is for."""
_PORTS: Final = {"http": 80, "https": 443}
_AFTER_SCHEME: Final = len("https://")
_UNSEEN: Final[AbstractContextManager[None]] = nullcontext()


@dataclass(slots=True)  # not frozen: one is made for each run
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


@dataclass(slots=True)
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


@dataclass(frozen=True, slots=True)
class PolicyAct:
    """Something that a policy of an API did with a call.

    Attributes:
        policy: ``retry``, ``circuitBreaker``, ``bulkhead``, ``rateLimiter``, ``timeLimiter`` or ``fallback``; also
            ``pagination``, of a list that came in pages.
        outcome: what it did, such as ``retried`` or ``rejected``.
        namespace: of the API.
        operation: ``namespace.operation``; the namespace alone of what is forwarded.
        said: the same in words, or ``""``; it may hold what the API said.
    """

    policy: str
    outcome: str
    namespace: str
    operation: str
    said: str = ""


running: Final[ContextVar[UnitRun | None]] = ContextVar("naftiko.running", default=None)
"""The run that a step happens in, where runs are observed; that of a unit without steps is not there."""


class Exchange:
    """A request to an upstream, and its answer.

    What few observers look at is made when it is looked at: ``url``, ``template``, ``server_address``, and bytes.

    Args:
        purpose: see below.
        namespace: likewise.
        operation: likewise.
        template: as the file has it.
        attempt: see below.
        request: an ``httpx.Request``.
        show: hides the secrets of a URL.

    Attributes:
        purpose: ``call``, ``forward``, or ``credential``: what is asked for a token, a challenge and the like.
        namespace: of the API.
        operation: ``namespace.operation``; the namespace alone of what is no call of one.
        method: of the request.
        attempt: 1 for the first time that this request is sent, 2 for the second, and so on.
        status: of the answer, once it is there.
    """

    __slots__ = (
        *("_answer", "_received", "_request", "_show", "_template"),
        *("attempt", "method", "namespace", "operation", "purpose", "status"),
    )

    def __init__(
        self,
        purpose: Purpose,
        namespace: str,
        operation: str,
        template: str,
        attempt: int,
        request: Any,
        show: Callable[[str], str],
    ) -> None:
        self.purpose = purpose
        self.namespace = namespace
        self.operation = operation
        self._template = template
        self.attempt = attempt
        self._request = request
        self._show = show
        self.method: str = request.method
        self.status: int | None = None
        self._received: int | None = None
        self._answer: Any = None

    @property
    def bytes_received(self) -> int | None:
        """Bytes of the answer's body, decoded; of what is forwarded as it came."""
        return self._received if self._answer is None else len(self._answer.content)

    @property
    def template(self) -> str:
        """The URL with its placeholders, as the file has it, secrets hidden; ``""`` where there is none."""
        return self._show(self._template) if self._template else ""

    @property
    def url(self) -> str:
        """The URL as it is sent, secrets hidden."""
        return self._show(self._address)

    @property
    def bytes_sent(self) -> int | None:
        """Bytes of the request's body; ``None`` of one that comes in pieces."""
        try:
            return len(self._request.content)
        except RuntimeError:  # httpx.RequestNotRead
            return None

    @property
    def authority(self) -> str:
        """What stands before the path of the URL: it may hold a secret, and tells servers apart."""
        address = self._address
        end = address.find("/", _AFTER_SCHEME)
        return address if end < 0 else address[:end]

    @property
    def server_address(self) -> str:
        """The host that it is sent to, without its port."""
        return _host(self._address.partition("://")[2].partition("/")[0])

    @property
    def server_port(self) -> int:
        """The port that it is sent to."""
        scheme, _, rest = self._address.partition("://")
        return _port(scheme, rest.partition("/")[0])

    @property
    def _address(self) -> str:
        # A request of ours has its URL as text, and parses it only for who asks.
        return getattr(self._request, "address", None) or str(self._request.url)

    def set_header(self, name: str, value: str) -> None:
        """Set a header of the request, such as ``traceparent``; until the context is entered."""
        light = getattr(self._request, "set_header", None)
        if light is None:
            self._request.headers[name] = value
        else:
            light(name, value)

    def set_field(self, name: bytes, value: bytes) -> None:
        """Set a header that is bytes already, as ``set_header``."""
        light = getattr(self._request, "set_field", None)
        if light is None:
            self._request.headers[name.decode("ascii")] = value.decode("ascii")
        else:
            light(name, value)


@lru_cache(maxsize=256)
def _host(authority: str) -> str:
    """Return the host of what stands between ``//`` and the path, in lower case and without its port."""
    host = authority.partition("?")[0].rpartition("@")[2]
    inside, bracket, _ = host.partition("]")
    return (f"{inside}{bracket}" if bracket else host.partition(":")[0]).strip("[]").lower()


@lru_cache(maxsize=256)
def _port(scheme: str, authority: str) -> int:
    """Return the port of what stands between ``//`` and the path, else the scheme's."""
    said = authority.partition("?")[0].rpartition("@")[2].rpartition("]")[2].rpartition(":")[2]
    return int(said) if said.isdecimal() else _PORTS.get(scheme.lower(), 80)


class Hooks(NamedTuple):
    """What is called when something begins, and when it has ended: an observer's context, without the context's price.

    Attributes:
        begin: takes what begins, such as a ``UnitRun``.
        end: takes what ``begin`` gave, what began, and why it failed, or ``None``.
    """

    begin: Callable[[Any], Any]
    end: Callable[[Any, Any, BaseException | None], None]


class Hooked:
    """The context that hooks are."""

    __slots__ = ("_hooks", "_seen", "_state")

    def __init__(self, hooks: Hooks, seen: object) -> None:
        self._hooks = hooks
        self._seen = seen

    def __enter__(self) -> None:
        self._state = self._hooks.begin(self._seen)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hooks.end(self._state, self._seen, error)


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

    def request(self, caller: Caller, name: str, /) -> AbstractContextManager[Any]:
        """See a request of MCP that runs no unit: a list, a prompt, whose name is given, or a completion."""
        del caller, name
        return _UNSEEN

    def exchange(self, exchange: Exchange, /) -> AbstractContextManager[Any]:
        """See a request that is sent to an upstream, to the end of the answer's body; each attempt is one."""
        del exchange
        return _UNSEEN

    def acted(self, act: PolicyAct, /) -> None:
        """See what a policy does with a call, when it does it."""

    def hooks(self, what: Hooking, /) -> Hooks:
        """Return what is called for each thing of a kind; an observer need not bring its own."""
        see = getattr(self, what)

        def begin(seen: object) -> AbstractContextManager[Any]:
            context: AbstractContextManager[Any] = see(seen)
            context.__enter__()
            return context

        return Hooks(begin, _left)


def _left(context: AbstractContextManager[Any], seen: object, error: BaseException | None) -> None:
    del seen
    if error is None:
        context.__exit__(None, None, None)
    else:
        context.__exit__(type(error), error, error.__traceback__)


class Observers(Observer):
    """Several observers as one, the first one outermost; each is asked only for what it sees."""

    def __init__(self, *observers: Observer) -> None:
        inner = [each for one in observers for each in (one.every if isinstance(one, Observers) else (one,))]
        self.every: Final[tuple[Observer, ...]] = tuple(inner)
        self._units = tuple(each.unit for each in inner if sees(each, "unit"))
        self._steps = tuple(each.step for each in inner if sees(each, "step"))
        self._requests = tuple(each.request for each in inner if sees(each, "request"))
        self._exchanges = tuple(each.exchange for each in inner if sees(each, "exchange"))
        self._acts = tuple(each.acted for each in inner if sees(each, "acted"))

    def unit(self, run: UnitRun, /) -> AbstractContextManager[Any]:
        """See a unit run."""
        return _together([see(run) for see in self._units])

    def step(self, run: StepRun, /) -> AbstractContextManager[Any]:
        """See a step run."""
        return _together([see(run) for see in self._steps])

    def request(self, caller: Caller, name: str, /) -> AbstractContextManager[Any]:
        """See a request of MCP that runs no unit."""
        return _together([see(caller, name) for see in self._requests])

    def exchange(self, exchange: Exchange, /) -> AbstractContextManager[Any]:
        """See a request that is sent to an upstream."""
        return _together([see(exchange) for see in self._exchanges])

    def acted(self, act: PolicyAct, /) -> None:
        """See what a policy does."""
        for see in self._acts:
            see(act)

    def hooks(self, what: Hooking, /) -> Hooks:
        """Return what is called for each thing of a kind."""
        every = [each.hooks(what) for each in self.every if sees(each, what)]
        return every[0] if len(every) == 1 else _both(every)

    def sees(self, what: Seen) -> bool:
        """Tell whether any of them sees this."""
        return any(sees(each, what) for each in self.every)


def _both(every: Sequence[Hooks]) -> Hooks:
    begins = [each.begin for each in every]
    ends = [each.end for each in reversed(every)]

    def begin(seen: object) -> list[Any]:
        return [each(seen) for each in begins]

    def end(states: list[Any], seen: object, error: BaseException | None) -> None:
        for each in ends:
            each(states.pop(), seen, error)

    return Hooks(begin, end)


def sees(observer: Observer, what: Seen) -> bool:
    """Tell whether an observer has something to do for this, or only the base class's nothing."""
    if isinstance(observer, Observers):
        return observer.sees(what)
    return getattr(type(observer), what) is not getattr(Observer, what) or what in vars(observer)


def _together(contexts: Sequence[AbstractContextManager[Any]]) -> AbstractContextManager[Any]:
    if len(contexts) == 1:
        return contexts[0]
    return _Together(contexts) if contexts else _UNSEEN


class _Together:
    """Several contexts that never raise, as one: a tenth of the price of an ``ExitStack``."""

    __slots__ = ("_contexts",)

    def __init__(self, contexts: Sequence[AbstractContextManager[Any]]) -> None:
        self._contexts = contexts

    def __enter__(self) -> None:
        for context in self._contexts:
            context.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for context in reversed(self._contexts):
            context.__exit__(kind, error, trace)
