"""Prompts: inline and from files, arguments filled in once."""

from __future__ import annotations

import pytest
from mcp.client import Client
from mcp_wire import HANDSHAKE, NEWEST

CAPABILITY = """
naftiko: 1.0.0-alpha2
capability:
  exposes:
    - type: mcp
      namespace: prompts-mcp
      prompts:
        - name: outreach
          label: Outreach
          description: Write to somebody
          arguments:
            - {name: first-name, label: First name, description: Whom}
            - {name: tone, description: How, required: false, enum: [friendly, formal, frank]}
            - {name: lang, description: Language, default: en}
          template:
            - {role: user, content: "Write to {{first-name}} ({{ tone }}, {{lang}}) about {{unknown}}."}
            - {role: assistant, content: "Dear {{first-name}}"}
        - name: summary
          description: From a file
          location: file://prompts/summary.md
          arguments: [{name: topic}]
        - {name: absent, description: No such file, location: file:///nowhere/absent.md}
"""


@pytest.fixture
async def url(serve, tmp_path):
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "summary.md").write_text(r"Sum up {{topic}} in C:\Users\$HOME", encoding="utf-8")
    return f"{await serve(CAPABILITY)}/mcp"


@pytest.fixture(params=[HANDSHAKE[0], "2025-11-25", NEWEST])
def at(request, wire, url):
    return wire(url, request.param)


async def test_lists_prompts_with_arguments_that_are_required_unless_said(at):
    prompts = (await at.ask("prompts/list"))["prompts"]
    assert [prompt["name"] for prompt in prompts] == ["outreach", "summary", "absent"]
    assert prompts[0]["title"] == "Outreach"
    arguments = {argument["name"]: argument for argument in prompts[0]["arguments"]}
    assert {name: argument["required"] for name, argument in arguments.items()} == {
        "first-name": True,
        "tone": False,
        "lang": False,
    }
    assert arguments["first-name"]["title"] == "First name"
    assert "title" not in arguments["tone"]


async def test_fills_in_each_placeholder_once_and_leaves_unknown_ones(at):
    result = await at.ask("prompts/get", {"name": "outreach", "arguments": {"first-name": "{{lang}} \\1"}})
    assert result["description"] == "Write to somebody"
    assert result["messages"] == [
        {"role": "user", "content": {"type": "text", "text": "Write to {{lang}} \\1 (, en) about {{unknown}}."}},
        {"role": "assistant", "content": {"type": "text", "text": "Dear {{lang}} \\1"}},
    ]


async def test_a_file_is_one_message_of_the_user(at):
    result = await at.ask("prompts/get", {"name": "summary", "arguments": {"topic": "solar energy"}})
    assert result["messages"] == [
        {"role": "user", "content": {"type": "text", "text": r"Sum up solar energy in C:\Users\$HOME"}}
    ]


async def test_missing_arguments_are_named_together(at):
    error = await at.error("prompts/get", {"name": "outreach", "arguments": {"tone": "x"}})
    assert (error["code"], error["data"]) == (-32602, {"missing": ["first-name"]})
    assert "`first-name`" in error["message"]


async def test_an_unknown_prompt_has_a_suggestion(at):
    error = await at.error("prompts/get", {"name": "outreech"})
    assert error["code"] == -32602
    assert "did you mean `outreach`?" in error["message"]


async def test_a_file_that_is_not_there_is_an_error_without_its_path(at):
    error = await at.error("prompts/get", {"name": "absent"})
    assert error["code"] == -32603
    assert "nowhere" not in error["message"]


async def test_completes_arguments_from_their_enum(at):
    reference = {"type": "ref/prompt", "name": "outreach"}
    params = {"ref": reference, "argument": {"name": "tone", "value": "F"}}
    completion = (await at.ask("completion/complete", params))["completion"]
    assert completion["values"] == ["friendly", "formal", "frank"]
    params["argument"] = {"name": "first-name", "value": "A"}
    assert (await at.ask("completion/complete", params))["completion"]["values"] == []
    params["ref"] = {"type": "ref/prompt", "name": "nobody"}
    assert (await at.error("completion/complete", params))["code"] == -32602


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_official_client_gets_them(url, mode):
    async with Client(url, mode=mode) as client:
        assert client.server_capabilities.prompts is not None
        assert client.server_capabilities.completions is not None
        got = await client.get_prompt("summary", {"topic": "x"})
    assert got.messages[0].content.text.startswith("Sum up x")
