"""Rules of templates, JSONPaths and patterns (SEMANTICS 3.1, 3.6 and 5.3)."""

from __future__ import annotations

from naftiko.document.rules.rule import ERROR, Rule

_TOOL = """exposes:
- type: mcp
  namespace: shop-mcp
  description: The shop.
  tools:
  - name: get-product
    description: A product.
    call: shop.get-product
    inputParameters:
    - {name: id, type: string, pattern: "^[0-9]+$"}
    with: {id: "{{id}}"}
    outputParameters:
    - {name: title, type: string, mapping: "$.product.title"}
"""

EXPRESSIONS = (
    Rule(
        "broken-template",
        ERROR,
        "A template can't be parsed.",
        "What it stands for can't be filled in; the value, or the unit, is left out.",
        'Give every placeholder a name ("{{name}}"), and close every section (`{{#name}}` by `{{/name}}`).',
        _TOOL.replace('"{{id}}"', '"{{#id}}"'),
        _TOOL,
    ),
    Rule(
        "broken-jsonpath",
        ERROR,
        "A JSONPath can't be parsed.",
        "The value is null in every answer.",
        "Write a path as RFC 9535 has it, such as `$.items[*].name`. A template can't stand inside of one.",
        _TOOL.replace("$.product.title", "$.product[title"),
        _TOOL,
    ),
    Rule(
        "broken-pattern",
        ERROR,
        "A `pattern` is no regular expression.",
        "The input is not checked against it.",
        "Close every bracket; write `\\\\.` for a dot.",
        _TOOL.replace("^[0-9]+$", "^[0-9+$"),
        _TOOL,
    ),
)
