"""Rules of what MCP clients, their models and people see (SEMANTICS 3.8 and 7)."""

from __future__ import annotations

from naftiko.document.rules.rule import HINT, WARNING, Rule
from naftiko.document.rules.shop import TOOL

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
