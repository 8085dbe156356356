"""A broken line says which value needs quotes, where it begins and how it looks then (SEMANTICS 1.1)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naftiko.document.load import parse_document

HEAD = "naftiko: 1.0.0-alpha2\ninfo:\n"


def told(value):
    """Return the column where the value of ``label`` is broken, counted from the value's own begin, and the hint."""
    loaded = parse_document(f"{HEAD}  label: {value}\n", Path("f.yaml"))
    (found,) = [each for each in loaded.findings if each.rule == "yaml-syntax"]
    assert found.position.line == 3
    return found.position.column - len("  label: ") - 1, found.hint


@pytest.mark.parametrize(
    ("path", "mark"),
    [
        ("$.a[*].b", '"'),
        ("$.orders.orders[*].sku", '"'),
        ("$.a[0]", '"'),
        ("$.a[-1:].b", '"'),
        ("$.a[?(@.b==1)]", '"'),
        ("$.a['b c']", '"'),
        ('$.a["b"]', "'"),
        ("$..a[*]", '"'),
        ("$[*].a", '"'),
        ("$.a{b}", '"'),
    ],
)
@pytest.mark.parametrize(
    "around", ["{{a: {}}}", "{{a: {}, b: c}}", "{{type: lookup, value: {}, x: [y]}}", "[a, {}]", "{{a: {{b: {}}}}}"]
)
def test_a_jsonpath_between_brackets_is_shown_in_quotes(path, mark, around):
    text = around.format(path)
    assert told(text) == (text.index(path), f"put the JSONPath in quotes: {mark}{path}{mark}")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{path: /r/{id}, b: c}", "/r/{id}"),
        ("{path: /r/{id}/s}", "/r/{id}/s"),
        ("{path: /r?x={x}}", "/r?x={x}"),
        ("{pattern: a[0-9]}", "a[0-9]"),
        ("{a: b: c}", "b: c"),
    ],
)
def test_other_values_between_brackets_are_shown_in_quotes(text, value):
    assert told(text) == (text.index(value), f'put the value in quotes: "{value}"')


@pytest.mark.parametrize("first", ["*", "&", "%", "@", "]", "}", ",", "`"])
@pytest.mark.parametrize("text", ["{}", "{} more", "[{}]", "{{a: {}}}"])
def test_a_value_that_begins_with_a_character_of_yaml_says_so(first, text):
    if first in "],}" and text not in {"{}", "{} more"}:
        return  # there it ends a list or a mapping
    column, hint = told(text.format(first))
    assert column == text.format(first).index(first)
    assert hint.startswith("quote the value: it starts with ")


def test_a_variable_of_a_shell_of_windows_is_shown_as_one_of_ours():
    assert told("%TOKEN%") == (0, 'for a variable write "{{TOKEN}}"; a value that starts with `%` needs quotes')


def test_a_text_after_a_closing_quote_is_told_with_how_to_write_the_quote():
    assert told('"a" b')[1] == 'text follows the closing quote: quote the whole value, a quote inside it as \\"'
    assert told("{a: 'it's'}")[1] == "text follows the closing quote: quote the whole value, a quote inside it as ''"


@pytest.mark.parametrize(("text", "opened"), [("{a: b", "{"), ("[a, b", "[")])
def test_a_bracket_that_is_never_closed_is_told(text, opened):
    loaded = parse_document(f"{HEAD}  label: {text}\n  x: y\n", Path("f.yaml"))
    (found,) = loaded.findings
    assert f"the `{opened}` is never closed" in found.hint
    assert found.related[0].line == 3


@given(st.text(alphabet="ab$.*[]{}(),:&%@'\"`|>?-# {}", max_size=30))
def test_no_value_breaks_the_explanation(text):
    """Whatever stands there, there is one error with a place on the line, or the file is read."""
    loaded = parse_document(f"{HEAD}  label: {text}\n  x-y: z\n", Path("f.yaml"))
    for found in loaded.findings:
        assert 1 <= found.position.line <= 5
        assert found.position.column >= 1
