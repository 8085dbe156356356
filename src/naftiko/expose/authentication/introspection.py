"""Ask the authorization server about a token (RFC 7662)."""

from __future__ import annotations

import base64
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

import httpx

from naftiko.expose.authentication.authorization_server import AuthorizationServer
from naftiko.expose.authentication.fair_queue import FairQueue, QueueFull
from naftiko.expose.authentication.single_flight import SingleFlight
from naftiko.expose.authentication.tokens import AuthorizationServerDown, InvalidToken, is_time

KEPT: Final = 60.0
"""Seconds that an answer is kept: how long a revoked token may still be taken."""
_MOST_ANSWERS: Final = 4096
_MOST_FLIGHTS: Final = 100
"""Tokens that are asked about at once; others wait for their turn."""
_MOST_TOKENS: Final = 5_000
"""Tokens that are asked about or wait; more than that are no longer remembered."""


@dataclass(frozen=True, slots=True)
class IntrospectionClient:
    """Who asks."""

    id: str
    secret: str = field(repr=False)


class _Answers:
    """Answers by the hash of their token, so that no token stays in memory; the oldest are forgotten first."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: OrderedDict[bytes, tuple[float, Mapping[str, Any]]] = OrderedDict()

    def get(self, key: bytes) -> Mapping[str, Any] | None:
        until, answer = self._kept.get(key, (0.0, None))
        return None if answer is not None and self._clock() >= until else answer

    def has_had(self, key: bytes) -> bool:
        """Tell whether there is an answer, an old one too."""
        return key in self._kept

    def forget(self, key: bytes) -> None:
        self._kept.pop(key, None)

    def keep(self, key: bytes, answer: Mapping[str, Any], seconds: float) -> None:
        if seconds > 0:
            self._kept[key] = (self._clock() + seconds, answer)
            self._kept.move_to_end(key)
            if len(self._kept) > _MOST_ANSWERS:
                self._kept.popitem(last=False)


class Introspection:
    """The introspection endpoint of an authorization server; its answers are kept for 60 s, never past ``exp``.

    Args:
        server: names the endpoint.
        client: asks.
        clock: seconds, never going backwards.
        wall_clock: seconds since 1970.
    """

    def __init__(
        self,
        server: AuthorizationServer,
        client: IntrospectionClient,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
    ) -> None:
        self._server = server
        self._client = client
        self._wall_clock = wall_clock
        self._flights: SingleFlight[bytes, Mapping[str, Any]] = SingleFlight(_MOST_TOKENS)
        # Whoever was let in before doesn't wait behind those who may never be.
        self._turns, self._known_turns = FairQueue(_MOST_FLIGHTS), FairQueue(_MOST_FLIGHTS)
        # Apart from one another: a flood of made-up tokens must not push out the answers about real ones.
        self._active = _Answers(clock)
        self._inactive = _Answers(clock)

    async def claims(self, token: str, address: str = "") -> Mapping[str, Any]:
        """Return what the server says about a token; one call for all who wait for the same.

        Args:
            token: the token.
            address: the caller's, by whose turn the server is asked.

        Raises:
            InvalidToken: the token is not active.
            AuthorizationServerDown: it doesn't say.
        """
        key = hashlib.sha256(token.encode()).digest()
        answer = self._active.get(key) or self._inactive.get(key)
        if answer is None:
            answer = await self._flights.join(key, lambda: self._ask_in_turn(key, token, address))
        if answer.get("active") is not True:
            raise InvalidToken("Token is not active")
        return answer

    async def _ask_in_turn(self, key: bytes, token: str, address: str) -> Mapping[str, Any]:
        turns = self._known_turns if self._active.has_had(key) else self._turns
        try:
            async with turns.turn(address):
                return await self._ask(key, token)
        except QueueFull:
            raise AuthorizationServerDown("too many tokens are being checked at once") from None

    async def _ask(self, key: bytes, token: str) -> Mapping[str, Any]:
        endpoint = await self._server.endpoint("introspection_endpoint")
        status, answer = await self._server.ask(_request(endpoint, token, self._client), "introspection endpoint")
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise AuthorizationServerDown("the authorization server refused this server's own client credentials")
        if status != HTTPStatus.OK or answer is None or not isinstance(answer.get("active"), bool):
            raise AuthorizationServerDown(f"the introspection endpoint doesn't answer usefully: status {status}")
        if answer["active"]:
            self._active.keep(key, answer, self._life(answer))
        else:
            self._active.forget(key)
            self._inactive.keep(key, answer, KEPT)
        return answer

    def _life(self, answer: Mapping[str, Any]) -> float:
        expires, now = answer.get("exp"), self._wall_clock()
        return expires - now if is_time(expires) and expires < now + KEPT else KEPT


def _request(endpoint: str, token: str, client: IntrospectionClient) -> httpx.Request:
    # RFC 6749 chapter 2.3.1: both are form-encoded before they are joined.
    pair = f"{quote_plus(client.id)}:{quote_plus(client.secret)}"
    headers = {
        "Accept": "application/json",
        "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    form = urlencode({"token": token, "token_type_hint": "access_token"})
    return httpx.Request("POST", endpoint, headers=headers, content=form.encode())
