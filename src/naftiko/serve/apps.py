"""The app behind a listener: all kinds of adapters that share its port."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Self

from naftiko.expose.authentication.scheme import METADATA_PATH
from naftiko.expose.http.paths import inner_path
from naftiko.expose.registry import KINDS
from naftiko.expose.served import AdapterOptions, Mounted, ServedKind, options_of
from naftiko.serve.addresses import Listener
from naftiko.serve.live import LiveApp

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from starlette.types import ASGIApp, Receive, Scope, Send


@dataclass(frozen=True, slots=True)
class AppOptions:
    """What an operator decides about the apps.

    Attributes:
        prefix: whether each capability is under its namespace.
        allowed_hosts: names beside loopback's under which clients may call.
        kinds: the options of each kind of adapter, by its word; its defaults where there are none.
    """

    prefix: bool = False
    allowed_hosts: tuple[str, ...] = ()
    kinds: Mapping[str, AdapterOptions] = field(default_factory=dict)

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """Return the options of all kinds of what an operator says; see ``naftiko.expose.served.options_of``.

        Raises:
            ValueError: an option has no meaning.
        """
        kinds = {kind.kind: options_of(kind, said) for kind in KINDS.values()}
        return cls(bool(said.get("prefix")), tuple(said.get("allowed_hosts") or ()), kinds)

    def with_(self, **said: Any) -> Self:
        """Return the same with something more said, for the kinds that have a name for it."""
        changed = {}
        for kind in KINDS.values():
            options = self.of_kind(kind)
            known = {each.name for each in fields(options)} & said.keys()
            changed[kind.kind] = replace(options, **{name: said[name] for name in known}) if known else options
        return replace(self, kinds=changed)

    def of_kind(self, kind: ServedKind[Any]) -> Any:
        """Return the options of a kind."""
        return self.kinds[kind.kind] if kind.kind in self.kinds else kind.options()


async def _nothing(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Answer nothing: no adapter is there."""


class ListenerApp(LiveApp):
    """Everything behind one socket.

    Each kind has its own paths, and the first one all others; so have the metadata for authentication of their
    resources. The connections of the capabilities stay open when it stops: other listeners may still be using them.

    Args:
        mounted: the apps of the kinds.
    """

    def __init__(self, mounted: Sequence[Mounted]) -> None:
        self._mounted = tuple(mounted)
        self._first: ASGIApp = self._mounted[0].app if self._mounted else _nothing
        self._others = self._mounted[1:]
        self._paths: dict[str, ASGIApp] = {path: each.app for each in reversed(self._others) for path in each.paths}
        self._asked = tuple(each for each in self._others if type(each).owns is not Mounted.owns)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Dispatch by path."""
        app = self._found(scope) if self._others and scope["type"] == "http" else None
        return (app or self._first)(scope, receive, send)

    def _found(self, scope: Scope) -> ASGIApp | None:
        """Return the app whose own path it is; ``None`` for the first one's."""
        path = inner_path(scope).rstrip("/")
        if path.startswith(METADATA_PATH):
            return self._of_metadata(path)
        app = self._paths.get(path)
        if app is None and self._asked:
            return next((each.app for each in self._asked if each.owns(path)), None)
        return app

    def _of_metadata(self, path: str) -> ASGIApp | None:
        """Return the app whose resource the metadata at a path is of (RFC 9728 chapter 3.1)."""
        of = path.removeprefix(METADATA_PATH)
        if not of and self._mounted and self._mounted[0].has_root_metadata:
            return None
        owner = (each.app for each in self._others if of in each.paths or each.has_metadata(path))
        return next(owner, None)

    async def start(self) -> None:
        """Start the apps of all kinds."""
        for each in self._mounted:
            await each.start()

    def succeed(self, before: LiveApp) -> None:
        """Let each kind take the place of its app before."""
        if isinstance(before, ListenerApp):
            for each in self._mounted:
                same = next((other for other in before._mounted if type(other) is type(each)), None)  # noqa: SLF001  # of its class
                if same is not None:
                    each.succeed(same)

    async def aclose(self) -> None:
        """Stop them."""
        for each in self._mounted:
            await each.aclose()


def app_of(listener: Listener, options: AppOptions) -> ListenerApp:
    """Return the app of a listener's adapters; what their capabilities expose elsewhere is not in it."""
    spaces = listener.spaces(prefix=options.prefix)
    # Before what is a file there is a proxy that others reach, unless it is the operator's own.
    is_local = listener.is_loopback or (listener.is_unix and listener.for_operators)
    host = "localhost" if listener.is_unix else listener.host
    return ListenerApp(
        [
            kind.mount(exposed, options.of_kind(kind).at(host, is_loopback=is_local), spaces)
            for kind, exposed in listener.by_kind()
        ]
    )
