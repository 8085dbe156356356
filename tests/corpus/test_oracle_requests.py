"""The oracle's requests checked by hand: urls, headers and bodies written out from the contract, chapters 3 and 4."""

from __future__ import annotations

import oracle
import pytest
from oracle import Json
from oracle_snippets import BASE, pair, send, shape, write


def test_absent_inputs_send_nothing(tmp_path):
    path = pair(
        tmp_path,
        "method: POST, inputParameters: [{name: q, in: query}, {name: X-A, in: header}, {name: body, in: body}]",
    )
    made = send(path, oracle.units(path)[0], {"q": None})
    assert (made.url, made.headers, made.body) == ("http://up.test/api/things", [], None)
    assert made.absent_headers == ["authorization", "x-a"]


def test_query_arrays_repeat_objects_are_compact_json_numbers_lose_point_zero(tmp_path):
    path = pair(
        tmp_path,
        "method: GET, inputParameters: [{name: a, in: query, type: array}, {name: o, in: query, type: object}, {name: n, in: query, type: number}]",
    )
    made = send(path, oracle.units(path)[1], {"a": [1, "x/y"], "o": {"k": [1, "é"]}, "n": 3.0})
    assert made.url.partition("?")[2] == "a=1&a=x%2Fy&o=%7B%22k%22%3A%5B1%2C%22%C3%A9%22%5D%7D&n=3"


@pytest.mark.parametrize(
    ("resource", "inputs", "url"),
    [
        ("/a/{x}", {"x": "a/b c?d#é"}, "/a/a%2Fb%20c%3Fd%23%C3%A9"),
        ("/a/{{x}}/b", {"x": "~t.e-s_t"}, "/a/~t.e-s_t/b"),
        ("/a/{x}", {"x": ".."}, "/a/%2E%2E"),
        ("/a/{+x}", {"x": "d/../e f"}, "/a/d/%2E%2E/e%20f"),
        ("/a/{x+}", {"x": "d/e"}, "/a/d/e"),
        ("/a/{x*}", {"x": "d/e"}, "/a/d/e"),
        ("/a(on='{x}')/$count", {"x": "1'2"}, "/a(on='1%272')/$count"),
        ("/a/{x}.json#bulk{y}", {"x": "1"}, "/a/1.json"),
        ("/a/{x}?uploads&part={p}&v=1", {"x": "1", "p": "a&b"}, "/a/1?uploads&part=a%26b&v=1"),
        ("/a/{x}?part={p}", {"x": "1"}, "/a/1"),
        ("a b/{x}:rename", {"x": "1"}, "/a%20b/1:rename"),
        ("/a/{x}/", {"x": 7.0}, "/a/7/"),
    ],
)
def test_path_placeholders_are_filled_and_encoded(tmp_path, resource, inputs, url):
    path = pair(tmp_path, "method: GET", resource=resource)
    assert send(path, oracle.units(path)[1], inputs).url == BASE + url


def test_a_path_without_its_value_can_not_be_sent(tmp_path):
    path = pair(tmp_path, "method: GET", resource="/a/{x}")
    with pytest.raises(oracle.Unsendable, match="x has no value"):
        send(path, oracle.units(path)[1], {})


def test_base_and_path_are_joined_with_one_slash(tmp_path):
    path = pair(tmp_path, "method: GET", resource="things")
    unit = oracle.units(path)[0]
    made = oracle.expected_request(path, unit, {}, base_uri_override="http://h/v1/", variables={})
    assert made.url == "http://h/v1/things"


def test_parameters_merge_inner_over_outer_by_name_and_location(tmp_path):
    path = write(tmp_path, """
        naftiko: 1.0.0-alpha2
        consumes:
        - namespace: up
          inputParameters: {X-V: {in: header, value: outer}, X-O: {in: header, const: kept}, q: {in: query, value: zero}}
          resources:
            r:
              path: /r
              inputParameters: {x-v: {in: header, value: middle}}
              operations: {op: {method: GET, inputParameters: {q: {in: query, value: '{{who}}-1'}}}}
        exposes:
        - {type: mcp, namespace: m, tools: {tool: {inputParameters: {who: {type: string}}, call: up.op}}}
    """)  # fmt: skip
    (tool,) = oracle.units(path)
    made = send(path, tool, {"who": "me"})
    assert made.url == f"{BASE}/r?q=me-1"
    assert made.headers == [("x-v", "middle"), ("X-O", "kept")]
    assert send(path, tool, {}).url == f"{BASE}/r"
    assert shape(tool) == [("who", "argument", "string", True)]


