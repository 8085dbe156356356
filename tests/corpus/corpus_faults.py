"""Faults that the product could have, to be put into it: a run over capability files must see each of them.

Each one is named by what is wrong then. They change the product from within, as a slip in its code would, so they know
some of its inner names; where one of those goes, its fault needs another place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from typing import Any

import httpx
import pytest

import naftiko
from naftiko.engine import request
from naftiko.engine.answer import Answer
from naftiko.engine.capability import Capability, Unit
from naftiko.engine.request import Draft
from naftiko.engine.upstream import Upstream
from naftiko.expose.mcp import tool
from naftiko.expose.mcp.schemas import OutputShape
from naftiko.expose.rest.reading import InputReader
from naftiko.ground.types import ABSENT
from naftiko.plan.inputs import InputSet
from naftiko.plan.outputs import Outputs

Fault = Callable[[pytest.MonkeyPatch], None]
FAULTS: dict[str, Fault] = {}


def fault(made: Fault) -> Fault:
    """Keep a fault under its name."""
    FAULTS[made.__name__] = made
    return made


def on_load(patch: pytest.MonkeyPatch, change: Callable[[Capability], None]) -> None:
    """Change every capability that is loaded."""
    load = naftiko.load

    def changed(*args: Any, **kwargs: Any) -> Capability:
        capability = load(*args, **kwargs)
        change(capability)
        return capability

    patch.setattr(naftiko, "load", changed)


def on_inputs(patch: pytest.MonkeyPatch, **change: Any) -> None:
    """Change what all units say of their inputs, and what they do with them."""
    make = InputSet.__init__

    def changed(made: InputSet, inputs: Any, *args: Any, **kwargs: Any) -> None:
        make(made, tuple(replace(one, **change) for one in inputs), *args, **kwargs)

    patch.setattr(InputSet, "__init__", changed)


@fault
def every_seventh_unit_is_lost(patch):
    numbers = count(1)

    def lose(capability):
        lost = {id(unit) for unit in capability.units if next(numbers) % 7 == 0}
        capability.units = tuple(unit for unit in capability.units if id(unit) not in lost)
        for adapter in capability.adapters:
            adapter.units = tuple(unit for unit in adapter.units if id(unit) not in lost)

    on_load(patch, lose)


@fault
def every_seventh_unit_is_not_executable(patch):
    numbers = count(1)

    def stop(capability):
        for unit in capability.units:
            if next(numbers) % 7 == 0:
                unit.plan = replace(unit.plan, action=None, reason="it is not")

    on_load(patch, stop)


@fault
def units_do_the_work_of_their_neighbours(patch):
    def move(capability):
        actions = [unit.plan.action for unit in capability.units]
        for unit, action in zip(capability.units, [*actions[1:], *actions[:1]], strict=True):
            unit.plan = replace(unit.plan, action=action)

    on_load(patch, move)


@fault
def tools_are_not_listed(patch):
    patch.setattr(tool, "tools_of", lambda source, options: ())
    patch.setattr("naftiko.expose.mcp.tools.tools_of", lambda source, options: ())


def reading(patch: pytest.MonkeyPatch, change: Callable[[Any], None]) -> None:
    """Change how a route reads its inputs."""
    make = InputReader.__init__

    def changed(made: InputReader, unit: Unit) -> None:
        make(made, unit)
        change(made)

    patch.setattr(InputReader, "__init__", changed)


@fault
def headers_are_read_from_the_query(patch):
    def change(reader):
        reader._query, reader._headers = [*reader._query, *reader._headers], []

    reading(patch, change)


@fault
def a_query_is_read_from_the_headers(patch):
    def change(reader):
        reader._query, reader._headers = [], [*reader._headers, *reader._query]

    reading(patch, change)


@fault
def bodies_are_not_read(patch):
    def change(reader):
        reader._whole, reader._fields, reader.passes_body = [], [], False

    reading(patch, change)


@fault
def no_input_is_said_to_be_required(patch):
    on_inputs(patch, required=False)


@fault
def every_input_is_required(patch):
    on_inputs(patch, required=True)


@fault
def every_input_is_a_text(patch):
    on_inputs(patch, type="string")


@fault
def no_input_has_a_description(patch):
    on_inputs(patch, description=None)


@fault
def tools_answer_with_text_alone(patch):
    patch.setattr(OutputShape, "structured", lambda shape, value, *, modern: ABSENT)


@fault
def every_input_is_in_the_query(patch):
    on_inputs(patch, location="query")


@fault
def required_inputs_may_be_left_out(patch):
    make = InputSet.__init__

    def changed(made, *args, **kwargs):
        make(made, *args, **kwargs)
        made._required = ()

    patch.setattr(InputSet, "__init__", changed)
    patch.setattr(request, "without_values", lambda *args, **kwargs: None)


@fault
def tools_list_says_nothing_of_required(patch):
    shown = tool.input_schema
    patch.setattr(tool, "input_schema", lambda plan: {**shown(plan), "required": []})


@fault
def absent_inputs_are_sent_as_null(patch):
    drafted = Upstream.draft

    def changed(upstream, call, arguments, *args, **kwargs):
        names = [parameter.name for parameter in call.operation.parameters]
        return drafted(upstream, call, {**dict.fromkeys(names, "null"), **arguments}, *args, **kwargs)

    patch.setattr(Upstream, "draft", changed)


@fault
def all_outputs_are_null(patch):
    patch.setattr(Outputs, "build", lambda outputs, document, scope: None)


@fault
def answers_as_they_are_are_null(patch):
    patch.setattr(Answer, "content", property(lambda answer: b"null"))
    patch.setattr(Answer, "sent", property(lambda answer: b"null"))
    patch.setattr(Answer, "value", property(lambda answer: None))


@fault
def every_answer_is_a_failure(patch):
    make = Answer.__init__

    def changed(made, *args, **kwargs):
        make(made, *args, **kwargs)
        made.status = 418

    patch.setattr(Answer, "__init__", changed)


def drafting(patch: pytest.MonkeyPatch, change: Callable[[Draft], None]) -> None:
    """Change every request before it is made."""
    make = Draft.make

    def changed(draft: Draft) -> httpx.Request:
        change(draft)
        return make(draft)

    patch.setattr(Draft, "make", changed)


@fault
def a_request_loses_its_query(patch):
    drafting(patch, lambda draft: draft.query.clear())


@fault
def a_request_loses_its_body(patch):
    drafting(patch, lambda draft: setattr(draft, "body", None))


@fault
def a_request_loses_its_headers(patch):
    drafting(patch, lambda draft: draft.headers.clear())


@fault
def a_request_loses_the_end_of_its_path(patch):
    drafting(patch, lambda draft: setattr(draft, "url", draft.url.rpartition("/")[0]))


@fault
def a_get_is_a_post(patch):
    drafting(patch, lambda draft: setattr(draft, "method", "POST" if draft.method == "GET" else draft.method))


@fault
def credentials_are_not_sent(patch):
    async def nothing(upstream, made, mapped=(), *, replace=False):
        return False

    patch.setattr(Upstream, "authorize", nothing)


@fault
def numbers_lose_their_digits(patch):
    check = InputSet.check

    def rounded(inputs: InputSet, given: Mapping[str, Any], **kwargs: Any) -> dict[str, Any]:
        values: dict[str, Any] = check(inputs, given, **kwargs)
        types = {one.name: one.type for one in inputs.inputs}
        return {
            name: float(str(value)) if types.get(name) in {"number", "integer"} and value is not None else value
            for name, value in values.items()
        }

    patch.setattr(InputSet, "check", rounded)
