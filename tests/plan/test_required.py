"""Which declared inputs must be given where no flag says it: as what they feed (SEMANTICS 3.6)."""

from __future__ import annotations

import pytest
from linked_units import api, only_unit, request_of, rest, tool

OPERATION = """\
inputParameters:
- {name: must, in: query, required: true}
- {name: may, in: query}
- {name: X-May, in: header}
- {name: body, in: body, type: object}
"""


def required_in(*parts):
    unit, _ = only_unit(*parts)
    return {given.name for given in unit.inputs if given.required}


@pytest.mark.parametrize(
    ("mapped", "is_required"),
    [
        ("{may: tools.n}", False),
        ("{must: tools.n}", True),
        ("{may: '{{n}}'}", False),
        ("{may: 'by {{n}}'}", False),
        ("{must: 'by {{n}}'}", True),
        ("{X-May: agents.n}", False),
        ("{x-may: tools.n}", False),
        ("{body: {a: {b: ['{{n}}']}}}", False),
        ("{may: tools.n, must: tools.n}", True),
        ("{must: tools.n, may: tools.n}", True),
        ("{may: tools.n, other: tools.n}", False),
        ("{other: tools.n}", True),
        ("{may: fixed}", True),
        ("{}", True),
    ],
)
def test_an_input_is_required_if_any_parameter_that_it_feeds_is_or_none_is_known(mapped, is_required):
    declared = f"inputParameters: [{{name: n}}]\nwith: {mapped}\n"
    assert required_in(api(OPERATION, method="POST"), tool(declared)) == ({"n"} if is_required else set())


def test_a_parameter_of_the_same_name_is_fed_without_a_mapping():
    declared = "inputParameters: [{name: must}, {name: may}, {name: x-may}]"
    assert required_in(api(OPERATION), tool(declared)) == {"must", "x-may"}


@pytest.mark.parametrize(("flag", "is_required"), [("true", True), ("false", False)])
@pytest.mark.parametrize("name", ["must", "may", "none"])
def test_a_flag_wins(name, flag, is_required):
    declared = f"inputParameters: [{{name: {name}, required: {flag}}}]"
    assert required_in(api(OPERATION), tool(declared)) == ({name} if is_required else set())


def test_an_input_with_a_default_need_not_be_given():
    assert required_in(api(OPERATION), tool("inputParameters: [{name: must, default: x}]")) == set()


@pytest.mark.parametrize("resource", ["/r/{id}", "/r/{{id}}", "/r/a-{Id}"])
def test_what_stands_in_a_path_is_required(resource):
    assert required_in(api("", resource=resource), tool("inputParameters: [{name: id}, {name: q}]")) == {"id", "q"}
    assert required_in(
        api("", resource=resource), tool("inputParameters: [{name: which}]\nwith: {id: tools.which}")
    ) == {"which"}


def test_what_stands_in_the_query_of_a_path_may_be_left_out():
    assert required_in(api("", resource="/r?state={s}"), tool("inputParameters: [{name: s}]")) == set()


@pytest.mark.parametrize(
    ("body", "needed"),
    [
        ('{data: {a: "{{n}}"}}', False),
        ('{data: {a: "by {{n}}"}}', False),
        ('{data: {a: ["{{n}}", {b: "{{n}}"}]}}', False),
        ('{data: {a: "{{n}} of {{m}}"}}', True),
        ('{data: \'{"a": "{{n}}"}\'}', False),
        ("{data: '{\"a\": {{n}}}'}", False),
        ('{data: \'{"a": "{{n}} of {{m}}"}\'}', True),
        ("{data: '{\"{{n}}\": 1}'}", True),
        ('{data: "{{n}}"}', True),
        ('{type: text, data: "Hello {{n}}"}', True),
        ('{type: xml, data: "<a>{{n}}</a>"}', True),
        ('{type: sparql, data: "SELECT {{n}}"}', True),
        ('{type: text, data: "Hello{{#n}} {{n}}{{/n}}"}', False),
        ('{type: formUrlEncoded, data: {a: "{{n}}"}}', False),
        ('{type: multipartForm, data: {a: "{{n}}"}}', False),
    ],
)
def test_what_a_body_block_can_leave_out_is_optional_and_what_would_leave_a_gap_is_not(body, needed):
    declared = "inputParameters: [{name: n}, {name: m, required: false}]"
    assert required_in(api(f"body: {body}", method="POST"), tool(declared)) == ({"n"} if needed else set())


FLOW = """\
inputParameters: [{name: a}, {name: b}, {name: c}, {name: d}]
steps:
- {name: first, type: call, call: a.o, with: {may: "{{a}}", must: "{{b}}"}}
- {name: found, type: lookup, index: first, match: id, lookupValue: "{{c}}"}
- {name: last, type: call, call: a.o, with: {may: "{{c}}", must: "$.found.id", X-May: "{{a}} {{d}}"}}
"""


def test_an_input_of_a_flow_is_required_if_any_step_can_not_do_without():
    assert required_in(api(OPERATION), tool(FLOW, call="label: Flow")) == {"b", "c"}


FUNCTION = """\
aggregates:
- namespace: desk
  functions:
  - name: find
    inputParameters: [{name: limit}, {name: state}, {name: none}]
    call: a.o
    with: {must: desk.limit, may: "{{state}}"}
"""


@pytest.mark.parametrize("expose", [tool, rest])
def test_the_inputs_of_a_function_follow_what_its_call_takes_whatever_exposes_it(expose):
    assert required_in(api(OPERATION), FUNCTION, expose("", call="ref: desk.find")) == {"limit", "none"}


def test_inputs_that_feed_a_function_are_required_as_its_own_are():
    declared = "inputParameters: [{name: l}, {name: s}]\nwith: {limit: tools.l, state: tools.s, none: x}\n"
    assert required_in(api(OPERATION), FUNCTION, tool(declared, call="ref: desk.find")) == {"l"}
    assert required_in(api(OPERATION), FUNCTION, rest(declared, call="ref: desk.find")) == set()


def test_inputs_of_a_resource_follow_the_same_rule():
    text = (
        "exposes:\n- type: mcp\n  resources:\n  - {name: r, uri: 'data://{may}', call: a.o,"
        " inputParameters: [{name: must}, {name: X-May}]}\n"
    )
    from linked_units import capability

    (plan,) = capability(api(OPERATION) + text).adapters[0].plan.resources
    assert {given.name for given in plan.unit.inputs.inputs if given.required} == {"may", "must"}


def test_a_credential_of_ours_is_not_asked_of_an_agent_that_declares_it():
    consumes = "authentication: {type: bearer, token: t}\n"
    operation = "inputParameters: [{name: Authorization, in: header, required: true}]"
    declared = "inputParameters: [{name: auth}]\nwith: {Authorization: tools.auth}\n"
    assert required_in(api(operation, consumes=consumes), tool(declared)) == set()


def test_what_is_left_out_is_not_sent():
    unit, _ = only_unit(api(OPERATION), tool("inputParameters: [{name: may}, {name: must}]"))
    assert str(request_of(unit, must="x").url).endswith("/r?must=x")
