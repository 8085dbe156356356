"""Every dialect is brought to one canonical model (SEMANTICS 1.3), one section a module of ``document/dialects``."""

from __future__ import annotations

from pathlib import Path

import pytest

from naftiko.document.load import parse_document

HEAD = "naftiko: 1.0.0-alpha2\n"


def load(text):
    return parse_document(HEAD + text, Path("f.yaml"))


def rules(loaded):
    return [found.rule for found in loaded.findings]


# --- keys ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["label", "display", "title", "name"])
def test_info_has_one_label(key):
    loaded = load(f"info: {{{key}: Mine}}\n")
    assert loaded.document.info.label == "Mine"
    assert not list(loaded.findings)


def test_the_label_wins_over_its_other_spellings():
    loaded = load("info: {display: B, label: A, name: c}\n")
    assert (loaded.document.info.label, loaded.document.info.name) == ("A", "c")


@pytest.mark.parametrize("key", ["functions", "flows"])
def test_functions_are_flows(key):
    loaded = load(f"aggregates:\n- namespace: n\n  {key}:\n  - name: f\n    call: a.b\n")
    assert [function.name for function in loaded.document.aggregates[0].functions] == ["f"]


@pytest.mark.parametrize("key", ["target", "targetName"])
def test_a_mappings_target(key):
    loaded = load(f"exposes:\n- type: mcp\n  tools:\n  - name: t\n    mappings:\n    - {{{key}: a.b, value: $.s}}\n")
    assert loaded.document.exposes[0].tools[0].mappings[0].target == "a.b"


@pytest.mark.parametrize("key", ["baseUri", "baseUrl", "baseURI"])
def test_a_base_uri(key):
    assert load(f"consumes:\n- {{namespace: a, {key}: http://h}}\n").document.consumes[0].base_uri == "http://h"


@pytest.mark.parametrize(("written", "stream"), [("true", True), ("false", None), ("{stream: true}", True)])
def test_logs_of_a_control_adapter(written, stream):
    loaded = load(f"exposes:\n- type: control\n  management: {{logs: {written}}}\n")
    logs = loaded.document.exposes[0].management.logs
    assert (logs.stream if logs else None) is stream


# --- calls --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inner", ["operation", "call", "ref"])
def test_a_call_object_is_call_and_with(inner):
    loaded = load(f"exposes:\n- type: mcp\n  tools:\n  - name: t\n    call: {{{inner}: a.b, with: {{x: 1}}}}\n")
    tool = loaded.document.exposes[0].tools[0]
    assert (tool.call, tool.with_) == ("a.b", {"x": 1})


def test_the_inner_with_wins_over_the_sibling_key_by_key():
    loaded = load(
        "exposes:\n- type: mcp\n  tools:\n  - name: t\n    with: {x: 1, y: 2}\n    call: {operation: a.b, with: {x: 9}}\n"
    )
    assert loaded.document.exposes[0].tools[0].with_ == {"x": 9, "y": 2}


def test_an_empty_inner_with_leaves_the_sibling():
    loaded = load(
        "exposes:\n- type: mcp\n  tools:\n  - name: t\n    with: {x: 1}\n    call: {operation: a.b, with: }\n"
    )
    assert loaded.document.exposes[0].tools[0].with_ == {"x": 1}


# --- bodies -------------------------------------------------------------------------------------------------------


def body(text):
    loaded = load(f"consumes:\n- namespace: a\n  resources:\n  - operations:\n    - name: o\n{text}")
    return loaded.document.consumes[0].resources[0].operations[0].body, loaded


