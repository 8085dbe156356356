"""An HTTP request as REST callers send it, its body read (SEMANTICS 3.5 and 3.6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from naftiko.engine.process_pool import is_heavy
from naftiko.engine.transport.content_coding import DecodedTooLargeError, NotDecodableError, decoded
from naftiko.expose.http.bodies import whole_json
from naftiko.expression.content import Content
from naftiko.ground import jsontext, media_types
from naftiko.ground.errors import CallError, InputError, Problem
from naftiko.ground.media_types import FORM, MULTIPART
from naftiko.ground.types import ABSENT

_COOKIES: Final = SimpleCookie()
"""Reads values in quotes."""
MAX_FIELDS = 1000
OF_THE_BODY: Final = frozenset({b"content-encoding", b"content-length", b"content-type", b"transfer-encoding"})
"""The headers that say what a body is."""


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
        return media_types.bare(self.headers.get("content-type", ""))

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

    def cookies(self) -> dict[str, list[str]]:
        """The cookies by name, those of one name in their order; what is broken in the header hides no other cookie."""
        found: dict[str, list[str]] = {}
        for pair in self.headers.get("cookie", "").split(";"):
            name, equals, value = pair.partition("=")
            name, value = (name.strip(), value.strip()) if equals else ("", name.strip())  # as browsers read it
            if name or value:
                found.setdefault(name, []).append(_COOKIES.value_decode(value)[0])
        return found

    def content(self) -> Content | None:
        """The body as it came, in its coding, or ``None``; what a JSON text may not have is mended."""
        if not self.body:
            return None
        coding = self.headers.get("content-encoding", "")
        media_type = self.headers.get("content-type") or media_types.BYTES
        mended = not coding and self.media_type and self.is_json
        return Content(whole_json(self.body) if mended else self.body, media_type, coding=coding)

    def whole(self) -> Content | None:
        """The body as it came, checked if it says that it is JSON, or says nothing.

        Raises:
            InputError: it is broken JSON.
        """
        if not self.is_json or "content-encoding" in self.headers:
            return self.content()
        parse_json(self.body)
        return Content(whole_json(self.body), self.headers.get("content-type") or "application/json")

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
        if kind == FORM:
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
    def is_heavy(self) -> bool:
        """Whether it is better read elsewhere: its fields, or its JSON; other bytes are passed on as they are."""
        if self.headers.get("content-encoding") and self.has_coded_fields:
            return True
        if self.is_json:
            return is_heavy(self.body, "json")
        return self.media_type in {FORM, MULTIPART} and is_heavy(self.body, "form")

    @property
    def has_coded_fields(self) -> bool:
        """Whether the body, once it is without its content coding, may have fields."""
        return self.is_json or self.media_type in {FORM, MULTIPART}

    @property
    def is_json(self) -> bool:
        """Whether the body says that it is JSON, or says nothing."""
        return not self.media_type or media_types.is_json(self.media_type)

    @property
    def has_fields(self) -> bool:
        """Whether the body is JSON or a form."""
        return self.form is not None or self.is_json or self.media_type == FORM


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


async def uncoded(body: bytes, headers: Mapping[str, str], limit: int) -> tuple[bytes, Mapping[str, str]]:
    """Return a body whose fields are to be read without its content coding, and the headers without it.

    Raises:
        InputError: it is not in its coding.
        TooLarge: it is larger than the limit without it.
        UnsupportedMediaType: its coding isn't known (RFC 9110 chapter 15.5.16).
    """
    coding = headers.get("content-encoding")
    if coding is None:
        return body, headers
    try:
        plain = await decoded(body, coding, limit)
    except DecodedTooLargeError as error:
        raise TooLarge(f"the body {error}") from None
    except NotDecodableError as error:
        raise InputError([Problem("body", "body", f"the body {error}", coding)]) from None
    if plain is None:
        known = "gzip, deflate, br and zstd are"
        raise UnsupportedMediaType(f"the content coding `{coding}` is not known", hint=f"send it as it is; {known}")
    return plain, {name: value for name, value in headers.items() if name != "content-encoding"}


async def read_form(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Return the fields of a multipart body: texts, and files as ``Content``.

    Args:
        headers: by name in lower case.
        body: uncoded.

    Raises:
        InputError: it is broken.
    """

    async def replay() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    content_type = headers["content-type"].encode("utf-8", "surrogateescape")
    request = Request({"type": "http", "headers": [(b"content-type", content_type)]}, replay)
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
        return Content(await value.read(), value.content_type or media_types.BYTES, value.filename or "")
    return value


def is_multipart(headers: Mapping[str, str]) -> bool:
    """Tell a multipart body."""
    return media_types.bare(headers.get("content-type", "")) == MULTIPART
