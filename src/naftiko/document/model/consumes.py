"""Consumed APIs, their operations and request bodies."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field

from naftiko.document.model.authentication import AnyAuthentication
from naftiko.document.model.base import Canonical, Model, NamedTuple
from naftiko.document.model.certificates import CertificateAuthentication
from naftiko.document.model.pagination import Pagination
from naftiko.document.model.parameters import InputParameter, OutputParameter
from naftiko.document.model.resilience import Resilience
from naftiko.document.model.streams import Collect


class MultipartPart(Model):
    """One part of a ``multipartForm`` body (RFC 7578)."""

    name: str | None = None
    value: str | None = None
    filename: str | None = None
    content_type: str | None = None


class RequestBody(Model):
    """A body block.

    Attributes:
        type: ``json``, ``text``, ``xml``, ``sparql``, ``formUrlEncoded``, ``multipartForm``, a media type, or ``raw``
            for a block that is one string.
        data: maps, lists and text with placeholders.
        has_data: whether ``data`` stands in the file; a block without it declares a body, no more.
        parts: the parts of ``multipartForm``.
    """

    type: str = "json"
    data: Any = None
    has_data: Annotated[bool, Canonical()] = False
    parts: Annotated[tuple[MultipartPart, ...], Canonical()] = ()


_TABLES: Final = ("csv", "tsv", "psv")
_STREAMS: Final = ("sse", "ndjson", "jsonl", "json-seq")
RAW_FORMATS: Final = (
    *("json", "xml", *_TABLES, "yaml", "html", "markdown", "avro", "protobuf", "text", "binary"),
    *_STREAMS,
)
"""What ``outputRawFormat`` may be, in lower case; the first is what it is where nothing is said (SEMANTICS 5.1)."""


class ConsumedOperation(Model):
    """An operation of the consumed API.

    Attributes:
        protocol: ``http``, or ``websocket`` for one that opens a stream at its URL (docs/streams.md).
    """

    name: str | None = None
    label: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    method: str | None = None
    protocol: str | None = None
    path: str | None = None
    input_parameters: NamedTuple[InputParameter] = ()
    body: RequestBody | None = None
    output_raw_format: str | None = None
    output_schema: str | None = None
    output_media_type: str | None = None
    max_binary_size: str | None = None
    redact: tuple[str, ...] = ()
    output_parameters: NamedTuple[OutputParameter] = ()
    resiliency: Resilience | None = None
    pagination: Pagination | None = None
    collect: Collect | None = None


class ConsumedResource(Model):
    """A path of the consumed API with its operations."""

    name: str | None = None
    label: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    path: str | None = None
    input_parameters: NamedTuple[InputParameter] = ()
    operations: NamedTuple[ConsumedOperation] = ()
    resiliency: Resilience | None = None
    pagination: Pagination | None = None


class Tunnel(Model):
    """An overlay network to dial through; known to the language, not to this runtime."""

    type: str | None = None
    service: str | None = None
    identity: str | None = None
    fallback: str | None = None


class ConsumesHttp(Model):
    """A consumed HTTP API. ``headers`` is a map of constant headers that some files have.

    Attributes:
        tls: whom its TLS shows and trusts, beside its authentication.
    """

    type: str = "http"
    namespace: str | None = None
    label: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    base_uri: str | None = None
    input_parameters: NamedTuple[InputParameter] = ()
    headers: dict[str, str] = Field(default_factory=dict)
    authentication: AnyAuthentication | None = None
    tls: CertificateAuthentication | None = None
    tunnel: Tunnel | None = None
    resources: NamedTuple[ConsumedResource] = ()
    resiliency: Resilience | None = None
    pagination: Pagination | None = None
    binding: Any = None


class ConsumesWebSocket(ConsumesHttp):
    """A consumed API whose operations are streams of messages; its base URI may be ``wss://`` or ``https://``."""

    type: str = "websocket"
