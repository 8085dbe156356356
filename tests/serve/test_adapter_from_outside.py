"""A kind of adapter that somebody else registers is a kind like any other, for every command and on the wire."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from served import LIMIT, get, run, served, surroundings

import forks
from naftiko.testing import StandInUpstream

KIOSK = Path(__file__).with_name("kiosk_adapter.py")
CONSUMED = """\
naftiko: 1.0.0-alpha2
info: {label: Corner}
capability:
  consumes:
  - type: http
    namespace: stock
    baseUri: UPSTREAM
    resources:
    - {name: papers, path: "/papers/{day}", operations: [{name: get-paper, method: GET, inputParameters: [{name: day, in: path}]}]}
  exposes:
"""
WARES = """\
  - type: kiosk
    namespace: corner
    wares:
      paper: {description: The paper of a day., call: stock.get-paper, with: {day: corner.day}, inputParameters: [{name: day, type: string, required: true}]}
"""
OTHERS = """\
  - {type: rest, namespace: web, resources: [{path: /kiosks, operations: [{method: GET, name: paper, call: stock.get-paper}]}]}
  - {type: mcp, namespace: agents, tools: [{name: paper, description: A paper., call: stock.get-paper}]}
"""


@pytest.fixture
def upstream():
    with StandInUpstream() as standing_in:
        standing_in.on("GET", "/papers/{day}", lambda request: {"title": f"of {request.path_params['day']}"})
        yield standing_in


@pytest.fixture
def file(tmp_path, upstream) -> Path:
    path = tmp_path / "corner.yaml"
    path.write_text((CONSUMED + WARES + OTHERS).replace("UPSTREAM", upstream.url))
    return path


def naftiko(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command of the ``naftiko`` that knows kiosks."""
    command = [sys.executable, str(KIOSK), *map(str, arguments)]
    return forks.run(command, env=surroundings(), timeout=LIMIT)


def kiosks(*arguments: str | Path, ready: tuple[str, ...]):
    return served(*arguments, program=sys.executable, command=(str(KIOSK), "serve"), ready=ready)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def test_a_file_with_it_is_valid_and_linked(file):
    done = naftiko("validate", file, "--strict")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_without_it_the_same_file_has_an_unknown_kind(file):
    done = run("validate", str(file))
    assert "`type: kiosk` is not known here" in done.stdout
    assert "known: rest, mcp, skill, control" in done.stdout


def test_what_is_wrong_with_it_is_told_where_it_stands(file):
    text = file.read_text()
    file.write_text(
        text.replace("stock.get-paper, with", "stock.get-papr, with").replace(
            "    wares:\n", "    colour: red\n    wares:\n"
        )
    )
    said = naftiko("validate", file).stdout
    line = text.splitlines().index("      paper: " + text.partition("      paper: ")[2].partition("\n")[0]) + 2
    assert f"corner.yaml:{line}:" in said
    assert "stock.get-papr" in said
    assert "`colour` is no key of a kiosk adapter" in said
    file.write_text(CONSUMED + "  - {type: kiosk, namespace: corner, wares: []}\n")
    assert "the kiosk adapter `corner` has no ware; the file serves nothing" in naftiko("validate", file).stdout


def test_its_own_lint_is_told(file):
    wares = ", ".join(f"{name}: {{description: One., outputParameters: [{{value: a}}]}}" for name in "abc")
    file.write_text(CONSUMED + f"  - {{type: kiosk, namespace: corner, wares: {{{wares}}}}}\n")
    assert "a kiosk is small" in naftiko("validate", file).stdout


