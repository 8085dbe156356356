"""The one template engine: placeholders, sections, and escaping by position (SEMANTICS 3.1, 4.3)."""

from __future__ import annotations

import contextlib
import json
import xml.etree.ElementTree as ET
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naftiko.expression.placeholders import broken_at
from naftiko.expression.references import InputReference
from naftiko.expression.scope import Scope
from naftiko.expression.template import EscapeContext, TemplateError, parse, parse_json_text
from naftiko.ground.types import ABSENT

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def scope(**inputs):
    return Scope(inputs, variables=None)


def filled(text, **inputs):
    return parse(text, InputReference)(scope(**inputs))


@pytest.mark.parametrize(
    ("text", "inputs", "value"),
    [
        ("{{x}}", {"x": 5}, 5),
        ("{{{x}}}", {"x": [1]}, [1]),
        ("{{&x}}", {"x": None}, None),
        ("{{ x }}", {"x": True}, True),
        ("a {{x}}", {"x": 5}, "a 5"),
        ("{{x}}{{y}}", {"x": 1, "y": 2.0}, "12.0"),
        ("{{x}} {{y}}", {"x": "a"}, "a "),
        ("{{x}}", {}, ABSENT),
        ("a {{x}}", {}, ABSENT),
        ("{{x}}{{y}}", {}, ABSENT),
        ("no placeholder", {}, "no placeholder"),
        ("a{{! comment }}b", {}, "ab"),
        ("{{x}}", {"x": "<&\"'"}, "<&\"'"),
        ("[{{x}}]", {"x": {"a": [True, None, 1.0]}}, '[{"a":[true,null,1.0]}]'),
        ("{{page[token]}}", {"page[token]": "t"}, "t"),
    ],
)
def test_filling(text, inputs, value):
    assert filled(text, **inputs) == value
    assert type(filled(text, **inputs)) is type(value)


@pytest.mark.parametrize(
    ("text", "inputs", "value"),
    [
        ("{{#xs}}<{{.}}>{{/xs}}", {"xs": [1, 2]}, "<1><2>"),
        ("{{#xs}}{{name}},{{/xs}}", {"xs": [{"name": "a"}, {"name": "b"}]}, "a,b,"),
        ("{{#x}}yes {{x}}{{/x}}", {"x": True}, "yes true"),
        ("{{#x}}yes{{/x}}{{^x}}no{{/x}}", {"x": False}, "no"),
        ("{{^x}}none{{/x}}", {}, "none"),
        ("{{#x}}{{y}}{{/x}}", {"x": 1}, ""),
        ("{{#o}}{{a}}{{#in}}{{b}}{{/in}}{{/o}}", {"o": {"a": 1, "in": {"b": 2}}}, "12"),
        ("{{#xs}}x{{/xs}} end", {"xs": []}, None),
    ],
)
def test_sections(text, inputs, value):
    got = filled(text, **inputs)
    assert got is ABSENT if value is None else got == value


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("a {{}}", "without a name", 2),
        ("{{#}}", "without a name", 0),
        ("{{#x}}", "never closed", 0),
        ("a{{/x}}", "never opened", 1),
        ("{{#x}}{{/y}}", "`x` is open where `y` is closed", 6),
        ("{{#a}}" * 3000, "deep", 306),
    ],
)
def test_a_broken_template_says_what_and_where(text, message, column):
    with pytest.raises(TemplateError, match=message) as caught:
        parse(text, InputReference)
    assert caught.value.column == column


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("{{a}", 0),
        ("{a}}", 0),
        ("{{a", 0),
        ("a}}", 0),
        ("{{ env.A }", 0),
        ("{{a.b[0]}", 0),
        ("Bearer {{a}", 7),
        ("{{a}} and {{b}", 10),
        ("{{a}}{b}}", 5),
        ("{{{a}}", 0),
        ("{{a}}}", 0),
        ("x {{#a}}y{{/a}", 9),
        ('{"k": "{{a}"}', 7),
        ('{"k": "{a}}"}', 7),
        ('{"k": {{a}}, "l": {{b}}', None),
    ],
)
def test_a_placeholder_that_lacks_a_brace_is_broken(text, column):
    if column is None:
        parse_json_text(text, InputReference)  # JSON that is broken otherwise
        return
    with pytest.raises(TemplateError, match="lacks a brace") as caught:
        parse(text, InputReference)
    assert caught.value.column == column
    if text.startswith('{"'):
        with pytest.raises(TemplateError, match="lacks a brace"):
            parse_json_text(text, InputReference)


