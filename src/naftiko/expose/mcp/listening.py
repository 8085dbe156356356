"""Clients hear of changed lists: what a server offers may change while they are connected to it.

Clients of the newest revision ask for it with ``subscriptions/listen``, whose answer is a stream; older ones have a
session, and one stream of it for whatever the server has to say. Both outlast the app that they came to: the SDK's
server stays, and becomes the one that another app has made.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.session import ServerSession
from mcp.server.streamable_http import MCP_SESSION_ID_HEADER
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    ListenHandler,
    PromptsListChanged,
    ResourcesListChanged,
    ResourceUpdated,
    ServerEvent,
    ToolsListChanged,
)

_log = logging.getLogger(__name__)
LISTEN: Final = "subscriptions/listen"
_STAYS: Final = frozenset({"middleware", "listeners", "lifespan", "has_sessions"})
"""What a server keeps when it becomes another one: what others have put into it, and who listens."""
_SECONDS: Final = 10.0
"""How long one client may take to hear of a change."""
_ALL_CHANGE: Final = NotificationOptions(prompts_changed=True, resources_changed=True, tools_changed=True)


@dataclass(frozen=True, slots=True)
class Offered:
    """What a server lists, in wire form.

    Attributes:
        resources: with their templates.
    """

    tools: Mapping[str, Any]
    resources: Sequence[Mapping[str, Any]]
    prompts: Sequence[Mapping[str, Any]]

    def changes(self, after: Offered) -> list[ServerEvent]:
        """Return what clients are to hear where another list takes this one's place.

        A resource that is still listed may say something else: where its file or its API is declared may have changed.
        """
        changed: list[tuple[bool, ServerEvent]] = [
            (self.tools != after.tools, ToolsListChanged()),
            (self.resources != after.resources, ResourcesListChanged()),
            (self.prompts != after.prompts, PromptsListChanged()),
        ]
        known = {each["uri"] for each in self.resources if "uri" in each}
        still = [ResourceUpdated(each["uri"]) for each in after.resources if each.get("uri") in known]
        return [*(event for is_other, event in changed if is_other), *still]


@dataclass(slots=True)
class Listeners:
    """Who listens to a server.

    Attributes:
        bus: of the newest revision's streams.
        handler: answers those who ask for one.
        sessions: of older revisions, by their ids.
    """

    bus: InMemorySubscriptionBus = field(default_factory=InMemorySubscriptionBus)
    handler: ListenHandler = field(init=False)
    sessions: dict[str, ServerSession] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.handler = ListenHandler(self.bus)

    async def tell(self, events: Sequence[ServerEvent], open_sessions: Collection[str]) -> None:
        """Tell everybody of changes; who doesn't read is not waited for.

        Args:
            events: the changes.
            open_sessions: the ids of sessions that are not over.
        """
        for event in events:
            await self.bus.publish(event)
        self._forget(open_sessions)
        lists = [event for event in events if not isinstance(event, ResourceUpdated)]
        if lists:
            await asyncio.gather(*(_tell_session(each, lists) for each in self.sessions.values()))

    def add(self, identity: str, session: ServerSession, open_sessions: Collection[str]) -> None:
        """Take note of a session that is ready to hear something."""
        if len(self.sessions) > 2 * len(open_sessions):
            self._forget(open_sessions)
        self.sessions[identity] = session

    def _forget(self, open_sessions: Collection[str]) -> None:
        self.sessions = {identity: each for identity, each in self.sessions.items() if identity in open_sessions}


async def _tell_session(session: ServerSession, events: Sequence[ServerEvent]) -> None:
    try:
        async with asyncio.timeout(_SECONDS):
            for event in events:
                if isinstance(event, ToolsListChanged):
                    await session.send_tool_list_changed()
                elif isinstance(event, PromptsListChanged):
                    await session.send_prompt_list_changed()
                else:
                    await session.send_resource_list_changed()
    except Exception as error:  # noqa: BLE001  # the client is gone, or doesn't read: it asks for the lists again
        _log.debug("a session does not hear of changed lists: %r", error)


async def _nothing() -> Offered:
    return Offered({}, (), ())


class ToldServer(Server[Any]):
    """The SDK's server, whose clients can listen.

    Attributes:
        listeners: who does.
        offered: returns what it lists.
        has_sessions: whether clients of older revisions have sessions, in which they can be told something.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.listeners = Listeners()
        self.offered: Callable[[], Awaitable[Offered]] = _nothing
        self.has_sessions = False
        self._hear()

    def _hear(self) -> None:
        self.add_request_handler(LISTEN, types.SubscriptionsListenRequestParams, self.listeners.handler)

    def get_capabilities(
        self,
        notification_options: NotificationOptions | None = None,
        experimental_capabilities: dict[str, dict[str, Any]] | None = None,
        extensions: dict[str, dict[str, Any]] | None = None,
        *,
        protocol_version: str | None = None,
    ) -> types.ServerCapabilities:
        """Return what the server says that it can do."""
        return super().get_capabilities(
            _ALL_CHANGE if self.has_sessions else notification_options,
            experimental_capabilities,
            extensions,
            protocol_version=protocol_version,
        )

    def tell_sessions(self, open_sessions: Collection[str]) -> None:
        """Let the sessions of older revisions hear of changes from now on.

        Args:
            open_sessions: the ids of those that are not over, by now and later.
        """
        self.has_sessions = True

        async def begun(context: ServerRequestContext[Any, Any], _params: types.NotificationParams) -> None:
            identity = context.request.headers.get(MCP_SESSION_ID_HEADER) if context.request is not None else None
            if identity is not None:
                self.listeners.add(identity, context.session, open_sessions)

        self.add_notification_handler("notifications/initialized", types.NotificationParams, begun)

    def become(self, other: ToldServer) -> None:
        """Offer what another one does; whoever is connected to this one stays so."""
        begun = self.get_notification_handler("notifications/initialized")
        vars(self).update({name: value for name, value in vars(other).items() if name not in _STAYS})
        self._hear()
        if begun is not None:
            self._notification_handlers["notifications/initialized"] = begun
