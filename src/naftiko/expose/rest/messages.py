"""Requests and answers as plain ASGI messages (https://asgi.readthedocs.io/en/latest/specs/www.html).

Problem documents among them.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Collection, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, quote_from_bytes

from starlette.types import Message, Receive, Scope, Send

from naftiko.engine.answer import Answer
from naftiko.engine.head import LINKS, body_length, head_of
from naftiko.engine.memory import Growing
from naftiko.expose.http.bodies import send_body
from naftiko.expose.http.problems import ProblemReport
from naftiko.expose.rest.inbound import TooLarge
from naftiko.ground.errors import InputError, UpstreamRedirect, UpstreamStatus
from naftiko.ground.jsontext import write
from naftiko.observe.requests import request_id_now

PROBLEM_MEDIA_TYPE = b"application/problem+json"


def problem_body(report: ProblemReport, more: Mapping[str, Any] | None = None) -> bytes:
    """Return the problem document of a report, with more members of its kind; empty members are left out."""
    document: dict[str, Any] = {
        "type": f"urn:naftiko:problem:{report.kind}",
        "title": report.title,
        "status": report.status,
        "detail": report.detail,
        "hint": report.hint,
        "operation": report.operation,
        "step": report.step,
        "errors": [
            {
                "name": problem.name,
                "in": problem.location,
                "message": problem.message,
                "expected": problem.expected,
                "got": problem.got,
            }
            for problem in report.problems
        ],
        "upstream": report.upstream_excerpt,
        "correlationId": report.correlation_id,
        **(more or {}),
    }
    return write({name: value for name, value in document.items() if value not in (None, "", [])})


def simple_problem(status: int, kind: str, detail: str) -> bytes:
    """Return a problem that needs no report: nothing at a path, a method that isn't there."""
    title = HTTPStatus(status).phrase
    document = {"type": f"urn:naftiko:problem:{kind}", "title": title, "status": status, "detail": detail}
    identity = request_id_now()
    return write({**document, "correlationId": identity} if identity else document)


Pairs = list[tuple[bytes, bytes]]

_ASCII = bytes(range(0x21, 0x7F)).decode("ascii")
_LINKS = frozenset(name.encode() for name in LINKS)
_OF_AN_ERROR = frozenset({b"www-authenticate", b"allow", b"content-encoding"})
"""Headers that a 401, a 405 and a body in a coding that is not undone can't do without."""


def raw_path(scope: Scope) -> str:
    """Return the undecoded path of a request; bytes that should have been percent-encoded are.

    Where the app is mounted (``root_path``) it is the rest of the path.
    """
    raw: bytes | None = scope.get("raw_path")
    if raw is None:
        path = quote_from_bytes(scope["path"].encode("utf-8"), safe=_ASCII.replace("%", "").replace("?", ""))
    else:
        path = raw.decode("ascii") if raw.isascii() and b"?" not in raw else _in_ascii(raw.partition(b"?")[0])
    return path.removeprefix(root_path(scope)) if scope.get("root_path") else path


def root_path(scope: Scope) -> str:
    """Return where the app is mounted, encoded as paths are; ``""`` at the root."""
    return quote(scope.get("root_path", "").rstrip("/"), safe=_ASCII.replace("?", ""))


def raw_query(scope: Scope) -> str:
    """Return the undecoded query of a request, likewise."""
    raw: bytes = scope["query_string"]
    return _in_ascii(raw) if raw else ""


def _in_ascii(raw: bytes) -> str:
    return raw.decode("ascii") if raw.isascii() else quote_from_bytes(raw, safe=_ASCII)


