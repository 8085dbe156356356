"""Sessions of the revisions with a handshake: each is its opener's, and there is a bounded number of them."""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections import Counter
from typing import Final

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.streamable_http import MCP_SESSION_ID_HEADER
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.types import Receive, Scope, Send

from naftiko.expose.authentication import PRINCIPAL, Principal

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


class SessionManager(StreamableHTTPSessionManager):
    """The SDK's manager, which makes place for a new session where the SDK refuses one: an idle one ends.

    It is the one that waits longest, of the caller who has most: who opens one after the other ends their own. Where
    all are in use the SDK answers 503.
    """

    _told = False

    async def _handle_stateful_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        if all(name != _HEADER for name, _ in scope["headers"]):
            await self._make_place()
        await super()._handle_stateful_request(scope, receive, send)

    async def _make_place(self) -> None:
        if self.max_sessions is None or len(self._server_instances) < self.max_sessions:
            return
        many = Counter(map(self._owner, self._server_instances))
        idle = [each for each in self._server_instances if self._deadline(each) < math.inf]
        if not idle:
            return
        ended = min(idle, key=lambda each: (-many[self._owner(each)], self._deadline(each)))
        if not self._told:
            self._told = True
            _log.warning(
                "%d sessions are open, the most there may be (--max-sessions): idle ones end", self.max_sessions
            )
        await self._discard_session(ended, self._server_instances[ended])

    def _owner(self, session: str) -> tuple[object, ...]:
        return tuple((self._session_owners.get(session) or {}).values())

    def _deadline(self, session: str) -> float:
        """Return when a session would end for being idle; never while a request of it is in flight."""
        scope = self._server_instances[session].idle_scope
        return math.inf if scope is None else scope.deadline
