"""Request bodies: filled by structure, typed, escaped for their kind (SEMANTICS 4.3)."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from linked_units import api, capability, only_unit, request_of, rest, rules, tool
from test_template import JSON

from naftiko.expression.content import Content


def posting(body, unit="", **more):
    found, loaded = only_unit(api(f"{body}\n", method="POST", **more), tool(unit))
    assert not loaded.errors, [str(each) for each in loaded.errors]
    return found


def sent(unit, **inputs):
    return json.loads(request_of(unit, **inputs).content)


@pytest.mark.parametrize(
    ("data", "inputs", "value"),
    [
        ('{a: "{{x}}"}', {"x": 5}, {"a": 5}),
        ('{a: "{{x}}"}', {"x": [True, {"b": None}]}, {"a": [True, {"b": None}]}),
        ('{a: "n {{x}}"}', {"x": 5}, {"a": "n 5"}),
        ('{a: "{{x}}", b: 1}', {}, {"b": 1}),
        ('{a: "n {{x}}", b: 1}', {}, {"b": 1}),
        ('{a: "{{x}} {{y}}"}', {"y": "v"}, {"a": " v"}),
        ('[1, "{{x}}", {b: "{{y}}"}]', {"y": 2}, [1, {"b": 2}]),
        ('{a: {b: {c: "{{x}}"}}}', {"x": 'q"\\'}, {"a": {"b": {"c": 'q"\\'}}}),
        ("{a: NO, b: 0123, c: 1e3}", {}, {"a": "NO", "b": 123, "c": 1000.0}),
        ('\'{"a": {{x}}, "b": "t {{y}}"}\'', {"x": [1], "y": 'q"'}, {"a": [1], "b": 't q"'}),
        ('\'{"a": {{x}}, "b": 1}\'', {}, {"b": 1}),
        ('\'{"a": "{{x}}", "b": [{{y}}]}\'', {"y": 2}, {"b": [2]}),
        ("'{\"{{k}}\": {{x}}}'", {"k": "n"}, {"n": None}),
        ('\'{"{{k}}": {{x}}, "l": {{y}}}\'', {"k": "n", "x": 1}, {"n": 1, "l": None}),
        ('"{{x}}"', {"x": {"any": 1}}, {"any": 1}),
        ('"{{x}}"', {"x": '{"text": "json"}'}, {"text": "json"}),
    ],
)
def test_json_is_filled_by_structure_or_by_position(data, inputs, value):
    assert sent(posting(f"body: {{type: json, data: {data}}}"), **inputs) == value


@given(value=JSON)
def test_no_value_breaks_a_json_body(value):
    expected = {"a": value, "b": 1}  # null too: it is what clears a field (SEMANTICS 3.2)
    assert sent(BY_STRUCTURE, x=value) == expected
    assert sent(BY_POSITION, x=value) == expected


# An input of a body block has no type of its own: whatever comes is put in.
BY_STRUCTURE = posting('body: {type: json, data: {a: "{{x}}", b: 1}}')
BY_POSITION = posting('body: \'{"a": {{x}}, "b": 1}\'')


def test_a_raw_body_whose_placeholders_have_single_braces():
    unit = posting('body: \'{"imo": "{imo}", "ids": {ids}}\'')
    assert [given.name for given in unit.inputs] == ["imo", "ids"]
    assert sent(unit, imo='a"', ids=[1]) == {"imo": 'a"', "ids": [1]}


def test_in_json_text_only_declared_parameters_are_placeholders_with_single_braces():
    unit = posting('inputParameters: [{name: imo, in: body}]\nbody: \'{"imo": "{imo}", "css": "a {color}"}\'')
    assert sent(unit, imo="9") == {"imo": "9", "css": "a {color}"}


def test_text_that_is_no_json_keeps_its_braces():
    unit = posting("body: 'query { viewer {login} }'")
    assert unit.inputs == ()
    assert sent(unit) == "query { viewer {login} }"


def test_a_words_that_is_a_parameters_name_stays_a_word_in_a_body():
    unit = posting(
        "inputParameters: [{name: status, in: query}]\nbody: {data: {sort: status, kind: rest.api, p: $.a.b}}"
    )
    assert sent(unit, status="open") == {"sort": "status", "kind": "rest.api", "p": "$.a.b"}


@pytest.mark.parametrize(
    ("body", "media_type", "content"),
    [
        ('{type: text, data: "a {{x}}"}', "text/plain; charset=utf-8", "a <&>"),
        ('{type: xml, data: "<a>{{x}}</a>"}', "application/xml", "<a>&lt;&amp;&gt;</a>"),
        ('{type: sparql, data: "ASK {{x}}"}', "application/sparql-query", "ASK <&>"),
        ('{type: form, data: "a={{x}}&b=1"}', "application/x-www-form-urlencoded", "a=%3C%26%3E&b=1"),
        (
            '{type: form, data: {a: "{{x}}", b: 1, c: "{{gone}}"}}',
            "application/x-www-form-urlencoded",
            "a=%3C%26%3E&b=1",
        ),
        (
            '{type: form, data: "a={{x}}&b={{gone}}&c=x{{gone}}&=1&d&e="}',
            "application/x-www-form-urlencoded",
            "a=%3C%26%3E&=1&d&e=",
        ),
        ("{type: text, data: {a: 1}}", "text/plain; charset=utf-8", "1"),
        ('{type: text, data: {query: "say {{x}}"}}', "text/plain; charset=utf-8", "say <&>"),
        ('{type: text, data: {query: "{{x}}"}}', "text/plain; charset=utf-8", "<&>"),
        ('{type: text, data: {query: "{{x}}", n: 1}}', "text/plain; charset=utf-8", '{"query":"<&>","n":1}'),
        ('{type: text, data: ["{{x}}"]}', "text/plain; charset=utf-8", '["<&>"]'),
        ('{type: binary, data: "{{x}}"}', "application/octet-stream", "<&>"),
        ('{type: octet-stream, data: {content: "{{x}}"}}', "application/octet-stream", "<&>"),
        ('{type: yaml, data: {spec: "a: {{x}}"}}', "application/yaml", "a: <&>"),
        ('{type: yaml, data: {a: "{{x}}", b: [1]}}', "application/yaml", '{"a":"<&>","b":[1]}'),
        ('{type: application/cbor, data: {tx: "{{x}}"}}', "application/cbor", "<&>"),
        ('{type: "text/csv; header=absent", data: {rows: "a,{{x}}"}}', "text/csv; header=absent", "a,<&>"),
        ("{type: application/xml, data: {doc: \"<a b='{{x}}'/>\"}}", "application/xml", "<a b='&lt;&amp;&gt;'/>"),
        ('{type: application/soap+xml, data: "<a>{{x}}</a>"}', "application/soap+xml", "<a>&lt;&amp;&gt;</a>"),
        ('{type: application/vnd.api+json, data: {a: "{{x}}"}}', "application/vnd.api+json", '{"a":"<&>"}'),
        (
            '{type: application/x-www-form-urlencoded, data: {a: "{{x}}"}}',
            "application/x-www-form-urlencoded",
            "a=%3C%26%3E",
        ),
        (
            '{type: sparql, data: {query: "ASK { <http://h/{{x}}> ?p ?o }"}}',
            "application/sparql-query",
            "ASK { <http://h/%3C&%3E> ?p ?o }",
        ),
        ('{type: application/sparql-update, data: "CLEAR {{x}}"}', "application/sparql-update", "CLEAR <&>"),
    ],
)
def test_each_kind_has_its_content_type_and_escaping(body, media_type, content):
    request = request_of(posting(f"body: {body}"), **({"x": "<&>"} if "{{x}}" in body else {}))
    assert request.headers["content-type"] == media_type
    assert request.content.decode() == content


@given(value=st.text(), more=st.lists(st.text(min_size=1), max_size=3))
def test_no_value_changes_the_pairs_of_a_form(value, more):
    content = request_of(FORM, x=value, y=more).content.decode()
    assert parse_qsl(content, keep_blank_values=True) == [("a", value), *(("b", each) for each in more)]


@pytest.mark.parametrize(
    "body",
    [
        '{type: text, data: {query: "{{x}}"}}',
        '{type: octet-stream, data: {c: "{{x}}"}}',
        '{type: xml, data: "{{x}}"}',
        "{type: text, data: {query: null}}",
        '{type: form, data: "{{x}}"}',
    ],
)
def test_a_body_whose_one_value_is_absent_is_none(body):
    request = request_of(posting(f"body: {body}"))
    assert request.content == b""
    assert "content-type" not in request.headers


@pytest.mark.parametrize(
    ("value", "content"),
    [("<a>\n</a>", "<a>\n</a>"), (" <?xml version='1.0'?><a/>", " <?xml version='1.0'?><a/>"), ("a<b", "a&lt;b")],
)
def test_a_lone_value_of_xml_is_the_document_that_it_is(value, content):
    for data in ('"{{x}}"', '{doc: "{{x}}"}'):
        assert request_of(posting(f"body: {{type: xml, data: {data}}}"), x=value).content.decode() == content


def test_a_type_that_nobody_knows_is_told():
    _, loaded = only_unit(api("body: {type: jsn, data: {a: 1}}", method="POST"), tool(""))
    assert rules(loaded) == ["unknown-body-type"]
    assert "jsn" in str(next(iter(loaded.diagnostics)))


@pytest.mark.parametrize(
    ("text", "inputs", "content"),
    [
        ("grant_type=x&user={{user}}", {}, "grant_type=x"),
        ("user={{user}}&grant_type=x", {"user": ""}, "user=&grant_type=x"),
        ("a={{a}}&b=1", {"a": ["x", None, "y&z"]}, "a=x&a=y%26z&b=1"),
        ("a={{a}}-{{b}}", {"b": "="}, "a=-%3D"),
        ("{{k}}={{v}}", {"k": "a&b", "v": 1.5}, "a%26b=1.5"),
        ("a=b=c&{{k}}", {"k": "x"}, "a=b=c&x"),
        (" a=1\n&b={{b}} \n & c=d e", {"b": " "}, "a=1&b=%20&c=d%20e"),
        ("{{#list}}a={{.}}&{{/list}}b=1", {"list": ["x", "&"]}, "a=x&a=%26&b=1"),
    ],
)
def test_a_form_that_is_written_as_text(text, inputs, content):
    unit = posting(f"body: {{type: form, data: {json.dumps(text)}}}")
    assert request_of(unit, **inputs).content.decode() == content


@given(value=st.text(), other=st.none() | st.text())
def test_no_value_changes_the_pairs_of_a_form_that_is_text(value, other):
    content = request_of(FORM_TEXT, x=value, **({} if other is None else {"y": other})).content.decode()
    expected = [("a", value), *([] if other is None else [("b", f"<{other}>")]), ("c", "1")]
    assert parse_qsl(content, keep_blank_values=True) == expected


FORM_TEXT = posting('body: {type: form, data: "a={{x}}&b=<{{y}}>&c=1"}')
FORM = posting('body: {type: form, data: {a: "{{x}}", b: "{{y}}"}}')


@pytest.mark.parametrize(
    "data", ['{f: "{{x}}", g: 1}', '[{name: f, value: "{{x}}", filename: "{{n}}", contentType: text/csv}]']
)
def test_multipart_forms(data):
    unit = posting(f"body: {{type: multipartForm, data: {data}}}")
    named = data.startswith("[")
    request = request_of(unit, x="a,b", **({"n": 'q".csv'} if named else {}))
    text = request.content.decode()
    assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert 'name="f"' in text
    assert "\r\n\r\na,b\r\n" in text
    assert ('filename="q%22.csv"\r\nContent-Type: text/csv' in text) is named


def test_one_parameter_in_the_body_is_the_whole_body():
    unit = posting("inputParameters: [{name: payload, in: body, type: object}]")
    assert sent(unit, payload={"a": 1}) == {"a": 1}


def test_several_parameters_in_the_body_are_the_fields_of_one_object():
    unit = posting("inputParameters: [{name: a, in: body}, {name: b, in: body, type: integer}, {name: c, in: body}]")
    assert sent(unit, a="x", b="5") == {"a": "x", "b": 5}


def test_a_fixed_field_beside_an_asked_one_is_a_field_too():
    unit = posting("inputParameters: [{name: a, in: body}, {name: kind, in: body, value: fixed}]")
    assert sent(unit, a="x") == {"a": "x", "kind": "fixed"}


def test_a_single_fixed_parameter_in_the_body_is_the_whole_body():
    assert sent(posting("inputParameters: [{name: a, in: body, value: '[1]'}]")) == [1]


@pytest.mark.parametrize(
    ("method", "key", "place"),
    [("POST", "extra", "body"), ("PUT", "extra", "body"), ("GET", "extra", "query"), ("DELETE", "extra", "query")],
)
def test_a_with_key_that_names_nothing_is_a_field_or_a_query_parameter_with_a_warning(method, key, place):
    unit, loaded = only_unit(api("", method=method), tool(f"with: {{{key}: tools.x}}"))
    request = request_of(unit, x="v")
    assert rules(loaded) == ["unknown-argument"]
    if place == "body":
        assert json.loads(request.content) == {key: "v"}
    else:
        assert str(request.url).endswith("?extra=v")
        assert request.content == b""


def test_a_with_key_body_is_the_body():
    unit, loaded = only_unit(api("", method="POST"), tool("with: {body: {a: tools.x, b: [tools.y]}}"))
    assert sent(unit, x=1, y="2") == {"a": 1, "b": ["2"]}
    assert not list(loaded.diagnostics)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_body_on_get_or_delete_is_sent_as_declared(method):
    unit, _ = only_unit(api('body: {data: {a: "{{x}}"}}', method=method), tool(""))
    assert sent(unit, x=1) == {"a": 1}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_an_operation_that_declares_no_body_passes_on_what_a_rest_caller_sends(method):
    unit, _ = only_unit(api("", method=method), rest("", method=method))
    assert unit.plan.passes_body
    request = unit.request({}, body=Content(b"<x/>", "text/xml"))
    assert (request.content, request.headers["content-type"]) == (b"<x/>", "text/xml")


def test_a_block_without_data_asks_for_some_body():
    unit, _ = only_unit(api("body: {type: json}", method="POST"), tool(""))
    assert [(given.name, given.type, given.required) for given in unit.inputs] == [("body", "object", False)]
    assert sent(unit, body={"a": 1}) == {"a": 1}


def test_a_deep_raw_body_stops_no_file():
    loaded = capability(api("body: '" + "[" * 5000 + "'", method="POST") + tool(""))
    assert loaded.units[0].executable


def test_a_broken_template_in_a_body_stops_the_operation_alone():
    loaded = capability(api("body: {data: {a: '{{#x}}'}}", method="POST") + tool(""))
    assert rules(loaded) == ["broken-template", "blocked-call"]
    assert not loaded.units[0].executable
