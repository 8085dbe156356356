"""Compile what a file says of answers that are streams, and tell what is wrong with it (docs/streams.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from naftiko.document.findings import Findings
from naftiko.document.model import Collect as CollectModel
from naftiko.document.model import ConsumedOperation
from naftiko.document.nodes import Node
from naftiko.expression import jsonpath
from naftiko.expression.conditions import compares, comparison
from naftiko.ground.sizes import size_in_bytes
from naftiko.plan.streams import JSON_SEQ, NDJSON, SSE, WEBSOCKET, Collect, Streaming, Until
from naftiko.plan.websockets import SHAPES

FORMATS: Final[Mapping[str, str]] = {SSE: SSE, NDJSON: NDJSON, "jsonl": NDJSON, JSON_SEQ: JSON_SEQ}
"""The values of ``outputRawFormat`` that are streams."""
_DATA: Final = "data"
_EVENT: Final = "event"


def compile_stream(operation: ConsumedOperation, findings: Findings, known: str = "") -> tuple[Streaming | None, str]:
    """Compile the stream that an operation's answer is.

    Args:
        operation: of the file.
        findings: where problems are told.
        known: its format, where something else than ``outputRawFormat`` says it.

    Returns:
        the stream, ``None`` where the answer is none; and why the operation can't be called, or ``""``.
    """
    kind = known or FORMATS.get((operation.output_raw_format or "").lower(), "")
    if not kind:
        if operation.collect is None:
            return None, ""
        reason = "its answer is no stream, so `collect` has nothing to end"
        hint = "add `outputRawFormat: sse` or `ndjson`, or `protocol: websocket`, or leave `collect` out"
        findings.at(operation.at("collect")).error("broken-stream", reason, hint=hint)
        return None, reason
    compiler = _Compiler(operation.collect or CollectModel(), findings)
    made = Streaming(kind, compiler.collect(), as_event=compiler.as_event(kind))
    if operation.pagination is not None and (operation.pagination.type or "").strip().lower() != "none":
        reason = "its answer is a stream, which has no pages"
        compiler.wrong(operation.at("pagination"), reason, "leave one of them out")
    return made, compiler.reason


class _Compiler:
    """Compiles one ``collect``.

    Attributes:
        reason: why the operation can't be called, or ``""``.
    """

    def __init__(self, model: CollectModel, findings: Findings) -> None:
        self._model = model
        self._findings = findings
        self.reason = ""

    def wrong(self, where: Node | None, reason: str, hint: str) -> None:
        """Report why the operation can't be called."""
        self.reason = self.reason or reason
        self._findings.at(where).error("broken-stream", reason, hint=hint)

    def collect(self) -> Collect:
        """Return where the stream ends."""
        model = self._model
        for field, value in (("limit", model.limit), ("timeout", model.timeout)):
            if value is not None and value <= 0:
                reason = f"`collect.{field}: {value:g}` leaves nothing of the stream"
                self.wrong(model.at(field), reason, "write what is above zero, or leave it out")
        size = None if model.bytes_ is None else size_in_bytes(model.bytes_)
        if size == 0:
            self.wrong(model.at("bytes"), f"`collect.bytes: {model.bytes_}` is no size", "write a size such as `5MiB`")
        return Collect(self._until(), model.limit, model.timeout, size)

    def _until(self) -> Until | None:
        if self._model.until is None:
            return None
        text = self._model.until.strip()
        is_comparison = compares(text)
        try:
            made = Until(text, comparison(text) if is_comparison else jsonpath.parse(text), is_comparison)
            why = "" if text.startswith("$") or is_comparison else "it doesn't begin with `$`"
        except jsonpath.JSONPathError as error:
            made, why = None, error.message
        if why:
            hint = 'write a path that is true in the last item, as `$.done`, or a comparison, as `$.type == "end"`'
            self.wrong(self._model.at("until"), f"`collect.until: {text}` can't be read: {why}", hint)
        return made

    def as_event(self, kind: str) -> bool:
        """Tell whether the items are whole events."""
        word = (self._model.as_ or _DATA).strip().lower()
        if kind == WEBSOCKET:
            if self._model.as_ is not None and word not in SHAPES:
                self.wrong(self._model.at("as"), f"`collect.as: {word}` is not known", f"known: {', '.join(SHAPES)}")
            return False
        if word not in {_DATA, _EVENT}:
            self.wrong(self._model.at("as"), f"`collect.as: {word}` is not known", f"known: {_DATA}, {_EVENT}")
        elif word == _EVENT and kind != SSE:
            reason = "only server-sent events have names and ids, and this stream has none"
            self.wrong(self._model.at("as"), f"`collect.as: {_EVENT}`: {reason}", "leave it out")
        return word == _EVENT
