"""The ``naftiko`` command itself: help, version, commands by name, and what it imports for them."""

from __future__ import annotations

import importlib
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from naftiko import __version__
from naftiko.cli.application import COMMANDS, application

HEAVY = ("yaml", "pydantic", "httpx", "mcp", "uvicorn", "starlette", "aiohttp", "jsonschema")


def test_version_and_help_import_nothing_heavy():
    """A shell completion or a script asks for them often; each takes a few hundredths of a second."""
    for option in ("--version", "--help"):
        code = (
            "import sys\nfrom naftiko.cli import main\n"
            f"try: main(['{option}'])\nexcept SystemExit as stop: assert not stop.code\n"
            f"loaded = [name for name in {HEAVY!r} if name in sys.modules]\nassert not loaded, loaded"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr


def test_version_is_the_packages(process):
    done = process("--version")
    assert (done.returncode, done.stdout) == (0, f"naftiko {__version__}\n")


def test_the_version_option_among_others_works_too():
    assert CliRunner().invoke(application, ["--version", "validate"]).output == f"naftiko {__version__}\n"


def test_help_lists_every_command(process):
    listed = " ".join(process("--help").stdout.split())
    for name, summary in COMMANDS.items():
        assert f" {name} " in listed
        assert summary in listed


@pytest.mark.parametrize("name", COMMANDS)
def test_the_listed_summary_is_the_commands_own(name):
    """The list is written by hand, so that it imports no command."""
    command = getattr(importlib.import_module(f"naftiko.cli.{name}"), name)
    assert isinstance(command, click.Command)
    assert command.get_short_help_str(limit=200) == COMMANDS[name]


def test_a_misspelt_command_is_suggested(process):
    done = process("valdate", "x.yaml")
    assert done.returncode == 2
    assert "did you mean `validate`?" in done.stderr


def test_a_file_alone_is_served(process, tmp_path):
    """``naftiko FILE`` is ``naftiko serve FILE``: here the file is missing, which serve says."""
    done = process("missing.yaml")
    assert done.returncode == 2
    assert "naftiko serve" in done.stderr
    assert "missing.yaml" in done.stderr


def test_no_arguments_show_the_help(process):
    assert "Commands:" in process().stderr + process().stdout
