"""Snapshots of several processes added up, and written as Prometheus reads them.

The format is text exposition 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Any, Final

from naftiko.observe.figures import FamilySnapshot, HistogramValue, Merge, MetricsSnapshot

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_TAKEN: Final[dict[Merge, Any]] = {"max": max, "min": min, "sum": lambda first, second: first + second}


def added(snapshots: Iterable[MetricsSnapshot]) -> MetricsSnapshot:
    """Return what several processes make together: sums, but where the family says the greatest or the least."""
    total: MetricsSnapshot = {}
    merged: dict[str, dict[tuple[tuple[str, str], ...], Any]] = {}
    for snapshot in snapshots:
        for name, family in snapshot.items():
            known = total.setdefault(name, {**family, "samples": []})
            series = merged.setdefault(name, {})
            for labels, value in family["samples"]:
                key = tuple(labels.items())
                before = series.get(key)
                series[key] = value if before is None else _joined(known, before, value)
    for name, series in merged.items():
        total[name]["samples"] = [(dict(key), value) for key, value in series.items()]
    return total


def _joined(family: FamilySnapshot, first: Any, second: Any) -> Any:
    if isinstance(first, dict):
        counts = [one + other for one, other in zip(first["counts"], second["counts"], strict=True)]
        return {"bounds": first["bounds"], "counts": counts, "sum": first["sum"] + second["sum"]}
    return _TAKEN[family.get("merge", "sum")](first, second)


def exposition(snapshot: MetricsSnapshot, prefix: str = "ikanos") -> str:
    """Return a snapshot as Prometheus reads it.

    Args:
        snapshot: of one process, or ``added`` ones.
        prefix: of the names and labels that are the engine's own: ``ikanos``, or ``naftiko``.
    """
    lines: list[str] = []
    for name, family in snapshot.items():
        if family["samples"]:
            shown = _named(name, prefix)
            lines += (f"# HELP {shown} {_help(family['help'])}", f"# TYPE {shown} {family['type']}")
            lines.extend(_series(shown, family, prefix))
    return "\n".join([*lines, ""])


def _named(name: str, prefix: str) -> str:
    return f"{prefix}_{name[1:]}" if name.startswith("@") else name


def _series(name: str, family: FamilySnapshot, prefix: str) -> Iterator[str]:
    for labels, value in family["samples"]:
        pairs = [f'{_named(label, prefix)}="{_escaped(text)}"' for label, text in labels.items()]
        if isinstance(value, dict):
            yield from _histogram(name, pairs, value)
        else:
            yield f"{name}{_braced(pairs)} {_number(value)}"


def _histogram(name: str, pairs: list[str], value: HistogramValue) -> Iterator[str]:
    """Yield a histogram's series; its buckets are accumulated."""
    counts = [*accumulate(value["counts"])]
    for bound, count in zip([*value["bounds"], math.inf], counts, strict=True):
        le = f'le="{_number(bound)}"'
        yield f"{name}_bucket{_braced([*pairs, le])} {count}"
    yield f"{name}_sum{_braced(pairs)} {_number(value['sum'])}"
    yield f"{name}_count{_braced(pairs)} {counts[-1]}"


def _braced(pairs: list[str]) -> str:
    return f"{{{','.join(pairs)}}}" if pairs else ""


def _number(value: float) -> str:
    if value == math.inf:
        return "+Inf"
    return str(int(value)) if value == int(value) else repr(round(value, 9))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")
