"""Aggregates: functions that exposed units share (SEMANTICS 5.7)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from naftiko.document.model.base import Model, NamedTuple
from naftiko.document.model.parameters import InputParameter, OutputParameter
from naftiko.document.model.steps import Mapping, Steps


class Semantics(Model):
    """What calling a function does to the world (RFC 9110 chapter 9.2)."""

    safe: bool | None = None
    idempotent: bool | None = None
    cacheable: bool | None = None


class AggregateFunction(Model):
    """A function; ``ref: namespace.name`` gives it to a unit."""

    name: str | None = None
    label: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    semantics: Semantics | None = None
    input_parameters: NamedTuple[InputParameter] = ()
    call: str | None = None
    with_: dict[str, Any] = Field(default_factory=dict)
    steps: Steps = ()
    mappings: tuple[Mapping, ...] = ()
    output_parameters: NamedTuple[OutputParameter] = ()
    output_media_type: str | None = None
    redact: tuple[str, ...] = ()


class Aggregate(Model):
    """A named set of functions."""

    namespace: str | None = None
    label: str | None = None
    description: str | None = None
    functions: NamedTuple[AggregateFunction] = ()
