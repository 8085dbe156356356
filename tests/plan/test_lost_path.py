"""Path parameters that the consumed path has lost are never dropped (SEMANTICS 4.1)."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from linked_units import BASE, api, capability, only_unit, query_of, request_of, rest, rules, tool

from naftiko.document.suggest import fold
from naftiko.expression.path import join, placeholders, split_path
from naftiko.ground.errors import InputError
from naftiko.link.lost_path import lookalike

NAME = "inputParameters: [{name: name, in: path, type: string, description: Which}]"
TWO = "inputParameters: [{name: q, in: query}, {name: owner, in: path}, {name: repo, in: path}]"


def shown(unit):
    return [(given.name, given.location, given.required) for given in unit.inputs]


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PUT", "PATCH", "delete"])
def test_what_is_missing_is_the_last_segment(method):
    for part in (tool(""), rest("", path="/x/{name}", method="GET")):
        unit, loaded = only_unit(api(NAME, resource="/databases", method=method), part)
        assert str(request_of(unit, name="a/b").url) == f"{BASE}/databases/a%2Fb"
        assert rules(loaded) == ["lost-path-parameter"]
        (found,) = loaded.diagnostics
        assert (found.severity.value, found.hint) == ("warning", "write `/databases/{name}`")
        assert f"{method.upper()} /databases/{{name}}" in found.message


def test_several_stand_in_the_order_of_their_declaration():
    unit, _ = only_unit(api(TWO, resource="/repos"), tool(""))
    assert str(request_of(unit, owner="o", repo="r", q="1").url) == f"{BASE}/repos/o/r?q=1"


def test_only_what_is_missing_is_added():
    unit, loaded = only_unit(api(TWO, resource="/repos/{Owner}"), tool(""))
    assert str(request_of(unit, owner="o", repo="r").url) == f"{BASE}/repos/o/r"
    assert "`owner`" not in loaded.diagnostics[0].message


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/", "/v"),
        ("/r/", "/r/v"),
        ("/r?a=1", "/r/v?a=1"),
        ("/r/?a=1#f", "/r/v?a=1"),
        ("/r#f", "/r/v"),
        ("/r/{x}.json", "/r/1.json/v"),
    ],
)
def test_it_stands_before_the_query_and_the_fragment(path, url):
    unit, _ = only_unit(api(NAME, resource=path), tool(""))
    given = {"name": "v"} | ({"x": "1"} if "{x}" in path else {})
    assert str(request_of(unit, **given).url) == BASE + url


def test_a_parameter_whose_place_is_the_query_of_the_path_is_not_lost():
    unit, loaded = only_unit(api(NAME, resource="/r?id={Name}"), tool(""))
    assert query_of(request_of(unit, name="v")) == [("id", "v")]
    assert not list(loaded.diagnostics)


@pytest.mark.parametrize("fixed", ["value: eu", "value: '{{REGION}}'", "const: eu"])
def test_a_fixed_value_is_added_as_well(fixed):
    unit, _ = only_unit(
        api(f"inputParameters: [{{name: region, in: path, {fixed}}}, {{name: id, in: path}}]"), tool(""), REGION="eu"
    )
    assert shown(unit) == [("id", "argument", True)]
    assert str(request_of(unit, id="7").url) == f"{BASE}/r/eu/7"


def test_it_is_a_required_input_whatever_the_unit_declares():
    """A path can't do without it (SEMANTICS 3.3): in REST it comes in the query where the route lost it too."""
    for unit_inputs in ("", "inputParameters: [{name: s, in: query}]"):
        unit, _ = only_unit(api(NAME), rest(unit_inputs))
        assert ("name", "query", True) in shown(unit)
        with pytest.raises(InputError, match="name"):
            unit.request({})
        assert str(request_of(unit, name="v").url) == f"{BASE}/r/v"


def test_with_feeds_it():
    unit, _ = only_unit(api(NAME), tool("with: {name: tools.database}"))
    assert shown(unit) == [("database", "argument", True)]
    assert str(request_of(unit, database="v").url) == f"{BASE}/r/v"


