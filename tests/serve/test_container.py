"""The container without an engine: what the Dockerfile says is parsed out of it, and run as an engine would run it."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import httpx
import pytest
import yaml
from served import FIRST, LIMIT, NAFTIKO, ROOT, Served, run, surroundings

from naftiko.testing import StandInUpstream

TOKEN = "koyeb-secret-token-1234"


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions in order: name and arguments, with continued lines joined."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def final_stage() -> list[tuple[str, str]]:
    found = instructions()
    last = max(at for at, (name, _) in enumerate(found) if name == "FROM")
    return found[last:]


def said(name: str) -> str:
    [value] = [arguments for instruction, arguments in final_stage() if instruction == name]
    return value


def environment() -> dict[str, str]:
    pairs = [re.findall(r'(\w+)=("[^"]*"|\S+)', arguments) for name, arguments in final_stage() if name == "ENV"]
    return {name: value.strip('"') for pair in pairs for name, value in pair if name != "PATH"}


@pytest.fixture
def container(tmp_path):
    """What ``docker run`` would start: entry point and command, the image's environment, a read-only working directory.

    The image's ``/capabilities`` is a directory here, and its ports are free ones: others may be in use on this machine.
    """
    entry, command = json.loads(said("ENTRYPOINT")), json.loads(said("CMD"))
    assert (entry, command) == (["naftiko"], ["serve", "/capabilities"])
    capabilities = tmp_path / "capabilities"
    capabilities.mkdir()
    shutil.copy(FIRST, capabilities)
    workdir = tmp_path / "workdir"
    workdir.mkdir(mode=0o555)
    rest, mcp = two_free_ports()
    env = surroundings(**environment(), NAFTIKO_PORT=f"rest={rest} mcp={mcp}", KOYEB_API_KEY=TOKEN)
    env["PATH"] = f"{NAFTIKO.parent}{os.pathsep}{env['PATH']}"
    checked = json.loads(said("HEALTHCHECK").partition("CMD")[2])
    here = {"/capabilities": str(capabilities)}
    running = Served([*entry, *(here.get(word, word) for word in command)], env, workdir)
    health = [here.get(word, word) for word in checked]

    def healthy() -> subprocess.CompletedProcess[str]:
        return subprocess.run(health, env=env, cwd=workdir, capture_output=True, text=True, timeout=LIMIT, check=False)

    running.health = healthy
    running.ports = (rest, mcp)
    running.written = lambda: [
        *workdir.iterdir(),
        *(path for path in capabilities.iterdir() if path.name != FIRST.name),
    ]
    try:
        running.wait_for('"adapter": "rest"', '"adapter": "mcp"')
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        running.wait()
        running.process.stdout.close()
        running.process.stderr.close()


def two_free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def test_it_starts_answers_is_healthy_and_stops(container):
    """On all addresses, with JSON lines, without writing anything, until SIGTERM."""
    assert environment()["NAFTIKO_HOST"] == "0.0.0.0"
    rest, mcp = container.ports
    assert [json.loads(line)["url"] for line in container.lines] == [
        f"http://localhost:{rest}",
        f"http://localhost:{mcp}/mcp",
    ]
    for address in {"127.0.0.1", own_address()}:
        answer = httpx.get(f"http://{address}:{rest}/v1/v1/nothing", trust_env=False)
        assert answer.status_code == 404
    done = container.health()
    for _ in range(5):  # as the engine of containers asks again, before it calls one unhealthy
        if done.returncode:
            done = container.health()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"healthy: {rest}, {mcp}\n"
    assert said("STOPSIGNAL") == "SIGTERM"
    assert container.stop() == 0
    assert container.written() == []
    done = container.health()
    assert done.returncode == 1
    assert f"unhealthy: 127.0.0.1:{rest}: connection refused" in done.stderr
    for line in [*container.lines, *container.errors]:
        json.loads(line)


def own_address() -> str:
    """An address of this machine that is not loopback, where it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return "127.0.0.1"
        return probe.getsockname()[0]


