"""Routes in every spelling: ``paths``, resources that are their only operation, the flat format (SEMANTICS 1.3)."""

from __future__ import annotations

from pathlib import Path

import pytest

from naftiko.document.load import parse_document
from naftiko.document.model import ControlAdapter, McpAdapter, RestAdapter

HEAD = "naftiko: 1.0.0-alpha2\n"


def load(text):
    return parse_document(HEAD + text, Path("f.yaml"))


def told(loaded):
    return [(found.rule, found.position.line) for found in loaded.findings]


def routes(loaded):
    """Return method, path, name and call of each exposed operation."""
    return [
        (operation.method, operation.path or resource.path, operation.name, operation.call)
        for adapter in loaded.document.exposes
        if isinstance(adapter, RestAdapter)
        for resource in adapter.resources
        for operation in resource.operations
    ]


def consumed(loaded):
    """Return method, path and name of each consumed operation."""
    return [
        (operation.method, operation.path or resource.path, operation.name)
        for api in loaded.document.consumes
        for resource in api.resources
        for operation in resource.operations
    ]


# --- names and calls ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["name", "id", "operationId"])
def test_an_id_is_a_name_wherever_there_is_none(key):
    loaded = load(
        f"consumes:\n- namespace: a\n  resources:\n  - {key}: r\n    path: /r\n    inputParameters: [{{{key}: p, in: query}}]\n"
        f"    operations: [{{{key}: o, method: GET}}]\n"
        f"aggregates:\n- namespace: g\n  functions: [{{{key}: f, call: a.o}}]\n"
        f"exposes:\n- type: rest\n  resources: [{{{key}: r, path: /r, operations: [{{{key}: e, method: GET, call: a.o}}]}}]\n"
        f"- type: mcp\n  tools: [{{{key}: t, steps: [{{{key}: s, call: a.o}}, {{{key}: l, type: lookup, index: s}}]}}]\n"
        f"  resources: [{{{key}: m, uri: 'x://y', call: a.o}}]\n  prompts: [{{{key}: q, arguments: [{{{key}: w}}]}}]\n"
    )
    assert told(loaded) == []
    api, rest, mcp = loaded.document.consumes[0], *loaded.document.exposes
    resource = api.resources[0]
    assert (resource.name, resource.input_parameters[0].name, resource.operations[0].name) == ("r", "p", "o")
    assert loaded.document.aggregates[0].functions[0].name == "f"
    assert (rest.resources[0].name, rest.resources[0].operations[0].name) == ("r", "e")
    assert [mcp.tools[0].name, *(step.name for step in mcp.tools[0].steps)] == ["t", "s", "l"]
    assert (mcp.resources[0].name, mcp.prompts[0].name, mcp.prompts[0].arguments[0].name) == ("m", "q", "w")


def test_a_name_wins_over_an_id():
    loaded = load("exposes:\n- type: mcp\n  tools: [{name: t, id: other, operationId: third, call: a.o}]\n")
    assert loaded.document.exposes[0].tools[0].name == "t"
    assert told(loaded) == []


@pytest.mark.parametrize("key", ["name", "id"])
def test_a_name_stands_for_a_missing_namespace(key):
    loaded = load(
        f"consumes: [{{{key}: a}}]\nbinds: [{{{key}: b, keys: {{X: X}}}}]\nexposes: [{{type: mcp, {key}: c}}]\n"
    )
    document = loaded.document
    assert [thing.namespace for thing in (*document.consumes, *document.binds, *document.exposes)] == ["a", "b", "c"]
    assert told(loaded) == []


@pytest.mark.parametrize(
    "written",
    [
        "call: a.o",
        "calls: a.o",
        "calls: [a.o]",
        "operation: a.o",
        "call: [a.o]",
        "call: {operation: a.o}",
        "operation: {namespace: a, name: o}",
        "call: {namespace: a, operation: o}",
        "call: {namespace: a, operation: a.o}",
        "calls: {operationId: o, namespace: a}",
    ],
)
def test_a_call_in_every_spelling_and_place(written):
    loaded = load(
        f"aggregates:\n- namespace: g\n  functions:\n  - name: f\n    {written}\n"
        f"exposes:\n- type: rest\n  resources:\n  - path: /r\n    operations:\n    - method: GET\n      {written}\n"
        f"- type: mcp\n  tools:\n  - name: t\n    {written}\n  - name: s\n    steps:\n    - name: one\n      {written}\n"
        f"  resources:\n  - uri: x://y\n    {written}\n"
    )
    assert told(loaded) == []
    rest, mcp = loaded.document.exposes
    called = [
        loaded.document.aggregates[0].functions[0],
        rest.resources[0].operations[0],
        mcp.tools[0],
        mcp.tools[1].steps[0],
        mcp.resources[0],
    ]
    assert [thing.call for thing in called] == ["a.o"] * 5


