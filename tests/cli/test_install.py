"""``naftiko install``: what clients are told of naftiko, and that their files stay what they were beside it."""

from __future__ import annotations

import json
import os
import shlex
import stat
import sys
from pathlib import Path

import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from naftiko.cli.clients import CLIENTS
from naftiko.cli.clients import known as client
from naftiko.cli.clients.launch import naftiko

CAPABILITY = """
naftiko: 1.0.0-alpha2
binds:
  - {namespace: desk-env, keys: {DESK_TOKEN: DESK_TOKEN_IN_ENV}}
  - {namespace: stored, location: "file://./stored.yaml", keys: {STORED: stored}}
capability:
  consumes:
    - type: http
      namespace: desk
      baseUri: "https://{{env.DESK_HOST}}/v1"
      authentication: {type: bearer, token: "{{DESK_TOKEN}}"}
      resources:
        - path: /tickets/{id}
          inputParameters: [{name: X-Stored, in: header, value: "{{stored.STORED}}"}]
          operations: [{name: get-ticket, method: GET}]
  exposes:
    - type: rest
      port: 8080
      namespace: desk-rest
      resources: [{path: "/tickets/{id}", operations: [{method: GET, call: desk.get-ticket}]}]
    - type: mcp
      port: 9191
      namespace: desk tools
      authentication: {type: bearer, token: "{{env.DESK_CALLERS}}"}
      tools: [{name: get-ticket, description: A ticket, call: desk.get-ticket}]
"""
OTHERS = """\
{
    // what I had before
    "inputs": [], /* "servers": {} */
    "servers": {
        "other": {"command": "other", "args": ["// no comment", ",}"],}, // mine
    },
}
"""
SECRET = "hunter2-in-the-shell"


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A home directory of its own, in which the command runs too."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("XDG_CONFIG_HOME", "DESK_TOKEN_IN_ENV", "DESK_HOST"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "stored.yaml").write_text("stored: kept in a file\n")
    return tmp_path


@pytest.fixture
def desk(home) -> Path:
    file = home / "desk.yaml"
    file.write_text(CAPABILITY)
    return file


def started(*arguments: str) -> dict:
    command, *first = naftiko()
    return {"command": command, "args": [*first, "serve", *arguments]}


# What clients are told


@pytest.mark.parametrize(
    ("name", "key", "transport", "reference"),
    [
        ("claude-desktop", "mcpServers", {}, None),
        ("claude-code", "mcpServers", {"type": "stdio"}, "${%s}"),
        ("cursor", "mcpServers", {}, "${env:%s}"),
        ("vscode", "servers", {"type": "stdio"}, "${env:%s}"),
    ],
)
def test_each_client_gets_its_own_form_and_never_a_secret(run, desk, name, key, transport, reference):
    """Variables of the environment are named; one that a bind reads elsewhere, or only HTTP callers need, is not."""
    done = run("install", "desk.yaml", "--client", name, "--print", env={"DESK_TOKEN_IN_ENV": SECRET})
    assert done.returncode == 0, done.stderr
    variables = ["DESK_HOST", "DESK_TOKEN_IN_ENV"]
    env = {"env": {variable: reference % variable for variable in variables}} if reference else {}
    expected = {**transport, **started(str(desk), "--transport", "stdio"), **env}
    assert json.loads(done.stdout) == {key: {"desk-tools": expected}}
    assert ", ".join(variables) in done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert [found.name for found in desk.parent.iterdir() if found.name.startswith(".")] == []


def test_claude_desktop_is_told_of_variables_in_a_file(run, desk):
    """It passes none on, so they come from a .env file; what that has needs no more telling."""
    done = run("install", "desk.yaml", "--client", "claude-desktop", "--print")
    assert "name a file of them with --env-file" in done.stderr
    (desk.parent / "desk.env").write_text(f"DESK_TOKEN_IN_ENV={SECRET}\nDESK_HOST=h\n")
    done = run("install", "desk.yaml", "--client", "claude-desktop", "--print", "--env-file", "desk.env")
    [entry] = json.loads(done.stdout)["mcpServers"].values()
    assert entry == started(str(desk), "--transport", "stdio", "--env-file", str(desk.parent / "desk.env"))
    assert "to set" not in done.stderr
    assert SECRET not in done.stdout + done.stderr