@pytest.mark.parametrize(
    "text",
    [
        "{a}",
        "{ a }",
        '{"a": {"b": 1}}',
        '{"a":{"b":{"c":1}}}',
        "query { a { b } }",
        "query{a{b}}",
        '{"pattern": "a{"}',
        "} a {",
        "no braces",
        "}} {{",
        '["}}"]',
        "x^{2}",
    ],
)
def test_braces_of_other_languages_are_text(text):
    assert parse(text, InputReference)(scope()) == text


@given(st.text("ab{} '[]", max_size=20))
def test_any_text_is_a_template_or_broken_in_a_place_of_it(text):
    with contextlib.suppress(TemplateError):
        parse(text, InputReference)
    at = broken_at(text)
    assert at is None or 0 <= at < len(text)


def test_names_are_known_once_each_in_order():
    assert parse("{{b}} {{a}} {{b}} {{#c}}{{d}}{{/c}}", InputReference).names == ("b", "a", "c")


SLOTS = ['{"a": {{x}}}', '{"a": [1, {{x}}]}', "{{x}}", '{"b": "\\"{{", "a": {{x}}}', '[{{x}}, "}}"]']


@given(text=st.sampled_from(SLOTS), value=JSON)
def test_outside_quotes_a_value_stands_in_json_text_as_itself(text, value):
    """Filled JSON text always parses, to the value that was put in."""
    rendered = parse_json_text(text, InputReference).render(scope(x=value))
    expected = json.loads(text.replace("{{x}}", json.dumps(value)))
    assert json.loads(rendered) == expected


@given(value=JSON, before=st.text("ab \\/é", max_size=5))
def test_inside_quotes_a_value_stands_in_json_text_as_its_text(value, before):
    quoted = json.dumps(before)[1:-1]
    rendered = parse_json_text(f'{{"k": 1, "a": "{quoted}{{{{x}}}}!"}}', InputReference).render(scope(x=value))
    decoded = json.loads(rendered)
    assert decoded.keys() == {"k", "a"}
    assert decoded["a"].startswith(before)
    if isinstance(value, str):
        assert decoded["a"] == f"{before}{value}!"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")]])
def test_numbers_that_json_has_no_words_for_are_null(value):
    rendered = parse_json_text('{"a": {{x}}}', InputReference).render(scope(x=value))
    assert json.loads(rendered, parse_constant=pytest.fail)["a"] in (None, [None])


def test_an_absent_value_is_null_in_json_and_nothing_in_a_string():
    assert parse_json_text('{"a": {{x}}, "b": "{{y}}"}', InputReference).render(scope()) == '{"a": null, "b": ""}'


@given(value=st.text())
def test_a_value_in_a_query_is_one_value(value):
    rendered = parse("a={{x}}&b=1", InputReference, EscapeContext.QUERY).render(scope(x=value))
    assert rendered.count("&") == 1
    assert rendered.count("=") == 2
    assert unquote(rendered[2:-4]) == value


@given(value=st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff")))
def test_a_value_in_xml_is_text(value):
    rendered = parse('<a b="{{x}}">{{x}}</a>', InputReference, EscapeContext.XML).render(scope(x=value))
    element = ET.fromstring(rendered)
    assert (element.tag, element.text or "", element.get("b"), len(element)) == ("a", value, value, 0)
