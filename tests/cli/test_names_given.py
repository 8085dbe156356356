"""Names on the command line and in the environment that mean nothing: told, with what was most likely meant."""

from __future__ import annotations

import importlib

import click
import pytest

from naftiko.cli.application import COMMANDS
from naftiko.cli.settings import VARIABLES

TOKEN = {"HELPDESK_API_TOKEN": "t"}
COMMAND_LINES = {
    "call": ("list-tickets", "--mock"),
    "inspect": (),
    "validate": (),
    "install": ("--client", "cursor", "--print"),
}


@pytest.mark.parametrize("command", COMMAND_LINES)
@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--base-uri=helpdsk=http://x.test", "--base-uri helpdsk=… names no consumed API; did you mean `helpdesk`?"),
        ("--auth=x=bearer:{{env.T}}", "--auth x=… names no consumed API; consumed: helpdesk"),
        ("--comma-arrays=Help-Desk", "--comma-arrays Help-Desk names no consumed API; did you mean `helpdesk`?"),
    ],
)
def test_an_api_that_nobody_consumes_is_an_error(run, tickets, command, option, said):
    done = run(command, tickets, *COMMAND_LINES[command], option, env=TOKEN)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nosuch", "exposed: rest, mcp, skill, control, helpdesk-rest, helpdesk-mcp"),
        ("helpdesk-rst", "did you mean `helpdesk-rest`?"),
        ("REST", "did you mean `rest`?"),
        ("skills", "did you mean `skill`?"),
    ],
)
def test_an_adapter_that_nobody_serves_is_an_error(process, tickets, name, said):
    done = process("serve", tickets, "--port", f"{name}=0")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"--port {name}=0 names no adapter; {said}" in done.stderr


def test_several_at_once(process, tickets):
    done = process("serve", tickets, "--port", "a=1", "--base-uri", "b=http://x.test", "--auth", "c=bearer:x")
    assert [word for word in ("--port a=1", "--base-uri b=…", "--auth c=…") if word in done.stderr] == [
        "--port a=1", "--base-uri b=…", "--auth c=…",
    ]  # fmt: skip


def test_a_pattern_that_fits_nothing_is_a_warning(run, tickets):
    """It may be there for other files."""
    done = run("call", tickets, "list-tickets", "--dry-run", "--base-uri", "github-*=http://x.test", env=TOKEN)
    assert done.returncode == 0
    assert done.stderr == "warning: --base-uri github-*=… names no consumed API; consumed: helpdesk\n"
    done = run("call", tickets, "list-tickets", "--dry-run", "--base-uri", "help*=http://x.test", env=TOKEN)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_name_of_a_file_that_could_not_be_loaded_is_none_that_is_certain(run, tickets, tmp_path):
    (tmp_path / "broken.yaml").write_text("naftiko: 1.0.0-alpha2\ncapability:\n  consumes: [\n")
    done = run("validate", tickets, "broken.yaml", "--base-uri", "other=http://x.test")
    assert done.returncode == 1
    assert "warning: --base-uri other=… names no consumed API" in done.stderr


def test_names_of_a_settings_file_may_be_for_other_files(run, tickets, tmp_path):
    (tmp_path / "naftiko.toml").write_text('[base-uri]\nother = "http://x.test"\n[auth]\nmore = "bearer:{{env.T}}"\n')
    done = run("call", tickets, "list-tickets", "--dry-run", env=TOKEN)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("NAFTIKO_STRCT", "1", "did you mean `NAFTIKO_STRICT`?"),
        ("NAFTIKO_BASE_URL", "x=y", "did you mean `NAFTIKO_BASE_URI`?"),
        ("NAFTIKO_QQQQQ", "1", "docs/settings.md has them all"),
    ],
)
@pytest.mark.parametrize("command", ["call", "inspect", "validate"])
def test_a_variable_that_looks_like_a_setting_and_is_none(run, tickets, command, name, value, said):
    arguments = ("list-tickets", "--dry-run") if command == "call" else ()
    done = run(command, tickets, *arguments, env={**TOKEN, name: value})
    assert done.returncode == 0
    assert done.stderr == f"warning: the environment variable {name} is no setting; {said}\n"


