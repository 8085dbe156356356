"""Pass a request on to a consumed API as it is (SEMANTICS 4.6)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from naftiko.engine.query import drop_pairs
from naftiko.engine.request import Draft, Streamed, place
from naftiko.engine.sending import Outgoing
from naftiko.engine.unsendable import dots_in_inputs
from naftiko.engine.upstream import Upstream
from naftiko.expression.path import climbs
from naftiko.expression.scope import Scope
from naftiko.ground.errors import NotExecutable, Problem
from naftiko.ground.http import READING
from naftiko.ground.types import ABSENT
from naftiko.plan.forward import ForwardAction

_CONNECTION = frozenset(
    {
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "http2-settings",
        "host",
        "expect",
    }
)
"""Headers of one hop (RFC 9110 chapter 7.6.1), never passed on in either direction; so are those that begin with
``Proxy-``, and those that ``Connection`` names. ``Expect`` was answered by whoever read the request's head."""
_WITHOUT_CONTENT = frozenset({204, 304})
"""Statuses whose answers have no content; a length that is said all the same is another's (RFC 9110 chapter 8.6)."""
_CONDITIONS = frozenset({"if-match", "if-unmodified-since", "if-none-match"})
"""Whoever passes requests on passes them on: without its condition a request is another one."""
_OF_READING = frozenset({"if-modified-since"})
"""For other methods it means nothing (RFC 9110 chapter 13.1.3)."""
_OF_THE_BODY = frozenset({"content-type", "content-length", "content-encoding", "content-language"})


@dataclass(frozen=True, slots=True)
class Inbound:
    """A caller's request, as it came.

    Attributes:
        rest: what the route's path variable caught, still percent-encoded.
        query: the raw query.
        headers: pairs, names in lower case.
        body: what it brings, or ``None`` where it has none.
    """

    method: str
    rest: str
    query: str
    headers: Sequence[tuple[str, str]]
    body: Streamed | None


def forwarded(action: ForwardAction, inbound: Inbound, upstream: Upstream) -> Outgoing:
    """Return the upstream request, ready but for the credential.

    Raises:
        InputError: the path would climb out of the base URI.
        MissingVariable: a variable has no value.
        NotExecutable: the method is TRACE, whose answer is the request, with our credential (RFC 9110 chapter 9.3.8).
    """
    if inbound.method == "TRACE":
        raise NotExecutable("TRACE is not forwarded: its answer would show the credential of this server")
    if climbs(inbound.rest):
        raise dots_in_inputs([action.path_variable or "path"])
    scope = upstream.scope({})
    made = Draft(inbound.method, upstream.url(inbound.rest, scope), [])
    if inbound.query:
        made.query.append(inbound.query)
    passed = action.trusted_headers | _CONDITIONS | (_OF_THE_BODY if inbound.body is not None else frozenset())
    if inbound.method in READING:
        passed |= _OF_READING
    named = _named(value for name, value in inbound.headers if name == "connection")
    for name, value in inbound.headers:
        if name in passed and not _is_of_the_hop(name, named):
            made.add_header(name, value)
    _add_parameters(upstream, scope, made)
    made.streamed = inbound.body
    return Outgoing(upstream, upstream.plan.namespace, "binary", made)


def _add_parameters(upstream: Upstream, scope: Scope, made: Draft) -> None:
    """Add the parameters of the consumes entry that have a fixed value; in the query it wins over the caller's."""
    problems: list[Problem] = []
    cookies: list[str] = []
    for parameter in upstream.plan.parameters:
        value: Any = ABSENT if parameter.fixed is None else parameter.fixed(scope)
        if value is not ABSENT and value is not None and not made.has_header(parameter.name):
            if parameter.location == "query":
                drop_pairs(made, {parameter.name})
            place(parameter, value, made, cookies, problems, comma_arrays=False)
    if cookies and not made.has_header("cookie"):
        made.add_header("Cookie", "; ".join(cookies))


def backward(response: httpx.Response) -> list[tuple[bytes, bytes]]:
    """Return the response headers that go back, byte for byte: all but those of the connection.

    ``Date`` is left to the server that answers, which writes its own: two of them would be one too many.
    """
    named = _named(response.headers.get_list("connection"))
    named.add("date")
    if response.status_code in _WITHOUT_CONTENT:
        named.add("content-length")
    pairs = [(name.lower(), value) for name, value in response.headers.raw]
    return [pair for pair in pairs if not _is_of_the_hop(pair[0].decode("latin-1"), named)]


def _named(values: Iterable[str]) -> set[str]:
    """Return the headers that ``Connection`` names."""
    return {name.strip().lower() for value in values for name in value.split(",")}


def _is_of_the_hop(name: str, named: Collection[str]) -> bool:
    return name in _CONNECTION or name in named or name.startswith("proxy-")
