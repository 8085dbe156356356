"""The README can't go stale: what it tells people to type is run, what it shows is compared, what it links to exists."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import socket
import subprocess
from pathlib import Path

import httpx
import pytest
from mcp import StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client
from served import NAFTIKO, ROOT, get, run, served, tools_of

TEXT = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


LINES = [line.partition(" #")[0].strip() for block in blocks("sh") for line in block.splitlines()]
COMMANDS = [shlex.split(line) for line in LINES if line.startswith("naftiko ")]
SERVED = [words[1:] for words in COMMANDS if words[1] == "serve"]
ASKED = [words[1:] for words in COMMANDS if words[1] != "serve"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what the commands name, where they may write."""
    for folder in ("capabilities", "examples"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for line in LINES:
        if line.startswith("cp "):
            _, source, target = line.split()
            shutil.copy(tmp_path / source, tmp_path / target)
    return tmp_path


def free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def test_there_are_commands_to_run():
    assert len(SERVED) >= 3
    assert {words[0] for words in ASKED} == {"inspect", "call", "validate", "explain", "install"}


@pytest.mark.parametrize("words", ASKED, ids=" ".join)
def test_a_command_works(project, words):
    done = run(*words, cwd=project)
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize("words", SERVED, ids=" ".join)
def test_a_server_starts(project, words):
    assert "--mock" in words
    with served(*words[1:], env={"NAFTIKO_PORT": "rest=0 mcp=0"}, cwd=project) as process:
        assert process.stop() == 0


def test_the_lines_of_the_start_are_the_ones_shown(project):
    rest, mcp = free_ports()
    with served(*SERVED[0][1:], env={"NAFTIKO_PORT": f"rest={rest} mcp={mcp}"}, cwd=project) as process:
        shown = "\n".join(process.lines).replace(str(rest), "8080").replace(str(mcp), "9090")
        assert f"```text\n{shown}\n```" in TEXT


def test_the_requests_are_answered(project):
    """Each curl of the tour, against the server that the tour starts before it."""
    asked = [shlex.split(line)[-1] for line in LINES if line.startswith("curl ")]
    assert len(asked) >= 2
    rest, mcp = free_ports()
    with served(*SERVED[0][1:], env={"NAFTIKO_PORT": f"rest={rest} mcp={mcp}"}, cwd=project):
        for url in asked:
            answer = get(url.replace("127.0.0.1:8080", f"127.0.0.1:{rest}"))
            assert answer.status_code == 200, (url, answer.text)
            assert answer.json()
        assert httpx.get(f"http://127.0.0.1:{mcp}/mcp", trust_env=False).status_code == 405


def test_the_dry_run_prints_what_is_shown(project):
    [words] = [words for words in ASKED if "--dry-run" in words]
    assert f"```text\n{run(*words, cwd=project).stdout}```" in TEXT


async def test_the_clients_configuration_starts_a_server(project):
    [configuration] = [json.loads(block) for block in blocks("json")]
    [server] = configuration["mcpServers"].values()
    assert server["command"] == "naftiko"
    parameters = StdioServerParameters(command=str(NAFTIKO), args=server["args"], env=server["env"], cwd=project)
    with (project / "stderr").open("w") as errors:
        async with Client(stdio_client(parameters, errlog=errors)) as client:
            assert len(await tools_of(client)) == 4


def test_every_option_exists():
    """Each ``--option`` of the text is one of the command's help, or of pip's and docker's lines."""
    known = "".join(
        run(command, "--help").stdout for command in ("serve", "call", "validate", "inspect", "health", "install")
    )
    ours = "\n".join(line for line in TEXT.splitlines() if not line.startswith(("docker ", "pip ")))
    missing = {option for option in re.findall(r"--[a-z][a-z-]+", ours) if option not in known}
    assert not missing


def test_every_target_of_make_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)\b(?!,)", "\n".join(LINES))) <= targets
    assert {"serve", "test"} <= targets


@pytest.mark.parametrize("target", ["serve", "test", "check", "demo", "corpus", "bench", "startup"])
def test_make_knows_what_to_do(target):
    """Every target names commands that make can start; nothing is started here."""
    if shutil.which("make") is None:
        pytest.skip("no make here")
    done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    for script in re.findall(r"python (\S+\.py)", done.stdout):
        assert (ROOT / script).is_file()
    for module in re.findall(r"python -m (examples\.\w+)", done.stdout):
        assert (ROOT / module.replace(".", "/")).with_suffix(".py").is_file()


def test_every_link_leads_somewhere():
    for target in re.findall(r"\]\((?!https?://)([^)#]+)\)", TEXT):
        assert (ROOT / target).exists(), target


def test_the_demo_answers():
    """``make demo``: the first capability against a stand-in Koyeb, and the curl that it prints."""
    with served(command=["-c", "from examples.demo import run; run()"], cwd=ROOT, env={"NAFTIKO_PORT": "rest=0 mcp=0"}, program=python()) as process:  # fmt: skip
        [line] = [line for line in process.lines if "curl " in line]
        path = shlex.split(line)[-1].split("8080", 1)[1]
        assert get(process.rest + path).json()["count"] > 0
        assert process.stop() == 0


def python() -> Path:
    return NAFTIKO.with_name("python")


def test_embedding_works():
    done = subprocess.run(
        [python(), "-m", "examples.embed"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "GET http://127.0.0.1" in done.stdout
    assert re.search(r"200 \d+ instances", done.stdout)
