"""What callers get when Koyeb fails: the statuses, problem documents and tool errors of SEMANTICS 6 and 7."""

from __future__ import annotations

import time

import httpx
import pytest
from examples.koyeb import stand_in_koyeb
from mcp.client import Client
from served import FIRST, FREE, get, served
from starlette.responses import Response

from naftiko.testing import BrokenJson, Cut, Drip, Fail, Flood, HangUp, Stall, refused_url

TOKEN = "koyeb-secret-token-1234"
TIME_LIMIT = 2.0
PATIENCE = 60.0
"""Seconds that a busy machine may need for what takes a moment; what stalls stalls longer."""
ROUTE = "/v1/v1/instances"
PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def koyeb():
    with stand_in_koyeb(TOKEN) as standing_in:
        yield standing_in


@pytest.fixture(scope="module")
def running(koyeb):
    """One process for all faults: none of them may harm the next call."""
    options = ["--base-uri", f"koyeb-instances={koyeb.url}", "--timeout", str(TIME_LIMIT)]
    with served(FIRST, *FREE, *options, env={"KOYEB_API_KEY": TOKEN}) as process:
        get(process.rest + ROUTE)  # the first call imports what calls need, which takes a busy machine its time
        yield process
        assert process.stop() == 0
        assert TOKEN not in process.said()


@pytest.fixture
async def both(koyeb, running):
    """Call list-instances over REST and over MCP; return the answer and the tool result."""

    async def call(fault) -> tuple[httpx.Response, object]:
        started = time.monotonic()
        if fault is not None:
            koyeb.misbehave(fault)
        try:
            async with httpx.AsyncClient(base_url=running.rest, trust_env=False, timeout=60) as rest:
                answer = await rest.get(ROUTE, params={"limit": "2"})
            async with Client(running.mcp) as agent:
                result = await agent.call_tool("list-instances", {"limit": "2"})
        finally:
            koyeb.behave()
        assert time.monotonic() - started < PATIENCE, "it hung"
        for text in (answer.text, str(answer.headers), result.content[0].text):
            assert TOKEN not in text
            assert "Traceback" not in text
            assert "Error(" not in text
        return answer, result

    return call


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [
        (HangUp(), 502, "upstream-broken"),
        (Stall(300), 504, "upstream-timeout"),
        (Drip(b'{"instances": [], "count": 0, "limit": 2, "offset": 0}', pause=0.2), 504, "upstream-timeout"),
        (Cut(after=12), 502, "upstream-broken"),
        (Cut(after=12, chunked=True), 502, "upstream-broken"),
        (Flood(size=80 * 1024 * 1024, announced=True), 502, "upstream-broken"),
        (Fail(401, {"message": "Token rejected"}), 502, "upstream-refused-credential"),
    ],
    ids=[
        "hangs up",
        "stalls",
        "drips",
        "cuts",
        "cuts a chunk",
        "floods",
        "401 to our own credential",
    ],
)
async def test_a_fault_of_the_upstream_is_a_problem_of_ours(both, fault, status, kind):
    answer, result = await both(fault)
    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    assert problem["status"] == status
    assert problem["type"] == f"urn:naftiko:problem:{kind}"
    assert problem["operation"] == "koyeb-instances.listinstances"
    assert problem["title"]
    assert problem["detail"]
    assert result.is_error
    assert result.structured_content is None
    assert "list-instances" in result.content[0].text


@pytest.mark.parametrize(
    ("status", "message", "headers"),
    [
        (404, "Instance not found", {}),
        (429, "Slow down, please", {"retry-after": "7"}),
        (500, "Koyeb is on fire", {}),
        (503, "Back soon", {"retry-after": "60"}),
    ],
)
async def test_an_upstreams_own_error_passes_through(both, status, message, headers):
    """Status, body, media type and Retry-After come back as they are; an agent reads status and message."""
    body = {"status": status, "code": "some_code", "message": message}
    answer, result = await both(Fail(status, body, headers))
    assert (answer.status_code, answer.json()) == (status, body)
    assert answer.headers["content-type"] == "application/json"
    assert {name: answer.headers[name] for name in headers} == headers
    text = result.content[0].text
    assert result.is_error
    assert str(status) in text
    assert message in text