def test_inspect_lists_what_it_exposes(file, upstream):
    said = json.loads(naftiko("inspect", file, "--format", "json").stdout)
    kiosk, web, agents = said["exposes"]
    assert [kiosk["type"], web["type"], agents["type"]] == ["kiosk", "rest", "mcp"]
    (ware,) = kiosk["units"]
    assert (ware["name"], ware["executable"]) == ("paper", True)
    assert ware["upstream"] == [
        {"method": "GET", "url": f"{upstream.url}/papers/{{day}}", "operation": "stock.get-paper"}
    ]
    assert [(given["name"], given["in"], given["required"]) for given in ware["inputs"]] == [("day", "argument", True)]
    assert "exposes corner  kiosk at 127.0.0.1:any port" in naftiko("inspect", file).stdout


def test_call_runs_what_it_exposes(file):
    done = naftiko("call", file, "paper", "day=monday", "--adapter", "kiosk", "--format", "json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"title": "of monday"}), done.stderr


def test_it_is_served_where_it_says_and_answers_over_a_socket(file, upstream):
    with kiosks(
        file, "--port", "kiosk=0", "--port", "rest=0", "--port", "mcp=0", ready=("kiosk ", "rest ", "mcp ")
    ) as running:
        url = running.url("kiosk", "1 ware")
        assert url.endswith("/kiosk/corner")
        assert "1 ware  corner (Corner)" in running.said()
        assert f"kiosks at {url.removesuffix('/kiosk/corner')}: 1" in running.lines
        assert get(f"{url}/paper?day=monday").json() == {"title": "of monday"}
        assert get(f"{url}/paper").status_code == 400
        assert get(f"{url}/nothing").status_code == 404
        port = url.rpartition(":")[2].partition("/")[0]
        health = naftiko("health", file, "--port", f"kiosk={port}", "--port", f"rest={port}", "--port", f"mcp={port}")
        assert (health.returncode, health.stdout) == (0, f"healthy: {port}\n"), health.stderr
        assert running.stop() == 0
    assert [request.path for request in upstream.requests] == ["/papers/monday"]


def test_it_has_its_own_paths_on_a_port_that_it_shares(file):
    with kiosks(file, "--port", f"*={free_port()}", ready=("kiosk ", "rest ", "mcp ")) as running:
        url = running.url("kiosk", "1 ware").removesuffix("/kiosk/corner")
        assert running.rest == url
        assert running.mcp == f"{url}/mcp"
        assert get(f"{url}/kiosk/corner/paper?day=monday").json() == {"title": "of monday"}
        assert get(f"{url}/kiosks?day=monday").json() == {"title": "of monday"}
        assert get(f"{url}/nothing").headers["content-type"] == "application/problem+json"
        assert get(f"{url}/mcp").status_code == 405


def test_the_operator_says_of_it_what_he_says_of_others(file):
    with kiosks(file, "--port", f"*={free_port()}", "--deny-tool", "corner/*", ready=("kiosk ",)) as running:
        url = running.url("kiosk", "1 ware")
        assert get(f"{url}/paper?day=monday").status_code == 404


def test_two_files_that_have_the_same_are_told_and_kept_apart(file, tmp_path):
    (tmp_path / "second.yaml").write_text(file.read_text().replace("label: Corner", "label: Second"))
    with kiosks(tmp_path, "--port", "*=0", ready=("kiosk ", "mcp ")) as running:
        conflicts = [line for line in running.errors if line.startswith("conflict: ") and " both have " in line]
        assert any("1 ware" in line for line in conflicts), running.said()
        renamed = [line for line in running.errors if re.search(r"`corner` is at /kiosk/corner-second:", line)]
        assert len(renamed) == 1, running.said()


def test_a_word_of_another_kind_is_not_taken():
    code = """\
from naftiko.document.model import AdapterModel
from naftiko.document.model.adapters import ADAPTERS, add_adapter
class Impostor(AdapterModel):
    kind, spellings, called = "impostor", ("HTTP",), "an impostor"
try:
    add_adapter(Impostor)
except ValueError as error:
    print(error, Impostor in ADAPTERS)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=LIMIT, check=True)
    assert done.stdout == "`type: http` is taken already False\n"
