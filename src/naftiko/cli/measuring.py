"""Whether anything is measured: only where somebody may ask for it, since each call pays for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from naftiko.cli.files import find_files
from naftiko.cli.otel import otel_here
from naftiko.expose.registry import KINDS

if TYPE_CHECKING:
    from naftiko.engine.capability import Capability
    from naftiko.observe.metrics import Metrics

_DECLARED: Final = re.compile(rb"""\bcontrol\b|["']?(?:management|observability)["']?\s*:""")
"""What a file has that declares a control adapter; a file that has it elsewhere is measured for nothing."""


def metrics_of(given: dict[str, Any], paths: Sequence[str]) -> Metrics | None:
    """Return what measures this process, where a port is opened that shows it, or it is sent; else ``None``.

    Args:
        given: the options of ``serve``.
        paths: files, directories and patterns.
    """
    if not _is_sent():
        if given["transport"] == "stdio":
            return None
        is_asked = given["control"] is not None or given["probe_port"] is not None
        if not is_asked and not any(map(declares_control, find_files(paths).files)):
            return None
    from naftiko.observe.metrics import Metrics  # noqa: PLC0415  # only where something is measured

    return Metrics()


def shown_metrics(metrics: Metrics | None, given: dict[str, Any], capabilities: Sequence[Capability]) -> Metrics | None:
    """Return what measures this process, told what it serves; ``None`` where no file that is served shows it."""
    if metrics is None:
        return None
    shows = any(KINDS[adapter.kind].shows_metrics(adapter) for each in capabilities for adapter in each.adapters)
    if not shows and given["control"] is None and given["probe_port"] is None and not _is_sent():
        return None
    metrics.serves([each.label for each in capabilities])
    return metrics


def _is_sent() -> bool:
    return otel_here().sends_metrics


def declares_control(path: Path) -> bool:
    """Tell whether a file may declare a control adapter: nothing of it is read but a word."""
    try:
        return _DECLARED.search(path.read_bytes()) is not None
    except OSError:
        return False  # loading it says why it can't be read