def header_text(raw: bytes) -> str:
    """Return a header's value as text: UTF-8, which is what clients send today, else ISO 8859-1 (RFC 9110, 5.5)."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def header_map(scope: Scope, wanted: Collection[bytes] | None = None) -> dict[str, str]:
    """Return the headers by name; several of a name are joined (RFC 9110 chapter 5.3), cookies by ``;`` (RFC 9113).

    Args:
        scope: of the request.
        wanted: the names that are looked at, in lower case; ``None``: all.
    """
    found: dict[str, str] = {}
    for raw_name, value in scope["headers"]:
        name = raw_name.lower()
        if wanted is not None and name not in wanted:
            continue
        key = name.decode("latin-1")
        text = header_text(value)
        comma = "; " if key == "cookie" else ", "
        found[key] = f"{found[key]}{comma}{text}" if key in found else text
    return found


async def read_body(receive: Receive, headers: Mapping[str, str], limit: int) -> bytes:
    """Read the whole body, up to the limit.

    Raises:
        TooLarge: it is larger.
        Overloaded: the memory budget has no room for it.
    """
    announced = headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise TooLarge(f"the body has {announced} bytes; the limit is {limit}")
    return await read_pieces(body_pieces(receive), limit)


async def read_pieces(pieces: AsyncIterable[bytes], limit: int) -> bytes:
    """Read a body that comes in pieces; as ``read_body``."""
    growing = Growing()
    async for piece in pieces:
        if growing.add(piece) > limit:
            raise TooLarge(f"the body has more than {limit} bytes")
    return growing.whole()


async def body_pieces(receive: Receive) -> AsyncIterator[bytes]:
    """Yield the body as it comes.

    Raises:
        InputError: the caller went away in the middle of it.
    """
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise InputError([], hint="the caller went away")
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body"):
            return


async def send_message(send: Send, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> None:
    """Send a whole response."""
    start: Message = {"type": "http.response.start", "status": status, "headers": list(headers)}
    await send(start)
    await send_body(send, body)


async def send_answer(
    answer: Answer, send: Send, links: Pairs | None = None, *, is_head: bool, keeps_status: bool = False
) -> None:
    """Send an answer; HEAD gets the headers that GET would.

    Args:
        answer: the answer.
        send: the connection.
        links: its headers that point to URLs, as the caller gets them.
        is_head: whether the request is a HEAD.
        keeps_status: whether 200 stays 200 without content, which is otherwise 204: a HEAD's upstream never has any.
    """
    content = answer.sent
    headers: Pairs = []
    if answer.headers:
        headers = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in answer.headers]
    if links is not None:
        headers = _pointing(headers, links)
    length = len(content) if content else answer.length if is_head else None
    if content or (is_head and answer.media_type):
        media_type = answer.media_type or "application/octet-stream"
        headers.append((b"content-type", media_type.encode("latin-1", "replace")))
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    status = answer.status if content or keeps_status or answer.status != HTTPStatus.OK else HTTPStatus.NO_CONTENT
    await send_message(send, status, headers, b"" if is_head else content)


def _pointing(headers: Pairs, links: Pairs) -> Pairs:
    """Return headers with these in the place of those that point to URLs of the upstream."""
    return [*(pair for pair in headers if pair[0] not in _LINKS), *links]


async def pass_on(
    error: UpstreamStatus | UpstreamRedirect, send: Send, links: Pairs | None = None, *, is_head: bool
) -> None:
    """Pass an upstream's own 3xx, 4xx or 5xx on: status, body, media type and useful headers (SEMANTICS 6)."""
    response = error.response
    head = head_of(response)
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in head.useful]
    if links is not None:
        headers = _pointing(headers, links)
    headers.extend((name.lower(), value) for name, value in response.headers.raw if name.lower() in _OF_AN_ERROR)
    if head.content_type:
        headers.append((b"content-type", head.content_type.encode("latin-1")))
    length = body_length(response) if is_head else len(response.content)
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    await send_message(send, response.status_code, headers, b"" if is_head else response.content)


async def send_problem(
    send: Send, status: int, body: bytes, headers: Sequence[tuple[bytes, bytes]] = (), *, is_head: bool = False
) -> None:
    """Send a problem document (RFC 9457)."""
    all_headers = [
        (b"content-type", PROBLEM_MEDIA_TYPE),
        (b"content-length", str(len(body)).encode()),
        *headers,
    ]
    await send_message(send, status, all_headers, b"" if is_head else body)


async def send_allowed(method: str, methods: Collection[str], send: Send) -> None:
    """Answer a method that nothing is declared for: OPTIONS is told what is, the others that they are not allowed.

    Args:
        method: of the request.
        methods: what the path takes; HEAD goes with GET, and OPTIONS with anything.
        send: the connection.
    """
    allowed = ", ".join(sorted({*methods, "OPTIONS"} | ({"HEAD"} if "GET" in methods else set())))
    headers = [(b"allow", allowed.encode("latin-1"))]
    if method == "OPTIONS":
        await send_message(send, 204, headers, b"")
    else:
        detail = f"{method} is not allowed here; allowed: {allowed}"
        await send_problem(
            send, 405, simple_problem(405, "method-not-allowed", detail), headers, is_head=method == "HEAD"
        )
