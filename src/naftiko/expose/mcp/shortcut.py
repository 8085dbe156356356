"""The short way of a tool call over HTTP, for both eras of the protocol.

Nine of ten requests are a ``tools/call`` that is in order and wants one JSON answer. The SDK makes a connection, a
session, a context and three models of its result for each, and writes it twice: more work than the call itself (see
docs/performance.md). So such a request, and no other, is answered here: the SDK's own checks decide whether it is in
order, and whatever isn't, or is anything else, goes the SDK's way, which also says what is wrong with it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, Final

from mcp.server.lowlevel import Server
from mcp.shared.inbound import InboundModernRoute, classify_inbound_request, find_duplicated_routing_header
from mcp_types import DEFAULT_NEGOTIATED_VERSION, SERVER_INFO_META_KEY
from mcp_types.methods import validate_client_request
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from pydantic import ValidationError
from pydantic_core import from_json

from naftiko.engine.request import dump_json
from naftiko.expose.mcp import revisions
from naftiko.expose.mcp.tools import ToolBook

_METHOD: Final = "tools/call"
_MARK: Final = b'"tools/call"'
_MEMBERS: Final = frozenset({"jsonrpc", "id", "method", "params"})
_PARAMETERS: Final = frozenset({"name", "arguments", "_meta"})
_PARAMETER_HEADER: Final = "mcp-param-"
_JSON: Final = frozenset({"application/json", "application/*", "*/*"})


class Shortcut:
    """Answers tool calls that are in order.

    Args:
        server: the SDK's server, which says who it is.
        tools: its tools.
    """

    def __init__(self, server: Server[Any], tools: ToolBook) -> None:
        self._tools = tools
        self._stamp = {SERVER_INFO_META_KEY: server.server_info_stamp}

    async def answer(self, headers: Sequence[tuple[str, str]], body: bytes) -> bytes | None:
        """Return the body of the answer, which is 200 and JSON; ``None`` where the request is to go the SDK's way.

        Args:
            headers: of the request, names in lower case.
            body: of the request.
        """
        if _MARK not in body:
            return None
        call = _call_in_order(headers, body)
        if call is None:
            return None
        identity, version, params = call
        # An argument may be mirrored in a header (`x-mcp-header`): the SDK compares the two.
        if self._tools.has_mirrored_arguments(params["name"]):
            return None
        result = await self._tools.result(params["name"], params.get("arguments") or {}, version)
        if result is None:
            return None
        if revisions.is_modern(version):
            result["_meta"] = self._stamp
        else:
            del result["resultType"]
        return dump_json({"jsonrpc": "2.0", "id": identity, "result": result})


def _call_in_order(headers: Sequence[tuple[str, str]], body: bytes) -> tuple[int | str, str, Mapping[str, Any]] | None:
    """Return the id, the revision and the parameters of a tool call that is in order."""
    said = dict(headers)
    if not _takes_json(said.get("accept", "")) or not _is_json(said.get("content-type", "")):
        return None
    try:
        message = from_json(body)
    except ValueError:
        return None
    if not isinstance(message, dict) or message.keys() != _MEMBERS or message["method"] != _METHOD:
        return None
    identity, params = message["id"], message["params"]
    if message["jsonrpc"] != "2.0" or type(identity) not in (int, str) or not isinstance(params, dict):
        return None
    if not params.keys() <= _PARAMETERS:
        return None
    version = said.get("mcp-protocol-version", DEFAULT_NEGOTIATED_VERSION)
    if version not in HANDSHAKE_PROTOCOL_VERSIONS and not _is_envelope_in_order(headers, said, message):
        return None
    try:
        validate_client_request(_METHOD, version, params)
    except (ValidationError, ValueError, KeyError):
        return None
    return identity, version, params


def _is_envelope_in_order(
    headers: Sequence[tuple[str, str]], said: Mapping[str, str], message: Mapping[str, Any]
) -> bool:
    """Tell whether a request of the newest revision says the same in its headers and in its body."""
    if find_duplicated_routing_header(headers) is not None:
        return False
    if any(name.startswith(_PARAMETER_HEADER) for name in said):
        return False
    return isinstance(classify_inbound_request(message, headers=said), InboundModernRoute)


@functools.lru_cache(maxsize=64)
def _takes_json(accept: str) -> bool:
    """Tell whether an ``Accept`` header names JSON, as the SDK reads it."""
    return any(kind.partition(";")[0].strip().lower() in _JSON for kind in accept.split(","))


def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip() == "application/json"
