"""Scripts of a server: over REST and MCP, beside large answers, and what the control port shows and changes of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from mcp.client.client import Client
from served import LIMIT, Served, run, served

from naftiko.testing import StandInUpstream

FILE = """\
naftiko: 1.0.0-beta5
info: {{label: Harbour}}
consumes:
- {{type: http, namespace: up, baseUri: "{upstream}", resources: [{{name: p, path: /ships, operations: [{{name: list, method: GET}}]}}]}}
aggregates:
- namespace: lib
  functions:
  - name: count
    description: Count ships.
    inputParameters: [{{name: kind, type: string, required: false}}]
    steps:
    - {{type: call, name: ships, call: up.list}}
    - {{type: script, name: counted, file: count.js, with: {{fail: "{{{{kind}}}}"}}}}
    - {{type: script, name: again, file: again.py, language: python}}
exposes:
- type: rest
  namespace: front
  port: 8080
  resources: [{{name: count, path: /count, operations: [{{name: count, method: GET, ref: lib.count}}]}}]
- type: mcp
  namespace: tools
  port: 9090
  tools: [{{name: count, ref: lib.count}}]
- type: control
  port: 9464
  management: {{scripting: {{defaultLocation: "file://scripts", defaultLanguage: javascript}}}}
"""  # fmt: skip
PORTS = ("--port", "rest=0", "--port", "mcp=0", "--port", "control=0")
FEW = [{"id": n} for n in range(3)]
MANY = [{"id": n, "name": f"ship {n} of the line"} for n in range(20_000)]


@pytest.fixture(scope="module")
def upstream() -> Iterator[StandInUpstream]:
    with StandInUpstream() as stand_in:
        stand_in.on("GET", "/ships", FEW)
        yield stand_in


@pytest.fixture(scope="module", params=["1", "2"], ids=["one process", "two workers"])
def running(request, tmp_path_factory, upstream) -> Iterator[Served]:
    path = tmp_path_factory.mktemp("scripting") / "harbour.yaml"
    scripts = path.parent / "scripts"
    scripts.mkdir()
    (scripts / "count.js").write_text(
        "if (context.fail) throw new Error('no such kind');\nresult = context.ships.length"
    )
    (scripts / "again.py").write_text("result = {'n': context['counted']}\n")
    path.write_text(FILE.format(upstream=upstream.url))
    with served(path, *PORTS, "--workers", request.param, ready=("rest ", "mcp ", "control ")) as found:
        yield found


def get(url: str) -> httpx.Response:
    return httpx.get(url, trust_env=False, timeout=LIMIT)


@pytest.fixture
def port(running) -> str:
    return str(httpx.URL(running.url("control")).port)


def test_over_rest_and_mcp(running):
    assert get(f"{running.rest}/count").json() == {"n": 3}

    async def called() -> object:
        async with Client(running.mcp) as client:
            return (await client.call_tool("count", {})).structured_content

    assert asyncio.run(called()) == {"n": 3}


def test_a_large_answer_is_worked_on_elsewhere_and_its_scripts_here(running, upstream):
    upstream.on("GET", "/ships", MANY)
    try:
        assert get(f"{running.rest}/count").json() == {"n": 20_000}
    finally:
        upstream.on("GET", "/ships", FEW)


def test_a_script_that_fails_is_a_step_that_fails(running):
    answer = get(f"{running.rest}/count?kind=x")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    problem = answer.json()
    assert problem["detail"].endswith("Script step 'counted' failed: Error: no such kind (count.js:1:29)")
    assert problem["type"] == "urn:naftiko:problem:script-failed"

    async def called() -> tuple[bool, str]:
        async with Client(running.mcp) as client:
            found = await client.call_tool("count", {"kind": "x"})
            return found.is_error, found.content[0].text

    is_error, text = asyncio.run(called())
    assert is_error
    assert "Script step 'counted' failed: Error: no such kind" in text


def test_the_control_port_shows_and_changes_what_scripts_may_do(running, port):
    control = running.url("control")
    before = get(f"{control}/scripting").json()
    assert (before["enabled"], before["defaultLocation"], before["timeout"]) == (True, "file://scripts", 60_000)
    get(f"{running.rest}/count")
    stats = get(f"{control}/scripting").json()["stats"]
    assert stats["totalExecutions"] >= before["stats"]["totalExecutions"] + 2
    assert set(stats) == {"totalExecutions", "totalErrors", "averageDurationMs", "lastExecutionAt"}
    changed = httpx.put(f"{control}/scripting", json={"enabled": False}, trust_env=False, timeout=LIMIT)
    assert (changed.status_code, changed.json()["enabled"]) == (200, False)
    for _ in range(8):  # whichever worker answers
        assert "Scripting is disabled" in get(f"{running.rest}/count").json()["detail"]
    said = run("scripting", "--port", port, "--set", "enabled=true", "--set", "allowedLanguages=javascript,python")
    assert said.stdout.splitlines()[:2] == ["Scripting configuration updated.", "Scripting: ENABLED"]
    assert '  Allowed:   ["javascript","python"]' in said.stdout
    assert get(f"{running.rest}/count").json() == {"n": 3}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"timeout": 0}, "'timeout' must be greater than or equal to 1"),
        ({"timeout": 1.5}, "'timeout' must be an integer greater than or equal to 1"),
        ({"defaultLocation": "./x"}, "'defaultLocation' must be an absolute file:/// URI"),
        ({"defaultLanguage": "ruby"}, "Unsupported language 'ruby'. Supported: [python, javascript, groovy]"),
        ({"allowedLanguages": "javascript"}, "'allowedLanguages' must be an array"),
        ({"enabled": "x"}, "'enabled' must be true or false"),
    ],
)
def test_what_can_not_be_meant_changes_nothing(running, change, error):
    url = f"{running.url('control')}/scripting"
    before = get(url).json()
    answer = httpx.put(url, json={"statementLimit": 5, **change}, trust_env=False, timeout=LIMIT)
    assert (answer.status_code, answer.json()) == (400, {"error": error})
    assert get(url).json()["statementLimit"] == before["statementLimit"]


def test_the_command_says_what_is_wrong(running, port):
    assert "Unknown scripting field: foo" in run("scripting", "--port", port, "--set", "foo=1").stderr
    assert "'timeout' must be greater" in run("scripting", "--port", port, "--set", "timeout=0").stderr
    assert "no whole number" in run("scripting", "--port", port, "--set", "timeout=x").stderr
    assert run("scripting", "--port", port).stdout.startswith("Scripting: ENABLED\n  Location:  file://scripts\n")


def test_what_a_file_reads_is_said(running, tmp_path: Path):
    (tmp_path / "c.yaml").write_text(FILE.format(upstream="http://127.0.0.1:1"))
    said = json.loads(run("inspect", str(tmp_path / "c.yaml"), "--format", "json").stdout)
    assert "count.js" in json.dumps(said)
