"""What a ``call``, a ``ref`` or a ``forward`` means: as written, as certainly meant, one of several (SEMANTICS 1.3, 1.4, 4.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from linked_units import BASE, answering, api, capability, only_unit, request_of, rest, rules, run, tool

from naftiko.document.suggest import fold
from naftiko.link.callables import Callables, NameOrigin

REFS = f"""\
consumes:
- namespace: refs
  baseUri: {BASE}
  resources:
  - name: branches
    path: /repos/{{repo}}/branches/{{name}}
    operations:
    - {{name: delete, method: DELETE, description: Delete a branch}}
    - {{name: list-branches, method: GET}}
  - name: tags
    path: /repos/{{repo}}/tags/{{name}}
    operations:
    - {{name: delete, method: DELETE, description: Delete a tag}}
"""
TAG, BRANCH = "/repos/r/tags/v1", "/repos/r/branches/v1"
AT = {"repo": "r", "name": "v1"}


def agents(*tools):
    return "exposes:\n- type: mcp\n  namespace: agents\n  tools:\n" + "".join(f"  - {{{one}}}\n" for one in tools)


def routes(*resources):
    return "exposes:\n- type: rest\n  namespace: web\n  port: 1\n  resources:\n" + "".join(
        f"  - {{{one}}}\n" for one in resources
    )


def sent(unit):
    return unit.request(AT).url.path


def severities(loaded, rule):
    return [found.severity.value for found in loaded.diagnostics if found.rule == rule]


def of_resource(path, name, description="d"):
    operation = f"{{method: DELETE, name: remove, description: {description}, call: refs.delete}}"
    return f"path: '{path}', name: {name}, operations: [{operation}]"


# Several of one name: the path, the resource, the description, the place.


@pytest.mark.parametrize(
    "path",
    [
        "/v1/repos/{repo}/tags/{name}",
        "/Repos/{Repo}/Tags/{NAME}",
        "/v1/repos-repo/tags-name",
        "/x/repos/{repo}/tags-{name}",
    ],
)
def test_the_operation_whose_path_ends_the_exposed_path_is_meant(path):
    """Whatever the order is, and whatever else the unit says."""
    loaded = capability(REFS + routes(of_resource(path, "branches", "Delete a branch")))
    assert sent(loaded.units[0]) == TAG
    assert not severities(loaded, "ambiguous-call")


def test_the_longest_path_that_ends_the_exposed_one_is_meant():
    refs = REFS.replace("/repos/{repo}/branches/{name}", "/tags/{name}")
    (unit,) = capability(refs + routes(of_resource("/v1/repos/{repo}/tags/{name}", "x"))).units
    assert sent(unit) == TAG


def test_an_end_inside_of_a_segment_is_none():
    refs = REFS.replace("/repos/{repo}/branches/{name}", "/tags").replace("/repos/{repo}/tags/{name}", "/other")
    loaded = capability(refs + routes(of_resource("/hashtags", "x", "Delete a tag")))
    assert loaded.units[0].request({}).url.path == "/other"


def test_else_the_one_whose_resource_has_the_name_is_meant():
    (unit,) = capability(REFS + routes(of_resource("/v1/{repo}/t/{name}", "Tags", "Delete a branch"))).units
    assert sent(unit) == TAG


def test_else_the_one_with_the_description_is_meant():
    loaded = capability(
        REFS
        + agents(
            "name: a, description: 'Delete a tag.', call: refs.delete",
            "name: b, description: Delete a branch, call: refs.delete",
        )
    )
    assert [sent(unit) for unit in loaded.units] == [TAG, BRANCH]
    assert not severities(loaded, "ambiguous-call")


def test_the_whole_path_tells_operations_of_one_resource_apart():
    """Each has a path of its own below that of the resource, which says nothing then."""
    both = (
        f"consumes:\n- namespace: refs\n  baseUri: {BASE}\n  resources:\n  - path: /repos/{{repo}}\n    operations:\n"
        "    - {name: delete, method: DELETE, path: '/branches/{name}'}\n"
        "    - {name: delete, method: DELETE, path: '/tags/{name}'}\n"
    )
    exposed = [of_resource(f"/v1/repos/{{repo}}/{kind}/{{name}}", "x") for kind in ("tags", "branches")]
    loaded = capability(both + routes(*exposed))
    assert [sent(unit) for unit in loaded.units] == [TAG, BRANCH]
    assert not severities(loaded, "ambiguous-call")


@pytest.mark.parametrize(
    ("descriptions", "told"),
    [
        (("DELETE a tag!", "delete a branch"), [TAG, BRANCH]),  # but for case and punctuation
        (("Something else", "d"), [BRANCH, TAG]),  # neither's: by the order
    ],
)
def test_descriptions_are_alike_or_say_nothing(descriptions, told):
    tools = [
        f"name: {name}, description: '{text}', call: refs.delete" for name, text in zip("ab", descriptions, strict=True)
    ]
    assert [sent(unit) for unit in capability(REFS + agents(*tools)).units] == told


def test_the_very_description_is_more_than_one_that_is_like_it():
    refs = REFS.replace("Delete a branch", "DELETE A TAG")
    loaded = capability(
        refs
        + agents(
            "name: a, description: Delete a tag, call: refs.delete",
            "name: b, description: DELETE A TAG, call: refs.delete",
        )
    )
    assert [sent(unit) for unit in loaded.units] == [TAG, BRANCH]
    assert not severities(loaded, "ambiguous-call")


@pytest.mark.parametrize("missing", [", description: Delete a branch", ", description: Delete a tag"])
def test_a_missing_description_is_like_none(missing):
    """What says nothing is not what the unit means, though the other one says something else."""
    refs = REFS.replace(missing, "")
    units = capability(refs + agents(*(f"name: {name}, description: Other, call: refs.delete" for name in "ab"))).units
    assert [sent(unit) for unit in units] == [BRANCH, TAG]


def test_else_the_nth_unit_means_the_nth_with_a_warning_and_one_too_many_nothing():
    loaded = capability(REFS + agents(*(f"name: {name}, description: d, call: refs.delete" for name in "abc")))
    assert [sent(unit) for unit in loaded.units[:2]] == [BRANCH, TAG]
    assert not loaded.units[2].executable
    assert "stands 2 times" in loaded.units[2].reason
    assert severities(loaded, "ambiguous-call") == ["warning", "warning", "error"]
    assert loaded.errors[0].hint == "write `refs.branches.delete` or `refs.tags.delete`"


def test_each_adapter_counts_its_own_units():
    one = agents("name: a, description: d, call: refs.delete", "name: b, description: d, call: refs.delete")
    loaded = capability(REFS + one + one.replace("exposes:\n", "").replace("agents", "more"))
    assert [sent(unit) for unit in loaded.units] == [BRANCH, TAG, BRANCH, TAG]


def test_what_is_left_is_for_those_of_whom_nothing_else_is_known():
    """The place alone would send both to the tag."""
    loaded = capability(
        REFS
        + agents("name: a, description: Delete a tag, call: refs.delete", "name: b, description: d, call: refs.delete")
    )
    assert [sent(unit) for unit in loaded.units] == [TAG, BRANCH]


def test_the_method_tells_two_operations_of_one_resource_apart():
    both = "consumes:\n- {namespace: a, baseUri: http://h, resources: [{path: /r, operations: [{name: o, method: PUT}, {name: o, method: PATCH}]}]}\n"
    operations = ", ".join(f"{{method: {method}, name: {method}, call: a.o}}" for method in ("PATCH", "PUT"))
    loaded = capability(both + routes(f"path: /x, operations: [{operations}]"))
    assert [unit.request({}).method for unit in loaded.units] == ["PATCH", "PUT"]


@pytest.mark.parametrize("call", ["refs.tags.delete", "refs/tags/delete", "/refs/tags/delete", "refs.tags/delete"])
def test_an_operation_may_be_named_with_its_resource(call):
    loaded = capability(REFS + agents(f"name: a, description: Delete a branch, call: {call}"))
    assert sent(loaded.units[0]) == TAG
    assert rules(loaded) == ["duplicate-operation"]


def test_the_finding_at_the_second_operation_says_which_is_called():
    loaded = capability(REFS)
    (found,) = [each for each in loaded.diagnostics if each.rule == "duplicate-operation"]
    assert "whose path ends the unit's" in found.message
    assert "namespace.resource.operation" in found.hint
    assert found.related[0].line == 9


def test_steps_are_told_apart_by_their_own_description_else_by_their_unit():
    step = "{name: s, description: DESCRIPTION, call: refs.delete, with: {repo: r, name: v1}}"
    for description, expected in (("Delete a tag", TAG), ("x", BRANCH)):
        operation = f"{{method: DELETE, name: o, steps: [{step.replace('DESCRIPTION', description)}]}}"
        loaded = capability(REFS + routes(f"path: '/v1/repos/{{repo}}/branches/{{name}}', operations: [{operation}]"))
        (plan,) = (one for wave in loaded.units[0].plan.action.waves for one in wave)
        assert plan.call.operation.path.text.startswith(expected.partition("/r/")[0])
        assert plan.call.operation.path.text.split("/")[3] == expected.split("/")[3]


def test_a_function_means_the_same_operation_whoever_uses_it():
    """Its own description says it; else the route that serves it."""
    function = "aggregates:\n- namespace: f\n  functions:\n  - {name: drop, description: TEXT, call: refs.delete}\n"
    served = routes("path: '/v1/repos/{repo}/tags/{name}', operations: [{method: DELETE, ref: f.drop}]")
    for text, expected in (("Delete a branch", BRANCH), ("x", TAG)):
        loaded = capability(
            REFS
            + function.replace("TEXT", text)
            + served
            + "- {type: mcp, namespace: m, tools: [{name: t, ref: f.drop}]}\n"
        )
        assert [sent(unit) for unit in loaded.units] == [expected, expected]


def test_a_resource_is_told_apart_by_its_uri():
    resource = "{name: x, uri: 'repo://repos/{repo}/tags/{name}', call: refs.delete}"
    loaded = capability(f"{REFS}exposes:\n- type: mcp\n  resources: [{resource}]\n")
    (resource,) = loaded.adapters[0].plan.resources
    assert resource.unit.action.call.operation.path.text == "/repos/{repo}/tags/{name}"


def test_functions_of_one_name_are_told_apart_too():
    functions = (
        "aggregates:\n- namespace: f\n  functions:\n"
        "  - {name: drop, description: A branch, call: refs.branches.delete}\n"
        "  - {name: drop, description: A tag, call: refs.tags.delete}\n"
    )
    loaded = capability(
        REFS + functions + agents("name: a, description: A tag, ref: f.drop", "name: b, description: d, ref: f.drop")
    )
    assert [sent(unit) for unit in loaded.units] == [TAG, BRANCH]


# Certain although misspelt.


@pytest.mark.parametrize(
    "call",
    [
        "A.List_Things",
        "a.listThings",
        "aa.list-things",
        "list-things",
        "agents.list-things",
        "a/list-things/",
        "a.R.listthings",
        "a.anything.list-things",
        "zz.r.list-things",
    ],
)
def test_what_is_certain_although_misspelt_is_run_with_a_warning(call):
    unit, loaded = only_unit(api("").replace("name: o", "name: list-things"), tool("", call=f"call: {call}"))
    assert str(request_of(unit).url) == f"{BASE}/r"
    assert unit.call == "a.list-things"
    expected = [] if call.startswith("a/") else ["misspelt-name"]
    assert rules(loaded) == expected
    assert all("a.list-things" in found.hint for found in loaded.diagnostics)


TWO = (
    "consumes:\n"
    "- {namespace: a, baseUri: http://a, resources: [{name: r, path: /r, operations: [{name: get-it}, {name: delete}]}]}\n"
    "- {namespace: b, baseUri: http://b, resources: [{name: tags, path: /tags, operations: [{name: get-it}, {name: getIt}]}]}\n"
)


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        ("zz.get-it", "did you mean `a.get-it` or `b.get-it`?"),
        ("get-it", ""),
        ("b.get_it", ""),
        ("b.delete", ""),
        ("zz.tags.delete", ""),
        ("a.", ""),
        (".", ""),
        ("..", ""),
        ("a..", ""),
        ("/", ""),
        ("'   '", ""),
    ],
)
def test_what_several_things_could_mean_is_an_error(call, hint):
    """Two have the name, or another namespace has it, or another resource is named."""
    loaded = capability(TWO + tool("", call=f"call: {call}"))
    assert not loaded.units[0].executable
    assert rules(loaded) == ["unknown-call"]
    assert hint in loaded.errors[0].hint


@pytest.mark.parametrize(
    ("call", "path"),
    [("refs.Tags.delete", TAG), ("refs.tag.delete", TAG), ("refs/repos/{repo}/branches/{name}/delete", BRANCH)],
)
def test_a_resource_is_found_by_its_name_or_its_path(call, path):
    """And the finding says how it is written."""
    loaded = capability(REFS + agents(f"name: t, description: d, call: '{call}'"))
    assert sent(loaded.units[0]) == path
    (found,) = [each for each in loaded.diagnostics if each.rule == "misspelt-name"]
    assert found.hint == f"write `refs.{path.split('/')[3]}.delete`"


def test_another_resource_than_the_only_one_is_an_error():
    """`refs.tags.delete` never deletes a branch because that has the only `delete`."""
    refs = REFS.rpartition("    - {name: delete")[0] + "    - {name: get-tag}\n"
    loaded = capability(refs + agents("name: t, description: d, call: refs.tags.delete"))
    assert rules(loaded) == ["unknown-call"]


@pytest.mark.parametrize("name", ["missing", "Missing"])
def test_nothing_else_is_called_by_the_name_of_an_import_that_failed(name):
    """`missing.o` is not `a.o` because the file of `missing` isn't there."""
    failed = "- {from: nowhere.yaml, import: missing}\n"
    unit, loaded = only_unit(api("") + failed, tool("", call=f"call: {name}.o"))
    assert not unit.executable
    assert unit.reason == "the import of `missing` failed"
    assert set(rules(loaded)) == {"import-not-found", "unknown-call"}


