"""What names mean in values (SEMANTICS 2 and 3.1)."""

from __future__ import annotations

import pytest
from linked_units import api, only_unit, query_of, rules, tool

from naftiko.expression.references import (
    ADAPTER_PREFIXES,
    Constant,
    InputOrVariable,
    InputPath,
    InputReference,
    Names,
    ScopePath,
    StepPath,
    Structure,
    Variable,
    compile_data,
    compile_value,
)
from naftiko.expression.scope import Scope
from naftiko.expression.template import TemplateError
from naftiko.ground.errors import MissingVariable
from naftiko.ground.types import ABSENT
from naftiko.link.document import bind_names


class Variables:
    """Variables of a dictionary."""

    def __init__(self, **values):
        self.values = values

    def value(self, name):
        if name not in self.values:
            raise MissingVariable([name])
        return self.values[name]

    def get(self, name):
        return self.values.get(name)


def names(**more):
    given = {
        "prefixes": ADAPTER_PREFIXES | {"web", "api.v1"},
        "binds": {"env-keys": frozenset({"TOKEN"}), "": frozenset({"BARE"})},
        "inputs": frozenset({"declared", "filter"}),
        "steps": ("fetch", "fetch-more", "dotted.step"),
        **more,
    }
    return Names(**given)


@pytest.mark.parametrize(
    ("value", "input_name"),
    [
        ("rest.limit", "limit"),
        ("tools.limit", "limit"),
        ("mcp.limit", "limit"),
        ("web.limit", "limit"),
        ("$this.web.limit", "limit"),
        ("$this.unheard-of.limit", "limit"),
        ("$this.web.{{limit}}", "limit"),
        ("api.v1.limit", "limit"),
        ("rest.body.tty_size.height", "body.tty_size.height"),
        ("rest.page[token]", "page[token]"),
        ("tools.$orderby", "$orderby"),
        ("declared", "declared"),
        ("{{limit}}", "limit"),
        ("{{rest.limit}}", "limit"),
        ("{{declared}}", "declared"),
        ("{{$this.web.limit}}", "limit"),
    ],
)
def test_references_to_the_callers_inputs_take_everything_after_the_prefix_verbatim(value, input_name):
    known = names()
    assert compile_value(value, known) == InputReference(input_name)
    assert list(known.used) == [input_name]


@pytest.mark.parametrize("value", ["other.limit", "rest", "rest.", "plain", "$50", "$this.x", 5, True, None, 1.5])
def test_anything_else_is_a_literal_of_its_yaml_type(value):
    known = names()
    assert compile_value(value, known) == Constant(value)
    assert not known.used


def test_maps_and_lists_are_walked():
    known = names()
    value = compile_value({"a": ["rest.x", "{{y}}", 1, {"b": "word", "c": "tools.z"}], "d": "{{y}}!"}, known)
    assert isinstance(value, Structure)
    assert list(known.used) == ["x", "y", "z"]
    scope = Scope({"x": [1], "z": None}, Variables())
    assert value(scope) == {"a": [[1], 1, {"b": "word", "c": None}]}


@pytest.mark.parametrize(
    ("text", "step", "path"),
    [
        ("$.fetch", "fetch", None),
        ("$.fetch.a.b", "fetch", "a"),
        ("$.fetch[0]", "fetch", "[0]"),
        ("$.fetch-more.id", "fetch-more", "id"),
        ("$.dotted.step.id", "dotted.step", "id"),
        ("{{fetch.a}}", "fetch", "a"),
    ],
)
def test_a_path_that_begins_with_a_steps_name_looks_into_its_result(text, step, path):
    value = compile_value(text, names())
    assert isinstance(value, StepPath)
    assert (value.step, value.path is None) == (step, path is None)


def test_a_step_path_finds_what_the_step_gave():
    value = compile_value("$.fetch.items[1].id", names())
    scope = Scope({}, Variables(), {"fetch": {"items": [{"id": 1}, {"id": 2}]}})
    assert value(scope) == 2
    assert value(Scope({}, Variables(), {"fetch": {}})) is ABSENT
    assert value(Scope({}, Variables())) is ABSENT


