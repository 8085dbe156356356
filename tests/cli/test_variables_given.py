"""Where the value of a variable is taken from, first to last; each way reaches the API as a credential."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from naftiko.cli.application import application
from naftiko.testing import StandInUpstream

FIRST = Path(__file__).parents[2] / "capabilities" / "koyeb-instances.yaml"
LINE = "KOYEB_API_KEY"


@pytest.mark.parametrize(
    ("options", "env", "token"),
    [
        (["--var", f"{LINE}=from-option"], {LINE: "from-process"}, "from-option"),
        ([], {f"NAFTIKO_VAR_{LINE}": "from-prefix", LINE: "from-process"}, "from-prefix"),
        ([], {"NAFTIKO_VAR": f"{LINE}=from-list", LINE: "from-process"}, "from-list"),
        (["--env-file", "my.env"], {}, "from-file"),
        ([], {"NAFTIKO_ENV_FILE": "my.env"}, "from-file"),
        (["--env-file", "my.env"], {LINE: "from-process"}, "from-process"),
        (["--auth", "koyeb-instances=bearer:{{env.OTHER}}"], {"OTHER": "from-auth", LINE: "unused"}, "from-auth"),
    ],
)
def test_variables_reach_the_api(tmp_path, monkeypatch, options, env, token):
    """Option over NAFTIKO_VAR_… over the process's environment over ``--env-file``; ``--auth`` over the file's own."""
    (tmp_path / "my.env").write_text(f"# a comment\n{LINE}='from-file'\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(LINE, raising=False)
    with StandInUpstream() as koyeb:
        koyeb.on("GET", "/v1/instances", {"instances": []})
        given = ["call", str(FIRST), "list-instances", "--base-uri", f"koyeb-instances={koyeb.url}/v1", *options]
        done = CliRunner().invoke(application, given, env=env)
        assert koyeb.requests, done.output
        assert koyeb.requests[0].headers["authorization"] == f"Bearer {token}"
