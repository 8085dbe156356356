"""The command line: ``process`` is a real process, ``run`` the same command inside this one, which is quicker."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

import forks
from naftiko.cli.application import application

FILES = Path(__file__).parent / "files"
Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]
OURS = ("NAFTIKO_", "HELPDESK_")


@pytest.fixture
def process(tmp_path) -> Run:
    """Run ``naftiko`` as a process in an empty directory, or in ``cwd``; two minutes at most."""

    def naftiko(*arguments: str | Path, cwd: Path = tmp_path, env: dict[str, str] | None = None) -> Done:
        command = [sys.executable, "-c", "from naftiko.cli import main; main()", *map(str, arguments)]
        surroundings = forks.surroundings(**forks.traced(), **(env or {}))
        return forks.run(command, cwd=cwd, env=surroundings, timeout=120)

    return naftiko


@pytest.fixture
def run(tmp_path, monkeypatch) -> Run:
    """Run ``naftiko`` in this process, in an empty directory or in ``cwd``; no terminal, streams apart."""
    for name in [name for name in os.environ if name.startswith(OURS)]:
        monkeypatch.delenv(name)

    def naftiko(*arguments: str | Path, cwd: Path = tmp_path, env: dict[str, str] | None = None) -> Done:
        monkeypatch.chdir(cwd)
        words = [str(argument) for argument in arguments]
        done = CliRunner().invoke(application, words, prog_name="naftiko", env=env)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return subprocess.CompletedProcess(words, done.exit_code, done.stdout, done.stderr)

    return naftiko


@pytest.fixture
def tickets() -> Path:
    """The helpdesk capability."""
    return FILES / "tickets.yaml"


@pytest.fixture
def broken() -> Path:
    """The directory of the five broken files."""
    return FILES / "broken"
