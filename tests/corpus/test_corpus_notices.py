"""The corpus run notices what goes wrong: each fault put into the product is a difference."""

from __future__ import annotations

import pytest
from corpus_faults import FAULTS
from corpus_report import Report
from corpus_run import capability_files, run_file
from oracle_snippets import write

from public_files import CORPUS

CAPABILITY = """
    naftiko: 1.0.0-alpha2
    capability:
      consumes:
      - namespace: up
        type: http
        baseUri: https://up.test
        authentication: {type: bearer, token: TOKEN}
        resources:
        - path: /things/{id}
          operations:
          - name: op
            method: GET
            inputParameters: [{name: X-Kind, in: header, description: A kind}, {name: X-Must, in: header, required: true}, {name: n, in: query, type: number, required: true}, {name: o, in: query}]
          - name: put
            method: PUT
            inputParameters: [{name: a, in: body}, {name: b, in: body, type: integer, required: true}]
      binds: [{namespace: env, keys: {TOKEN: TOKEN}}]
      exposes:
      - type: rest
        namespace: web
        resources:
        - {path: '/things/{id}', operations: [{method: GET, call: up.op}, {method: PUT, call: up.put}]}
        - {path: '/names/{id}', operations: [{method: GET, call: up.op, outputParameters: [{name: a, mapping: $.b.a}]}]}
      - type: mcp
        namespace: agents
        tools:
        - {name: look, call: up.op, outputParameters: [{name: a, mapping: $.b.a}]}
        - {name: change, call: up.put}
        - {name: see, call: up.op}
        - {name: see again, call: up.op}
"""


async def differences(folder) -> list[str]:
    report = Report()
    await run_file(write(folder, CAPABILITY), report)
    return report.differences


async def test_a_sound_product_makes_no_difference(tmp_path):
    assert await differences(tmp_path) == []


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_is_seen(tmp_path, monkeypatch, name):
    FAULTS[name](monkeypatch)
    assert await differences(tmp_path)


@pytest.mark.corpus
@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_is_seen_in_the_public_files(monkeypatch, name):
    """In the first of them that shows it; they are not all read for each."""
    FAULTS[name](monkeypatch)
    report = Report()
    files = capability_files(CORPUS)
    for path in sorted(files, key=lambda file: "naftiko+" not in str(file)):  # those use most of the language
        await run_file(path, report)
        if report.differences:
            return
    raise AssertionError(f"nobody saw that {name.replace('_', ' ')}")
