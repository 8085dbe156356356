"""Numbers keep their digits on every way in and out: REST, MCP by every revision and transport (SEMANTICS 4.2)."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp_wire import HANDSHAKE, LIMIT, NEWEST, serving
from starlette.responses import Response

import forks
import naftiko
from naftiko.engine.settings import Settings
from naftiko.expose.mcp import mcp_app
from naftiko.expose.rest import rest_app

CAPABILITY = """
naftiko: 1.0.0-alpha2
capability:
  consumes:
  - type: http
    namespace: api
    baseUri: http://unused.invalid
    resources:
    - path: /n/{p}
      operations:
      - name: get
        method: GET
        inputParameters:
        - {name: q, in: query, type: number}
        - {name: X-N, in: header, type: number}
        - {name: c, in: cookie, type: number}
        - {name: p, in: path, type: number}
    - path: /body
      operations:
      - name: post
        method: POST
        inputParameters:
        - {name: id, in: body, type: integer}
        - {name: amount, in: body, type: number}
        - {name: any, in: body}
    - path: /answer
      operations: [{name: answer, method: GET}]
  exposes:
  - type: rest
    namespace: web
    port: 1
    resources:
    - path: /n/{p}
      operations: [{name: get, method: GET, call: api.get, inputParameters: &get [{name: p, in: path, type: number}, {name: q, in: query, type: number}, {name: X-N, in: header, type: number}, {name: c, in: cookie, type: number}]}]
    - path: /body
      operations: [{name: post, method: POST, call: api.post}]
    - path: /answer
      operations: [{name: answer, method: GET, call: api.answer, outputParameters: &outputs [{name: n, type: number, mapping: $.n}, {name: l, type: array, mapping: $.l}]}]
  - type: mcp
    namespace: tools
    port: 2
    tools:
    - {name: get, description: d, call: api.get}
    - {name: post, description: d, call: api.post}
    - {name: answer, description: d, call: api.answer, outputParameters: *outputs}
    - {name: whole, description: d, call: api.answer}
    - {name: preset, description: d, call: api.get, inputParameters: [{name: p, type: number, default: 1.10, minimum: 0.000000010}]}