@pytest.mark.parametrize("call", ["call: zz.o", "call: o", "tags: []"])
def test_nothing_is_certain_while_an_import_is_missing(call):
    failed = "- {from: nowhere.yaml, import: missing}\n"
    unit, _ = only_unit(api("") + failed, tool("", call=call).replace("name: t", "name: o"))
    assert not unit.executable


def test_what_is_written_as_declared_is_called_whatever_an_import_lacks():
    unit, _ = only_unit(api("") + "- {from: nowhere.yaml, import: missing}\n", tool(""))
    assert str(request_of(unit).url) == f"{BASE}/r"


@pytest.mark.parametrize("name", ["list-things", "listThings", "LIST_THINGS"])
def test_a_unit_that_is_named_like_the_only_operation_calls_it(name):
    for part in (tool("", call="tags: []").replace("name: t", f"name: {name}"), rest(f"name: {name}", call="tags: []")):
        unit, loaded = only_unit(api("").replace("name: o", "name: list-things"), part)
        assert str(request_of(unit).url) == f"{BASE}/r"
        assert unit.call == "a.list-things"
        assert rules(loaded) == ["implied-call"]
        assert loaded.diagnostics[0].hint == "add `call: a.list-things`"


def test_a_unit_that_is_named_like_the_only_operation_takes_its_inputs_and_outputs():
    operation = "inputParameters: [{name: q, in: query}]"
    part = tool(
        "inputParameters: [{name: query, type: string}]\nwith: {q: tools.query}\noutputParameters: [{name: n, mapping: $.n}]",
        call="tags: []",
    )
    unit = answering({"/r": {"n": 1}}, api(operation), part.replace("name: t", "name: o"))
    assert run(unit, query="x") == {"n": 1}


