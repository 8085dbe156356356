"""What the messages of a WebSocket are: JSON each, or the output of a command (docs/streams.md)."""

from __future__ import annotations

import base64
import binascii
import codecs
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import httpx

from naftiko.engine.request import dump_json
from naftiko.ground import jsontext
from naftiko.ground.errors import CallError, UpstreamBroken, UpstreamStatus, UpstreamTimeout
from naftiko.ground.types import ABSENT
from naftiko.observe.masking import SecretMask
from naftiko.plan.websockets import PROCESS, REPLY, Socket

_STATUSES: Final[Mapping[int, int]] = {
    3: 400,
    5: 404,
    6: 409,
    7: 403,
    8: 429,
    9: 400,
    10: 409,
    11: 400,
    12: 501,
    14: 503,
    16: 401,
}
"""The statuses of HTTP that the codes of ``google.rpc.Status`` are, as gRPC gateways have them."""
_BAD_GATEWAY: Final = 502


class Shape(Protocol):
    """What becomes of the messages of one stream."""

    async def item(self, message: bytes) -> Any:
        """Return the item that a message is, credentials masked; ABSENT: it is none.

        Raises:
            CallError: it is not what it should be, or says what failed.
        """
        ...

    @property
    def is_over(self) -> bool:
        """Whether the last item has come."""
        ...

    def ended(self) -> None:
        """Take note that the other side has ended the stream.

        Raises:
            CallError: something is missing.
        """
        ...

    def gathered(self, items: Sequence[Any]) -> Any:
        """Return what the items are together."""
        ...


@dataclass(frozen=True, slots=True)
class Hidden:
    """What is hidden in the messages of one stream.

    Attributes:
        veil: hides credentials.
        own: those that this call alone carries.
    """

    veil: SecretMask
    own: Sequence[str] = ()

    def __bool__(self) -> bool:
        return bool(self.veil or self.own)


def shape_of(socket: Socket, where: str, hidden: Hidden) -> Shape:
    """Return what becomes of the messages of a stream; ``where`` is its host and port."""
    return Process(where, hidden) if socket.shape == PROCESS else Messages(socket, where, hidden)


def value_of(message: bytes) -> Any:
    """Return a message's value: JSON, else the text itself; bytes that are no text are base64."""
    try:
        return jsontext.read(message)
    except ValueError:
        pass
    try:
        return message.decode("utf-8")
    except UnicodeDecodeError:
        return base64.b64encode(message).decode("ascii")


class Messages:
    """Messages that are an item each.

    Attributes:
        is_over: it never is: the other side or a bound ends it.
    """

    is_over = False

    def __init__(self, socket: Socket, where: str, hidden: Hidden) -> None:
        self._socket = socket
        self._where = where
        self._hidden = hidden

    async def item(self, message: bytes) -> Any:
        """Return the message's value."""
        if self._hidden:
            message = await self._hidden.veil.amasked(message, self._hidden.own)
        return value_of(message)

    def ended(self) -> None:
        """Anything may be its end."""

    def gathered(self, items: Sequence[Any]) -> Any:
        """Return the list of them, or the reply.

        Raises:
            UpstreamTimeout: there is none.
        """
        if self._socket.shape != REPLY:
            return list(items)
        if items:
            return items[0]
        if self._socket.may_lack_reply:
            return None
        raise UpstreamTimeout(f"{self._where} sent no reply within {self._socket.seconds:g} s")


class Process:
    """The output of a command, as gRPC gateways stream it: ``{"result": {"stdout": {"data": BASE64}}}`` and so on.

    An item has the text that came of a stream, as ``{"stdout": "…"}``; the last one says ``exited`` and ``exit_code``.
    Bytes that are no UTF-8 are U+FFFD.

    Attributes:
        is_over: whether the command has ended.
    """

    def __init__(self, where: str, hidden: Hidden) -> None:
        self._where = where
        self._hidden = hidden
        self._streams: dict[str, _Text] = {}
        self.is_over = False

    async def item(self, message: bytes) -> Any:
        """Return what a message says, decoded."""
        value = value_of(message)
        if not isinstance(value, dict):
            raise UpstreamBroken(f"a message of {self._where} is no object, as the output of a command is")
        error = value.get("error")
        if isinstance(error, dict) and "result" not in value:
            raise self._failed(error)
        inside = value.get("result", value)
        if not isinstance(inside, dict):
            raise UpstreamBroken(f"a message of {self._where} has no object in `result`")
        made = {name: self._member(name, each) for name, each in inside.items()}
        if made.get("exited") is True:
            self.is_over = True
            rests = {name: stream.rest() for name, stream in self._streams.items()}
            made = {"exit_code": 0, **made}  # what is 0 may be left out of JSON that is made of Protobuf
            for name, rest in rests.items():
                made[name] = f"{'' if made.get(name, ABSENT) is ABSENT else made[name]}{rest}"
        return {name: each for name, each in made.items() if each not in (ABSENT, "")} or ABSENT

    def _member(self, name: str, value: Any) -> Any:
        if not isinstance(value, dict) or not value.keys() <= {"data", "close"}:
            return self._masked(value)
        try:
            data = base64.b64decode(value.get("data") or "", validate=True)
        except (binascii.Error, TypeError, ValueError):
            raise UpstreamBroken(f"a message of {self._where} has no base64 in `{name}.data`") from None
        stream = self._streams.get(name)
        if stream is None:
            stream = self._streams[name] = _Text(self._hidden)
        return stream.text(data) + (stream.rest() if value.get("close") is True else "")

    def _masked(self, value: Any, *, strict: bool = False) -> Any:
        if not self._hidden or isinstance(value, bool | int | None):
            return value
        return value_of(self._hidden.veil.masked(dump_json(value), self._hidden.own, strict=strict))

    def _failed(self, error: Mapping[str, Any]) -> CallError:
        code = error.get("code")
        status = _STATUSES.get(code, _BAD_GATEWAY) if isinstance(code, int) else _BAD_GATEWAY
        content = dump_json(self._masked({**error}, strict=True))
        return UpstreamStatus(httpx.Response(status, headers={"Content-Type": "application/json"}, content=content))

    def ended(self) -> None:
        """An end before the command's is one too early."""
        raise UpstreamBroken(
            f"the stream of {self._where} ended before its command did",
            hint="before you call again, look whether it was done all the same",
        )

    def gathered(self, items: Sequence[Any]) -> Any:
        """Return the streams put together, whether the command has ended, and its exit code, null where it hasn't."""
        made: dict[str, Any] = {"stdout": "", "stderr": "", "exited": False, "exit_code": None}
        pieces: dict[str, list[str]] = {}
        for item in items:
            for name, value in item.items() if isinstance(item, dict) else ():
                if isinstance(value, str):
                    pieces.setdefault(name, []).append(value)
                else:
                    made[name] = value
        return {**made, **{name: "".join(texts) for name, texts in pieces.items()}}


class _Text:
    """The text of a stream that comes in pieces: credentials are masked, and characters whole, across their borders."""

    def __init__(self, hidden: Hidden) -> None:
        self._mask = hidden.veil.stream(hidden.own) if hidden else None
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def text(self, data: bytes) -> str:
        """Return what can be told by now."""
        return self._decoder.decode(data if self._mask is None else self._mask.feed(data))

    def rest(self) -> str:
        """Return what waited, once nothing more comes."""
        return self._decoder.decode(b"" if self._mask is None else self._mask.rest(), final=True)
