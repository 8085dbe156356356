"""``Server-Timing``: an answer says where its time went (https://www.w3.org/TR/server-timing/)."""

from __future__ import annotations

from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from naftiko.observe.timing import CallTiming, Stopwatch, measured


class ServerTiming:
    """Adds the header to the answers of an app; without it nothing is measured at all.

    ``queue`` is the wait for a free connection, ``upstream`` the wait for the consumed APIs, ``total`` all of it until
    the answer's headers, and ``mapping`` the rest of it that is ours: neither those waits nor the caller's own body.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI 3, ``http`` only)."""
        timing, body, began = measured.get() or CallTiming(), Stopwatch(), perf_counter()
        is_reading = True

        async def timed_receive() -> Message:
            nonlocal is_reading
            if not is_reading:  # whoever receives now waits for the caller to go away
                return await receive()
            message = await body.during(receive())
            is_reading = bool(message.get("more_body"))
            return message

        async def timed_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                value = header_value(timing, body.seconds, perf_counter() - began)
                message = {**message, "headers": [*message["headers"], (b"server-timing", value)]}
            await send(message)

        token = measured.set(timing)
        try:
            await self._app(scope, timed_receive, timed_send)
        finally:
            measured.reset(token)


def header_value(timing: CallTiming, body: float, total: float) -> bytes:
    """Return the header's value, times in milliseconds.

    Args:
        timing: of the call.
        body: seconds of waiting for the caller's body.
        total: seconds of everything.
    """
    queue, upstream = timing.queue.seconds, timing.upstream.seconds
    parts = {
        "queue": queue,
        "upstream": max(0.0, upstream - queue),
        "mapping": max(0.0, total - upstream - body),
        "total": total,
    }
    return ", ".join(f"{name};dur={seconds * 1000:.2f}" for name, seconds in parts.items()).encode("ascii")
