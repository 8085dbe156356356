"""Rules of lists in pages (docs/pagination.md)."""

from __future__ import annotations

from naftiko.document.rules.rule import ERROR, HINT, MCP, PRODUCTS, WARNING, Rule

_OPERATION = (
    MCP.replace("get-product", "list-products").replace("A product.", "The products.")
    + "    call: shop.list-products\n"
    + PRODUCTS.replace("/products/{id}", "/products")
    + """    - name: list-products
      method: GET
"""
)
_CURSOR = (
    _OPERATION
    + """      pagination:
        type: cursor
        request: {cursorParam: cursor, limitParam: limit, limitValue: 100}
        response: {dataPath: $.items, nextCursorPath: $.next}
"""
)
_OFFSET = (
    _OPERATION
    + """      pagination:
        type: offset
        request: {offsetParam: offset, limitParam: limit, limitValue: 100}
        response: {dataPath: $.items, totalPath: $.total}
"""
)

PAGINATION = (
    Rule(
        "unknown-pagination",
        ERROR,
        "A pagination is of no known type.",
        "Nobody can tell how the next page is asked for. The operation is not executable: a list that is cut after its "
        "first page without a word would be worse.",
        "Write `cursor`, `offset`, `page-number`, `link-header`, `link-body` or `keyset`; `none` switches off what an "
        "outer level declares.",
        _CURSOR.replace("type: cursor", "type: token"),
        _CURSOR,
    ),
    Rule(
        "incomplete-pagination",
        ERROR,
        "A pagination lacks a key that its type can't do without.",
        "`response.dataPath` says where the list is, which grows by the later pages' lists; each type has further "
        "keys, such as `nextCursorPath` for `cursor`. The operation is not executable without them.",
        "Add the key; docs/pagination.md has an example of each type.",
        _CURSOR.replace("dataPath: $.items, ", ""),
        _CURSOR,
    ),
    Rule(
        "broken-pagination",
        ERROR,
        "A key of a pagination has a value that means nothing.",
        "A path must name one place, a bound must be above zero, and parameters travel in the query, the body or a "
        "header. The operation is not executable.",
        "Correct the value; a path is written `$.data.items`.",
        _CURSOR.replace("$.items", "$..items"),
        _CURSOR,
    ),
    Rule(
        "pagination-format",
        ERROR,
        "An operation with pages answers with what can't be paged.",
        "Pages are put together as documents of JSON, YAML or tables; other formats are not.",
        "Correct `outputRawFormat`, or leave `pagination` out.",
        _CURSOR.replace("      pagination", "      outputRawFormat: binary\n      pagination"),
        _OPERATION + "      outputRawFormat: binary\n",
    ),
    Rule(
        "offset-without-limit",
        WARNING,
        "A pagination by offset doesn't say how large a page is.",
        "A page that is short is the last one; without `request.limitValue` only an empty page tells the end, which "
        "costs one request more.",
        "Add `limitParam` and `limitValue`.",
        _OFFSET.replace(", limitParam: limit, limitValue: 100", ""),
        _OFFSET,
    ),
    Rule(
        "unused-pagination-key",
        WARNING,
        "A key of a pagination belongs to another type.",
        "It is ignored, and the pages may end elsewhere than meant.",
        "Leave it out, or correct the `type`.",
        _OFFSET.replace("totalPath: $.total", "nextCursorPath: $.next"),
        _OFFSET,
    ),
    Rule(
        "page-without-pagination",
        HINT,
        "An operation looks as if it had pages, and declares none.",
        "Its parameters, and its outputs, are those of a list in pages. Callers get one page, and an agent has to ask "
        "for the others itself, with a cursor that it must not mistype.",
        "Add the `pagination` that the hint proposes, after a look at the API's documentation.",
        _OPERATION
        + """      inputParameters:
      - {name: cursor, in: query}
      - {name: limit, in: query, type: integer}
      outputParameters:
      - {name: items, type: array, value: $.items}
      - {name: next, type: string, value: $.next_cursor}
""",
        _CURSOR,
    ),
)
