"""Unix sockets: who may connect, what is left behind, REST and MCP behind one, a real nginx before it."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import socket
import stat
import subprocess
from pathlib import Path

import httpx
import httpx2
import pytest
from front import FILE, Certificates, answers_until_a_stop, call_tool, nginx, wait_until
from served import LIMIT, get, run, served

from naftiko.serve.given import Given, UnixSocket, file_mode, given_name
from naftiko.serve.sockets import CannotListen


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "front.yaml"
    path.write_text(FILE)
    return path


@pytest.fixture
def path(tmp_path):
    """A short one: an address has room for 107 bytes."""
    made = tmp_path / "s.sock"
    assert len(str(made)) < 107
    return made


def ask(path, url="http://localhost/r/1", **more):
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), timeout=LIMIT) as client:
        return client.get(url, **more)


def agent(path):
    return httpx2.AsyncClient(transport=httpx2.AsyncHTTPTransport(uds=str(path)), timeout=LIMIT)


@pytest.mark.parametrize("workers", [1, 2])
def test_rest_and_mcp_are_behind_one_socket_and_it_goes_with_the_server(file, path, workers):
    options = ("--mock", "--uds", path, "--workers", str(workers), "--control", "0", "--access-log")
    with served(file, *options, ready=("control ",)) as running:
        assert running.rest == f"http://unix:{path}:"
        assert running.mcp == f"http://unix:{path}:/mcp"
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert ask(path).json()["url"] == "http://127.0.0.1:9/r/1"
        assert not asyncio.run(call_tool("http://localhost/mcp", client=agent(path), id="7")).is_error
        assert ask(path, headers={"Host": "shop.example"}).status_code == 200  # REST: a proxy is before it
        wait_until(lambda: get(f"{running.url('control')}/health/ready").status_code == 200, running.said)
        running.process.send_signal(signal.SIGHUP)
        word = "all workers are restarted" if workers > 1 else "reload"
        wait_until(lambda: any(word in line for line in (*running.errors, *running.lines)), running.said)
        assert ask(path).status_code == 200
        line = next(line for line in running.errors if "/r/{id}" in line)
        assert "client=" not in line
        assert running.stop() == 0
        assert not path.exists()


def test_curl_reaches_it(file, path):
    if shutil.which("curl") is None:
        pytest.skip("there is no curl here")
    with served(file, "--mock", "--uds", path):
        said = subprocess.run(
            ["curl", "-sS", "--unix-socket", path, "http://localhost/r/1"],
            capture_output=True,
            timeout=LIMIT,
            check=True,
        )
        assert json.loads(said.stdout)["url"] == "http://127.0.0.1:9/r/1"


def test_adapters_may_have_one_each_and_the_rest_their_ports(file, tmp_path):
    rest, control = tmp_path / "r.sock", tmp_path / "c.sock"
    options = ("--mock", "--uds", f"rest={rest}", "--uds", f"control={control}", "--uds-mode", "600", "--control", "0")
    with served(file, *options, "--port", "mcp=0", ready=("control ",)) as running:
        assert ask(rest).status_code == 200
        assert running.mcp.startswith("http://127.0.0.1:")
        assert not asyncio.run(call_tool(running.mcp, id="7")).is_error
        assert ask(control, "http://localhost/health/live").json()["status"] == "UP"
        assert {stat.S_IMODE(each.stat().st_mode) for each in (rest, control)} == {0o600}
        assert running.stop() == 0
    assert not rest.exists()
    assert not control.exists()


def test_what_was_left_behind_is_replaced_and_what_is_in_use_is_not(file, path):
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(path))
    with served(file, "--mock", "--uds", path):
        assert ask(path).status_code == 200
        second = run("serve", str(file), "--mock", "--uds", str(path))
        assert second.returncode == 1
        assert f"{path} is in use" in second.stderr
        assert ask(path).status_code == 200


def test_what_is_no_socket_stays(file, path):
    path.write_text("precious")
    ended = run("serve", str(file), "--mock", "--uds", str(path))
    assert ended.returncode == 1
    assert "no socket" in ended.stderr
    assert path.read_text() == "precious"


def test_a_file_of_another_server_stays(path):
    (first,) = Given(paths={}).open(f"unix:{path}", 0, 1)
    assert isinstance(first, UnixSocket)
    path.unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        first.remove()
        assert path.exists()
    first.close()


@pytest.mark.parametrize("where", ["nowhere/s.sock", ""])
def test_where_no_socket_can_be(tmp_path, where):
    with pytest.raises(CannotListen, match="--uds"):
        Given().open(f"unix:{tmp_path / where}", 0, 1)
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("/run/a.sock", ("", "/run/a.sock")),
        ("rest=/run/a.sock", ("rest", "/run/a.sock")),
        ("/run/a=b.sock", ("", "/run/a=b.sock")),
        ("s.sock", ("", f"{Path.cwd()}/s.sock")),
    ],
)
def test_names_of_sockets(text, pair, monkeypatch):
    assert given_name(text) == pair


@pytest.mark.parametrize("text", ["", "rest=", "/" + "a" * 108, "a\0b"])
def test_what_is_no_name_of_a_socket(text):
    with pytest.raises(ValueError, match=r"path of a socket|no socket's address"):
        given_name(text)


def test_modes():
    assert file_mode("660") == file_mode("0660") == 0o660
    for text in ("", "66", "888", "u+w", "00660"):
        with pytest.raises(ValueError, match="no mode"):
            file_mode(text)


def test_tls_goes_over_it_too(file, path, tmp_path):
    certificates = Certificates(tmp_path)
    with served(file, "--mock", "--uds", path, "--tls-cert", certificates.cert, "--tls-key", certificates.key):
        transport = httpx.HTTPTransport(uds=str(path), verify=certificates.context())
        with httpx.Client(transport=transport, timeout=LIMIT) as client:
            assert client.get("https://localhost/r/1").status_code == 200


def test_health_asks_it(file, path):
    with served(file, "--mock", "--uds", path) as running:
        assert run("health", str(file), "--uds", str(path)).returncode == 0
        running.stop()
    assert run("health", str(file), "--uds", str(path)).returncode == 1


def test_behind_nginx(file, path, tmp_path):
    options = ("--mock", "--uds", path, "--forwarded-allow-ips", "unix", "--root-path", "/shop", "--access-log")
    places = f"""
    proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;
    location /shop/ {{ proxy_pass http://unix:{path}:/; }}
    """
    with served(file, *options) as running, nginx(tmp_path, places) as port:
        assert get(f"http://127.0.0.1:{port}/shop/r/1").json()["url"] == "http://127.0.0.1:9/r/1"
        assert not asyncio.run(call_tool(f"http://127.0.0.1:{port}/shop/mcp", id="7")).is_error
        line = wait_until(lambda: [each for each in running.errors if "/r/{id}" in each], running.said)[0]
        assert "client=127.0.0.1" in line


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stop_under_load_loses_no_request(file, path, workers):
    with served(file, "--mock", "--uds", path, "--workers", str(workers)) as running:

        async def caller(answers):
            while True:  # a connection each, as nginx has them
                transport = httpx.AsyncHTTPTransport(uds=str(path))
                async with httpx.AsyncClient(transport=transport, timeout=LIMIT) as client:
                    answers.append((await client.get("http://localhost/r/1")).status_code)

        assert set(answers_until_a_stop(running, caller)) == {200}
        assert running.wait() == 0


def test_a_name_that_no_adapter_has_is_told(file, path):
    with served(file, "--mock", "--uds", f"shop={path}", "--port", "rest=0", "--port", "mcp=0") as running:
        wait_until(lambda: any("--uds shop: no adapter is there" in line for line in running.errors), running.said)
        assert not path.exists()