@pytest.mark.parametrize("method", ["POST", "OPTIONS", "PURGE"])
def test_for_any_other_method_nobody_knows_what_the_path_means(method):
    """POST /databases with a name is maybe POST /databases/{name}/resume: nothing is sent."""
    unit, loaded = only_unit(api(NAME, resource="/databases", method=method), tool(""))
    assert not unit.executable
    assert "no placeholder for `name`" in unit.reason
    assert [(found.rule, found.hint) for found in loaded.errors] == [
        ("lost-path-parameter", "write the path with it, such as `/databases/{name}`"),
        ("blocked-call", ""),
    ]


@pytest.mark.parametrize(
    "path", ["/r/:name", "/r/<name>", "/r/[name]", "/r/{name", "/r/name}", "/r/$name", "/r/%NAME%/x", "/r/(name).json"]
)
def test_what_looks_like_its_place_is_an_error(path):
    unit, loaded = only_unit(api(NAME, resource=path), tool(""))
    assert not unit.executable
    assert "{name}" in loaded.errors[0].hint
    assert "lost-path-parameter" in rules(loaded)


@pytest.mark.parametrize("path", ["/r/{x", "/r/x}", "/r/{a/b}", "/r?x={y"])
def test_a_brace_without_its_pair_is_not_sent(path):
    unit, loaded = only_unit(api("", resource=path), tool(""))
    assert not unit.executable
    assert rules(loaded) == ["broken-template", "blocked-call"]


# Parameters of a wider level.


def of_level(operations, resource="", consumes="", base=BASE):
    return (
        f"consumes:\n- namespace: a\n  baseUri: {base}\n  inputParameters: [{consumes}]\n  resources:\n"
        f"  - path: /databases\n    inputParameters: [{resource}]\n    operations:\n"
        + "".join(f"    - {{{one}}}\n" for one in operations)
    )


ID = "{name: id, in: path}"


@pytest.mark.parametrize("level", ["resource", "consumes"])
def test_one_that_stands_in_no_path_of_its_level_is_lost_in_all(level):
    text = of_level(["name: get, method: GET", "name: drop, method: DELETE"], **{level: ID})
    tools = "exposes:\n- {type: mcp, tools: [{name: get, call: a.get}, {name: drop, call: a.drop}]}\n"
    loaded = capability(text + tools)
    assert [str(request_of(unit, id="7").url) for unit in loaded.units] == [f"{BASE}/databases/7"] * 2


@pytest.mark.parametrize("level", ["resource", "consumes"])
def test_one_that_stands_in_other_paths_is_theirs(level):
    """A list is not asked for the id that reading one needs."""
    text = of_level(["name: list, method: GET", "name: get, method: GET, path: '/{id}'"], **{level: ID})
    tools = "exposes:\n- {type: mcp, tools: [{name: list, call: a.list}, {name: get, call: a.get}]}\n"
    loaded = capability(text + tools)
    assert [shown(unit) for unit in loaded.units] == [[], [("id", "argument", True)]]
    assert str(request_of(loaded.units[0]).url) == f"{BASE}/databases"
    assert not list(loaded.diagnostics)


@pytest.mark.parametrize(("level", "lost"), [("resource", True), ("consumes", False)])
def test_the_paths_of_another_resource_say_nothing_of_a_resources_own(level, lost):
    """A resource's parameter is for its own operations; an entry's may be meant for another resource."""
    declared = {"resource": "", "consumes": ""} | {level: ID}
    text = of_level(["name: get, method: GET"], **declared)
    text += "  - {path: '/others/{id}', operations: [{name: other, method: GET}]}\n"
    unit, loaded = only_unit(text, tool("", call="call: a.get"))
    assert [given.name for given in unit.inputs] == ["id"] * lost
    assert rules(loaded) == ["lost-path-parameter"] * lost


@pytest.mark.parametrize("path", ["/name/$count", "/name/(all)", "/x@y/name"])
def test_a_word_of_the_path_without_a_mark_of_its_own_is_no_place(path):
    unit, _ = only_unit(api(NAME, resource=path), tool(""))
    assert request_of(unit, name="v").url.path == f"{path}/v"


