"""``naftiko health`` asks the ports that files name, and loads no file to know them."""

from __future__ import annotations

import httpx
import pytest

import naftiko.engine.capability
from naftiko.testing import StandInUpstream

FILE = """\
naftiko: 1.0.0-alpha2
capability:
  exposes:
    - {{type: rest, namespace: front, port: {port}{more}, resources: [{{name: x, path: /x, operations: [{{name: x, method: GET, outputParameters: [{{value: a}}]}}]}}]}}
"""


@pytest.fixture
def server():
    with StandInUpstream() as standing_in:
        standing_in.on("GET", "/", {})
        yield httpx.URL(standing_in.url).port


@pytest.fixture
def loaded(monkeypatch) -> list[str]:
    """The files that are loaded."""
    names: list[str] = []
    load = naftiko.engine.capability.load

    def loading(path, **more):
        names.append(path.name)
        return load(path, **more)

    monkeypatch.setattr(naftiko.engine.capability, "load", loading)
    return names


def write(directory, name: str, port: int, more: str = "") -> None:
    (directory / f"{name}.yaml").write_text(FILE.format(port=port, more=more))


def test_a_healthy_server_costs_no_loading(run, tmp_path, server, loaded):
    for name in "abc":
        write(tmp_path, name, server)
    done = run("health", ".")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"healthy: {server}\n", "")
    assert loaded == []


def test_what_does_not_answer_is_loaded_until_one_file_is_found_that_should(run, tmp_path, server, loaded):
    with StandInUpstream() as gone:
        free = httpx.URL(gone.url).port
    write(tmp_path, "a", server)
    write(tmp_path, "b", free)
    write(tmp_path, "c", free)
    done = run("health", ".")
    assert (done.returncode, done.stderr) == (1, f"unhealthy: 127.0.0.1:{free}: connection refused\n")
    assert loaded == ["b.yaml"]


def test_a_file_that_is_not_served_is_asked_for_nothing(run, tmp_path, server):
    """`serve` has told it, and serves the others."""
    with StandInUpstream() as gone:
        free = httpx.URL(gone.url).port
    write(tmp_path, "a", server)
    write(tmp_path, "b", 99999)
    too_deep = f", tags: {'[' * 300}{']' * 300}"
    write(tmp_path, "c", free, too_deep)
    done = run("health", ".")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"healthy: {server}\n", "")


def test_an_address_that_is_a_variable(run, tmp_path, server):
    write(tmp_path, "a", server, ', address: "{{WHERE}}"')
    assert run("health", ".", env={"WHERE": "127.0.0.1"}).returncode == 0
    done = run("health", ".", env={"WHERE": "127.0.0.9"})
    assert (done.returncode, done.stderr) == (1, f"unhealthy: 127.0.0.9:{server}: connection refused\n")
    assert run("health", ".", "--host", "127.0.0.1", env={"WHERE": "127.0.0.9"}).returncode == 0
