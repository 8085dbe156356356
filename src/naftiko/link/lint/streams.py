"""Hint at operations that ask for a stream, and don't say that one comes (docs/streams.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from naftiko.document.findings import Findings
from naftiko.document.model import CapabilityDocument, ConsumedOperation, ConsumesHttp
from naftiko.document.nodes import Node
from naftiko.link.streams import FORMATS

_MEDIA_TYPES: Final = re.compile(r"text/event-stream|application/(?:x-)?(?:ndjson|jsonl|json-seq)", re.IGNORECASE)
_IN_TEXT: Final = re.compile(r'"stream"\s*:\s*true')


def check_streams(document: CapabilityDocument, findings: Findings) -> None:
    """Hint at each of them."""
    for entry in document.consumes:
        for resource in entry.resources if isinstance(entry, ConsumesHttp) else ():
            for operation in resource.operations:
                if (operation.output_raw_format or "").lower() not in FORMATS and operation.collect is None:
                    for node, said in _asked(operation):
                        findings.at(node).hint(
                            "undeclared-stream",
                            f"`{operation.name}` asks for a stream ({said}), and callers wait for its end",
                            hint=f"add `outputRawFormat: {'ndjson' if 'json' in said else 'sse'}`",
                        )


def _asked(operation: ConsumedOperation) -> Iterator[tuple[Node | None, str]]:
    """Yield where an operation asks for a stream, and how."""
    for given in operation.input_parameters:
        name, value = (given.name or "").lower(), next((v for v in (given.value, given.const) if v is not None), None)
        if name == "accept" and _MEDIA_TYPES.search(str(value)):
            yield given.at("value"), str(value)
        elif name == "stream" and str(value).lower() == "true":
            yield given.at("value"), "stream: true"
    body = operation.body
    if body is not None and _has_stream(body.data):
        yield operation.at("body"), "stream: true"


def _has_stream(data: Any) -> bool:
    if isinstance(data, str):
        return _IN_TEXT.search(data) is not None
    return isinstance(data, dict) and data.get("stream") in (True, "true")
