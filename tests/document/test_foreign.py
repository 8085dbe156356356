"""A file of another format is called by its name, with what to do (SEMANTICS 1.4)."""

from __future__ import annotations

from pathlib import Path

import pytest

from naftiko.document.load import load_document, parse_document

FILES = {
    "openapi: 3.1.0\ninfo: {title: T, version: '1'}\npaths: {/r: {get: {}}}\n": ("OpenAPI 3.1.0", 1),
    "info: {title: T}\nopenapi: '3.0.3'\npaths: {}\n": ("OpenAPI 3.0.3", 2),
    "swagger: '2.0'\ninfo: {title: T}\npaths: {}\n": ("Swagger 2.0", 1),
    "asyncapi: 3.0.0\nchannels: {}\n": ("AsyncAPI 3.0.0", 1),
    "arazzo: 1.0.0\nworkflows: []\n": ("Arazzo 1.0.0", 1),
    '{"info": {"_postman_id": "x", "name": "n"}, "item": []}': ("a Postman collection", 1),
    '{"info": {"schema": "https://schema.getpostman.com/json/collection/v2.1.0/"}, "item": []}': (
        "a Postman collection",
        1,
    ),
    "version: '3'\nservices:\n  web: {image: nginx}\n": ("a Compose file", 2),
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: n}\n": ("a Kubernetes manifest of kind Deployment", 2),
    "apiVersion: naftiko.io/v1alpha3\nkind: Capability\nspec: {}\n": ("a Kubernetes manifest of kind Capability", 2),
    "mcpServers: {x: {command: y}}\n": ("a configuration of MCP clients", 1),
    "$schema: https://json-schema.org/draft/2020-12/schema\nproperties: {}\n": ("a JSON Schema", 1),
    "on: push\njobs: {a: {steps: []}}\n": ("a workflow of GitHub Actions", 2),
}


@pytest.mark.parametrize("text", FILES)
def test_a_file_of_another_format_is_called_by_its_name(text):
    loaded = parse_document(text, Path("f.yaml"))
    name, line = FILES[text]
    (found,) = loaded.findings
    assert (found.rule, found.severity.value, found.position.line) == ("no-root-key", "error", line)
    assert found.message == f"this is {name}, not a capability"
    assert found.hint
    assert not loaded.usable


@pytest.mark.parametrize(
    "text",
    [
        "naftiko: 1.0.0-alpha2\nx-openapi: 3.1.0\n",
        "ikanos: 1.0.0-beta5\ninfo: {label: T}\n",
    ],
)
def test_a_capability_is_none_of_them(text):
    loaded = parse_document(text, Path("f.yaml"))
    assert loaded.usable
    assert not list(loaded.findings)


@pytest.mark.parametrize(
    "text", ["services: [a, b]\n", "kind: x\n", "info: {name: n}\n", "item: []\n", "openapi: {a: b}\n"]
)
def test_what_only_shares_a_key_with_another_format_is_just_no_capability(text):
    found = next(iter(parse_document(text, Path("f.yaml")).findings))
    assert (found.rule, found.message.startswith("no root key")) == ("no-root-key", True)


def test_an_import_of_another_format_is_told_with_its_place(tmp_path):
    (tmp_path / "api.yaml").write_text("openapi: 3.1.0\npaths: {}\n")
    main = tmp_path / "main.yaml"
    main.write_text("naftiko: 1.0.0-alpha2\nconsumes: [{from: ./api.yaml, import: a}]\n")
    told = [(found.rule, Path(found.position.file).name) for found in load_document(main).findings]
    assert told == [("no-root-key", "api.yaml"), ("import-not-found", "main.yaml")]
