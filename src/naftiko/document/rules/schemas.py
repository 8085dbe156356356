"""Rules of a tool's own ``inputSchema``: what clients can't take as it is written (SEMANTICS 7)."""

from __future__ import annotations

from naftiko.document.rules.rule import HINT, WARNING, Rule
from naftiko.document.rules.shop import TOOL

_SHOWN = (
    "Model APIs refuse a whole request, with every tool of every server in it, for one schema that they don't take. So "
    "the tool is shown in a form that all of them take, and arguments are checked as the file says."
)


def _with(schema: str) -> str:
    return f"{TOOL}    inputSchema: {{type: object, {schema}}}\n"


SCHEMAS = (
    Rule(
        "schema-combinator",
        WARNING,
        "A tool's inputSchema has a combinator, which is shown in words.",
        f"{_SHOWN} What `oneOf`, `anyOf`, `not`, `if` and their kin ask for stands in a description, where a model may "
        "overlook it.",
        "Say it with properties and `required` alone, or make two tools.",
        _with("properties: {id: {type: string}, sku: {type: string}}, oneOf: [{required: [id]}, {required: [sku]}]"),
        _with("properties: {id: {type: string}}, required: [id]"),
    ),
    Rule(
        "schema-reference",
        WARNING,
        "A `$ref` of a tool's inputSchema names nothing in the file.",
        "Nothing is fetched, so what it would say is not known: the property takes anything, and is shown as text.",
        "Put the schema where the reference points, or write it in its place.",
        _with("properties: {id: {$ref: '#/components/schemas/Id'}}"),
        _with("properties: {id: {type: string}}"),
    ),
    Rule(
        "schema-nesting",
        HINT,
        "A tool's inputSchema is deeper, or larger, than it is shown.",
        "Clients don't follow references, so each stands in its place; one that stands in itself has no end. It is "
        "shown twice deep, and checked to any depth.",
        "Nothing, if models get it right; else ask for less at once.",
        _with(
            "properties: {root: {$ref: '#/$defs/Node'}}, $defs: {Node: {type: object, properties: {child: {$ref: "
            "'#/$defs/Node'}}}}"
        ),
        _with("properties: {path: {type: array, items: {type: string}}}"),
    ),
    Rule(
        "schema-names",
        HINT,
        "A property of a tool's inputSchema has a name that clients refuse.",
        "Clients take letters, digits, `_`, `.` and `-`, 64 at most. It is shown under a safe name, and answers to "
        "both.",
        "Choose a name of these characters, and map it in `with`.",
        _with("properties: {'page[size]': {type: integer}}"),
        _with("properties: {page-size: {type: integer}}"),
    ),
    Rule(
        "schema-type",
        HINT,
        "A property of a tool's inputSchema has no type.",
        f"{_SHOWN} It is shown as text, and takes anything.",
        "Add its `type`.",
        _with("properties: {id: {description: Which.}}"),
        _with("properties: {id: {type: string, description: Which.}}"),
    ),
    Rule(
        "schema-items",
        HINT,
        "An array of a tool's inputSchema doesn't say what its elements are.",
        f"{_SHOWN} It is shown as an array of texts, and takes anything.",
        "Add its `items`, with a `type`.",
        _with("properties: {ids: {type: array}}"),
        _with("properties: {ids: {type: array, items: {type: string}}}"),
    ),
    Rule(
        "schema-required",
        WARNING,
        "`required` of a tool's inputSchema names what is no property.",
        "Model APIs refuse it. It is not shown, and no call can have it: what is no property is no argument.",
        "Add the property, or take the name out.",
        _with("properties: {id: {type: string}}, required: [id, sku]"),
        _with("properties: {id: {type: string}}, required: [id]"),
    ),
    Rule(
        "schema-broken",
        WARNING,
        "A part of a tool's inputSchema is no JSON Schema.",
        "It says nothing that could be shown or checked, and is left out.",
        "Write it as JSON Schema has it: https://json-schema.org/understanding-json-schema.",
        _with("properties: {id: {type: identifier}}"),
        _with("properties: {id: {type: string}}"),
    ),
)
