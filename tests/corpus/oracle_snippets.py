"""Small capabilities for the oracle's own tests, and short ways to ask the oracle about them."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import oracle
from oracle import ExpectedRequest, ExpectedUnit

BASE = "http://up.test/api"


def write(folder: Path, text: str, name: str = "capability.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), "utf-8")
    return path


def pair(
    folder: Path,
    operation: str,
    *,
    with_: str = "{}",
    exposed: str = "/things",
    resource: str = "/things",
    consumes: str = "",
) -> Path:
    """Write a capability with one consumed operation (YAML flow), exposed once in REST and once in MCP."""
    rest, tools = with_.replace("IN.", "rest."), with_.replace("IN.", "tools.")
    return write(
        folder,
        f"""
        naftiko: 1.0.0-alpha2
        capability:
          consumes:
          - {{namespace: up, type: http, baseUri: 'https://up', {consumes} resources: [{{path: "{resource}", operations: [{{name: op, {operation}}}]}}]}}
          exposes:
          - {{type: rest, namespace: r, resources: [{{path: "{exposed}", operations: [{{name: route, method: POST, call: up.op, with: {rest}}}]}}]}}
          - {{type: mcp, namespace: m, tools: [{{name: tool, call: up.op, with: {tools}}}]}}
        """,
    )


def send(path: Path, unit: ExpectedUnit, inputs: dict[str, Any], **variables: str) -> ExpectedRequest:
    return oracle.expected_request(path, unit, inputs, base_uri_override=BASE, variables=variables)


def shape(unit: ExpectedUnit) -> list[tuple[str, str, str, bool]]:
    return [(one.name, one.location, one.type, one.required) for one in unit.inputs]
