"""Answers out of documents: simple mode (SEMANTICS 5.3, 5.4)."""

from __future__ import annotations

import httpx
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from linked_units import answering, api, capability, only_unit, rules, run, tool

from naftiko.expression.scope import Scope

DOCUMENT = {
    "data": {"id": 7, "owner": {"name": "Ann", "tags": ["a", "b"]}, "empty": None},
    "items": [{"id": 1, "sub": [{"v": "x"}, {"v": "y"}]}, {"id": 2}, {"id": 3, "sub": []}],
    "n": 5.0,
    "flag": False,
    "full name": "Ann B",
}


def mapped(outputs, document=DOCUMENT, operation="", **inputs):
    unit = answering({"/r": document}, api(operation), tool(f"outputParameters:\n{outputs}"))
    return run(unit, **inputs)


@pytest.mark.parametrize(
    "outputs",
    [
        "  []",
        "- {type: object, mapping: $.}",
        "- {type: array, mapping: '$'}",
        "- {type: object}",
        "- {type: string, mapping: $.}",
    ],
)
def test_without_anything_to_map_the_document_is_the_answer_as_it_is(outputs):
    unit = answering(
        {"/r": httpx.Response(200, content=b'{"b":1,  "a":2}')}, api(""), tool(f"outputParameters:\n{outputs}")
    )
    assert unit.plan.outputs.identity
    assert run(unit) == {"b": 1, "a": 2}


@pytest.mark.parametrize(
    ("outputs", "answer"),
    [
        # one unnamed output is the whole answer
        ("- {type: string, mapping: $.data.owner.name}", "Ann"),
        ("- {type: object, mapping: $.data.owner}", {"name": "Ann", "tags": ["a", "b"]}),
        ("- {type: array, mapping: '$.items[*].id'}", [1, 2, 3]),
        ("- {type: string, value: $.data.id}", 7),
        # named ones are an object of all of them
        (
            "- {name: who, type: string, mapping: $.data.owner.name}\n- {name: n, type: number}",
            {"who": "Ann", "n": 5.0},
        ),
        ("- {name: all, type: object, mapping: $.}", {"all": DOCUMENT}),
        # several unnamed ones are keyed by each mapping's last name
        (
            "- {type: string, mapping: $.data.id}\n- {type: string, mapping: $.data.owner.name}",
            {"id": 7, "name": "Ann"},
        ),
        ("- {mapping: $.}\n- {mapping: '$.items[*]'}", {"value": DOCUMENT, "items": DOCUMENT["items"]}),
        # native types stay, whatever is declared
        ("- {name: n, type: string}\n- {name: flag, type: integer}", {"n": 5.0, "flag": False}),
        # nothing found is null
        ("- {name: a, mapping: $.gone.deeper}\n- {name: b, mapping: $.data.empty}", {"a": None, "b": None}),
        # an object's own mapping is the context of its properties, to any depth
        (
            "- {type: object, mapping: $.data, properties: {id: {}, o: {type: object, mapping: $.owner, properties: {name: {}}}}}",
            {"id": 7, "o": {"name": "Ann"}},
        ),
        ("- {type: object, properties: {x: {mapping: $.data.id}}}", {"x": 7}),
        ("- {type: object, mapping: $.gone, properties: {x: {mapping: $.id}}}", None),
        # an array's mapping is that of its items
        (
            "- {type: array, mapping: $.items, items: {type: object, properties: {id: {}, vs: {type: array, mapping: $.sub, items: {mapping: $.v}}}}}",
            [{"id": 1, "vs": ["x", "y"]}, {"id": 2, "vs": None}, {"id": 3, "vs": []}],
        ),
        (
            "- {name: items, type: array, items: {type: object, properties: {id: {}}}}",
            {"items": [{"id": 1}, {"id": 2}, {"id": 3}]},
        ),
        ("- {type: array, mapping: $.data, items: {mapping: $.id}}", None),
        ("- {name: items, type: array, items: {type: object}}", {"items": DOCUMENT["items"]}),
        # an object with free keys
        (
            "- {type: object, mapping: $.data, values: {type: string, mapping: $.name}}",
            {"id": None, "owner": "Ann", "empty": None},
        ),
        ("- {type: object, mapping: $.n, values: {}}", None),
        # values and constants
        ("- {name: v, value: text}\n- {name: c, const: [1]}", {"v": "text", "c": [1]}),
        ("- {name: v, type: integer, value: '5'}\n- {name: c, type: integer, const: '6'}", {"v": 5, "c": 6}),
        ("- {name: v, type: integer, value: five}", {"v": "five"}),
        (
            "- {name: a, maxLength: 2, mapping: $.data.owner.name}\n- {name: b, maxLength: 2, value: long}",
            {"a": "An", "b": "lo"},
        ),
        # spellings of paths
        (
            "- {name: a, mapping: data.owner.name}\n- {name: b, mapping: $.full name}\n- {name: full name}",
            {"a": "Ann", "b": "Ann B", "full name": "Ann B"},
        ),
        ("- {name: a, mapping: '$.items[-1].id'}", {"a": 3}),
        ("- {name: it's}", {"it's": None}),
    ],
)
def test_mapping(outputs, answer):
    got = mapped(outputs)
    assert got == answer
    assert repr(got) == repr(answer)


