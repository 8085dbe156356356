"""A real ``naftiko`` process: started as a user starts it, read line by line, stopped by a signal."""

from __future__ import annotations

import contextlib
import os
import queue
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import httpx
from mcp.client import Client
from mcp_types import Tool

import forks
from forks import NAFTIKO

ROOT = Path(__file__).parents[2]
SEED = ROOT / "tests" / "fixtures" / "koyeb-instances.yaml"
FIRST = ROOT / "capabilities" / "koyeb-instances.yaml"
LIMIT = 60.0
"""Seconds that anything may take; a machine under load is slow, and a test must not be flaky for it."""
_TRACED = (
    "test_process",
    "test_workers",
    "test_supervisor",
    "test_large_documents",
    "test_connection_options",
    "test_reach",
    "test_control",
    "test_served_skills",
    "test_scripting",
    "test_traces",
    "test_reload",
)
"""Tests whose processes are traced for the coverage, which doubles what they take; others walk the same ways again."""
FREE = ("--port", "rest=0", "--port", "mcp=0")


def surroundings(**given: str) -> dict[str, str]:
    """An environment with nothing in it that could be a setting, but what is given."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "")
    kept = forks.traced() if any(module in test for module in _TRACED) else {}
    return forks.surroundings(**kept, **given)


def run(
    *arguments: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return forks.run([NAFTIKO, *arguments], env=surroundings(**(env or {})), cwd=cwd, timeout=LIMIT)


def get(url: str, **options: Any) -> httpx.Response:
    """GET with a time limit and without the proxies of the environment."""
    return httpx.get(url, trust_env=False, timeout=LIMIT, **options)


async def tools_of(client: Client) -> list[Tool]:
    """The tools that the server lists."""
    return list((await client.list_tools()).tools)


class Served:
    """A running ``naftiko serve``.

    Attributes:
        lines: the lines of stdout so far.
        errors: the lines of stderr so far.
    """

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], cwd: Path | None, pass_fds: Sequence[int] = ()
    ) -> None:
        self.lines: list[str] = []
        self.errors: list[str] = []
        self._news: queue.Queue[None] = queue.Queue()
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL}
        self.process = forks.start(command, env=env, cwd=cwd, pass_fds=pass_fds, **streams)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        """Read both streams so that what went to stderr before a line of stdout is known when that line is."""
        rests = {self.process.stdout: b"", self.process.stderr: b""}
        into = {self.process.stdout: self.lines, self.process.stderr: self.errors}
        for stream in rests:
            os.set_blocking(stream.fileno(), False)
        with selectors.DefaultSelector() as selector:
            for stream in rests:
                selector.register(stream, selectors.EVENT_READ)
            while selector.get_map():
                selector.select()
                # Read stdout first, and show stderr first: it is then at least as new.
                read = {stream: _available(stream) for stream in rests if stream in selector.get_map()}
                for stream in reversed(read):
                    if read[stream] is None:
                        selector.unregister(stream)
                    *lines, rests[stream] = (rests[stream] + (read[stream] or b"\n")).split(b"\n")
                    into[stream] += [line.decode() for line in lines if line]
                self._news.put(None)

    def wait_for(self, *texts: str) -> None:
        """Wait until stdout has each of the texts."""
        self._wait_for(self.lines, texts)

    def wait_for_errors(self, *texts: str) -> None:
        """Wait until stderr has each of the texts: what is told of a request may be written after its answer."""
        self._wait_for(self.errors, texts)

    def _wait_for(self, written: Sequence[str], texts: Sequence[str]) -> None:
        end = time.monotonic() + LIMIT
        while not all(any(text in line for line in written) for text in texts):
            assert self.process.poll() is None or self._reader.is_alive(), self.said()
            assert time.monotonic() < end, f"no line {texts}: {self.said()}"
            with contextlib.suppress(queue.Empty):
                self._news.get(timeout=0.2)

    def url(self, kind: str, namespace: str = "") -> str:
        """The URL that the line of an adapter shows."""
        for line in self.lines:
            if line.startswith(f"{kind} ") and f"  {namespace}" in line:
                return line.split()[1]
        raise AssertionError(f"no adapter {kind} {namespace}: {self.said()}")

    @property
    def rest(self) -> str:
        return self.url("rest")

    @property
    def mcp(self) -> str:
        return self.url("mcp")

    def said(self) -> str:
        return "\n".join([*self.lines, "--- stderr", *self.errors])

    def stop(self, number: int = signal.SIGTERM, *, within: float = LIMIT) -> int:
        """Send a signal and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait(within)

    def wait(self, within: float = LIMIT) -> int:
        code = self.process.wait(within)
        self._reader.join(LIMIT)
        return code

    def clean(self) -> None:
        """Assert that nothing was said that a user should not see."""
        assert "Traceback" not in self.said(), self.said()
        assert "Warning:" not in self.said(), self.said()


def _available(stream: IO[bytes]) -> bytes | None:
    """What can be read now; ``None`` at the end."""
    found = b""
    with contextlib.suppress(BlockingIOError):
        while piece := os.read(stream.fileno(), 65_536):
            found += piece
        return found or None
    return found


@contextlib.contextmanager
def served(
    *arguments: str | Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    ready: Sequence[str] = ("rest ", "mcp "),
    command: Sequence[str] = ("serve",),
    program: Path = NAFTIKO,
) -> Iterator[Served]:
    """Run ``naftiko serve`` while the block lasts; it is killed if it is still there."""
    running = Served([str(program), *command, *map(str, arguments)], surroundings(**(env or {})), cwd)
    try:
        running.wait_for(*ready)
        yield running
        running.clean()
    except BaseException:
        print(running.said())  # noqa: T201  # pytest shows it with the failure
        raise
    finally:
        if running.process.poll() is None:
            running.process.kill()
        running.wait()
        for stream in (running.process.stdout, running.process.stderr):
            stream.close()