@pytest.mark.parametrize(
    ("operations", "urls"),
    [
        ("[{name: a, path: '/r/{id}/a'}, {name: b, path: /other}]", ["/r/1/a", "/other"]),
        ("[{name: a, path: '/{id}'}, {name: b}]", ["/r/1", "/r"]),
        ("[{name: a, path: /rx}, {name: b, path: b}]", ["/r/rx", "/r/b"]),
    ],
)
def test_operation_paths_are_complete_if_one_starts_with_its_resource_path_else_appended(tmp_path, operations, urls):
    path = write(tmp_path, f"""
        naftiko: '0.5'
        capability:
          consumes: [{{namespace: up, resources: [{{path: /r, operations: {operations}}}]}}]
          exposes: [{{type: mcp, namespace: m, tools: [{{name: a, call: up.a}}, {{name: b, call: up.b}}]}}]
    """)  # fmt: skip
    assert [send(path, unit, {"id": 1}).url.removeprefix(BASE) for unit in oracle.units(path)] == urls


def test_one_body_parameter_is_the_whole_body_whatever_its_name(tmp_path):
    path = pair(tmp_path, "method: POST, inputParameters: [{name: app, in: body, type: object}]", with_="{app: IN.app}")
    route = oracle.units(path)[0]
    assert route.inputs[0].whole_body
    assert send(path, route, {"app": {"n": 1}}).body == Json({"n": 1})
    assert send(path, route, {"app": '{"n": [2]}'}).body == Json({"n": [2]})
    assert send(path, route, {"app": "text"}).body == Json("text")


def test_several_body_parameters_are_fields(tmp_path):
    path = pair(tmp_path, "method: POST, inputParameters: [{name: a, in: body, type: integer}, {name: b, in: body}]")
    route = oracle.units(path)[0]
    assert [(one.location, one.whole_body) for one in route.inputs] == [("body", False)] * 2
    assert send(path, route, {"a": 1}).body == Json({"a": 1})
    assert send(path, route, {}).body is None


def test_a_body_block_is_filled_by_structure(tmp_path):
    path = pair(
        tmp_path,
        "method: POST, body: {type: json, data: {to: {id: '{{tools.id}}', n: '{{n}}'}, list: ['{{gone}}', x], t: 'no {{n}}', gone: '{{gone}}'}}",
    )
    route, tool = oracle.units(path)
    assert [one.name for one in tool.inputs] == ["id", "n", "gone"]
    assert {one.location for one in route.inputs} == {"body"}
    assert not any(one.required for one in route.inputs)
    for unit in (route, tool):
        made = send(path, unit, {"id": 'q"uote', "n": [1, 2]})
        assert made.body == Json({"to": {"id": 'q"uote', "n": [1, 2]}, "list": ["x"], "t": "no [1,2]"})
        assert made.media_type == "application/json"


def test_a_raw_json_text_is_filled_with_escaping_by_position(tmp_path):
    path = pair(tmp_path, """method: POST, body: '{"a": "{{a}}", "b": {{b}}, "c": "x {{a}}", "d": {{d}}}'""")
    made = send(path, oracle.units(path)[1], {"a": 'q"\n', "b": ["1"]})
    assert made.body == Json({"a": 'q"\n', "b": ["1"], "c": 'x q"\n'})
    assert send(path, oracle.units(path)[1], {"a": 5, "b": 5}).body == Json({"a": "5", "b": 5, "c": "x 5"})


def test_a_form_block_is_form_encoded(tmp_path):
    path = pair(tmp_path, "method: POST, body: {type: form, data: {To: '{{to}}', From: '{{from}}', n: '{{n}}'}}")
    made = send(path, oracle.units(path)[1], {"to": "+1 2", "n": [1, True]})
    assert (made.body, made.media_type) == (b"To=%2B1+2&n=1&n=true", "application/x-www-form-urlencoded")


def test_without_a_declared_body_a_rest_callers_passes(tmp_path):
    path = pair(tmp_path, "method: PUT")
    route, tool = oracle.units(path)
    assert (route.passes_body, route.inputs, tool.passes_body) == (True, [], False)
    assert [(one.name, one.location, one.required, one.any_json) for one in tool.inputs] == [
        ("body", "argument", False, True)
    ]
    assert send(path, route, {"body": {"a": 1}}).body == Json({"a": 1})
    assert send(path, route, {}).body is None


