"""Rules of YAML itself, and of the capability language: its keys, types and kinds (SEMANTICS 1.1 to 1.4)."""

from __future__ import annotations

from naftiko.document.rules.rule import ERROR, HINT, MCP, WARNING, Rule

TEXT = (
    Rule(
        "unreadable-file",
        ERROR,
        "The file can't be read at all.",
        "It is missing, a directory, or nothing that this user may read. Other files are checked all the same.",
        "Check the path and the permissions.",
        "# a file that may not be read\n",
        "# a file that may be read\n",
    ),
    Rule(
        "yaml-syntax",
        ERROR,
        "The file is no YAML.",
        "Nothing of the file can be read. The place is where the parser gave up; the mistake is there or just before.",
        "Look at the marked line and the one before: indentation, a missing `:`, an unclosed quote, a tab.",
        "info:\n  label: Shop\n description: Products\n",
        "info:\n  label: Shop\n  description: Products\n",
    ),
    Rule(
        "yaml-encoding",
        ERROR,
        "The file is not UTF-8.",
        "YAML is UTF-8, or UTF-16 with a byte order mark. Bytes of another encoding would become wrong characters.",
        "Save the file as UTF-8.",
        "info:\n  label: Caf\\xe9   # saved as Latin-1\n",
        "info:\n  label: Café\n",
    ),
    Rule(
        "yaml-limit",
        ERROR,
        "The file is too large, too deep, or its aliases multiply without end.",
        "A few lines of aliases can expand to gigabytes (an alias bomb), and an alias can contain itself. Such a file "
        "is refused before it is expanded.",
        "Write out what the aliases repeat, or use fewer of them.",
        "info: &loop\n  tags: [*loop]\n",
        "info:\n  tags: [shop]\n",
    ),
    Rule(
        "yaml-key",
        ERROR,
        "A key is no text, or `<<` merges something that is no mapping.",
        "An unquoted `{{name}}` is a mapping in YAML, so it can't be a key; `<<` takes mappings only.",
        'Quote the template: "{{name}}".',
        "info:\n  {{label}}: Shop\n",
        "info:\n  label: Shop\n",
    ),
    Rule(
        "yaml-tag",
        ERROR,
        "A tag is not allowed, or doesn't fit its value.",
        "Tags such as `!python/object` make a YAML file run code in other programs. Only the standard tags are read.",
        "Remove the tag.",
        "exposes:\n- type: mcp\n  namespace: shop-mcp\n  port: !!int eighty\n",
        "exposes:\n- type: mcp\n  namespace: shop-mcp\n  port: 8080\n",
    ),
    Rule(
        "duplicate-key",
        ERROR,
        "A key stands twice in one mapping.",
        "YAML allows a key once. Which of two would count differs from parser to parser, so that one of them is "
        "silently lost; both lines are shown.",
        "Keep one of the two, or rename one.",
        "info:\n  label: Shop\n  label: Store\n",
        "info:\n  label: Shop\n",
    ),
)


_CONSUMES = """consumes:
- type: http
  namespace: shop
  baseUri: https://api.shop.example
  description: The shop.
  resources:
  - path: /products
    operations:
    - name: list-products
      method: GET
      inputParameters:
      - {name: limit, in: query, type: intger}
"""

_BODY = """consumes:
- type: http
  namespace: shop
  baseUri: https://api.shop.example
  description: The shop.
  resources:
  - path: /orders
    operations:
    - name: create-order
      method: POST
      body:
        type: jsn
        data: {sku: "{{sku}}"}
"""

_NAMELESS = """consumes:
- type: http
  namespace: shop
  baseUri: https://api.shop.example
  description: The shop.
  resources:
  - path: /products
    operations:
    - method: GET
      description: All products.
"""

_STEPS = (
    MCP
    + """    steps:
    - {type: call, name: the product, call: shop.get-product}
"""
)

