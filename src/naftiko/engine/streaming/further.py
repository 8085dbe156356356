"""Messages that a caller sends over a WebSocket that is open already, as input of a command (docs/streams.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from naftiko.engine.request import frame_of
from naftiko.expression.scope import Scope, Variables
from naftiko.ground import jsontext
from naftiko.ground.errors import InputError, Problem
from naftiko.ground.types import ABSENT
from naftiko.plan.actions import Call
from naftiko.plan.bindings import arguments_of
from naftiko.plan.inputs import InputSet


class Further:
    """Makes the further messages of one stream: each has inputs of the unit, and becomes what the first one would be.

    Args:
        inputs: of the unit; none of them is required any more.
        call: what the unit calls.
        variables: the values from outside.
    """

    def __init__(self, inputs: InputSet, call: Call, variables: Variables) -> None:
        given = (replace(each, required=False, default=ABSENT) for each in inputs.inputs)
        self._inputs = InputSet(given)
        self._call = call
        self._variables = variables

    def made(self, message: bytes) -> bytes:
        """Return what goes upstream for a caller's message, ``b""`` for nothing.

        Raises:
            InputError: it is no object of inputs.
        """
        try:
            value = jsontext.read(message)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise InputError([Problem("", "body", "a message is a JSON object with inputs", "an object")])
        inputs = self._inputs.check(dict(self._named(value)))
        arguments = arguments_of(self._call.arguments, Scope(inputs, self._variables))
        body = frame_of(self._call, Scope(arguments, self._variables))
        return b"" if body is None else body.data

    def _named(self, value: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
        """Return inputs by their names; an object that is none holds others, whose names are dotted."""
        found: list[tuple[str, Any]] = []
        for key, inner in value.items():
            name = f"{before}{key}"
            if isinstance(inner, dict) and self._inputs.find(name) is None:
                found += self._named(inner, f"{name}.")
            else:
                found.append((name, inner))
        return found
