"""Which parameter is the body and which are fields; one name in two places (SEMANTICS 3.5 and 4.3)."""

from __future__ import annotations

import json

import pytest
from linked_units import api, only_unit, query_of, request_of, rest, rules, tool

from naftiko.expression.content import Content
from naftiko.ground.errors import InputError

PDF = "{name: Content-Type, in: header, value: application/pdf}"
PARTS = 'body: {type: multipartForm, data: [{name: f, value: "{{f}}", filename: a.pdf, contentType: application/pdf}]}'
FORM = "{name: Content-Type, in: header, value: multipart/form-data}"


def posting(operation, unit="", method="POST", **more):
    found, loaded = only_unit(api(operation, method=method, **more), tool(unit))
    assert not loaded.errors, [str(each) for each in loaded.errors]
    return found


def sent(unit, **inputs):
    return json.loads(request_of(unit, **inputs).content)


@pytest.mark.parametrize(
    ("declared", "value", "body"),
    [
        ("name: query, type: string", "SELECT 1", {"query": "SELECT 1"}),
        ("name: query", "SELECT 1", {"query": "SELECT 1"}),
        ("name: clientid, type: integer", 5, {"clientid": 5}),
        ("name: limit, type: number", 1.5, {"limit": 1.5}),
        ("name: on, type: boolean", True, {"on": True}),
        ("name: commands, type: array", [{"c": 1}], {"commands": [{"c": 1}]}),
        ("name: tags, type: array", '["a"]', {"tags": ["a"]}),
        ("name: query, type: string", "5", {"query": "5"}),
        ("name: query, type: string", '"text"', {"query": '"text"'}),
        ("name: query, type: string", "{broken", {"query": "{broken"}),
        ("name: query, type: string", "", {"query": ""}),
        ("name: app", {"name": "x"}, {"app": {"name": "x"}}),
        ("name: app, type: string", '{"name": "x"}', {"name": "x"}),
        ("name: app, type: string", ' [1, {"a": 2}]\n', [1, {"a": 2}]),
        ("name: app", '{"name": "x"}', {"name": "x"}),
        ("name: body, type: string", "SELECT 1", "SELECT 1"),
        ("name: payload, type: array", [1], [1]),
        ("name: _body, type: integer", 5, 5),
        ("name: orderBody, type: string", '{"a": 1}', {"a": 1}),
        ("name: order, type: object", {"a": 1}, {"a": 1}),
    ],
)
def test_the_only_parameter_in_the_body(declared, value, body):
    unit = posting(f"inputParameters: [{{in: body, {declared}}}]")
    (given,) = unit.inputs
    request = unit.request({given.name: value})
    assert json.loads(request.content) == body
    assert request.headers["content-type"] == "application/json"
    assert request_of(unit).content == b""


def test_a_digit_of_a_field_or_of_a_whole_body_is_never_lost():
    unit = posting("inputParameters: [{in: body, name: query, type: string}]")
    assert request_of(unit, query='{"n": 100000000000000000000001.10}').content == b'{"n":100000000000000000000001.10}'


@pytest.mark.parametrize(("fixed", "body"), [("5", {"n": "5"}), ("'[1]'", [1]), ("text", {"n": "text"})])
def test_a_fixed_value_is_placed_like_any_other(fixed, body):
    assert sent(posting(f"inputParameters: [{{in: body, name: n, value: {fixed}}}]")) == body


def test_a_field_beside_with_keys_that_name_nothing_is_a_field_whatever_it_holds():
    unit = posting("inputParameters: [{in: body, name: query, type: string}]", "with: {query: tools.q, extra: tools.x}")
    assert sent(unit, q='{"a": 1}', x=1) == {"query": '{"a": 1}', "extra": 1}


def test_a_media_type_that_has_no_fields_makes_the_only_parameter_the_body():
    header = "{name: Content-Type, in: header, value: text/markdown}"
    unit = posting(f"inputParameters: [{header}, {{in: body, name: text, type: string}}]")
    assert request_of(unit, text='{"a" : 1} # x').content == b'{"a" : 1} # x'
    asked = posting("inputParameters: [{name: Content-Type, in: header}, {in: body, name: text, type: string}]")
    request = asked.request({"Content-Type": "text/markdown", "text": "# x"})
    assert (request.content, request.headers["content-type"]) == (b"# x", "text/markdown")
    assert json.loads(asked.request({"text": "# x"}).content) == {"text": "# x"}
    form = asked.request({"Content-Type": "application/x-www-form-urlencoded", "text": "a&b"})
    assert form.content == b"text=a%26b"


