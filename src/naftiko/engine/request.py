"""Build the upstream request (SEMANTICS 4.1 to 4.4)."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Iterator
from typing import Any, Final
from urllib.parse import quote

import httpx

from naftiko.engine.bodies import Body, encode_body, field_value, is_document, json_bytes, written
from naftiko.engine.unsendable import (
    base_without_values,
    dots_in_base,
    dots_in_path,
    sends_nothing,
    without_values,
    wrong_base,
)
from naftiko.engine.wire import WireRequest
from naftiko.expression.content import Content
from naftiko.expression.path import climbs
from naftiko.expression.scope import NOTHING, Scope
from naftiko.expression.text import as_text, quoted
from naftiko.ground.errors import InputError, MissingVariable, NotExecutable, Problem
from naftiko.ground.http import CONTROLS, is_token
from naftiko.ground.media_types import MULTIPART, bare
from naftiko.ground.types import ABSENT
from naftiko.plan.actions import Call
from naftiko.plan.base import WrongBase, path_of
from naftiko.plan.body import BodyKind
from naftiko.plan.operation import Operation
from naftiko.plan.parameter import Parameter
from naftiko.plan.unit import ApiPlan
from naftiko.plan.websockets import nested

_FORBIDDEN_IN_HEADER = frozenset(CONTROLS.decode("ascii"))
"""Control characters but the tab (RFC 9110 chapter 5.5)."""

_OF_THE_CONNECTION: Final = frozenset({b"host", b"content-length", b"transfer-encoding"})

_ANY: Final = ((b"Accept", b"*/*"),)
_COOKIE_SAFE: Final = "!#$%&'()*+-./:<=>?@[]^_`{|}~"
"""What may stand in a cookie as it is (RFC 6265 chapter 4.1.1): an encoding in a value is its own, and stays."""


class Streamed:
    """A body that is passed on while it comes, or read and kept if somebody has to see it first.

    Attributes:
        pieces: it, once.
    """

    __slots__ = ("_kept", "_read", "pieces")

    def __init__(self, pieces: AsyncIterable[bytes], read: Callable[[], Awaitable[bytes]]) -> None:
        """Take the pieces, and what reads all of them; that raises a ``CallError`` where it is too much."""
        self.pieces = pieces
        self._read = read
        self._kept: bytes | None = None

    @property
    def is_kept(self) -> bool:
        """Whether it was read, so that it can be sent more than once."""
        return self._kept is not None

    async def whole(self) -> bytes:
        """Return all of it."""
        if self._kept is None:
            self._kept = await self._read()
        return self._kept


class Draft:
    """A request before it is made.

    Attributes:
        url: without the query that parameters make.
        query: encoded pairs.
        headers: names and values.
        body: what is sent, with its media type.
        streamed: what is sent where it is passed on while it comes.
    """

    __slots__ = ("_names", "body", "headers", "method", "query", "streamed", "url")

    def __init__(self, method: str, url: str, query: list[str]) -> None:
        self.method = method
        self.url = url
        self.query = query
        self.headers: list[tuple[str, str]] = []
        self.body: Body | None = None
        self.streamed: Streamed | None = None
        self._names: set[str] = set()

    def copy(self) -> Draft:
        """Return the same once more; each may be changed without the other."""
        made = Draft(self.method, self.url, [*self.query])
        made.headers = [*self.headers]
        made.body = self.body
        made.streamed = self.streamed
        made._names = {*self._names}  # of this class
        return made

    @classmethod
    def of(cls, request: httpx.Request) -> Draft:
        """Return the draft of a request that is made already, and read."""
        url, _, query = str(request.url).partition("?")
        made = cls(request.method, url, [query] if query else [])
        for name, value in request.headers.raw:
            if name.lower() not in _OF_THE_CONNECTION:
                made.add_header(name.decode("ascii"), value.decode("utf-8", "surrogateescape"))
        if request.content:
            made.body = Body(request.content, "")
        return made

    def into(self, request: httpx.Request) -> None:
        """Give a request the URL and the headers of this draft, which was made of it; its body stays."""
        kept = [pair for pair in request.headers.raw if pair[0].lower() in _OF_THE_CONNECTION]
        own = [(name.encode("ascii"), value.encode("utf-8", "surrogateescape")) for name, value in self.headers]
        request.headers = httpx.Headers([*kept, *own])
        request.url = httpx.URL(self.full_url())

    def add_header(self, name: str, value: str) -> None:
        """Add a header."""
        self.headers.append((name, value))
        self._names.add(name.lower())

    def add_missing(self, headers: Iterable[tuple[str, str]]) -> None:
        """Add headers that are not there."""
        for name, value in headers:
            if name.lower() not in self._names:
                self.add_header(name, value)

    def drop_headers(self, names: Iterable[str]) -> None:
        """Leave headers out, by names in lower case."""
        dropped = self._names.intersection(names)
        if dropped:
            self.headers = [(name, value) for name, value in self.headers if name.lower() not in dropped]
            self._names -= dropped

    def has_header(self, name: str) -> bool:
        """Tell whether a header is set already."""
        return name.lower() in self._names

    def full_url(self) -> str:
        """Return the URL with its query."""
        return f"{self.url}?{'&'.join(self.query)}" if self.query else self.url

    def sent_headers(self) -> list[tuple[str, str]]:
        """Return the headers as they go on the wire, but for those of the connection and ``Content-Length``."""
        headers = [*self.headers]
        if "accept" not in self._names:
            headers.append(("Accept", "*/*"))
        if self.body is not None:
            if self.body.media_type and "content-type" not in self._names:
                headers.append(("Content-Type", self.body.media_type))
            if self.body.coding and "content-encoding" not in self._names:
                headers.append(("Content-Encoding", self.body.coding))
        return headers

    async def content(self) -> bytes:
        """Return the bytes of the body, none where there is no body; one that is passed on is read first, and kept.

        Raises:
            CallError: it is larger than the limit, or the caller went away.
        """
        if self.streamed is not None:
            self.body = Body(await self.streamed.whole(), "")
            self.streamed = None
            self.drop_headers(["content-length"])  # it is said by whoever sends the body, chunked or not
        return b"" if self.body is None else self.body.data

    def take_body(self) -> bytes:
        """Return the bytes of the body, and leave it out; ``b""`` for none."""
        body, self.body = self.body, None
        return b"" if body is None else body.data

    def probe(self) -> None:
        """Raise ``UnicodeEncodeError`` where a header can't be sent."""
        if self.headers:
            self.make()

    def make(self) -> httpx.Request:
        """Return the request."""
        address = f"{self.url}?{'&'.join(self.query)}" if self.query else self.url
        if not self.headers and self.body is None and self.streamed is None:
            return WireRequest(self.method, address, _ANY)
        headers = [(name.encode("ascii"), value.encode("utf-8")) for name, value in self.sent_headers()]
        if self.body is not None:
            return WireRequest(self.method, address, headers, self.body.data)
        content = None if self.streamed is None else self.streamed.pieces
        return WireRequest(self.method, address, headers, content)


