"""Read a unit's inputs from an HTTP request (SEMANTICS 3.4 to 3.6)."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from naftiko.engine.capability import Unit
from naftiko.expose.rest.conditions import CONDITIONS
from naftiko.expose.rest.inbound import OF_THE_BODY, InboundRequest
from naftiko.expose.rest.router import UndecodablePath, decoded
from naftiko.expose.rest.styled import read_cookie, read_header, read_query, read_segment
from naftiko.expression.content import Content
from naftiko.expression.path import placeholders
from naftiko.ground.errors import CallError, InputError, Problem
from naftiko.ground.media_types import FORM
from naftiko.ground.types import ABSENT
from naftiko.plan.inputs import Input

_BODYLESS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})


class InputReader:
    """Reads the inputs of one unit; made once, at start.

    Attributes:
        required: the names of the inputs that a request must give.
        header_names: the headers that matter to it, in lower case.
    """

    def __init__(self, unit: Unit) -> None:
        plan = unit.plan
        self._takes_nothing = not plan.inputs.inputs
        self._check = unit.checked
        names = placeholders_in_order(plan.route.path if plan.route is not None else "")
        self._path = [
            (at, found) for at, name in enumerate(names) if (found := _for_placeholder(name, plan.inputs.inputs))
        ]
        others = [found for found in plan.inputs.inputs if found.location not in {"path", "environment"}]
        self._query = [found for found in others if found.location == "query"]
        self._styled = [found for found in self._query if found.style is not None]
        self._headers = [found for found in others if found.location == "header"]
        self._cookies = [found for found in others if found.location == "cookie"]
        self._whole = [found for found in others if found.location == "body" and found.whole_body]
        self._fields = [found for found in others if found.location == "body" and not found.whole_body]
        self._may_be_body = all(found.or_body for found in self._fields)
        self._bodyless = plan.method in _BODYLESS
        self.needs_body = bool(self._whole or self._fields) or plan.passes_body
        self.needs_fields = bool(self._fields)
        self.passes_body = plan.passes_body
        self.header_names = frozenset(
            (
                *CONDITIONS,
                *(OF_THE_BODY if self.needs_body else ()),
                *((b"cookie",) if self._cookies else ()),
                *(found.wire_name.lower().encode("latin-1", "replace") for found in self._headers),
            )
        )
        self.required = frozenset(
            found.name for found in plan.inputs.inputs if found.required and found.location != "environment"
        )
        self._text = frozenset(
            found.name
            for found in plan.inputs.inputs
            if found.location in {"path", "query", "header", "cookie"}
            and not (found.style is not None and found.type == "array")  # cut already, at its own delimiter
        )

    def checked(self, request: InboundRequest) -> dict[str, Any]:
        """Return the inputs, checked.

        Raises:
            InputError: with every problem of the request; where the body is broken, of all but its fields.
            UnsupportedMediaType: fields are wanted of a body that has none.
        """
        if self._takes_nothing:
            return {}
        given = self._outside_of_the_body(request)
        if not self._whole and not self._fields:
            return self._check(given, text=self._text)
        try:
            text = self._read_body(request, given)
        except InputError as broken:
            problems = [*broken.problems]
            try:
                self._check(given, text=self._text)
            except InputError as others:
                problems += [problem for problem in others.problems if problem.location != "body"]
            raise InputError(problems) from None
        return self._check(given, text=text)

    def given(self, request: InboundRequest, *, body: bool | None = None) -> frozenset[str]:
        """Return the names of the inputs that a request gives, whatever their values are.

        Args:
            request: the request.
            body: where its body isn't read yet: whether it has one, which then may give all that can stand in it.
        """
        given: dict[str, Any] = {}
        with contextlib.suppress(CallError):  # it is told when the request is checked
            self._read_head(request, given)
            if body is None or not body:
                self._read_body(request, given)
        in_body = (*self._whole, *self._fields) if body else ()
        return frozenset(given) | {found.name for found in (*(found for _, found in self._path), *in_body)}

    def _outside_of_the_body(self, request: InboundRequest) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for at, found in self._path:
            try:
                text = request.values[at]
                given[found.name] = decoded(text) if found.style is None else read_segment(found, text)
            except UndecodablePath as error:
                raise InputError([Problem(found.shown, "path", f"`{found.shown}`: {error}", "UTF-8")]) from None
        self._read_head(request, given)
        return given

    def _read_head(self, request: InboundRequest, given: dict[str, Any]) -> None:
        if self._query:
            _read_query(self._query, request.query, given)
            for found in self._styled:
                styled = read_query(found, request)
                if styled is not ABSENT:
                    given[found.name] = styled
        for found in self._headers:
            value = request.headers.get(found.wire_name.lower())
            if value is not None:
                given[found.name] = value if found.type not in {"array", "object"} else read_header(found, value)
        if self._cookies:
            cookies = request.cookies()
            for found in self._cookies:
                cookie = read_cookie(found, cookies)
                if cookie is not ABSENT:
                    given[found.name] = cookie

    def _read_body(self, request: InboundRequest, given: dict[str, Any]) -> frozenset[str]:
        if not request.body and request.form is None:
            # A GET that calls a POST operation can't carry a body everywhere: its fields may stand in the query.
            if self._bodyless:
                _read_query([*self._whole, *self._fields], request.query, given)
            return self._text | {found.name for found in (*self._whole, *self._fields)}
        for found in self._whole:
            given[found.name] = request.whole()
        if self._fields:
            body = request.content() if self._may_be_body and not request.has_fields else request.json()
            for found in self._fields:
                value = _field(found, body, request)
                if value is not ABSENT:
                    given[found.name] = value
        if request.media_type == FORM or request.form is not None:
            return self._text | {found.name for found in self._fields}
        return self._text


def _field(found: Input, body: Any, request: InboundRequest) -> Any:
    """Return the value of an input of the body: a field of that name, or the whole body (SEMANTICS 3.5)."""
    if found.body_path is not None:
        return ABSENT if isinstance(body, Content) else found.body_path(body)
    if not isinstance(body, Mapping):
        if body is None and not found.or_body:
            return ABSENT
        return request.whole() if found.or_body and found.type == "string" and isinstance(body, list) else body
    for name in (found.shown, found.alias):
        if name in body:
            return body[name]
    if not found.or_body:
        return ABSENT
    if found.type in {None, "object"}:
        return body
    # A text may be any body: where that is an object it goes on as it came (SEMANTICS 4.3).
    return request.whole() if found.type == "string" else ABSENT


def _read_query(inputs: Sequence[Input], query: Mapping[str, list[str]], given: dict[str, Any]) -> None:
    for found in inputs:
        values = query.get(found.wire_name) or query.get(found.alias) or query.get(f"{found.wire_name}[]")
        if values is not None:
            given[found.name] = values if len(values) > 1 or found.type == "array" else values[0]


def placeholders_in_order(path: str) -> tuple[str, ...]:
    """Return a path's placeholders in order; one that stands twice is there twice."""
    found: list[str] = []
    for segment in path.split("/"):
        found.extend(placeholders(segment))
    return tuple(found)


def _for_placeholder(name: str, inputs: Sequence[Input]) -> Input | None:
    return next((found for found in inputs if found.location == "path" and found.wire_name == name), None)
