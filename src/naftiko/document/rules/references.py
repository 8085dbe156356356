"""Rules of names, and of the templates, JSONPaths and patterns that use them (SEMANTICS 1.4, 3 and 5)."""

from __future__ import annotations

from naftiko.document.rules.rule import ERROR, MCP, PRODUCTS, REST, TOOL, WARNING, Rule

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


_OF_ANSWER = REST.replace(
    "shop.get-product}", "shop.get-product, outputParameters: [{name: code, type: integer, mapping: $status}]}"
)
_REF = (
    TOOL.replace("call: shop.get-product", "ref: catalogue.product")
    + """aggregates:
- namespace: catalogue
  functions:
  - name: product
    description: A product.
    call: shop.get-product
"""
)
_SCRIPT = (
    MCP
    + """    steps:
    - {type: script, name: main, language: javascript, location: file://./scripts, file: main.js}
"""
)
_SCRIPTING = """- type: control
  port: 9464
  management: {scripting: {allowedLanguages: [javascript]}}
"""
_STEPS = (
    MCP
    + """    steps:
    - {type: call, name: product, call: shop.get-product}
    - {type: lookup, name: found, index: product, match: id, lookupValue: "{{id}}"}
"""
)
_LOOKED_UP = """consumes:
- type: http
  namespace: shop
  baseUri: https://api.shop.example
  description: The shop.
  authentication: {type: bearer, token: "{{SHOP_TOKEN}}"}
  resources:
  - path: /products
    operations:
    - name: get-products
      method: GET
      outputParameters:
      - type: array
        items: {type: object, properties: {id: {type: string}, price: {type: number}}}
exposes:
- type: mcp
  namespace: shop-mcp
  description: The shop.
  tools:
  - name: price
    description: A product's price.
    inputParameters:
    - {name: id, type: string}
    steps:
    - {type: call, name: products, call: shop.get-products}
    - {type: lookup, name: found, index: products, match: id, lookupValue: "{{id}}"}
"""
_SHOP = (
    PRODUCTS
    + """    - {name: get-product, method: GET}
    - {name: get-product, method: HEAD}
"""
)
_TWO_GETS = (
    PRODUCTS.replace("- path", "- name: products\n    path")
    + """    - {name: get, method: GET}
  - name: reviews
    path: /reviews/{id}
    operations:
    - {name: get, method: GET}
"""
)
_THREE_TOOLS = MCP.replace("  - name: get-product\n    description: A product.\n", "") + "".join(
    f"  - {{name: {name}, description: Read a thing., call: shop.get}}\n"
    for name in ("get-product", "get-review", "get-more")
)
_FIXED = (
    PRODUCTS
    + """    - name: get-product
      method: GET
      inputParameters:
      - {name: page, in: query, value: "1"}
"""
)
_REQUIRED = (
    PRODUCTS
    + """    - name: get-product
      method: GET
      inputParameters:
      - {name: view, in: query, required: true}
"""
)
_GIVEN = (
    MCP
    + """    call: shop.get-product
    inputParameters: [{name: id, type: string}]
"""
)
_FORWARD = """exposes:
- type: rest
  namespace: shop-rest
  port: 8080
  resources:
  - path: /shop/{path}
    forward: {targetNamespace: shpo}
"""