class Writer:
    """Drafts the requests of one call; what is the same in each of them is worked out once, when it is made.

    Args:
        call: the call.
        api: the API that it goes to.
        comma_arrays: whether query arrays are one comma-separated value instead of repeated keys.
    """

    __slots__ = (
        "_api",
        "_call",
        "_comma_arrays",
        "_extras",
        "_fixed_query",
        "_has_body",
        "_method",
        "_parameters",
        "_places",
        "_url",
    )

    def __init__(self, call: Call, api: ApiPlan, *, comma_arrays: bool) -> None:
        operation = call.operation
        self._call = call
        self._api = api
        self._comma_arrays = comma_arrays
        self._method = operation.method if operation.socket is None else "GET"  # RFC 6455 chapter 4.1
        self._parameters = operation.parameters
        self._extras = tuple(extra for extra in call.extras if extra.place in {"query", "header"})
        self._places = bool(self._parameters or self._extras or operation.path_query)
        self._has_body = not (operation.body is None and operation.in_body.is_empty and not call.extras)
        self._has_body = self._has_body or operation.socket is not None
        self._url = _fixed_url(api, operation)
        self._fixed_query: tuple[str, ...] | None = None
        if not any(pair.holds_placeholder for pair in operation.path.query):
            self._fixed_query = (*((api.base.query,) if api.base.query else ()), *operation.path.fill_query(NOTHING))

    @property
    def call(self) -> Call:
        """Whose requests these are."""
        return self._call

    def draft(self, scope: Scope, passed: Content | None) -> Draft:
        """Return the draft of a request.

        Args:
            scope: the arguments by name (``inputs``) and the variables.
            passed: a REST caller's body that is passed on, where the operation declares none.

        Raises:
            InputError: a required parameter has no value, one makes a dot segment, or a header value holds a line
                break.
            MissingValue: a required parameter has no value, since a step found none.
            MissingVariable: a variable has no value, or the API has no base URI.
        """
        url, fixed = self._url, self._fixed_query
        made = Draft(
            self._method,
            self._filled(scope) if url is None else url,
            self._filled_query(scope) if fixed is None else [*fixed],
        )
        may_lack = False
        if self._places:
            may_lack = self._place(scope, made)
        if self._has_body:
            made.body = _body(self._call, scope, made, passed)
        elif passed is not None:
            made.body = Body(passed.data, passed.media_type, passed.coding)
        if may_lack:
            lacking = without_values(self._call, self._api, scope, has_body=made.body is not None)
            if lacking is not None:
                raise lacking
        return made

    def _filled(self, scope: Scope) -> str:
        path, missing = self._call.operation.path.fill(scope)
        if missing:
            key = self._call.operation.key
            raise without_values(self._call, self._api, scope, has_body=None) or NotExecutable(f"`{key}` has no path")
        if climbs(path):
            raise dots_in_path(self._call, self._api, scope)
        return full_url(self._api, path, scope, self._call)

    def _filled_query(self, scope: Scope) -> list[str]:
        query = [self._api.base.query] if self._api.base.query else []
        query.extend(self._call.operation.path.fill_query(scope))
        return query

    def _place(self, scope: Scope, made: Draft) -> bool:
        """Place the values of parameters; return whether a required one may have none."""
        problems: list[Problem] = []
        cookies: list[str] = []
        comma_arrays = self._comma_arrays
        may_lack = bool(self._call.operation.path_query)
        for parameter in self._parameters:
            value = parameter.value_in(scope)
            if value is not ABSENT and value is not None:
                place(parameter, value, made, cookies, problems, comma_arrays=comma_arrays)
                # `{}` may be meant, or be what a step left of a map: that is looked at where it matters.
                if value.__class__ in _MAY_BE_NOTHING and parameter.required:
                    may_lack = may_lack or not value or sends_nothing(value, parameter)
            elif parameter.required:
                may_lack = True
        if cookies:
            made.add_header("Cookie", "; ".join(cookies))
        for extra in self._extras:
            value = scope.inputs.get(extra.name, ABSENT)
            if value is not ABSENT and value is not None:
                _place_extra(extra.name, extra.place, value, made, problems, comma_arrays=comma_arrays)
        if problems:
            raise InputError(problems)
        return may_lack


