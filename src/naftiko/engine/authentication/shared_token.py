"""Access tokens that several processes use: one asks for it, the others find it, sealed, in a store."""

from __future__ import annotations

import contextlib
import json
import math
import time
from typing import Final

from naftiko.engine.authentication.access_token import MARGIN, UNKNOWN_LIFE, AccessToken, Grant
from naftiko.engine.shared_state import Away, SharedState, turn

_LONGEST: Final = 16 * 1024
"""Characters of a token."""


class SharedToken:
    """The token of one client for one purpose.

    Args:
        shared: the part of a capability; it has a key.
        told: all that tells it from others, the client's secret among it.
    """

    def __init__(self, shared: SharedState, *told: str) -> None:
        self._shared = shared
        self._store = shared.store
        self._name = shared.name("token", *told)
        self._turn = shared.name("asking", "token", *told)

    async def granted(self, grant: Grant, refused: str) -> AccessToken:
        """Return a token: another process's, else what ``grant`` asks for, which is then there for the others.

        Args:
            grant: asks for one.
            refused: the token that the API has refused; ``""``: none.

        Raises:
            CallError: what ``grant`` raises.
        """
        known = await self._known(refused)
        if known is not None:
            return known
        async with turn(self._store, self._turn) as may_be_there:
            known = await self._known(refused) if may_be_there else None
            if known is not None:
                return known
            token = await grant()
            await self._keep(token)
            return token

    async def _known(self, refused: str) -> AccessToken | None:
        try:
            stored = await self._store.ask("GET", self._name)
        except Away:
            return None
        content = self._shared.opened(self._name, stored) if isinstance(stored, bytes) else None
        if content is None:
            return None
        value, until, life = json.loads(content)  # sealed, so it is ours
        left = until - time.time()
        return AccessToken(value, left) if value != refused and left > min(MARGIN, life / 10) else None

    async def _keep(self, token: AccessToken) -> None:
        life = UNKNOWN_LIFE if token.life is None else token.life
        if life <= 0 or len(token.value) > _LONGEST:
            return
        content = json.dumps([token.value, time.time() + life, life]).encode()
        with contextlib.suppress(Away):
            sealed = self._shared.sealed(self._name, content)
            await self._store.ask("SET", self._name, sealed, "PX", math.ceil(life * 1000))
