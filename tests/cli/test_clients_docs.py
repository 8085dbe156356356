"""What docs/clients.md tells users to put into their clients is what ``naftiko install --print`` gives them."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from naftiko.cli.clients import CLIENTS
from naftiko.cli.clients.launch import naftiko

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "clients.md").read_text("utf-8")
EXAMPLES = re.findall(r"```sh\n(naftiko install [^\n]*)\n```\n\n```json\n(.*?)```", DOCUMENT, re.DOTALL)


@pytest.mark.parametrize(("line", "shown"), EXAMPLES, ids=[line for line, _ in EXAMPLES])
def test_an_example_is_what_the_command_prints(run, tmp_path, line, shown):
    (tmp_path / "examples").mkdir()
    shutil.copy(ROOT / "examples" / "ships.yaml", tmp_path / "examples")
    (tmp_path / ".env").write_text("REGISTRY_TOKEN=abc\n")
    words = shlex.split(line)
    assert "--print" in words
    done = run(*words[1:])
    assert done.returncode == 0, done.stderr
    command = naftiko()[0]
    printed = done.stdout.replace(command, "/opt/naftiko/bin/naftiko").replace(str(tmp_path), "/home/me/ships")
    assert printed == shown


def test_every_client_has_an_example():
    lines = [shlex.split(line) for line, _ in EXAMPLES]
    assert {words[words.index("--client") + 1] for words in lines} == set(CLIENTS)
