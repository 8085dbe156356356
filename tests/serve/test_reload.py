"""Files that change while they are served: what is whole is served at once, what is broken changes nothing."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from served import FREE, LIMIT, Served, served

FILE = """\
naftiko: 1.0.0-alpha2
capability:
  binds: [{{namespace: vault, location: "file:///./secret.yaml", keys: {{TOKEN: token}}}}]
  consumes:
    - type: http
      namespace: up
      baseUri: {url}
      authentication: {{type: bearer, token: "{{{{TOKEN}}}}"}}
      resources:
        - {{name: any, path: "/{{what}}", operations: [{{name: get, method: GET}}]}}
  exposes:
    - type: rest
      namespace: web
      port: {port}
      resources:
        - path: /{route}
          operations: [{{name: here, method: GET, call: up.get, with: {{what: thing}}}}]
    - type: mcp
      namespace: agents
      port: 0
      tools: [{{name: {tool}, description: d, call: up.get, with: {{what: thing}}}}]
"""


class Upstream(ThreadingHTTPServer):
    """An API that wants a token, says over which connection it is asked, and waits when it is told to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.token = "s3cret-0ne"
        self.refused = 0
        self.waiting = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        api: Upstream = self.server
        api.waiting.set()
        api.go_on.wait(LIMIT)
        known = self.headers["authorization"] == f"Bearer {api.token}"
        api.refused += not known
        body = json.dumps({"connection": self.client_address[1]}).encode()
        self.send_response(200 if known else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def text(upstream: Upstream, *, route: str = "first", tool: str = "one", port: int = 0) -> str:
    return FILE.format(url=upstream.url, route=route, tool=tool, port=port)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    running = Upstream()
    yield running
    running.go_on.set()
    running.shutdown()
    running.server_close()


@pytest.fixture
def file(tmp_path: Path, upstream: Upstream) -> Path:
    (tmp_path / "secret.yaml").write_text("token: s3cret-0ne\n")
    path = tmp_path / "shop.yaml"
    path.write_text(text(upstream))
    return path


@pytest.fixture
def running(file: Path) -> Iterator[Served]:
    with served(file) as process:
        yield process


def until(condition) -> None:
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def hang_up(process: Served, line: str = "eloaded") -> str:
    """Ask for a reload; return what is said of it."""
    known = len(process.errors)
    os.kill(process.process.pid, signal.SIGHUP)
    until(lambda: any(line in each for each in process.errors[known:]))
    return "\n".join(process.errors[known:])


def ask(process: Served, route: str, url: str = "") -> httpx.Response:
    return httpx.get(f"{url or process.rest}/{route}", trust_env=False, timeout=LIMIT)


def tools(process: Served) -> list[str]:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25"}
    answer = httpx.post(process.mcp, json=message, headers=headers, trust_env=False, timeout=LIMIT)
    return [each["name"] for each in answer.json()["result"]["tools"]]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def test_a_changed_file_is_served_on_the_same_connections(running: Served, file: Path, upstream: Upstream):
    before = ask(running, "first").json()
    file.write_text(text(upstream, route="second", tool="two"))
    said = hang_up(running)
    assert "$.capability.exposes[0].resources[0].path applied" in said
    assert ask(running, "first").status_code == 404
    assert ask(running, "second").json() == before, "the connection to the API stayed open"
    assert tools(running) == ["two"]


def test_a_broken_file_changes_nothing_and_says_where(running: Served, file: Path, upstream: Upstream):
    file.write_text(text(upstream, route="second").replace("call: up.get, with", "call: up.gett, with", 1))
    said = hang_up(running)
    assert "not reloaded, what was served goes on" in said
    assert f"{file}:" in said
    assert "gett" in said
    assert ask(running, "first").status_code == 200
    file.write_text("naftiko: [")
    assert "not reloaded" in hang_up(running)
    assert ask(running, "first").status_code == 200
    file.unlink()
    assert "not reloaded" in hang_up(running)
    assert ask(running, "first").status_code == 200
    file.write_text(text(upstream, route="third"))
    hang_up(running)
    assert ask(running, "third").status_code == 200


def test_a_listener_is_opened_and_closed_while_it_runs(running: Served, file: Path, upstream: Upstream):
    old, port = running.rest, free_port()
    file.write_text(text(upstream).replace("port: 0", f"port: {port}", 1))
    said = hang_up(running)
    assert f"127.0.0.1:{port} opened" in said
    assert "closed" in said
    assert ask(running, "first", f"http://127.0.0.1:{port}").status_code == 200
    until(lambda: _is_refused(old))
    assert tools(running) == ["one"], "the other listener stays where it is"


def _is_refused(url: str) -> bool:
    try:
        httpx.get(url, trust_env=False, timeout=LIMIT)
    except httpx.ConnectError:
        return True
    return False


def test_a_port_that_is_taken_changes_nothing(running: Served, file: Path, upstream: Upstream):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        file.write_text(text(upstream, route="second").replace("port: 0", f"port: {port}", 1))
        said = hang_up(running)
        assert f"not reloaded, what was served goes on: port {port} on 127.0.0.1 is in use" in said
        assert ask(running, "first").status_code == 200
    hang_up(running)
    assert ask(running, "second", f"http://127.0.0.1:{port}").status_code == 200


def test_a_call_in_flight_finishes_in_what_it_came_to(running: Served, file: Path, upstream: Upstream):
    upstream.go_on.clear()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(ask, running, "first")
        until(upstream.waiting.is_set)
        file.write_text(text(upstream, route="second"))
        hang_up(running)
        assert ask(running, "first").status_code == 404
        assert not slow.done()
        upstream.go_on.set()
        assert slow.result().status_code == 200


def test_a_rotated_secret_is_used_after_a_refusal(running: Served, file: Path, upstream: Upstream):
    assert ask(running, "first").status_code == 200
    upstream.token = "s3cret-tw0"
    assert ask(running, "first").status_code == 502, "nobody has told us yet"
    (file.parent / "secret.yaml").write_text("token: s3cret-tw0\n")
    until(lambda: ask(running, "first").status_code == 200)
    assert "s3cret" not in running.said()


def test_a_rotated_secret_of_an_env_file(tmp_path: Path, file: Path, upstream: Upstream):
    file.write_text(
        text(upstream).replace(', location: "file:///./secret.yaml"', "").replace("{TOKEN: token}", "{TOKEN: TOKEN}")
    )
    env_file = tmp_path / "secrets.env"
    env_file.write_text("TOKEN=s3cret-0ne\n")
    with served(file, "--env-file", env_file) as process:
        assert ask(process, "first").status_code == 200
        upstream.token = "s3cret-tw0"
        env_file.write_text("TOKEN=s3cret-tw0\n")
        assert ask(process, "first").status_code == 200, "after a 401 it is read anew"
        upstream.token, upstream.refused = "s3cret-thr33", 0
        env_file.write_text("TOKEN=s3cret-thr33\n")
        hang_up(process)
        assert ask(process, "first").status_code == 200
        assert upstream.refused == 0, "after a reload no call has to be refused first"


def test_a_store_that_no_file_tells_of_is_asked_at_each_reload(tmp_path: Path, file: Path, upstream: Upstream):
    file.write_text(text(upstream).replace("file:///./secret.yaml", "k8s-secret://shop"))
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "token").write_text("s3cret-0ne")
    with served(file, env={"NAFTIKO_SECRETS_DIR": str(tmp_path)}) as process:
        assert ask(process, "first").status_code == 200
        (tmp_path / "shop" / "token").write_text("s3cret-tw0")
        upstream.token = "s3cret-tw0"
        hang_up(process)
        assert ask(process, "first").status_code == 200
        assert upstream.refused == 0


