"""The control adapter: health, status, metrics, traces, logs, reload."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from naftiko.document.model.adapter import AdapterModel
from naftiko.document.model.base import Model


class ControlLogs(Model):
    """The log endpoints; ``logs: true`` in a file is both of them."""

    level_control: bool = Field(default=True, alias="level-control")
    stream: bool = False
    max_subscribers: int = Field(default=5, alias="max-subscribers")


class ScriptingManagement(Model):
    """What script steps may do."""

    enabled: bool = True
    default_location: str | None = None
    default_language: str | None = None
    timeout: int = 60_000
    """Milliseconds."""
    statement_limit: int = 100_000
    allowed_languages: tuple[str, ...] = ()


class ControlManagement(Model):
    """The management endpoints."""

    health: bool = True
    info: bool = False
    reload: bool = False
    validate_: bool = Field(default=False, alias="validate")
    logs: ControlLogs | None = None
    scripting: ScriptingManagement | None = None


class LocalEndpoint(Model):
    """An endpoint on the control port."""

    enabled: bool = True
    buffer_size: int = Field(default=100, alias="buffer-size")


class ObservabilityMetrics(Model):
    """Metrics."""

    local: LocalEndpoint | None = None


class ObservabilityTraces(Model):
    """Traces."""

    sampling: float = 1.0
    propagation: str = "w3c"
    local: LocalEndpoint | None = None


class OtlpExporter(Model):
    """An OTLP endpoint."""

    endpoint: str | None = None


class Exporters(Model):
    """Where observations are sent."""

    otlp: OtlpExporter | None = None


class SpanAttributes(Model):
    """Which attributes spans have: patterns of their names, such as ``http.*``."""

    allow: tuple[str, ...] = ()
    """None: all."""
    deny: tuple[str, ...] = ()


class ObservabilityPrivacy(Model):
    """What is not told."""

    attributes: SpanAttributes | None = None


class Observability(Model):
    """What is observed."""

    enabled: bool = True
    privacy: ObservabilityPrivacy | None = None
    metrics: ObservabilityMetrics | None = None
    traces: ObservabilityTraces | None = None
    exporters: Exporters | None = None


class ControlAdapter(AdapterModel):
    """The operator's port."""

    kind: ClassVar[str] = "control"
    called: ClassVar[str] = "a control adapter"
    own_keys: ClassVar[tuple[str, ...]] = ("management", "observability")

    type: str = "control"
    management: ControlManagement | None = None
    observability: Observability | None = None
