"""Small answers of adapters that run nothing, as plain ASGI messages."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from naftiko.expose.authentication.scheme import PROBLEM_MEDIA_TYPE
from naftiko.expose.http.bodies import send_body
from naftiko.ground.jsontext import write

JSON = "application/json"
NO_CONTENT = int(HTTPStatus.NO_CONTENT)
_MOST_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer.

    Attributes:
        value: what JSON is written of, or the bytes of another media type.
        keeping: whether anybody may keep it (``Cache-Control``).
    """

    status: int
    value: Any = None
    media_type: str = JSON
    headers: Sequence[tuple[str, str]] = field(default_factory=tuple)
    keeping: str = "no-store"

    def body(self) -> bytes:
        """Return the bytes."""
        if self.status == NO_CONTENT:
            return b""
        return self.value if isinstance(self.value, bytes) else write(self.value)

    async def send(self, scope: Scope, send: Send) -> None:
        """Send it; to HEAD it has no body."""
        body = self.body()
        said = [("cache-control", self.keeping), *self.headers]
        if self.status != NO_CONTENT:
            said += [("content-type", self.media_type), ("content-length", str(len(body)))]
        raw = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in said]
        await send({"type": "http.response.start", "status": self.status, "headers": raw})
        await send_body(send, b"" if scope["method"] == "HEAD" else body)


class Refused(Exception):  # it is an answer
    """A request that is answered with a problem."""

    def __init__(self, status: int, kind: str, detail: str, headers: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(detail)
        self.reply = problem(status, kind, detail, headers)


def problem(status: int, kind: str, detail: str, headers: Sequence[tuple[str, str]] = ()) -> Reply:
    """Return a problem document (RFC 9457)."""
    document = {
        "type": f"urn:naftiko:problem:{kind}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    return Reply(status, document, PROBLEM_MEDIA_TYPE, headers)


def wrong_method(method: str, allowed: Collection[str]) -> Reply:
    """Return the answer to a method that isn't there (RFC 9110 chapter 15.5.6), or to OPTIONS."""
    names = {*allowed, *(("HEAD",) if "GET" in allowed else ())}
    headers = (("allow", ", ".join(sorted({*names, "OPTIONS"}))),)
    if method == "OPTIONS":
        return Reply(NO_CONTENT, headers=headers)
    return problem(HTTPStatus.METHOD_NOT_ALLOWED, "method-not-allowed", f"{method} is not possible here", headers)


async def read_body(receive: Receive) -> bytes:
    """Read a request's body.

    Raises:
        Refused: it is too large, or the caller has gone.
    """
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(HTTPStatus.BAD_REQUEST, "incomplete", "the body ended too early")
        body += message.get("body", b"")
        if len(body) > _MOST_BYTES:
            raise Refused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", f"a body has {_MOST_BYTES} bytes at most here"
            )
        if not message.get("more_body"):
            return bytes(body)


def json_object(body: bytes) -> dict[str, Any]:
    """Return a body as the JSON object that it should be.

    Raises:
        Refused: it is none.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(HTTPStatus.BAD_REQUEST, "invalid-body", f"the body is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise Refused(HTTPStatus.BAD_REQUEST, "invalid-body", "the body must be a JSON object")
    return value