@pytest.mark.parametrize(("status", "code"), [(200, 0), (404, 0), (405, 0), (421, 0), (500, 1), (503, 1)])
def test_health_is_an_answer_below_500(tmp_path, status, code):
    """Whoever listens there is asked for nothing but an answer."""
    with StandInUpstream() as somebody:
        from starlette.responses import Response

        somebody.on("GET", "/", lambda _: Response(status_code=status))
        port = httpx.URL(somebody.url).port
        done = health(FIRST, "--port", f"rest={port}", "--port", f"mcp={port}")
    assert done.returncode == code
    assert ("healthy" if code == 0 else f"answers {status}") in done.stdout + done.stderr


def test_health_has_a_limit():
    """A port that accepts and says nothing is unhealthy within the limit of the health check."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        done = health(FIRST, "--port", f"rest={port}", "--port", f"mcp={port}")
        assert done.returncode == 1
        waits = re.findall(rf"127\.0\.0\.1:{port} does not answer within (\d+) seconds", done.stderr)
        [limit] = re.findall(r"--timeout=(\d+)s", said("HEALTHCHECK"))
        assert waits
        assert sum(map(int, waits)) < int(limit), "one after the other at worst"


def test_health_can_not_know_a_free_port():
    done = health(FIRST, "--port", "rest=0", "--port", "mcp=0")
    assert done.returncode == 1
    assert "give --port to serve and to health" in done.stderr


def health(*arguments) -> subprocess.CompletedProcess[str]:
    return run("health", *map(str, arguments))


def test_the_final_stage_is_small_and_without_privileges():
    """No build tools, no root; the ports that the first capability listens on."""
    stage = final_stage()
    base = next(arguments for name, arguments in instructions() if name == "ARG")
    assert base.startswith("BASE=")
    assert re.fullmatch(r"BASE=python:3\.\d+\.\d+-slim(@sha256:[0-9a-f]{64})?", base), "an exact version"
    assert not any("apt" in arguments or "pip" in arguments for name, arguments in stage if name == "RUN")
    user = said("USER")
    assert all(part.isdecimal() and int(part) > 0 for part in user.split(":"))
    exposed = yaml.safe_load(FIRST.read_text("utf-8"))["capability"]["exposes"]
    assert said("EXPOSE").split() == [str(adapter["port"]) for adapter in exposed]
    assert {arguments.split()[0] for name, arguments in instructions() if name == "FROM"} == {"${BASE}"}


def test_what_the_build_copies_is_there_and_sent():
    """Each COPY names something of the project that .dockerignore lets through."""
    sent = {
        line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    }
    for name, arguments in instructions():
        if name == "COPY" and "--from" not in arguments:
            for source in arguments.split()[:-1]:
                assert (ROOT / source).exists(), source
                assert source.rstrip("/") in sent, f"{source} is not in .dockerignore"


def test_the_compose_file():
    """Its keys are those of the Compose specification; it builds the project, and drops all privileges."""
    compose = yaml.safe_load((ROOT / "examples" / "compose.yaml").read_text())
    assert set(compose) <= {"services", "volumes", "networks", "configs", "secrets", "name"}
    [service] = compose["services"].values()
    assert set(service) <= {
        "build", "image", "read_only", "cap_drop", "security_opt", "ports", "environment", "volumes", "restart",
        "env_file", "command", "healthcheck", "user", "tmpfs",
    }  # fmt: skip
    assert (ROOT / "examples" / service["build"] / "Dockerfile").is_file()
    assert [port.split(":")[1] for port in service["ports"]] == said("EXPOSE").split()
    host, target, mode = service["volumes"][0].split(":")
    assert (ROOT / "examples" / host).resolve() == FIRST.parent
    assert (target, mode) == (json.loads(said("CMD"))[1], "ro")
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    bound = yaml.safe_load(FIRST.read_text("utf-8"))["binds"][0]["keys"].values()
    assert set(bound) <= set(service["environment"])


def test_nothing_has_to_be_built():
    """The files that the image is built from need no compiler of their own: the wheel is pure Python."""
    assert "hatchling" in (ROOT / "pyproject.toml").read_text()
    assert not list((ROOT / "src").rglob("*.c")) + list((ROOT / "src").rglob("*.pyx"))
    assert Path(NAFTIKO).exists()
