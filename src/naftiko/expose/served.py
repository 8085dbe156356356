"""What a kind of adapter is when it is served: where, as which app, and in which words it is told.

Each kind has a package beside this module, whose ``adapter`` module has the record of it. What the record imports is
light: an app and the libraries below it are imported when one is made.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, Protocol, Self, TypeVar

from naftiko.document.model import AdapterModel
from naftiko.expose.announcement import Announcement

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from naftiko.document.model.control import Observability
    from naftiko.engine.capability import Adapter, Capability, Unit
    from naftiko.expose.spaces import Spaces
    from naftiko.link.adapters.kind import AdapterKind


class Exposed(NamedTuple):
    """An adapter with the capability that it comes from."""

    capability: Capability
    adapter: Adapter


class AdapterOptions(Protocol):
    """What an operator decides about the adapters of a kind: a dataclass.

    Of what the operator says, it gets what it has a field for (``options_of``): ``prefix``, ``allowed_hosts``,
    ``allowed_origins``, ``selection``, ``max_concurrency``, ``max_request_bytes`` and what only one kind has.
    """

    def at(self, host: str, *, is_loopback: bool) -> Self:
        """Return the options behind a listener.

        Args:
            host: the address that it listens on.
            is_loopback: whether only this machine can reach it.
        """


OptionsT = TypeVar("OptionsT", bound=AdapterOptions)


class Mounted:
    """The app of the adapters of one kind behind a listener, and which requests are its own.

    Args:
        app: answers them. Its lifespan is not used.
        paths: paths that are its own whatever else is behind the listener.
        has_root_metadata: whether it has metadata for authentication of a resource at the root (RFC 9728).
    """

    def __init__(self, app: ASGIApp, paths: frozenset[str] = frozenset(), *, has_root_metadata: bool = False) -> None:
        self.app = app
        self.paths = paths
        self.has_root_metadata = has_root_metadata

    def owns(self, path: str) -> bool:
        """Tell whether one more path is its own."""
        del path
        return False

    def has_metadata(self, path: str) -> bool:
        """Tell whether the metadata of a protected resource of its own is at a path."""
        del path
        return False

    async def start(self) -> None:
        """Start, before the first request."""

    def succeed(self, before: Self) -> None:
        """Take the place of another one of its kind, which gets no more requests."""

    async def aclose(self) -> None:
        """Stop. The connections of the capabilities stay open: other listeners may still be using them."""


@dataclass(frozen=True, slots=True)
class Listening:
    """The adapters of one kind behind a listener, once it is known where that is.

    Attributes:
        url: of the socket, without a path.
        is_loopback: whether only this machine can reach it.
        allowed_hosts: names beside loopback's under which clients may call.
        dev: whether to say how what is served can be looked at.
    """

    exposed: Sequence[Exposed]
    url: str
    is_loopback: bool
    allowed_hosts: Sequence[str] = ()
    dev: bool = False


class ServedKind(ABC, Generic[OptionsT]):
    """A kind of adapter, as far as serving goes.

    Attributes:
        model: how a file declares one.
        title: what the kind is called: ``REST``.
        nouns: what it exposes, units first: ``route``.
        default_port: where it listens if neither the file nor the operator says.
        options: what an operator may decide.
        is_slow: whether making the app takes so long that it must not hold the event loop.
        client_path: where a client of ``naftiko install`` finds all adapters of a listener; ``None``: it has no use
            for them.
        speaks_stdio: whether it can be served on stdin and stdout.
        runs: whether it has anything that ``naftiko call`` could run or read.
        for_operators: whether it is for whoever runs the process: it is apart from what callers have, on a port of its
            own, and one process answers for all.
    """

    model: ClassVar[type[AdapterModel]]
    title: ClassVar[str]
    nouns: ClassVar[tuple[str, ...]]
    default_port: ClassVar[int]
    options: type[OptionsT]
    is_slow: ClassVar[bool] = False
    client_path: ClassVar[str | None] = None
    speaks_stdio: ClassVar[bool] = False
    runs: ClassVar[bool] = True
    for_operators: ClassVar[bool] = False

    @property
    def kind(self) -> str:
        """The word of the kind, as ``type`` has it."""
        return self.model.kind

    @abstractmethod
    def linking(self) -> AdapterKind[Any]:
        """Return the same kind when a file is loaded; it is imported here, since who asks for a port loads none."""

    @abstractmethod
    def mount(self, exposed: Sequence[Exposed], options: OptionsT, spaces: Spaces) -> Mounted:
        """Return the app of adapters that share a listener."""

    @abstractmethod
    def path(self, name: str, *, alone: bool, prefix: bool) -> str:
        """Return where below a listener's URL an adapter is; ``""`` at the root, whatever its name is.

        Args:
            name: the namespace that it is served under.
            alone: whether it is the only one of its kind there.
            prefix: whether each capability is under its namespace.
        """

    @abstractmethod
    def key(self, unit: Unit) -> Hashable:
        """Return what two units share that answer the same requests: only one of them can."""

    @abstractmethod
    def what(self, unit: Unit) -> str:
        """Return what a unit is found by, in words."""

    def is_in_vain(self, first: Unit, second: Unit) -> bool:
        """Tell whether the second of two units with one key is never served; else a request's inputs say which is."""
        del first, second
        return True

    def amounts(self, adapter: Adapter) -> dict[str, int]:
        """Return how much an adapter exposes, by noun."""
        return {self.nouns[0]: len(adapter.units)}

    def announced(self, listening: Listening) -> Iterator[Announcement]:
        """Yield what is told of all adapters of the kind behind a listener, after a line for each."""
        del listening
        yield from ()

    def description(self, exposed: Exposed) -> Mapping[str, Any]:
        """Return what ``inspect`` says of an adapter beside its units: lists by the plural of a noun."""
        del exposed
        return {}

    def shows_metrics(self, adapter: Adapter) -> bool:
        """Tell whether an adapter shows what is measured; where none does, nothing is."""
        del adapter
        return False

    def observability(self, adapter: Adapter) -> Observability | None:
        """Return what an adapter says is observed; ``None`` where it has nothing to say of that."""
        del adapter
        return None

    def prepare(self) -> None:
        """Import what every process that serves needs: it is done once, before they are forked."""

    async def serve_stdio(self, exposed: Sequence[Exposed], options: OptionsT) -> None:
        """Serve on stdin and stdout until the client closes stdin."""
        raise NotImplementedError


def options_of(kind: ServedKind[OptionsT], said: Mapping[str, Any]) -> OptionsT:
    """Return the options of a kind.

    Args:
        kind: the kind.
        said: all that the operator says, of every kind; what is ``None`` is not said.

    Raises:
        ValueError: an option has no meaning.
    """
    names = {each.name for each in fields(kind.options)}  # type: ignore[arg-type]  # options are dataclasses
    return kind.options(**{name: value for name, value in said.items() if name in names and value is not None})
