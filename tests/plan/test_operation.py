"""Consumed operations: merged parameters, fixed values, slots (SEMANTICS 3.3, 4.2, 4.5)."""

from __future__ import annotations

import pytest
from linked_units import api, capability, only_unit, query_of, request_of, rest, rules, tool

from naftiko.ground.errors import InputError


def unit_of(*parts, **variables):
    return only_unit(*parts, **variables)[0]


def test_parameters_are_merged_inner_over_outer():
    text = (
        "consumes:\n- namespace: a\n  baseUri: http://h\n"
        "  inputParameters: [{name: k, in: query, value: outer}, {name: X-K, in: header, value: outer}, {name: o, in: query, value: '1'}]\n"
        "  resources:\n  - path: /r\n    inputParameters: [{name: k, in: query, value: middle}]\n    operations:\n"
        "    - name: o\n      inputParameters: [{name: k, in: query, value: inner}, {name: x-k, in: header, value: inner}]\n"
    )
    request = request_of(unit_of(text, tool("")))
    assert sorted(query_of(request)) == [("k", "inner"), ("o", "1")]
    assert request.headers.get_list("x-k") == ["inner"]


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        ("value: v1", "v1"),
        ("const: true", "true"),
        ("const: 5", "5"),
        ("const: 5.0", "5.0"),
        ("const: 1.10", "1.10"),
        ("const: 100000000000000000000001", "100000000000000000000001"),
        ("const: {a: [1]}", '{"a":[1]}'),
        ('value: "{{KEY}}"', "secret"),
        ('value: "a {{KEY}}"', "a secret"),
        ("template: t", "t"),
    ],
)
def test_fixed_values(declared, text):
    unit = unit_of(api(f"inputParameters: [{{name: p, in: query, {declared}}}]"), tool(""), KEY="secret")
    assert query_of(request_of(unit)) == [("p", text)]
    assert unit.inputs == ()


@pytest.mark.parametrize("declared", ["value: v 1", "const: v 1", 'value: "{{V}}"'])
def test_a_fixed_path_parameter_stands_in_the_path(declared):
    unit = unit_of(api(f"inputParameters: [{{name: v, in: path, {declared}}}]", resource="/{v}/x"), tool(""), V="v 1")
    assert request_of(unit).url.raw_path == b"/v%201/x"
    assert unit.inputs == ()


def test_a_fixed_value_that_holds_a_parameters_name_is_filled_with_it():
    unit = unit_of(api("inputParameters: [{name: p, in: query, value: 'x-{{id}}'}, {name: id, in: query}]"), tool(""))
    assert query_of(request_of(unit, id=7)) == [("p", "x-7"), ("id", "7")]


def test_with_fills_a_free_name_of_a_fixed_value():
    unit = unit_of(api("inputParameters: [{name: p, in: query, value: 'x-{{zone}}'}]"), tool("with: {zone: tools.z}"))
    assert query_of(request_of(unit, z="eu")) == [("p", "x-eu")]


@pytest.mark.parametrize(
    ("kind", "value", "pairs"),
    [
        ("array", ["a", 1, True], [("p", "a"), ("p", "1"), ("p", "true")]),
        ("array", [], []),
        ("object", {"a": [1, "é"]}, [("p", '{"a":[1,"é"]}')]),
        ("boolean", True, [("p", "true")]),
        ("number", 5.0, [("p", "5.0")]),
        ("number", 5.5, [("p", "5.5")]),
        ("string", "", [("p", "")]),
    ],
)
def test_query_values(kind, value, pairs):
    unit = unit_of(api(f"inputParameters: [{{name: p, in: query, type: {kind}}}]"), tool(""))
    assert query_of(request_of(unit, p=value)) == pairs


@pytest.mark.parametrize("name", ["page[token]", "body.tty_size.height", "$orderby", "a b", "ü"])
def test_names_are_encoded_as_they_are_written(name):
    unit = unit_of(api(f"inputParameters: [{{name: '{name}', in: query}}]"), tool(""))
    assert query_of(unit.request({name: "v"})) == [(name, "v")]


def test_an_absent_optional_input_sends_nothing():
    operation = (
        "inputParameters: [{name: q, in: query}, {name: X-H, in: header}, {name: c, in: cookie}, {name: b, in: body}]"
    )
    request = request_of(unit_of(api(operation, method="POST"), tool("")))
    assert str(request.url) == "https://api.test/r"
    assert not {"x-h", "cookie"} & request.headers.keys()
    assert request.content == b""