def test_watched_files_are_served_when_they_change(file: Path, upstream: Upstream):
    with served(file, "--reload") as process:
        first = ask(process, "first").json()
        file.write_text(text(upstream, route="second"))
        until(lambda: ask(process, "second").status_code == 200)
        assert ask(process, "second").json() == first
        known = len(process.errors)
        file.write_text("naftiko: [")
        until(lambda: len(process.errors) > known)
        assert ask(process, "second").status_code == 200


def test_secrets_that_kubernetes_swaps_are_used_without_a_refusal(tmp_path: Path, file: Path, upstream: Upstream):
    """A mounted secret is a link to a file below `..data`, a link to a directory that another one takes the place of."""
    mounted = tmp_path / "mounted"
    for at, token in enumerate(("s3cret-0ne", "s3cret-tw0")):
        (mounted / f"..{at}").mkdir(parents=True)
        (mounted / f"..{at}" / "secret.yaml").write_text(f"token: {token}\n")
    (mounted / "..data").symlink_to("..0")
    (mounted / "secret.yaml").symlink_to("..data/secret.yaml")
    file.write_text(text(upstream).replace("./secret.yaml", "./mounted/secret.yaml"))
    with served(file, "--reload") as process:
        assert ask(process, "first").status_code == 200
        known = len(process.errors)
        (mounted / "..fresh").symlink_to("..1")
        (mounted / "..fresh").rename(mounted / "..data")
        until(lambda: any("eloaded" in line for line in process.errors[known:]))
        upstream.token = "s3cret-tw0"
        assert ask(process, "first").status_code == 200
        assert upstream.refused == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_mounted_directory_that_kubernetes_swaps_is_watched(tmp_path, file: Path, upstream: Upstream, workers: str):
    """A secret of NAFTIKO_SECRETS_DIR, which no file of the capability names: a directory with a file for each key."""
    mounted = tmp_path / "secrets" / "shop"
    for at, token in enumerate(("s3cret-0ne", "s3cret-tw0", "s3cret-thr33")):
        (mounted / f"..{at}").mkdir(parents=True)
        (mounted / f"..{at}" / "token").write_text(f"{token}\n")
    (mounted / "..data").symlink_to("..0")
    (mounted / "token").symlink_to("..data/token")
    file.write_text(text(upstream).replace("file:///./secret.yaml", "k8s-secret://team/shop"))
    options = ("--reload", "--workers", workers)
    with served(file, *options, env={"NAFTIKO_SECRETS_DIR": str(tmp_path / "secrets")}) as process:
        assert ask(process, "first").status_code == 200
        for at, token in ((1, "s3cret-tw0"), (2, "s3cret-thr33")):  # twice: the fresh directory is watched, too
            known = len(process.errors)
            (mounted / "..fresh").symlink_to(f"..{at}")
            (mounted / "..fresh").rename(mounted / "..data")
            until(lambda known=known: sum("eloaded" in line for line in process.errors[known:]) >= int(workers))
            upstream.token = token
            assert {ask(process, "first").status_code for _ in range(6)} == {200}
            assert upstream.refused == 0


