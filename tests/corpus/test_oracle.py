"""The oracle's units checked by hand on small capabilities; and its answers for every public file, where they are."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import oracle
import pytest
from corpus_run import PARTS, capability_files
from oracle import Digits, ExpectedInput
from oracle_snippets import BASE, pair, send, shape, write

from public_files import CORPUS


def test_inferred_inputs_take_location_type_description_and_flag_from_the_consumed_parameter(tmp_path):
    path = pair(
        tmp_path,
        "method: POST, inputParameters: [{name: limit, in: query, type: integer, description: How many}, "
        "{name: If-Match, in: header, type: string}, {name: body, in: body, type: object, required: true}]",
        with_="{limit: IN.limit, If-Match: IN.If-Match, body: IN.body}",
    )
    route, tool = oracle.units(path)
    assert route.inputs == [
        ExpectedInput("limit", "query", "integer", required=False, description="How many"),
        ExpectedInput("If-Match", "header", "string", required=False),
        ExpectedInput("body", "body", "object", required=True),
    ]
    assert [one.location for one in tool.inputs] == ["argument"] * 3
    assert (route.kind, route.call, route.executable, route.method, route.path) == (
        "call",
        "up.op",
        True,
        "POST",
        "/things",
    )


def test_a_reference_keeps_everything_after_the_first_dot(tmp_path):
    path = pair(
        tmp_path,
        "method: GET, inputParameters: [{name: 'page[token]', in: query}, {name: body.tty_size.height, in: query, type: integer}, {name: $top, in: query}]",
        with_="{'page[token]': 'IN.page[token]', body.tty_size.height: IN.body.tty_size.height, $top: IN.$top}",
    )
    route = oracle.units(path)[0]
    assert [one.name for one in route.inputs] == ["page[token]", "body.tty_size.height", "$top"]
    made = send(path, route, {"page[token]": "a b&c", "body.tty_size.height": 5, "$top": True})
    assert made.url == "http://up.test/api/things?page%5Btoken%5D=a%20b%26c&body.tty_size.height=5&%24top=true"


def test_placeholders_meet_the_exposed_path_exactly_then_folded_else_become_a_required_query_parameter(tmp_path):
    path = pair(
        tmp_path, "method: GET", resource="/x/{riskDetection-id}/{lost}/{id}", exposed="/v1/x/{id}/{riskdetection-id}"
    )
    route, tool = oracle.units(path)
    assert shape(route) == [
        ("riskdetection-id", "path", "string", True),
        ("lost", "query", "string", True),
        ("id", "path", "string", True),
    ]
    assert [one.name for one in tool.inputs] == ["riskDetection-id", "lost", "id"]
    assert send(path, route, {"riskdetection-id": "1", "lost": "2", "id": "3"}).url == f"{BASE}/x/1/2/3"


def test_a_reference_that_folds_to_the_exposed_placeholder_is_a_path_input_under_its_own_name(tmp_path):
    path = pair(
        tmp_path,
        "method: GET, inputParameters: [{name: ObjectId, in: path, type: integer, required: true}]",
        resource="/o/{ObjectId}", exposed="/v1/o/{objectid}", with_="{ObjectId: IN.ObjectId}",
    )  # fmt: skip
    (one,) = oracle.units(path)[0].inputs
    assert (one.name, one.location, one.type, one.placeholder) == ("ObjectId", "path", "integer", "objectid")


def test_declared_inputs_win_and_are_not_added_to(tmp_path):
    path = write(tmp_path, """
        naftiko: 1.0.0-alpha2
        capability:
          consumes: [{namespace: up, resources: [{path: '/r/{id}', operations: [{name: op, method: GET, inputParameters: [{name: q, in: query}]}]}]}]
          exposes:
          - type: api
            namespace: r
            resources:
            - path: '/v1/r/{id}'
              inputParameters: [{name: id, in: path, type: string}]
              operations: [{method: GET, call: up.op, inputParameters: [{name: other, in: query, type: boolean}, {name: fixed, value: c}], with: {q: r.fixed}}]
    """)  # fmt: skip
    (route,) = oracle.units(path)
    assert (route.adapter, route.name) == ("rest", None)
    assert shape(route) == [("id", "path", "string", True), ("other", "query", "boolean", False)]
    assert send(path, route, {"id": "1", "other": True}).url == f"{BASE}/r/1?q=c"


def test_what_authentication_fills_is_asked_of_no_agent_and_in_rest_only_where_with_maps_it(tmp_path):
    consumes = "authentication: {type: bearer, token: t},"
    operation = (
        "method: GET, inputParameters: [{name: authorization, in: header, required: true}, {name: X, in: header}]"
    )
    mapped = pair(tmp_path, operation, with_="{authorization: IN.authorization}", consumes=consumes)
    route, tool = oracle.units(mapped)
    assert shape(route) == [("authorization", "header", "string", False), ("X", "header", "string", False)]
    assert shape(tool) == [("X", "argument", "string", False)]
    assert send(mapped, route, {"authorization": "mine"}).headers == [("authorization", "mine")]
    assert send(mapped, route, {}).headers == [("Authorization", "Bearer t")]
    silent = pair(tmp_path, operation, consumes=consumes)
    oracle_route = oracle.units(silent.rename(tmp_path / "silent.yaml"))[0]
    assert [one.name for one in oracle_route.inputs] == ["X"]


@pytest.mark.parametrize(
    ("entry", "call"),
    [
        ("{import: src, location: ./shared/x.yaml}", "src.op"),
        ("{import: src, from: shared/x.yaml, as: here}", "here.op"),
        ("{import: shared/x.yaml, as: src}", "src.op"),
    ],
)
@pytest.mark.parametrize("where", ["root", "capability"])
def test_imports_in_all_three_spellings(tmp_path, entry, call, where):
    consumes = "{naftiko: '0.5', binds: [{namespace: b, keys: {K: k}}], consumes: [{namespace: src, authentication: {type: bearer, token: K}, resources: [{path: /s, operations: [{name: op}]}]}]}"
    if where == "capability":
        consumes = consumes.replace("consumes:", "capability: {consumes:")[:-1] + "}}"
    write(tmp_path, consumes, "shared/x.yaml")
    path = write(
        tmp_path,
        f"{{ikanos: 1.0.0-beta3, consumes: [{entry}], exposes: [{{type: mcp, namespace: m, tools: {{t: {{call: {call}}}}}}}]}}",
    )
    (tool,) = oracle.units(path)
    assert (tool.call, tool.executable) == (call, True)
    assert send(path, tool, {}, K="v").headers == [("Authorization", "Bearer v")]


def test_import_cycles_and_missing_files_leave_the_unit_not_executable(tmp_path):
    path = write(tmp_path, """
        naftiko: '0.5'
        consumes: [{import: a, from: capability.yaml}, {import: b, from: none.yaml}]
        exposes: [{type: mcp, namespace: m, tools: [{name: x, call: a.op}, {name: y, call: b.op}]}]
    """)  # fmt: skip
    assert [unit.executable for unit in oracle.units(path)] == [False, False]


def test_what_can_not_run_says_why(tmp_path):
    path = write(tmp_path, """
        naftiko: 1.0.0-alpha2
        capability:
          consumes: [{namespace: up, resources: [{path: /r, operations: [{name: op, method: GET}]}]}]
          exposes:
          - type: mcp
            namespace: m
            tools:
            - {name: gone, call: up.gone}
            - {name: schema, inputSchema: {type: object, properties: {e: {type: object}, f: {}}, required: [e]}}
            - {name: ref, ref: none.at-all}
            - {name: lookup, steps: [{name: a, type: call, call: up.op}, {name: b, type: lookup, index: c, match: id, lookupValue: $.a.id}]}
            - {name: backward, steps: [{name: a, type: call, call: up.op, with: {x: $.b.id}}, {name: b, type: call, call: up.op}]}
            - {name: good, steps: {a: {type: call, call: up.op}, b: {type: lookup, index: a, match: id, lookupValue: '{{id}}'}}}
          - {type: rest, namespace: r, resources: [{path: '/{{path}}', forward: {targetNamespace: nowhere}}, {path: /n, operations: [{method: GET, name: none}]}]}
    """)  # fmt: skip
    found = {unit.name or unit.kind: unit for unit in oracle.units(path)}
    assert {name: unit.kind for name, unit in found.items() if unit.executable} == {"good": "steps"}
    assert all(unit.reason for unit in found.values() if not unit.executable)
    assert "earlier step: c" in found["lookup"].reason
    assert "earlier step: b" in found["backward"].reason
    assert shape(found["schema"]) == [("e", "argument", "object", True), ("f", "argument", "string", False)]
    assert shape(found["good"]) == [("id", "argument", "string", False)]


def test_a_ref_takes_the_functions_call_inputs_and_name(tmp_path):
    path = write(tmp_path, """
        naftiko: 1.0.0-alpha2
        capability:
          consumes: [{namespace: up, resources: [{path: 'f/{id}', operations: [{name: op, method: GET}]}]}]
          aggregates:
          - namespace: agg
            flows: {get: {inputParameters: {item-id: {type: integer, description: d}, more: {required: false}}, call: up.op, with: {id: item-id, q: agg.more}}}
          exposes:
          - {type: mcp, namespace: m, tools: [{ref: agg.get}]}
          - {type: rest, namespace: r, resources: [{path: '/v1/{itemId}', operations: [{ref: agg.get, method: GET}]}]}
    """)  # fmt: skip
    tool, route = oracle.units(path)
    assert (tool.kind, tool.name, tool.call) == ("ref", "get", "up.op")
    assert tool.inputs[0] == ExpectedInput("item-id", "argument", "integer", required=True, description="d")
    assert shape(route) == [("item-id", "path", "integer", True), ("more", "query", "string", False)]
    assert send(path, route, {"item-id": 3, "more": "m"}).url == f"{BASE}/f/3?q=m"


def test_a_mock_asks_for_what_its_values_speak_of(tmp_path):
    path = write(tmp_path, """
        naftiko: 1.0.0-alpha2
        exposes: [{type: rest, namespace: r, resources: [{path: '/hi/{{who}}', operations: [{method: GET, outputParameters: [{type: object, properties: {a: {value: 'Hi {{who}}{{mark}}'}, b: {const: '{{no}}'}}}]}]}]}]
    """)  # fmt: skip
    (mock,) = oracle.units(path)
    assert (mock.kind, mock.executable) == ("mock", True)
    assert shape(mock) == [("who", "path", "string", True), ("mark", "query", "string", False)]


def test_a_second_operation_with_the_same_method_and_path_is_shadowed(tmp_path):
    path = write(tmp_path, """
        naftiko: 1.0.0-alpha2
        consumes: [{namespace: up, resources: [{path: /r, operations: [{name: op}]}]}]
        exposes: [{type: rest, namespace: r, resources: [{path: '/a/{x}', operations: [{method: get, call: up.op}, {method: POST, call: up.op}]}, {path: '/a/{y}', operations: [{call: up.op, method: GET}]}]}]
    """)  # fmt: skip
    assert [unit.shadowed for unit in oracle.units(path)] == [False, False, True]


def test_made_inputs_are_typed_distinct_and_safe_in_headers(tmp_path):
    kinds = ["string", "integer", "number", "boolean", "array", "object"]
    parameters = ", ".join(f"{{name: {kind}, in: query, type: {kind}}}" for kind in kinds)
    path = pair(
        tmp_path, f"method: GET, inputParameters: [{parameters}, {{name: X-H, in: header}}]", exposed="/v1/{loose}"
    )
    route, tool = oracle.units(path)
    made = oracle.make_inputs(tool)
    assert made == oracle.make_inputs(tool)
    assert [type(made[kind]) for kind in kinds] == [str, Digits, Digits, bool, list, dict]
    assert len(made["array"]) == 2
    assert made["X-H"].isascii()
    assert set("/ ?#é") <= set(made["string"])
    assert set(oracle.make_inputs(route)) == {*kinds, "X-H", "loose"}


@pytest.mark.parametrize("text", ["a: [", "- 1", "apiVersion: 1", "naftiko: {ports: 1}", ""])
def test_a_file_that_is_no_capability_serves_nothing(tmp_path, text):
    assert oracle.units(write(tmp_path, text)) == []


def test_the_oracle_shares_nothing_with_the_engine():
    here = Path(__file__).parent
    for module in (*here.glob("oracle*.py"), here / "corpus_callers.py", here / "corpus_report.py"):
        imports = [line for line in module.read_text("utf-8").splitlines() if line.startswith(("import", "from"))]
        assert imports
        assert not any("naftiko" in line for line in imports)


@pytest.mark.corpus
@pytest.mark.parametrize("part", range(PARTS))
def test_every_public_file_is_answered(part, record_property):
    """Every file gives its units, and every executable call a request when all inputs and variables are there."""
    kinds: Counter[str] = Counter()
    executable = requests = files = 0
    for path in capability_files(CORPUS, part):
        files += 1
        for unit in oracle.units(path):
            kinds[f"{unit.adapter} {unit.kind}"] += 1
            executable += unit.executable
            assert unit.executable == (not unit.reason), path
            assert len({(one.name, one.location) for one in unit.inputs}) == len(unit.inputs), path
            if unit.plan is None or unit.plan.operation.authentication.get("type") == "awsSigV4":
                continue
            made = oracle.expected_request(
                path,
                unit,
                oracle.make_inputs(unit),
                base_uri_override=BASE,
                variables=dict.fromkeys(oracle.needed_variables(unit), "v"),
            )
            assert "{" not in made.url, path
            assert made.url.startswith(f"{BASE}/"), path
            requests += 1
    record_property("oracle", {"files": files, "executable": executable, "requests": requests, **kinds})
    assert requests > 0


def test_the_first_step_a_mock_and_a_callers_login_are_known(tmp_path):
    path = write(tmp_path, """
        naftiko: 1.0.0-alpha2
        consumes: [{namespace: up, resources: [{path: '/r/{id}', operations: [{name: op, method: GET}]}]}]
        exposes:
        - type: mcp
          namespace: m
          authentication: {type: bearer, token: '{{env.TOKEN}}'}
          tools:
          - {name: flow, steps: [{name: a, type: call, call: up.op, with: {id: m.id}}, {name: b, type: lookup, index: a, match: id, lookupValue: '{{id}}'}]}
          - {name: mock, outputParameters: [{name: hi, value: 'Hi {{who}}'}, {name: n, const: 1.5}]}
          - {name: script, steps: [{name: a, type: script, source: x}]}
    """)  # fmt: skip
    flow, mock, script = oracle.units(path)
    opening = oracle.expected_opening(path, flow, {"id": "a/b"}, base_uri_override=BASE, variables={})
    assert (opening.method, opening.url) == ("GET", f"{BASE}/r/a%2Fb")
    assert oracle.expected_mock(mock, {"who": "Ann"}) == {"hi": "Hi Ann", "n": Digits("1.5")}
    assert not script.executable
    ((name, value),) = oracle.logins(path).values()
    assert (name, oracle.names_in(value), oracle.filled(value, {"TOKEN": "t"})) == (
        "Authorization",
        ["TOKEN"],
        "Bearer t",
    )
