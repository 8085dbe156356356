"""Rules of what is sent and what is routed (SEMANTICS 2, 4 and 6)."""

from __future__ import annotations

from naftiko.document.rules.rule import ERROR, HINT, PRODUCTS, REST, TOOL, WARNING, Rule

_SHOP = (
    PRODUCTS
    + """    - name: get-product
      method: GET
      inputParameters:
      - {name: language, in: header}
"""
)
_ORDER = """aggregates:
- namespace: orders
  functions:
  - name: place
    description: Place an order.
    semantics: {safe: false}
    call: shop.get-product
exposes:
- type: rest
  namespace: shop-rest
  port: 8080
  resources:
  - path: /orders
    operations:
    - {method: POST, ref: orders.place}
"""

REQUESTS = (
    Rule(
        "empty-base-uri",
        WARNING,
        "A consumed API has no base URI.",
        "Nothing can be sent to it until somebody says where it is.",
        "Set `baseUri`, or give it when serving: `--base-uri NAMESPACE=URL`.",
        _SHOP.replace("baseUri: https://api.shop.example", 'baseUri: ""'),
        _SHOP,
    ),
    Rule(
        "bad-base-uri",
        ERROR,
        "Nothing can be sent to a base URI.",
        "It is no http or https URL with a host, or its port is none. Every operation of the API is not executable.",
        "Write a URL such as `https://api.shop.net/v1`, with a port from 1 to 65535 if it has one.",
        _SHOP.replace("https://api.shop.example", "https://api.shop.example:99999"),
        _SHOP,
    ),
    Rule(
        "bad-address",
        ERROR,
        "Nothing can listen on an adapter's address.",
        "An address is a host name or an IP address of this machine, without a scheme, a port or a path.",
        "Use `127.0.0.1`, or `0.0.0.0` for every network; the port stands in `port`.",
        REST.replace("  port: 8080", "  address: http://127.0.0.1:8080\n  port: 8080"),
        REST.replace("  port: 8080", "  address: 127.0.0.1\n  port: 8080"),
    ),
    Rule(
        "unknown-method",
        WARNING,
        "A method is none that is known.",
        "Any method may be used; it is sent, or answered, as it is written. Most often this one is misspelt.",
        "Correct it: GET, POST, PUT, PATCH, DELETE, HEAD or OPTIONS.",
        _SHOP.replace("method: GET", "method: GETT"),
        _SHOP,
    ),
    Rule(
        "bad-method",
        ERROR,
        "A method can't be one.",
        "It holds a space, a slash or another character that no method of HTTP has (RFC 9110 chapter 9.1).",
        "Write the method alone; the path stands in `path`.",
        _SHOP.replace("method: GET", "method: GET /products"),
        _SHOP,
    ),
    Rule(
        "unknown-format",
        ERROR,
        "An `outputRawFormat` is not known.",
        "The API's answers can't be read, so the operation is not executable.",
        "Use json, xml, csv, tsv, psv, yaml, html, markdown, avro, protobuf, text or binary; sse, ndjson or json-seq "
        "for a stream.",
        _SHOP.replace("method: GET\n", "method: GET\n      outputRawFormat: jsno\n"),
        _SHOP.replace("method: GET\n", "method: GET\n      outputRawFormat: json\n"),
    ),
    Rule(
        "broken-schema",
        ERROR,
        "An `outputSchema` can't be used.",
        "It names a schema file that is missing or broken, or is no selector: the answers can't be read, so a call of "
        "the operation is not executable.",
        "Correct the file, or its path: it is relative to the capability file and lies below its directory.",
        _SHOP.replace("method: GET\n", "method: GET\n      outputRawFormat: html\n      outputSchema: 'table['\n"),
        _SHOP.replace("method: GET\n", "method: GET\n      outputRawFormat: html\n      outputSchema: table\n"),
    ),
    Rule(
        "unavailable-format",
        WARNING,
        "A format needs a library that is not installed here.",
        "A call of the operation is not executable where the library is missing.",
        'Install it: `pip install "naftiko[formats]"`.',
        "# an operation with `outputRawFormat: html`, without the library that reads HTML",
        "# the same, with the library installed",
    ),
    Rule(
        "missing-file",
        WARNING,
        "There is no file where a resource or a prompt says that it is.",
        "It is listed, and reading it fails.",
        "Correct the `location`: `file://./NAME` is relative to the capability file.",
        "exposes:\n- type: mcp\n  namespace: shop-mcp\n  description: The shop.\n  prompts:\n"
        "  - {name: greet, description: Greet., location: file://./gone.md}\n",
        "exposes:\n- type: mcp\n  namespace: shop-mcp\n  description: The shop.\n  prompts:\n"
        "  - {name: greet, description: Greet., template: [{role: user, content: Say hello.}]}\n",
    ),
    Rule(
        "unreachable-file",
        ERROR,
        "A resource or a prompt is a file outside of the capability's directory.",
        "It is not served: a capability file is somebody else's text, and reads what lies below its own directory.",
        "Move the file, or name where it may lie when serving: `--file-root DIRECTORY`.",
        "exposes:\n- type: mcp\n  namespace: shop-mcp\n  description: The shop.\n  prompts:\n"
        "  - {name: greet, description: Greet., location: file:///etc/passwd}\n",
        "exposes:\n- type: mcp\n  namespace: shop-mcp\n  description: The shop.\n  prompts:\n"
        "  - {name: greet, description: Greet., template: [{role: user, content: Say hello.}]}\n",
    ),
    Rule(
        "outside-file",
        HINT,
        "A bind reads a file outside of the capability's directory.",
        "A mounted secret does; so does a file that wants another's. The start says where its values go.",
        "Name it when serving: `--file-root PATH`. `--strict` wants that.",
        "binds:\n- namespace: env\n  location: file:///run/secrets/shop.yaml\n  keys: {SHOP_TOKEN: SHOP_TOKEN}\n",
        "binds:\n- namespace: env\n  keys: {SHOP_TOKEN: SHOP_TOKEN}\n",
    ),
    Rule(
        "bad-size",
        WARNING,
        "A `maxBinarySize` is no size.",
        "It is as if nothing were declared: answers of up to 10 MiB are read.",
        "Write a number of bytes, or one with a unit: `512KiB`, `5MiB`.",
        REST.replace("  port: 8080", "  maxBinarySize: 5 megs\n  port: 8080"),
        REST.replace("  port: 8080", "  maxBinarySize: 5MiB\n  port: 8080"),
    ),
    Rule(
        "bad-response",
        WARNING,
        "A declared answer of a route makes no sense.",
        "It is left out of the OpenAPI document, and says nothing of what bytes are.",
        "Write `responses` by status, each with a description and its content by media type, or `responseBinary`.",
        REST.replace("shop.get-product}", "shop.get-product, responses: {fine: {description: A product.}}}"),
        REST.replace("shop.get-product}", "shop.get-product, responses: {'200': {description: A product.}}}"),
    ),
    Rule(
        "base-uri-slash",
        HINT,
        "A base URI ends with `/`.",
        "Base URI and path are joined with exactly one slash here; other engines may send two.",
        "Remove the slash.",
        _SHOP.replace("api.shop.example", "api.shop.example/"),
        _SHOP,
        covers=("naftiko-consumes-baseuri-no-trailing-slash",),
    ),
    Rule(
        "example-host",
        WARNING,
        "A host or an address is a name for examples (RFC 2606).",
        "Nothing answers at `example.com` and its like, and nothing can listen there.",
        "Write the real host, or give it when serving: `--base-uri NAMESPACE=URL`.",
        _SHOP.replace("api.shop.example", "api.example.com"),
        _SHOP,
        covers=("naftiko-baseuri-not-example", "naftiko-address-not-example"),
    ),
    Rule(
        "dot-segment",
        ERROR,
        "A consumed path, or a base URI, holds a `.` or `..` segment.",
        "Servers and proxies resolve such a segment, whether it is encoded or not, and another path is called with our "
        "credential. The same is refused where a caller's value makes it.",
        "Write the path that is meant.",
        _SHOP.replace("path: /products/{id}", "path: /products/../admin/{id}"),
        _SHOP,
    ),
    Rule(
        "blocked-call",
        ERROR,
        "A `call` or a `forward` means an operation that can't be called.",
        'The unit is listed, but answers "not executable": what stands in the way is told where the operation or its '
        "API stands, too. The rest of the file is served.",
        "Mend the operation or the API.",
        _SHOP.replace("path: /products/{id}", "path: /products/../admin/{id}") + TOOL,
        _SHOP + TOOL,
    ),
    Rule(
        "query-in-path",
        HINT,
        "A consumed path holds a query.",
        "It is sent and joined with the other query parameters, but it is no parameter that a caller or a client sees.",
        "Declare input parameters with `in: query`; a fixed one has a `value`.",
        _SHOP.replace("path: /products/{id}", "path: /products/{id}?view=full"),
        _SHOP,
        covers=("naftiko-consumed-resource-no-query-in-path",),
    ),
    Rule(
        "lost-path-parameter",
        WARNING,
        "A consumed path has no placeholder for a parameter that is declared `in: path`.",
        "A value that is given is never dropped. For GET, HEAD, DELETE, PUT and PATCH what is missing of the path is "
        "taken to be its last segments, in the order of the declarations. For any other method, or where the path "
        "seems to hold the parameter in another spelling (`/:id`), nobody knows what is meant: the operation can't be "
        "called (an error).",
        "Write the path with `{NAME}` where the value belongs.",
        _SHOP.replace("/products/{id}", "/products").replace("name: language, in: header", "name: id, in: path"),
        _SHOP.replace("name: language, in: header", "name: id, in: path"),
    ),
    Rule(
        "lost-placeholder",
        ERROR,
        "An exposed path has no placeholder for an input that comes in the path.",
        "Where the path seems to hold the input in another spelling (`/:id`), no request can have it as it is meant: "
        'the unit answers "not executable". Where it holds nothing like it, the input is read from the query (a '
        "warning).",
        "Write the path with `{NAME}` where the value belongs.",
        REST.replace("/products/{id}", "/products/:id"),
        REST,
    ),
    Rule(
        "unknown-location",
        WARNING,
        "A parameter's `in` is not known.",
        "A consumed parameter is sent in the query; an input is read where its route or method suggests.",
        "Use query, header, path, cookie, body or environment.",
        _SHOP.replace("in: header", "in: headers"),
        _SHOP,
    ),
    Rule(
        "contradictory-parameter",
        ERROR,
        "A parameter contradicts itself.",
        "Its default breaks its own type, enum, pattern or bounds, its enum holds what its type isn't, or its bounds "
        "leave no value: a call is refused, or sends what the file says is wrong.",
        "Correct the default, or the rule that it breaks.",
        _SHOP.replace("in: header", "in: header, enum: [en, fr], default: eng"),
        _SHOP.replace("in: header", "in: header, enum: [en, fr], default: en"),
    ),
    Rule(
        "bad-header",
        ERROR,
        "A header or a cookie can't be sent.",
        "Its name holds a character that no name has (RFC 9110 chapter 5.1), or its value a line break: every request "
        "with it is refused.",
        "Write the name with letters, digits and `-`, and the value in one line.",
        _SHOP.replace("name: language", 'name: "Accept Language"'),
        _SHOP,
    ),
    Rule(
        "unknown-style",
        WARNING,
        "A parameter's `style`, `explode` or `allowReserved` means nothing where it stands.",
        "They say how arrays and objects are written, as OpenAPI 3 has it: form, spaceDelimited, pipeDelimited and "
        "deepObject in the query, simple, label and matrix in the path, simple in a header, form in a cookie. What "
        "means nothing there is not followed: arrays repeat their key, and objects are JSON text.",
        "Use a style of the parameter's place, or remove it.",
        _SHOP.replace("in: header}", "in: header, style: pipeDelimited}"),
        _SHOP,
    ),
    Rule(
        "forbidden-header",
        WARNING,
        "A parameter is a header that the connection sets itself.",
        "`Host`, `Content-Length`, `Connection` and their like belong to the connection (RFC 9110 chapter 7.6.1). The "
        "parameter is not sent.",
        "Remove the parameter.",
        _SHOP.replace("name: language", "name: Content-Length"),
        _SHOP,
    ),
    Rule(
        "unsupported-tunnel",
        WARNING,
        "A consumed API is behind a tunnel, which this runtime doesn't dial.",
        "Calls go out directly to the base URI.",
        "Make the base URI reachable, for example by the tunnel's own proxy, and remove `tunnel`.",
        _SHOP.replace("  resources:", "  tunnel: {type: ziti, service: shop}\n  resources:", 1),
        _SHOP,
        covers=("tunnel-identity-must-bind", "tunnel-fallback-direct-warns", "tunnel-with-public-baseuri-warns"),
    ),
    Rule(
        "query-in-route",
        HINT,
        "An exposed path holds a query.",
        "It is a condition: the route answers requests that have all of its pairs, the one with most pairs first, "
        "before one without. Other engines don't know that.",
        "Declare input parameters with `in: query`, if the query is a value and no condition.",
        REST.replace("/products/{id}", "/products/{id}?view={view}"),
        REST,
        covers=("naftiko-rest-resource-path-no-query",),
    ),
    Rule(
        "route-slash",
        HINT,
        "An exposed path ends with `/`.",
        "Callers must write the slash, and forget it.",
        "Remove the slash.",
        REST.replace("/products/{id}", "/products/{id}/"),
        REST,
        covers=("naftiko-rest-resource-path-no-trailing-slash",),
    ),
    Rule(
        "semantics-conflict",
        WARNING,
        "A unit says something else about its effects than the function it uses.",
        "Agents and caches act on these hints: what is called safe is called freely and repeatedly.",
        "Make the method or the tool's `hints` agree with the function's `semantics`.",
        _ORDER.replace("method: POST", "method: GET"),
        _ORDER,
        covers=("naftiko-aggregate-semantics-consistency",),
    ),
)
