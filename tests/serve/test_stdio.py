"""MCP over stdin and stdout, as a desktop client starts it."""

from __future__ import annotations

import json
import signal
import subprocess
import threading

import pytest
from examples.koyeb import stand_in_koyeb
from mcp import StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client
from served import FIRST, FREE, LIMIT, NAFTIKO, SEED, run, served, surroundings, tools_of

import forks

TOKEN = "koyeb-secret-token-1234"


@pytest.fixture(scope="module")
def koyeb():
    with stand_in_koyeb(TOKEN) as standing_in:
        yield standing_in


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("said_by", ["the option", "the file"])
async def test_stdio_as_a_desktop_client_starts_it(koyeb, tmp_path, mode, said_by):
    """The configuration of the README: command, arguments, environment; what it says goes to stderr."""
    koyeb.clear()
    file, options = FIRST, ["--transport", "stdio"]
    if said_by == "the file":
        text = FIRST.read_text("utf-8")
        mcp_alone = text[: text.index("  - type: rest")] + text[text.index("  - type: mcp") :]
        file, options = tmp_path / "capability.yaml", []
        file.write_text(
            mcp_alone.replace("transport: http", "transport: stdio").replace("    port: 9090\n", ""), "utf-8"
        )
    parameters = StdioServerParameters(
        command=str(NAFTIKO),
        args=["serve", str(file), *options, "--base-uri", f"koyeb-instances={koyeb.url}"],
        env={"KOYEB_API_KEY": TOKEN},
    )
    with (tmp_path / "stderr").open("w+") as errors:
        async with Client(stdio_client(parameters, errlog=errors), mode=mode) as agent:
            assert len(await tools_of(agent)) == 4
            result = await agent.call_tool("list-instances", {"limit": "2"})
            assert result.structured_content["count"] == len(koyeb.instances)
        errors.seek(0)
        said = errors.read()
    assert "Traceback" not in said
    assert koyeb.requests[0].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("end", ["stdin closes", "SIGTERM", "SIGINT"])
def test_stdio_ends_with_its_client(end):
    command = [NAFTIKO, "serve", SEED, "--transport", "stdio"]
    with forks.start(
        command, env=surroundings(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        hello = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": {"name": "t", "version": "1"},
            },
        }
        timer = threading.Timer(LIMIT, process.kill)
        timer.start()
        process.stdin.write(json.dumps(hello) + "\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["result"]["serverInfo"]["name"] == "koyeb-instances-mcp"
        if end == "stdin closes":
            process.stdin.close()
        else:
            process.send_signal(getattr(signal, end))
        assert process.wait(LIMIT) == 0
        timer.cancel()
        assert process.stdout.read() == ""
        assert "Traceback" not in process.stderr.read()


def test_a_file_with_rest_and_stdio(tmp_path):
    """REST listens; what is for stdio is told, and started by a client with the option."""
    file = tmp_path / "capability.yaml"
    text = FIRST.read_text("utf-8").replace("transport: http", "transport: stdio").replace("    port: 9090\n", "")
    file.write_text(text, "utf-8")
    with served(file, *FREE, "--mock", ready=("rest ",)) as process:
        [told] = process.errors
        assert told.startswith(f"not listening: {file}: koyeb-instances-mcp: it is for stdio")
        assert process.stop() == 0


def test_stdio_needs_an_mcp_adapter(tmp_path):
    file = tmp_path / "capability.yaml"
    text = FIRST.read_text("utf-8")
    file.write_text(text[: text.index("  - type: mcp")], "utf-8")
    done = run("serve", str(file), "--transport", "stdio")
    assert done.returncode == 1
    assert "the files expose nothing over MCP" in done.stderr


def test_what_is_for_operators_is_told_not_to_listen_beside_stdio(tmp_path):
    file = tmp_path / "capability.yaml"
    file.write_text(FIRST.read_text("utf-8") + "  - type: control\n    port: 9464\n", "utf-8")
    command = [NAFTIKO, "serve", file, "--transport", "stdio", "--probe-port", "9465"]
    done = forks.run(command, env=surroundings(), stdin=subprocess.DEVNULL, timeout=LIMIT)
    told = [line for line in done.stderr.splitlines() if "not listening" in line]
    why = "stdin and stdout are served, and nothing listens beside them"
    assert told == [f"not listening: {file}: control: {why}", f"not listening: --probe-port: {why}"]
