"""Numbers on the SDK's way, which knows doubles only (SEMANTICS 4.2), and long texts, which it takes long for.

The SDK reads a message and writes an answer with pydantic and ``json``: ``1.10`` becomes ``1.1`` in both directions. So
its handlers read the arguments again, from the message as it came; and exact numbers of a result are texts with a mark
until the answer's bytes are sent, where the marks and the quotes are taken off. In place of what is written as JSON
already, elsewhere for being long, the SDK gets a mark too.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Final, Self, cast

from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCMessage
from starlette.types import Message, Send

from naftiko.expose.http.bodies import send_body
from naftiko.ground import jsontext
from naftiko.ground.digits import ExactNumber
from naftiko.ground.jsontext import Written


@dataclass(frozen=True, slots=True)
class Handled:
    """A message that is being handled.

    Attributes:
        message: as it came.
        written: what the marks of its answer stand for; ``None`` where nobody puts it there.
    """

    message: bytes
    written: list[bytes] | None = None


_handled: ContextVar[Handled | None] = ContextVar("handled", default=None)
"""The SDK runs a handler in the context in which its message came."""
_MARK: Final = f"naftiko-number-{secrets.token_hex(16)}:"
"""What no caller and no upstream can know: it never leaves the process."""
_MARKED: Final = re.compile(rb'"%b([-+.0-9eE]+)"' % _MARK.encode())
_BYTES_OF_MARK: Final = _MARK.encode()
_WRITTEN: Final = re.compile(rb'\{"%b": ?"([0-9]+)"\}' % _BYTES_OF_MARK + rb'|"%b#([0-9]+)"' % _BYTES_OF_MARK)
"""What is written already: an object, and any other value."""
_LENGTH: Final = b"content-length"


@contextmanager
def handling(message: bytes) -> Iterator[Handled]:
    """Let handlers know the message as it came; yield what they know."""
    handled = Handled(message, [])
    token = _handled.set(handled)
    try:
        yield handled
    finally:
        _handled.reset(token)


def now_handling(message: bytes) -> None:
    """Let the handlers of what is sent from here on know the message as it came."""
    _handled.set(Handled(message))


def as_written(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the arguments of the message that is being handled with every digit of their numbers."""
    handled = _handled.get()
    if handled is None:
        return arguments
    try:
        written = jsontext.read(handled.message)["params"]["arguments"]
    except (ValueError, LookupError, TypeError):
        return arguments
    return written if isinstance(written, dict) else arguments


def marked(value: Any) -> Any:
    """Return a document with a mark for each number that the SDK would change, and for what is written already."""
    if isinstance(value, dict):
        return {key: marked(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [marked(inner) for inner in value]
    if isinstance(value, float) and (isinstance(value, ExactNumber) or "e" in repr(value)):
        return f"{_MARK}{jsontext.write(value).decode()}"  # the SDK writes another exponent
    return _standing_for(value) if isinstance(value, Written) else value


def _standing_for(value: Written) -> Any:
    handled = _handled.get()
    if handled is None or handled.written is None:
        return jsontext.read(value.text)
    handled.written.append(value.text)
    at = len(handled.written) - 1
    return {_MARK: str(at)} if value.text.startswith(b"{") else f"{_MARK}#{at}"


def unmarked(content: bytes) -> bytes:
    """Return JSON text, or a part of it, with the numbers for the marked texts."""
    return _MARKED.sub(rb"\1", content) if _BYTES_OF_MARK in content else content


def _whole(content: bytes, handled: Handled) -> bytes:
    content = unmarked(content)
    written = handled.written
    if not written or _BYTES_OF_MARK not in content:
        return content
    return _WRITTEN.sub(lambda found: written[int(found[1] or found[2])], content)


def with_numbers(send: Send, handled: Handled) -> Send:
    """Return a ``send`` that writes what the marks stand for; what has a length has the right one."""
    held: Message | None = None
    whole = bytearray()

    async def sending(message: Message) -> None:
        nonlocal held
        if message["type"] == "http.response.start" and any(name == _LENGTH for name, _ in message.get("headers", ())):
            held = message
        elif held is None:
            body = message.get("body")
            if body:
                await send_body(send, _whole(body, handled), more=message.get("more_body", False))
            else:
                await send(message)
        else:
            whole.extend(message.get("body", b""))
            if not message.get("more_body", False):
                body = _whole(bytes(whole), handled)
                length = str(len(body)).encode()
                headers = [(name, length if name == _LENGTH else value) for name, value in held["headers"]]
                await send({**held, "headers": headers})
                await send_body(send, body)

    return sending


class Numbers:
    """A stream to the SDK's stdio transport that writes the numbers for the marked texts."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def send(self, item: SessionMessage) -> None:
        """Send a message."""
        await self._stream.send(replace(item, message=cast("Any", _Message(item.message))))

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        left: bool | None = await self._stream.__aexit__(kind, error, trace)
        return left


class _Message:
    """What the transport asks of a message."""

    def __init__(self, message: JSONRPCMessage) -> None:
        self._message = message

    def model_dump_json(self, **how: Any) -> str:
        """Return the line that is written."""
        return unmarked(self._message.model_dump_json(**how).encode()).decode()
