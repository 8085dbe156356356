"""What is refused before the protocol is spoken: an HTTP status for programs, a JSON-RPC error for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp_types import INVALID_REQUEST
from starlette.responses import Response

from naftiko.jsontext import write


def error_body(
    message: str, data: Mapping[str, Any] | None = None, *, code: int = INVALID_REQUEST, identity: Any = None
) -> bytes:
    """Return a JSON-RPC error; without a request that it answers its ``id`` is null (JSON-RPC 2.0 chapter 5)."""
    error = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    return write({"jsonrpc": "2.0", "id": identity, "error": error})


def refusal(
    status: int,
    message: str,
    headers: Mapping[str, str] | None = None,
    *,
    code: int = INVALID_REQUEST,
    identity: Any = None,
) -> Response:
    """Return the answer to a request that is not served."""
    return Response(error_body(message, code=code, identity=identity), status, headers, "application/json")
