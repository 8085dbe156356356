"""The request of a page: the operation's own, with what tells the page from others."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote, unquote_plus

import httpx

from naftiko.engine.bodies import Body, json_bytes
from naftiko.engine.query import drop_pairs, name_of
from naftiko.engine.request import Draft
from naftiko.engine.transport.redirects import is_ours
from naftiko.expression.text import as_text
from naftiko.ground import jsontext
from naftiko.ground.errors import NotExecutable
from naftiko.ground.http import READING
from naftiko.ground.media_types import FORM, bare, is_json
from naftiko.plan.paging import Pager, State

_OF_A_BODY: Final = ("content-type", "content-length", "content-encoding")


def given(draft: Draft, place: str, name: str) -> Any:
    """Return what a request says for a parameter already, ``None`` for nothing."""
    if place == "header":
        return next((value for key, value in draft.headers if key.lower() == name.lower()), None)
    if place == "query":
        return _in_pairs("&".join(draft.query), name)
    if draft.body is None:
        return None
    if bare(draft.body.media_type) == FORM:
        return _in_pairs(draft.body.data.decode("utf-8", "replace"), name)
    value: Any = _fields(draft, name)
    for key in name.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _in_pairs(pairs: str, name: str) -> str | None:
    found = (pair.partition("=")[2] for pair in pairs.split("&") if name_of(pair) == name)
    value = next(found, None)
    return None if value is None else unquote_plus(value)


def put(draft: Draft, place: str, name: str, value: Any) -> None:
    """Give a parameter of a request a value, in the place of what it has.

    Raises:
        NotExecutable: the body has no fields, or the value is none of a header (RFC 9110, 5.5).
    """
    if place == "header":
        text = as_text(value)
        if not text.isprintable():
            raise NotExecutable(f"what the API gives for `{name}` holds what no header may")
        draft.drop_headers([name.lower()])
        draft.add_header(name, text)
    elif place == "query":
        draft.query = [piece for piece in (_without(piece, name) for piece in draft.query) if piece]
        draft.query.append(_pair(name, value))
    elif draft.body is not None and bare(draft.body.media_type) == FORM:
        kept = _without(draft.body.data.decode("utf-8"), name)
        data = "&".join(filter(None, (kept, _pair(name, value)))).encode()
        draft.body = Body(data, draft.body.media_type)
    else:
        fields = _fields(draft, name)
        *way, last = name.split(".")
        inside = fields
        for key in way:
            below = inside.get(key)
            inside[key] = inside = {**below} if isinstance(below, dict) else {}
        inside[last] = value
        draft.body = Body(json_bytes(fields), "application/json" if draft.body is None else draft.body.media_type)


def _pair(name: str, value: Any) -> str:
    return f"{quote(name, safe='')}={quote(as_text(value), safe='')}"


def _without(pairs: str, name: str) -> str:
    return "&".join(pair for pair in pairs.split("&") if name_of(pair) != name)


def _fields(draft: Draft, name: str) -> dict[str, Any]:
    """Return the fields of a JSON body."""
    if draft.body is None or not draft.body.data:
        return {}
    fields = None
    if not draft.body.coding and is_json(draft.body.media_type):
        try:
            fields = jsontext.read(draft.body.data)
        except ValueError:
            fields = None
    if not isinstance(fields, dict):
        raise NotExecutable(
            f"the body that is sent is no JSON object, so it has no place for `{name}`, which tells pages apart",
            hint="correct `pagination.request.cursorIn`, or the operation's body",
        )
    return fields


def page_request(first: Draft, pager: Pager, state: State, size: int | None, credentials: list[str]) -> Draft:
    """Return the request of a page.

    Args:
        first: the operation's own.
        pager: how its pages are asked for.
        state: what tells the page from others; ``None`` for the first one.
        size: how many items it may have, or ``None``.
        credentials: names in the query that our credential has: a link may hold one of an earlier call.

    Raises:
        NotExecutable: the body has no fields, or a link leads to where the API is no more.
    """
    if state is not None and not pager.param:
        return _linked(first, str(state), credentials)
    made = first.copy()
    if state is not None:
        put(made, pager.place, pager.param, state)
    elif pager.start_page is not None and given(first, pager.place, pager.param) is None:
        put(made, pager.place, pager.param, pager.start_page)
    if size is not None and pager.limit_param and given(first, pager.place, pager.limit_param) is None:
        put(made, pager.place, pager.limit_param, size)
    return made


def _linked(first: Draft, link: str, credentials: list[str]) -> Draft:
    if not is_ours(httpx.URL(first.url), httpx.URL(link)):
        raise NotExecutable("the API is at another address by now", hint="call again from the beginning of the list")
    url, _, query = link.partition("?")
    made = Draft(first.method if first.method in READING else "GET", url, [query] if query else [])
    for name, value in first.headers:
        if name.lower() not in _OF_A_BODY:
            made.add_header(name, value)
    if credentials:
        drop_pairs(made, credentials)
    return made


def resolved(link: str, asked: httpx.URL) -> httpx.URL | None:
    """Return where a link leads that an answer has, ``None`` for no URL; a user and a fragment are left out."""
    try:
        return asked.join(link.strip()).copy_with(fragment=None, username=None, password=None)
    except (httpx.InvalidURL, ValueError, TypeError):
        return None