def test_a_unit_that_answers_by_itself_calls_nothing():
    unit, loaded = only_unit(
        api(""), tool("outputParameters: [{name: x, value: y}]", call="tags: []").replace("name: t", "name: o")
    )
    assert unit.call is None
    assert not list(loaded.diagnostics)


@pytest.mark.parametrize("call", ["call: [x, y]", "call: {a: b}"])
def test_a_call_that_can_not_be_read_is_none_of_the_name(call):
    """Whatever was meant there, it was not nothing."""
    unit, loaded = only_unit(api(""), tool("", call=call).replace("name: t", "name: o"))
    assert not unit.executable
    assert "nothing-to-execute" in rules(loaded)


@pytest.mark.parametrize("text", [TWO, REFS], ids=["two namespaces", "one twice"])
def test_a_unit_named_like_two_operations_calls_neither(text):
    name = "get-it" if text is TWO else "delete"
    loaded = capability(text + agents(f"name: {name}, description: d"))
    assert "nothing-to-execute" in rules(loaded)


@pytest.mark.parametrize("ref", ["Desk.Find", "dsk.find", "find", "desk/find"])
def test_a_function_is_found_as_certainly_as_an_operation(ref):
    functions = "aggregates:\n- {namespace: desk, functions: [{name: find, description: d, call: a.o}]}\n"
    unit, loaded = only_unit(api(""), functions, tool("", call=f"ref: {ref}"))
    assert str(request_of(unit).url) == f"{BASE}/r"
    assert rules(loaded) == ([] if "/" in ref else ["misspelt-name"])


