"""Dotted names go into objects and lists, wherever a template stands (SEMANTICS 3.1, 4 and 5.5)."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from linked_units import api, only_unit, query_of, request_of, rest, tool

import naftiko
from naftiko.engine.settings import Settings
from naftiko.expression import jsonpath
from naftiko.expression.content import Content
from naftiko.expression.dotted import parse
from naftiko.expression.references import within
from naftiko.ground.types import ABSENT

DOCUMENT = {"picks": ["p0", {"k": "v"}], "list": [0, {"k": [7, 8]}], "0": "name", "a": {"1": "one"}}
OBJECT = "inputParameters: [{name: o, type: object}, {name: a.b, type: object}]"
VALUE = {"k": "K", "arr": ["x", {"y": 2}], "n": {"m": 1}}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (".picks.0", "p0"),
        (".picks.1.k", "v"),
        ("$.list.1.k.1", 8),
        (".list[1].k.0", ABSENT),
        (".list[1].k[0]", 7),
        (".0", "name"),
        (".a.1", "one"),
        (".picks.2", ABSENT),
        (".picks.-1", ABSENT),
        (".picks.00", "p0"),
        (".picks.k", ABSENT),
        (".picks.0.k", ABSENT),
        (".missing.0", ABSENT),
        (".picks.99999999999", ABSENT),
    ],
)
def test_a_position_is_written_like_a_name(text, found):
    """In a list it is a position, in an object a name; what is not there is absent."""
    assert parse(text)(DOCUMENT) == found


def test_what_has_no_position_is_a_plain_path():
    assert parse(".a.b") is jsonpath.parse(".a.b")
    assert str(parse(".picks.7").explain(DOCUMENT)) == "$.picks has no ['7']: it is an array of 2"


def test_a_body_that_came_as_bytes_is_looked_into():
    assert within(Content(b'{"k": [1]}', "application/json"), parse(".k.0")) == 1
    for data, kind in ((b"{", "application/json"), (b"k", "text/plain")):
        assert within(Content(data, kind), parse(".k")) is ABSENT


@pytest.mark.parametrize(
    ("template", "sent"),
    [
        ("{{o.k}}", "K"),
        ("{{o.arr.0}}", "x"),
        ("{{o.arr.1.y}}", "2"),
        ("{{o.arr[1].y}}", "2"),
        ("<{{o.n.m}}>", "<1>"),
        ("{{a.b.k}}", "K"),
        ("{{o.missing}}", None),
        ("{{o.arr.9}}", None),
        ("{{o.k.x}}", None),
    ],
)
@pytest.mark.parametrize("where", ["header", "query", "with", "body", "text body", "path's query"])
def test_a_part_of_a_callers_object(template, sent, where):
    """In a consumed parameter's value, a body, a path and in ``with``; what is absent is not sent."""
    quoted = json.dumps(template)
    made = {
        "header": api(f"inputParameters: [{{name: X-A, in: header, value: {quoted}}}]"),
        "query": api(f"inputParameters: [{{name: q, in: query, value: {quoted}}}]"),
        "with": api("inputParameters: [{name: q, in: query}]"),
        "body": api(f"body: {{type: json, data: {{q: {quoted}, end: 1}}}}", method="POST"),
        "text body": api(f"body: {json.dumps(json.dumps({'q': template, 'end': 1}))}", method="POST"),
        "path's query": api("", resource=f"/r?q={template}"),
    }[where]
    if where == "path's query" and "<" in template:
        return
    unit, loaded = only_unit(made, tool(OBJECT + (f"\nwith: {{q: {quoted}}}" if where == "with" else "")))
    assert not loaded.errors
    request = request_of(unit, **{"o": VALUE, "a.b": VALUE})
    if "body" in where:
        body = json.loads(request.content)
        assert body["end"] == 1
        shown = body.get("q")
        assert (None if shown is None else str(shown)) == sent
    else:
        found = request.headers.get("x-a") if where == "header" else dict(query_of(request)).get("q")
        assert found == sent


def test_a_part_of_what_with_makes():
    """The key of ``with`` is what the consumed template names; it is sent nowhere else."""
    unit, loaded = only_unit(
        api("body: {type: json, data: {q: '{{o.k.0}}'}}", method="POST"),
        rest("with: {o: {k: [rest.first, 2]}}", method="POST"),
    )
    assert not list(loaded.diagnostics)
    assert json.loads(request_of(unit, first="v").content) == {"q": "v"}


def test_dots_of_a_declared_parameters_name_are_its_own():
    """``body.size`` is one name, though there is an input ``body``."""
    unit, _ = only_unit(
        api("inputParameters: [{name: body.size, in: query}]"),
        tool("inputParameters: [{name: body, type: object}]"),
    )
    assert query_of(request_of(unit, body={"size": 1})) == []


def test_what_is_not_declared_stays_one_flat_input():
    unit, _ = only_unit(api("body: {type: json, data: {q: '{{o.k}}'}}", method="POST"), tool(""))
    assert [given.name for given in unit.inputs] == ["o.k"]


@pytest.mark.parametrize(
    ("value", "sent"), [("{{s.picks.0}}", "p0"), ("$.s.list.1.k.1", "8"), ("{{s.0}}", "name"), ("{{s.picks.5}}", None)]
)
def test_positions_in_the_results_of_steps(value, sent):
    seen = []

    def answer(request):
        seen.append(request)
        return httpx.Response(200, json=DOCUMENT)

    text = (
        "naftiko: 1.0.0-alpha2\n"
        + api("inputParameters: [{name: b, in: query}]")
        + tool(
            "steps:\n- {name: s, type: call, call: a.o}\n"
            f"- {{name: t, type: call, call: a.o, with: {{b: {json.dumps(value)}}}}}\n"
            f"mappings: [{{targetName: m, value: {json.dumps(value)}}}]",
            call="",
        )
    )
    settings = Settings(environment={}, transport=lambda _: httpx.MockTransport(answer))
    (unit,) = naftiko.loads(text, settings=settings).units
    mapped = asyncio.run(unit.run({})).value["m"]
    assert dict(query_of(seen[1])).get("b") == sent
    assert (None if mapped is None else str(mapped)) == sent


def test_a_position_in_an_output():
    unit, loaded = only_unit(
        tool(
            "inputParameters: [{name: o, type: object}]\noutputParameters: [{name: v, value: '{{o.arr.1.y}}'}]", call=""
        )
    )
    assert not loaded.errors
    assert asyncio.run(unit.run({"o": VALUE})).value == {"v": 2}
