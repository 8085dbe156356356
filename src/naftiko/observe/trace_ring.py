"""The last traces of a process, for whoever asks its control port."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

from naftiko.observe.times import shown_second
from naftiko.observe.tracing import MOST_SPANS, TracePart

_SECOND: Final = 1_000_000_000


class TraceRing:
    """Keeps the last traces; the parts that one trace has in this process are one.

    Args:
        size: how many traces are kept.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[str, list[TracePart]] = OrderedDict()

    @property
    def buffer_size(self) -> int:
        """How many are kept."""
        return self._size

    @property
    def used(self) -> int:
        """How many there are."""
        return len(self._kept)

    def take(self, part: TracePart) -> None:
        """Keep a trace's part; the oldest trace goes where there is no room. A trace has a bound, too."""
        parts = self._kept.setdefault(part.trace_id, [])
        if sum(len(each.spans) for each in parts) < MOST_SPANS:
            parts.append(part)
        self._kept.move_to_end(part.trace_id)
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)

    def summaries(self, operation: str | None, status: str | None) -> list[dict[str, Any]]:
        """Return traces, the newest first.

        Args:
            operation: what the name of a trace's first span holds, or the reference engine's name for it, which is
                ``rest.request`` and the like.
            status: ``OK`` or ``ERROR``.
        """
        found = []
        for parts in reversed(self._kept.values()):
            summary = _summary(parts)
            known = f"{_first(parts).adapter}.request"
            is_named = operation is None or operation in summary["operation"] or operation in known
            if is_named and status in (None, summary["status"]):
                timestamp = summary.pop("timestamp")
                found.append({**summary, "spanCount": sum(len(each.spans) for each in parts), "timestamp": timestamp})
        return found

    def trace(self, trace_id: str) -> dict[str, Any] | None:
        """Return a trace with its spans, the inner ones first."""
        parts = self._kept.get(trace_id)
        if parts is None:
            return None
        spans = []
        for span in (span for part in parts for span in part.spans):
            shown: dict[str, Any] = {"spanId": span.span_id}
            if span.parent_id:
                shown["parentSpanId"] = span.parent_id
            shown |= {"name": span.name, "kind": span.kind, "durationMs": span.milliseconds}
            shown["status"] = "ERROR" if span.is_error else "OK"
            if span.events:
                shown["events"] = [{"name": each.name, "attributes": each.attributes} for each in span.events]
            spans.append(shown)
        return {**_summary(parts), "spans": spans}


def _first(parts: list[TracePart]) -> TracePart:
    return min(parts, key=lambda each: each.root.began)


def _summary(parts: list[TracePart]) -> dict[str, Any]:
    first = _first(parts)
    began = first.root.began
    return {
        "traceId": first.trace_id,
        "operation": first.root.name,
        "durationMs": max(first.root.milliseconds, *(each.root.milliseconds for each in parts)),
        "status": "ERROR" if any(each.is_error for each in parts) else "OK",
        "timestamp": f"{shown_second(began // _SECOND)}.{began % _SECOND:09d}Z",
    }