def test_templates_in_outputs_see_the_inputs():
    outputs = "- {name: a, value: 'n {{x}}'}\n- {name: b, type: integer, value: '{{x}}'}\n- {name: c, value: 'n {{y}}!'}\n- {name: d, value: '{{y}}'}"
    assert mapped(outputs, x="5") == {"a": "n 5", "b": 5, "c": "n !", "d": None}


CONSUMED = "outputParameters: [{name: who, value: $.data.owner.name}, {name: own.er, value: $.data.owner}, {name: id, value: $.data.id}, {name: bad, value: '$.['}]"


@pytest.mark.parametrize(
    ("outputs", "answer"),
    [
        ("- {name: x, mapping: $.who}", {"x": "Ann"}),
        ("- {name: x, mapping: who}", {"x": "Ann"}),
        ("- {name: x, mapping: \"$['who']\"}", {"x": "Ann"}),
        ("- {name: who}", {"who": "Ann"}),
        ("- {name: x, mapping: '$.own.er.tags[1]'}", {"x": "b"}),
        ("- {name: x, mapping: $.own.er}", {"x": {"name": "Ann", "tags": ["a", "b"]}}),
        ("- {name: x, mapping: $.who.gone}", {"x": None}),
        ("- {name: x, mapping: $.whose}", {"x": None}),
        ("- {name: 'who['}", {"who[": None}),
    ],
)
def test_the_consumed_operations_named_outputs_are_visible(outputs, answer):
    assert mapped(outputs, operation=CONSUMED) == answer


def test_the_documents_own_field_comes_before_a_consumed_output():
    assert mapped("- {name: id}", {"id": "own", "data": {"id": 7}}, operation=CONSUMED) == {"id": "own"}


def test_a_broken_path_is_told_at_load_with_its_place_and_finds_nothing():
    _, loaded = only_unit(
        api(CONSUMED),
        tool(
            "outputParameters:\n- {name: a, mapping: '$.a['}\n- {name: b, value: '$.b[?'}\n- {name: c, value: '{{#x}}'}"
        ),
    )
    assert rules(loaded) == ["broken-jsonpath", "broken-jsonpath", "broken-jsonpath", "broken-template"]
    assert [found.position.line for found in loaded.diagnostics] == [10, 20, 21, 22]
    assert mapped("- {name: a, mapping: '$.a['}") == {"a": None}


def test_one_child_in_xml_is_an_array_of_one():
    text = "<r><item><id>1</id></item></r>"
    unit = answering(
        {"/r": httpx.Response(200, text=text)},
        api("outputRawFormat: xml"),
        tool("outputParameters:\n- {type: array, mapping: $.item, items: {type: object, properties: {id: {}}}}"),
    )
    assert run(unit) == [{"id": "1"}]


@pytest.mark.parametrize("response", [httpx.Response(204), httpx.Response(200, content=b"")])
def test_no_content_is_no_error(response):
    unit = answering({"/r": response}, api(""), tool("outputParameters: [{name: a}]"))
    assert run(unit) in (None, {"a": None})


