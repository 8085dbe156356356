"""Compile the operations that open WebSockets, and tell what is wrong with them (docs/streams.md)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from naftiko.document.findings import Findings
from naftiko.document.model import ConsumedOperation, ConsumesHttp, ConsumesWebSocket
from naftiko.document.suggest import did_you_mean
from naftiko.expression import jsonpath
from naftiko.ground.http import SAFE_METHODS
from naftiko.link.resilience import Levels
from naftiko.plan.operation import Operation
from naftiko.plan.parameter import Parameter
from naftiko.plan.resilience import Level
from naftiko.plan.streams import WEBSOCKET, Collect, Streaming, Until
from naftiko.plan.websockets import (
    LIST,
    PROCESS,
    PROCESS_ITEMS,
    RECEIVE,
    REPLY,
    REPLY_SECONDS,
    SEND,
    SHAPES,
    SUBSCRIBE,
    Socket,
    is_nested,
)

PROTOCOLS: Final = ("http", WEBSOCKET)
_COMMAND: Final = "command"
_EXITED: Final = Until("$.exited", jsonpath.parse("$.exited"), compares=False)


def is_websocket(consumes: ConsumesHttp, operation: ConsumedOperation, *, is_given: bool) -> bool:
    """Tell an operation that opens a WebSocket.

    Args:
        consumes: its API.
        operation: the operation.
        is_given: whether the operator says so.
    """
    if is_given or isinstance(consumes, ConsumesWebSocket):
        return True
    return (operation.protocol or "").strip().lower() == WEBSOCKET


def check_protocol(consumes: ConsumesHttp, operation: ConsumedOperation, findings: Findings) -> str:
    """Return, and tell, why an operation can't be called as its ``protocol`` says; ``""`` where it can."""
    if operation.protocol is None:
        return ""
    word, here = operation.protocol.strip().lower(), findings.at(operation.at("protocol"))
    if word not in PROTOCOLS:
        reason = f"its `protocol: {operation.protocol}` is not known"
        here.error("bad-protocol", reason, hint=did_you_mean(word, PROTOCOLS) or f"known: {', '.join(PROTOCOLS)}")
        return reason
    if word != WEBSOCKET and isinstance(consumes, ConsumesWebSocket):
        reason = f"its `protocol: {operation.protocol}` is none of an API of `type: {WEBSOCKET}`"
        here.error("bad-protocol", reason, hint="leave it out, or declare the API with `type: http`")
        return reason
    return ""


def with_socket(made: Operation, stream: Streaming, operation: ConsumedOperation) -> Operation:
    """Return an operation that opens a WebSocket at its URL.

    Its first message is its body, whose names may say by dots where in it a value stands. Where it has no body, and a
    parameter of its query has such a name, all of the query is the message, as it is of APIs that gRPC gateways
    describe: what has dots stands there alone, the others in the query too.
    """
    in_query = tuple(one for one in made.parameters if one.location == "query")
    is_flat = made.body is None and made.in_body.is_empty and any(is_nested(one.name) for one in in_query)
    frame = in_query if is_flat else ()
    shape = _shape(made, operation, frame)
    socket = Socket(
        shape=shape,
        frame=frame,
        may_lack_reply=made.method == SEND,
        only_reads=shape == LIST and (made.method == RECEIVE or made.method in SAFE_METHODS),
        seconds=stream.collect.seconds or REPLY_SECONDS,
    )
    return replace(
        made,
        parameters=tuple(one for one in made.parameters if one not in frame or not is_nested(one.name)),
        socket=socket,
        stream=replace(stream, collect=_collected(stream.collect, socket), gathers=shape != LIST),
        takes_body=False,
    )


def _collected(collect: Collect, socket: Socket) -> Collect:
    """Return where a stream ends: a reply is one message, a process ends with its command, a list after a while."""
    if socket.shape == REPLY:
        return replace(collect, limit=1, seconds=socket.seconds)
    if socket.shape == PROCESS:
        return replace(collect, until=_EXITED, limit=collect.limit or PROCESS_ITEMS)
    if collect.until is None and collect.limit is None:
        return replace(collect, seconds=socket.seconds)
    return collect


def _shape(made: Operation, operation: ConsumedOperation, frame: tuple[Parameter, ...]) -> str:
    """Return what the messages are together: what the file says, or what the first message asks for."""
    collect = operation.collect
    if collect is not None and collect.as_ is not None:
        word = collect.as_.strip().lower()
        if word in SHAPES:
            return word
    if made.method in {SUBSCRIBE, SEND} and (collect is None or (collect.limit is None and collect.until is None)):
        return REPLY
    sent = (*frame, *made.in_body.fields)
    return PROCESS if any(one.name.rpartition(".")[2].lower() == _COMMAND for one in sent) else LIST


def of_kind(operation: Operation, levels: Levels, findings: Findings) -> Levels:
    """Return the policies of an operation; those of one that opens a WebSocket are those of its handshake."""
    if operation.socket is None:
        return levels
    made: list[tuple[Level, Any]] = []
    for level, model in levels:
        stored = [] if model is None else [each for each in (model.cache, model.fallback) if each is not None]
        if model is None or not stored:
            made.append((level, model))
            continue
        if level == "operation":
            for each in stored:
                findings.at(each.node).warning(
                    "idle-policy",
                    "a stream is neither stored nor replaced by another answer: `cache` and `fallback` do nothing here",
                    hint="leave it out; the other policies are those of the handshake",
                )
        made.append((level, model.model_copy(update={"cache": None, "fallback": None})))
    return tuple(made)