"""
NUMBERS = [
    *("1.10", "1.0", "0.00000001", "100000000000000000000001", "12345678901234567.89", "-0", "1" * 30 + ".5"),
    *("18446744073709551616", "9007199254740993", "7", "2.50"),
]
WITH_EXPONENTS = {"1e5": "100000", "1E+2": "100", "1e-8": "0.00000001", "1e400": "1" + "0" * 400}
INTEGERS = [
    "100000000000000000000001",
    "-100000000000000000000001",
    "9007199254740993",
    "18446744073709551616",
    "-0",
    "7",
]


def numbers_in(content):
    """Return the numbers of JSON bytes as they are written, in order."""
    found = []
    json.loads(content, parse_int=found.append, parse_float=found.append)
    return found


@pytest.fixture
async def capability(upstream, tmp_path):
    upstream.on("GET", "/n/{p}", {"ok": True})
    upstream.on("POST", "/body", {"ok": True})
    known = Settings(base_uris={"api": upstream.url}, environment={})
    async with naftiko.loads(CAPABILITY, path=tmp_path / "capability.yaml", settings=known) as loaded:
        yield loaded


@pytest.fixture
async def rest(capability):
    async with (
        serving(rest_app([capability])) as url,
        httpx.AsyncClient(base_url=url, timeout=LIMIT, trust_env=False) as client,
    ):
        yield client


def raw(number, listed):
    """An answer with the numbers as they are written."""
    return Response(f'{{"n": {number}, "l": [{", ".join(listed)}]}}', media_type="application/json")


# REST


async def test_rest_text_is_sent_on_as_it_is_written(rest, upstream):
    for text in [*NUMBERS, *WITH_EXPONENTS, "9" * 5000]:
        upstream.clear()
        response = await rest.get(f"/n/{text}", params={"q": text}, headers={"X-N": text, "Cookie": f"c={text}"})
        assert response.status_code == 200, response.text
        (request,) = upstream.requests
        assert (request.path, request.query["q"]) == (f"/n/{text}", text)
        assert (request.headers["x-n"], unquote(request.headers["cookie"])) == (text, f"c={text}")


async def test_rest_text_that_is_no_number_is_refused(rest, upstream):
    for text in ("1_000", "%EF%BC%91", "%201", "0x10", "inf", "nan", "%2B1", ".5", "007", "1e", "--1"):
        response = await rest.get(f"/n/{text}?q={text}")
        assert response.status_code == 400
        assert [error["name"] for error in response.json()["errors"]] == ["p", "q"]
    assert not upstream.requests


async def test_rest_json_keeps_its_digits(rest, upstream):
    for number in [*NUMBERS, *WITH_EXPONENTS, "9" * 5000]:
        upstream.clear()
        integer = number if number in INTEGERS else "1"
        body = f'{{"id": {integer}, "amount": {number}, "any": [{number}, "\\u00e9"]}}'
        response = await rest.post("/body", content=body, headers={"content-type": "application/json"})
        assert response.status_code == 200, response.text
        assert numbers_in(upstream.requests[0].body) == [integer, number, number]


async def test_rest_json_that_is_none_is_refused(rest, upstream):
    for number in ("NaN", "Infinity", "-Infinity", "01", "+1", "1_0", "1" * 100_001):
        body = f'{{"amount": {number}}}'
        response = await rest.post("/body", content=body, headers={"content-type": "application/json"})
        assert response.status_code == 400
        assert "the body is no JSON" in response.json()["errors"][0]["message"]
    assert not upstream.requests


async def test_a_rest_answer_that_is_mapped_keeps_its_digits(rest, upstream):
    for number in [*NUMBERS, *WITH_EXPONENTS, "9" * 5000]:
        upstream.on("GET", "/answer", raw(number, [number, "1.5"]))
        response = await rest.get("/answer")
        assert numbers_in(response.content) == [number, number, "1.5"]


# MCP over HTTP


ANSWERED = re.compile(rb"\{.*\}")


def message(version, tool, arguments, **meta):
    """Return a tools/call as text, with arguments that are raw JSON text."""
    if version == NEWEST:
        meta = {
            "io.modelcontextprotocol/protocolVersion": NEWEST,
            "io.modelcontextprotocol/clientCapabilities": {},
            **meta,
        }
    said = f', "_meta": {json.dumps(meta)}' if meta else ""
    return f'{{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {{"name": "{tool}", "arguments": {arguments}{said}}}}}'


async def called(url, version, tool, arguments, **meta):
    """Call a tool by bare HTTP; return the bytes of the answer, whether they came as JSON or as an event."""
    headers = {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": version,
        **({"mcp-method": "tools/call", "mcp-name": tool} if version == NEWEST else {}),
    }
    async with httpx.AsyncClient(timeout=LIMIT, trust_env=False) as client:
        response = await client.post(url, content=message(version, tool, arguments, **meta), headers=headers)
    assert int(response.headers.get("content-length", len(response.content))) == len(response.content)
    return ANSWERED.search(response.content)[0]


@pytest.fixture(params=["fast", "progress", "session"])
async def mcp(request, capability):
    """Call a tool on the short way, on the SDK's way with progress, and in a session of the SDK's."""
    stateful = request.param == "session"
    meta = {"progressToken": "t"} if request.param == "progress" else {}
    async with serving(mcp_app([capability], stateful=stateful)) as url:

        async def call(tool, arguments, version=HANDSHAKE[-1]):
            if stateful and version != NEWEST:
                return await in_session(url, version, tool, arguments)
            return await called(f"{url}/mcp", version, tool, arguments, **meta)

        yield call


async def in_session(url, version, tool, arguments):
    headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
    hello = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    async with httpx.AsyncClient(timeout=LIMIT, trust_env=False) as client:
        opening = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}
        begun = await client.post(f"{url}/mcp", json=opening, headers=headers)
        headers |= {"mcp-session-id": begun.headers["mcp-session-id"], "mcp-protocol-version": version}
        await client.post(f"{url}/mcp", json={"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=headers)
        response = await client.post(f"{url}/mcp", content=message(version, tool, arguments), headers=headers)
    return ANSWERED.search(response.content)[0]


SHOWN = {**dict(zip(NUMBERS, NUMBERS, strict=True)), **WITH_EXPONENTS}


@pytest.mark.parametrize("version", [HANDSHAKE[1], NEWEST])
async def test_mcp_arguments_keep_their_digits(mcp, upstream, version):
    for number, shown in SHOWN.items():
        upstream.clear()
        integer = number if number in INTEGERS else "1"
        await mcp("post", f'{{"id": {integer}, "amount": {number}, "any": {{"deep": [{number}]}}}}', version)
        await mcp("get", f'{{"p": {number}, "q": {number}, "X-N": {number}, "c": "{number}"}}', version)
        body, url = upstream.requests
        assert numbers_in(body.body) == [integer, number, number]
        assert (url.raw_path, url.query["q"], url.headers["x-n"]) == (f"/n/{shown}", shown, shown)
        assert unquote(url.headers["cookie"]) == f"c={number}"


@pytest.mark.parametrize("version", [HANDSHAKE[1], NEWEST])
async def test_mcp_answers_keep_their_digits(mcp, upstream, version):
    """In the text and in the structured content, mapped and as they are."""
    for number in SHOWN:
        upstream.on("GET", "/answer", raw(number, [number, "1.5"]))
        for tool in ("answer", "whole"):
            answer = await mcp(tool, "{}", version)
            text = json.loads(answer)["result"]["content"][0]["text"]
            assert numbers_in(text) == [number, number, "1.5"]
            structured = re.search(rb'"structuredContent": ?(\{.*?\})', answer)[1]
            assert numbers_in(structured) == [number, number, "1.5"]
            assert b"naftiko-number" not in answer


@pytest.mark.parametrize("version", [HANDSHAKE[1], NEWEST])
async def test_what_an_upstream_writes_is_never_taken_for_a_number(mcp, upstream, version):
    written = '"naftiko-number-00000000000000000000000000000000:1.10"'
    upstream.on("GET", "/answer", raw(written, [written]))
    assert json.loads(await mcp("answer", "{}", version))["result"]["structuredContent"] == {
        "n": json.loads(written),
        "l": [json.loads(written)],
    }


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
async def test_mcp_messages_that_are_no_json_are_told(mcp, upstream, number):
    answer = json.loads(await mcp("post", f'{{"any": {number}}}'))
    assert answer["error"]["code"] == -32700
    assert f"{number} is no JSON" in answer["error"]["message"]
    assert not upstream.requests


@pytest.mark.parametrize("version", [HANDSHAKE[1], NEWEST])
@pytest.mark.parametrize("digits", [5000, 100_001])
async def test_an_integer_of_thousands_of_digits_is_kept_or_refused(mcp, upstream, version, digits):
    answer = json.loads(await mcp("post", f'{{"id": {"9" * digits}}}', version))
    if "result" in answer:
        assert numbers_in(upstream.requests[0].body) == ["9" * digits]
    else:
        assert answer["error"]["code"] == -32700
        assert not upstream.requests


async def test_a_whole_number_is_the_integer_that_is_declared(mcp, upstream):
    """As agents write them whose language has doubles only."""
    await mcp("post", '{"id": 5.0, "amount": 5.0}')
    assert upstream.requests[0].body == b'{"id":5,"amount":5.0}'


async def test_a_tools_schema_shows_the_files_digits(capability):
    async with serving(mcp_app([capability])) as url, httpx.AsyncClient(timeout=LIMIT, trust_env=False) as client:
        asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": HANDSHAKE[-1]}
        for more in ({}, {"params": {"_meta": {"progressToken": 1}}}):
            listed = await client.post(f"{url}/mcp", json={**asked, **more}, headers=headers)
            assert re.search(r'"default": ?1\.10\b', listed.text)
            assert re.search(r'"minimum": ?0\.000000010\b', listed.text)


# MCP over stdio


SCRIPT = """
    import asyncio, sys
    import naftiko
    from naftiko.engine.settings import Settings
    from naftiko.expose.mcp import stdio_server

    async def main():
        settings = Settings(base_uris={"api": sys.argv[2]}, environment={})
        async with naftiko.load(sys.argv[1], settings=settings) as capability:
            await stdio_server(capability)

    asyncio.run(main())
