"""An upstream that answers as told, misbehaves on demand and remembers what it was asked."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import re
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Self, TypeAlias
from urllib.parse import unquote

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.routing import compile_path
from starlette.types import Receive, Scope, Send

from naftiko.testing.conversation import Conversation, Left, Talker
from naftiko.testing.exchange import Answer, Exchange, RecordedRequest, read_body
from naftiko.testing.listener import Listener

Responder: TypeAlias = Callable[[RecordedRequest], "Answer | Awaitable[Answer]"]
"""A function that makes the answer; a plain one must not block, an ``async`` one may wait."""

ANY: Final = "*"
"""Any method."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Rule:
    """What to answer where; ``path`` is ``None`` for everywhere, ``times`` is ``None`` for always."""

    method: str
    path: re.Pattern[str] | None
    answer: Answer | Responder
    times: int | None = None

    def path_params(self, raw_path: str) -> dict[str, str] | None:
        if self.path is None:
            return {}
        match = self.path.match(raw_path)
        return None if match is None else {name: unquote(value) for name, value in match.groupdict().items()}

    def takes(self, method: str) -> bool:
        return self.method in {ANY, method} or (method == "HEAD" and self.method == "GET")


class StandInUpstream:
    """An HTTP API for tests: an ASGI app, and a context manager that serves it on a real socket.

    Leaving the context cuts what is still open and takes less than 5 seconds. Every method may be called from any
    thread, at any time; in an async test a plain ``with`` is right, since the server has a thread of its own.

    Args:
        host: the address to listen on.
        port: the port; 0 takes a free one each time the context is entered.
        keep: how many requests to remember; the oldest are forgotten first.
    """

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, keep: int = 10_000) -> None:
        self._host = host
        self._port = port
        self._lock = threading.Lock()
        self._routes: list[_Rule] = []
        self._misbehaviours: list[_Rule] = []
        self._requests: deque[RecordedRequest] = deque(maxlen=keep)
        self._talkers: list[tuple[re.Pattern[str], Talker]] = []
        self._listener: Listener | None = None

    # What to answer

    def on(self, method: str, path: str, answer: Answer | Responder) -> None:
        """Answer ``method`` on ``path`` with ``answer``, static or made by a function.

        ``path`` is compared with the undecoded path of the request. ``{name}`` stands for one segment, ``{name:path}``
        for the rest; ``method`` may be ``*``; HEAD is answered where GET is. The route that was added last wins.
        """
        with self._lock:
            self._routes.insert(0, _Rule(method, compile_path(path)[0], answer))

    def talk(self, path: str, talker: Talker) -> None:
        """Let a function talk over each WebSocket of a path, which is written as that of ``on``; the last one wins.

        The package ``websockets`` is wanted where the stand-in is served.
        """
        with self._lock:
            self._talkers.insert(0, (compile_path(path)[0], talker))

    def misbehave(
        self, answer: Answer | Responder, *, method: str = ANY, path: str | None = None, times: int | None = None
    ) -> None:
        """Answer with ``answer`` instead of as usual: everywhere or on ``path``, always or for ``times`` requests."""
        pattern = None if path is None else compile_path(path)[0]
        with self._lock:
            self._misbehaviours.insert(0, _Rule(method, pattern, answer, times))

    def behave(self) -> None:
        """Forget every misbehaviour; the routes stay."""
        with self._lock:
            self._misbehaviours.clear()

    def unmatched(self, request: RecordedRequest, allowed: Sequence[str]) -> Answer:
        """The answer where no route fits: 404, or 405 when the path has routes for the methods ``allowed``."""
        if allowed:
            error = f"{request.raw_path} takes {', '.join(allowed)}"
            return JSONResponse({"error": error}, HTTPStatus.METHOD_NOT_ALLOWED, {"allow": ", ".join(allowed)})
        return JSONResponse({"error": f"no route for {request.raw_path}"}, HTTPStatus.NOT_FOUND)

    # What was asked

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests so far, oldest first; one is here before the first byte of its answer is sent."""
        with self._lock:
            return list(self._requests)

    def clear(self) -> None:
        """Forget the requests so far."""
        with self._lock:
            self._requests.clear()

    # The socket

    def __enter__(self) -> Self:
        if self._listener is not None:
            raise RuntimeError("the stand-in is being served already")
        self._listener = Listener(self, self._host, self._port, talks=bool(self._talkers))
        try:
            self._listener.start()
        except RuntimeError:
            self._listener = None
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        listener, self._listener = self._served(), None
        listener.stop()

    @property
    def url(self) -> str:
        """Scheme, host and port, without a slash at the end.

        Raises:
            RuntimeError: the stand-in is not being served.
        """
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._served().port}"

    @property
    def connections(self) -> int:
        """How many connections are open now; a client's pool shows here.

        Raises:
            RuntimeError: the stand-in is not being served.
        """
        return self._served().connections

    def _served(self) -> Listener:
        if self._listener is None:
            raise RuntimeError("the stand-in is not being served: use it as `with upstream:`")
        return self._listener

    # The application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or talk over one WebSocket (ASGI 3, ``http`` and ``websocket``)."""
        if scope["type"] not in {"http", "websocket"}:
            raise NotImplementedError(f"a stand-in upstream speaks HTTP only, not {scope['type']}")
        transport = self._transport(scope)
        if scope["type"] == "websocket":
            await self._talk(scope, receive, send, transport)
            return
        try:
            await self._answer(scope, receive, send, transport)
        except asyncio.CancelledError:
            # The server stops and has cut the connection: there is nobody left to tell.
            if transport is None or not transport.is_closing():
                raise

    async def _talk(self, scope: Scope, receive: Receive, send: Send, transport: asyncio.Transport | None) -> None:
        raw_path = scope["raw_path"].decode("latin-1")
        with self._lock:
            fitting = ((talker, pattern.match(raw_path)) for pattern, talker in self._talkers)
            talker, found = next((pair for pair in fitting if pair[1] is not None), (None, None))
            request = _recorded({**scope, "method": "GET"}, b"", found.groupdict() if found else {})
            self._requests.append(request)
        conversation = Conversation(request, scope, receive, send, transport)
        if talker is None:
            await conversation.refuse(JSONResponse({"error": f"no WebSocket at {raw_path}"}, HTTPStatus.NOT_FOUND))
            return
        with contextlib.suppress(Left):
            await talker(conversation)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, transport: asyncio.Transport | None) -> None:
        body, complete = await read_body(receive)
        rule, misbehaviour, request, allowed = self._accept(scope, body, complete=complete)
        if not complete:
            return

        async def usual() -> Answer:
            return self.unmatched(request, allowed) if rule is None else await _made(rule.answer, request)

        exchange = Exchange(request, scope, receive, send, transport)
        if misbehaviour is None:
            await exchange.reply(await usual())
        else:
            exchange.usual = usual
            await exchange.reply(await _made(misbehaviour.answer, request))

    def _accept(
        self, scope: Scope, body: bytes, *, complete: bool
    ) -> tuple[_Rule | None, _Rule | None, RecordedRequest, list[str]]:
        """Record the request; the route and the misbehaviour that apply to it, and the methods that its path allows."""
        method: str = scope["method"]
        raw_path = scope["raw_path"].decode("latin-1")
        with self._lock:
            fitting = [(rule, params) for rule in self._routes if (params := rule.path_params(raw_path)) is not None]
            rule, path_params = next(((rule, params) for rule, params in fitting if rule.takes(method)), (None, {}))
            misbehaviour = self._next_misbehaviour(method, raw_path)
            request = _recorded(scope, body, path_params, complete=complete)
            self._requests.append(request)
        return rule, misbehaviour, request, sorted({rule.method for rule, _ in fitting})

    def _next_misbehaviour(self, method: str, raw_path: str) -> _Rule | None:
        for rule in self._misbehaviours:
            if rule.takes(method) and rule.path_params(raw_path) is not None and rule.times != 0:
                if rule.times is not None:
                    rule.times -= 1
                return rule
        return None

    def _transport(self, scope: Scope) -> asyncio.Transport | None:
        client = scope.get("client")
        return None if self._listener is None or client is None else self._listener.transport_to(client)


def _recorded(scope: Scope, body: bytes, path_params: Mapping[str, str], *, complete: bool = True) -> RecordedRequest:
    return RecordedRequest(
        method=scope["method"],
        raw_path=scope["raw_path"].decode("latin-1"),
        raw_query=scope["query_string"].decode("latin-1"),
        headers=Headers(raw=list(scope["headers"])),
        body=body,
        complete=complete,
        path_params=path_params,
    )


async def _made(answer: Answer | Responder, request: RecordedRequest) -> Answer:
    """The answer itself; that of a function that raised is 500 and says so, the traceback goes to the log."""
    if not callable(answer) or isinstance(answer, Response):
        return answer
    try:
        made = answer(request)
        return await made if inspect.isawaitable(made) else made
    except Exception as exc:  # noqa: BLE001 - a test's own function may raise anything
        _log.exception("the answer to %s %s could not be made", request.method, request.raw_path)
        error = f"the function that answers {request.method} {request.raw_path} raised {type(exc).__name__}"
        return JSONResponse({"error": error}, HTTPStatus.INTERNAL_SERVER_ERROR)
