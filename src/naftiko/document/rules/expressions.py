"""Rules of templates, JSONPaths and patterns (SEMANTICS 3.1, 3.6 and 5.3)."""

from __future__ import annotations

from naftiko.document.rules.rule import ERROR, Rule
from naftiko.document.rules.shop import TOOL

_CHECKED = (
    TOOL
    + """    inputParameters:
    - {name: id, type: string, pattern: "^[0-9]+$"}
    with: {id: "{{id}}"}
    outputParameters:
    - {name: title, type: string, mapping: "$.product.title"}
"""
)

EXPRESSIONS = (
    Rule(
        "broken-template",
        ERROR,
        "A template can't be parsed.",
        "What it stands for can't be filled in; the value, or the unit, is left out.",
        'Give every placeholder a name ("{{name}}"), and close every section (`{{#name}}` by `{{/name}}`).',
        _CHECKED.replace('"{{id}}"', '"{{#id}}"'),
        _CHECKED,
    ),
    Rule(
        "broken-jsonpath",
        ERROR,
        "A JSONPath can't be parsed.",
        "The value is null in every answer.",
        "Write a path as RFC 9535 has it, such as `$.items[*].name`. A template can't stand inside of one.",
        _CHECKED.replace("$.product.title", "$.product[title"),
        _CHECKED,
    ),
    Rule(
        "broken-pattern",
        ERROR,
        "A `pattern` is no regular expression.",
        "The input is not checked against it.",
        "Close every bracket; write `\\\\.` for a dot.",
        _CHECKED.replace("^[0-9]+$", "^[0-9+$"),
        _CHECKED,
    ),
)
