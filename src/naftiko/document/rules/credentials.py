"""Rules of secrets, authentication and addresses (SEMANTICS 2 and 4.5)."""

from __future__ import annotations

from naftiko.document.rules.rule import ERROR, HINT, WARNING, Rule

_SHOP = """consumes:
- type: http
  namespace: shop
  baseUri: https://api.shop.example
  description: The shop.
  authentication:
    type: bearer
    token: "{{SHOP_TOKEN}}"
  resources:
  - path: /products/{id}
    operations:
    - {name: get-product, method: GET}
"""
_KEY = """consumes:
- type: http
  namespace: shop
  baseUri: https://api.shop.example
  description: The shop.
  authentication:
    type: apikey
    key: api_key
    value: "{{{{SHOP_TOKEN}}}}"
    placement: {placement}
  resources:
  - path: /products/{{id}}
    operations:
    - {{name: get-product, method: GET}}
"""
_LOGIN = """consumes:
- type: http
  namespace: login
  baseUri: https://login.shop.example
  description: The shop's login.
  resources:
  - path: /token
    operations:
    - {{name: get-token, method: POST}}
- type: http
  namespace: shop
  baseUri: https://api.shop.example
  description: The shop.
  authentication:
    type: custom-token
    acquire: {{call: {call}, tokenField: $.token}}
  resources:
  - path: /products/{{id}}
    operations:
    - {{name: get-product, method: GET}}
"""
_OAUTH2 = """consumes:
- type: http
  namespace: shop
  baseUri: https://api.shop.example
  description: The shop.
  authentication:
    type: oauth2
    tokenEndpoint: https://login.shop.example/token
    clientId: "{{env.SHOP_CLIENT}}"
    clientSecret: "{{SHOP_TOKEN}}"
    scopes: [products.read]
"""
_MCP = """exposes:
- type: mcp
  namespace: shop-mcp
  description: The shop.
  address: 127.0.0.1
  port: 9090
  tools:
  - {name: get-product, description: A product., call: shop.get-product}
"""
_STDIO = """exposes:
- type: mcp
  namespace: shop-mcp
  description: The shop.
  transport: stdio
  tools:
  - {name: get-product, description: A product., call: shop.get-product}
"""
_CONTROL = """exposes:
- type: control
  address: localhost
  port: 9099
"""