def test_headers_and_cookies():
    operation = "inputParameters: [{name: X-A, in: header, type: array}, {name: c, in: cookie}, {name: d, in: cookie}]"
    request = unit_of(api(operation), tool("")).request({"X-A": ["a", 1], "c": "1;2", "d": "x"})
    assert request.headers["x-a"] == "a,1"
    assert request.headers["cookie"] == "c=1%3B2; d=x"


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\rb"])
def test_header_values_with_line_breaks_are_refused(value):
    with pytest.raises(InputError, match="line break"):
        unit_of(api("inputParameters: [{name: X-A, in: header}]"), tool("")).request({"X-A": value})


@pytest.mark.parametrize("name", ["Host", "content-length", "Connection", "Transfer-Encoding", "TE"])
def test_headers_of_the_connection_are_no_parameters(name):
    unit, loaded = only_unit(api(f"inputParameters: [{{name: {name}, in: header}}]"), tool(""))
    assert rules(loaded) == ["forbidden-header"]
    assert unit.inputs == ()


def test_an_unknown_location_is_told_and_sent_in_the_query():
    unit, loaded = only_unit(api("inputParameters: [{name: p, in: querry}]"), tool(""))
    assert rules(loaded) == ["unknown-location"]
    assert query_of(request_of(unit, p="v")) == [("p", "v")]


def test_an_environment_parameter_is_neither_asked_nor_sent():
    unit = unit_of(api("inputParameters: [{name: p, in: environment}]"), tool(""))
    assert unit.inputs == ()
    assert str(request_of(unit).url).endswith("/r")


def test_any_method_token_is_sent_as_it_is():
    for method in ("SEARCH", "HEAD", "OPTIONS", "purge"):
        assert request_of(unit_of(api("", method=method), tool(""))).method == method.upper()


def test_a_consumed_parameter_is_required_where_it_says_so_or_stands_in_the_path():
    operation = "inputParameters: [{name: q, in: query, required: true}, {name: o, in: query}, {name: id, in: path}]"
    unit = unit_of(api(operation, resource="/r/{id}"), tool(""))
    assert {given.name: given.required for given in unit.inputs} == {"id": True, "q": True, "o": False}


def test_a_path_parameter_that_is_the_same_after_folding():
    operation = "inputParameters: [{name: riskDetectionId, in: path, description: Which, type: integer}]"
    unit = unit_of(api(operation, resource="/r/{riskDetection-id}"), tool(""))
    (given,) = unit.inputs
    assert (given.name, given.type, given.description) == ("riskDetectionId", "integer", "Which")
    assert str(request_of(unit, riskDetectionId=5).url).endswith("/r/5")


def test_constant_headers_of_a_consumes_entry():
    unit = unit_of(api("", consumes='headers: {X-V: "1", X-T: "{{TOKEN}}"}'), tool(""), TOKEN="t")
    headers = request_of(unit).headers
    assert (headers["x-v"], headers["x-t"]) == ("1", "t")


def test_a_broken_template_in_a_fixed_value_is_told_where_it_stands():
    _, loaded = only_unit(api("inputParameters:\n- name: p\n  in: query\n  value: '{{#x}}'"), tool(""))
    found, blocked = loaded.diagnostics
    assert (found.rule, found.position.line, blocked.rule) == ("broken-template", 13, "blocked-call")


@pytest.mark.parametrize("value", ["{{p2[}}", "{{p2.[}}"])
def test_a_broken_path_in_a_placeholder_stops_no_file(value):
    loaded = capability(
        api(f"inputParameters: [{{name: p, in: query, value: '{value}'}}, {{name: p2, in: query}}]") + tool("")
    )
    assert loaded.units[0].plan is not None


CREDENTIALS = [
    ("{type: bearer, token: t}", "{name: Authorization, in: header}", "Authorization"),
    ("{type: basic, username: u, password: p}", "{name: authorization, in: header}", "authorization"),
    ("{type: apikey, key: X-Key, value: k}", "{name: x-key, in: header}", "x-key"),
    ("{type: apikey, key: api_key, value: k, placement: query}", "{name: api_key, in: query}", "api_key"),
    ("{type: apikey, headers: {A-Key: k, B-Key: l}}", "{name: B-Key, in: header}", "B-Key"),
]


@pytest.mark.parametrize(("authentication", "parameter", "name"), CREDENTIALS)
def test_what_carries_the_credential_is_not_asked_of_an_agent(authentication, parameter, name):
    consumes = f"authentication: {authentication}"
    unit = unit_of(api(f"inputParameters: [{parameter}]", consumes=consumes), tool(""))
    assert unit.inputs == ()
    mapped = unit_of(api(f"inputParameters: [{parameter}]", consumes=consumes), tool(f"with: {{{name}: tools.x}}"))
    assert mapped.inputs == ()


