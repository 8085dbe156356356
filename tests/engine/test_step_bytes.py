"""What a step found as base64 is sent as bytes where bytes are declared (SEMANTICS 4.3), on real sockets."""

from __future__ import annotations

import base64
import json

import pytest
from starlette.responses import JSONResponse, Response

import naftiko
from naftiko.engine.settings import Settings
from naftiko.testing import StandInUpstream

IMAGE = bytes(range(256))
TEXT = base64.b64encode(IMAGE).decode()


def flow(url, upload, value):
    """A tool that downloads, as bytes and in JSON, and uploads what it found."""
    resources = [
        {"path": "/image", "operations": [{"name": "image", "method": "GET", "outputRawFormat": "binary"}]},
        {"path": "/json", "operations": [{"name": "json", "method": "GET"}]},
        {"path": "/upload", "operations": [{"name": "upload", "method": "POST", **upload}]},
    ]
    steps = [
        {"name": "image", "type": "call", "call": "api.image"},
        {"name": "json", "type": "call", "call": "api.json"},
        {"name": "up", "type": "call", "call": "api.upload", "with": {"file": value}},
    ]
    consumes = {"namespace": "api", "type": "http", "baseUri": url, "resources": resources}
    exposes = {
        "type": "mcp",
        "namespace": "t",
        "port": 1,
        "tools": [{"name": "go", "description": "d", "steps": steps}],
    }
    document = {"naftiko": "1.0.0-alpha5", "capability": {"consumes": [consumes], "exposes": [exposes]}}
    return naftiko.loads(json.dumps(document), settings=Settings(environment={}))


@pytest.fixture
def upstream():
    standing_in = StandInUpstream()
    standing_in.on("GET", "/image", lambda _: Response(IMAGE, media_type="image/png"))
    standing_in.on(
        "GET", "/json", lambda _: JSONResponse({"content": TEXT, "note": "no base64!", "list": [TEXT, TEXT]})
    )
    standing_in.on("POST", "/upload", {"ok": True})
    with standing_in:
        yield standing_in


def declared(**schema):
    return {"inputParameters": [{"name": "file", "in": "body", "type": "string", **schema}]}


MULTIPART = {
    "inputParameters": [
        {"name": "Content-Type", "in": "header", "value": "multipart/form-data"},
        {"name": "file", "in": "body", "type": "string", "format": "binary"},
    ]
}


async def sent(upstream, upload, value):
    async with flow(upstream.url, upload, value) as capability:
        assert (await capability.units[0].run({})).value == {"ok": True}
    return upstream.requests[-1]


@pytest.mark.parametrize("value", ["$.image", "{{image}}", "$.json.content", "{{json.content}}"])
@pytest.mark.parametrize("schema", [{"format": "binary"}, {"contentEncoding": "base64"}])
async def test_bytes_of_a_step_are_sent_as_bytes(upstream, value, schema):
    request = await sent(upstream, declared(**schema), value)
    assert request.body == IMAGE
    assert request.headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize("value", ["$.image", "$.json.content"])
async def test_as_a_part_of_a_form(upstream, value):
    request = await sent(upstream, MULTIPART, value)
    assert IMAGE in request.body
    assert TEXT.encode() not in request.body


async def test_text_that_is_no_base64_stays_text(upstream):
    request = await sent(upstream, MULTIPART, "$.json.note")
    assert b"no base64!" in request.body


async def test_where_no_bytes_are_declared_it_is_the_text(upstream):
    request = await sent(upstream, declared(), "$.json.content")
    assert json.loads(request.body) == {"file": TEXT}