def test_options_are_passed_on_and_all_paths_are_absolute(run, desk):
    (desk.parent / "naftiko.toml").write_text("[var]\nregion = 'eu'\n")
    (desk.parent / "more").mkdir()
    (desk.parent / "more" / "second.yaml").write_text(CAPABILITY.replace("desk", "second"))
    done = run(
        "install", "desk.yaml", "more", "--client", "cursor", "--print", "--name", "my tools", "--env", "EXTRA",
        "--base-uri", "desk=http://localhost:1", "--var", "tenant=acme", "--auth", "desk=bearer:{{env.OTHER}}",
        "--import-root", ".",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    entry = json.loads(done.stdout)["mcpServers"]["my-tools"]
    root = str(desk.parent)
    assert entry["args"][entry["args"].index("serve") + 1 :] == [
        str(desk), f"{root}/more", "--transport", "stdio", "--base-uri", "desk=http://localhost:1",
        "--var", "tenant=acme", "--auth", "desk=bearer:{{env.OTHER}}", "--import-root", root, "--config", f"{root}/naftiko.toml",
    ]  # fmt: skip
    assert {"EXTRA", "OTHER"} <= set(entry["env"])


@pytest.mark.parametrize(
    "options",
    [
        ("--var", f"DESK_TOKEN={SECRET}"),
        ("--auth", f"desk=bearer:{SECRET}"),
        ("--auth", f"desk=basic:{{{{env.USER}}}}:{SECRET}"),
        ("--auth", f"desk=apikey:header:X-Key:{SECRET}"),
        ("--base-uri", f"desk=https://me:{SECRET}@example.com"),
        ("--env", f"DESK_TOKEN={SECRET}"),
    ],
)
def test_a_secret_on_the_command_line_is_refused_and_not_repeated(run, desk, options):
    done = run("install", "desk.yaml", "--client", "cursor", *options)
    assert done.returncode == 2
    assert options[0] in done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert not (desk.parent / ".cursor").exists()


def test_over_http_the_url_is_the_files_and_a_token_is_a_reference(run, desk):
    done = run("install", "desk.yaml", "--client", "claude-code", "--transport", "http", "--print")
    assert json.loads(done.stdout)["mcpServers"]["desk-tools"] == {
        "type": "http",
        "url": "http://127.0.0.1:9191/mcp",
        "headers": {"Authorization": "Bearer ${DESK_CALLERS}"},
    }
    assert "to set in the environment of Claude Code: DESK_CALLERS" in done.stderr
    done = run("install", "--client", "cursor", "--url", "https://mcp.example.com/mcp", "--print")
    assert json.loads(done.stdout)["mcpServers"]["naftiko"] == {"url": "https://mcp.example.com/mcp"}


def test_claude_code_has_a_command_that_does_the_same(run, desk):
    done = run("install", "desk.yaml", "--client", "claude-code", "--print")
    [entry] = json.loads(done.stdout)["mcpServers"].values()
    [line] = [line for line in done.stderr.splitlines() if "claude mcp add" in line]
    words = shlex.split(line.partition(": ")[2])
    assert words[words.index("--") + 1 :] == [entry["command"], *entry["args"]]
    assert words[words.index("--") - 1] == "desk-tools"
    assert "DESK_HOST=${DESK_HOST}" in words


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--client", "cursor"], "name a capability file"),
        (["--client", "cursor", "--transport", "http"], "name a capability file, or the server with --url"),
        (["desk.yaml", "--client", "cursor", "--transport", "stdio", "--url", "http://x"], "--url is for"),
        (["desk.yaml", "--client", "claude-desktop", "--transport", "http"], "names commands only"),
        (["rest.yaml", "--client", "cursor"], "is exposed over MCP"),
        (["two.yaml", "--client", "cursor", "--transport", "http"], "name the server with --url"),
        (["none.yaml", "--client", "cursor"], "no file or directory `none.yaml`"),
        (["desk.yaml", "--client", "notepad"], "notepad"),
    ],
)
def test_what_makes_no_sense_is_said(run, desk, arguments, said):
    rest, mcp = CAPABILITY.split("    - type: mcp")
    (desk.parent / "rest.yaml").write_text(rest)
    (desk.parent / "two.yaml").write_text(f"{rest}    - type: mcp{mcp}    - type: mcp{mcp.replace('9191', '9192')}")
    done = run("install", *arguments, "--print")
    assert done.returncode == 2
    assert said in done.stderr


# What happens to their files


