"""HTTP as clients speak it: what they leave out, how they write it, from which pages they call (SEMANTICS 7)."""

from __future__ import annotations

import json
import logging

import httpx
import pytest
from mcp_wire import HANDSHAKE, NEWEST

CAPABILITY = """
naftiko: 1.0.0-alpha2
capability:
  exposes:
    - type: mcp
      namespace: hello
      tools:
        - name: hello
          description: Greets
          inputParameters: [{name: who, type: string, required: false}]
          outputParameters: [{name: greeting, type: string, value: "Hello {{who}}"}]
"""
META = {"io.modelcontextprotocol/protocolVersion": NEWEST, "io.modelcontextprotocol/clientCapabilities": {}}


async def send(url, message, version=HANDSHAKE[-1], **headers):
    """POST a message (or bytes); a header that is ``None`` is not sent."""
    content = message if isinstance(message, bytes) else json.dumps(message).encode()
    wanted = {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": version,
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        request = client.build_request("POST", f"{url}/mcp", content=content)
        for name in ("accept", "content-type"):
            if name in request.headers:
                del request.headers[name]
        request.headers.update({name: value for name, value in wanted.items() if value is not None})
        return await client.send(request)


def message(method, version=HANDSHAKE[-1], identity=1, **params):
    if version == NEWEST:
        params = {"_meta": META, **params}
    return {"jsonrpc": "2.0", "id": identity, "method": method, "params": params}


METHODS = pytest.mark.parametrize("method", ["tools/list", "ping"])  # the short way, and the SDK's


@METHODS
@pytest.mark.parametrize("accept", [None, "", "*/*", "Application/JSON", "text/html, application/*;q=0.5"])
async def test_who_does_not_say_what_he_accepts_gets_json(serve, method, accept):
    url = await serve(CAPABILITY)
    answer = await send(url, message(method), accept=accept)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert "result" in answer.json()


async def test_lines_of_accept_are_one_list(serve):
    url = await serve(CAPABILITY)
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        lines = [("accept", "text/html"), ("accept", "application/json"), ("content-type", "application/json")]
        answer = await client.post(f"{url}/mcp", content=json.dumps(message("ping")), headers=lines)
    assert answer.json()["result"] == {}


@METHODS
@pytest.mark.parametrize("version", [HANDSHAKE[0], NEWEST])
@pytest.mark.parametrize("kind", ["Application/JSON", "application/Json; Charset=UTF-8", "application/json ;a=B"])
async def test_media_types_have_no_case(serve, method, version, kind):
    if method == "ping" and version == NEWEST:
        method = "server/discover"
    answer = await send(
        await serve(CAPABILITY), message(method, version), version, content_type=kind, mcp_method=method
    )
    assert answer.status_code == 200


@pytest.mark.parametrize("version", [HANDSHAKE[0], NEWEST])
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", None])
async def test_what_is_not_said_to_be_json_is_415(serve, version, kind):
    answer = await send(await serve(CAPABILITY), message("tools/list", version), version, content_type=kind)
    assert answer.status_code == 415
    assert "application/json" in answer.json()["error"]["message"]


@METHODS
@pytest.mark.parametrize("version", [*HANDSHAKE, NEWEST])
@pytest.mark.parametrize("identity", [None, 1.5, 1.0, True, [1], {}])
async def test_a_request_whose_id_is_none_is_an_error_and_no_silence(serve, method, version, identity):
    answer = await send(await serve(CAPABILITY), message(method, version, identity), version, mcp_method=method)
    assert answer.status_code == 400
    assert answer.json()["id"] is None
    assert answer.json()["error"]["code"] == -32600


@pytest.mark.parametrize("stateful", [False, True])
@pytest.mark.parametrize("method", ["tools/list", "tools/call", "ping"])
async def test_a_header_and_a_body_of_different_revisions_are_refused(serve, method, stateful):
    url = await serve(CAPABILITY, stateful=stateful)
    params = {"name": "hello", "arguments": {}} if method == "tools/call" else {}
    asked = message(method, NEWEST, 7, **params)
    for version in (*HANDSHAKE, None):
        answer = await send(url, asked, version)
        assert (answer.status_code, answer.json()["id"]) == (400, 7)
        assert answer.json()["error"]["code"] == -32020
        assert "mcp-protocol-version" in answer.json()["error"]["message"]


async def test_meta_of_other_kinds_disagrees_with_nothing(serve):
    url = await serve(CAPABILITY)
    for meta in ({"trace": "x"}, {}, {"io.modelcontextprotocol/protocolVersion": HANDSHAKE[-1]}):
        answer = await send(url, message("tools/list", _meta=meta))
        assert answer.status_code == 200


CALL = message("tools/call", name="hello", arguments={"who": "X"})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"\xef\xbb\xbf" + json.dumps(CALL).encode(), "Hello X"),
        (json.dumps(CALL).replace('"X"', '"\\ud83d"').encode(), "Hello \ufffd"),
        (json.dumps(CALL).replace('"X"', '"a\\uDE00b"').encode(), "Hello a\ufffdb"),
        (json.dumps(CALL).replace('"X"', '"\\ud83d\\ude00"').encode(), "Hello \U0001f600"),
        (json.dumps(CALL).replace('"X"', '"\\\\ud83d"').encode(), "Hello \\ud83d"),
    ],
)
async def test_a_byte_order_mark_and_half_a_character_break_nothing(serve, body, said):
    answer = await send(await serve(CAPABILITY), body)
    assert answer.json()["result"]["structuredContent"] == {"greeting": said}


