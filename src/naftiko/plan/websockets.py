"""An operation that opens a WebSocket: the frame that it sends, and what its messages are (docs/streams.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from naftiko.plan.parameter import Parameter

RECEIVE: Final = "RECEIVE"
SUBSCRIBE: Final = "SUBSCRIBE"
SEND: Final = "SEND"
"""What an operation of a WebSocket does: it collects messages, or sends one and takes the first reply."""
LIST: Final = "list"
PROCESS: Final = "process"
REPLY: Final = "reply"
SHAPES: Final = (LIST, PROCESS, REPLY)
PROCESS_ITEMS: Final = 10_000
"""The most messages that are taken of one command."""
REPLY_SECONDS: Final = 5.0
"""That a reply, or a list without another end, may take."""


@dataclass(frozen=True, slots=True)
class Socket:
    """What an operation does with its WebSocket.

    Attributes:
        shape: what its messages are together: ``list``, ``reply`` (the first one is the answer), or ``process``: the
            output of a command, whose streams are put together.
        frame: the parameters of the query that are in the first message too, or there alone.
        may_lack_reply: whether no reply is an answer, as of one who only sends.
        seconds: that a reply may take.
        only_reads: whether it changes nothing where it goes to.
    """

    shape: str
    frame: tuple[Parameter, ...] = ()
    may_lack_reply: bool = False
    seconds: float = REPLY_SECONDS
    only_reads: bool = False


def is_nested(name: str) -> bool:
    """Tell a name that says where in a message a value stands, as ``body.tty_size.height``."""
    return "." in name.strip(".")


def nested(fields: Iterable[tuple[str, Any]] | Mapping[str, Any]) -> dict[str, Any]:
    """Return an object of dotted names: ``{"body.stdin.data": "x"}`` is ``{"body": {"stdin": {"data": "x"}}}``.

    What is given of a whole object and of a part of it is joined, the later one over the earlier one.
    """
    made: dict[str, Any] = {}
    pairs = fields.items() if isinstance(fields, Mapping) else fields
    for name, value in pairs:
        *way, last = [part for part in name.split(".") if part] or [name]
        inside = made
        for key in way:
            below = inside.get(key)
            inside[key] = inside = {**below} if isinstance(below, dict) else {}
        known = inside.get(last)
        inside[last] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
    return made