@pytest.mark.parametrize("key", ["payload", "body"])
def test_a_whole_body_is_mapped_by_its_name_or_by_body(key):
    unit = posting("inputParameters: [{in: body, name: payload, type: object}]", f"with: {{{key}: {{a: tools.x}}}}")
    assert sent(unit, x=1) == {"a": 1}
    assert [given.name for given in unit.inputs] == ["x"]


def test_a_body_that_with_gives_needs_no_field():
    unit = posting(
        "inputParameters: [{in: body, name: query, type: string, required: true}]", "with: {body: {a: tools.x}}"
    )
    assert sent(unit, x=1) == {"a": 1}
    assert [given.name for given in unit.inputs] == ["x"]


def test_a_parameter_of_the_body_that_its_block_does_not_name_is_a_field_beside_it():
    operation = "inputParameters: [{in: body, name: a}, {in: body, name: b}]\nbody: %s"
    assert sent(posting(operation % '{data: {x: "{{a}}"}}'), a=1, b=2) == {"x": 1, "b": 2}
    assert sent(posting(operation % "'{\"x\": {{a}}}'"), a=1, b=2) == {"x": 1, "b": 2}
    assert request_of(posting(operation % '{type: form, data: {x: "{{a}}"}}'), a=1, b=2).content == b"x=1&b=2"
    assert sent(posting(operation % '{data: {x: "{{a}}"}}'), a=1) == {"x": 1}


# A tool on an operation that declares no body


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("value", [{"a": [None]}, [1], "text", 5, False])
def test_a_tool_gives_a_body_to_an_operation_that_declares_none(method, value):
    unit = posting("", method=method)
    assert [(given.name, given.type, given.required) for given in unit.inputs] == [("body", None, False)]
    assert sent(unit, body=value) == value
    assert request_of(unit).content == b""
    assert sent(unit, body='{"a": 1}') == {"a": 1}


@pytest.mark.parametrize(
    ("operation", "unit"),
    [
        ("inputParameters: [{name: id, in: path}, {name: q, in: query}]", ""),
        ("inputParameters: [{name: id, in: path}, {name: q, in: query}]", "with: {id: tools.id, q: tools.q}"),
        (
            "inputParameters: [{name: q, in: query}]",
            "inputParameters: [{name: id}, {name: q, required: false}]\nwith: {id: tools.id, q: tools.q}",
        ),
    ],
)
def test_beside_other_inputs_inferred_or_declared(operation, unit):
    found, _ = only_unit(api(operation, method="PATCH", resource="/r/{id}"), tool(unit))
    assert [given.name for given in found.inputs][-1] == "body"
    request = request_of(found, id="i", q="v", body={"a": 1})
    assert (request.url.path, query_of(request), request.content) == ("/r/i", [("q", "v")], b'{"a":1}')


@pytest.mark.parametrize(
    ("operation", "unit", "method"),
    [
        ("", "", "GET"),
        ("", "", "DELETE"),
        ("body: {data: {a: 1}}", "", "POST"),
        ("inputParameters: [{name: a, in: body}]", "", "POST"),
        ("", "with: {body: {a: 1}}", "POST"),
        ("", "with: {extra: tools.x}", "POST"),
        ("inputParameters: [{name: body, in: query}]", "", "POST"),
        ("inputParameters: [{name: q, in: query}]", "with: {q: tools.body}", "POST"),
        ("", "inputSchema: {properties: {x: {type: string}}}", "POST"),
    ],
)
def test_not_where_a_body_is_made_or_the_name_means_something_else(operation, unit, method):
    found = posting(operation, unit, method)
    assert not any(given.name == "body" and given.location == "argument" and given.whole_body for given in found.inputs)
    own = [given for given in found.plan.action.call.extras if given.name == "body" and unit != "with: {body: {a: 1}}"]
    assert not own