async def test_a_body_that_is_no_json_is_a_parse_error(serve):
    answer = await send(await serve(CAPABILITY), b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list"')
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32700)


async def preflight(url, origin, path="/mcp", host=None, **headers):
    asked = {"origin": origin, "access-control-request-method": "POST", **headers}
    if host:
        asked["host"] = host
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        return await client.options(f"{url}{path}", headers=asked)


@pytest.mark.parametrize("path", ["/mcp", "/", "/hello/mcp"])
@pytest.mark.parametrize(
    "origin", ["http://localhost:6274", "https://127.0.0.1:3000", "https://app.example.com", "https://a.example.org"]
)
async def test_the_preflight_of_an_origin_that_may_call_is_answered(serve, origin, path):
    url = await serve(CAPABILITY, allowed_origins=["https://app.example.com", "https://*.example.org"])
    wanted = "content-type, authorization, mcp-protocol-version"
    answer = await preflight(url, origin, path, **{"access-control-request-headers": wanted})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == origin
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == wanted
    assert "Origin" in answer.headers["vary"]
    posted = await send(url, message("ping"), origin=origin)
    assert posted.headers["access-control-allow-origin"] == origin
    assert "Mcp-Session-Id" in posted.headers["access-control-expose-headers"]


async def test_the_preflight_of_a_page_of_the_host_itself_is_answered(serve):
    url = await serve(CAPABILITY, allowed_hosts=["mcp.example.com"])
    answer = await preflight(url, "https://mcp.example.com", host="mcp.example.com")
    assert answer.status_code == 204


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost.evil.example"])
async def test_a_foreign_origins_preflight_is_refused_without_cors(serve, origin):
    answer = await preflight(await serve(CAPABILITY), origin)
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_a_preflight_needs_no_credential_and_a_page_may_read_the_refusal(serve):
    text = CAPABILITY.replace("      tools:", "      authentication: {type: bearer, token: let-me-in}\n      tools:", 1)
    url = await serve(text)
    assert (await preflight(url, "http://localhost:6274")).status_code == 204
    refused = await send(url, message("ping"), origin="http://localhost:6274")
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == "http://localhost:6274"
    assert "WWW-Authenticate" in refused.headers["access-control-expose-headers"]


async def test_options_without_a_preflights_question_is_no_preflight(serve):
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        assert (await client.options(f"{await serve(CAPABILITY)}/mcp")).status_code == 405


async def test_a_refused_host_or_origin_is_told_once_in_the_log_with_the_option(serve, caplog):
    url = await serve(CAPABILITY)
    with caplog.at_level(logging.WARNING, "naftiko"):
        for _ in range(3):
            await send(url, message("ping"), host="mcp.example.com")
            await send(url, message("ping"), host="mcp.example.com:8443")
            await send(url, message("ping"), origin="https://app.example.com")
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2
    assert '"mcp.example.com"' in told[0]
    assert "--allow-host mcp.example.com" in told[0]
    assert "--allow-origin https://app.example.com" in told[1]


async def test_the_log_names_a_bounded_number_of_hosts(serve, caplog):
    url = await serve(CAPABILITY)
    with caplog.at_level(logging.WARNING, "naftiko"):
        for at in range(120):
            assert (await send(url, message("ping"), host=f"h{at}.example")).status_code == 421
    assert len(caplog.records) == 100
    assert "without a word" in caplog.records[-1].getMessage()
