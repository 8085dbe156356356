"""``--explain``: each path that is shown finds the value that is shown (SEMANTICS 5.4)."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from linked_units import api, tool

import naftiko
from naftiko.engine.explain import explain
from naftiko.engine.settings import Settings
from naftiko.expression import jsonpath

DOCUMENT = {
    "meta": {"id": "i-1"},
    "plain": "p",
    "odd name": 1,
    "data": {
        "name": "n",
        "rows": [{"k": "k0", "in": [{"z": 1}]}, {"k": "k1"}],
        "none": [],
        "map": {"a": {"v": 1}},
        "deep": {"list": [{"x": {"y": 2}}]},
    },
}
OUTPUTS = """outputParameters:
- {name: bare, type: string, mapping: data.name}
- {name: plain, type: string}
- {name: odd name, type: integer}
- {name: lost, type: string, mapping: $.data.lost}
- name: o
  type: object
  mapping: $.data
  properties:
    name: {type: string}
    first: {type: string, mapping: "$.rows[0].k"}
    lost: {type: string, mapping: lost}
    deep: {type: object, mapping: $.deep, properties: {l: {type: array, mapping: list, items: {type: integer, mapping: $.x.y}}}}
- {name: rows, type: array, mapping: data.rows, items: {type: object, properties: {k: {type: string}, z: {type: array, mapping: $.in, items: {type: integer, mapping: z}}}}}
- {name: none, type: array, mapping: $.data.none, items: {type: object, properties: {k: {type: string}}}}
- {name: wrong, type: array, mapping: $.data.map, items: {type: object, properties: {k: {type: string}}}}
"""


def explained(*parts, **given):
    settings = Settings(
        environment={}, transport=lambda _: httpx.MockTransport(lambda _request: httpx.Response(200, json=DOCUMENT))
    )
    loaded = naftiko.loads("naftiko: 1.0.0-alpha2\n" + "".join(parts), settings=settings)
    assert not loaded.errors
    (unit,) = loaded.units
    rows = asyncio.run(explain(loaded.engine, unit.plan, unit.checked(given)))
    return {row.name: row for row in rows}


def test_every_path_that_is_shown_finds_what_is_shown():
    """Below an output with a mapping of its own too: the path is the whole one."""
    rows = explained(api(""), tool(OUTPUTS))
    assert {name for name, row in rows.items() if not row.found} == {"lost", "o.lost", "wrong"}
    for name, row in rows.items():
        if row.found:
            assert jsonpath.parse(row.expression)(DOCUMENT) == row.value, name
    assert rows["bare"].expression == "data.name"
    assert rows["o.name"].expression == "$.data.name"
    assert rows["o.deep.l[0]"].expression == "$.data.deep.list[0].x.y"
    assert rows["rows[0].z[0]"].expression == "$.data.rows[0].in[0].z"


def test_a_miss_says_where_it_is_in_the_document():
    rows = explained(api(""), tool(OUTPUTS))
    assert rows["lost"].detail.startswith("$.data has no lost")
    assert (rows["o.lost"].expression, rows["o.lost"].detail[:20]) == ("$.data.lost", "$.data has no lost: ")
    assert (rows["wrong"].value, rows["wrong"].detail) == (None, "$.data.map is no array")


def test_a_consumed_output_is_told_with_its_own_path():
    consumed = "outputParameters: [{name: ident, type: string, value: $.meta.id}, {name: all, type: array, value: $.data.rows}]"
    rows = explained(
        api(consumed),
        tool(
            "outputParameters: [{name: id, type: string, mapping: $.ident},"
            " {name: first, type: array, mapping: $.all, items: {type: string, mapping: $.k}}]"
        ),
    )
    assert (rows["id"].expression, rows["id"].value) == ("$.ident", "i-1")
    assert rows["id"].detail == "an output of the consumed operation: $.meta.id"
    assert rows["first[0]"].expression == "$.data.rows[0].k"


def test_the_values_of_a_map_are_shown_as_they_are_answered():
    rows = explained(
        api(""),
        tool("outputParameters: [{name: m, type: object, mapping: $.data.map, values: {type: integer, mapping: $.v}}]"),
    )
    assert (rows["m"].expression, rows["m"].value) == ("$.data.map", {"a": 1})


@pytest.mark.parametrize(
    ("source", "value", "detail"),
    [
        ("$.s.data.name", "n", ""),
        ("{{s.data.name}}", "n", ""),
        ("{{hit.k}}", "k1", ""),
        ("$.s.data.rows.0.k", "k0", ""),
        ("n-{{s.data.name}}", "n-n", ""),
        ("{{who}}", "k1", ""),
        ("$.hit.nope", None, "in step `hit`: $.hit has no nope: it is an object with k"),
        (
            "{{s.data.nope}}",
            None,
            "in step `s`: $.s.data has no nope: it is an object with name, rows, none, map, deep",
        ),
    ],
)
def test_a_mapping_is_shown_as_the_file_has_it(source, value, detail):
    steps = (
        "inputParameters: [{name: who, type: string}]\nsteps:\n- {name: s, type: call, call: a.o}\n"
        "- {name: hit, type: lookup, index: s.data.rows, match: k, lookupValue: '{{who}}', outputParameters: [k]}\n"
        f"mappings: [{{targetName: x.y, value: '{source}'}}]"
    )
    (row,) = explained(api(""), tool(steps, call=""), who="k1").values()
    assert (row.name, row.expression, row.value, row.found, row.detail) == (
        "x.y",
        source,
        value,
        value is not None,
        detail,
    )
