"""Reloads and restarts under load lose no call: small runs of the commands that do it at length (``benchmarks/``)."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest
from served import ROOT, surroundings


def run(script: str, *options: str) -> dict[str, object]:
    """Run a command of the benchmarks, which fails where a call does; return what it printed."""
    command = [sys.executable, str(ROOT / "benchmarks" / script), *options]
    done = subprocess.run(command, env=surroundings(), capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    said: dict[str, object] = json.loads(done.stdout)
    return said


@pytest.mark.parametrize(
    ("way", "workers"),
    [
        ("post", "1"),
        ("hup", "2"),
        pytest.param("watch", "1", marks=pytest.mark.long),
        pytest.param("post", "2", marks=pytest.mark.long),
    ],
)
def test_files_change_under_load(way, workers):
    few = ("--edits", "10", "--seconds", "3", "--connections", "20", "--any-machine")
    said = run("reloads.py", "--way", way, "--workers", workers, *few)
    assert len(said["answered"]) == 6, "every kind of call came through"


@pytest.mark.skipif(
    shutil.which("nginx", path="/usr/sbin:/usr/bin") is None, reason="needs nginx: apt-get install nginx-light"
)
@pytest.mark.parametrize("way", ["stop", "drain", "hup"])
def test_processes_come_and_go_behind_nginx(way):
    said = run("rolling.py", "--way", way, "--callers", "12", "--seconds", "3")
    assert said["times"] >= 1
    assert len(said["answered"]) == 5, "every kind of call came through"