def test_a_forward_goes_to_the_namespace_that_is_the_same_but_for_its_spelling():
    text = routes("path: '/x/{path}', forward: {targetNamespace: My_Api}")
    loaded = capability(api("").replace("namespace: a", "namespace: my-api") + text)
    assert loaded.units[0].plan.action.api == "my-api"
    assert rules(loaded) == ["misspelt-name"]


@given(st.text(max_size=12), st.text(max_size=12), st.text(max_size=12))
def test_no_text_finds_anything_but_what_it_names(namespace, resource, name):
    """Whatever is written, what is found shares its last name with the text, but for case and punctuation."""
    known = Callables("operation")
    for space, of, last in (("a", "x", "one"), ("a", "y", "one"), ("b.c", "x", "two"), ("", None, "three")):
        known.add(space, last, object(), NameOrigin(resource=of, resource_path=f"/{of}"))
    for text in (f"{namespace}.{name}", f"{namespace}.{resource}.{name}", f"{namespace}/{name}", name):
        found = known.find(text)
        if found is None:
            reason, _ = known.why_not(text)
            assert reason
        else:
            assert fold(text).endswith(fold(found.things[0].name))
            assert len({each.key for each in found.things}) == 1


# Steps and declared inputs.

FLOW = """\
exposes:
- type: mcp
  namespace: agents
  tools:
  - name: t
    description: d
    steps:
    - {name: list-ships, call: a.o}
    - {name: found, type: lookup, index: INDEX, match: id, lookupValue: "7"}
    - {name: last, call: a.o, with: {q: "WITH"}}
    mappings:
    - {targetName: n, value: "MAPPED"}
"""
ONE = "inputParameters: [{name: q, in: query}]"


