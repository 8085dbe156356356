"""Standard streams that are full or closed: nothing falls over, and what can't be written is said."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

NAFTIKO = Path(sys.executable).with_name("naftiko")
SHIPS = Path(__file__).parents[2] / "examples" / "ships.yaml"
FULL = Path("/dev/full")


def shell(line: str) -> subprocess.CompletedProcess[str]:
    """Run a line of a shell, where ``naftiko`` is ours."""
    command = line.replace("naftiko", str(NAFTIKO), 1)
    env = {name: value for name, value in os.environ.items() if not name.startswith("NAFTIKO")}
    return subprocess.run(["sh", "-c", command], env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("command", ["validate", "inspect", "call --mock"])
def test_a_full_disk_is_said(command):
    name, *options = command.split()
    more = "get-ship imo=IMO-1" if name == "call" else ""
    done = shell(f"naftiko {name} {SHIPS} {more} {' '.join(options)} > /dev/full")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "Error: the output can't be written: no space left on device"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_fault(closed):
    done = shell(f"naftiko validate {SHIPS} {closed}")
    assert done.returncode == 0
    assert done.stderr == ""
