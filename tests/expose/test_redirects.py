"""A redirect that is not followed is no success, whoever asked (SEMANTICS 4.7)."""

from __future__ import annotations

import contextlib

import httpx
import pytest
from mcp_wire import NEWEST, Wire, serving
from rest_serving import assert_problem
from starlette.responses import RedirectResponse, Response

import naftiko
from naftiko.engine.settings import Settings
from naftiko.expose.mcp import mcp_app
from naftiko.expose.rest import rest_app

TOKEN = "s3cr3t-of-the-server"
SIGNED = "https://files.example/report.pdf?X-Amz-Credential=AKIA&X-Amz-Signature=deadbeef"
CAPABILITY = """
naftiko: 1.0.0-alpha2
capability:
  aggregates:
    - label: Reports
      namespace: reports
      functions:
        - {name: fetch, description: Fetch, call: api.read}
  consumes:
    - type: http
      namespace: api
      baseUri: http://unused.invalid
      authentication: {type: bearer, token: "{{env.TOKEN}}"}
      resources:
        - path: /report
          operations:
            - {name: read, method: GET}
            - {name: write, method: POST, inputParameters: [{name: body, in: body, type: object}]}
            - {name: replace, method: PUT, inputParameters: [{name: body, in: body, type: object}]}
        - path: /table
          operations: [{name: table, method: GET, outputRawFormat: csv}]
        - path: /other
          operations: [{name: other, method: GET, inputParameters: [{name: id, in: query, type: string}]}]
  exposes:
    - type: rest
      namespace: front
      resources:
        - path: /report
          operations:
            - {name: read, method: GET, call: api.read}
            - {name: write, method: POST, call: api.write}
        - path: /function
          operations: [{name: function, method: GET, ref: reports.fetch}]
        - path: /table
          operations: [{name: table, method: GET, call: api.table}]
        - path: /mapped
          operations:
            - {name: mapped, method: GET, call: api.read, outputParameters: [{name: a, type: string, mapping: $.a}]}
        - path: /flow
          operations:
            - name: flow
              method: GET
              steps:
                - {type: call, name: first, call: api.read}
                - {type: call, name: second, call: api.other, with: {id: $.first.id}}
        - path: /raw/{path}
          forward: {targetNamespace: api}
    - type: mcp
      namespace: tools
      tools:
        - {name: read, description: Read, call: api.read}
        - {name: write, description: Write, call: api.write}
        - {name: replace, description: Replace, call: api.replace}
        - {name: function, description: Function, ref: reports.fetch}
        - {name: mapped, description: Mapped, call: api.read, outputParameters: [{name: a, type: string, mapping: $.a}]}
        - name: flow
          description: Two steps
          steps:
            - {type: call, name: first, call: api.read}
            - {type: call, name: second, call: api.other, with: {id: $.first.id}}
      resources:
        - {name: report, uri: "reports://it", description: It, mimeType: application/json, call: api.read}
"""


@pytest.fixture
async def served(upstream):
    """A REST client and an MCP wire of one capability in front of the stand-in."""
    settings = Settings(base_uris={"*": upstream.url}, environment={"TOKEN": TOKEN})
    capability = naftiko.loads(CAPABILITY, settings=settings)
    assert not capability.errors
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(capability)
        rest = await stack.enter_async_context(serving(rest_app(capability)))
        mcp = await stack.enter_async_context(serving(mcp_app(capability)))
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=rest, timeout=60, trust_env=False))
        yield client, Wire(client, f"{mcp}/mcp", NEWEST)


def leaving(upstream, status, location=SIGNED):
    upstream.misbehave(lambda _: Response(b"elsewhere", status, {"Location": location, "X-Internal": "1"}))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_tool_says_where_it_was_sent_and_what_to_do(served, upstream, status):
    """With the target, but nothing of a query that may be signed; nothing else is called."""
    leaving(upstream, status)
    for tool in ("read", "write", "replace", "function", "mapped", "flow"):
        upstream.clear()
        result = await served[1].call(tool, {"body": {"a": 1}} if tool in {"write", "replace"} else {})
        _assert_told(result, tool, status)
        assert [request.raw_path for request in upstream.requests] == ["/report"]