@pytest.mark.parametrize("index", ["listShips", "$.List_Ships", "list-ships"])
@pytest.mark.parametrize("value", ["{{listShips[0].id}}", "$.ListShips[0].id", "{{list-ships[0].id}}"])
@pytest.mark.parametrize("mapped", ["$.listships[0].n", "{{LIST_SHIPS[0].n}}", "$.list-ships[0].n"])
def test_a_step_is_found_under_another_spelling(index, value, mapped):
    flow = FLOW.replace("INDEX", index).replace("WITH", value).replace("MAPPED", mapped)
    unit = answering({"/r": [{"id": 7, "n": "x"}]}, api(ONE), flow)
    assert run(unit) == {"n": "x"}
    assert [given.name for given in unit.inputs] == ["q"]  # of the first step
    loaded = capability(api(ONE) + flow)
    assert len(rules(loaded)) == sum("list-ships" not in text for text in (index, value, mapped))
    assert set(rules(loaded)) <= {"misspelt-name"}
    assert not loaded.lint() or "unknown-step" not in {found.rule for found in loaded.lint()}


def test_a_name_alone_is_an_input_and_no_step():
    """`{{listships}}` is what a caller gives; a path is a step's."""
    flow = FLOW.replace("INDEX", "list-ships").replace("WITH", "{{listships}}").replace("MAPPED", "$.last")
    unit, _ = only_unit(api(ONE), flow)
    assert [given.name for given in unit.inputs] == ["q", "listships"]


