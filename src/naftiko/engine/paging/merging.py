"""One document of many pages: the first page's, its list grown by the later pages' lists (docs/pagination.md)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import httpx

from naftiko.engine.answer import JSON_MEDIA_TYPE
from naftiko.engine.decode import document
from naftiko.engine.formats import decoder
from naftiko.engine.paging.pages import Decode, Page, Pages, Ways
from naftiko.engine.paging.told import EVERYTHING, PAGES, Told
from naftiko.engine.request import dump_json
from naftiko.engine.sending import NOTE, Outgoing, Send
from naftiko.engine.transport.limits import Limits
from naftiko.engine.transport.whole import Whole, raw_headers
from naftiko.ground.types import ABSENT
from naftiko.observe.observer import PolicyAct
from naftiko.observe.redaction import Redactor
from naftiko.plan.operation import Operation
from naftiko.plan.paging import Pager
from naftiko.plan.unit import ApiPlan

_OF_A_PAGE: Final = frozenset(
    {
        *(b"content-length", b"content-type", b"content-encoding", b"content-disposition", b"content-md5"),
        *(b"etag", b"last-modified", b"digest", b"content-digest", b"repr-digest", b"accept-ranges"),
        *(b"transfer-encoding", b"connection", b"link"),
    }
)
"""What a page says of itself, and not of the list."""


class Paging:
    """Fetches the lists of one operation, whichever way they are asked for.

    Args:
        operation: whose pages they are.
        pager: how they are asked for.
        ways: how they are fetched.
    """

    def __init__(self, operation: Operation, pager: Pager, ways: Ways) -> None:
        self._is_json = operation.raw_format == "json" or bool(operation.redact)
        self._pager = pager
        self._ways = ways

    def pages(self, outgoing: Outgoing) -> Pages:
        """Return the pages of a call, none of them fetched yet."""
        return Pages(self._ways, outgoing, outgoing.pages or EVERYTHING)

    async def __call__(self, outgoing: Outgoing) -> httpx.Response:
        """Return the whole list as one answer, as far as it is wanted: what sends requests of the operation."""
        pages = self.pages(outgoing)
        first = await pages.turn()
        if first is None:
            return self._plain(pages, outgoing)
        if pages.is_whole and self._is_json:
            pages.tell()
            return noted(first.response, pages.told)
        document, last = await self.merged(first, pages)
        pages.tell()
        return noted(answered(document, last.response, pages.told), pages.told)

    async def merged(self, first: Page, pages: Pages) -> tuple[Any, Page]:
        """Return one document of a first page and all that come after it, and the last one."""
        items, last = [*first.items], first
        while (page := await pages.turn()) is not None:
            items += page.items
            last = page
        return grown(self._pager, first, items, last), last

    def _plain(self, pages: Pages, outgoing: Outgoing) -> httpx.Response:
        """Return the answer of what has no pages, as JSON where it is another format's document."""
        plain = pages.plain
        if plain is None:
            return outgoing.answered(204)
        if self._is_json or pages.plain_document is ABSENT:
            return plain
        return answered(pages.plain_document, plain, pages.told)


def grown(pager: Pager, first: Page, items: Sequence[Any], last: Page) -> Any:
    """Return the first page's document with a list of all items, its cursors as the last page has them."""
    document = first.document
    if last is not first:
        for spot in pager.carried:
            document = spot.put(document, spot.of(last.document))
    return pager.data.put(document, items)


def beside_the_body(response: httpx.Response) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer that hold for what is made of it, too."""
    return [(name, value) for name, value in raw_headers(response) if name.lower() not in _OF_A_PAGE]


def headers_of(response: httpx.Response, told: Told) -> list[tuple[bytes, bytes]]:
    """Return what the last page's headers say of the list; where it goes on they lead there."""
    kept = beside_the_body(response)
    if told.next is not None:
        kept += [(name, value) for name, value in raw_headers(response) if name.lower() == b"link"]
    return kept


def answered(document: Any, response: httpx.Response, told: Told) -> httpx.Response:
    """Return a document as an answer, with what the last page's headers say of the list."""
    headers = [*headers_of(response, told), (b"content-type", JSON_MEDIA_TYPE.encode())]
    return Whole(200, headers, dump_json(document), response.request, {})


def noted(response: httpx.Response, told: Told) -> httpx.Response:
    """Return an answer that says how far its list goes."""
    headers = [*raw_headers(response)]
    if told.note:
        headers.append((NOTE.encode(), told.note.encode("ascii")))
    said = {key: value for key, value in response.extensions.items() if isinstance(value, bytes)}
    return Whole(response.status_code, headers, response.content, response.request, {**said, PAGES: told.written()})


def paging(
    operation: Operation,
    send: Send,
    api: ApiPlan,
    limits: Limits,
    redactor: Redactor,
    acted: Callable[[PolicyAct], None] | None,
) -> Paging:
    """Return what fetches the lists of an operation that has pages.

    Args:
        operation: whose pages they are.
        send: sends the request of one page.
        api: the API.
        limits: of the calls to it.
        redactor: hides secrets in what is told.
        acted: is told what came of the pages, or ``None``.
    """
    pager = operation.pager
    if pager is None:
        raise ValueError(f"`{operation.key}` has no pages")
    ways = Ways(
        pager=pager,
        send=send,
        decode=_decoding(operation),
        seconds=pager.bounds.seconds or limits.total,
        credentials=tuple(name for place, name in api.credentials if place == "query"),
        redact=redactor.redact,
        acted=acted,
    )
    return Paging(operation, pager, ways)


def _decoding(operation: Operation) -> Decode:
    """Return what reads the documents of an operation's pages."""
    decode = decoder("json" if operation.redact else operation.raw_format)

    async def read(response: httpx.Response) -> Any:
        return await document(response, operation, decode)

    return read