def test_two_workers_read_changed_files_and_open_other_listeners(file: Path, upstream: Upstream):
    with served(file, "--reload", "--workers", "2") as process:
        file.write_text(text(upstream, route="second"))
        until(lambda: all(ask(process, "second").status_code == 200 for _ in range(10)))
        port = free_port()
        file.write_text(text(upstream, route="third").replace("port: 0", f"port: {port}", 1))
        until(lambda: not _is_refused(f"http://127.0.0.1:{port}"))
        until(lambda: all(ask(process, "third", f"http://127.0.0.1:{port}").status_code == 200 for _ in range(10)))


def test_a_folder_gains_and_loses_files(tmp_path: Path, file: Path, upstream: Upstream):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.yaml").write_text(text(upstream, route="a").replace("./secret", "../secret"))
    with served(folder, *FREE, "--reload") as process:
        other = (
            text(upstream, route="b", tool="two")
            .replace("./secret", "../secret")
            .replace("namespace: web", "namespace: other")
        )
        (folder / "b.yaml").write_text(other.replace("namespace: agents", "namespace: helpers"))
        until(lambda: ask(process, "b").status_code == 200)
        assert ask(process, "a").status_code == 200
        (folder / "a.yaml").unlink()
        until(lambda: ask(process, "a").status_code == 404)
        assert ask(process, "b").status_code == 200


def test_what_was_replaced_is_closed_where_the_process_ends_before_its_last_call(file, upstream):
    """Nothing of it is left open, which ``served`` would see: such a warning is an error there."""
    with served(file, "--shutdown-timeout", "1") as running, ThreadPoolExecutor(1) as caller:
        upstream.go_on.clear()
        asked = caller.submit(ask, running, "first")
        assert upstream.waiting.wait(LIMIT)
        file.write_text(text(upstream, route="second"))
        hang_up(running)
        assert running.stop() == 0
        assert asked.exception(LIMIT) is not None or asked.result().status_code >= 500
