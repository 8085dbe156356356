"""Whoever reads the output of the server may stand still: the server doesn't."""

from __future__ import annotations

import os
import subprocess
import time

import httpx
from served import LIMIT, NAFTIKO, surroundings

import forks
from naftiko.serve.sockets import listen

CAPABILITY = """
naftiko: 1.0.0-alpha2
capability:
  consumes: [{namespace: up, baseUri: 'http://127.0.0.1:9', resources: [{path: /x, operations: [{name: op, method: GET}]}]}]
  exposes:
  - type: rest
    namespace: web
    port: PORT
    resources:
    - {path: /fails, operations: [{method: GET, call: up.op}]}
    - {path: /ping, operations: [{method: GET, outputParameters: [{name: pong, value: "yes"}]}]}
"""


def free_port() -> int:
    with listen("127.0.0.1", 0) as opened:
        return int(opened.getsockname()[1])


def test_a_reader_of_stderr_who_stands_still_stops_no_request(tmp_path):
    port = free_port()
    file = tmp_path / "capability.yaml"
    file.write_text(CAPABILITY.replace("PORT", str(port)))
    reader, writer = os.pipe()
    command = [NAFTIKO, "serve", str(file)]
    process = forks.start(command, env=surroundings(), stdout=writer, stderr=writer, stdin=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=LIMIT) as client:
            wait_for(client)
            for _ in range(1000):  # a line each: twice what a pipe holds
                assert client.get("/fails").status_code == 502
            assert client.get("/ping").json() == {"pong": "yes"}
        process.terminate()
        assert process.wait(LIMIT) == 0
    finally:
        process.kill()
        process.wait()
        os.close(reader)
        os.close(writer)


def wait_for(client: httpx.Client) -> None:
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        try:
            client.get("/ping")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("it does not listen")
