"""Input and output parameters, of consumed and exposed operations, tools, functions and resources."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, SkipValidation

from naftiko.document.model.base import Canonical, Model, NamedTuple


class InputParameter(Model):
    """A declared input.

    Attributes:
        location: ``query``, ``header``, ``path``, ``cookie``, ``body`` or ``environment`` (``in``).
        type: the JSON type; a list such as ``[array, null]`` is its first type with ``nullable`` set.
        value: a constant, a template, or a JSONPath on the body (``$.a.b``).
        structure: a ``value`` that is a map or a list; its strings are templates.
        style: how an array or an object is written, with ``explode`` and ``allow_reserved`` (OpenAPI 3).
        required_properties: the names in a ``required`` list, as JSON Schema writes it.
    """

    name: str | None = None
    location: str | None = Field(default=None, alias="in")
    type: str | None = None
    nullable: bool = False
    label: str | None = None
    description: str | None = None
    required: bool | None = None
    value: str | None = None
    structure: Annotated[Any, Canonical()] = None
    template: str | None = None
    const: Any = None
    default: Any = None
    example: Any = None
    enum: list[Any] | None = None
    pattern: str | None = None
    format: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    minimum: Annotated[float | None, SkipValidation] = None  # pydantic would make a double of it
    maximum: Annotated[float | None, SkipValidation] = None
    mapping: str | None = None
    selector: str | None = None
    style: str | None = None
    explode: bool | None = None
    allow_reserved: bool | None = None
    precision: int | None = None
    scale: int | None = None
    content_encoding: str | None = None
    content_compression: str | None = None
    content_media_type: str | None = None
    tags: tuple[str, ...] = ()
    items: InputParameter | None = None
    properties: NamedTuple[InputParameter] = ()
    required_properties: Annotated[tuple[str, ...], Canonical()] = ()


class OutputParameter(Model):
    """A declared output: consumed (``value`` is a JSONPath), mapped, orchestrated or mocked.

    Attributes:
        mapping: a JSONPath on the context.
        value: a template, or a JSONPath when it starts with ``$``.
        structure: a ``value`` that is a map or a list; its strings are templates.
        const: a constant of any type.
        values: what each value of an object with free keys is mapped to.
    """

    name: str | None = None
    type: str | None = None
    nullable: bool = False
    label: str | None = None
    description: str | None = None
    mapping: str | None = None
    value: str | None = None
    structure: Annotated[Any, Canonical()] = None
    const: Any = None
    has_const: Annotated[bool, Canonical()] = False
    default: Any = None
    example: Any = None
    enum: list[Any] | None = None
    format: str | None = None
    pattern: str | None = None
    required: bool | None = None
    max_length: int | None = None
    selector: str | None = None
    precision: int | None = None
    scale: int | None = None
    content_encoding: str | None = None
    content_compression: str | None = None
    content_media_type: str | None = None
    location: str | None = Field(default=None, alias="in")
    tags: tuple[str, ...] = ()
    items: OutputParameter | None = None
    properties: NamedTuple[OutputParameter] = ()
    values: OutputParameter | None = None
    required_properties: Annotated[tuple[str, ...], Canonical()] = ()
