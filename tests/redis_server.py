"""A real Redis (Debian's redis-server): started for a test, killed and started again on its port."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("valkey", reason="shared state needs the client valkey: naftiko[shared]")

import valkey

PROGRAM = shutil.which("redis-server") or shutil.which("valkey-server")
LIMIT = 60.0
needs_redis = pytest.mark.skipif(PROGRAM is None, reason="there is no redis-server and no valkey-server here")


class RedisServer:
    """A server without persistence, whose port stays its own."""

    def __init__(self, directory: Path, *options: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._directory = directory
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self, **options: Any) -> valkey.Valkey:
        return valkey.Valkey(port=self.port, **options)

    def start(self) -> None:
        where = ("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._directory))
        command = [str(PROGRAM), *where, "--save", "", "--appendonly", "no", *self._options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + LIMIT
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                    connection.sendall(b"PING\r\n")
                    if connection.recv(64):
                        return
            except OSError:
                assert time.monotonic() < end, "redis-server doesn't come to serve"
                assert self._process.poll() is None, "redis-server ended"
                time.sleep(0.02)

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Let it take connections and answer nothing, as a machine that is overloaded does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def everything(self) -> Iterator[bytes]:
        """All keys and values that it has, as bytes."""
        with self.client() as client:
            for key in client.scan_iter(count=1000):
                yield key
                kind = client.type(key)
                if kind == b"string":
                    yield client.get(key) or b""
                elif kind == b"zset":
                    yield from (member for member, _ in client.zrange(key, 0, -1, withscores=True))
                else:
                    raise AssertionError(f"{key!r} is a {kind!r}")
                assert client.pttl(key) > 0, f"{key!r} stays for ever"


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()