def _fixed_url(api: ApiPlan, operation: Operation) -> str | None:
    """Return the URL of an operation without placeholders; ``None`` where a request decides it, or what is wrong."""
    parts = [part for part in operation.path.parts if isinstance(part, str)]
    path = "".join(parts)
    if not api.base.filled or len(parts) != len(operation.path.parts) or climbs(path):
        return None
    base = api.base.filled if operation.socket is None else _of_socket(api.base.filled)
    return f"{base}/{path.lstrip('/')}" if path else base


def _of_socket(base: str) -> str:
    """Return a URL as one of a WebSocket (RFC 6455 chapter 3)."""
    return f"ws{base[len('http') :]}" if base[:4].lower() == "http" else base


_MAY_BE_NOTHING = (list, dict)


def full_url(api: ApiPlan, path: str, scope: Scope, call: Call | None = None) -> str:
    """Join the base URI to an encoded path with exactly one slash (SEMANTICS 4.1).

    Raises:
        InputError: an argument of the call makes a dot segment of the base URI, or has no value.
        MissingValue: it has none since a step found none.
        MissingVariable: the API has no base URI, or a variable of it has no value.
        UpstreamUnreachable: what its variables make is no URL.
    """
    base = api.base.filled
    if base is None:
        base = _filled_base(api, scope, call)
    if not base:
        raise MissingVariable(
            [f"the base URI of `{api.namespace}`"],
            hint=f"give it with --base-uri {api.namespace}=https://HOST",
        )
    if call is not None and call.operation.socket is not None:
        base = _of_socket(base)
    return f"{base}/{path.lstrip('/')}" if path else base


def _filled_base(api: ApiPlan, scope: Scope, call: Call | None) -> str:
    lacking = None if call is None else base_without_values(call, api, scope)
    if lacking is not None:
        raise lacking
    try:
        base = api.base.fill(scope)
    except WrongBase:
        raise wrong_base(api.base) from None
    if climbs(path_of(base)):
        raise dots_in_base(api.base, scope, call)
    return base


def place(
    parameter: Parameter,
    value: Any,
    made: Draft,
    cookies: list[str],
    problems: list[Problem],
    *,
    comma_arrays: bool,
) -> None:
    """Put a parameter's value where it belongs in the draft."""
    style = parameter.style
    if parameter.location == "header" and not value and isinstance(value, list | dict) and (style or value == []):
        return  # nothing is in it: no header, as it is no pair of a query (RFC 6570 chapter 3.2.1)
    if style is not None:
        if parameter.location == "query":
            made.query.extend(style.query_pairs(parameter.name, value))
        elif parameter.location == "header":
            _add_header(parameter.name, style.header(value), made, problems)
        elif parameter.location == "cookie":
            cookies.extend(style.cookie_pairs(parameter.name, value))
    elif parameter.location == "query":
        made.query.extend(query_pairs(parameter.name, value, comma_arrays=comma_arrays))
    elif parameter.location == "header":
        _add_header(parameter.name, value, made, problems)
    elif parameter.location == "cookie":
        cookies.append(f"{parameter.name}={quote(as_text(value), safe=_COOKIE_SAFE)}")


