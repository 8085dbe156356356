"""A client certificate, by a kind of authentication from outside of the package, against a TLS server that asks for one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import tls_server

TOY = "import toy_certificate\nfrom naftiko.cli import main\nmain()"
CAPABILITY = """
naftiko: 1.0.0-alpha2
binds:
  - {namespace: env, keys: {CERTIFICATE: CERTIFICATE, AUTHORITY: AUTHORITY}}
capability:
  consumes:
    - type: http
      namespace: vault
      baseUri: https://127.0.0.1:PORT
      authentication: {type: toyCertificate, certificate: "{{CERTIFICATE}}", authority: "{{AUTHORITY}}"}
      resources: [{path: /door, operations: [{name: open, method: GET}]}]
  exposes:
    - type: mcp
      namespace: tools
      port: 9090
      tools: [{name: open, description: Opens the door., call: vault.open}]
"""


def called(directory: Path, port: int, **variables: str) -> subprocess.CompletedProcess[str]:
    """Call the tool by the command line."""
    file = directory / "vault.yaml"
    file.write_text(CAPABILITY.replace("PORT", str(port)))
    path = os.pathsep.join(filter(None, (str(Path(__file__).parent), os.environ.get("PYTHONPATH"))))
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": path, **variables}
    return subprocess.run(
        [sys.executable, "-c", TOY, "call", file, "open"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )  # fmt: skip


def test_a_certificate_opens_the_door(tmp_path):
    authority, client = tmp_path / "authority.pem", tmp_path / "client.pem"
    with tls_server.serving(lambda path, headers: (200, {"open": path}), authority, client) as port:
        got = called(tmp_path, port, CERTIFICATE=str(client), AUTHORITY=str(authority))
    assert got.returncode == 0, got.stderr
    assert json.loads(got.stdout) == {"open": "/door"}


def test_another_one_does_not(tmp_path):
    """One that somebody else has issued."""
    authority, client = tmp_path / "authority.pem", tmp_path / "client.pem"
    other = tmp_path / "other.pem"
    with (
        tls_server.serving(lambda path, headers: (200, {}), tmp_path / "elsewhere.pem", other),
        tls_server.serving(lambda path, headers: (200, {"open": path}), authority, client) as port,
    ):
        got = called(tmp_path, port, CERTIFICATE=str(other), AUTHORITY=str(authority))
    assert got.returncode == 1
    assert "/door" not in got.stdout


def test_a_variable_without_a_value_is_told(tmp_path):
    got = called(tmp_path, 9, AUTHORITY="x")
    assert got.returncode == 1
    assert "CERTIFICATE" in got.stderr