def test_a_block_without_data_is_some_object(tmp_path):
    path = pair(tmp_path, "body: {type: json}, method: PUT")
    route, tool = oracle.units(path)
    assert not route.passes_body
    assert shape(route) == [("body", "body", "object", False)]
    assert shape(tool) == [("body", "argument", "object", False)]
    assert send(path, route, {"body": {"a": 1}}).body == Json({"a": 1})


def test_with_keys_that_name_nothing(tmp_path):
    path = pair(tmp_path, "method: PATCH", with_="{body: IN.payload, extra: 7}")
    route = oracle.units(path)[0]
    assert shape(route) == [("payload", "body", "object", False)]
    assert not route.passes_body
    assert send(path, route, {"payload": {"a": 1}}).body == Json({"a": 1, "extra": 7})


def test_a_with_key_that_names_nothing_is_a_query_parameter_on_get(tmp_path):
    path = pair(tmp_path, "method: GET", with_="{q: IN.search, flag: true}")
    made = send(path, oracle.units(path)[0], {"search": "s"})
    assert (made.url, made.body) == (f"{BASE}/things?q=s&flag=true", None)


def test_prefixes_templates_literals_and_bare_words(tmp_path):
    path = write(tmp_path, """
        ikanos: 1.0.0-beta5
        binds: [{namespace: cfg, keys: {REGION: region-key}}]
        consumes: [{namespace: up, resources: [{path: /r, operations: [{name: op, method: GET}]}]}]
        exposes:
        - type: mcp
          namespace: own
          tools:
          - name: tool
            inputParameters: [{name: word}, {name: n, type: integer}, {name: a.b}]
            call: {operation: up.op, with: {a: own.a.b, b: $this.own.word, c: '{{n}}', d: word, e: other, f: 'x-{{n}}', g: '{{cfg.REGION}}', h: 1.50, i: no}}
    """)  # fmt: skip
    (tool,) = oracle.units(path)
    made = send(path, tool, {"word": "w", "n": 2, "a.b": "ab"}, REGION="eu")
    assert made.url.partition("?")[2] == "a=ab&b=w&c=2&d=w&e=other&f=x-2&g=eu&h=1.5&i=no"
    assert send(path, tool, {"word": "w", "n": 2, "a.b": "ab"}, **{"region-key": "us"}).url.endswith("&g=us&h=1.5&i=no")
    assert oracle.needed_variables(tool) == {"REGION": "region-key"}
    with pytest.raises(oracle.MissingVariable, match=r"cfg\.REGION"):
        send(path, tool, {})


@pytest.mark.parametrize(
    ("authentication", "headers", "query"),
    [
        ("{type: bearer, token: '{{env.TOK}}'}", [("Authorization", "Bearer s3")], ""),
        ("{type: bearer, token: TOK}", [("Authorization", "Bearer s3")], ""),
        ("{type: bearer, token: plain}", [("Authorization", "Bearer plain")], ""),
        (
            "{type: basic, username: Aladdin, password: 'open sesame'}",
            [("Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")],
            "",
        ),
        ("{type: apikey, key: X-Key, value: '{{TOK}}', placement: header}", [("X-Key", "s3")], ""),
        ("{type: apikey, in: header, name: Authorization, value: '{{b.TOK}}'}", [("Authorization", "s3")], ""),
        ("{type: apikey, key: api_key, value: '{{TOK}}', placement: query}", [], "?api_key=s3"),
        ("{type: apikey, headers: {X-A: '{{TOK}}', X-B: b}}", [("X-A", "s3"), ("X-B", "b")], ""),
    ],
)
def test_authentication_of_every_spelling(tmp_path, authentication, headers, query):
    path = pair(tmp_path, "method: GET", consumes=f"authentication: {authentication},")
    path.write_text(path.read_text("utf-8") + "binds: [{namespace: b, keys: {TOK: tok}}]\n", "utf-8")
    made = send(path, oracle.units(path)[1], {}, TOK="s3")
    assert (made.headers, made.url) == (headers, f"{BASE}/things{query}")


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("http://h/a(b)/$c", "http://h/a%28b%29/%24c", True),
        ("http://h/a?x=1&y=2", "http://h/a?y=2&x=1", True),
        ("http://h/a?x=1&x=2", "http://h/a?x=2&x=1", False),
        ("http://h/a%2Fb", "http://h/a/b", False),
        ("http://h/%2E%2E", "http://h/..", False),
        ("http://h/a?x", "http://h/a?x=", False),
        ("http://h/a?x=a%20b", "http://h/a?x=a+b", False),
    ],
)
def test_urls_compare_by_what_they_mean(left, right, same):
    assert (oracle.canonical_url(left) == oracle.canonical_url(right)) is same
