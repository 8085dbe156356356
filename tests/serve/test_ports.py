"""Ports out of variables, and files beside others that serve nothing (SEMANTICS 2 and 8)."""

from __future__ import annotations

import socket

import pytest
from served import get, run, served

FILE = """naftiko: 1.0.0-alpha2
binds: [{{namespace: env, keys: {{WEB_PORT: WEB_PORT}}}}]
exposes:
- {{type: rest, namespace: web, port: {port}, resources: [{{path: /x, name: x, operations: [{{method: GET, name: x, outputParameters: [{{name: a, value: b}}]}}]}}]}}
"""


@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize("port", ['"{{WEB_PORT}}"', '"{{env.WEB_PORT}}"', '"{{ WEB_PORT }}"'])
def test_a_port_is_read_from_a_variable(tmp_path, port, end):
    file = tmp_path / "f.yaml"
    file.write_text(FILE.format(port=port))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wanted = taken.getsockname()[1]
    with served(file, env={"WEB_PORT": f"{wanted}{end}"}, ready=("rest ",)) as process:
        assert process.rest == f"http://127.0.0.1:{wanted}"  # where it is, is no secret
        assert get(f"{process.rest}/x").json() == {"a": "b"}
        assert process.stop() == 0


@pytest.mark.parametrize(
    ("port", "value", "shown"),
    [
        ('"{{WEB_PORT}}"', None, "the port `{{WEB_PORT}}`"),
        ('"{{env.WEB_PORT}}"', None, "the port `{{env.WEB_PORT}}`"),
        ('"{{WEB_PORT}}"', "http", "the port `http`"),
        ('"{{WEB_PORT}}"', "99999", "port 99999"),
        ("'${WEB_PORT}'", "9", "the port `${WEB_PORT}`"),
        ("[8080]", None, "port"),
    ],
)
def test_a_port_that_comes_to_nothing_is_not_the_default_one(tmp_path, port, value, shown):
    file = tmp_path / "f.yaml"
    file.write_text(FILE.format(port=port))
    done = run("serve", str(file), env={"WEB_PORT": value} if value else {})
    assert (done.returncode, done.stdout) == (1, "")
    assert f"`web` wants {shown}" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_option_gives_the_port_that_a_variable_does_not(tmp_path):
    file = tmp_path / "f.yaml"
    file.write_text(FILE.format(port='"{{WEB_PORT}}"'))
    with served(file, "--port", "web=0", ready=("rest ",)) as process:
        assert get(f"{process.rest}/x").status_code == 200
        assert process.stop() == 0


@pytest.mark.parametrize(("section", "code"), [("expose", 1), ("x-exposes", 0)])
def test_a_file_beside_others_that_serves_nothing_by_mistake_is_no_success(tmp_path, section, code):
    """One that only consumes is there for imports."""
    (tmp_path / "good.yaml").write_text(FILE.format(port=8080))
    api = "naftiko: 1.0.0-alpha2\nconsumes: [{type: http, namespace: a, baseUri: http://h}]\n"
    (tmp_path / "other.yaml").write_text(f"{api}{section}: [{{type: rest}}]\n")
    with served(tmp_path, "--port", "rest=0", ready=("rest ",)) as process:
        assert get(f"{process.rest}/x").status_code == 200
        assert any("exposes nothing" in line for line in process.errors)
        assert process.stop() == code
