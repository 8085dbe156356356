"""The documentation can't go stale: help texts, options, settings and environment variables are the program's own."""

from __future__ import annotations

import importlib
import os
import re
import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from naftiko.cli.application import COMMANDS, application
from naftiko.cli.settings import KEYS, read_settings_file

DOCS = Path(__file__).parents[2] / "docs"
CLI = DOCS / "cli.md"
SETTINGS = DOCS / "settings.md"
OPTIONS = {"base-uri", "var", "auth", "comma-arrays", "env-file", "import-root", "config"}


def help_of(name: str) -> str:
    done = CliRunner().invoke(application, [name, "--help"], prog_name="naftiko", terminal_width=100)
    assert done.exit_code == 0
    return done.output


def block(name: str, text: str) -> re.Match[str]:
    found = re.search(rf"(## naftiko {name}\n\n```text\n)(.*?)(```\n)", text, re.DOTALL)
    assert found is not None, f"docs/cli.md has no section of `naftiko {name}`"
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_in_the_documentation_is_the_programs(name):
    text = CLI.read_text("utf-8")
    found = block(name, text)
    if os.environ.get("UPDATE_DOCS"):
        CLI.write_text(text[: found.start(2)] + help_of(name) + text[found.end(2) :], "utf-8")
        return
    assert found[2] == help_of(name)


def command(name: str) -> click.Command:
    made: click.Command = getattr(importlib.import_module(f"naftiko.cli.{name}"), name)
    return made


WITHOUT = {"explain", "schema", "status", "metrics", "traces", "logs", "config", "lifecycle", "scripting"}
"""Commands that read no capability: they explain, or ask a running server."""


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in WITHOUT])
def test_every_command_with_a_capability_has_the_shared_options(name):
    options = {option.removeprefix("--") for parameter in command(name).params for option in parameter.opts}
    assert options >= OPTIONS


def test_every_shared_setting_is_documented_with_option_and_variable():
    rows = re.findall(
        r"^\| `\[?([a-z-]+)\]?` \| `--([a-z-]+)` \| `(NAFTIKO_[A-Z_]+)`", SETTINGS.read_text("utf-8"), re.MULTILINE
    )
    assert [key for key, _, _ in rows] == list(KEYS)
    for key, option, variable in rows:
        assert option == {"limits": "limit"}.get(key, key)
        assert variable == f"NAFTIKO_{option.upper().replace('-', '_')}"


def test_the_example_of_a_settings_file_is_read(tmp_path):
    example = re.search(r"```toml\n(.*?)```", SETTINGS.read_text("utf-8"), re.DOTALL)
    assert example is not None
    (tmp_path / "naftiko.toml").write_text(example[1])
    assert set(tomllib.loads(example[1])) >= set(KEYS)
    file = read_settings_file(tmp_path / "naftiko.toml", COMMANDS)
    assert file.commands["serve"]["port"] == {"rest": 18080, "mcp": 0}


@pytest.mark.parametrize("name", COMMANDS)
def test_environment_variables_that_options_read_are_told_in_their_help(name):
    for parameter in command(name).params:
        if isinstance(parameter, click.Option) and parameter.envvar:
            assert str(parameter.envvar) in help_of(name).replace("\n", " "), parameter.name
