"""The corpus run notices what goes wrong: each fault put into the engine is a difference."""

from __future__ import annotations

from dataclasses import replace

import pytest
from corpus_run import Report, run_file
from oracle_snippets import write

import naftiko
from naftiko.engine.answer import Answer
from naftiko.plan.infer import InputMaker
from naftiko.plan.outputs import Outputs

CAPABILITY = """
    naftiko: 1.0.0-alpha2
    capability:
      consumes:
      - namespace: up
        type: http
        baseUri: https://up.test
        resources:
        - path: /things/{id}
          operations:
          - name: op
            method: GET
            inputParameters: [{name: X-Kind, in: header}, {name: n, in: query, type: number, required: true}]
      exposes:
      - type: rest
        namespace: web
        resources:
        - {path: '/things/{id}', operations: [{method: GET, call: up.op}]}
        - {path: '/names/{id}', operations: [{method: GET, call: up.op, outputParameters: [{name: a, mapping: $.b.a}]}]}
      - type: mcp
        namespace: agents
        tools: [{name: look, call: up.op, outputParameters: [{name: a, mapping: $.b.a}]}]
"""


async def differences(folder) -> list[str]:
    report = Report()
    await run_file(write(folder, CAPABILITY), report)
    return [line.partition("\n")[0].rpartition(": ")[2] for line in report.differences]


async def test_a_sound_engine_makes_no_difference(tmp_path):
    assert await differences(tmp_path) == []


async def test_a_unit_that_is_not_listed_is_missed(tmp_path, monkeypatch):
    load = naftiko.load

    def losing(*args, **kwargs):
        capability = load(*args, **kwargs)
        capability.units = capability.units[1:]
        return capability

    monkeypatch.setattr(naftiko, "load", losing)
    assert "unit" in await differences(tmp_path)


@pytest.mark.parametrize("change", [{"required": False}, {"type": "string"}, {"location": "query"}])
async def test_an_input_with_another_flag_type_or_place_is_seen(tmp_path, monkeypatch, change):
    inferred = InputMaker.inferred
    monkeypatch.setattr(
        InputMaker, "inferred", lambda maker, wanted: [replace(one, **change) for one in inferred(maker, wanted)]
    )
    assert "inputs" in await differences(tmp_path)


async def test_outputs_that_are_all_null_are_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(Outputs, "build", lambda outputs, document, scope: {"a": None})
    assert "answer" in await differences(tmp_path)


async def test_bytes_that_are_not_passed_on_are_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(Answer, "content", property(lambda answer: b"null"))
    assert "answer" in await differences(tmp_path)