"""


def test_stdio_keeps_the_digits_both_ways(tmp_path, upstream):
    upstream.on("POST", "/body", {"ok": True})
    upstream.on("GET", "/answer", raw("1.10", NUMBERS))
    (tmp_path / "capability.yaml").write_text(CAPABILITY, encoding="utf-8")
    (tmp_path / "serve.py").write_text(textwrap.dedent(SCRIPT), encoding="utf-8")
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    lines = [
        json.dumps({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}),
        json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        message("2025-11-25", "post", f'{{"id": {INTEGERS[0]}, "any": [{", ".join(NUMBERS)}]}}'),
        message("2025-11-25", "answer", "{}").replace('"id": 1', '"id": 2'),
    ]
    command = [sys.executable, str(tmp_path / "serve.py"), str(tmp_path / "capability.yaml"), upstream.url]
    process = forks.start(command, env=forks.surroundings(), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        process.stdin.write("\n".join(lines).encode() + b"\n")
        process.stdin.flush()
        answers = [process.stdout.readline() for _ in range(3)]
        process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait(timeout=60)
    sent = next(request for request in upstream.requests if request.method == "POST")
    assert numbers_in(sent.body) == [INTEGERS[0], *NUMBERS]
    answer = next(line for line in answers if json.loads(line)["id"] == 2)
    structured = re.search(rb'"structuredContent":(\{.*?\})', answer)[1]
    assert numbers_in(structured) == ["1.10", *NUMBERS]
    assert numbers_in(json.loads(answer)["result"]["content"][0]["text"]) == ["1.10", *NUMBERS]


# Any number


DECIMALS = st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?", fullmatch=True)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(DECIMALS, min_size=1, max_size=40))
async def test_any_numbers_arrive_with_their_digits(capability, upstream, numbers):
    """As an argument, as a field of a body, and in an answer that is mapped."""
    upstream.clear()
    upstream.on("GET", "/answer", raw(numbers[0], numbers))
    listed = ", ".join(numbers)
    async with serving(mcp_app([capability])) as url:
        await called(f"{url}/mcp", NEWEST, "post", f'{{"any": [{listed}]}}')
        answer = json.loads(await called(f"{url}/mcp", NEWEST, "answer", "{}"))
    async with serving(rest_app([capability])) as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:
        await client.post("/body", content=f'{{"any": [{listed}]}}', headers={"content-type": "application/json"})
        mapped = await client.get("/answer")
    assert [numbers_in(request.body) for request in upstream.requests if request.method == "POST"] == [numbers] * 2
    assert numbers_in(answer["result"]["content"][0]["text"]) == [numbers[0], *numbers]
    assert numbers_in(mapped.content) == [numbers[0], *numbers]
