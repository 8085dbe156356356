"""Rules of what MCP clients, their models and people see.

Of a tool's own ``inputSchema`` (SEMANTICS 3.8 and 7).
"""

from __future__ import annotations

from naftiko.document.rules.rule import HINT, TOOL, WARNING, Rule

_LONG_NAME = "get-the-product-with-all-its-variants-prices-and-stock-in-every-warehouse"

CLIENTS = (
    Rule(
        "tool-name-length",
        WARNING,
        "A tool's name is longer than clients take.",
        "Clients refuse names over 64 characters. The tool is shown under a shortened name, the same in every run, and "
        "answers to both.",
        "Choose a shorter name.",
        TOOL.replace("name: get-product", f"name: {_LONG_NAME}"),
        TOOL,
    ),
    Rule(
        "tool-name-characters",
        HINT,
        "A tool's name has characters that clients refuse.",
        "Clients take letters, digits, `_` and `-`. The tool is shown under a safe name, and answers to both.",
        "Choose a name of these characters.",
        TOOL.replace("name: get-product", "name: get product"),
        TOOL,
    ),
    Rule(
        "tool-description",
        WARNING,
        "A tool has no description, and neither has what it calls.",
        "A model chooses tools by their descriptions; this one it can only guess at.",
        "Add a `description` to the tool or to the consumed operation.",
        TOOL.replace("    description: A product.\n", ""),
        TOOL,
    ),
    Rule(
        "tool-description-length",
        WARNING,
        "A tool's description is longer than clients take.",
        "OpenAI's and Azure's APIs refuse a whole request with a description over 1,024 characters in it; Claude Code "
        "cuts it at 2,048, in the middle of a sentence.",
        "Say in a sentence or two what the tool does and when to use it; describe inputs where they are declared.",
        "# a tool with a description of 1,025 characters",
        "# a tool with a description of 1,024 characters",
    ),
    Rule(
        "many-tools",
        HINT,
        "An adapter has more than 40 tools.",
        "Some clients (Cursor) pass on the first 40 only, and models choose worse among many.",
        "Split the capability, or expose fewer tools.",
        "# an adapter with 41 tools",
        "# an adapter with 40 tools",
    ),
    Rule(
        "too-many-tools",
        WARNING,
        "An adapter has more than 128 tools.",
        "Model APIs and clients (OpenAI's, VS Code) refuse more.",
        "Split the capability, or expose fewer tools.",
        "# an adapter with 129 tools",
        "# an adapter with 128 tools",
    ),
    Rule(
        "tool-list-tokens",
        WARNING,
        "An adapter's tool list takes more than about 20,000 tokens.",
        "It is sent to the model with every conversation, before anybody has asked anything. The figure is an "
        "estimate: four characters of the list's JSON a token.",
        "Shorten the descriptions, or expose fewer tools.",
        "# descriptions of 80,000 characters",
        "# descriptions of a few hundred characters",
    ),
    Rule(
        "missing-description",
        HINT,
        "Something that people or agents see has no description.",
        "An MCP adapter's description is what a model reads as instructions; those of APIs, functions and routes "
        "are for people.",
        "Add a `description`.",
        TOOL.replace("  description: The shop.\n", ""),
        TOOL,
        covers=(
            "naftiko-aggregate-function-description",
            "naftiko-consumes-description",
            "naftiko-rest-resource-description",
            "naftiko-rest-operation-description",
        ),
    ),
    Rule(
        "info-incomplete",
        HINT,
        "`info` has no label, no description or no tags.",
        "Catalogues and people find a capability by them.",
        "Add what is missing.",
        "info:\n  label: Shop\n",
        "info:\n  label: Shop\n  description: Products and orders.\n  tags: [shop]\n",
        covers=("naftiko-info-tags",),
    ),
    Rule(
        "script-in-text",
        WARNING,
        "A label or a description holds markup that runs.",
        "Catalogues and clients show these texts as HTML; a `<script>` in one runs in the reader's browser.",
        "Describe it in words.",
        TOOL.replace("A product.", 'A product. <script src="//shop.example/x.js">'),
        TOOL,
        covers=("naftiko-no-script-tags-in-markdown", "naftiko-no-eval-in-markdown"),
    ),
)


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
