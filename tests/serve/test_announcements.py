"""What an operator is told at the start about the names under which MCP clients may call."""

from __future__ import annotations

import pytest

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