LANGUAGE = (
    Rule(
        "no-root-key",
        ERROR,
        "The file is no capability: it has no root key `naftiko` or `ikanos`.",
        "The root key holds the version of the language and tells a capability from any other YAML file. Well-known "
        "formats (OpenAPI, AsyncAPI, Arazzo, Postman, Compose, Kubernetes) are called by their names.",
        "Start the file with `naftiko: 1.0.0-alpha2`. A file that others only import from needs no root key. The "
        "`paths` of an OpenAPI document may stand in a `consumes` entry with a `namespace` and a `baseUri`.",
        "nafitko: 1.0.0-alpha2\n",
        "naftiko: 1.0.0-alpha2\n",
    ),
    Rule(
        "unknown-version",
        WARNING,
        "The version of the language is not known.",
        "The file is read as the newest version, which may mean something else by some key.",
        "Use a known version: 0.4, 0.5, 1.0.0-alpha1 to alpha5, 1.0.0-beta1 to beta5.",
        "naftiko: 1.0.0-alpha22\n",
        "naftiko: 1.0.0-alpha2\n",
    ),
    Rule(
        "unknown-key",
        WARNING,
        "A key means nothing where it stands.",
        "It is ignored. Most often it is misspelt, or indented one level too deep or not deep enough.",
        "Correct it. Keys of your own may start with `x-`.",
        "info:\n  label: Shop\n  descripton: Products and orders\n",
        "info:\n  label: Shop\n  description: Products and orders\n",
    ),
    Rule(
        "wrong-type",
        ERROR,
        "A value is not what its key wants.",
        "The value is left out, as if it weren't there, so what depends on it may not work.",
        "Write what the message asks for. An unquoted `{{name}}` is a mapping in YAML: quote it.",
        "exposes:\n- type: mcp\n  namespace: shop-mcp\n  port: http\n",
        "exposes:\n- type: mcp\n  namespace: shop-mcp\n  port: 9090\n",
    ),
    Rule(
        "port-range",
        ERROR,
        "A port is none.",
        "Ports are 1 to 65535. Nothing can listen on any other number, so the file is not served unless `--port` gives "
        "another one. Port 0 is a free one, another at each start (a warning).",
        'Choose a port from 1 to 65535, or a template of a variable: `port: "{{env.PORT}}"`.',
        "exposes:\n- type: mcp\n  namespace: shop-mcp\n  port: 99999\n",
        "exposes:\n- type: mcp\n  namespace: shop-mcp\n  port: 9090\n",
    ),
    Rule(
        "unknown-kind",
        WARNING,
        "A `type` is not known where it stands.",
        "A consumed API, an adapter, a step or an authentication of a kind that isn't known is listed, but not served, "
        "called or run. An adapter or a step whose `type` is nearly one that is known, and whose keys say the same, is "
        "read as that.",
        "Correct the `type`, or remove the thing.",
        "exposes:\n- type: mpc\n  namespace: shop-mcp\n  port: 9090\n",
        "exposes:\n- type: mcp\n  namespace: shop-mcp\n  port: 9090\n",
    ),
    Rule(
        "missing-type",
        WARNING,
        "An adapter or a step has no `type`.",
        "It is read as what its keys say, if they say one: `tools` are an MCP adapter's, `match` is a lookup's. An "
        "adapter that says nothing is not served.",
        "Add `type`: rest or mcp for an adapter, call or lookup for a step.",
        "exposes:\n- namespace: shop-mcp\n  tools: []\n",
        "exposes:\n- type: mcp\n  namespace: shop-mcp\n  tools: []\n",
    ),
    Rule(
        "nothing-served",
        ERROR,
        "A file, or an adapter, serves nothing.",
        "It exposes nothing, or no route, no tool, no resource and no prompt: `naftiko serve` refuses to start with it "
        "alone. A file that others import from may expose nothing (a hint).",
        "Add `exposes` with an adapter that has `resources` (REST) or `tools` (MCP).",
        "exposes:\n- type: rest\n  namespace: shop-rest\n  port: 8080\n",
        "exposes:\n- type: rest\n  namespace: shop-rest\n  port: 8080\n  resources:\n  - path: /products/{id}\n"
        "    operations:\n    - {method: GET, description: A product., call: shop.get-product}\n",
    ),
    Rule(
        "unknown-type",
        WARNING,
        "A parameter's type is not known.",
        "It is taken as `string`, so clients see the wrong type and numbers are sent as text.",
        "Use string, number, integer, boolean, array or object.",
        _CONSUMES,
        _CONSUMES.replace("intger", "integer"),
    ),
    Rule(
        "unknown-body-type",
        WARNING,
        "A body's type is not known.",
        "The body is sent as JSON, with its media type.",
        "Use json, text, xml, sparql, formUrlEncoded, multipartForm, binary, or a media type such as text/csv.",
        _BODY,
        _BODY.replace("type: jsn", "type: json"),
    ),
    Rule(
        "missing-name",
        WARNING,
        "Something has no name, so nothing can refer to it.",
        "An operation without a name can't be called, an input without a name can't be given, an aggregate without a "
        "namespace can't be used.",
        "Add `name` (or `namespace`).",
        _NAMELESS,
        _NAMELESS.replace("- method: GET", "- name: list-products\n      method: GET"),
    ),
    Rule(
        "step-name",
        HINT,
        "A step's name has characters that templates and paths stumble over.",
        "Later steps read a step by its name: `{{name.field}}`, `$.name.field`. A dot or a space in it is "
        "easily misread.",
        "Use letters, digits, `_` and `-`.",
        _STEPS,
        _STEPS.replace("the product", "the-product"),
        covers=("naftiko-steps-name-pattern",),
    ),
)
