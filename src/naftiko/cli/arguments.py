"""The inputs of ``naftiko call``: ``name=text``, ``name:=json``, ``name=@file``, ``name:=@file``."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from naftiko import jsontext
from naftiko.engine.capability import Unit
from naftiko.plan.content import Content
from naftiko.plan.text import compact_json, whole_characters

_JSON = "application/json"


@dataclass(slots=True)
class Arguments:
    """What was given.

    Attributes:
        values: by name, a name that stands several times has a list.
        text: the names whose values are text, to be read as the declared type.
        body: what is passed on as the body, where the operation declares none.
    """

    values: dict[str, Any] = field(default_factory=dict)
    text: set[str] = field(default_factory=set)
    body: Content | None = None


def parse_arguments(given: Iterable[str], unit: Unit) -> Arguments:
    """Read the inputs of a call.

    Raises:
        click.UsageError: one is not of a known form, is no JSON, or its file can't be read.
    """
    parsed = Arguments()
    passes_body = unit.plan.passes_body and unit.plan.inputs.find("body") is None
    for argument in given:
        name, value, is_text, media_type = _parse(argument)
        if name == "body" and passes_body:
            parsed.body = _content(value, media_type)
        elif is_text:
            _add_text(parsed, name, value)
        else:
            parsed.values[name] = value
            parsed.text.discard(name)
    return parsed


def text_arguments(given: Iterable[str]) -> dict[str, str]:
    """Read arguments that are text whatever they look like, as those of a prompt.

    Raises:
        click.UsageError: one is not of a known form, or its file can't be read.
    """
    parsed = (_parse(argument) for argument in given)
    return {name: value if isinstance(value, str) else compact_json(value) for name, value, _, _ in parsed}


def _parse(argument: str) -> tuple[str, Any, bool, str]:
    """Return an argument's name, its value, whether that is text, and its media type as a body."""
    # What is no UTF-8 on the command line comes as halves of surrogate pairs.
    name, equals, value = whole_characters(argument).partition("=")
    is_json = name.endswith(":")
    name = name.removesuffix(":").strip()
    if not equals or not name:
        raise click.UsageError(f"`{argument}` is no input; write name=value, name:=json or name=@file")
    media_type = _JSON
    if value.startswith("@"):
        path = Path(value[1:])
        value = _read(path, name)
        media_type = mimetypes.guess_type(path.name)[0] or _JSON
    if not is_json:
        return name, value, True, media_type
    try:
        return name, whole_characters(jsontext.read(value)), False, _JSON
    except ValueError as error:
        raise click.UsageError(f"the value of `{name}:=` is no JSON: {error}") from error


def _read(path: Path, name: str) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        reason = (error.strerror or "can not be read").lower()
        raise click.UsageError(f"the file of `{name}`, {path}: {reason}") from error
    except UnicodeDecodeError as error:
        raise click.UsageError(f"the file of `{name}`, {path}: it is not UTF-8") from error


def _content(value: Any, media_type: str) -> Content:
    text = value if isinstance(value, str) else compact_json(value)
    return Content(text.encode(), media_type)


def _add_text(parsed: Arguments, name: str, value: str) -> None:
    """A name that stands again makes a list, as a repeated key of a query does."""
    if name not in parsed.text:
        parsed.values[name] = value
    elif isinstance(parsed.values[name], list):
        parsed.values[name].append(value)
    else:
        parsed.values[name] = [parsed.values[name], value]
    parsed.text.add(name)
