"""Koyeb's instances API, as its OpenAPI document declares it: paths, filters, pages and error bodies."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Final, TypeVar, cast

from starlette.responses import JSONResponse

from examples.koyeb.account import EVENTS, INSTANCES, STATUSES, Event, Instance
from examples.koyeb.exec import execute
from examples.koyeb.query import Query
from naftiko.ground.types import Json
from naftiko.testing.conversation import Conversation
from naftiko.testing.exchange import Answer, RecordedRequest
from naftiko.testing.upstream import StandInUpstream

_T = TypeVar("_T")
_DEFAULT_LIMIT: Final = 10
_MAX_LIMIT: Final = 100
_NOT_FOUND: Final = 5
_UNIMPLEMENTED: Final = 12
_COMMAND_NOT_FOUND: Final = 127


class StandInKoyeb(StandInUpstream):
    """A ``StandInUpstream`` that answers as Koyeb's instances API does; it may misbehave like any other.

    Lists come 10 at a time, at most 100, newest first. The data is the same in every run.

    Args:
        token: the bearer token to ask for; ``None`` lets everybody in.
        host: the address to listen on.
        port: the port; 0 takes a free one.
    """

    instances: Final[tuple[Instance, ...]] = INSTANCES
    events: Final[tuple[Event, ...]] = EVENTS

    def __init__(self, token: str | None, *, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(host=host, port=port)
        self._token = token
        self.on("GET", "/v1/instances", self._guarded(list_instances))
        self.on("GET", "/v1/instances/{id}", self._guarded(get_instance))
        self.on("GET", "/v1/instance_events", self._guarded(list_instance_events))
        self.on("GET", "/v1/streams/instances/exec", self._guarded(exec_command))
        self.talk("/v1/streams/instances/exec", self._exec)

    def unmatched(self, request: RecordedRequest, allowed: Sequence[str]) -> Answer:
        """A ``google.rpc.Status``: the declared answer to what nothing else is declared for."""
        if allowed:
            status, code, headers = HTTPStatus.METHOD_NOT_ALLOWED, _UNIMPLEMENTED, {"allow": ", ".join(allowed)}
        else:
            status, code, headers = HTTPStatus.NOT_FOUND, _NOT_FOUND, {}
        message = f"{status.phrase}: {request.method} {request.raw_path}"
        return JSONResponse({"code": code, "message": message, "details": []}, status, headers)

    def _guarded(self, operation: Callable[[RecordedRequest], Answer]) -> Callable[[RecordedRequest], Answer]:
        def answer(request: RecordedRequest) -> Answer:
            return operation(request) if self._admits(request) else _error(HTTPStatus.UNAUTHORIZED, "Token rejected")

        return answer

    async def _exec(self, conversation: Conversation) -> None:
        """Execute a command as the real endpoint does; browsers send the token as a subprotocol: ``Bearer, TOKEN``."""
        request = conversation.request
        offered = [each.strip() for each in request.headers.get("sec-websocket-protocol", "").split(",")]
        by_protocol = offered[0] == "Bearer" and self._is_token(offered[-1])
        if not by_protocol and not self._admits(request):
            refusal = _error(HTTPStatus.UNAUTHORIZED, "Token rejected")
            await conversation.refuse(cast(JSONResponse, refusal))
            return
        await conversation.accept("Bearer" if by_protocol else None)
        await execute(conversation)

    def _is_token(self, token: str) -> bool:
        return self._token is None or hmac.compare_digest(token.encode(), self._token.encode())

    def _admits(self, request: RecordedRequest) -> bool:
        if self._token is None:
            return True
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), self._token.encode())


def stand_in_koyeb(
    token: str | None = "koyeb-token",  # noqa: S107 - it opens a stand-in and nothing else
    *,
    host: str = "127.0.0.1",
    port: int = 0,
) -> StandInKoyeb:
    """A stand-in for ``https://app.koyeb.com`` that asks for the bearer ``token``, or for none when it is ``None``.

    with stand_in_koyeb("demo") as koyeb:
        httpx.get(f"{koyeb.url}/v1/instances", headers={"Authorization": "Bearer demo"})
    """
    return StandInKoyeb(token, host=host, port=port)


def list_instances(request: RecordedRequest) -> Answer:
    """``ListInstances``: 200 with ``ListInstancesReply``, or 400."""
    query = Query(request.query)
    names = ("app_id", "service_id", "deployment_id", "regional_deployment_id", "allocation_id")
    wanted: dict[str, object] = {name: query.text(name) for name in names}
    wanted["replica_index"] = query.integer("replica_index")
    statuses = query.many("statuses", STATUSES)
    start, end = query.moment("starting_time"), query.moment("ending_time")
    limit, offset, order = _page(query)
    if start and end and end < start:
        query.refuse("ending_time", "must not be before starting_time")
    if query.problems:
        return _invalid(query)
    found = [
        instance
        for instance in _ordered(INSTANCES, order)
        if all(value is None or getattr(instance, name) == value for name, value in wanted.items())
        and (not statuses or instance.status in statuses)
        and instance.ran_between(start, end)
    ]
    page: list[Json] = [instance.item() for instance in found[offset : offset + limit]]
    return {"instances": page, "limit": limit, "offset": offset, "count": len(found), "order": order}


def get_instance(request: RecordedRequest) -> Answer:
    """``GetInstance``: 200 with ``GetInstanceReply``, or 404."""
    for instance in INSTANCES:
        if instance.id == request.path_params["id"]:
            return {"instance": instance.document()}
    return _error(HTTPStatus.NOT_FOUND, "Instance not found")


def list_instance_events(request: RecordedRequest) -> Answer:
    """``ListInstanceEvents``: 200 with ``ListInstanceEventsReply``, or 400."""
    query = Query(request.query)
    instance_ids, types = query.many("instance_ids"), query.many("types")
    limit, offset, order = _page(query)
    if query.problems:
        return _invalid(query)
    found = [
        event
        for event in _ordered(EVENTS, order)
        if (not instance_ids or event.instance_id in instance_ids) and (not types or event.type in types)
    ]
    page: list[Json] = [event.document() for event in found[offset : offset + limit]]
    has_next = offset + limit < len(found)
    return {"events": page, "limit": limit, "offset": offset, "order": order, "has_next": has_next}


def exec_command(request: RecordedRequest) -> Answer:
    """``ExecCommand`` as its declared HTTP answer: one frame of the stream, with the whole output.

    The real endpoint opens a WebSocket. Here ``echo`` prints its arguments, ``hostname`` the instance's id, and every
    other command ends with the exit code 127; 400 and 404 as declared.
    """
    query = Query(request.query)
    target = query.text("id")
    id_type = query.choice("id_type", ("INVALID", "INSTANCE_ID", "SERVICE_ID"), "INVALID")
    command = query.many("body.command")
    query.integer("body.tty_size.height")
    query.integer("body.tty_size.width")
    if not target:
        query.refuse("id", "must name the resource to execute on")
    if not command:
        query.refuse("body.command", "is mandatory in the first frame")
    if query.problems:
        return _invalid(query)
    for instance in INSTANCES:
        if target == (instance.service_id if id_type == "SERVICE_ID" else instance.id):
            return {"result": _executed(instance, command)}
    return _error(HTTPStatus.NOT_FOUND, "Service not found" if id_type == "SERVICE_ID" else "Instance not found")


def _executed(instance: Instance, command: Sequence[str]) -> Json:
    """What ``command`` prints on ``instance``: an ``ExecCommandReply``."""
    match command:
        case ["echo", *words]:
            stdout, stderr, exit_code = " ".join(words) + "\n", "", 0
        case ["hostname"]:
            stdout, stderr, exit_code = f"{instance.id}\n", "", 0
        case _:
            stdout, stderr, exit_code = "", f"sh: {command[0]}: not found\n", _COMMAND_NOT_FOUND
    return {"stdout": _stream(stdout), "stderr": _stream(stderr), "exited": True, "exit_code": exit_code}


def _stream(text: str) -> Json:
    """The whole of an output: an ``ExecCommandIO``."""
    return {"data": base64.b64encode(text.encode()).decode(), "close": True}


def _page(query: Query) -> tuple[int, int, str]:
    """Limit, offset and order."""
    limit = query.integer("limit", low=1, high=_MAX_LIMIT)
    return limit or _DEFAULT_LIMIT, query.integer("offset") or 0, query.choice("order", ("asc", "desc"), "desc")


def _ordered(oldest_first: Sequence[_T], order: str) -> Sequence[_T]:
    return oldest_first if order == "asc" else oldest_first[::-1]


def _invalid(query: Query) -> Answer:
    """400 with ``ErrorWithFields``."""
    status = HTTPStatus.BAD_REQUEST
    body = {"status": status, "code": "invalid_argument", "message": "Validation error", "fields": query.problems}
    return JSONResponse(body, status)


def _error(status: HTTPStatus, message: str) -> Answer:
    """``status`` with ``Error``."""
    return JSONResponse({"status": status, "code": status.name.lower(), "message": message}, status)
