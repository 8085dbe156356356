"""What the tests of listening share: a small capability, certificates, and who calls over them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
import trustme
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from served import LIMIT, Served

FILE = """\
naftiko: 1.0.0-alpha2
capability:
  consumes:
    - {type: http, namespace: up, baseUri: "http://127.0.0.1:9", resources: [{name: r, path: "/r/{id}", operations: [
        {name: get, method: GET, inputParameters: [{name: id, in: path}]}, {name: add, method: POST, inputParameters: [{name: id, in: path}]}]}]}
  exposes:
    - type: rest
      namespace: front
      port: 8080
      resources: [{path: "/r/{id}", operations: [{name: get, method: GET, call: up.get}, {name: add, method: POST, call: up.add}]}]
    - {type: mcp, namespace: tools, port: 9090, tools: [{name: get, description: Gets., call: up.get}]}
"""
PORTS = ("--port", "rest=0", "--port", "mcp=0", "--mock")


def wait_until(found: Callable[[], Any], why: Callable[[], str] = str) -> Any:
    """Wait for what is true, and return it."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(0.05)
    raise AssertionError(why())


class Certificates:
    """Those of one authority, as files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = trustme.CA()
        self.ca = folder / "ca.pem"
        self.authority.cert_pem.write_to_path(str(self.ca))
        self.cert, self.key = folder / "cert.pem", folder / "key.pem"
        self.client = folder / "client.pem"
        made = self.authority.issue_cert("shop@example.com", common_name="shop", organization_name="Example, Inc")
        made.private_key_and_cert_chain_pem.write_to_path(str(self.client))
        self.renew()

    def pair(self) -> tuple[bytes, bytes]:
        """A new certificate and its key."""
        made = self.authority.issue_cert("localhost", "127.0.0.1")
        return b"".join(each.bytes() for each in made.cert_chain_pems), made.private_key_pem.bytes()

    def renew(self) -> str:
        """Write a new pair, each file whole; return the certificate's serial number."""
        for path, data in zip((self.cert, self.key), self.pair(), strict=True):
            replace(path, data)
        return self.serial()

    def serial(self) -> str:
        return ssl_serial(ssl.PEM_cert_to_DER_cert(self.cert.read_text().partition("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----"))  # fmt: skip

    def context(self, *, shows: bool = False) -> ssl.SSLContext:
        """What a caller trusts, and its own certificate."""
        context = ssl.create_default_context(cafile=str(self.ca))
        if shows:
            context.load_cert_chain(str(self.client))
        return context

    def get(self, url: str, *, shows: bool = False, **more: Any) -> httpx.Response:
        return httpx.get(url, verify=self.context(shows=shows), trust_env=False, timeout=LIMIT, **more)

    def met_with(self, url: str) -> str:
        """The serial number of the certificate that a new connection gets."""
        host, _, port = url.removeprefix("https://").partition("/")[0].rpartition(":")
        with (
            socket.create_connection((host, int(port)), timeout=LIMIT) as plain,
            self.context().wrap_socket(plain, server_hostname="localhost") as caller,
        ):
            return ssl_serial(caller.getpeercert(binary_form=True))


def ssl_serial(der: bytes) -> str:
    said = subprocess.run(
        ["openssl", "x509", "-inform", "DER", "-noout", "-serial"], input=der, capture_output=True, check=True
    )
    return said.stdout.decode().strip()


def replace(path: Path, data: bytes) -> None:
    new = path.with_name(f"{path.name}.new")
    new.write_bytes(data)
    new.replace(path)


async def call_tool(url: str, name: str = "get", *, client: httpx2.AsyncClient | None = None, **arguments: Any) -> Any:
    """Call a tool with the official client."""
    async with (
        client or httpx2.AsyncClient() as http,
        Client(streamable_http_client(url, http_client=http)) as agent,
    ):
        return await agent.call_tool(name, arguments)


@contextlib.contextmanager
def nginx(folder: Path, locations: str) -> Iterator[int]:
    """A real nginx with some locations, in the foreground; give its port."""
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("there is no nginx here: apt-get install nginx-light")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    own = folder / "nginx"
    own.mkdir()
    user = "user root;" if os.geteuid() == 0 else ""
    temporary = "".join(
        f"{name}_temp_path {own}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (own / "nginx.conf").write_text(
        f"daemon off; {user} pid {own}/pid; error_log stderr; worker_processes 1; events {{}}\n"
        f"http {{ access_log off; {temporary}\nserver {{ listen 127.0.0.1:{port};\n{locations}\n}} }}\n"
    )
    with (own / "errors").open("wb") as errors:
        process = subprocess.Popen([program, "-p", own, "-c", own / "nginx.conf"], stderr=errors)
    try:
        wait_until(lambda: _listens(port), (own / "errors").read_text)
        yield port
    finally:
        process.terminate()
        process.wait(LIMIT)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=LIMIT).close()
    except ConnectionRefusedError:
        return False
    return True


def answers_until_a_stop(running: Served, caller: Callable[[list[int]], Coroutine[Any, Any, None]]) -> list[int]:
    """Return what eight callers are answered while a server is stopped by SIGTERM.

    Args:
        running: the server.
        caller: calls, and adds each status; that it can't connect any more, and nothing else, is its end.
    """

    async def call(answers: list[int]) -> None:
        with contextlib.suppress(httpx.ConnectError):
            await caller(answers)

    async def load() -> list[int]:
        answers: list[int] = []
        callers = [asyncio.create_task(call(answers)) for _ in range(8)]
        await asyncio.to_thread(wait_until, lambda: len(answers) >= 100)
        running.process.send_signal(signal.SIGTERM)
        await asyncio.gather(*callers)
        return answers

    return asyncio.run(load())
