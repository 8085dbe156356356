"""Compile what a file says of the pages of its lists, and tell what is wrong with it (docs/pagination.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from naftiko.document.findings import Findings, Reporter
from naftiko.document.model import (
    ConsumedOperation,
    ConsumedResource,
    ConsumesHttp,
    Model,
    PageBounds,
    PageRequest,
    PageResponse,
    Pagination,
)
from naftiko.document.nodes import Node
from naftiko.document.suggest import did_you_mean
from naftiko.expression import jsonpath
from naftiko.ground.http import READING
from naftiko.ground.sizes import size_in_bytes
from naftiko.plan.operation import Operation
from naftiko.plan.paging import MAX_BYTES, MAX_ITEMS, MAX_PAGES, Bounds, Pager, Spot

_PLACES: Final = ("query", "body", "header")
_NO_LISTS: Final = frozenset({"text", "binary", "html", "markdown", "avro", "protobuf", "xml"})
_NONE: Final = "none"
_LIMITS: Final = ("limit_param", "limit_value", "cursor_in")


@dataclass(frozen=True, slots=True)
class _Style:
    """What a type of pagination asks of a file.

    Attributes:
        param: the key with the parameter that tells pages apart, or ``""``.
        wants: the keys of the request and the response that it can't do without, beside ``dataPath``.
        takes: those that it can.
    """

    param: str
    wants: tuple[str, ...]
    takes: tuple[str, ...]


STYLES: Final[Mapping[str, _Style]] = {
    "cursor": _Style("cursor_param", ("cursor_param", "next_cursor_path"), ("has_more_path",)),
    "offset": _Style("offset_param", ("offset_param",), ("total_path", "has_more_path")),
    "page-number": _Style("page_param", ("page_param",), ("start_page", "total_pages_path", "has_more_path")),
    "link-header": _Style("", (), ()),
    "link-body": _Style("", ("next_link_path",), ("has_more_path",)),
    "keyset": _Style("key_param", ("key_param", "key_path"), ("has_more_path",)),
}
"""The types of pagination, by their names."""
_OF_REQUEST: Final = frozenset(PageRequest.model_fields)
_PATHS: Final = ("data_path", "next_cursor_path", "has_more_path", "total_path", "total_pages_path", "next_link_path")


def declared_pages(
    consumes: ConsumesHttp, resource: ConsumedResource, operation: ConsumedOperation
) -> tuple[Pagination | None, str]:
    """Return what is said of an operation's pages, and at which level: the inner one replaces the outer ones."""
    levels = ((operation, "operation"), (resource, "resource"), (consumes, "api"))
    return next(((model.pagination, level) for model, level in levels if model.pagination is not None), (None, ""))


def compile_pages(model: Pagination, level: str, operation: Operation, findings: Findings) -> tuple[Pager | None, str]:
    """Compile the pages of an operation.

    Args:
        model: what the file says.
        level: where it says it.
        operation: whose pages they are.
        findings: where problems are told.

    Returns:
        how its pages are fetched, ``None`` where they aren't; and why it can't be called, or ``""``.
    """
    kind = _kind(model)
    if kind == _NONE:
        return None, ""
    is_inherited = level != "operation"
    if is_inherited and operation.raw_format in _NO_LISTS:
        return None, ""
    pager, why = _Compiler(model, level, operation, findings).compiled(kind)
    return (None, "") if is_inherited and not _may_be_list(model, operation) else (pager, why)


def _kind(model: Pagination) -> str:
    word = (model.type or "").strip().lower().replace("_", "-")
    return next((name for name in (*STYLES, _NONE) if name.replace("-", "") == word.replace("-", "")), "")


def _may_be_list(model: Pagination, operation: Operation) -> bool:
    """Tell whether what is said of a whole API or resource is meant for an operation.

    It is where the operation has one of the parameters of pages, or reads a path that doesn't end in the name of one
    thing, as ``/notes/{id}`` does. What writes is not asked again unless it has such a parameter.
    """
    request = model.request or PageRequest()
    names = {request.cursor_param, request.offset_param, request.page_param, request.key_param, request.limit_param}
    own = {parameter.name for parameter in operation.parameters} | {slot.name for slot in operation.slots}
    if names & own or (operation.body is not None and names & {*operation.body.names}):
        return True
    last = operation.path.text.partition("?")[0].rstrip("/").rpartition("/")[2]
    return operation.method in READING and not last.endswith("}")