CREDENTIALS = (
    Rule(
        "unauthenticated-api",
        WARNING,
        "A variable is declared and never used, and no consumed API has an authentication.",
        "Most likely the variable is the API's key: calls go out without it, and the API answers 401.",
        "Add an `authentication` to the `consumes` entry, or give one when serving: "
        "`--auth NAMESPACE=bearer:{{NAME}}`.",
        _SHOP.replace('  authentication:\n    type: bearer\n    token: "{{SHOP_TOKEN}}"\n', ""),
        _SHOP,
    ),
    Rule(
        "unused-bind",
        HINT,
        "A variable is declared and never used.",
        "Whoever serves the file is asked for a value that nothing needs.",
        "Remove it.",
        "binds:\n- namespace: env\n  keys: {SHOP_TOKEN: SHOP_TOKEN, SHOP_REGION: SHOP_REGION}\n",
        "binds:\n- namespace: env\n  keys: {SHOP_TOKEN: SHOP_TOKEN}\n",
    ),
    Rule(
        "bad-bind-location",
        ERROR,
        "A bind's location can't be read.",
        "It is of a kind that is not read here, or names nothing: all its variables are missing.",
        "Use `file://`, `vault://`, `k8s-secret://`, `k8s://` or `env://`, or no location: the environment.",
        "binds:\n- namespace: env\n  location: github-secrets://shop\n  keys: {SHOP_TOKEN: SHOP_TOKEN}\n",
        "binds:\n- namespace: env\n  keys: {SHOP_TOKEN: SHOP_TOKEN}\n",
    ),
    Rule(
        "undeclared-variable",
        WARNING,
        "A credential or a base URI names a variable that no bind declares, and one is declared that is nearly it.",
        "It is read from the environment under this very name; most likely the name is misspelt, and missing.",
        "Correct the name, or declare it in `binds`. `{{env.NAME}}` needs no bind.",
        _SHOP.replace("SHOP_TOKEN", "SHOP_TOKN"),
        _SHOP,
    ),
    Rule(
        "bare-bind",
        WARNING,
        "A secret is the bare name of a variable.",
        "The variable's value is used, as was meant; other engines send the name itself.",
        'Write a template: "{{NAME}}".',
        _SHOP.replace('"{{SHOP_TOKEN}}"', "SHOP_TOKEN"),
        _SHOP,
    ),
    Rule(
        "shell-variable",
        WARNING,
        "A variable is written as a shell's, not as a template.",
        "In a credential, `$env.NAME` and `${NAME}` are read as the variables that they are meant to be. Anywhere "
        "else, and as `$NAME`, `%NAME%` or `<NAME>`, the text itself is sent.",
        'Write a template: "{{NAME}}", or "{{env.NAME}}" for a variable that no bind declares.',
        _SHOP.replace('"{{SHOP_TOKEN}}"', '"${SHOP_TOKEN}"'),
        _SHOP,
    ),
    Rule(
        "literal-secret",
        WARNING,
        "A secret stands in the file itself.",
        "Everybody who can read the file has it, and so has every copy and every commit of it.",
        'Declare a bind, write its name ("{{SHOP_TOKEN}}"), and change the secret: it is known now.',
        _SHOP.replace('"{{SHOP_TOKEN}}"', "an-invented-token"),
        _SHOP,
    ),
    Rule(
        "foreign-secret",
        WARNING,
        "A secret that many machines have goes to a host that is not its provider's.",
        "A file that somebody else wrote reads the variable and sends its value to a host of its own.",
        "Don't serve the file unless that is meant; `--deny-env NAME` keeps a variable from every file.",
        _SHOP.replace("{{SHOP_TOKEN}}", "{{env.GITHUB_TOKEN}}"),
        _SHOP,
    ),
    Rule(
        "insecure-credential",
        WARNING,
        "A credential travels over plain http.",
        "Anybody on the way can read it.",
        "Use https. Loopback addresses are fine.",
        _SHOP.replace("https://", "http://"),
        _SHOP,
        covers=("naftiko-oauth2-https-authserver", "naftiko-oauth2-resource-https"),
    ),
    Rule(
        "oauth2-scopes",
        HINT,
        "An OAuth 2 authentication names no scopes.",
        "The token may do whatever the client may.",
        "Name the scopes that are needed: `scopes: [products.read]`.",
        _OAUTH2.replace("    scopes: [products.read]\n", ""),
        _OAUTH2,
        covers=("naftiko-oauth2-scopes-defined",),
    ),
    Rule(
        "unknown-authentication",
        ERROR,
        "An authentication is of a kind that can't be done.",
        "No call goes out without the credential that its file declares: the API's operations are not executable. An "
        "adapter lets nobody in.",
        "Use a kind of [credentials](credentials.md), or give one when serving: `--auth "
        "NAMESPACE=bearer:TOKEN`, or `--auth NAMESPACE=none` where a proxy adds it.",
        _SHOP.replace("type: bearer", "type: hoba"),
        _SHOP,
    ),
    Rule(
        "incomplete-authentication",
        ERROR,
        "An authentication lacks a part, or has an empty one.",
        "No call goes out without the credential that its file declares: the API's operations are not executable. An "
        "adapter lets nobody in.",
        "Add what is missing: `token` of bearer, `username` and `password`, `key` and `value` of an API key, the "
        "`tokenEndpoint` of oauth2. Or give one when serving: `--auth NAMESPACE=bearer:TOKEN`.",
        _SHOP.replace('    token: "{{SHOP_TOKEN}}"\n', ""),
        _SHOP,
    ),
    Rule(
        "unknown-placement",
        ERROR,
        "An API key is placed where it can't travel, or has a name that it can't have there.",
        "No call goes out without the credential that its file declares: the API's operations are not executable. An "
        "adapter lets nobody in: callers put theirs in a header or in the query.",
        "Use `placement: header`, `query`, `cookie`, `body` (a field of the JSON object or form that is sent) or "
        "`path` (a placeholder of the base URI or path).",
        _KEY.format(placement="url"),
        _KEY.format(placement="query"),
    ),
    Rule(
        "bad-login",
        ERROR,
        "The token of an API can't be had by the call that is to give it.",
        "There is no such operation, it requires what `with` doesn't give, or its own API needs such a token. The "
        "API's operations are not executable: no call goes out without the credential that its file declares.",
        "Name an operation of another consumes entry, with all that it requires.",
        _LOGIN.format(call="shop.get-product"),
        _LOGIN.format(call="login.get-token"),
    ),
    Rule(
        "unplaced-credential",
        ERROR,
        "An operation has no place for the credential of its API.",
        "The key is placed in the path and the path has no such placeholder, or in the body and there is none that has "
        "fields. The operation is not executable.",
        "Correct the `placement`, or give the operation what is missing.",
        _KEY.format(placement="path"),
        _KEY.format(placement="path").replace("shop.example", "shop.example/{api_key}"),
    ),
    Rule(
        "open-address",
        WARNING,
        "An adapter listens on every network, and its callers need no authentication.",
        "Whoever reaches the machine can use the capability, with its credentials.",
        "Add an `authentication` to the adapter, or listen on `127.0.0.1`.",
        _MCP.replace("127.0.0.1", "0.0.0.0"),  # noqa: S104  # what not to do
        _MCP,
    ),
    Rule(
        "stdio-authentication",
        WARNING,
        "An MCP adapter over stdio has an authentication.",
        "There is nothing to authenticate: whoever starts the process is its only caller. It is ignored.",
        "Remove it, or use `transport: http`.",
        _STDIO.replace("  tools:", '  authentication: {type: bearer, token: "{{SHOP_TOKEN}}"}\n  tools:'),
        _STDIO,
        covers=("naftiko-mcp-auth-stdio-conflict",),
    ),
    Rule(
        "control-adapter",
        WARNING,
        "A control adapter is not alone on a local port.",
        "It shows and changes how the process runs: it is the operator's, not the callers'.",
        "Keep one, on `localhost`, on a port that no other adapter has.",
        _CONTROL.replace("localhost", "10.0.0.7"),
        _CONTROL,
        covers=("naftiko-control-port-singleton-and-unique", "naftiko-control-address-localhost-warning"),
    ),
)
