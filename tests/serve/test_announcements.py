"""What an operator is told at the start about the names under which MCP clients may call."""

from __future__ import annotations

import pytest
from served import served

import naftiko
from naftiko.engine.settings import Settings
from naftiko.serve.addresses import listeners
from naftiko.serve.announcements import where

MCP = "naftiko: 1.0.0-alpha2\nexposes:\n- {type: mcp, namespace: m, tools: [{name: t, outputParameters: [{name: a, value: b}]}]}\n"
REST = "naftiko: 1.0.0-alpha2\nexposes: [{type: rest, namespace: r, resources: []}]"


def told(text, host, *allowed):
    capability = naftiko.loads(text, settings=Settings(environment={}))
    (listener,) = listeners([capability], host=host)
    said = where(listener, "http://localhost:9090", prefix=False, allowed_hosts=allowed)
    return [each for each in said if each.facts["event"] == "hosts"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_beyond_loopback_the_host_names_that_are_served_are_told(host):
    (only,) = told(MCP, host)
    assert only.is_warning
    assert "--allow-host" in only.text
    assert only.facts["hosts"] == ["127.0.0.1", "localhost", "[::1]"]
    (allowed,) = told(MCP, host, "mcp.example.com")
    assert not allowed.is_warning
    assert "mcp.example.com" in allowed.text


@pytest.mark.parametrize(
    ("text", "host", "allowed"),
    [(MCP, "127.0.0.1", ()), (MCP, None, ()), (MCP, "::1", ()), (MCP, "0.0.0.0", ("*",)), (REST, "0.0.0.0", ())],
)
def test_where_every_name_is_served_or_no_other_comes_nothing_is_told(text, host, allowed):
    assert told(text, host, *allowed) == []


GUARDED = MCP.replace("namespace: m,", "namespace: m, authentication: {type: bearer, token: t},")
BOTH = MCP + (
    "- {type: rest, namespace: r, port: 9090, resources: [{path: /x, operations: [{name: x, method: GET, "
    "outputParameters: [{name: a, value: b}]}]}]}\n"
)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "fd00::1", "example.com"])
@pytest.mark.parametrize(
    ("text", "open_ones"), [(MCP, ["m"]), (BOTH, ["m", "r"]), (GUARDED, []), (GUARDED + BOTH[len(MCP) :], ["r"])]
)
def test_what_asks_nothing_of_callers_beyond_loopback_is_told(text, open_ones, host):
    (listener,) = listeners([naftiko.loads(text, settings=Settings(environment={}))], host=host)
    said = [
        each
        for each in where(listener, "http://localhost:9090", prefix=False)
        if each.facts["event"] == "no-authentication"
    ]
    assert [each.facts["namespaces"] for each in said] == ([open_ones] if open_ones else [])
    for each in said:
        assert each.is_warning
        assert f"{host}, port 9090" in each.text
        assert "`authentication`" in each.text


@pytest.mark.parametrize("host", [None, "127.0.0.1", "127.0.0.9", "localhost", "::1"])
def test_on_loopback_nobody_else_comes(host):
    (listener,) = listeners([naftiko.loads(BOTH, settings=Settings(environment={}))], host=host)
    assert not [each for each in where(listener, "http://localhost:9090", prefix=False) if each.is_warning]


def test_the_command_tells_it_too(tmp_path):
    path = tmp_path / "both.yaml"
    path.write_text(BOTH)
    with served(path, "--host", "0.0.0.0", "--port", "rest=0", "--port", "mcp=0") as running:
        assert len([line for line in running.errors if "nothing is asked of callers" in line]) == 2
