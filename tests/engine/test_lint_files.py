"""What lies beside a capability's file is looked at when it is checked, not when it is first called (SEMANTICS 1.4)."""

from __future__ import annotations

import pytest

import naftiko
from naftiko.engine.formats import FormatUnavailable
from naftiko.engine.settings import Settings

API = """naftiko: 1.0.0-alpha2
consumes:
- namespace: a
  baseUri: http://h
  resources:
  - path: /r
    operations:
    - name: o
      method: GET
      outputRawFormat: {format}
      {schema}
"""


@pytest.fixture
def told(tmp_path):
    """Return rule, severity, line and column of what lint says about a file."""

    def lint(text, **variables):
        path = tmp_path / "f.yaml"
        path.write_text(text, "utf-8")
        loaded = naftiko.load(path, settings=Settings(variables=variables, environment={}))
        wanted = {"broken-schema", "unavailable-format", "missing-file", "bad-bind-location"}
        found = [each for each in loaded.lint() if each.rule in wanted]
        return [(each.rule, each.severity.value, each.position.line, each.position.column) for each in found]

    return lint


@pytest.mark.parametrize(
    ("format_", "schema"),
    [
        ("avro", "outputSchema: gone.avsc"),
        ("avro", "outputSchema: broken.avsc"),
        ("avro", "outputSchema: ../outside.avsc"),
        ("protobuf", "outputSchema: gone.proto"),
        ("protobuf", "outputSchema: broken.proto"),
        ("html", "outputSchema: 'table['"),
    ],
)
def test_a_schema_that_can_not_be_used_is_told_where_it_is_named(told, tmp_path, format_, schema):
    (tmp_path / "broken.avsc").write_text("{")
    (tmp_path / "broken.proto").write_text("message {")
    assert told(API.format(format=format_, schema=schema)) == [("broken-schema", "error", 11, 21)]


def test_a_format_that_needs_a_schema_and_has_none_is_told(told):
    assert told(API.format(format="protobuf", schema="")) == [("broken-schema", "error", 10, 24)]


@pytest.mark.parametrize(
    ("format_", "schema"),
    [
        ("json", ""),
        ("json", "outputSchema: anything"),
        ("html", ""),
        ("html", "outputSchema: table.x"),
        ("markdown", "outputSchema: Prices"),
        ("avro", "outputSchema: good.avsc"),
        ("avro", ""),
    ],
)
def test_a_schema_that_can_be_used_is_not_told(told, tmp_path, format_, schema):
    (tmp_path / "good.avsc").write_text('{"type": "record", "name": "r", "fields": [{"name": "a", "type": "string"}]}')
    assert told(API.format(format=format_, schema=schema)) == []


def test_a_library_that_is_missing_is_a_warning(told, monkeypatch):
    def absent(*_):
        raise FormatUnavailable("HTML", extra="formats")

    monkeypatch.setattr("naftiko.engine.lint.decoder", absent)
    assert told(API.format(format="html", schema="")) == [("unavailable-format", "warning", 10, 24)]


MCP = """naftiko: 1.0.0-alpha2
exposes:
- type: mcp
  resources:
  - {{name: docs, uri: 'docs://x', location: {location}}}
  prompts:
  - {{name: p, location: {location}}}
"""


@pytest.mark.parametrize(
    "location", ["file://./gone", "gone", "file:///nowhere/at/all", "'file://{{WHERE}}'", "'a\\0b'"]
)
def test_a_file_that_is_not_there_is_told(told, location):
    assert told(MCP.format(location=location)) == [
        ("missing-file", "warning", 5, 45),
        ("missing-file", "warning", 7, 25),
    ]


@pytest.mark.parametrize("location", ["file://./docs", "docs", "file:///./docs", "'file://{{WHERE}}'"])
def test_a_file_that_is_there_is_not_told(told, tmp_path, location):
    (tmp_path / "docs").mkdir()
    assert told(MCP.format(location=location), WHERE="docs") == []


@pytest.mark.parametrize("location", ["github-secrets://x", "https://h/secrets", "s3://bucket/key"])
def test_a_bind_location_of_a_kind_that_is_not_read_is_told(told, location):
    text = f"naftiko: 1.0.0-alpha2\nbinds:\n- namespace: n\n  location: {location}\n  keys: {{A: a}}\n"
    assert told(text) == [("bad-bind-location", "error", 4, 13)]


@pytest.mark.parametrize(
    "location", ["file://./s.yaml", "./s.yaml", "vault://v/x", "k8s-secret://n/s", "k8s://n/s", "env://"]
)
def test_a_bind_location_of_a_kind_that_is_read_is_not_told(told, location):
    assert told(f"naftiko: 1.0.0-alpha2\nbinds:\n- {{namespace: n, location: '{location}', keys: {{A: a}}}}\n") == []
