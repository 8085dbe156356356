"""Steps: what each reads, which run together, lookups, and the mappings that build the answer (SEMANTICS 5.5)."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from linked_units import answering, capability, run

from naftiko.expression.references import Constant, Structure
from naftiko.expression.scope import Scope
from naftiko.ground.errors import CallError, NotExecutable
from naftiko.link.steps.lookup import LookupStepPlan

APIS = """\
consumes:
- namespace: a
  baseUri: https://api.test
  resources:
  - path: /ships
    operations:
    - {name: list-ships, method: GET, inputParameters: [{name: q, in: query}], outputParameters: [{name: first, value: '$.ships[0].id'}]}
    - {name: add-ship, method: POST, inputParameters: [{name: name, in: body}]}
  - path: /crew/{id}
    operations:
    - {name: get-crew, method: GET, inputParameters: [{name: id, in: path}]}
"""
SHIPS = {"ships": [{"id": 1, "name": "Ann", "captain": "c1"}, {"id": 2, "name": "Bea", "captain": "c2"}]}
CREW = [{"id": 1, "role": "cook"}, {"id": "2", "role": "mate"}, {"id": 1, "role": "second"}, {"role": "none"}, 5]
ANSWERS = {"/ships": SHIPS, "/crew/1": CREW, "/crew/c1": {"name": "Cap"}}


def flow(steps, tail=""):
    return f"exposes:\n- type: mcp\n  namespace: m\n  tools:\n  - name: t\n    steps:\n{steps}{tail}"


LIST = "    - {name: ships, type: call, call: a.list-ships}\n"


def result(steps, tail="", **inputs):
    return run(answering(ANSWERS, APIS, flow(steps, tail)), **inputs)


def lookup(index, match, value, more=""):
    return f"    - {{name: found, type: lookup, index: {index}, match: {match}, lookupValue: {value}{more}}}\n"


CREW_STEP = "    - {name: crew, call: a.get-crew, with: {id: '1'}}\n"


def test_a_step_sees_inputs_and_earlier_steps():
    steps = LIST + "    - {name: crew, call: a.get-crew, with: {id: '{{ships.ships[0].captain}}'}}\n"
    assert result(steps) == {"name": "Cap"}
    steps = LIST + "    - {name: crew, call: a.get-crew, with: {id: $.ships.first}}\n"
    assert result(steps) == CREW


def test_the_last_steps_result_goes_through_the_outputs():
    tail = "    outputParameters: [{name: n, mapping: '$.ships[1].name'}]\n"
    assert result(LIST, tail) == {"n": "Bea"}
    tail = (
        "    outputParameters: [{name: first, mapping: '$.ships.ships[0].name'}, {name: c, value: '{{ships.first}}'}]\n"
    )
    assert result(LIST + CREW_STEP, tail) == {"first": "Ann", "c": 1}


def test_mappings_build_the_answer_and_dots_nest():
    tail = (
        "    mappings:\n    - {targetName: a.b, value: '$.ships.ships[0].name'}\n    - {targetName: a.c, value: '{{q}} {{ships.first}}'}\n"
        "    - {targetName: five, value: 5}\n    - {targetName: text, value: word}\n    - {targetName: gone, value: $.ships.gone}\n"
        "    - {targetName: all, value: $.ships}\n    - {targetName: map, value: {x: $.ships.first, y: [true]}}\n"
    )
    got = result(LIST, tail, q="Q")
    assert got["a"] == {"b": "Ann", "c": "Q 1"}
    assert (got["five"], got["text"], got.get("gone")) == (5, "word", None)
    assert got["all"]["first"] == 1
    assert got["map"] == {"x": 1, "y": [True]}


def test_an_incomplete_mapping_and_one_that_begins_with_no_step_are_told():
    tail = "    mappings:\n    - {value: x}\n    - {targetName: a}\n    - {targetName: b, value: $.shps.x}\n    - {targetName: c, value: $.q}\n"
    loaded = capability(APIS + flow(LIST, "    inputParameters: [{name: q}]\n" + tail))
    assert [(found.rule, found.hint) for found in loaded.diagnostics] == [
        ("missing-name", ""),
        ("missing-name", ""),
        ("unknown-step", "did you mean `ships`?"),
    ]


@pytest.mark.parametrize(
    ("index", "match", "value", "answer"),
    [
        ("crew", "id", "1", {"id": 1, "role": "cook"}),
        ("crew", "id", "'2'", {"id": "2", "role": "mate"}),
        ("crew", "id", "9", None),
        ("crew", "gone", "1", None),
        ("crew", "id", "[2, 9, 1]", [{"id": "2", "role": "mate"}, {"id": 1, "role": "cook"}]),
        ("crew", "id", "[9]", []),
        ("crew", "id", "'{{who}}'", None),
        ("ships.ships", "id", "$.ships.first", SHIPS["ships"][0]),
        ("$.ships.ships", "captain", "'{{ships.ships[1].captain}}'", SHIPS["ships"][1]),
        ("ships.ships", "id", "'$.ships.ships[*].id'", SHIPS["ships"]),
        ("ships.ships", "id", "[$.ships.first]", SHIPS["ships"][:1]),
    ],
)
def test_lookups(index, match, value, answer):
    assert result(LIST + CREW_STEP + lookup(index, match, value)) == answer


def test_a_lookup_takes_the_fields_that_it_names():
    assert result(CREW_STEP + lookup("crew", "id", "2", ", outputParameters: [role, gone]")) == {
        "role": "mate",
        "gone": None,
    }


@pytest.mark.parametrize(
    ("data", "value", "hits"),
    [
        ({"id": [1, 2], "name": ["a", "b"]}, [2], [{"id": 2, "name": "b"}]),
        ({"id": [1, 2], "name": ["a"]}, [2], [{"id": 2}]),
        ({"id": 1, "tags": ["a"]}, [1], [{"id": 1, "tags": ["a"]}]),
        ([{"id": True}, {"id": None}], ["true", "null"], [{"id": True}]),
        ([{"id": 1.0}], ["1", 1, "1.0", "01"], [{"id": 1.0}] * 3),
        ([{"id": "1.10"}, {"id": "7"}], [1.1, 7.0, "7.0"], [{"id": "7"}]),
        ([{"id": "1"}, {"id": 1.0, "n": 2}], [1, 1.0], [{"id": "1"}, {"id": 1.0, "n": 2}]),
        ("text", ["1"], []),
        (None, ["1"], []),
    ],
)
def test_what_is_searched_may_be_rows_or_parallel_columns_compared_as_text(data, value, hits):
    plan = LookupStepPlan("l", frozenset(), Constant(data), "id", Structure(value), ())
    assert asyncio.run(plan.run(None, Scope({}, None))).raw == hits


def test_earlier_lookups_are_seen_too():
    steps = (
        LIST
        + lookup("ships.ships", "id", "2")
        + "    - {name: again, type: lookup, index: ships.ships, match: captain, lookupValue: $.found.captain}\n"
    )
    assert result(steps) == SHIPS["ships"][1]


def waves(steps):
    (unit,) = capability(APIS + flow(steps)).units
    return [[plan.name for plan in wave] for wave in unit.plan.action.waves]


READ = "    - {{name: {0}, call: a.list-ships{1}}}\n"


@pytest.mark.parametrize(
    ("steps", "together"),
    [
        ([READ.format("a", ""), READ.format("b", "")], [["a", "b"]]),
        ([READ.format("a", ""), READ.format("b", ", with: {q: $.a.x}")], [["a"], ["b"]]),
        (
            [READ.format("a", ""), READ.format("b", ", with: {q: 'x {{a.x}}'}"), READ.format("c", "")],
            [["a", "c"], ["b"]],
        ),
        ([READ.format("a", ""), READ.format("b", ", with: {q: {k: [$.a.x]}}")], [["a"], ["b"]]),
        ([READ.format("a", ""), READ.format("b", ", with: {q: '{{#a.x}}{{.}}{{/a.x}}'}")], [["a"], ["b"]]),
        ([READ.format("a", ""), "    - {name: w, call: a.add-ship}\n", READ.format("b", "")], [["a"], ["w"], ["b"]]),
        (["    - {name: w, call: a.add-ship}\n", "    - {name: v, call: a.add-ship}\n"], [["w"], ["v"]]),
        ([READ.format("a", ""), READ.format("b", ", with: {q: $.any.x}")], [["a"], ["b"]]),
        ([READ.format("a", ""), "    - {name: l, type: lookup, index: a, match: m, lookupValue: x}\n"], [["a"], ["l"]]),
        (
            ["    - {call: a.list-ships}\n", "    - {call: a.list-ships, with: {q: $.step-1.x}}\n"],
            [["step-1"], ["step-2"]],
        ),
    ],
)
def test_steps_that_need_nothing_of_one_another_run_together(steps, together):
    assert waves("".join(steps)) == together


def test_steps_may_be_a_map_and_need_no_type():
    steps = "      ships: {call: a.list-ships}\n      crew: {call: a.get-crew, with: {id: $.ships.first}}\n"
    assert result(steps) == CREW


def test_a_second_step_of_a_name_is_told():
    loaded = capability(APIS + flow(LIST + LIST))
    assert [found.rule for found in loaded.diagnostics] == ["duplicate-step"]


@pytest.mark.parametrize(
    ("step", "rule", "word"),
    [
        ("{name: s, call: a.list-shps}", "unknown-call", "list-ships"),
        ("{name: s, type: call}", "unknown-call", "calls nothing"),
        ("{name: s, call: a.list-ships, condition: x}", "unsupported-step", "condition"),
        ("{name: s, type: lookup, index: shps, match: id, lookupValue: x}", "unknown-step", "ships"),
        ("{name: s, type: lookup, match: id, lookupValue: x}", "unknown-step", "no earlier step"),
        ("{name: s, type: lookup, index: 'ships[?', match: id, lookupValue: x}", "broken-jsonpath", "ships[?"),
        ("{name: s, type: lookup, index: ships, lookupValue: x}", "unsupported-step", "match"),
        ("{name: s, type: lookup, index: ships, match: id}", "unsupported-step", "lookupValue"),
        (
            "{name: s, type: lookup, index: ships, match: id, lookupValue: '$.ships[?'}",
            "broken-jsonpath",
            "lookupValue",
        ),
        ("{name: s, type: lookup, index: ships, match: id, lookupValue: '{{#x}}'}", "broken-template", "lookupValue"),
        ("{name: s, type: script, file: a.js}", "script-defaults", "location"),
        ("{name: s, type: script}", "script-path", "file"),
        ("{name: s, type: transform}", "unsupported-step", "transform"),
    ],
)
def test_a_step_that_can_not_run_stops_only_its_unit_and_is_told_where_it_stands(step, rule, word):
    text = APIS + flow(LIST + f"    - {step}\n") + "  - {name: good, call: a.list-ships}\n"
    loaded = capability(text)
    bad, good = loaded.units
    assert (bad.executable, good.executable) == (False, True)
    (error,) = loaded.errors
    assert (error.rule, error.position.line) == (rule, text.count("\n", 0, text.index(f"- {step}")) + 2)
    assert word in f"{error.message} {error.hint}"
    with pytest.raises(NotExecutable):
        asyncio.run(bad.run())


def test_a_broken_mapping_stops_its_unit():
    for value in ("'$.ships[?'", "'{{}}'"):
        loaded = capability(APIS + flow(LIST, f"    mappings: [{{targetName: a, value: {value}}}]\n"))
        assert not loaded.units[0].executable
        assert len(loaded.errors) == 1


def test_a_call_step_that_fails_ends_the_flow_with_its_name():
    unit = answering({"/ships": SHIPS, "/crew/1": httpx.Response(404, json={})}, APIS, flow(LIST + CREW_STEP))
    with pytest.raises(CallError) as caught:
        run(unit)
    assert caught.value.step == "crew"


def test_the_inputs_of_all_steps_are_the_units():
    (unit,) = capability(
        APIS + flow("    - {name: a, call: a.list-ships, with: {q: tools.word}}\n    - {name: b, call: a.get-crew}\n")
    ).units
    assert [given.name for given in unit.inputs] == ["word", "id"]