def test_a_declared_input_of_that_name_is_the_body():
    unit = posting("", "inputParameters: [{name: body, type: object, required: true}]")
    assert [(given.name, given.required) for given in unit.inputs] == [("body", True)]
    assert sent(unit, body={"a": 1}) == {"a": 1}


@pytest.mark.parametrize(
    ("call", "unit"),
    [("ref: f.u", ""), ("ref: f.u", "with: {id: tools.id}"), ("ref: f.u", "inputParameters: [{name: id}]")],
)
def test_a_function_gives_the_body_on(call, unit):
    functions = "aggregates:\n- namespace: f\n  functions:\n  - name: u\n    description: d\n    call: a.o\n"
    found, _ = only_unit(api("", method="PUT", resource="/r/{id}"), functions, tool(unit, call=call))
    request = request_of(found, id="i", body={"a": 1})
    assert (request.url.path, request.content) == ("/r/i", b'{"a":1}')


def test_steps_and_resources_have_no_body_of_their_own():
    steps = "steps:\n- {type: call, name: s, call: a.o}\n"
    found, _ = only_unit(api("", method="POST"), tool(steps, call="label: x"))
    assert found.inputs == ()


@pytest.mark.parametrize(
    "unit", ["", "inputParameters: [{name: text, in: body}]", "inputParameters: [{name: q, in: query}]"]
)
def test_a_route_passes_the_callers_body_on_beside_what_it_declares(unit):
    found, _ = only_unit(api("", method="POST"), rest(unit, method="POST"))
    assert found.plan.passes_body
    body = Content(b'{"text": "x"}', "application/json", coding="gzip")
    request = found.request({}, body=body)
    assert (request.content, request.headers["content-encoding"]) == (body.data, "gzip")


def test_a_route_with_a_function_passes_the_body_on():
    functions = "aggregates:\n- namespace: f\n  functions:\n  - name: u\n    description: d\n    call: a.o\n"
    for unit in ("", "with: {id: rest.id}"):
        found, _ = only_unit(
            api("", method="PUT", resource="/r/{id}"),
            functions,
            rest(unit, method="PUT", path="/x/{id}", call="ref: f.u"),
        )
        assert found.plan.passes_body
        assert found.request({"id": "i"}, body=Content(b"x", "a/b")).content == b"x"


@pytest.mark.parametrize(
    ("operation", "unit"),
    [
        ("", "inputParameters: [{name: key, in: body}]\nwith: {id: rest.key}"),
        ("inputParameters: [{name: q, in: query, value: '{{key}}'}]", "inputParameters: [{name: key, in: body}]"),
    ],
)
def test_a_route_that_reads_a_field_for_another_place_passes_nothing_on(operation, unit):
    found, _ = only_unit(api(operation, method="POST", resource="/r/{id}"), rest(unit, method="POST"))
    assert not found.plan.passes_body


# One name in two places


TWICE = "inputParameters: [{name: id, in: path}, {name: id, in: body, type: integer}, {name: n, in: body}]"


@pytest.mark.parametrize(
    "operation",
    [
        TWICE,
        "inputParameters: [{name: id, in: body, type: integer}, {name: n, in: body}]",
        'inputParameters: [{name: id, in: path}, {name: id, in: body, type: integer}]\nbody: {data: {id: "{{id}}", n: "{{n}}"}}',
        'inputParameters: [{name: id, in: body, type: integer}]\nbody: \'{"id": {{id}}, "n": {{n}}}\'',
    ],
)
def test_in_rest_each_comes_from_its_own_place(operation):
    unit, _ = only_unit(api(operation, method="PUT", resource="/r/{id}"), rest("", method="PUT", path="/x/{id}"))
    assert [(given.shown, given.location) for given in unit.inputs][:2] == [("id", "path"), ("id", "body")]
    first, second = unit.inputs[:2]
    request = unit.request({first.name: "7", second.name: 8, "n": 1})
    assert (request.url.path, json.loads(request.content)) == ("/r/7", {"id": 8, "n": 1})
    assert second.name not in unit.plan.inputs.check({first.name: "7", "n": 1})


