"""Read a unit's inputs from an HTTP request (SEMANTICS 3.4 to 3.6)."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request, cookie_parser

from naftiko import jsontext
from naftiko.engine.capability import Unit
from naftiko.errors import CallError, InputError, Problem
from naftiko.expose.incoming_json import whole_json
from naftiko.expose.rest.router import UndecodablePath, decoded
from naftiko.plan.content import Content
from naftiko.plan.inputs import Input
from naftiko.plan.path import placeholders
from naftiko.types import ABSENT

_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
_BODYLESS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})
MAX_FIELDS = 1000


class TooLarge(CallError):
    """The request's body is larger than the limit."""

    status = 413
    kind = "body-too-large"
    title = "The request is too large"


class UnsupportedMediaType(CallError):
    """The body's media type can't give what the unit needs."""

    status = 415
    kind = "unsupported-media-type"
    title = "The media type is not supported"


@dataclass(slots=True)
class InboundRequest:
    """An HTTP request, its body read.

    Attributes:
        query_string: still percent-encoded.
        values: the raw texts of the route's placeholders, in order.
        headers: by name in lower case; several of a name are joined by commas (RFC 9110 chapter 5.3).
    """

    method: str
    query_string: str
    values: tuple[str, ...]
    headers: Mapping[str, str]
    body: bytes
    form: Mapping[str, Any] | None = None
    _query: dict[str, list[str]] | None = field(default=None)
    _parsed: Any = field(default=ABSENT)

    @property
    def media_type(self) -> str:
        """The body's media type without parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def query(self) -> dict[str, list[str]]:
        """The query's values by name.

        Raises:
            InputError: it has too many.
        """
        if self._query is None:
            self._query = {}
            if self.query_string:
                for name, value in _pairs(self.query_string, "query"):
                    self._query.setdefault(name, []).append(value)
        return self._query

    def cookies(self) -> dict[str, str]:
        """The cookies by name; what is broken in the header hides no other cookie."""
        return cookie_parser(self.headers.get("cookie", ""))

    def content(self) -> Content | None:
        """The body as it came, or ``None``."""
        if not self.body:
            return None
        return Content(self.body, self.headers.get("content-type") or "application/octet-stream")

    def json(self) -> Any:
        """The decoded body: JSON, or the fields of a form; ABSENT for none.

        Raises:
            InputError: it is broken JSON.
            UnsupportedMediaType: it is neither.
        """
        if self._parsed is ABSENT and (self.body or self.form is not None):
            self._parsed = self._decode()
        return self._parsed

    def _decode(self) -> Any:
        if self.form is not None:
            return self.form
        kind = self.media_type
        if kind == _FORM:
            fields: dict[str, Any] = {}
            for name, value in _pairs(self.body.decode("utf-8", "replace"), "body"):
                known = fields.get(name)
                fields[name] = value if known is None else [*(known if isinstance(known, list) else [known]), value]
            return fields
        if self.is_json:
            return parse_json(self.body)
        raise UnsupportedMediaType(
            f"a body of type {kind} has no fields", hint="send JSON (Content-Type: application/json) or a form"
        )

    @property
    def is_json(self) -> bool:
        """Whether the body says that it is JSON, or says nothing."""
        kind = self.media_type
        return kind in {"", "application/json", "text/json"} or kind.endswith("+json")


def _pairs(text: str, location: str) -> list[tuple[str, str]]:
    """Return the pairs of a query or a form, decoded.

    Raises:
        InputError: there are too many.
    """
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        message = f"the {location} has more than {MAX_FIELDS} parameters"
        raise InputError([Problem(location, location, message, f"at most {MAX_FIELDS}")]) from None


def parse_json(body: bytes) -> Any:
    """Return the value of a JSON body.

    Raises:
        InputError: it is broken, and where.
    """
    try:
        return jsontext.read(whole_json(body))
    except ValueError as error:
        raise InputError([Problem("body", "body", f"the body is no JSON: {error}", "JSON")]) from None


class InputReader:
    """Reads the inputs of one unit; made once, at start.

    Attributes:
        required: the names of the inputs that a request must give.
    """

    def __init__(self, unit: Unit) -> None:
        plan = unit.plan
        self._check = unit.checked
        names = placeholders_in_order(plan.route.path if plan.route is not None else "")
        self._path = [
            (at, found) for at, name in enumerate(names) if (found := _for_placeholder(name, plan.inputs.inputs))
        ]
        others = [found for found in plan.inputs.inputs if found.location not in {"path", "environment"}]
        self._query = [found for found in others if found.location == "query"]
        self._headers = [found for found in others if found.location == "header"]
        self._cookies = [found for found in others if found.location == "cookie"]
        self._whole = [found for found in others if found.location == "body" and found.whole_body]
        self._fields = [found for found in others if found.location == "body" and not found.whole_body]
        self._bodyless = plan.method in _BODYLESS
        self.needs_body = bool(self._whole or self._fields) or plan.passes_body
        self.needs_form = bool(self._fields)
        self.passes_body = plan.passes_body
        self.required = frozenset(
            found.name for found in plan.inputs.inputs if found.required and found.location != "environment"
        )
        self._text = frozenset(
            found.name for found in plan.inputs.inputs if found.location in {"path", "query", "header", "cookie"}
        )

    def checked(self, request: InboundRequest) -> dict[str, Any]:
        """Return the inputs, checked.

        Raises:
            InputError: with every problem of the request; where the body is broken, of all but its fields.
            UnsupportedMediaType: fields are wanted of a body that has none.
        """
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
                given[found.name] = decoded(request.values[at])
            except UndecodablePath as error:
                raise InputError([Problem(found.name, "path", f"`{found.name}`: {error}", "UTF-8")]) from None
        self._read_head(request, given)
        return given

    def _read_head(self, request: InboundRequest, given: dict[str, Any]) -> None:
        if self._query:
            _read_query(self._query, request.query, given)
        for found in self._headers:
            value = request.headers.get(found.wire_name.lower())
            if value is not None:
                given[found.name] = value
        if self._cookies:
            cookies = request.cookies()
            given.update(
                {found.name: cookies[found.wire_name] for found in self._cookies if found.wire_name in cookies}
            )

    def _read_body(self, request: InboundRequest, given: dict[str, Any]) -> frozenset[str]:
        if not request.body and request.form is None:
            # A GET that calls a POST operation can't carry a body everywhere: its fields may stand in the query.
            if self._bodyless:
                _read_query([*self._whole, *self._fields], request.query, given)
            return self._text | {found.name for found in (*self._whole, *self._fields)}
        for found in self._whole:
            given[found.name] = _whole_body(request)
        for found in self._fields:
            value = _field(found, request.json())
            if value is not ABSENT:
                given[found.name] = value
        if request.media_type == _FORM or request.form is not None:
            return self._text | {found.name for found in self._fields}
        return self._text


def _whole_body(request: InboundRequest) -> Any:
    """The whole body: bytes as they came, checked if they say that they are JSON."""
    if request.is_json:
        parse_json(request.body)
        return Content(request.body, "application/json")
    return request.content()


def _field(found: Input, body: Any) -> Any:
    """A declared body input: a field of that name, or the whole body (SEMANTICS 3.5)."""
    if found.body_path is not None:
        return found.body_path(body)
    if not isinstance(body, Mapping):
        return body
    if found.name in body:
        return body[found.name]
    if found.alias in body:
        return body[found.alias]
    return body if found.name == "body" else ABSENT


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


async def read_form(scope: Mapping[str, Any], body: bytes) -> dict[str, Any]:
    """Return the fields of a multipart body: texts, and files as ``Content``.

    Raises:
        InputError: it is broken.
    """

    async def replay() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    request = Request(dict(scope), replay)
    try:
        async with request.form(max_files=MAX_FIELDS, max_fields=MAX_FIELDS) as form:
            fields: dict[str, Any] = {}
            for name, value in form.multi_items():
                read = await _form_value(value)
                known = fields.get(name)
                fields[name] = read if known is None else [*(known if isinstance(known, list) else [known]), read]
            return fields
    except (MultiPartException, KeyError, ValueError) as error:
        raise InputError([Problem("body", "body", "the multipart body is broken", "multipart/form-data")]) from error


async def _form_value(value: UploadFile | str) -> Any:
    if isinstance(value, UploadFile):
        return Content(await value.read(), value.content_type or "application/octet-stream", value.filename or "")
    return value


def is_multipart(headers: Mapping[str, str]) -> bool:
    """Tell a multipart body."""
    return headers.get("content-type", "").partition(";")[0].strip().lower() == _MULTIPART