@pytest.mark.parametrize(
    ("written", "kind", "data"),
    [
        ('"{{x}}"', "raw", "{{x}}"),
        ("{a: 1}", "json", {"a": 1}),
        ("[1, 2]", "json", [1, 2]),
        ("{type: json, data: {a: 1}}", "json", {"a": 1}),
        ("{data: {a: 1}}", "json", {"a": 1}),
        ("{type: form, data: {a: 1}}", "formUrlEncoded", {"a": 1}),
        ("{type: FormUrlEncoded, data: a=1}", "formUrlEncoded", "a=1"),
        ("{type: multipart-form-data, data: {a: 1}}", "multipartForm", {"a": 1}),
        ("{type: issue, title: x}", "json", {"type": "issue", "title": "x"}),
        ("{type: {a: b}, title: x}", "json", {"type": {"a": "b"}, "title": "x"}),
    ],
)
def test_bodies(written, kind, data):
    found, loaded = body(f"      body: {written}\n")
    assert (found.type, found.data, found.has_data) == (kind, data, True)
    assert not list(loaded.findings)


@pytest.mark.parametrize("written", ["{type: json}", "{type: json, data: }"])
def test_a_block_without_data_only_declares_a_body(written):
    found, loaded = body(f"      body: {written}\n")
    assert (found.type, found.has_data) == ("json", False)
    assert not list(loaded.findings)


@pytest.mark.parametrize("written", ["", "~", "null"])
def test_an_empty_body_is_none(written):
    found, _ = body(f"      body: {written}\n")
    assert found is None


def test_an_unknown_body_type_is_sent_as_json_with_a_warning():
    found, loaded = body("      body: {type: jsn, data: {a: 1}}\n")
    assert found.type == "json"
    assert rules(loaded) == ["unknown-body-type"]


def test_the_parts_of_a_multipart_body():
    found, loaded = body(
        "      body:\n        type: multipartForm\n        data:\n"
        "        - {name: f, value: x, filename: a.txt, contentType: text/plain}\n"
    )
    (part,) = found.parts
    assert (part.name, part.value, part.filename, part.content_type) == ("f", "x", "a.txt", "text/plain")
    assert not list(loaded.findings)


# --- parameters ---------------------------------------------------------------------------------------------------


def output(text):
    loaded = load(f"exposes:\n- type: mcp\n  tools:\n  - name: t\n    outputParameters:\n    - {text}\n")
    return loaded.document.exposes[0].tools[0].output_parameters[0], loaded


def test_the_properties_and_items_of_a_mapping_are_siblings():
    found, loaded = output("{type: object, mapping: {mapping: $.data, properties: {id: {mapping: $.id}}}}")
    assert (found.mapping, [inner.name for inner in found.properties]) == ("$.data", ["id"])
    found, _ = output("{type: array, mapping: {items: {type: string}}}")
    assert found.items.type == "string"
    assert not list(loaded.findings)


def test_what_a_mapping_object_does_not_know_is_told():
    _, loaded = output("{mapping: {id: $.id}}")
    assert rules(loaded) == ["unknown-key"]


@pytest.mark.parametrize(
    ("items", "kind", "names"),
    [
        ("{type: string}", "string", []),
        ("[{type: string}]", "string", []),
        ("string", "string", []),
        ("[string]", "string", []),
        ("[{name: id}, {name: n}]", "object", ["id", "n"]),
        ("[{name: id}]", "object", ["id"]),
        ("{id: {type: string}, name: {type: string}}", "object", ["id", "name"]),
        ("{type: {type: string}, name: {type: string}}", "object", ["type", "name"]),
        ("{type: object, properties: {id: {}}}", "object", ["id"]),
        ("{properties: {id: {}}}", None, ["id"]),
    ],
)
@pytest.mark.parametrize("key", ["outputParameters", "inputParameters"])
def test_items_in_all_spellings(items, kind, names, key):
    loaded = load(
        f"exposes:\n- type: mcp\n  tools:\n  - name: t\n    {key}:\n    - {{name: a, type: array, items: {items}}}\n"
    )
    tool = loaded.document.exposes[0].tools[0]
    (found,) = tool.output_parameters or tool.input_parameters
    assert (found.items.type, [inner.name for inner in found.items.properties]) == (kind, names)
    assert not list(loaded.findings)


