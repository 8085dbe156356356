"""Which routes of a control adapter are on: the keys of a file, and what is meant without them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Self

from naftiko.document.model import ControlAdapter

_MOST_SUBSCRIBERS: Final = 20


@dataclass(frozen=True, slots=True)
class Switches:
    """What a control adapter shows, and what may be changed by it.

    Attributes:
        health: ``/health/live`` and ``/health/ready``.
        info: ``/status``, ``/config``, ``/health/dependencies``, and ``/lifecycle`` to look at.
        reload: ``/config/reload``, and ``/lifecycle`` to change.
        validate: ``/config/validate``.
        level_control: ``/logs`` and ``/logs/{logger}``.
        stream: ``/logs/stream``.
        subscribers: of the stream at once.
        metrics: ``/metrics``.
        traces: ``/traces`` and ``/traces/{id}``.
        scripting: ``/scripting``.
    """

    health: bool = True
    info: bool = False
    reload: bool = False
    validate: bool = False
    level_control: bool = False
    stream: bool = False
    subscribers: int = 5
    metrics: bool = True
    traces: bool = True
    scripting: bool = False

    @classmethod
    def of(cls, model: ControlAdapter) -> Self:
        """Return those of an adapter."""
        management, observed = model.management, model.observability
        switches = cls()
        if management is not None:
            logs = management.logs
            switches = replace(
                switches,
                health=management.health,
                info=management.info,
                reload=management.reload,
                validate=management.validate_,
                level_control=logs is not None and logs.level_control,
                stream=logs is not None and logs.stream,
                subscribers=5 if logs is None else min(max(logs.max_subscribers, 1), _MOST_SUBSCRIBERS),
                scripting=management.scripting is not None,
            )
        if observed is not None:
            metrics, traces = observed.metrics, observed.traces
            switches = replace(
                switches,
                metrics=observed.enabled and (metrics is None or metrics.local is None or metrics.local.enabled),
                traces=observed.enabled and (traces is None or traces.local is None or traces.local.enabled),
            )
        return switches

    def only_looking(self) -> Self:
        """Return the same without what changes anything, or tells what is logged and what is in the files."""
        return replace(self, reload=False, validate=False, level_control=False, stream=False)


PROBED: Final = Switches(traces=False)
"""What probes ask: health and metrics."""
