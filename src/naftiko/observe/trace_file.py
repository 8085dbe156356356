"""Traces as JSON lines in a file: each is what OTLP sends as JSON, so that collectors can read the file, too."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final

import orjson

from naftiko.observe.lines import LINES
from naftiko.observe.spans import Span
from naftiko.observe.trace_context import Parent
from naftiko.observe.tracing import TracePart

_KINDS: Final = {"INTERNAL": 1, "SERVER": 2, "CLIENT": 3}
_ERROR: Final = 2


class TraceFile:
    """Appends a line for what a trace has of each run. Writing waits for nobody; what finds no room is dropped.

    Args:
        descriptor: of the file.
        resource: what the spans are of.
        scope: name and version of what makes them.
    """

    def __init__(self, descriptor: int, resource: Mapping[str, str], scope: tuple[str, str]) -> None:
        self._stream = os.fdopen(descriptor, "a", closefd=False)
        self._resource = {"attributes": _attributes(resource)}
        self._scope = {"name": scope[0], "version": scope[1]}

    def take(self, part: TracePart) -> None:
        """Write a trace's part."""
        spans = [_shown(part, span) for span in part.spans]
        scoped = {"scope": self._scope, "spans": spans}
        line = {"resourceSpans": [{"resource": self._resource, "scopeSpans": [scoped]}]}
        # Together with those of the same moment: to wake a thread for each takes longer than to make it.
        LINES.write_later(self._stream, orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))


def _shown(part: TracePart, span: Span) -> dict[str, Any]:
    shown: dict[str, Any] = {"traceId": part.trace_id, "spanId": span.span_id}
    if part.state:
        shown["traceState"] = part.state
    if span.parent_id:
        shown["parentSpanId"] = span.parent_id
    shown |= {
        "name": span.name,
        "kind": _KINDS[span.kind],
        "startTimeUnixNano": str(span.began),
        "endTimeUnixNano": str(span.ended),
        "attributes": _attributes(span.attributes),
    }
    if span.events:
        shown["events"] = [
            {"timeUnixNano": str(each.at), "name": each.name, "attributes": _attributes(each.attributes)}
            for each in span.events
        ]
    if span.link is not None:
        shown["links"] = [_linked(span.link)]
    shown["status"] = {"code": _ERROR} if span.is_error else {}
    return shown


def _linked(link: Parent) -> dict[str, str]:
    return {"traceId": link.trace_id, "spanId": link.span_id, **({"traceState": link.state} if link.state else {})}


def _attributes(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"key": name, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": str(value)}}
        for name, value in attributes.items()
    ]