def _assert_told(result, tool, status):
    text = result["content"][0]["text"]
    assert result["isError"] is True
    assert "the upstream redirects elsewhere (status 502 Bad Gateway)" in text
    assert f"answered {status} and redirects to https://files.example/report.pdf?…, another origin" in text
    assert "--base-uri api=URL" in text
    assert ("look whether it was done" in text) is (tool in {"write", "replace"})
    assert ("Step: first" in text) is (tool == "flow")
    assert "AKIA" not in text
    assert TOKEN not in text


async def test_a_resource_that_is_elsewhere_is_an_error(served, upstream):
    leaving(upstream, 302)
    error = await served[1].error("resources/read", {"uri": "reports://it"})
    assert "redirects to https://files.example/report.pdf?…" in error["message"]


@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308])
async def test_a_route_that_passes_answers_on_passes_a_redirect_on(served, upstream, status):
    leaving(upstream, status)
    for method, path in (("GET", "/report"), ("POST", "/report"), ("GET", "/function")):
        response = await served[0].request(method, path, json={} if method == "POST" else None)
        assert (response.status_code, response.content, response.headers["location"]) == (status, b"elsewhere", SIGNED)
        assert "x-internal" not in response.headers


async def test_a_route_that_makes_its_answer_fails(served, upstream):
    leaving(upstream, 302)
    for path, step in (("/mapped", None), ("/flow", "first"), ("/table", None)):
        problem = assert_problem(await served[0].get(path), 502, "upstream-redirect")
        assert "https://files.example/report.pdf?…" in problem["detail"]
        assert "AKIA" not in str(problem)
        assert problem.get("step") == step


async def test_a_redirect_that_repeats_our_credential_is_not_passed_on(served, upstream):
    leaving(upstream, 302, f"https://elsewhere.example/?key={TOKEN}")
    response = await served[0].get("/report")
    assert TOKEN not in str(assert_problem(response, 502, "upstream-redirect"))
    assert "location" not in response.headers


@pytest.mark.parametrize("status", [301, 302])
async def test_a_write_is_not_made_a_read(served, upstream, status):
    """Within the origin too: the answer of an empty GET would look like the write's."""
    upstream.on("POST", "/report", RedirectResponse("/landed", status))
    upstream.on("*", "/landed", {"landed": True})
    result = await served[1].call("write", {"body": {"a": 1}})
    assert result["isError"] is True
    assert "/landed, without saying that the POST is to be sent there" in result["content"][0]["text"]
    assert [request.method for request in upstream.requests] == ["POST"]


async def test_what_is_followed_is_followed_with_all_of_it(served, upstream):
    upstream.on("POST", "/report", RedirectResponse("landed", 308))
    upstream.on("*", "/landed", lambda request: {"method": request.method, "body": request.body.decode()})
    result = await served[1].call("write", {"body": {"a": 1}})
    assert result["structuredContent"] == {"method": "POST", "body": '{"a":1}'}
    assert [request.headers["authorization"] for request in upstream.requests] == [f"Bearer {TOKEN}"] * 2


async def test_not_modified_is_passed_on_and_no_content_elsewhere(served, upstream):
    upstream.misbehave(lambda _: Response(status_code=304, headers={"ETag": '"1"'}))
    response = await served[0].get("/report")
    assert (response.status_code, response.headers["etag"]) == (304, '"1"')
    assert (await served[1].call("read"))["isError"] is False


async def test_a_circle_is_an_error_everywhere(served, upstream):
    leaving(upstream, 302, "/report")
    assert "circle" in assert_problem(await served[0].get("/report"), 502, "upstream-broken")["detail"]
    assert "circle" in (await served[1].call("read"))["content"][0]["text"]


async def test_a_forwarded_redirect_passes_as_it_is(served, upstream):
    leaving(upstream, 302)
    response = await served[0].get("/raw/report")
    assert (response.status_code, response.content) == (302, b"elsewhere")
    assert (response.headers["location"], response.headers["x-internal"]) == (SIGNED, "1")
