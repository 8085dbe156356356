"""Large messages and contents of MCP go beside the SDK, which takes long for them: each comes whole, in every way."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import httpx
import pytest
from served import FREE, LIMIT, Served
from served import served as serving
from starlette.responses import PlainTextResponse, Response

from naftiko.testing import StandInUpstream

TEXT = "".join(f'{at}: "quoted" \\ {{"a": [1.50]}}\n\u00e9\U0001f600\x01' for at in range(5_000))
JSON = json.dumps({"items": [{"id": at, "name": f"n{at}"} for at in range(6_000)]}).replace('"id": 7,', '"id": 7.50,')
BYTES = bytes(range(256)) * 1_000
NEWEST = "2026-07-28"
META = {"io.modelcontextprotocol/protocolVersion": NEWEST, "io.modelcontextprotocol/clientCapabilities": {}}
ABOUT = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
FILE = """
naftiko: 1.0.0-alpha2
capability:
  consumes:
    - type: http
      namespace: up
      baseUri: URL
      resources:
        - name: any
          path: /{+what}
          operations:
            - {name: get, method: GET}
            - {name: text, method: GET, outputRawFormat: text}
            - {name: binary, method: GET, outputRawFormat: binary}
            - {name: create, method: POST, inputParameters: [{name: list, in: body, type: array}]}
  exposes:
    - type: mcp
      namespace: m
      port: 0
      resources:
        - {name: json, uri: "json://{what}", description: d, call: up.get}
        - {name: text, uri: "text://{what}", description: d, call: up.text}
        - {name: binary, uri: "binary://{what}", description: d, call: up.binary}
      tools:
        - {name: get, description: d, call: up.get, with: {what: tools.what}}
        - {name: text, description: d, call: up.text, with: {what: tools.what}}
        - {name: promised, description: d, call: up.get, with: {what: tools.what}, outputParameters: [
            {type: object, properties: {items: {type: array, mapping: $.items, items: {type: object, properties: {
              id: {type: number, mapping: $.id}}}}}}]}
        - {name: create, description: d, call: up.create, with: {what: made}}
"""


@pytest.fixture(scope="module")
def upstream() -> Iterator[StandInUpstream]:
    with StandInUpstream() as running:
        running.on("GET", "/json", Response(JSON, media_type="application/json"))
        running.on("GET", "/text", PlainTextResponse(TEXT))
        running.on("GET", "/binary", Response(BYTES, media_type="application/octet-stream"))
        running.on("POST", "/made", Response(b'{"made":true}', media_type="application/json"))
        yield running


@pytest.fixture(scope="module")
def served(upstream: StandInUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    file = tmp_path_factory.mktemp("large") / "large.yaml"
    file.write_text(FILE.replace("URL", upstream.url))
    with serving(file, *FREE, "--stateful", "--answer-budget", "0", ready=("mcp ",)) as running:
        yield running


def sent(served: Served, version: str, method: str, params: dict[str, object], session: str = "") -> httpx.Response:
    headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": version}
    if session:
        headers["mcp-session-id"] = session
    if version == NEWEST:
        headers |= {"mcp-method": method, "mcp-name": str(params.get("name") or params.get("uri"))}
        params = {**params, "_meta": {**params.get("_meta", {}), **META}}
    message = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
    return httpx.post(served.mcp, json=message, trust_env=False, timeout=LIMIT, headers=headers)


def session_of(served: Served) -> str:
    return sent(served, "2025-11-25", "initialize", ABOUT).headers["mcp-session-id"]


def result_of(answer: httpx.Response) -> dict[str, object]:
    assert answer.status_code == 200, answer.text[:500]
    text = answer.text
    if answer.headers["content-type"].startswith("text/event-stream"):
        [text] = [line[6:] for line in text.splitlines() if line.startswith("data: ") and '"result"' in line]
    else:
        assert int(answer.headers["content-length"]) == len(answer.content)
    message = json.loads(text)
    assert message["id"] == 7
    return message["result"]


@pytest.fixture(params=["session", "newest"])
def ask(request, served):
    if request.param == "newest":
        return lambda method, **params: result_of(sent(served, NEWEST, method, params))
    session = session_of(served)
    return lambda method, **params: result_of(sent(served, "2025-11-25", method, params, session))


def test_a_large_resource_comes_whole(ask):
    [text] = ask("resources/read", uri="text://text")["contents"]
    assert text["text"] == TEXT
    [document] = ask("resources/read", uri="json://json")["contents"]
    assert document["text"] == JSON
    [blob] = ask("resources/read", uri="binary://binary")["contents"]
    assert base64.b64decode(blob["blob"]) == BYTES


@pytest.mark.parametrize("meta", [{}, {"_meta": {"progressToken": 1}}], ids=["plain", "progress"])
def test_a_large_result_comes_whole(ask, meta):
    result = ask("tools/call", name="text", arguments={"what": "text"}, **meta)
    assert result["content"] == [{"type": "text", "text": TEXT}]
    result = ask("tools/call", name="get", arguments={"what": "json"}, **meta)
    assert result["content"] == [{"type": "text", "text": JSON}]
    result = ask("tools/call", name="promised", arguments={"what": "json"}, **meta)
    assert json.loads(result["content"][0]["text"]) == result["structuredContent"]
    assert [item["id"] for item in result["structuredContent"]["items"][6:9]] == [6, 7.5, 8]


def test_a_large_message_of_a_session_is_answered(served):
    session = session_of(served)
    call = {"name": "create", "arguments": {"list": [{"n": at} for at in range(30_000)]}}
    result = result_of(sent(served, "2025-11-25", "tools/call", call, session))
    assert json.loads(result["content"][0]["text"]) == {"made": True}
    assert sent(served, "2025-11-25", "tools/list", {}, session).status_code == 200


def test_a_large_message_outside_of_a_session_is_refused_as_a_small_one_is(served):
    small = {"name": "create", "arguments": {"list": [1]}}
    large = {"name": "create", "arguments": {"list": [1] * 30_000}}
    for session in ("", "0" * 32):
        one, other = (sent(served, "2025-11-25", "tools/call", call, session) for call in (small, large))
        assert (one.status_code, _what(one)) == (other.status_code, _what(other))
        assert other.status_code == (404 if session else 400)


def _what(answer: httpx.Response) -> dict:
    """The error without the id of its request, of which each has another."""
    return {name: value for name, value in answer.json()["error"].items() if name != "data"}
