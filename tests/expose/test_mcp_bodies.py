"""Bodies that tools send: their own, bytes as base64, null (SEMANTICS 3.2 and 4.3)."""

from __future__ import annotations

import json

import pytest
from mcp_wire import HANDSHAKE, NEWEST

CAPABILITY = """
naftiko: 1.0.0-alpha2
capability:
  consumes:
    - type: http
      namespace: up
      baseUri: http://unused.invalid
      resources:
        - path: /notes
          operations:
            - {name: create, method: POST}
            - name: change
              method: PATCH
              inputParameters:
                - {name: title, in: body, type: string}
                - {name: owner, in: body, type: string, nullable: true}
                - {name: verbose, in: query, type: boolean}
            - name: attach
              method: PUT
              inputParameters:
                - {name: Content-Type, in: header, value: application/pdf}
                - {name: data, in: body, type: string, format: binary, contentEncoding: base64}
  exposes:
    - type: mcp
      namespace: mcp
      tools:
        - {name: create, description: Create a note, call: up.create}
        - {name: change, description: Change a note, call: up.change}
        - {name: attach, description: Attach a file, call: up.attach, with: {data: tools.file}}
"""


@pytest.fixture(params=[HANDSHAKE[0], NEWEST])
async def at(serve, upstream, wire, request):
    for method in ("POST", "PATCH", "PUT"):
        upstream.on(method, "/notes", {"ok": True})
    return wire(f"{await serve(CAPABILITY, base=upstream.url)}/mcp", request.param)


async def test_an_operation_without_a_declared_body_is_given_one(at, upstream):
    [create, *_] = (await at.ask("tools/list"))["tools"]
    assert list(create["inputSchema"]["properties"]) == ["body"]
    assert "required" not in create["inputSchema"]
    for arguments in ({"body": {"text": "x"}}, {"body": [1]}, {}, {"body": None}):
        assert not (await at.call("create", arguments))["isError"]
    assert [request.body for request in upstream.requests] == [b'{"text":"x"}', b"[1]", b"", b""]


async def test_base64_is_bytes_upstream_and_what_is_none_is_told(at, upstream):
    [*_, attach] = (await at.ask("tools/list"))["tools"]
    assert attach["inputSchema"]["properties"]["file"]["contentEncoding"] == "base64"
    assert not (await at.call("attach", {"file": "AAH//g=="}))["isError"]
    wrong = await at.call("attach", {"file": "hello"})
    assert wrong["isError"]
    assert "`file` must be base64" in wrong["content"][0]["text"]
    [request] = upstream.requests
    assert (request.body, request.headers["content-type"]) == (b"\x00\x01\xff\xfe", "application/pdf")


async def test_null_is_sent_refused_or_nothing(at, upstream):
    assert not (await at.call("change", {"owner": None, "verbose": None}))["isError"]
    wrong = await at.call("change", {"title": None})
    assert wrong["isError"]
    assert "nullable: true" in wrong["content"][0]["text"]
    [request] = upstream.requests
    assert (json.loads(request.body), request.raw_query) == ({"owner": None}, "")
