"""The REST adapter (SEMANTICS 6)."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from naftiko.document.model.adapter import AdapterModel
from naftiko.document.model.base import Model, NamedTuple
from naftiko.document.model.caching import HttpCache
from naftiko.document.model.limits import CallerLimits
from naftiko.document.model.mcp import ToolHints
from naftiko.document.model.parameters import InputParameter, OutputParameter
from naftiko.document.model.steps import Mapping, Steps


class BinaryResponse(Model):
    """The declared shape of a binary answer."""

    status: int = 200
    media_type: str | None = None
    description: str | None = None


class ExposedOperation(Model):
    """A method of an exposed resource."""

    name: str | None = None
    label: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    method: str | None = None
    path: str | None = None
    input_parameters: NamedTuple[InputParameter] = ()
    ref: str | None = None
    call: str | None = None
    with_: dict[str, Any] = Field(default_factory=dict)
    steps: Steps = ()
    mappings: tuple[Mapping, ...] = ()
    output_parameters: NamedTuple[OutputParameter] = ()
    output_raw_format: str | None = None
    output_schema: str | None = None
    hints: ToolHints | None = None
    responses: Any = None
    response_binary: BinaryResponse | None = None
    redact: tuple[str, ...] = ()
    cache: HttpCache | None = None
    limits: CallerLimits | None = None


class Forward(Model):
    """Pass everything below a path on to a consumed API (SEMANTICS 4.6)."""

    target_namespace: str | None = None
    trusted_headers: tuple[str, ...] = ()


class ExposedResource(Model):
    """A path of the exposed API."""

    name: str | None = None
    label: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    path: str | None = None
    input_parameters: NamedTuple[InputParameter] = ()
    operations: NamedTuple[ExposedOperation] = ()
    forward: Forward | None = None
    limits: CallerLimits | None = None


class RestAdapter(AdapterModel):
    """An exposed REST API."""

    kind: ClassVar[str] = "rest"
    spellings: ClassVar[tuple[str, ...]] = ("api", "http")
    called: ClassVar[str] = "a REST adapter"
    likely_keys: ClassVar[tuple[str, ...]] = ("paths", "resources", "operations")
    content: ClassVar[tuple[str, ...]] = ("resources", "paths", "operations")

    type: str = "rest"
    label: str | None = None
    max_binary_size: str | None = None
    input_parameters: NamedTuple[InputParameter] = ()
    limits: CallerLimits | None = None
    resources: NamedTuple[ExposedResource] = ()
