"""A caller's null: JSON null in a JSON body, as absent elsewhere, an error where the type forbids it (SEMANTICS 3.2)."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

import pytest
from linked_units import api, only_unit, request_of, rest, tool

from naftiko.ground.errors import InputError

FORM = "{name: Content-Type, in: header, value: application/x-www-form-urlencoded}"


def patching(operation, unit="", **more):
    return only_unit(api(operation, method="PATCH", **more), tool(unit))[0]


def sent(unit, **inputs):
    return json.loads(request_of(unit, **inputs).content)


def refused(unit, **inputs):
    with pytest.raises(InputError) as caught:
        request_of(unit, **inputs)
    return caught.value.problems


TWO = "inputParameters: [{name: a, in: body%s}, {name: b, in: body, type: string}]"


@pytest.mark.parametrize(
    "declared", ["", ", nullable: true, type: string", ", type: [string, 'null']", ", enum: [x, null]"]
)
def test_null_clears_a_field_of_json(declared):
    assert sent(patching(TWO % declared), a=None, b="x") == {"a": None, "b": "x"}


@pytest.mark.parametrize("kind", ["string", "integer", "number", "boolean", "array", "object"])
def test_null_is_refused_where_the_type_forbids_it(kind):
    (problem,) = refused(patching(TWO % f", type: {kind}"), a=None)
    assert problem.name == "a"
    assert "not null" in problem.message
    assert "nullable: true" in problem.message


def test_a_required_field_is_not_said_to_be_optional():
    (problem,) = refused(patching(TWO % ", type: string, required: true"), a=None)
    assert "leave it out" not in problem.message
    assert sent(patching(TWO % ", nullable: true, type: string, required: true"), a=None) == {"a": None}


@pytest.mark.parametrize(
    "block",
    [
        '{data: {a: "{{a}}", b: 1}}',
        '\'{"a": {{a}}, "b": 1}\'',
        '\'{"a": "{{a}}", "b": 1}\'',
        '{data: {a: {c: ["{{a}}"]}, b: 1}}',
    ],
)
def test_null_in_a_block_of_json(block):
    made = sent(patching(f"body: {block}"), a=None)
    assert made in ({"a": None, "b": 1}, {"a": {"c": [None]}, "b": 1})
    (problem,) = refused(patching(f"inputParameters: [{{name: a, in: body, type: string}}]\nbody: {block}"), a=None)
    assert problem.name == "a"


@pytest.mark.parametrize("block", ['{data: {a: "x {{a}}", b: 1}}', '\'{"a": "x {{a}}", "b": 1}\''])
def test_null_inside_a_text_is_as_absent(block):
    assert sent(patching(f"body: {block}"), a=None) == {"b": 1}


@pytest.mark.parametrize("location", ["query", "header", "cookie"])
@pytest.mark.parametrize("kind", ["string", "array", "object"])
def test_null_elsewhere_is_as_absent(location, kind):
    """Agents send null for optional arguments all the time."""
    unit = patching(f"inputParameters: [{{name: X-A, in: {location}, type: {kind}}}]")
    request = request_of(unit, **{"X-A": None})
    assert str(request.url) == "https://api.test/r"
    assert not {"x-a", "cookie"} & request.headers.keys()


def test_a_required_value_of_the_query_or_path_is_not_null():
    unit = patching("inputParameters: [{name: q, in: query, type: string, required: true}]", resource="/{id}")
    assert [problem.message for problem in refused(unit, q=None, id=None)] == [
        "`q` must be a string, not null",
        "`id` must be a string, not null",
    ]


@pytest.mark.parametrize(
    ("operation", "content"),
    [
        ('body: {type: form, data: {a: "{{a}}", b: 1}}', "b=1"),
        ('body: {type: form, data: "a={{a}}&b=1"}', "b=1"),
        (
            f"inputParameters: [{FORM}, {{name: a, in: body, type: string}}, {{name: b, in: body, const: 1}}]",
            "b=1",
        ),
        ('inputParameters: [{name: a, in: body, type: string}]\nbody: {type: text, data: "x{{a}}"}', "x"),
        ('body: {type: xml, data: "<a>{{a}}</a>"}', "<a></a>"),
    ],
)
def test_null_in_a_body_that_is_no_json_is_as_absent(operation, content):
    assert request_of(patching(operation), a=None).content.decode() == content


def test_a_part_of_a_multipart_form_that_is_null_is_none():
    content = request_of(patching('body: {type: multipartForm, data: {a: "{{a}}", b: "1"}}'), a=None).content
    assert b'name="a"' not in content
    assert b'name="b"' in content


def test_nulls_inside_of_a_value_are_kept_and_checked():
    untyped = patching("inputParameters: [{name: a, in: body, type: object}, {name: b, in: body}]")
    assert sent(untyped, a={"x": None, "y": [None]}) == {"a": {"x": None, "y": [None]}}
    typed = patching(
        "inputParameters: [{name: a, in: body, type: object, properties: {x: {type: string}}}, {name: b, in: body}]"
    )
    (problem,) = refused(typed, a={"x": None})
    assert problem.message.startswith("`a.x`: must be of type string, not null")
    assert "nullable: true" in problem.message
    nullable = patching(
        "inputParameters: [{name: a, in: body, type: object, properties: {x: {type: string, nullable: true}}}, {name: b, in: body}]"
    )
    assert sent(nullable, a={"x": None}) == {"a": {"x": None}}


def test_a_body_that_is_null_as_a_whole_is_none_unless_the_file_allows_it():
    assert request_of(patching(""), body=None).content == b""
    assert request_of(patching("inputParameters: [{name: body, in: body}]"), body=None).content == b""
    assert (
        request_of(
            patching("inputParameters: [{name: body, in: body, type: object, nullable: true}]"), body=None
        ).content
        == b"null"
    )
    (problem,) = refused(patching("inputParameters: [{name: body, in: body, type: object}]"), body=None)
    assert "nullable: true" in problem.message


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("with: {a: tools.x}", {"a": None}),
        ("with: {body: {a: {c: tools.x}}}", {"a": {"c": None}}),
        ("with: {extra: tools.x}", {"extra": None}),
        ("inputParameters: [{name: x, required: false}]\nwith: {a: tools.x}", {"a": None}),
    ],
)
def test_null_that_a_unit_maps_to_a_field(unit, expected):
    operation = "inputParameters: [{name: a, in: body}, {name: b, in: body}]"
    assert sent(patching("" if "body:" in unit else operation, unit), x=None) == expected
    typed = patching(operation, "inputParameters: [{name: x, type: string, required: false}]\nwith: {a: tools.x}")
    assert refused(typed, x=None)[0].name == "x"


def test_a_default_stands_in_for_null_outside_of_json_only():
    query = patching(
        "inputParameters: [{name: q, in: query}]", "inputParameters: [{name: q, type: string, default: d}]"
    )
    assert parse_qsl(str(request_of(query, q=None).url.query.decode())) == [("q", "d")]
    field = patching(TWO % "", "inputParameters: [{name: a, type: string, default: d}]")
    assert refused(field, a=None)[0].name == "a"


def test_a_function_takes_null_as_a_unit_does():
    functions = "aggregates:\n- namespace: f\n  functions:\n  - name: u\n    description: d\n    call: a.o\n"
    operation = api(TWO % "", method="PATCH")
    for call in ("ref: f.u", "ref: f.u\n    with: {a: tools.x}"):
        unit, _ = only_unit(operation, functions, tool("", call=call))
        name = "x" if "with" in call else "a"
        assert sent(unit, **{name: None}) == {"a": None}
        assert refused(unit, b=None)[0].name == "b"


def test_rest_callers_are_told_too():
    unit, _ = only_unit(api(TWO % "", method="PATCH"), rest("", method="PATCH"))
    assert [given.null.name for given in unit.inputs] == ["VALUE", "REFUSED"]
