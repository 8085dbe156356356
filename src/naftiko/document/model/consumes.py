"""Consumed APIs."""

from __future__ import annotations

from typing import Any, Final

from pydantic import Field

from naftiko.document.model.authentication import AnyAuthentication
from naftiko.document.model.base import Model, NamedTuple
from naftiko.document.model.body import RequestBody
from naftiko.document.model.parameters import InputParameter, OutputParameter

_TABLES: Final = ("csv", "tsv", "psv")
RAW_FORMATS: Final = ("json", "xml", *_TABLES, "yaml", "html", "markdown", "avro", "protobuf", "text", "binary")
"""What ``outputRawFormat`` may be, in lower case; the first is what it is where nothing is said (SEMANTICS 5.1)."""


class ConsumedOperation(Model):
    """An HTTP operation of the consumed API."""

    name: str | None = None
    label: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    method: str | None = None
    path: str | None = None
    input_parameters: NamedTuple[InputParameter] = ()
    body: RequestBody | None = None
    output_raw_format: str | None = None
    output_schema: str | None = None
    output_media_type: str | None = None
    max_binary_size: str | None = None
    output_parameters: NamedTuple[OutputParameter] = ()


class ConsumedResource(Model):
    """A path of the consumed API with its operations."""

    name: str | None = None
    label: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    path: str | None = None
    input_parameters: NamedTuple[InputParameter] = ()
    operations: NamedTuple[ConsumedOperation] = ()


class Tunnel(Model):
    """An overlay network to dial through; known to the language, not to this runtime."""

    type: str | None = None
    service: str | None = None
    identity: str | None = None
    fallback: str | None = None


class ConsumesHttp(Model):
    """A consumed HTTP API. ``headers`` is a map of constant headers that some files have."""

    type: str = "http"
    namespace: str | None = None
    label: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    base_uri: str | None = None
    input_parameters: NamedTuple[InputParameter] = ()
    headers: dict[str, str] = Field(default_factory=dict)
    authentication: AnyAuthentication | None = None
    tunnel: Tunnel | None = None
    resources: NamedTuple[ConsumedResource] = ()
    binding: Any = None