def test_several_calls_are_no_call():
    loaded = load("exposes:\n- type: mcp\n  tools:\n  - name: t\n    calls: [a.o, a.p]\n")
    assert told(loaded) == [("wrong-type", 6)]


@pytest.mark.parametrize("key", ["authentication", "auth"])
def test_authentication_may_be_called_auth(key):
    text = f"{key}: {{type: bearer, token: t}}"
    kinds = "".join(f"- type: {kind}\n  {text}\n" for kind in ("rest", "mcp", "skill", "control"))
    loaded = load(f"consumes:\n- namespace: a\n  {text}\nexposes:\n{kinds}")
    things = (*loaded.document.consumes, *loaded.document.exposes)
    assert [thing.authentication.token for thing in things] == ["t"] * 5
    assert isinstance(things[-1], ControlAdapter)
    assert told(loaded) == []


# --- resources ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["rest", "api", "http", "HTTP"])
def test_a_rest_adapter_has_three_names(kind):
    loaded = load(f"exposes:\n- type: {kind}\n  resources: [{{path: /r, operations: [{{method: GET, call: a.o}}]}}]\n")
    assert routes(loaded) == [("GET", "/r", None, "a.o")]
    assert told(loaded) == []


def test_a_resource_with_a_method_is_its_only_operation():
    loaded = load(
        "consumes:\n- namespace: a\n  resources:\n  - {name: o, path: /r, method: POST, body: {type: json}, tags: [x],\n"
        "     inputParameters: [{name: p, in: query}], outputParameters: [{type: object}]}\n"
        "exposes:\n- type: rest\n  resources:\n"
        "  - {name: e, path: /r, description: d, method: POST, call: a.o, with: {p: rest.q}, inputParameters: [{name: q}]}\n"
        "  - {path: /ref, ref: g.f}\n  - {path: /steps, method: PUT, steps: [{name: s, call: a.o}]}\n"
    )
    assert told(loaded) == []
    assert consumed(loaded) == [("POST", "/r", "o")]
    assert routes(loaded) == [("POST", "/r", "e", "a.o"), (None, "/ref", None, None), ("PUT", "/steps", None, None)]
    operation = loaded.document.consumes[0].resources[0].operations[0]
    assert (len(operation.input_parameters), len(operation.output_parameters), operation.tags) == (1, 1, ("x",))
    route = loaded.document.exposes[0].resources[0].operations[0]
    assert (route.description, route.with_, route.input_parameters[0].name) == ("d", {"p": "rest.q"}, "q")


def test_a_resource_with_operations_keeps_its_own_keys():
    loaded = load(
        "exposes:\n- type: rest\n  resources:\n  - {path: /r, method: GET, operations: [{method: PUT, call: a.o}]}\n"
    )
    assert routes(loaded) == [("PUT", "/r", None, "a.o")]
    assert told(loaded) == [("unknown-key", 5)]


def test_a_resource_that_forwards_is_no_operation():
    loaded = load("exposes:\n- type: rest\n  resources: [{path: '/r/{path}', forward: {targetNamespace: a}}]\n")
    assert routes(loaded) == []
    assert told(loaded) == []


@pytest.mark.parametrize("method", ["GET", "get", "Delete"])
def test_operations_may_stand_under_their_methods(method):
    text = f"operations: {{{method}: {{call: a.o}}, named: {{method: PUT, call: a.o}}}}"
    loaded = load(f"exposes:\n- type: rest\n  resources:\n  - path: /r\n    {text}\n")
    assert routes(loaded) == [(method.upper(), "/r", method, "a.o"), ("PUT", "/r", "named", "a.o")]
    assert told(loaded) == []


def test_an_operation_may_be_named_like_a_method():
    loaded = load("consumes:\n- namespace: a\n  resources:\n  - path: /r\n    operations: {delete: {method: POST}}\n")
    assert consumed(loaded) == [("POST", "/r", "delete")]


def test_an_adapter_with_a_path_and_a_method_is_one_route():
    loaded = load("exposes:\n- {type: http, namespace: n, path: /r, method: POST, description: d, call: a.o}\n")
    assert routes(loaded) == [("POST", "/r", None, "a.o")]
    (adapter,) = loaded.document.exposes
    assert (adapter.namespace, adapter.description, adapter.resources[0].operations[0].description) == ("n", "d", "d")
    assert told(loaded) == []


@pytest.mark.parametrize("key", ["consumes", "exposes"])
def test_operations_may_stand_without_resources(key):
    kind = "rest" if key == "exposes" else "http"
    operation = (
        "{name: o, method: GET, path: /r, call: a.o}" if key == "exposes" else "{name: o, method: GET, path: /r}"
    )
    loaded = load(f"{key}:\n- type: {kind}\n  namespace: a\n  operations: [{operation}]\n")
    assert told(loaded) == []
    found = consumed(loaded) or [route[:3] for route in routes(loaded)]
    assert found == [("GET", "/r", "o")]


