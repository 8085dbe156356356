"""What comes over HTTP, read as clients send it: headers as RFC 9110 has them, messages as JSON-RPC and MCP do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from mcp_types import (
    DEFAULT_NEGOTIATED_VERSION,
    HEADER_MISMATCH,
    INVALID_REQUEST,
    PARSE_ERROR,
    PROTOCOL_VERSION_META_KEY,
)
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.responses import Response
from starlette.types import Scope

from naftiko.expose.mcp.failures import refusal
from naftiko.ground import jsontext
from naftiko.ground.digits import ExactNumber

VERSION_HEADER: Final = "mcp-protocol-version"
_ACCEPT: Final = "accept"
_CONTENT_TYPE: Final = "content-type"
_CONTENT_ENCODING: Final = "content-encoding"
_JSON: Final = "application/json"


def read_headers(scope: Scope) -> list[tuple[str, str]]:
    """Return the headers of a request, names in lower case, values without the blanks around them.

    Who says nothing of what he accepts takes anything (RFC 9110 chapter 12.5.1), and the names of media types have no
    case (chapter 8.3.1).
    """
    headers: list[tuple[str, str]] = []
    accepts = ""
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.strip(b" \t").decode("latin-1")
        if name == _ACCEPT:
            accepts = f"{accepts}, {value}" if accepts and value else accepts or value
            continue
        if name == _CONTENT_TYPE:
            value = _lower_media_type(value)
        headers.append((name, value))
    headers.append((_ACCEPT, accepts or "*/*"))
    return headers


def _lower_media_type(value: str) -> str:
    kind, semicolon, parameters = value.partition(";")
    return f"{kind.strip().lower()}{semicolon}{parameters}"


def unsupported_media(headers: Mapping[str, str]) -> Response | None:
    """Return the refusal of a body that is no JSON, or that is in a coding (RFC 9110 chapters 8.3 and 8.4)."""
    if headers.get(_CONTENT_TYPE, "").partition(";")[0] != _JSON:
        return refusal(415, "the Content-Type must be application/json")
    coding = headers.get(_CONTENT_ENCODING, "identity").lower()
    if coding in {"", "identity"}:
        return None
    return refusal(415, f"the body is in the coding `{coding}`: send it in none", {"accept-encoding": "identity"})


def with_headers(scope: Scope, headers: Sequence[tuple[str, str]]) -> Scope:
    """Return the scope with headers as ``read_headers`` returns them."""
    return {**scope, "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]}


def is_of_another_revision(params: Mapping[str, Any], version: str) -> bool:
    """Tell whether a request says in its body that it is of another revision than its header, or its absence, does."""
    meta = params.get("_meta")
    return isinstance(meta, dict) and meta.get(PROTOCOL_VERSION_META_KEY, version) != version


def wrong_message(message: Any) -> str:
    """Return why a message is none of JSON-RPC 2.0 as MCP has it, or ``""``.

    The id of a request is a string or an integer (MCP, base protocol), so that its answer finds the way back: the SDK
    would take a request with another one for a notification.
    """
    if isinstance(message, list):
        return "a batch is not taken: send each message by itself (MCP has none since 2025-06-18)"
    if not isinstance(message, dict):
        return "a message must be a JSON object"
    if message.get("jsonrpc") != "2.0":
        return 'a message must say `"jsonrpc": "2.0"`'
    if "method" not in message:
        answers = "id" in message and ("result" in message or "error" in message)
        return "" if answers else "a message must have a `method`, or it answers an `id` with a `result` or an `error`"
    if not isinstance(message["method"], str):
        return "the `method` must be a string"
    if "id" in message and not _is_id(message["id"]):
        return "the id of a request must be a string or an integer"
    return "" if isinstance(message.get("params"), dict | None) else "the `params` must be an object"


def id_of(message: Any) -> Any:
    """Return the id of what is no message, so that whoever sent it need not wait; ``None`` where it has none."""
    identity = message.get("id") if isinstance(message, dict) else None
    return identity if _is_id(identity) else None


def _is_id(identity: Any) -> bool:
    is_long = isinstance(identity, ExactNumber) and identity.text.lstrip("-").isdigit()
    return type(identity) in (int, str) or is_long


def refused(body: bytes, version: str | None) -> Response | None:
    """Return the refusal of a message that the SDK would take for another one; ``None`` where it is the SDK's to judge.

    Args:
        body: of the request.
        version: what its header says.
    """
    try:
        message = jsontext.read(body)
    except ValueError as error:
        return refusal(400, f"the body is no JSON: {error}", code=PARSE_ERROR)
    wrong = wrong_message(message)
    if wrong:
        return refusal(400, wrong, code=INVALID_REQUEST, identity=id_of(message))
    effective = DEFAULT_NEGOTIATED_VERSION if version is None else version
    params = message.get("params") if isinstance(message, dict) else None
    if (
        effective in HANDSHAKE_PROTOCOL_VERSIONS
        and isinstance(params, dict)
        and is_of_another_revision(params, effective)
    ):
        said = "is missing" if version is None else "is of another revision"
        why = f"the {VERSION_HEADER} header {said}: it must say the protocol version of the request's body"
        return refusal(400, why, code=HEADER_MISMATCH, identity=message.get("id"))
    return None


def too_large(body: bytes) -> Response:
    """Return the refusal of a large message that is no call of a tool in order: nothing else has anything large."""
    message = jsontext.read(body)
    identity = message.get("id") if isinstance(message, dict) else None
    why = f"a message of {len(body)} bytes is taken where it is a well-formed tools/call, and for nothing else"
    return refusal(413, why, identity=identity if type(identity) in (int, str) else None)