REFERENCES = (
    Rule(
        "unknown-call",
        ERROR,
        "A `call` names no consumed operation.",
        'The unit is listed, but answers "not executable": there is nothing to send. The rest of the file is served.',
        "Write `call: NAMESPACE.OPERATION` with a `namespace` and an operation's `name` from `consumes`.",
        TOOL.replace("shop.get-product", "shop.get-prodct"),
        TOOL,
    ),
    Rule(
        "ambiguous-call",
        ERROR,
        "A `call`, or a `ref`, names several things, and nothing says which is meant.",
        "Of several operations of one name a call means the one whose resource's path ends the exposed path, else the "
        "one whose resource has its name, else the one whose description is the unit's (case and punctuation aside), "
        "else the n-th unit of an adapter that names it means the n-th of them. Where only that order says it, it is a "
        'warning; where not even the order does, the unit answers "not executable".',
        "Give each operation a name of its own, or write `call: NAMESPACE.RESOURCE.OPERATION`.",
        _TWO_GETS + _THREE_TOOLS,
        _TWO_GETS
        + _THREE_TOOLS.replace("shop.get", "shop.products.get", 1)
        .replace("call: shop.get}", "call: shop.reviews.get}", 1)
        .replace("call: shop.get}", "call: shop.products.get}"),
    ),
    Rule(
        "misspelt-name",
        WARNING,
        "The name of a call, `ref`, namespace, step, input or parameter is not written as it is declared.",
        "Only one thing can be meant: it has that name but for case and punctuation, or the namespace is unknown and "
        "nothing else in the file has the name. So it is used.",
        "Write the name as it is declared.",
        TOOL.replace("shop.get-product", "store.getProduct"),
        TOOL,
    ),
    Rule(
        "implied-call",
        WARNING,
        "A unit says nothing but the name of a consumed operation.",
        "It has no `call`, no `steps`, no `ref` and no `value` to answer with, and exactly one consumed operation has "
        "its name. So that is called.",
        "Add the `call`.",
        TOOL.replace("    call: shop.get-product\n", ""),
        TOOL,
    ),
    Rule(
        "required-parameter",
        ERROR,
        "A consumed operation requires a parameter that nothing gives a value.",
        "The unit declares its inputs, none of them is the parameter, and `with` doesn't name it. A request without it "
        'is never sent: it would be refused, or answered with everybody\'s data. The unit answers "not executable".',
        "Name the parameter in `with`, or declare an input for it.",
        _REQUIRED + _GIVEN,
        _REQUIRED + _GIVEN + "    with: {view: full}\n",
    ),
    Rule(
        "unknown-ref",
        ERROR,
        "A `ref` names no function of an aggregate.",
        'The unit is listed, but answers "not executable". The rest of the file is served.',
        "Write `ref: NAMESPACE.FUNCTION` with names from `aggregates`.",
        _REF.replace("ref: catalogue.product", "ref: catalogue.products"),
        _REF,
    ),
    Rule(
        "unknown-namespace",
        ERROR,
        "A `forward` names no consumed API.",
        "There is nowhere to forward requests to.",
        "Name the `namespace` of a `consumes` entry.",
        _FORWARD,
        _FORWARD.replace("shpo", "shop"),
    ),
    Rule(
        "unknown-step",
        ERROR,
        "A lookup, or a mapping's path, names no earlier step.",
        "Steps run in order; a lookup searches the result of a step before it, and without one the unit can't be "
        "executed. A mapping whose path begins with no step's name finds nothing: its value is null (a warning).",
        "Name an earlier step. Steps can't look ahead.",
        _STEPS.replace("index: product", "index: products-page"),
        _STEPS,
    ),
    Rule(
        "unknown-answer",
        ERROR,
        "`$status` or `$header.NAME` names nothing of an answer.",
        "Where a unit makes one call they are its answer's. In a flow they name the step first, which must make one "
        "call: `$status.STEP`, `$header.STEP.NAME`. Anything else finds nothing, and the output is null.",
        "Name a step that makes a call, or a header. Each is one value: text, a number, or a list of texts.",
        _OF_ANSWER.replace("$status", "$status.list"),
        _OF_ANSWER,
    ),
    Rule(
        "unknown-field",
        WARNING,
        "A lookup compares, or takes, a field that no item declares.",
        "The outputs of the operation that it searches say which fields its items have; by another nothing is found.",
        "Correct the field, or declare it on the consumed operation.",
        _LOOKED_UP.replace("match: id", "match: product_id"),
        _LOOKED_UP,
    ),
    Rule(
        "unsupported-step",
        ERROR,
        "A step is of a kind, or has a key, that this runtime doesn't run.",
        "Leaving it out would change the answer, so the whole unit is not executable.",
        "Use `call`, `lookup` and `script` steps, scripts in JavaScript or Python.",
        _STEPS.replace("type: lookup", "type: transform"),
        _STEPS,
    ),
    Rule(
        "script-defaults",
        ERROR,
        "Nothing says where a script lies, or in which language it is.",
        "The script can't be found or run, so the whole unit is not executable.",
        "Give the step a `location` and a `language`, or a control adapter `management.scripting` with defaults.",
        _SCRIPT.replace(", location: file://./scripts", ""),
        _SCRIPT,
        covers=("naftiko-script-defaults-required",),
    ),
    Rule(
        "script-language",
        ERROR,
        "A script is in a language that `allowedLanguages` of the control adapter doesn't have.",
        "It is not run, so the whole unit is not executable.",
        "Add the language there, or write the script in one of those.",
        _SCRIPT.replace("javascript", "python") + _SCRIPTING,
        _SCRIPT + _SCRIPTING,
    ),
    Rule(
        "script-path",
        ERROR,
        "A script names no file, or one that may not be its own.",
        "A script lies below its location: each segment of its path is of letters, digits, `.`, `_` and `-`. The whole "
        "unit is not executable.",
        "Correct `file`, and `dependencies`.",
        _SCRIPT.replace("file: main.js", "file: ../main.js"),
        _SCRIPT,
    ),
    Rule(
        "script-file",
        ERROR,
        "The file of a script is not there, or may not be read.",
        "The step fails whenever it is run. A script lies below its location, that below the capability's directory.",
        "Correct `file` and `location`; `--file-root DIRECTORY` lets scripts lie elsewhere.",
        "# a script whose file is not there",
        "# the same, with the file",
    ),
    Rule(
        "script-syntax",
        ERROR,
        "A script can't be parsed.",
        "The step fails whenever it is run.",
        "Correct the script at the line that is told.",
        "# a script that holds: result = {",
        "# result = {}",
    ),
    Rule(
        "unavailable-script",
        WARNING,
        "What runs the language of a script is not installed.",
        "The step fails whenever it is run.",
        "pip install 'naftiko[scripts]'",
        "# a script, where naftiko is installed without it",
        "# the same, with it",
    ),
    Rule(
        "nothing-to-execute",
        ERROR,
        "A unit says neither what it calls nor what it answers.",
        "It has no `call`, no `steps` and no `ref`, and its outputs have no `value` or `const` to answer with. It is "
        'listed, but answers "not executable".',
        "Add `call: NAMESPACE.OPERATION`, or give its outputs a `value` to answer with (a mock).",
        TOOL.replace("    call: shop.get-product\n", "").replace("get-product", "show-product"),
        TOOL,
    ),
    Rule(
        "duplicate-namespace",
        WARNING,
        "Two things of a kind have one namespace.",
        "What names one of them may mean the other. Of consumed APIs each one's operations go to its own base URI with "
        "its own authentication; one that has neither goes on with the first's. What is forwarded goes to the first.",
        "Give each a namespace of its own, an import with `as`.",
        TOOL + TOOL.replace("exposes:\n", ""),
        TOOL + TOOL.replace("exposes:\n", "").replace("shop-mcp", "shop-admin-mcp"),
        covers=("naftiko-namespaces-unique", "import-unique-alias"),
    ),
    Rule(
        "duplicate-operation",
        WARNING,
        "Two consumed operations of an API have one name.",
        "A call means the one whose resource's path ends the exposed path, else whose resource has the exposed "
        "resource's name, else whose description is the unit's, else the n-th unit of an adapter that calls it means "
        "the n-th of them.",
        "Rename one, or call it with its resource's name: `namespace.resource.operation`.",
        _SHOP,
        _SHOP.replace("{name: get-product, method: HEAD}", "{name: probe-product, method: HEAD}"),
    ),
    Rule(
        "duplicate-function",
        WARNING,
        "Two functions of an aggregate have one name.",
        "A `ref` means the one that has its unit's description, else the n-th unit that uses it means the n-th.",
        "Rename one.",
        _REF + "  - name: product\n    description: The same.\n    call: shop.get-product\n",
        _REF + "  - name: same-product\n    description: The same.\n    call: shop.get-product\n",
        covers=("aggregates-unique-function-name",),
    ),
    Rule(
        "duplicate-route",
        WARNING,
        "Two routes have the same method and path.",
        "The one answers whose required inputs a request gives, the one with most of them first; else the first that "
        "can be executed. Placeholders' names make no difference.",
        "Remove one, or give it a path of its own.",
        REST + "    - {method: GET, description: The same., call: shop.get-product}\n",
        REST + "    - {method: HEAD, description: The same., call: shop.get-product}\n",
    ),
    Rule(
        "duplicate-tool",
        WARNING,
        "Two tools of an adapter have one name.",
        "Clients know a tool by its name: the first one is served.",
        "Rename one.",
        TOOL + "  - name: get-product\n    description: The same.\n    call: shop.get-product\n",
        TOOL + "  - name: show-product\n    description: The same.\n    call: shop.get-product\n",
    ),
    Rule(
        "duplicate-step",
        WARNING,
        "Two steps of a unit have one name.",
        "Later steps see the result of the last one.",
        "Rename one.",
        _STEPS.replace("name: found", "name: product"),
        _STEPS,
    ),
    Rule(
        "overlapping-target",
        WARNING,
        "A mapping's target is another's, or lies inside of it.",
        "The later one wins: it is added to the object that the other found, and takes the place of anything else.",
        "Give each mapping a place of its own.",
        _STEPS
        + "    mappings:\n    - {targetName: a.a, value: $.product}\n    - {targetName: a.a.b, value: $.found}\n",
        _STEPS + "    mappings:\n    - {targetName: a.a, value: $.product}\n    - {targetName: a.b, value: $.found}\n",
    ),
    Rule(
        "undeclared-input",
        WARNING,
        "A value uses an input that is not declared.",
        "Where a unit declares inputs, these are all it has: the value is always absent.",
        "Declare the input, or correct its name.",
        TOOL + "    inputParameters:\n    - {name: id, type: string}\n    with: {id: tools.product-id}\n",
        TOOL + "    inputParameters:\n    - {name: id, type: string}\n    with: {id: tools.id}\n",
    ),
    Rule(
        "misspelt-reference",
        WARNING,
        "A value looks like a reference and is none.",
        "Only `rest.`, `tools.`, `mcp.` and the namespaces of adapters and aggregates begin a reference to an input. "
        "Everything else is sent as the text it is.",
        "Correct the prefix. A step's result is `$.step.field` or `{{step.field}}`.",
        TOOL + "    with: {id: tool.id}\n",
        TOOL + "    with: {id: tools.id}\n",
    ),
    Rule(
        "unknown-argument",
        WARNING,
        "`with` names no parameter of the operation.",
        "It is sent all the same: as a field of the JSON body for POST, PUT and PATCH, else as a query parameter.",
        "Correct the name, or declare the parameter on the consumed operation.",
        TOOL + "    with: {id: tools.id, colour: tools.colour}\n",
        TOOL + "    with: {id: tools.id}\n",
    ),
    Rule(
        "fixed-parameter",
        WARNING,
        "`with` gives a parameter that the consumed operation fixes.",
        "A parameter with a `value` of its own always has that value.",
        "Remove it from `with`, or the `value` from the parameter.",
        _FIXED + TOOL + "    with: {id: tools.id, page: tools.page}\n",
        _FIXED + TOOL + "    with: {id: tools.id}\n",
    ),
)
