"""The inputs of ``naftiko call``: ``name=text``, ``name:=json``, ``name=@file``, ``name:=@file``."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from naftiko.engine.capability import Unit
from naftiko.expression.content import Content
from naftiko.expression.text import as_text, compact_json, whole_characters
from naftiko.ground import jsontext
from naftiko.ground.media_types import BYTES

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
    for argument in map(_parsed, given):
        name = argument.name
        found = unit.plan.inputs.find(name)
        if name == "body" and passes_body:
            parsed.body = argument.content(_JSON)
        elif argument.is_json:
            parsed.values[name] = argument.json()
            parsed.text.discard(name)
        elif found is not None and found.is_base64:
            parsed.values[name] = argument.text() if argument.file is None else argument.content(BYTES)
        else:
            _add_text(parsed, name, argument.text())
    return parsed


def text_arguments(given: Iterable[str]) -> dict[str, str]:
    """Read arguments that are text whatever they look like, as those of a prompt.

    Raises:
        click.UsageError: one is not of a known form, or its file can't be read.
    """
    parsed = map(_parsed, given)
    return {each.name: as_text(each.json()) if each.is_json else each.text() for each in parsed}


@dataclass(frozen=True, slots=True)
class _Argument:
    """One argument: a value that stands there, or a file's."""

    name: str
    value: str
    is_json: bool
    file: Path | None

    def content(self, media_type: str) -> Content:
        """Return it as bytes: a file's own, of the media type that its name says, or a value of this one."""
        if self.file is not None and not self.is_json:
            media_type = mimetypes.guess_type(self.file.name)[0] or media_type
            return Content(self._bytes(self.file), media_type, self.file.name)
        text = compact_json(self.json()) if self.is_json else self.value
        return Content(text.encode(), media_type)

    def json(self) -> Any:
        try:
            return whole_characters(jsontext.read(self.text()))
        except ValueError as error:
            raise click.UsageError(f"the value of `{self.name}:=` is no JSON: {error}") from error

    def text(self) -> str:
        if self.file is None:
            return self.value
        try:
            return self._bytes(self.file).decode("utf-8")
        except UnicodeDecodeError as error:
            raise click.UsageError(f"the file of `{self.name}`, {self.file}: it is not UTF-8") from error

    def _bytes(self, file: Path) -> bytes:
        try:
            return file.read_bytes()
        except OSError as error:
            reason = (error.strerror or "can not be read").lower()
            raise click.UsageError(f"the file of `{self.name}`, {file}: {reason}") from error


def _parsed(argument: str) -> _Argument:
    # What is no UTF-8 on the command line comes as halves of surrogate pairs.
    name, equals, value = whole_characters(argument).partition("=")
    bare = name.removesuffix(":").strip()
    if not equals or not bare:
        raise click.UsageError(f"`{argument}` is no input; write name=value, name:=json or name=@file")
    return _Argument(bare, value, name.endswith(":"), Path(value[1:]) if value.startswith("@") else None)


def _add_text(parsed: Arguments, name: str, value: str) -> None:
    """A name that stands again makes a list, as a repeated key of a query does."""
    if name not in parsed.text:
        parsed.values[name] = value
    elif isinstance(parsed.values[name], list):
        parsed.values[name].append(value)
    else:
        parsed.values[name] = [parsed.values[name], value]
    parsed.text.add(name)