def test_any_other_path_looks_into_inputs_and_steps():
    value = compile_value("$.declared.x", names())
    assert isinstance(value, ScopePath)
    assert value(Scope({"declared": {"x": 7}}, Variables())) == 7


@pytest.mark.parametrize("text", ["{{TOKEN}}", "{{env-keys.TOKEN}}", "{{env.ANYTHING}}", "{{BARE}}"])
def test_bind_variables(text):
    known = names()
    name = text.strip("{}")
    assert compile_value(text, known) == Variable(name)
    assert list(known.variables) == [name]
    assert compile_value(text, known)(Scope({}, Variables(**{name: "v"}))) == "v"


def test_a_missing_variable_never_becomes_an_empty_string():
    with pytest.raises(MissingVariable):
        compile_value("Bearer {{TOKEN}}", names())(Scope({}, Variables()))


def test_a_name_in_capitals_may_be_an_input_or_a_variable():
    value = compile_value("{{REGION}}", names())
    assert value == InputOrVariable("REGION")
    assert value(Scope({"REGION": "eu"}, Variables())) == "eu"
    assert value(Scope({}, Variables(REGION="us"))) == "us"
    assert value(Scope({"REGION": None}, Variables())) is ABSENT


def test_a_declared_input_wins_over_a_step_and_a_variable():
    known = names(inputs=frozenset({"fetch", "TOKEN"}))
    assert compile_value("{{fetch}}", known) == InputReference("fetch")
    assert compile_value("{{TOKEN}}", known) == InputReference("TOKEN")


def test_a_path_into_a_declared_input():
    value = compile_value("{{filter.kind}}", names())
    assert isinstance(value, InputPath)
    assert value(Scope({"filter": {"kind": "a"}}, Variables())) == "a"
    assert value(Scope({"filter.kind": "flat"}, Variables())) == "flat"
    assert value(Scope({}, Variables())) is ABSENT


def test_where_inputs_are_declared_an_unknown_name_is_none():
    known = names(open_inputs=False)
    assert compile_value("{{other}}", known) == InputReference("other")
    assert (list(known.used), list(known.missing)) == ([], ["other"])


@pytest.mark.parametrize("text", ["{{fetch[}}", "{{filter.[}}", "{{#fetch[?}}x{{/fetch[?}}"])
def test_a_broken_path_in_a_placeholder_is_a_broken_template(text):
    with pytest.raises(TemplateError, match="is no path"):
        compile_value(text, names())


@pytest.mark.parametrize("value", ["declared", "rest.x", "$.fetch.a", "$this.web.x"])
def test_in_the_data_of_a_body_only_templates_are_filled(value):
    known = names()
    assert compile_data(value, known) == Constant(value)
    assert compile_data({"a": [value]}, known)(Scope({"declared": "!", "x": "!"}, Variables())) == {"a": [value]}
    assert compile_data({"a": "{{x}}"}, known)(Scope({"x": [1]}, Variables())) == {"a": [1]}


def test_binds_of_one_namespace_are_joined():
    assert bind_names([(None, ["A"]), ("x", ["B"]), (None, ["C"])]) == {"": {"A", "C"}, "x": {"B"}}


def test_a_bare_word_that_is_a_declared_input_is_a_reference_and_another_one_is_text():
    unit, loaded = only_unit(
        api("inputParameters: [{name: q, in: query}, {name: s, in: query}]"),
        tool("inputParameters: [{name: word, type: string}]\nwith: {q: word, s: text}"),
    )
    assert query_of(unit.request({"word": "w"})) == [("q", "w"), ("s", "text")]
    assert not loaded.errors


def test_a_broken_template_or_path_stops_its_unit_alone():
    """A request without the parameter would ask for something else."""
    for value, rule in [("'{{}}'", "broken-template"), ("'$.a[?'", "broken-jsonpath"), ("'{{#x}}'", "broken-template")]:
        unit, loaded = only_unit(api("inputParameters: [{name: q, in: query}]"), tool(f"with: {{q: {value}}}"))
        assert rules(loaded) == [rule], value
        assert not unit.executable
