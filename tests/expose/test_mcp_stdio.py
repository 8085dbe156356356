"""The server over stdin and stdout, as a desktop client starts it: a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

import forks

CAPABILITY = """
naftiko: 1.0.0-alpha2
capability:
  exposes:
    - type: mcp
      namespace: test-mcp-stdio
      transport: stdio
      tools:
        - name: query-database
          description: Query it
          inputParameters: [{name: sql, type: string, description: The query}]
          outputParameters: [{name: echo, type: string, value: "{{sql}}"}]
"""
SCRIPT = """
    import asyncio, logging, os, sys
    import naftiko
    from naftiko.expose.mcp import stdio_server

    logging.basicConfig(level=logging.DEBUG)
    print("a stray line before", file=sys.stderr)

    async def main():
        async with naftiko.load(sys.argv[1]) as capability:
            serving = asyncio.create_task(stdio_server(capability))
            wire = os.fstat(1)
            while os.path.samestat(wire, os.fstat(1)):  # until it is served
                await asyncio.sleep(0)
            print("a stray print must not reach the wire", flush=True)
            await serving

    asyncio.run(main())
"""


@pytest.fixture
def command(tmp_path):
    (tmp_path / "capability.yaml").write_text(CAPABILITY, encoding="utf-8")
    (tmp_path / "serve.py").write_text(textwrap.dedent(SCRIPT), encoding="utf-8")
    return [sys.executable, str(tmp_path / "serve.py"), str(tmp_path / "capability.yaml")]


def started(command):
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return forks.start(command, env=forks.surroundings(**forks.traced()), **streams)


@pytest.mark.parametrize("version", ["2024-11-05", "2025-11-25"])
def test_four_lines_get_three_answers_and_nothing_else(command, version):
    initialize = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    lines = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": initialize},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
        {"jsonrpc": "2.0", "id": 3, "method": "ping"},
    ]
    process = started(command)
    try:
        process.stdin.write(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
        process.stdin.flush()
        answers = [json.loads(process.stdout.readline()) for _ in range(3)]
        rest, log = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait(timeout=60)
    by_id = {answer["id"]: answer["result"] for answer in answers}
    assert by_id[1]["protocolVersion"] == version
    assert by_id[1]["serverInfo"]["name"] == "test-mcp-stdio"
    assert [tool["name"] for tool in by_id[2]["tools"]] == ["query-database"]
    assert by_id[3] == {}
    assert rest == b""
    assert process.returncode == 0
    assert b"stray print" in log


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_official_client_calls_a_tool(command, mode):
    async with Client(StdioServerParameters(command=command[0], args=command[1:]), mode=mode) as client:
        result = await client.call_tool("query-database", {"sql": "select 1"})
        failed = await client.call_tool("query-database", {})
    assert result.structured_content == {"echo": "select 1"}
    assert failed.is_error


INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "t", "version": "1"},
}


def test_a_line_that_can_not_be_read_is_answered_and_logged_and_the_next_one_is_served(command):
    sent = [
        b"\xef\xbb\xbf"
        + json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": INITIALIZE}).encode(),
        b'{"jsonrpc": "2.0", "id": 1.5, "method": "ping"}',
        b'{"jsonrpc": "2.0", "id": null, "method": "ping"}',
        b'{"jsonrpc": "2.0", "id"',
        b"",
        b"[1]",
        b'{"jsonrpc": "2.0", "id": 9}',
        b'{"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "query-database", "arguments": {"sql": "\\ud83d"}}}',
    ]
    process = started(command)
    try:
        process.stdin.write(b"\n".join(sent) + b"\n")
        process.stdin.flush()
        answers = [json.loads(process.stdout.readline()) for _ in range(7)]
        rest, log = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait(timeout=60)
    errors = [answer["error"]["code"] for answer in answers if "error" in answer]
    assert errors == [-32600, -32600, -32700, -32600, -32600]
    assert [answer["id"] for answer in answers if "error" in answer] == [None, None, None, None, 9]
    by_id = {answer["id"]: answer["result"] for answer in answers if "result" in answer}
    assert by_id[1]["serverInfo"]["name"] == "test-mcp-stdio"
    assert by_id[2]["structuredContent"] == {"echo": "\ufffd"}
    assert rest == b""
    assert log.count(b"a line on stdin is not served") == 5