def test_in_mcp_one_argument_feeds_both():
    unit, _ = only_unit(api(TWICE, method="PUT", resource="/r/{id}"), tool(""))
    assert [given.name for given in unit.inputs] == ["id", "n"]
    request = request_of(unit, id="7", n=1)
    assert (request.url.path, json.loads(request.content)) == ("/r/7", {"id": "7", "n": 1})


def test_a_name_that_a_caller_gives_once_feeds_both():
    """As ``naftiko call`` and Python do, which know no places."""
    unit, _ = only_unit(api(TWICE, method="PUT", resource="/r/{id}"), rest("", method="PUT", path="/x/{id}"))
    request = request_of(unit, id=7, n=1)
    assert (request.url.path, json.loads(request.content)) == ("/r/7", {"id": 7, "n": 1})


def test_with_feeds_both_from_their_places():
    unit, _ = only_unit(
        api(TWICE, method="PUT", resource="/r/{id}"), rest("with: {id: rest.key}", method="PUT", path="/x/{key}")
    )
    assert [(given.shown, given.location) for given in unit.inputs][:2] == [("key", "path"), ("key", "body")]


def test_declared_twins_feed_their_places():
    declared = "inputParameters: [{name: id, in: path}, {name: id, in: body, type: integer}]"
    unit, _ = only_unit(api(TWICE, method="PUT", resource="/r/{id}"), rest(f"{declared}", method="PUT", path="/x/{id}"))
    first, second = unit.inputs
    request = unit.request({first.name: "7", second.name: 8})
    assert (request.url.path, json.loads(request.content)) == ("/r/7", {"id": 8})
    with pytest.raises(InputError) as caught:
        unit.request({first.name: "7", second.name: "x"})
    (problem,) = caught.value.problems
    assert (problem.name, problem.location) == ("id", "body")
    assert problem.message.startswith("`id` must be an integer")


@pytest.mark.parametrize("declared", ["", "inputParameters: [{name: id, in: path}, {name: id, in: body}]\n"])
def test_a_reference_that_names_its_place_feeds_both_from_there(declared):
    for reference, sent_as in (("rest.path.id", ("7", "7")), ("rest.id", ("7", "8"))):
        unit, _ = only_unit(
            api(TWICE.replace(", type: integer", ""), method="PUT", resource="/r/{id}"),
            rest(f"{declared}with: {{id: {reference}}}", method="PUT", path="/x/{id}"),
        )
        given = {found.name: {"path": "7", "body": "8"}[found.location] for found in unit.inputs if found.shown == "id"}
        request = unit.request(given)
        assert (request.url.path.rpartition("/")[2], json.loads(request.content)["id"]) == sent_as


@pytest.mark.parametrize("places", [("query", "body"), ("header", "query"), ("cookie", "body"), ("query", "cookie")])
def test_any_two_places(places):
    parameters = ", ".join(f"{{name: id, in: {place}}}" for place in places)
    unit, loaded = only_unit(api(f"inputParameters: [{parameters}]", method="POST"), rest("", method="POST"))
    assert [given.location for given in unit.inputs] == list(places)
    request = unit.request({given.name: given.location for given in unit.inputs})
    shown = {
        "query": dict(query_of(request)).get("id"),
        "body": json.loads(request.content or b"{}").get("id"),
        "header": request.headers.get("id"),
        "cookie": request.headers.get("cookie", "").removeprefix("id=") or None,
    }
    assert {place: value for place, value in shown.items() if value} == {place: place for place in places}
    assert not rules(loaded)


# Bytes


@pytest.mark.parametrize(
    "declared",
    ["format: binary", "contentEncoding: base64", "format: byte", "format: binary, contentEncoding: base64"],
)
def test_base64_of_a_tool_is_sent_as_bytes(declared):
    unit = posting(f"inputParameters: [{PDF}, {{name: data, in: body, type: string, {declared}}}]")
    request = request_of(unit, data="AAH//g==")
    assert (request.content, request.headers["content-type"]) == (b"\x00\x01\xff\xfe", "application/pdf")
    assert unit.inputs[0].schema["contentEncoding"] == "base64"


