"""How long the way of a call is, in calls of our own functions and in frames: what is added to it is paid by all."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import httpx
import pytest
from mcp_wire import NEWEST

import naftiko
from naftiko.engine.transport.whole import Whole
from naftiko.expose.mcp import mcp_app

OURS = str(Path(naftiko.__file__).parent)
CAPABILITY = """
naftiko: 1.0.0-alpha2
capability:
  consumes:
    - type: http
      namespace: up
      baseUri: http://127.0.0.1:1
      resources: [{path: /small, operations: [{name: small, method: GET}]}]
  exposes:
    - type: rest
      namespace: rest
      port: 8080
      resources: [{path: /small, operations: [{method: GET, name: small, call: up.small}]}]
    - type: mcp
      namespace: mcp
      tools: [{name: small, description: A small answer, call: up.small}]
"""
BODY = b'{"text": "a small answer"}'
CALL = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {
            "name": "small",
            "arguments": {},
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": NEWEST,
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        },
    }
).encode()
REST = ("GET", "/small", b"", [])
MCP = (
    "POST",
    "/mcp",
    CALL,
    [
        (b"content-type", b"application/json"),
        (b"accept", b"application/json, text/event-stream"),
        (b"mcp-protocol-version", NEWEST.encode()),
        (b"mcp-method", b"tools/call"),
        (b"mcp-name", b"small"),
    ],
)


class Stub(httpx.AsyncBaseTransport):
    """Answers at once, and looks how deep it is called."""

    frames = 0

    async def handle_async_request(self, request):
        frame, self.frames = sys._getframe(), 0
        while frame is not None:
            self.frames += frame.f_code.co_filename.startswith(OURS)
            frame = frame.f_back
        return Whole(200, ((b"Content-Type", b"application/json"),), BODY, request, {})


@pytest.mark.parametrize(
    ("adapter", "request_", "most_calls", "most_frames"),
    [("rest", REST, 55, 9), ("mcp", MCP, 100, 13)],
)
async def test_a_call_is_no_longer_than_it_was(adapter, request_, most_calls, most_frames):
    """108 calls and 14 frames, 153 and 19 before what is known at load was worked out there."""
    stub = Stub()
    settings = naftiko.Settings(environment={}, transport=lambda _: stub)
    method, path, body, headers = request_
    sent = []

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    async with naftiko.loads(CAPABILITY, settings=settings) as capability:
        app = naftiko.rest_app([capability]) if adapter == "rest" else mcp_app([capability])

        async def call():
            sent.clear()
            await app(
                {
                    "type": "http",
                    "method": method,
                    "path": path,
                    "raw_path": path.encode(),
                    "query_string": b"",
                    "headers": [(b"host", b"127.0.0.1:8080"), *headers],
                    "http_version": "1.1",
                    "scheme": "http",
                    "root_path": "",
                    "server": ("127.0.0.1", 8080),
                    "client": ("127.0.0.1", 1),
                },
                receive,
                send,
            )

        await call()  # what is made at the first call is there then
        calls = await counted(call)
        if adapter == "mcp":
            await app.aclose()
    assert sent[0]["status"] == 200
    assert b"a small answer" in sent[1]["body"]
    assert 0 < len(calls) <= most_calls, "\n".join(calls)
    assert 0 < stub.frames <= most_frames


async def counted(call):
    """Return the functions of ours that are called."""
    calls = []

    def look(frame, event, _argument):
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(OURS):
            calls.append(f"{code.co_filename.removeprefix(OURS)} {code.co_qualname}")

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        await call()
    finally:
        sys.setprofile(before)
    return calls
