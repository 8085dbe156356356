"""Stand-ins for APIs that give their lists in pages: one of each style, and each odd end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.responses import JSONResponse, Response

from naftiko.testing import RecordedRequest

Responder = Callable[[RecordedRequest], Response]


def items(count: int) -> list[dict[str, Any]]:
    """Return so many things, each with its number."""
    return [{"id": f"i{at}", "n": at, "name": f"Item {at}"} for at in range(count)]


def by_cursor(every: Sequence[Any], size: int, **odd: Any) -> Responder:
    """Give a cursor to the next page; ``odd``: ``last`` is what the last page's is, ``more`` says has_more."""

    def answer(request: RecordedRequest) -> Response:
        start = int((request.query.get("cursor") or "c0")[1:])
        page = list(every[start : start + size])
        is_last = start + size >= len(every)
        body: dict[str, Any] = {"results": page, "next": odd.get("last") if is_last else f"c{start + size}"}
        if odd.get("more"):
            body["has_more"] = not is_last
        return JSONResponse(body)

    return answer


def by_offset(every: Sequence[Any], *, total: int | None = None, largest: int = 1000) -> Responder:
    """Skip ``offset`` items; ``total`` is what it says of their number, whatever that is."""

    def answer(request: RecordedRequest) -> Response:
        offset, limit = int(request.query.get("offset", 0)), int(request.query.get("limit", 20))
        body: dict[str, Any] = {"results": list(every[offset : offset + min(limit, largest)])}
        if total is not None:
            body["total"] = total
        return JSONResponse(body)

    return answer


def by_number(
    every: Sequence[Any], size: int, *, first: int = 1, pages: int | None = None, repeats: bool = False
) -> Responder:
    """Give a page by its number; one that ``repeats`` gives its last page for every number behind it."""
    number_of_pages = -(-len(every) // size)

    def answer(request: RecordedRequest) -> Response:
        at = int(request.query.get("page", first)) - first
        if repeats:
            at = min(at, number_of_pages - 1)
        body: dict[str, Any] = {"results": list(every[at * size : (at + 1) * size])}
        if pages is not None:
            body["pages"] = pages
        return JSONResponse(body)

    return answer


def by_key(every: Sequence[Mapping[str, Any]], *, says_more: bool = False) -> Responder:
    """Give what comes after an id."""

    def answer(request: RecordedRequest) -> Response:
        after, limit = request.query.get("after"), int(request.query.get("limit", 10))
        start = 0 if after is None else next(at for at, each in enumerate(every) if each["id"] == after) + 1
        body: dict[str, Any] = {"results": list(every[start : start + limit])}
        if says_more:
            body["has_more"] = start + limit < len(every)
        return JSONResponse(body)

    return answer


def by_link_header(every: Sequence[Any], size: int, *, host: str = "") -> Responder:
    """Give the next page's URL in a ``Link``."""

    def answer(request: RecordedRequest) -> Response:
        page = int(request.query.get("page", 1))
        shown = list(every[(page - 1) * size : page * size])
        links = [f'<{host}{request.path}?page=1&size={size}>; rel="first"']
        if page * size < len(every):
            links.append(f'<{host}{request.path}?page={page + 1}&size={size}>; rel="next"')
        return JSONResponse(shown, headers={"Link": ", ".join(links)})

    return answer


def by_link(every: Sequence[Any], size: int, *, host: str = "") -> Responder:
    """Give the next page's URL in the body."""

    def answer(request: RecordedRequest) -> Response:
        page = int(request.query.get("page", 1))
        more = page * size < len(every)
        link = f"{host}{request.path}?page={page + 1}" if more else None
        return JSONResponse({"results": list(every[(page - 1) * size : page * size]), "links": {"next": link}})

    return answer


def failing_at(responder: Responder, number: int, status: int, **headers: str) -> Responder:
    """Answer as another, but the request of a number with a status."""
    seen = 0

    def answer(request: RecordedRequest) -> Response:
        nonlocal seen
        seen += 1
        if seen == number:
            return JSONResponse({"error": "not now"}, status, headers)
        return responder(request)

    return answer


RESULTS = {"dataPath": "$.results"}
STYLES: Mapping[str, Mapping[str, Any]] = {
    "cursor": {
        "type": "cursor",
        "request": {"cursorParam": "cursor"},
        "response": {**RESULTS, "nextCursorPath": "$.next", "hasMorePath": "$.has_more"},
    },
    "offset": {
        "type": "offset",
        "request": {"offsetParam": "offset", "limitParam": "limit", "limitValue": 10},
        "response": {**RESULTS, "totalPath": "$.total"},
    },
    "page-number": {
        "type": "page-number",
        "request": {"pageParam": "page"},
        "response": {**RESULTS, "totalPagesPath": "$.pages"},
    },
    "keyset": {
        "type": "keyset",
        "request": {"keyParam": "after", "keyPath": "$.id", "limitParam": "limit", "limitValue": 10},
        "response": {**RESULTS, "hasMorePath": "$.has_more"},
    },
    "link-header": {"type": "link-header", "response": {"dataPath": "$"}},
    "link-body": {"type": "link-body", "response": {**RESULTS, "nextLinkPath": "$.links.next"}},
}
"""A pagination block for each of these APIs."""
