"""How a process ends, and what must not end it: event streams, SIGHUP."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from served import FREE, LIMIT, NAFTIKO, SEED, get, served, surroundings
from starlette.responses import StreamingResponse

import forks
from naftiko.testing import StandInUpstream

FORWARDING = """\
naftiko: 1.0.0-alpha2
capability:
  consumes:
    - {{type: http, namespace: news, baseUri: "{url}", resources: []}}
  exposes:
    - type: rest
      namespace: front
      resources:
        - path: "/news/{{{{path}}}}"
          forward: {{targetNamespace: news, trustedHeaders: [Accept]}}
    - type: mcp
      namespace: tools
      tools:
        - name: hello
          outputParameters: [{{name: said, type: string, value: hello}}]
"""


@pytest.fixture
def upstream():
    with StandInUpstream() as standing_in:
        yield standing_in


def capability(directory: Path, url: str) -> Path:
    file = directory / "capability.yaml"
    file.write_text(FORWARDING.format(url=url), "utf-8")
    return file


def events(kind: str, until: threading.Event | None = None, count: int | None = None):
    """A stream of events that goes on until something happens, or for ever."""

    async def said() -> AsyncIterator[bytes]:
        at = 0
        while (until is None or not until.is_set()) and (count is None or at < count):
            yield b"data: %d\n\n" % at
            at += 1
            await asyncio.sleep(0.05)
        yield b"data: end\n\n"

    return lambda _: StreamingResponse(said(), media_type=kind)


class Reading(threading.Thread):
    """Reads an answer to its end in a thread of its own.

    Attributes:
        began: set once the first bytes are there.
        text: what came.
        failure: what ended it, if it was not the end of the answer.
    """

    def __init__(self, method: str, url: str, **options: object) -> None:
        super().__init__(daemon=True)
        self.began = threading.Event()
        self.text = ""
        self.failure: Exception | None = None
        self._request = (method, url, options)
        self.start()

    def run(self) -> None:
        method, url, options = self._request
        try:
            with httpx.stream(method, url, timeout=LIMIT, trust_env=False, **options) as answer:
                assert answer.status_code == 200, answer.read()
                for piece in answer.iter_text():
                    self.text += piece
                    self.began.set()
        except Exception as error:  # noqa: BLE001  # told in the test's own thread
            self.failure = error
            self.began.set()


def hello(number: int) -> dict:
    about = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    return {"jsonrpc": "2.0", "id": number, "method": "initialize", "params": about}


def no_errors(process) -> None:
    assert not [line for line in process.errors if " ERROR " in line], process.said()


@pytest.mark.parametrize("kind", ["text/event-stream", "text/event-stream; charset=utf-8", "application/x-ndjson"])
def test_a_forwarded_event_stream_ends_at_once(upstream, tmp_path, kind):
    """It has no end that could be waited for. One that answers something, as a model's completion, gets its time."""
    complete = threading.Event()
    upstream.on("GET", "/live", events(kind))
    upstream.on("POST", "/complete", events(kind, complete))
    with served(capability(tmp_path, upstream.url), *FREE) as process:
        live = [Reading("GET", f"{process.rest}/news/live") for _ in range(3)]
        answer = Reading("POST", f"{process.rest}/news/complete", content=b"{}")
        for reader in (*live, answer):
            assert reader.began.wait(LIMIT)
        process.process.send_signal(signal.SIGTERM)
        for reader in live:
            reader.join(LIMIT)
        assert answer.is_alive()
        complete.set()
        assert process.wait() == 0
        answer.join(LIMIT)
        assert answer.text.endswith("data: end\n\n")
        assert [reader.failure for reader in (*live, answer)] == [None] * 4
    no_errors(process)


def test_an_answer_without_end_is_ended_with_the_grace_time(upstream, tmp_path):
    """In good order all the same."""
    upstream.on("POST", "/complete", events("text/event-stream"))
    with served(capability(tmp_path, upstream.url), *FREE, "--shutdown-timeout", "1") as process:
        reader = Reading("POST", f"{process.rest}/news/complete", content=b"{}")
        assert reader.began.wait(LIMIT)
        assert process.stop() == 0
        reader.join(LIMIT)
        assert reader.failure is None
    no_errors(process)


def test_the_event_stream_of_an_mcp_session_ends_at_once(upstream, tmp_path):
    """The stream on which a client of an older revision waits for messages."""
    complete = threading.Event()
    upstream.on("POST", "/complete", events("text/event-stream", complete))
    with served(capability(tmp_path, upstream.url), *FREE, "--stateful") as process:
        accepted = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-06-18"}
        with httpx.Client(trust_env=False, timeout=LIMIT, headers=accepted) as client:
            session = client.post(process.mcp, json=hello(1)).headers["mcp-session-id"]
            known = {"mcp-session-id": session}
            client.post(process.mcp, json={"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=known)
            answer = Reading("POST", f"{process.rest}/news/complete", content=b"{}")
            assert answer.began.wait(LIMIT)
            with client.stream("GET", process.mcp, headers=known) as waiting:
                assert waiting.headers["content-type"].startswith("text/event-stream")
                process.process.send_signal(signal.SIGTERM)
                assert b"".join(waiting.iter_bytes()) == b""
            assert answer.is_alive()
            complete.set()
        assert process.wait() == 0
    no_errors(process)


def test_a_hangup_reads_the_files_and_the_server_goes_on(upstream, tmp_path):
    """The files are as they were, and no request is cut."""
    upstream.on("GET", "/slow", events("text/plain", count=10))
    with served(capability(tmp_path, upstream.url), *FREE) as process:
        reader = Reading("GET", f"{process.rest}/news/slow")
        assert reader.began.wait(LIMIT)
        process.process.send_signal(signal.SIGHUP)
        reader.join(LIMIT)
        assert (reader.failure, reader.text.endswith("data: end\n\n")) == (None, True)
        assert get(f"{process.rest}/news/slow").status_code == 200
        assert "reloaded: nothing has changed" in process.said()
        assert process.stop() == 0


def test_a_hangup_over_stdio():
    command = [NAFTIKO, "serve", SEED, "--transport", "stdio"]
    with forks.start(
        command, env=surroundings(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        timer = threading.Timer(LIMIT, process.kill)
        timer.start()

        def ask(number: int) -> dict:
            process.stdin.write(json.dumps(hello(number)) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        assert ask(1)["id"] == 1
        process.send_signal(signal.SIGHUP)
        assert ask(2)["id"] == 2
        process.stdin.close()
        assert process.wait(LIMIT) == 0
        timer.cancel()
        assert "SIGHUP" in process.stderr.read()