# --- paths --------------------------------------------------------------------------------------------------------


def test_paths_are_resources_by_path_and_operations_by_method():
    loaded = load(
        "exposes:\n- type: rest\n  paths:\n    /r/{id}:\n      summary: one\n      get: {operationId: o, call: a.o, summary: s}\n"
        "      DELETE: a.d\n    /q: {post: {call: a.p, parameters: [{name: x, in: query, schema: {type: integer}}]}}\n"
        "  resources: [{path: /first, operations: [{method: GET, call: a.f}]}]\n"
    )
    assert told(loaded) == []
    assert routes(loaded) == [
        ("GET", "/first", None, "a.f"),
        ("GET", "/r/{id}", "o", "a.o"),
        ("DELETE", "/r/{id}", None, "a.d"),
        ("POST", "/q", None, "a.p"),
    ]
    _, first, second = loaded.document.exposes[0].resources
    assert (first.description, first.operations[0].description) == ("one", "s")
    (given,) = second.operations[0].input_parameters
    assert (given.name, given.location, given.type) == ("x", "query", "integer")


def test_paths_of_a_consumed_api():
    loaded = load(
        "consumes:\n- namespace: a\n  paths:\n    /r: {get: {operationId: list, description: d, summary: L}, post: {name: make}}\n"
        "    /s: {method: PUT, name: put}\n    /t: [{name: t, method: GET}]\n"
    )
    assert told(loaded) == []
    assert consumed(loaded) == [("GET", "/r", "list"), ("POST", "/r", "make"), ("PUT", "/s", "put"), ("GET", "/t", "t")]
    operation = loaded.document.consumes[0].resources[0].operations[0]
    assert (operation.description, operation.label) == ("d", "L")


def test_paths_may_be_a_list_of_resources():
    loaded = load("exposes:\n- type: rest\n  paths: [{path: /r, method: GET, call: a.o}]\n")
    assert routes(loaded) == [("GET", "/r", None, "a.o")]
    assert told(loaded) == []


# --- the flat format ----------------------------------------------------------------------------------------------

FLAT = (
    "operations:\n- {id: list, method: GET, path: /o}\n- {operationId: get, method: GET, path: '/o/{id}'}\n"
    "- {method: POST, path: /o}\n"
)


@pytest.mark.parametrize(
    "head",
    [
        "info: {name: My Orders, baseUrl: 'http://h', authentication: {type: bearer, token: t}}\n",
        "info: {label: My Orders}\nbaseUri: http://h\nauth: {type: bearer, token: t}\n",
        "name: My Orders\ndescription: d\nversion: '1'\nbaseUrl: http://h\nauthentication: {type: bearer, token: t}\n",
        "capability:\n  baseUrl: http://h\n  auth: {type: bearer, token: t}\ninfo: {title: My Orders}\n",
        "namespace: my-orders\nbaseUrl: http://h\nauth: {type: bearer, token: t}\n",
    ],
)
def test_a_flat_file_is_consumed_and_exposed_one_to_one(head):
    loaded = load(head + FLAT)
    assert told(loaded) == []
    (api,) = loaded.document.consumes
    assert (api.namespace, api.base_uri, api.authentication.token) == ("my-orders", "http://h", "t")
    assert consumed(loaded) == [("GET", "/o", "list"), ("GET", "/o/{id}", "get"), ("POST", "/o", "post-o")]
    assert routes(loaded) == [
        ("GET", "/o", "list", "my-orders.list"),
        ("GET", "/o/{id}", "get", "my-orders.get"),
        ("POST", "/o", "post-o", "my-orders.post-o"),
    ]
    mcp = loaded.document.exposes[1]
    assert isinstance(mcp, McpAdapter)
    assert [(tool.name, tool.call) for tool in mcp.tools] == [
        ("list", "my-orders.list"),
        ("get", "my-orders.get"),
        ("post-o", "my-orders.post-o"),
    ]


@pytest.mark.parametrize(
    "operations",
    ["operations: {list: {method: GET, path: /o}}", "paths: {/o: {get: {operationId: list}, x-note: n}}"],
)
def test_flat_operations_may_be_a_map_or_paths(operations):
    loaded = load(f"info: {{name: n, baseUrl: 'http://h'}}\n{operations}\n")
    assert consumed(loaded) == [("GET", "/o", "list")]
    assert routes(loaded) == [("GET", "/o", "list", "n.list")]
    assert told(loaded) == []


def test_a_flat_file_may_expose_its_operations_itself():
    loaded = load(
        "info: {name: n, baseUrl: 'http://h'}\noperations: [{name: o, method: GET, path: /o}]\n"
        "exposes: [{type: rest, resources: [{path: /mine, method: GET, call: n.o}]}]\n"
    )
    assert routes(loaded) == [("GET", "/mine", None, "n.o")]


