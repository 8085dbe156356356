"""Where a trace goes on: W3C Trace Context and B3, as headers and as ``_meta`` of MCP carry them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

W3C: Final = "tracecontext"
B3: Final = "b3"
"""B3 in one header."""
B3_MULTI: Final = "b3multi"
"""B3 in a header for each thing."""
NONE: Final = "none"
PROPAGATIONS: Final = (W3C, B3, B3_MULTI, NONE)
"""The words of ``OTEL_PROPAGATORS`` that are understood."""

_PARENT: Final = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_B3: Final = re.compile(
    r"(?:(?!0{16,32}-)([0-9a-f]{32}|[0-9a-f]{16})-(?!0{16})([0-9a-f]{16})(?:-([01d])(?:-[0-9a-f]{16})?)?|([01d]))"
)
_STATE: Final = re.compile(r"[\x20-\x7e]{1,512}")
"""What is passed on of somebody's ``tracestate``: text of a header, no longer than everybody must take."""
_LONGEST: Final = 200
_NAMES: Final = {
    name.encode(): name
    for name in ("traceparent", "tracestate", "b3", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags")
}


@dataclass(frozen=True, slots=True)
class Parent:
    """The span of somebody else that something belongs to.

    Attributes:
        trace_id: 32 hexadecimal digits; ``""`` where only the decision is told.
        span_id: 16 of them.
        is_sampled: what was decided; ``None`` where it is left to us.
        state: ``tracestate``.
    """

    trace_id: str
    span_id: str
    is_sampled: bool | None
    state: str = ""


Fields: TypeAlias = Sequence[tuple[str, str]]


def of_headers(headers: Sequence[tuple[bytes, bytes]]) -> Parent | None:
    """Return the context that headers carry, W3C's before B3's; ``None`` for none, or one that is broken."""
    found: dict[str, str] = {}
    for key, value in headers:
        name = _NAMES.get(key)
        if name is not None and len(value) <= _STATE_BYTES:
            if name in found and name != "tracestate":  # which of them would be meant?
                found[name] = ""
                continue
            text = value.decode("latin-1")
            found[name] = f"{found[name]},{text}" if name in found else text
    if not found:
        return None
    return _of_w3c(found.get("traceparent", ""), found.get("tracestate", "")) or _of_b3(found)


_STATE_BYTES: Final = 1024


def of_meta(meta: Mapping[str, Any] | None) -> Parent | None:
    """Return the context that the ``_meta`` of a request carries, whose names are W3C's."""
    if not meta:
        return None
    parent, state = meta.get("traceparent"), meta.get("tracestate")
    return _of_w3c(parent, state if isinstance(state, str) else "") if isinstance(parent, str) else None


def _of_w3c(parent: str, state: str) -> Parent | None:
    found = _PARENT.fullmatch(parent.strip()) if len(parent) <= _LONGEST else None
    if found is None or (found[1] == "00" and found[5]):
        return None
    return Parent(found[2], found[3], bool(int(found[4], 16) & 1), state if _STATE.fullmatch(state) else "")


def _of_b3(found: Mapping[str, str]) -> Parent | None:
    single = found.get("b3")
    if single is None:
        said = "d" if found.get("x-b3-flags") == "1" else found.get("x-b3-sampled", "")
        said = {"true": "1", "false": "0"}.get(said.lower(), said)
        ids = [each for each in (found.get("x-b3-traceid"), found.get("x-b3-spanid")) if each]
        single = "-".join([*ids, said] if said else ids)
    matched = _B3.fullmatch(single.strip().lower())
    if matched is None:
        return None
    trace, span, decided, alone = matched.groups()
    is_sampled = None if (decided or alone) is None else (decided or alone) != "0"
    return Parent((trace or "").zfill(32) if trace else "", span or "", is_sampled)


def as_traceparent(trace_id: str, span_id: str, *, is_sampled: bool) -> str:
    """Return the value of a ``traceparent``."""
    return f"00-{trace_id}-{span_id}-{'01' if is_sampled else '00'}"


def _w3c(trace_id: str, span_id: str, is_sampled: bool, state: str) -> Fields:  # noqa: FBT001  # of a table
    parent = ("traceparent", as_traceparent(trace_id, span_id, is_sampled=is_sampled))
    return (parent, ("tracestate", state)) if state else (parent,)


def _single(trace_id: str, span_id: str, is_sampled: bool, state: str) -> Fields:  # noqa: FBT001  # likewise
    del state
    return (("b3", f"{trace_id}-{span_id}-{int(is_sampled)}"),)


def _multi(trace_id: str, span_id: str, is_sampled: bool, state: str) -> Fields:  # noqa: FBT001  # likewise
    del state
    return (("x-b3-traceid", trace_id), ("x-b3-spanid", span_id), ("x-b3-sampled", str(int(is_sampled))))


WRITERS: Final[Mapping[str, Callable[[str, str, bool, str], Fields]]] = {W3C: _w3c, B3: _single, B3_MULTI: _multi}
"""What carries a context upstream: trace, span, whether it is sampled, ``tracestate``."""