def _place_extra(
    name: str, place: str, value: Any, made: Draft, problems: list[Problem], *, comma_arrays: bool
) -> None:
    if place == "query":
        made.query.extend(query_pairs(name, value, comma_arrays=comma_arrays))
    else:
        _add_header(name, value, made, problems)


def query_pairs(name: str, value: Any, *, comma_arrays: bool = False) -> Iterator[str]:
    """Yield ``name=value`` pairs, encoded: an array repeats the key, an object is JSON text."""
    key = quoted(name)
    if isinstance(value, list):
        texts = [as_text(element) for element in value if element is not None]
        if comma_arrays and texts:
            yield f"{key}={','.join(quoted(text) for text in texts)}"
        elif not comma_arrays:
            yield from (f"{key}={quoted(text)}" for text in texts)
    else:
        yield f"{key}={quoted(as_text(value))}"


def _add_header(name: str, value: Any, made: Draft, problems: list[Problem]) -> None:
    text = ",".join(as_text(element) for element in value) if isinstance(value, list) else as_text(value)
    if _FORBIDDEN_IN_HEADER.intersection(text):
        problems.append(
            Problem(name, "header", f"`{name}` must not hold a line break or another control character", "one line")
        )
    elif not is_token(name):
        problems.append(Problem(name, "header", f"`{name}` can't be the name of a header", "a token (RFC 9110)"))
    else:
        made.add_header(name, text.strip())


def _body(call: Call, scope: Scope, made: Draft, passed: Content | None) -> Body | None:
    """Make the body: the block, the whole body, the fields, or what the REST caller sent (SEMANTICS 4.3)."""
    block = call.operation.body
    media_type = next((value for name, value in made.headers if name.lower() == "content-type"), "")
    if call.operation.socket is not None:
        return frame_of(call, scope)
    whole = _whole_body(call, scope)
    fields = _fields(call, scope)
    if block is not None:
        if whole is ABSENT:
            if block.kind is BodyKind.MULTIPART:
                made.drop_headers(["content-type"])  # only the body's own media type has the boundary
            return encode_body(block, scope, fields)
        media_type = media_type or block.media_type
    lone = call.operation.in_body.lone
    if lone is not None:
        value = lone.value_in(scope)
        alone = whole is ABSENT and not fields
        if alone and is_document(value, media_type):
            whole = value
        elif value is not ABSENT:
            fields = {lone.name: field_value(value), **fields}
    if whole is ABSENT and not fields:
        return None if passed is None else Body(passed.data, passed.media_type, passed.coding)
    body = written(whole, fields, media_type)
    if bare(media_type) == MULTIPART:
        made.drop_headers(["content-type"])
    return body


def frame_of(call: Call, scope: Scope) -> Body | None:
    """Make a message of a WebSocket: what the body of a request would be, whose dotted names nest."""
    operation, whole, fields = call.operation, _whole_body(call, scope), _fields(call, scope)
    given = [(one.name, one.value_in(scope)) for one in (() if operation.socket is None else operation.socket.frame)]
    if operation.in_body.lone is not None:
        given.append((operation.in_body.lone.name, field_value(operation.in_body.lone.value_in(scope))))
    more = nested([*((name, value) for name, value in given if value is not ABSENT), *fields.items()])
    if operation.body is not None and whole is ABSENT:
        return encode_body(operation.body, scope, more)
    return None if whole is ABSENT and not more else written(whole, more, "")


def _whole_body(call: Call, scope: Scope) -> Any:
    """Return the value that is the body: what ``with`` gives as such, or the parameter's; null is none."""
    for extra in call.extras:
        if extra.place == "body":
            value = scope.inputs.get(extra.name, ABSENT)
            return ABSENT if value is None else value
    whole = call.operation.in_body.whole
    value = ABSENT if whole is None else whole.value_in(scope)
    return ABSENT if value is None and whole is not None and not whole.nullable else value


def _fields(call: Call, scope: Scope) -> dict[str, Any]:
    """Return the fields of the body: parameters, and what ``with`` adds whose names mean nothing in the operation."""
    fields = {parameter.name: parameter.value_in(scope) for parameter in call.operation.in_body.fields}
    for extra in call.extras:
        if extra.place == "field":
            fields[extra.name] = scope.inputs.get(extra.name, ABSENT)
    return {name: value for name, value in fields.items() if value is not ABSENT}


dump_json: Final = json_bytes
"""Returns JSON bytes; integers beyond 64 bits keep their digits, half a surrogate pair is U+FFFD."""