@pytest.mark.parametrize(
    "part",
    [
        tool("with: {id: tools.id}", call="call: a.drop"),
        tool("inputParameters: [{name: id, type: string}]", call="call: a.drop"),
        rest("", path="/databases/{Id}", method="DELETE", call="call: a.drop"),
        rest("with: {id: rest.number}", method="DELETE", call="call: a.drop"),
    ],
)
def test_but_a_call_that_gives_it_means_it(part):
    """`drop` with an id never drops them all."""
    text = of_level(["name: drop, method: DELETE", "name: get, method: GET, path: '/{id}'"], resource=ID)
    unit, loaded = only_unit(text, part)
    (given,) = unit.inputs
    assert str(request_of(unit, **{given.name: "7"}).url) == f"{BASE}/databases/7"
    assert rules(loaded) == ["lost-path-parameter"]
    with pytest.raises(InputError):
        unit.request({})


def test_and_a_post_that_gives_it_can_not_be_made():
    text = of_level(["name: run, method: POST", "name: get, method: GET, path: '/{id}'"], resource=ID)
    unit, _ = only_unit(text, tool("with: {id: tools.id}", call="call: a.run"))
    assert not unit.executable
    unit, _ = only_unit(text, tool("", call="call: a.run"))
    assert str(request_of(unit).url) == f"{BASE}/databases"


@pytest.mark.parametrize("name", ["account", "Account_"])
@pytest.mark.parametrize("level", ["resource", "consumes"])
def test_one_that_stands_in_the_base_uri_is_not_lost(level, name):
    text = of_level(["name: o, method: GET"], base=f"{BASE}/{{account}}", **{level: f"{{name: {name}, in: path}}"})
    unit, loaded = only_unit(text, tool(""))
    assert shown(unit) == [(name, "argument", True)]
    assert str(request_of(unit, **{name: "x/y"}).url) == f"{BASE}/x%2Fy/databases"
    assert not list(loaded.diagnostics)


def test_a_fixed_one_in_the_base_uri_is_filled_in():
    text = of_level(["name: o"], base=f"{BASE}/{{version}}", consumes="{name: version, in: path, value: v2}")
    unit, _ = only_unit(text, tool(""))
    assert str(request_of(unit).url) == f"{BASE}/v2/databases"


def test_no_caller_chooses_what_stands_in_the_host():
    text = of_level(["name: o"], base="https://{tenant}.api.test", consumes="{name: tenant, in: path}")
    unit, _ = only_unit(text, tool(""), tenant="ours")
    assert shown(unit) == []
    assert str(request_of(unit).url) == "https://ours.api.test/databases"


# Properties.

NAMES = st.lists(st.text("abcxyz_-.", min_size=1, max_size=5), min_size=1, max_size=4, unique=True)
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=1, max_size=6)


@given(NAMES, st.sampled_from(["/r", "/", "", "/r/", "/r?x=1", "/r#y", "/r/{known}"]), st.data())
def test_no_value_of_a_path_parameter_is_dropped(names, path, data):
    """Whatever they are called and wherever the path ends, each is a segment of its own, in order."""
    names = list({fold(name): name for name in names if fold(name)}.values()) or ["n"]
    values = {name: "v" + data.draw(VALUES) for name in names}
    declared = yaml.safe_dump([{"name": name, "in": "path"} for name in names], default_flow_style=True).strip()
    unit, _ = only_unit(api(f"inputParameters: {declared}", resource=path), tool(""))
    given_ = values | ({"known": "k"} if "{known}" in path else {})
    if "known" in map(fold, names):
        return
    raw = request_of(unit, **given_).url.raw_path.decode().partition("?")[0]
    assert [unquote(segment) for segment in raw.split("/")][-len(names) :] == [values[name] for name in names]


@given(st.text("ab/{}:<>?#", max_size=12), st.text("ab", min_size=1, max_size=3))
def test_a_lookalike_makes_the_placeholder(path, name):
    """What is proposed has the placeholder."""
    meant = lookalike(path, name)
    assert meant is None or name in placeholders(meant)


@given(
    st.sampled_from(["/r", "/r/", "/", "", "/r?a=1", "/?a=1", "/r#f"]),
    st.sampled_from(["/x", "x", "?b=2", "/x?b=2", "#g"]),
)
def test_joined_paths_keep_their_queries(resource, operation):
    """A resource's query stays the query, whatever is joined to it."""
    path, query, _ = split_path(join(resource, operation, complete=False))
    assert "?" not in path
    for text in (resource, operation):
        own = split_path(text)[1][1:]
        assert own in query or resource in {"", "/"}
        assert split_path(text)[0].strip("/") in path
