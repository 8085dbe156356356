"""``naftiko serve`` as a user starts it, on a free port."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx

import forks

CAPABILITY: Final = Path(__file__).with_name("conformance.yaml")
NAFTIKO: Final = Path(sys.executable).with_name("naftiko")
_START_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 15.0


class NotServed(Exception):
    """``naftiko serve`` did not start; the message has what it said."""


@contextlib.contextmanager
def served(upstream: str, *options: str) -> Iterator[str]:
    """Serve the capability while the block lasts, which gets the URL of the MCP server."""
    with tempfile.TemporaryDirectory() as directory, (Path(directory) / "said").open("w+", encoding="utf-8") as said:
        command = [
            NAFTIKO,
            "serve",
            CAPABILITY,
            "--port",
            "mcp=0",
            "--port",
            "skill=0",
            "--base-uri",
            f"fixtures={upstream}",
            *options,
        ]
        process = forks.start(
            command, env=forks.surroundings(), cwd=directory, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
        try:
            url = _url(process, Path(said.name))
            _warm(url)
            yield url
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _warm(url: str) -> None:
    """Call a tool once: the suite gives some answers half a second, and the first one has the SDK to wait for."""
    body = {"jsonrpc": "2.0", "id": 0, "method": "tools/call", "params": {"name": "test_simple_text", "arguments": {}}}
    headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-06-18"}
    httpx.post(url, json=body, headers=headers, timeout=_START_SECONDS)


def _url(process: subprocess.Popen[bytes], said: Path) -> str:
    """Wait for the line that says where the MCP server is."""
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        for line in said.read_text(encoding="utf-8").splitlines():
            if line.startswith("mcp "):
                return line.split()[1]
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise NotServed(said.read_text(encoding="utf-8") or "it said nothing")