@pytest.mark.parametrize("items", ["[]", "", "{}"])
def test_empty_items_say_nothing(items):
    found, loaded = output(f"{{type: array, items: {items}}}")
    assert found.items is None or found.items.type is None
    assert not list(loaded.findings)


@pytest.mark.parametrize(
    ("written", "kind", "nullable"),
    [
        ("string", "string", False),
        ("Integer", "integer", False),
        ("int", "integer", False),
        ("double", "number", False),
        ("bool", "boolean", False),
        ("list", "array", False),
        ("dict", "object", False),
        ("date", "string", False),
        ("[array, null]", "array", True),
        ("['null', integer]", "integer", True),
        ("['null']", None, True),
        ("any", None, False),
        ("'null'", None, False),
    ],
)
def test_types_in_all_spellings(written, kind, nullable):
    found, loaded = output(f"{{name: a, type: {written}}}")
    assert (found.type, found.nullable) == (kind, nullable)
    assert not list(loaded.findings)


def test_a_word_that_is_no_type_is_told_and_taken_as_string():
    found, loaded = output("{name: a, type: strng}")
    assert found.type == "string"
    assert rules(loaded) == ["unknown-type"]


def test_a_list_of_required_names():
    loaded = load("consumes:\n- namespace: a\n  inputParameters:\n  - {name: b, type: object, required: [x, y]}\n")
    (found,) = loaded.document.consumes[0].input_parameters
    assert (found.required, found.required_properties) == (None, ("x", "y"))


def test_a_constant_may_be_null():
    found, _ = output("{name: a, const: }")
    assert (found.has_const, found.const) == (True, None)


# --- authentication -----------------------------------------------------------------------------------------------


def authentication(text):
    loaded = load(f"consumes:\n- namespace: a\n  authentication: {text}\n")
    return loaded.document.consumes[0].authentication, loaded


@pytest.mark.parametrize(
    ("written", "key", "placement", "value"),
    [
        ("{type: apikey, key: X-K, value: v, placement: header}", "X-K", "header", "v"),
        ("{type: apiKey, name: X-K, value: v, in: query}", "X-K", "query", "v"),
        ("{type: api-key, header: X-K, token: v}", "X-K", "header", "v"),
        ("{type: api_key, name: k, in: query-string, value: v}", "k", "query", "v"),
        ("{type: apikey, header: X-K, key: v}", "X-K", "header", "v"),
        ("{type: apikey, name: X-K, key: v, in: header}", "X-K", "header", "v"),
        ("{type: apikey, headerName: X-K, apiKey: v}", "X-K", "header", "v"),
        ("{type: apikey, paramName: k, api_key: v}", "k", "query", "v"),
        ("{type: apikey, query: k, key: v}", "k", "query", "v"),
        ("{type: apikey, cookie: sid, value: v}", "sid", "cookie", "v"),
        ("{type: apikey, field: k, value: v}", "k", "body", "v"),
        ("{type: apikey, header: X-K, value: v, placement: query}", "X-K", "query", "v"),
        ('{type: apikey, key: "{{K}}"}', None, None, "{{K}}"),
        ("{type: apikey, key: X-K}", "X-K", None, None),
        ("{type: header, header: X-K, value: v}", "X-K", "header", "v"),
        ("{type: header, name: X-K, value: v}", "X-K", "header", "v"),
        ("{type: header, key: X-K, value: v}", "X-K", "header", "v"),
        ("{type: header, name: X-K, key: v}", "X-K", "header", "v"),
        ("{type: Custom-Header, name: X-K, token: v}", "X-K", "header", "v"),
        ("{type: query, key: k, value: v}", "k", "query", "v"),
        ("{type: query, param: k, token: v}", "k", "query", "v"),
        ("{type: queryParam, name: k, value: v}", "k", "query", "v"),
        ("{type: cookie, name: sid, value: v}", "sid", "cookie", "v"),
        ("{type: body, key: k, value: v}", "k", "body", "v"),
        ("{type: path, key: token, value: v}", "token", "path", "v"),
        ("{type: apikey, key: k, value: v, placement: body}", "k", "body", "v"),
        ("{type: apikey, key: k, value: v, placement: Body-Field}", "k", "body", "v"),
        ("{type: apikey, key: k, value: v, location: form}", "k", "body", "v"),
        ("{type: apikey, key: k, value: v, in: path}", "k", "path", "v"),
        ("{type: apikey, key: k, value: v, in: cookie}", "k", "cookie", "v"),
        ("{type: apikey, key: k, value: v, in: matrix}", "k", "matrix", "v"),
    ],
)
def test_api_keys_in_all_spellings(written, key, placement, value):
    found, loaded = authentication(written)
    assert (found.type, found.key, found.placement, found.value) == ("apikey", key, placement, value)
    assert not list(loaded.findings)


