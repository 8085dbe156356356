"""The MCP Inspector's command line, a client not written here: over HTTP and stdio, at both eras of the protocol."""

from __future__ import annotations

import base64
import json

import pytest
from conformance_serving import CAPABILITY, NAFTIKO, served
from conformance_upstream import PNG, stand_in_fixtures

pytestmark = pytest.mark.conformance


@pytest.fixture(scope="module")
def upstream():
    with stand_in_fixtures() as standing_in:
        yield standing_in


@pytest.fixture(scope="module")
def url(upstream):
    with served(upstream.url) as served_url:
        yield served_url


@pytest.fixture(params=["http, legacy", "http, modern", "stdio"])
def ask(request, tools, upstream, url):
    """Ask for a method's result as a user of the Inspector does."""

    def asked(*arguments):
        if request.param == "stdio":
            command = [NAFTIKO, "serve", CAPABILITY, "--transport", "stdio", "--base-uri", f"fixtures={upstream.url}"]
            target = ["--", *map(str, command)]
        else:
            era = request.param.rpartition(" ")[2]
            target = ["--transport", "http", "--server-url", url, "--protocol-era", era]
        done = tools.run(tools.inspector, "--cli", *arguments, "--format", "json", *target)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)["result"]

    return asked


def test_lists_tools_whose_schemas_pass_its_lint(ask):
    """With --strict it exits with 6 where another client could not read a schema."""
    names = [tool["name"] for tool in ask("--method", "tools/list", "--strict")["tools"]]
    assert names[0] == "test_simple_text"
    assert "json_schema_2020_12_tool" in names


def test_calls_tools(ask):
    result = ask("--method", "tools/call", "--tool-name", "typed_output", "--tool-arg", "id=7")
    assert result["structuredContent"] == {"id": "7", "tags": ["a", "b"]}
    [image] = ask("--method", "tools/call", "--tool-name", "test_image_content")["content"]
    assert (image["type"], image["mimeType"], base64.b64decode(image["data"])) == ("image", "image/png", PNG)


def test_reads_resources(ask):
    [contents] = ask("--method", "resources/read", "--uri", "test://template/123/data")["contents"]
    assert json.loads(contents["text"])["data"] == "Data for ID: 123"
    [contents] = ask("--method", "resources/read", "--uri", "test://files/review.md")["contents"]
    assert contents["text"] == "Please review {{topic}}.\n"


def test_gets_prompts(ask):
    arguments = ("--prompt-args", "arg1=here", "arg2=there")
    [message] = ask("--method", "prompts/get", "--prompt-name", "test_prompt_with_arguments", *arguments)["messages"]
    assert message["content"]["text"] == "Prompt with arguments: arg1='here', arg2='there'"