def test_everything_else_in_a_file_stays_as_it_was(run, desk):
    path = desk.parent / ".config" / "Code" / "User" / "mcp.json"
    path.parent.mkdir(parents=True)
    path.write_text(OTHERS)
    path.chmod(0o640)
    done = run("install", "desk.yaml", "--client", "vscode")
    assert done.returncode == 0, done.stderr
    written = path.read_text()
    before, _, after = written.partition('        "desk-tools": {')
    assert before == OTHERS[: OTHERS.rindex("    },\n}")]
    assert after.endswith("\n        }\n    },\n}\n")
    assert '            "type": "stdio",\n' in after
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    [backup] = path.parent.glob("mcp.json.bak-????????-??????")
    assert backup.read_text() == OTHERS
    assert str(backup) in done.stderr


def test_a_file_that_has_it_already_is_not_touched(run, desk):
    for _ in range(2):
        done = run("install", "desk.yaml", "--client", "cursor")
    assert done.returncode == 0
    assert "unchanged" in done.stderr
    assert [found.name for found in (desk.parent / ".cursor").iterdir()] == ["mcp.json"]


def test_another_entry_of_the_same_name_is_replaced_with_force_only(run, desk):
    path = desk.parent / ".mcp.json"
    text = '{"mcpServers": {"a": {"command": "a"}, "desk-tools": {"command": "old"}, "b": {"command": "b"}}}'
    path.write_text(text)
    done = run("install", "desk.yaml", "--client", "claude-code")
    assert done.returncode == 1
    assert "--force" in done.stderr
    assert path.read_text() == text
    done = run("install", "desk.yaml", "--client", "claude-code", "--force")
    assert done.returncode == 0
    servers = json.loads(path.read_text())["mcpServers"]
    assert list(servers) == ["a", "desk-tools", "b"]
    assert servers["desk-tools"]["args"][-1] == "stdio"
    assert [servers["a"], servers["b"]] == [{"command": "a"}, {"command": "b"}]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'{"mcpServers": {', "line 1"),
        (b'{\n  // a comment, which this client refuses\n  "mcpServers": {}}', "line 2"),
        (b"[]", "no JSON object"),
        (b'{"mcpServers": []}', "`mcpServers` is no object"),
        (b'{"a": "\xff"}', "not UTF-8"),
    ],
)
def test_a_file_that_the_client_could_not_read_is_not_touched(run, desk, text, said):
    path = desk.parent / ".mcp.json"
    path.write_bytes(text)
    done = run("install", "desk.yaml", "--client", "claude-code")
    assert done.returncode == 1
    assert said in done.stderr
    assert path.read_bytes() == text


def test_a_write_that_fails_leaves_what_was_there(run, desk, monkeypatch):
    path = desk.parent / ".mcp.json"
    path.write_text("{}")

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    done = run("install", "desk.yaml", "--client", "claude-code")
    assert done.returncode == 1
    assert "no space left on device" in done.stderr
    assert path.read_text() == "{}"
    assert not list(desk.parent.glob("..mcp.json.*"))


def test_a_link_stays_a_link(run, desk):
    real = desk.parent / "dotfiles.json"
    real.write_text("{}")
    (desk.parent / ".mcp.json").symlink_to(real)
    assert run("install", "desk.yaml", "--client", "claude-code").returncode == 0
    assert (desk.parent / ".mcp.json").is_symlink()
    assert "desk-tools" in json.loads(real.read_text())["mcpServers"]


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("darwin", {}, "Library/Application Support/Claude/claude_desktop_config.json"),
        ("linux", {}, ".config/Claude/claude_desktop_config.json"),
        ("linux", {"XDG_CONFIG_HOME": "elsewhere"}, "elsewhere/Claude/claude_desktop_config.json"),
        ("win32", {}, "AppData/Roaming/Claude/claude_desktop_config.json"),
        ("win32", {"APPDATA": "roaming"}, "roaming/Claude/claude_desktop_config.json"),
    ],
)
def test_where_a_file_is_on_each_platform(home, monkeypatch, platform, environment, expected):
    monkeypatch.setattr(client.sys, "platform", platform)
    monkeypatch.delenv("APPDATA", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, str(home / value))
    assert CLIENTS["claude-desktop"].path() == home / expected


# That it works


async def test_what_is_written_starts_a_server_that_a_client_can_use(run, home, tickets):
    """The whole way: install, read the file as the client does, start what it says in some other directory."""
    assert run("install", tickets, "--client", "claude-desktop").returncode == 0
    written = json.loads((home / ".config" / "Claude" / "claude_desktop_config.json").read_text())
    [entry] = written["mcpServers"].values()
    parameters = StdioServerParameters(command=entry["command"], args=entry["args"], cwd="/")
    async with Client(stdio_client(parameters)) as connected:
        assert (await connected.list_tools()).tools
