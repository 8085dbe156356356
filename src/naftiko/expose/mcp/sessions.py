"""Sessions of the revisions with a handshake: each is its opener's, and there is a bounded number of them."""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections import Counter
from collections.abc import Collection
from typing import Any, Final
from weakref import WeakSet

import anyio
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser, authorization_context
from mcp.server.auth.provider import AccessToken
from mcp.server.lowlevel import Server
from mcp.server.streamable_http import MCP_SESSION_ID_HEADER
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from naftiko.expose.authentication import PRINCIPAL, Principal
from naftiko.expose.mcp.failures import refusal

_log = logging.getLogger(__name__)
_HEADER: Final = MCP_SESSION_ID_HEADER.lower().encode()
_OF_ONE_TOKEN: Final = frozenset({"exp", "iat", "nbf", "jti", "auth_time"})
"""Claims that say something about a token, and nothing about whose it is."""


def owned(scope: Scope) -> Scope:
    """Return a request with its caller where the SDK looks for the owner of a session.

    To anybody else the session isn't there: 404 (MCP, security best practices: session hijacking).
    """
    principal: Principal | None = scope.get(PRINCIPAL)
    return scope if principal is None else {**scope, "user": _user_of(principal)}


def _user_of(principal: Principal) -> AuthenticatedUser:
    """Return whoever was let in, the same for every credential of the same user by way of the same client."""
    claims = principal.claims
    client = claims.get("client_id") or claims.get("azp") or ""
    subject = principal.subject
    if subject is None and claims:  # a token of nobody's: what else it says tells it from others
        rest = {name: value for name, value in claims.items() if name not in _OF_ONE_TOKEN}
        subject = hashlib.sha256(json.dumps(rest, sort_keys=True, default=str).encode()).hexdigest()
    token = AccessToken(
        token="",
        client_id=f"{principal.scheme} {client}",
        scopes=[],
        subject=subject,
        claims={"iss": claims.get("iss")},
    )
    return AuthenticatedUser(token)


class Sessions:
    """All sessions of an app, over all of its servers.

    Where there is no place for a new one an idle one ends: the one that waits longest, of the caller who has most. So
    who opens one after the other ends their own.

    Args:
        most: how many there are at once.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._managers: WeakSet[SessionManager] = WeakSet()  # it outlives them: another app takes over who is connected
        self._told = False

    def add(self, manager: SessionManager) -> None:
        """Count the sessions of a server too."""
        self._managers.add(manager)

    async def make_place(self) -> bool:
        """End an idle session if need be; ``False`` where all are in use."""
        if sum(len(manager.open) for manager in self._managers) < self._most:
            return True
        every = [(manager, session) for manager in self._managers for session in manager.open]
        many = Counter(manager.owner(session) for manager, session in every)
        idle = [pair for pair in every if pair[0].deadline(pair[1]) < math.inf]
        if not idle:
            return False
        if not self._told:
            self._told = True
            _log.warning("%d sessions are open, the most there may be (--max-sessions): idle ones end", self._most)
        manager, session = min(idle, key=lambda pair: (-many[pair[0].owner(pair[1])], pair[0].deadline(pair[1])))
        await manager.end(session)
        return True


class SessionManager(StreamableHTTPSessionManager):
    """The SDK's manager, one of several that share their sessions' number; each session is its opener's."""

    def __init__(self, app: Server[Any], sessions: Sessions, **options: Any) -> None:
        super().__init__(app, max_sessions=None, **options)
        self._all = sessions
        sessions.add(self)

    async def _handle_stateful_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        if all(name != _HEADER for name, _ in scope["headers"]) and not await self._all.make_place():
            await refusal(503, "too many sessions are in use", {"retry-after": "1"})(scope, receive, send)
            return
        await super()._handle_stateful_request(scope, receive, send)

    def refusal(self, scope: Scope) -> Response | None:
        """Return the refusal of a request that is outside of any session of its caller's, as the SDK says it.

        A session that it is in goes on for as long as after any other request.
        """
        session = next((value.decode("latin-1") for name, value in scope["headers"] if name == _HEADER), None)
        if session is None:
            return refusal(400, "Bad Request: Missing session ID")
        user = scope.get("user")
        asking = authorization_context(user) if isinstance(user, AuthenticatedUser) else None
        transport = self._server_instances.get(session)
        if transport is None or transport.is_terminated or asking != self._session_owners.get(session):
            return refusal(404, "Session not found")
        if transport.idle_scope is not None and self.session_idle_timeout is not None:
            after = anyio.current_time() + self.session_idle_timeout
            transport.idle_scope.deadline = max(after, transport.idle_scope.deadline)
        return None

    @property
    def open(self) -> Collection[str]:
        """Its sessions."""
        return self._server_instances.keys()

    def owner(self, session: str) -> tuple[object, ...]:
        """Return whose a session is, in a form that can be compared; nothing where nobody has a name."""
        return tuple((self._session_owners.get(session) or {}).values())

    def deadline(self, session: str) -> float:
        """Return when a session would end for being idle; never while a request of it is in flight."""
        scope = self._server_instances[session].idle_scope
        return math.inf if scope is None else scope.deadline

    async def end(self, session: str) -> None:
        """End a session."""
        await self._discard_session(session, self._server_instances[session])