@pytest.mark.parametrize("declared", ["format: binary", "contentEncoding: base64"])
def test_bytes_without_a_media_type_are_just_bytes(declared):
    request = request_of(posting(f"inputParameters: [{{name: data, in: body, type: string, {declared}}}]"), data="AAE=")
    assert (request.content, request.headers["content-type"]) == (b"\x00\x01", "application/octet-stream")


@pytest.mark.parametrize(
    "operation",
    [
        "inputParameters: [{name: data, in: body, type: string, format: byte}]",
        "inputParameters: [{name: data, in: body, type: string, format: binary}, {name: n, in: body}]",
        'inputParameters: [{name: data, in: body, type: string, contentEncoding: base64}]\nbody: {data: {data: "{{data}}"}}',
        "inputParameters: [{name: Content-Type, in: header, value: application/json}, {name: data, in: body, type: string, format: binary}]",
    ],
)
def test_json_holds_base64_as_text(operation):
    for text in ("AAE=", "no base64"):
        assert sent(posting(operation), data=text) == {"data": text}


@pytest.mark.parametrize(
    "block",
    [
        '{type: binary, data: "{{data}}"}',
        '{type: image/png, data: {image: "{{data}}"}}',
    ],
)
@pytest.mark.parametrize("where", ["consumed", "declared"])
def test_bytes_of_a_block(block, where):
    declared = "inputParameters: [{name: data, in: body, type: string, format: binary}]"
    unit = posting(
        f"{declared if where == 'consumed' else ''}\nbody: {block}",
        declared.replace(", in: body", "") if where == "declared" else "",
    )
    assert request_of(unit, data="AAE=").content == b"\x00\x01"


@pytest.mark.parametrize(
    ("operation", "value"),
    [
        (
            'inputParameters: [{name: f, in: body, type: string, format: binary}]\nbody: {type: multipartForm, data: {f: "{{f}}"}}',
            "AP8=",
        ),
        (
            f"inputParameters: [{{name: f, in: body, type: string, format: byte}}]\n{PARTS}",
            "AP8=",
        ),
        (
            f"inputParameters: [{{name: f, in: body, type: array, items: {{type: string, format: binary}}}}]\n{PARTS}",
            ["AP8=", "AP8="],
        ),
        (f"inputParameters: [{FORM}, {{name: f, in: body, type: string, format: binary}}]", "AP8="),
        (
            f"inputParameters: [{FORM}, {{name: f, in: body, type: string, format: binary}}, {{name: n, in: body}}]",
            "AP8=",
        ),
    ],
)
def test_bytes_of_a_part(operation, value):
    content = request_of(posting(operation), f=value).content
    assert content.count(b"\r\n\r\n\x00\xff\r\n") == (2 if isinstance(value, list) else 1)
    assert b'name="f"; filename="' in content


@pytest.mark.parametrize("value", ["hello", "AAH//g=", "é", "AA==BB", "A A A A", "a.b="])
def test_what_is_no_base64_is_an_error_that_names_the_argument(value):
    unit = posting(
        f"inputParameters: [{PDF}, {{name: data, in: body, type: string, format: binary}}]", "with: {data: tools.file}"
    )
    with pytest.raises(InputError, match="`file` must be base64") as caught:
        request_of(unit, file=value)
    assert caught.value.problems[0].name == "file"


@pytest.mark.parametrize("value", ["AAH//g==", "AAH__g", "AAH\n//g==\r\n", ""])
def test_the_spellings_of_base64(value):
    unit = posting("inputParameters: [{name: data, in: body, type: string, format: binary}]")
    assert request_of(unit, data=value).content in {b"\x00\x01\xff\xfe", b""}


def test_one_wrong_file_of_many_is_named_with_its_place():
    unit = posting(
        "inputParameters: [{name: f, in: body, type: array, items: {type: string, format: binary}}]\n"
        'body: {type: multipartForm, data: {f: "{{f}}"}}'
    )
    with pytest.raises(InputError, match=r"`f\[1\]` must be base64"):
        request_of(unit, f=["AA==", "no"])


def test_bytes_that_came_as_bytes_stay_as_they_are():
    unit = posting(f"inputParameters: [{PDF}, {{name: data, in: body, type: string, format: binary}}]")
    assert request_of(unit, data=Content(b"AA==", "a/b")).content == b"AA=="