def test_one_of_an_env_file_too(run, tickets, tmp_path):
    (tmp_path / ".env").write_text("NAFTIKO_STRCT=1\nHELPDESK_API_TOKEN=t\n")
    done = run("call", tickets, "list-tickets", "--dry-run", "--env-file", ".env")
    assert "NAFTIKO_STRCT is no setting" in done.stderr


def test_a_name_of_the_environment_that_means_nothing_is_a_warning(run, tickets):
    """The environment is there for other files and commands too."""
    done = run("call", tickets, "list-tickets", "--dry-run", env={**TOKEN, "NAFTIKO_BASE_URI": "other=http://x.test"})
    assert done.returncode == 0
    assert done.stderr == "warning: NAFTIKO_BASE_URI: other=… names no consumed API; consumed: helpdesk\n"


@pytest.mark.parametrize(
    "name",
    [
        "NAFTIKO_VAR_ANYTHING",
        "NAFTIKO_SERVICE_HOST",
        "NAFTIKO_SERVICE_PORT_HTTP",
        "NAFTIKO_PORT_8080_TCP_ADDR",
        "NAFTIKO_REST_SERVICE_PORT",
        "NAFTIKO_TOKEN_OF_THE_FILE",
        "NAFTIKO_KEY_OF_A_BIND",
        "NAFTIKO_SECRETS_DIR",
    ],
)
def test_what_a_file_reads_and_what_others_set_is_no_setting_that_is_misspelt(run, tmp_path, name):
    """Also what Kubernetes says of a service that is called `naftiko`."""
    (tmp_path / "a.yaml").write_text(
        "naftiko: 1.0.0-alpha2\nbinds:\n- namespace: b\n  keys: {KEY: NAFTIKO_KEY_OF_A_BIND}\n"
        'consumes:\n- {type: http, namespace: api, baseUri: "http://x.test/{{KEY}}", '
        'authentication: {type: bearer, token: "{{env.NAFTIKO_TOKEN_OF_THE_FILE}}"}, '
        "resources: [{name: x, path: /x, operations: [{name: x, method: GET}]}]}\n"
        "exposes:\n- {type: mcp, namespace: m, tools: [{name: x, description: X., call: api.x}]}\n"
    )
    done = run("inspect", "a.yaml", env={name: "1"})
    assert (done.returncode, done.stderr) == (0, "")


def test_a_service_of_kubernetes_with_an_address(run, tickets):
    done = run("inspect", tickets, env={"NAFTIKO_MCP_PORT": "tcp://10.0.0.7:9090"})
    assert done.stderr == ""


def options_of(name: str) -> set[str]:
    command: click.Command = getattr(importlib.import_module(f"naftiko.cli.{name}"), name)
    return {str(each.envvar) for each in command.params if isinstance(each, click.Option) and each.envvar}


def test_every_variable_of_an_option_is_known():
    """And nothing else is, but the shared settings and what keeps keys the same for several processes."""
    others = {
        "BASE_URI",
        "VAR",
        "AUTH",
        "COMMA_ARRAYS",
        "ENV_FILE",
        "IMPORT_ROOT",
        "FILE_ROOT",
        "ALLOW_ENV",
        "DENY_ENV",
        "RESILIENCE",
        "LIMIT",
        "WEBSOCKET",
    }
    others |= {"HANDLE_KEY", "NONCE_KEY", "AUDIT_KEY", "SECRETS_DIR", "SHARED_KEY"}
    of_options = set().union(*map(options_of, COMMANDS))
    assert of_options | {f"NAFTIKO_{name}" for name in others} == VARIABLES
