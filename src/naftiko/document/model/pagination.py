"""How a consumed API gives its lists in pages (docs/pagination.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from naftiko.document.model.base import Model, Seconds


class PageRequest(Model):
    """What the request of a page has.

    Attributes:
        cursor_in: ``query``, ``body`` or ``header``: where the parameters of pages travel, whatever the type.
        key_path: where the last item of a page has its key, as ``$.id``.
    """

    key_spellings: ClassVar[Mapping[str, str]] = {"cursorIn": "paramin in", "pageParam": "pagenumberparam"}

    cursor_param: str | None = None
    cursor_in: str | None = None
    offset_param: str | None = None
    page_param: str | None = None
    start_page: int | None = None
    key_param: str | None = None
    key_path: str | None = None
    limit_param: str | None = None
    limit_value: int | None = None


class PageResponse(Model):
    """Where the answer has what belongs to its page: JSONPaths that name one place each."""

    data_path: str | None = None
    next_cursor_path: str | None = None
    has_more_path: str | None = None
    total_path: str | None = None
    total_pages_path: str | None = None
    next_link_path: str | None = None


class PageBounds(Model):
    """How much of a list is fetched for one call.

    Attributes:
        bytes_: of the pages' bodies together, such as ``5MiB``.
        time: seconds, from the first page on.
    """

    pages: int | None = None
    items: int | None = None
    bytes_: str | None = Field(default=None, alias="bytes")
    time: Seconds = None


class Pagination(Model):
    """The pages of a list; ``type: none`` says that there are none."""

    type: str | None = None
    request: PageRequest | None = None
    response: PageResponse | None = None
    max_: PageBounds | None = Field(default=None, alias="max")