class _Compiler:
    def __init__(self, model: Pagination, level: str, operation: Operation, findings: Findings) -> None:
        self._model = model
        self._level = level
        self._operation = operation
        self._findings = findings
        self._request = model.request or PageRequest()
        self._response = model.response or PageResponse()
        self._wrong: list[str] = []

    def compiled(self, kind: str) -> tuple[Pager | None, str]:
        if not kind:
            self._unknown_type()
        elif self._operation.raw_format in _NO_LISTS:
            reason = f"its answer is {self._operation.raw_format}, which can't be paged"
            self._at(self._model.at("type"), reason).error(
                "pagination-format", reason, hint="leave `pagination` out: `type: none`"
            )
        else:
            self._check_keys(kind)
        if self._wrong:
            return None, self._wrong[0]
        pager = self._pager(kind)
        return (None, self._wrong[0]) if self._wrong else (pager, "")

    def _unknown_type(self) -> None:
        known = (*STYLES, _NONE)
        if self._model.type is None:
            reason = "its pagination has no `type`"
            self._at(self._model.node, reason).error(
                "unknown-pagination", reason, hint=f"add one of {', '.join(known)}"
            )
            return
        reason = f"its pagination is of the unknown type `{self._model.type}`"
        hint = did_you_mean(self._model.type, known) or f"known: {', '.join(known)}"
        self._at(self._model.at("type"), reason).error("unknown-pagination", reason, hint=hint)

    def _at(self, node: Node | None, reason: str) -> Reporter:
        """Report at a node why the operation can't be called."""
        self._wrong.append(reason)
        return self._findings.at(node)

    def _value(self, field: str) -> object:
        return getattr(self._request if field in _OF_REQUEST else self._response, field)

    def _check_keys(self, kind: str) -> None:
        style = STYLES[kind]
        for field in ("data_path", *style.wants):
            if self._value(field) in {None, ""}:
                reason = f"its pagination of type `{kind}` has no `{_key(field)}`"
                self._at(self._holder(field), reason).error("incomplete-pagination", reason, hint=_ADVICE[field])
        if kind == "offset" and self._request.limit_value is None:
            self._findings.at(self._model.at("request")).warning(
                "offset-without-limit",
                "an offset without `request.limitValue`: a page that is short can't be told from one that is full, so "
                "one request more is made to find the end",
                hint="add `limitParam` and `limitValue`, the size of a page",
            )
        self._tell_unused(kind, {"data_path", *_LIMITS, *style.wants, *style.takes})

    def _holder(self, field: str) -> Node | None:
        part = "request" if field in _OF_REQUEST else "response"
        return self._model.at(part)

    def _tell_unused(self, kind: str, used: set[str]) -> None:
        for part in (self._request, self._response):
            for field in type(part).model_fields:
                if field not in {"node", "entries"} and field not in used and getattr(part, field) is not None:
                    takers = [name for name, style in STYLES.items() if field in (*style.wants, *style.takes)]
                    self._findings.at(part.at(_key(field))).warning(
                        "unused-pagination-key",
                        f"`{_key(field)}` means nothing in a pagination of type `{kind}`",
                        hint=f"it belongs to {' and '.join(f'`type: {name}`' for name in takers)}",
                    )

    def _pager(self, kind: str) -> Pager:
        request, response, style = self._request, self._response, STYLES[kind]
        spots = {field: self._spot(response, field) for field in _PATHS}
        totals = {"offset": "total_path", "page-number": "total_pages_path"}
        place = (request.cursor_in or "query").strip().lower()
        if place not in _PLACES:
            reason = f"its pagination sends its parameters `in: {request.cursor_in}`, which is not known"
            hint = did_you_mean(place, _PLACES) or f"known: {', '.join(_PLACES)}"
            self._at(request.at("cursorIn"), reason).error("broken-pagination", reason, hint=hint)
        if request.limit_value is not None and request.limit_value < 1:
            reason = f"its pagination asks for pages of {request.limit_value} items"
            self._at(request.at("limitValue"), reason).error("broken-pagination", reason, hint="write a number from 1")
        return Pager(
            style=kind,
            data=spots["data_path"] or Spot(()),
            place=place,
            param=str(self._value(style.param) or "") if style.param else "",
            limit_param=request.limit_param or "",
            limit_value=request.limit_value,
            start_page=request.start_page,
            next=spots["next_link_path" if kind == "link-body" else "next_cursor_path"],
            more=spots["has_more_path"],
            total=spots[totals[kind]] if kind in totals else None,
            key=self._spot(request, "key_path"),
            bounds=self._bounds(self._model.max_ or PageBounds()),
            level=self._level,
        )

    def _spot(self, part: Model, field: str) -> Spot | None:
        text = getattr(part, field)
        if text is None:
            return None
        where, written = part.at(_key(field)), text.strip()
        try:
            keys = jsonpath.parse(written).keys
        except jsonpath.JSONPathError as error:
            reason = f"`{_key(field)}: {text}` of its pagination is no JSONPath: {error.message}"
            self._at(where, reason).error("broken-pagination", reason, hint="write a path such as `$.data.items`")
            return None
        if keys is None:
            reason = f"`{_key(field)}: {text}` of its pagination may name several places"
            self._at(where, reason).error(
                "broken-pagination", reason, hint="write the path of one place, such as `$.data.items`"
            )
            return None
        return Spot(keys, written)

    def _bounds(self, model: PageBounds) -> Bounds:
        for field in ("pages", "items", "time"):
            value = getattr(model, field)
            if value is not None and value <= 0:
                reason = f"its pagination allows `max.{field}: {value:g}`, so nothing could be fetched"
                self._at(model.at(field), reason).error(
                    "broken-pagination", reason, hint="write what is above zero, or leave it out"
                )
        size = MAX_BYTES if model.bytes_ is None else size_in_bytes(model.bytes_)
        if not size:
            reason = f"`max.bytes: {model.bytes_}` of its pagination is no size"
            self._at(model.at("bytes"), reason).error("broken-pagination", reason, hint="write a size such as `5MiB`")
        return Bounds(model.pages or MAX_PAGES, model.items or MAX_ITEMS, size, model.time)


def _key(field: str) -> str:
    first, *rest = field.split("_")
    return first + "".join(word.capitalize() for word in rest)


_ADVICE: Final[Mapping[str, str]] = {
    "data_path": "add `response: {dataPath: $.items}`, the path of the list in an answer",
    "cursor_param": "add `request: {cursorParam: cursor}`, the parameter that takes the cursor",
    "next_cursor_path": "add `response: {nextCursorPath: $.next_cursor}`, where an answer has the next cursor",
    "offset_param": "add `request: {offsetParam: offset}`, the parameter that says how many items are skipped",
    "page_param": "add `request: {pageParam: page}`, the parameter with the number of the page",
    "next_link_path": "add `response: {nextLinkPath: $.next}`, where an answer has the link to the next page",
    "key_param": "add `request: {keyParam: starting_after}`, the parameter that takes the last item's key",
    "key_path": "add `request: {keyPath: $.id}`, where an item has its key",
}
