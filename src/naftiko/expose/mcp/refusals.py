"""What is refused before the protocol is spoken: an HTTP status for programs, a JSON-RPC error for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from mcp_types import INVALID_REQUEST
from starlette.responses import Response


def error_body(message: str, data: Mapping[str, Any] | None = None) -> bytes:
    """Return a JSON-RPC error without a request (JSON-RPC 2.0 chapter 5: its ``id`` is null)."""
    error = {"code": INVALID_REQUEST, "message": message}
    if data is not None:
        error["data"] = data
    return orjson.dumps({"jsonrpc": "2.0", "id": None, "error": error})


def refusal(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer to a request that is not served."""
    return Response(error_body(message), status, headers, "application/json")
