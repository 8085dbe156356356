"""Names that no file system has, of files and of callers: nothing falls over, and no path of the server is told."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from raw_http import ask
from served import served

from naftiko.cli.application import application

LONG = "n" * 300
JSON = {
    "Content-Type": "application/json",
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": "2025-06-18",
}
FILE = """\
naftiko: 1.0.0-alpha2
capability:
  exposes:
    - type: mcp
      namespace: tools
      port: 9090
      tools: [{{name: hello, description: Greets., outputParameters: [{{name: a, type: string, value: b}}]}}]
      resources:
        - {{name: docs, description: d, uri: "docs://x", location: "file://{folder}"}}
        - {{name: one, description: d, uri: "one://x", location: "file://{folder}/a.txt"}}
        - {{name: long, description: d, uri: "long://x", location: "file://{folder}/{long}"}}
        - {{name: nul, description: d, uri: "nul://x", location: "file://{folder}/a\\0b"}}
        - {{name: half, description: d, uri: "half://x", location: "file://{folder}/a.txt/b/c"}}
      prompts:
        - {{name: long, description: d, location: "file://{folder}/{long}"}}
        - {{name: deep, description: d, location: "file://{folder}/{deep}"}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("hidden-place")
    (made / "a.txt").write_text("hello")
    (made / "tools.yaml").write_text(FILE.format(folder=made, long=LONG, deep="/".join([LONG] * 30)))
    return made


@pytest.fixture(scope="module")
def site(folder):
    with served(folder / "tools.yaml", "--port", "mcp=0", ready=("mcp ",)) as running:
        yield running


def asked(site, method: str, **params: str):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    return ask(site.mcp, "POST", "/mcp", JSON, body)


@pytest.mark.parametrize(
    "uri",
    [
        *(
            f"docs://x/{LONG}",
            f"docs://x/{'a/' * 3000}b",
            f"docs://x/{'a' * 100_000}",
            "docs://x/\ud800",
            "docs://x/a%00b",
        ),
        *(
            f"one://x/{LONG}",
            "one://x/b",
            "long://x",
            f"long://x/{LONG}",
            "nul://x",
            "half://x",
            "docs://x/%ff%fe",
            "docs://x",
        ),
    ],
    ids=lambda uri: ascii(uri[:20]),
)
def test_a_resource_that_can_not_be_is_not_found_and_tells_no_path(site, folder, uri):
    answer = asked(site, "resources/read", uri=uri)
    assert "Resource not found" in answer.body
    assert folder.name not in answer.body
    assert "Errno" not in answer.body


@pytest.mark.parametrize("name", ["long", "deep", LONG, "\ud800"], ids=lambda name: ascii(name[:20]))
def test_a_prompt_that_can_not_be_read_tells_no_path(site, folder, name):
    answer = asked(site, "prompts/get", name=name)
    assert "error" in json.loads(answer.body)
    assert folder.name not in answer.body


def test_all_else_is_served(site):
    assert "hello" in asked(site, "resources/read", uri="docs://x/a.txt").body
    assert "hello" in asked(site, "resources/read", uri="one://x").body
    assert "hello" in asked(site, "tools/list").body
    assert "docs://x/a.txt" in asked(site, "resources/list").body


@pytest.mark.parametrize(
    "command", [[], ["serve"], ["validate"], ["install", "--client", "cursor", "--print"], ["health"]], ids=str
)
@pytest.mark.parametrize(
    "word", ["n" * 300, "n/" * 3000, "a\0b", "n" * 300 + ".yaml"], ids=["long", "deep", "nul", "file"]
)
def test_words_of_the_command_line_too(command, word):
    done = CliRunner().invoke(application, [*command, word])
    assert done.exit_code == 2, done.output
    assert "Traceback" not in done.output
    assert isinstance(done.exception, SystemExit)
