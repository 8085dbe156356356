"""A server whose tools or resources have limits for callers (SEMANTICS 7.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcp_types import DEFAULT_NEGOTIATED_VERSION
from starlette.types import Receive, Scope, Send

from naftiko.engine.process_pool import Pool
from naftiko.engine.request import dump_json
from naftiko.expose.http.bodies import whole_json
from naftiko.expose.http.problems import report
from naftiko.expose.mcp.callers import arrived
from naftiko.expose.mcp.endpoint import Endpoint, too_much
from naftiko.expose.mcp.exchange import send_json
from naftiko.expose.mcp.failures import failed_result
from naftiko.expose.mcp.incoming import VERSION_HEADER
from naftiko.expose.mcp.tools import LimitedToolBook
from naftiko.ground import jsontext
from naftiko.ground.errors import CallerLimited, CallError


class LimitedEndpoint(Endpoint):
    """The same where something has limits for callers; who has none pays for nothing of it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request, whose caller is known to what runs for it."""
        arrived.set(scope)
        await super().__call__(scope, receive, send)

    async def _answer_elsewhere(
        self,
        pool: Pool,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Have a large message answered in another process, once it is known which tool it calls.

        Counts are this process's, and only the other one may read so much.
        """
        tools = self.tools
        if not isinstance(tools, LimitedToolBook):
            await super()._answer_elsewhere(pool, headers, body, scope, receive, send)
            return
        try:
            asked = await pool.run(_asked_apart, self, body, lane="tools/call", size=len(body), learn=self._learn)
        except CallError as error:
            await too_much(error)(scope, receive, send)
            return
        limiter = None if asked is None else tools.limiter_at(asked.at)
        if asked is None or limiter is None:
            await super()._answer_elsewhere(pool, headers, body, scope, receive, send)
            return
        try:
            async with limiter.calling(scope):
                await super()._answer_elsewhere(pool, headers, body, scope, receive, send)
        except CallerLimited as error:
            version = dict(headers).get(VERSION_HEADER, DEFAULT_NEGOTIATED_VERSION)
            result = self.shortcut.dressed(failed_result(asked.name, report(error, str, unit=asked.name)), version)
            await send_json(send, 200, dump_json({"jsonrpc": "2.0", "id": asked.identity, "result": result}))


@dataclass(frozen=True, slots=True)
class _Asked:
    """The tool that a message calls.

    Attributes:
        at: its place in the book.
        name: as the message has it.
        identity: of the message.
    """

    at: int
    name: str
    identity: int | str


async def _asked_apart(endpoint: Endpoint, body: bytes) -> _Asked | None:
    """Return which tool a large message calls, in another process of the pool; ``None``: none that is limited."""
    tools = endpoint.tools
    try:
        message = jsontext.read(whole_json(body))
    except ValueError:
        return None
    params = message.get("params") if isinstance(message, dict) else None
    if not isinstance(params, Mapping) or message.get("method") != "tools/call":
        return None
    name, arguments, identity = params.get("name"), params.get("arguments"), message.get("id")
    if not isinstance(name, str) or type(identity) not in (int, str) or not isinstance(tools, LimitedToolBook):
        return None
    at = tools.place_of(name, arguments if isinstance(arguments, Mapping) else {})
    return None if at is None else _Asked(at, name[:200], identity)


def make_endpoint(*given: Any) -> Endpoint:
    """Return the server of adapters; see ``Endpoint``."""
    sources = given[0]
    has_limits = any(unit.limits is not None for source in sources for unit in source.adapter.plan.runnable)
    return (LimitedEndpoint if has_limits else Endpoint)(*given)
