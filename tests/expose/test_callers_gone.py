"""A caller who leaves ends the call, and nothing but the call: what stops the server at that moment goes on."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from rest_serving import rest_capability, route

from holding import LIMIT
from naftiko.expose.rest import rest_app


class Silence(httpx.AsyncBaseTransport):
    """An upstream that never answers."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.ended = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.set()
        raise AssertionError


SCOPE = {
    "type": "http",
    "asgi": {"version": "3.0"},
    "http_version": "1.1",
    "method": "GET",
    "scheme": "http",
    "path": "/x",
    "raw_path": b"/x",
    "query_string": b"",
    "root_path": "",
    "headers": [(b"host", b"localhost")],
    "client": ("127.0.0.1", 1),
    "server": ("127.0.0.1", 2),
}


@pytest.mark.parametrize("stops", [False, True])
async def test_a_caller_who_leaves_hides_no_cancellation_from_elsewhere(stops):
    """Both come in the same turn of the loop."""
    upstream = Silence()
    app = rest_app(rest_capability([route("/x")], transport=lambda _: upstream))
    came = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, object]:
        if came:
            return came.pop()
        await upstream.asked.wait()
        if stops:
            call.cancel()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, object]) -> None:
        raise AssertionError(f"nobody is there for {message}")

    call = asyncio.ensure_future(app(dict(SCOPE), receive, send))
    async with asyncio.timeout(LIMIT):
        await asyncio.wait([call])
    assert upstream.ended.is_set()
    assert call.cancelled() is stops
    if not stops:
        assert call.exception() is None