def test_explaining_says_where_each_value_came_from():
    outputs = (
        "outputParameters:\n- {name: who, mapping: $.data.owner.name}\n- {name: gone, mapping: $.data.ownr.name}\n"
        "- {name: l, type: array, mapping: $.items, items: {type: object, properties: {id: {}}}}\n"
        "- {name: e, type: array, mapping: $.none, items: {type: object, properties: {id: {}}}}\n"
        "- {name: o, type: object, mapping: $.data, properties: {id: {}}}\n- {name: p, type: object, mapping: $.q, properties: {id: {}}}\n"
        "- {name: v, type: object, mapping: $.data, values: {}}\n- {name: c, value: fixed}\n- {name: w, type: object, mapping: $.}\n"
    )
    unit, _ = only_unit(api(""), tool(outputs))
    found = {each.name: each for each in unit.plan.outputs.explain(DOCUMENT, Scope({}, None))}
    assert {name: each.found for name, each in found.items()} == {
        "who": True, "gone": False, "l[0].id": True, "e": False, "o.id": True, "p": False, "v": True, "c": True, "w": True,
    }  # fmt: skip
    assert (found["who"].value, found["who"].expression) == ("Ann", "$.data.owner.name")
    assert "ownr" in found["gone"].detail


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["data", "items", "id", "owner", "name", "sub", "v", "who"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)
PATHS = st.sampled_from(
    [
        "$.",
        "$.data",
        "$.items",
        "$.items[*].id",
        "$..id",
        "$.data.owner",
        "$.items[-1]",
        "$.items.length()",
        "who",
        "$.items[?(@.id>1)]",
    ]
)
PARAMETERS = st.recursive(
    st.fixed_dictionaries(
        {},
        optional={
            "mapping": PATHS,
            "type": st.sampled_from(["string", "integer", "object", "array"]),
            "maxLength": st.integers(0, 5),
        },
    )
    | st.fixed_dictionaries({"value": st.sampled_from(["{{x}}", "a {{x}}", "$.id", "text"])}),
    lambda inner: st.fixed_dictionaries(
        {"type": st.sampled_from(["object", "array"])},
        optional={
            "mapping": PATHS,
            "items": inner,
            "values": inner,
            "properties": st.dictionaries(st.sampled_from(["id", "v", "n"]), inner, max_size=3),
        },
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(
    parameters=st.lists(PARAMETERS, min_size=1, max_size=3),
    documents=st.lists(JSON, min_size=1, max_size=4),
    named=st.booleans(),
)
def test_mapping_never_raises_whatever_the_document(parameters, documents, named):
    for at, parameter in enumerate(parameters):
        if named:
            parameter["name"] = f"p{at}"
    text = yaml.safe_dump({"outputParameters": parameters})
    unit, _ = only_unit(api(CONSUMED), tool(text))
    for document in documents:
        unit.plan.outputs.build(document, Scope({}, None))
        unit.plan.outputs.explain(document, Scope({"x": 1}, None))


def test_hundreds_of_consumed_and_declared_outputs_link_quickly():
    """Each output is looked up among the consumed ones by name, not tried against all of them."""
    consumed = ", ".join(f"{{name: field{n}, value: $.data.f{n}}}" for n in range(800))
    outputs = "".join(f"- {{name: o{n}, mapping: $.field{n}}}\n" for n in range(800))
    loaded = capability(api(f"outputParameters: [{consumed}]") + tool(f"outputParameters:\n{outputs}"))
    document = {"data": {"f799": "last"}}
    assert loaded.units[0].plan.outputs.build(document, Scope({}, None))["o799"] == "last"


@pytest.mark.parametrize(
    ("xml", "answer"),
    [
        ("<r><rows/></r>", None),
        ("<r><rows>one</rows></r>", ["one"]),
        ("<r><rows>one</rows><rows/></r>", ["one", ""]),
        ("<r><rows/><rows/></r>", ["", ""]),
        ("<r/>", None),
    ],
)
@pytest.mark.parametrize("items", ["{type: string}", "{type: string, mapping: $}", "[{type: string}]"])
def test_an_array_in_xml_is_one_child_or_more_and_an_empty_element_has_none(xml, answer, items):
    unit = answering(
        {"/r": httpx.Response(200, content=xml.encode(), headers={"content-type": "application/xml"})},
        api("outputRawFormat: xml"),
        tool(f"outputParameters: [{{name: rows, type: array, mapping: $.rows, items: {items}}}]"),
    )
    assert run(unit) == {"rows": answer}
