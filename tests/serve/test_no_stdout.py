"""``serve`` with a stdout that takes nothing: it starts and answers all the same."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path

import pytest
from raw_http import ask
from served import LIMIT, NAFTIKO, ROOT, surroundings


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@pytest.mark.parametrize("stdout", ["> /dev/full", ">&-", "<&- >&- 2>&-"])
def test_it_starts_and_answers(stdout, tmp_path):
    if "full" in stdout and not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    port = free_port()
    command = f"exec {NAFTIKO} serve {ROOT}/examples/ships.yaml --mock --port rest={port} --port mcp=0 {stdout}"
    process = subprocess.Popen(["sh", "-c", command], env=surroundings(), cwd=tmp_path, stderr=subprocess.PIPE)
    try:
        url, end, status = f"http://127.0.0.1:{port}", time.monotonic() + LIMIT, 0
        while not status:
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < end
            try:
                status = ask(url, path="/openapi.json").status
            except OSError:
                time.sleep(0.05)
        assert status == 200
    finally:
        process.terminate()
        said = process.communicate(timeout=LIMIT)[1]
    assert process.returncode == 0
    assert said == b""