async def test_an_html_error_page_is_an_excerpt_for_agents(both):
    page = f"<html><head><title>Bad Gateway</title></head><body>{'<p>noise</p>' * 5000}</body></html>"
    answer, result = await both(lambda _: Response(page, 502, media_type="text/html"))
    assert (answer.status_code, answer.text) == (502, page)
    assert "Bad Gateway" in result.content[0].text
    assert len(result.content[0].text) < 1500


async def test_json_that_is_broken_is_passed_on_as_bytes_and_told_to_agents(both):
    answer, result = await both(BrokenJson())
    assert (answer.status_code, answer.content) == (200, BrokenJson().body)
    assert result.is_error
    assert "it is not JSON" in result.content[0].text


async def test_after_all_that_it_still_answers(both, koyeb):
    answer, result = await both(None)
    assert answer.status_code == 200
    assert answer.json() == result.structured_content
    assert answer.json()["count"] == len(koyeb.instances)


async def test_an_upstream_that_is_down(tmp_path):
    """A refused connection is 502 at once, and the text names where it tried to connect."""
    with (
        refused_url() as nobody,
        served(FIRST, *FREE, "--base-uri", f"koyeb-instances={nobody}", env={"KOYEB_API_KEY": TOKEN}) as process,
    ):
        answer = get(process.rest + ROUTE)
        assert answer.status_code == 502
        assert answer.json()["type"] == "urn:naftiko:problem:upstream-unreachable"
        async with Client(process.mcp) as agent:
            result = await agent.call_tool("list-instances", {})
        assert result.is_error
        assert TOKEN not in answer.text + result.content[0].text
        assert process.stop() == 0


async def test_a_missing_variable_is_told_and_nothing_is_sent(koyeb):
    koyeb.clear()
    with served(FIRST, *FREE, "--base-uri", f"koyeb-instances={koyeb.url}") as process:
        answer = get(process.rest + ROUTE)
        problem = answer.json()
        assert (answer.status_code, problem["type"]) == (503, "urn:naftiko:problem:missing-variable")
        assert "KOYEB_API_KEY" in problem["detail"]
        async with Client(process.mcp) as agent:
            result = await agent.call_tool("list-instances", {})
        assert result.is_error
        assert "KOYEB_API_KEY" in result.content[0].text
    assert koyeb.requests == []


async def test_bad_inputs_are_told_together(running, koyeb):
    """All problems of a request in one answer; nothing is sent."""
    koyeb.clear()
    answer = get(
        f"{running.rest}/v1/v1/streams/instances/exec",
        params={"body.tty_size.height": "tall", "body.tty_size.width": "wide"},
    )
    assert (answer.status_code, answer.headers["content-type"]) == (400, PROBLEM)
    assert {error["name"] for error in answer.json()["errors"]} == {"body.tty_size.height", "body.tty_size.width"}
    async with Client(running.mcp) as agent:
        result = await agent.call_tool("exec-command", {"body.tty_size.height": "tall"})
        missing = await agent.call_tool("get-instance", {})
    assert result.is_error
    assert "body.tty_size.height" in result.content[0].text
    assert missing.is_error
    assert "id" in missing.content[0].text
    assert koyeb.requests == []


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/nothing", 404, None),
        ("POST", ROUTE, 405, "GET, HEAD, OPTIONS"),
        ("OPTIONS", ROUTE, 204, "GET, HEAD, OPTIONS"),
        ("HEAD", ROUTE, 200, None),
    ],
)
def test_methods_and_paths_that_are_not_there(running, method, path, status, allow):
    answer = httpx.request(method, running.rest + path, trust_env=False)
    assert answer.status_code == status
    assert answer.headers.get("allow") == allow
    if status >= 400:
        assert answer.headers["content-type"] == PROBLEM
    if method == "HEAD":
        assert answer.content == b""
        assert int(answer.headers["content-length"]) > 0
