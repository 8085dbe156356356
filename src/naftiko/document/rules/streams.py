"""Rules of answers that are streams (docs/streams.md)."""

from __future__ import annotations

from naftiko.document.rules.rule import ERROR, HINT, MCP, PRODUCTS, Rule

_OPERATION = (
    MCP.replace("get-product", "watch-products").replace("A product.", "What becomes of the products.")
    + "    call: shop.watch-products\n"
    + PRODUCTS.replace("/products/{id}", "/products/events")
    + """    - name: watch-products
      method: GET
"""
)
_STREAM = (
    _OPERATION
    + """      outputRawFormat: sse
      collect: {until: $.done, limit: 100, timeout: 30s}
"""
)

_SOCKET = (
    _OPERATION
    + """      protocol: websocket
      collect: {until: $.done, limit: 100, timeout: 30s}
"""
)

STREAMS = (
    Rule(
        "broken-stream",
        ERROR,
        "A stream, or what ends it, has a value that means nothing.",
        "`collect` says where a stream ends: with the item for which `until` holds, after `limit` items, so many "
        "`bytes` or the time `timeout`. The operation is not executable without a stream, or with a bound that is "
        "none.",
        "Correct the value; docs/streams.md has examples.",
        _STREAM.replace("$.done", "done"),
        _STREAM,
    ),
    Rule(
        "bad-protocol",
        ERROR,
        "An operation's protocol is not known.",
        "An operation is a request of HTTP, or opens a WebSocket; the operations of an API of `type: websocket` always "
        "do. This one is not executable.",
        "Write `protocol: websocket`, or leave it out.",
        _SOCKET.replace("protocol: websocket", "protocol: websockets"),
        _SOCKET,
    ),
    Rule(
        "undeclared-stream",
        HINT,
        "An operation asks for a stream, and doesn't declare one.",
        "Its answer is read to its end before anybody gets a part of it, and fails where it has no end in time.",
        "Add `outputRawFormat: sse`, or `ndjson`: callers get each item as it comes.",
        _OPERATION
        + """      inputParameters:
      - {name: Accept, in: header, value: text/event-stream}
""",
        _STREAM,
    ),
)