def test_two_steps_of_nearly_one_name_are_not_told_apart():
    flow = FLOW.replace(
        "- {name: list-ships, call: a.o}", "- {name: list-ships, call: a.o}\n    - {name: listships, call: a.o}"
    )
    loaded = capability(api(ONE) + flow.replace("INDEX", "ListShips").replace("WITH", "x").replace("MAPPED", "$.last"))
    assert rules(loaded) == ["unknown-step"]


@pytest.mark.parametrize("value", ["tools.ticketid", "'{{TicketId}}'", "agents.ticket-ID", "'x-{{ticketId}}'"])
def test_a_declared_input_is_found_under_another_spelling(value):
    unit, loaded = only_unit(
        api(ONE), tool(f"inputParameters: [{{name: ticket_id, type: string}}]\nwith: {{q: {value}}}")
    )
    assert [given.name for given in unit.inputs] == ["ticket_id"]
    assert request_of(unit, ticket_id="7").url.params["q"].endswith("7")
    assert rules(loaded) == ["misspelt-name"]


@pytest.mark.parametrize(
    ("inputs", "value"),
    [
        ("{name: ticket_id}, {name: ticketId}", "tools.ticketid"),
        ("{name: ticket_id}", "tools.ticket"),
        ("{name: ticket_id}", "'{{other}}'"),
        ("{name: ticket_id}", "tools.--"),
    ],
)
def test_what_is_not_certain_stays_told(inputs, value):
    _, loaded = only_unit(api(ONE), tool(f"inputParameters: [{inputs}]\nwith: {{q: {value}}}"))
    assert rules(loaded) == ["undeclared-input"]


def test_a_variable_is_no_input_of_nearly_its_name():
    unit, _ = only_unit(
        api(ONE),
        tool("inputParameters: [{name: ticket_id}]\nwith: {q: '{{TICKET_ID}}'}"),
        TICKET_ID="of the environment",
    )
    assert request_of(unit, ticket_id="7").url.params["q"] == "of the environment"


@pytest.mark.parametrize("place", ["query", "cookie", "body"])
def test_a_parameter_is_filled_under_another_spelling(place):
    operation = f"inputParameters: [{{name: user_id, in: {place}, required: true}}, {{name: page, in: query}}]"
    method = "POST" if place == "body" else "GET"
    unit, loaded = only_unit(api(operation, method=method), tool("with: {userId: tools.who}"))
    assert [(given.name, given.required) for given in unit.inputs] == [("who", True), ("page", False)]
    sent = request_of(unit, who="7")
    assert "user_id" in f"{sent.url}{sent.headers.get('cookie')}{sent.content.decode()}"
    assert "userId" not in f"{sent.url}{sent.headers}{sent.content.decode()}"
    assert rules(loaded) == ["misspelt-name"]


def test_a_key_that_could_be_two_parameters_is_neither():
    operation = "inputParameters: [{name: user_id, in: query}, {name: user-id, in: query}]"
    unit, loaded = only_unit(api(operation), tool("with: {userId: tools.who}"))
    assert request_of(unit, who="7").url.params["userId"] == "7"
    assert rules(loaded) == ["unknown-argument"]


def test_a_key_that_is_a_parameters_own_name_fills_no_other():
    operation = "inputParameters: [{name: userid, in: query}, {name: userId, in: query}]"
    unit, loaded = only_unit(api(operation), tool("with: {userId: tools.who}"))
    assert dict(request_of(unit, who="7").url.params) == {"userId": "7"}
    assert not list(loaded.diagnostics)
