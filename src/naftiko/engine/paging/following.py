"""What an answer says of the next page, or that there is none (docs/pagination.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import httpx

from naftiko.engine.paging.asking import resolved
from naftiko.engine.transport.redirects import is_ours
from naftiko.ground.types import ABSENT
from naftiko.plan.paging import Pager, Spot, State

_NOTHING: Final = (ABSENT, None, "", False)
_SHOWN: Final = 80


@dataclass(frozen=True, slots=True)
class Seen:
    """A page that came.

    Attributes:
        document: what it holds.
        items: its list, as it came.
        response: the answer that it is.
        state: what it was asked for by, ``None`` for the first one.
        number: the offset or the number of it, where pages are counted.
        size: how many items it was asked for, or ``None``.
        origin: the URL of the first page's request.
    """

    document: Any
    items: Sequence[Any]
    response: httpx.Response
    state: State
    number: int
    size: int | None
    origin: httpx.URL


@dataclass(frozen=True, slots=True)
class Next:
    """What comes after a page: another one; nothing; or something that can't be asked for, and why."""

    state: State = None
    reason: str = ""
    detail: str = ""


_END: Final = Next()


def following(pager: Pager, seen: Seen) -> Next:
    """Return what comes after a page."""
    more = _says_more(pager.more, seen.document)
    if more is False:
        return _END
    return _STYLES[pager.style](pager, seen, more)


def _says_more(spot: Spot | None, document: Any) -> bool | None:
    """Return what an answer says about further pages, ``None`` for nothing."""
    value = ABSENT if spot is None else spot.of(document)
    if value is ABSENT or value is None:
        return None
    if isinstance(value, str):
        return value.strip().lower() not in {"", "false", "0", "no"}
    return bool(value)


def _by_cursor(pager: Pager, seen: Seen, more: bool | None) -> Next:  # noqa: FBT001  # a style's shape
    cursor = ABSENT if pager.next is None else pager.next.of(seen.document)
    if cursor in _NOTHING or (cursor == seen.state and not more):
        return Next(reason="no-cursor", detail="the API says that there is more, and gives no cursor") if more else _END
    if not isinstance(cursor, str | int | float | Decimal):
        return Next(reason="no-cursor", detail="the API gives a cursor that is neither a text nor a number")
    return Next(cursor)


def _by_offset(pager: Pager, seen: Seen, more: bool | None) -> Next:  # noqa: FBT001  # a style's shape
    offset, total = seen.number + len(seen.items), _number(pager.total, seen.document)
    if not seen.items:
        return _END
    if total is not None and offset <= total:  # one that says less than there came already is no total
        return Next(offset) if offset < total else _END
    return _END if more is None and seen.size is not None and len(seen.items) < seen.size else Next(offset)


def _by_number(pager: Pager, seen: Seen, more: bool | None) -> Next:  # noqa: FBT001  # a style's shape
    del more
    total = _number(pager.total, seen.document)
    first = 1 if pager.start_page is None else pager.start_page
    is_last = total is not None and seen.number - first + 1 >= total
    return _END if is_last or not seen.items else Next(seen.number + 1)


def _by_key(pager: Pager, seen: Seen, more: bool | None) -> Next:  # noqa: FBT001  # a style's shape
    if not seen.items or (more is None and seen.size is not None and len(seen.items) < seen.size):
        return _END
    key = ABSENT if pager.key is None else pager.key.of(seen.items[-1])
    if isinstance(key, str | int | float | Decimal) and not isinstance(key, bool) and key != "":
        return Next(key)
    where = "" if pager.key is None else pager.key.text
    return Next(reason="no-cursor", detail=f"the last item of a page has no key at {where}")


def _by_link_header(pager: Pager, seen: Seen, more: bool | None) -> Next:  # noqa: FBT001  # a style's shape
    del pager, more
    for link in seen.response.links.values():
        if "next" in (link.get("rel") or "").lower().split():
            return _linked(link.get("url", ""), seen)
    return _END


def _by_link(pager: Pager, seen: Seen, more: bool | None) -> Next:  # noqa: FBT001  # a style's shape
    del more
    link = ABSENT if pager.next is None else pager.next.of(seen.document)
    if link in _NOTHING:
        return _END
    if not isinstance(link, str):
        return Next(reason="no-cursor", detail="the API gives a link to the next page that is no text")
    return _linked(link, seen)


def _linked(link: str, seen: Seen) -> Next:
    url = resolved(link, seen.response.request.url)
    if url is None or url.scheme not in {"http", "https"} or not url.host:
        return Next(reason="no-cursor", detail="the API gives a link to the next page that is no URL")
    if not is_ours(seen.origin, url):
        where = f"{url.scheme}://{url.netloc.decode('ascii')}"[:_SHOWN]
        detail = f"the next page is at {where}, another origin: a credential never travels there, so it is not followed"
        return Next(reason="other-origin", detail=detail)
    return Next(str(url))


def _number(spot: Spot | None, document: Any) -> int | None:
    value = ABSENT if spot is None else spot.of(document)
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    try:
        return int(value)
    except (ValueError, OverflowError):
        return None


_STYLES: Final[Mapping[str, Callable[[Pager, Seen, bool | None], Next]]] = {
    "cursor": _by_cursor,
    "offset": _by_offset,
    "page-number": _by_number,
    "keyset": _by_key,
    "link-header": _by_link_header,
    "link-body": _by_link,
}