def test_what_a_file_maps_wins_over_authentication_where_it_asks_nobody():
    consumes = "authentication: {type: bearer, token: ours}"
    operation = "inputParameters: [{name: Authorization, in: header}]"
    unit = unit_of(
        api(operation, consumes=consumes), tool('with: {Authorization: "Bearer {{env.OTHER}}"}'), **{"env.OTHER": "o"}
    )
    assert dict(unit.plan.action.call.arguments).keys() == {"Authorization"}


def test_a_rest_caller_may_give_a_credential_that_the_file_maps():
    consumes = "authentication: {type: bearer, token: ours}"
    operation = "inputParameters: [{name: Authorization, in: header, required: true}]"
    unit = unit_of(api(operation, consumes=consumes), rest("with: {Authorization: rest.authorization}"))
    assert [(given.name, given.location, given.required) for given in unit.inputs] == [
        ("authorization", "header", False)
    ]


def test_a_block_that_names_its_api_twice_is_told_once():
    loaded = capability(
        "consumes:\n- {namespace: a, baseUri: http://h, resources: [{path: /r, operations: [{name: o}, {name: o}, {method: GET}]}]}\n"
        "- {namespace: a, resources: [{path: /s, operations: [{name: p}]}]}\n- {baseUri: http://x}\n"
        + tool("", call="call: a.p")
    )
    assert rules(loaded) == ["duplicate-operation", "missing-name", "duplicate-namespace", "missing-name"]
    assert str(loaded.units[0].request().url) == "http://h/s"


def test_authentication_that_is_not_known_and_tunnels_are_told():
    consumes = "authentication: {type: kerberos}\ntunnel: {type: openziti, service: s}"
    _, loaded = only_unit(api("", consumes=consumes), tool(""))
    assert rules(loaded) == ["unknown-kind", "unsupported-tunnel", "unknown-authentication", "blocked-call"]


def test_a_bare_bind_name_where_a_secret_is_expected_is_its_value_with_a_warning():
    binds = "binds:\n- {namespace: env, keys: {REGISTRY_TOKEN: REGISTRY_TOKEN}}\n"
    consumes = "authentication: {type: bearer, token: REGISTRY_TOKEN}"
    unit, loaded = only_unit(binds, api("", consumes=consumes), tool(""), REGISTRY_TOKEN="s3cret")
    assert rules(loaded) == ["bare-bind"]
    assert request_of(unit).headers["authorization"] == "Bearer s3cret"


def test_a_broken_secret_is_told():
    _, loaded = only_unit(api("", consumes="authentication: {type: bearer, token: '{{#x}}'}"), tool(""))
    assert rules(loaded) == ["broken-template", "incomplete-authentication", "blocked-call"]


def test_a_placeholder_in_a_paths_query_is_the_query_parameter_of_its_name():
    parameters = "[{name: part, in: query, type: integer, required: true}]"
    unit = unit_of(api(f"inputParameters: {parameters}", resource="/u?part={part}"), tool("with: {part: tools.part}"))
    assert [(given.name, given.type, given.required) for given in unit.plan.inputs.inputs] == [
        ("part", "integer", True)
    ]
    assert str(request_of(unit, part=3).url).endswith("/u?part=3")


@pytest.mark.parametrize(
    ("second", "keys"),
    [
        ("", ["a"]),
        ("baseUri: http://h,", ["a", "a (2)"]),
        ("baseUri: http://other,", ["a", "a (2)"]),
        ("baseUri: http://h, authentication: {type: bearer, token: t},", ["a"]),
        ("authentication: {type: bearer, token: t},", ["a"]),
        ("authentication: {type: bearer, token: u},", ["a", "a (2)"]),
    ],
)
def test_entries_of_one_namespace_are_one_api_where_they_are_the_same(second, keys):
    loaded = capability(
        "consumes:\n- {namespace: a, baseUri: http://h, authentication: {type: bearer, token: t}}\n"
        f"- {{namespace: a, {second} resources: [{{path: /s, operations: [{{name: p, method: GET}}]}}]}}\n"
        + tool("", call="call: a.p")
    )
    assert list(loaded.plan.apis) == keys
    assert rules(loaded) == ["duplicate-namespace"]
    assert {api.namespace for api in loaded.plan.apis.values()} == {"a"}


def test_what_the_operator_says_of_a_namespace_is_said_of_all_its_entries():
    loaded = capability(
        "consumes:\n- {namespace: a, baseUri: http://h, resources: [{path: /r, operations: [{name: o, method: GET}]}]}\n"
        "- {namespace: a, baseUri: http://x, resources: [{path: /s, operations: [{name: p, method: GET}]}]}\n"
        + tool("", call="call: a.p"),
        base_uris={"a": "http://stand-in"},
    )
    assert list(loaded.plan.apis) == ["a"]
    assert str(loaded.units[0].request().url) == "http://stand-in/s"