@pytest.mark.parametrize(
    "written",
    [
        "{type: apikey, headers: {A: a, B: b}}",
        "{type: header, headers: {A: a, B: b}}",
        "{type: apikey, header: {A: a, B: b}}",
        "{type: apikey, headers: [{name: A, value: a}, {B: b}]}",
    ],
)
def test_several_api_keys(written):
    found, loaded = authentication(written)
    assert found.headers == {"A": "a", "B": "b"}
    assert not list(loaded.findings)


@pytest.mark.parametrize("written", ["{}", "[]", "none", "None", "no", "null", '""', "{type: none}", "{type: No-Auth}"])
def test_none_is_none(written):
    found, loaded = authentication(written)
    assert found is None
    assert not list(loaded.findings)


@pytest.mark.parametrize(
    ("written", "kind", "told"),
    [
        ("bearer", "bearer", []),
        ("{type: Bearer-Token, token: t}", "Bearer-Token", []),
        ("[{type: bearer, token: t}]", "bearer", []),
        ("{type: http, scheme: Bearer, bearerFormat: JWT, token: t}", "Bearer", []),
        ("{type: http, scheme: basic, username: u}", "basic", []),
        ("{token: t}", None, []),
        ('"Bearer s3cret"', None, ["wrong-type"]),
        ("[{type: bearer, token: t}, {type: basic}]", "several", []),
        ("{type: http, scheme: hoba}", "http", ["unknown-kind"]),
        ("{type: hoba, region: r}", "hoba", ["unknown-kind"]),
    ],
)
def test_what_is_declared_is_never_lost(written, kind, told):
    """However it is written: a call without it would go out unauthenticated."""
    found, loaded = authentication(written)
    assert found.type == kind
    assert rules(loaded) == told
    assert "s3cret" not in str(list(loaded.findings)) + repr(found.type)


@pytest.mark.parametrize(
    ("written", "attributes"),
    [
        ("{type: bearer, value: t}", {"token": "t"}),
        ("{type: bearer, apiKey: t}", {"token": "t"}),
        ("{type: bearer, access_token: t}", {"token": "t"}),
        ("{type: bearer, key: t}", {"token": "t"}),
        ("{type: digest, login: u, pass: p}", {"username": "u", "password": "p"}),
        (
            "{type: oauth2, client_id: i, client_secret: s, token_url: 'http://t', scope: a b, grant_type: x}",
            {
                "client_id": "i",
                "client_secret": "s",
                "token_endpoint": "http://t",
                "scopes": ("a b",),
                "grant_type": "x",
            },
        ),
        ("{type: oauth2, flow: x, refresh_token: r}", {"grant_type": "x", "refresh_token": "r"}),
        ("{type: basic, user: u, password: p}", {"username": "u", "password": "p"}),
        ("{type: oauth2, tokenUrl: http://t, issuer: http://i}", {"token_endpoint": "http://t"}),
    ],
)
def test_loose_words_of_credentials(written, attributes):
    found, loaded = authentication(written)
    assert {name: getattr(found, name) for name in attributes} == attributes
    assert not list(loaded.findings)