def test_root_operations_beside_consumes_are_an_unknown_key():
    loaded = load("consumes: [{namespace: a}]\noperations: [{name: o}]\n")
    assert told(loaded) == [("unknown-key", 3)]


def test_a_flat_file_may_be_imported(tmp_path):
    (tmp_path / "lib.yaml").write_text("name: Shop\nbaseUrl: http://h\noperations: [{id: o, method: GET, path: /o}]\n")
    main = HEAD + "imports: [{name: shop, location: ./lib.yaml}]\n"
    loaded = parse_document(main, tmp_path / "main.yaml")
    assert consumed(loaded) == [("GET", "/o", "o")]
    assert told(loaded) == []


# --- binds, values, canonical keys --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "location"),
    [
        ("{name: n, type: environment, resolution: file, uri: 'file:///k.json', keys: {a: A}}", "file:///k.json"),
        ("{name: n, type: environment, resolution: runtime, uri: 'file:///k.json', keys: {a: A}}", None),
        ("{name: n, type: variables, resolution: runtime, keys: {a: A}}", None),
        ("{name: n, type: file, uri: 'file:///k.yaml', keys: {a: A}}", "file:///k.yaml"),
    ],
)
@pytest.mark.parametrize("place", ["externalRefs:\n- {}\n", "capability:\n  externalRefs:\n  - {}\n"])
def test_external_references_are_binds(written, location, place):
    loaded = load(place.replace("{}", written))
    (bind,) = loaded.document.binds
    assert (bind.namespace, bind.location, bind.keys) == ("n", location, {"a": "A"})
    assert told(loaded) == []


@pytest.mark.parametrize(
    ("written", "value"), [("{a: 1, b: [x]}", {"a": 1, "b": ["x"]}), ("[1, '{{q}}']", [1, "{{q}}"])]
)
@pytest.mark.parametrize("key", ["inputParameters", "outputParameters"])
def test_a_value_may_be_a_map_or_a_list(key, written, value):
    loaded = load(f"exposes:\n- type: mcp\n  tools:\n  - name: t\n    {key}: [{{name: p, value: {written}}}]\n")
    tool = loaded.document.exposes[0].tools[0]
    (found,) = tool.input_parameters or tool.output_parameters
    assert (found.value, found.structure) == (None, value)
    assert told(loaded) == []


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (
            "exposes:\n- type: mcp\n  tools:\n  - name: t\n    outputParameters:\n    - {name: p, hasConst: true}\n",
            "hasConst",
        ),
        ("consumes:\n- resources:\n  - operations:\n    - name: t\n      body:\n       hasData: true\n", ""),
        ("consumes:\n- resources:\n  - operations:\n    - body: {type: json, data: 1, hasData: true}\n", "hasData"),
        ("consumes:\n- resources:\n  - operations:\n    - body: {type: multipartForm, data: {}, parts: []}\n", "parts"),
        ("consumes:\n- inputParameters:\n  - {name: p, requiredProperties: [a]}\n", "requiredProperties"),
        (
            "exposes:\n- type: mcp\n  tools:\n  - steps:\n    - {type: lookup, name: l, lookupValues: [a]}\n",
            "lookupValues",
        ),
        ("exposes:\n- type: control\n  extra: 1\n", "extra"),
        ("version: 1\n", "version"),
        ("consumes:\n- inputParameters:\n  - {name: p, structure: {a: 1}}\n", "structure"),
    ],
)
def test_keys_of_the_canonical_form_alone_are_unknown(text, key):
    loaded = load("" + text)
    assert [found.message.split("`")[1] for found in loaded.findings if found.rule == "unknown-key"] == [key] * bool(
        key
    )


@pytest.mark.parametrize("near", ["hasConsts", "lookupvalues", "requiredProperty", "versions", "part"])
def test_keys_of_the_canonical_form_alone_are_not_suggested(near):
    loaded = load(
        f"{near}: 1\nexposes:\n- type: mcp\n  tools:\n  - name: t\n    steps: [{{type: lookup, name: l, {near}: [a]}}]\n"
        f"    inputParameters: [{{name: p, {near}: 1}}]\n    outputParameters: [{{name: p, {near}: 1}}]\n"
    )
    hints = " ".join(found.hint for found in loaded.findings)
    for key in ("hasConst", "lookupValues", "requiredProperties", "`version`", "parts"):
        assert key not in hints


def test_json_is_any_value():
    loaded = load("exposes:\n- type: mcp\n  tools:\n  - name: t\n    inputParameters: [{name: p, type: json}]\n")
    assert loaded.document.exposes[0].tools[0].input_parameters[0].type is None
    assert told(loaded) == []
