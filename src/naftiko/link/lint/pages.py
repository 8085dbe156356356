"""Lists that come in pages, as their parameters and outputs show, and that declare none (docs/pagination.md)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from naftiko.document.findings import Findings
from naftiko.document.model import CapabilityDocument, ConsumedOperation, ConsumesHttp, OutputParameter
from naftiko.document.suggest import fold
from naftiko.expression import jsonpath
from naftiko.link.paging import declared_pages
from naftiko.plan.actions import Call
from naftiko.plan.operation import Operation
from naftiko.plan.outputs import ArrayOf, FoundValue, ObjectOf, Output
from naftiko.plan.unit import CapabilityPlan

_SIZE: Final = 100
_CURSORS: Final = frozenset(
    [
        "cursor",
        "nextcursor",
        "startcursor",
        "pagecursor",
        "pagetoken",
        "nexttoken",
        "nextpagetoken",
        "continuationtoken",
        "continue",
        "startingtoken",
        "pageinfo",
        "marker",
    ]
)
_OFFSETS: Final = frozenset(["offset", "skip", "startat", "startindex", "pageoffset"])
_PAGES: Final = frozenset(["page", "pagenumber", "pageno", "pageindex"])
_KEYS: Final = frozenset(["startingafter", "afterid", "sinceid", "lastid"])
_LIMITS: Final = frozenset(["limit", "pagesize", "perpage", "maxresults", "size", "count", "top", "first", "pagelimit"])
_NEXT: Final = frozenset(
    ["nextcursor", "nextpagetoken", "nexttoken", "continuationtoken", "nextmarker", "cursor", "endcursor", "continue"]
)
_MORE: Final = frozenset(["hasmore", "hasnext", "hasnextpage", "more"])
_TOTALS: Final = frozenset(["total", "totalcount", "totalitems", "totalresults", "totalsize"])
_TOTAL_PAGES: Final = frozenset(["totalpages", "pagecount", "lastpage", "pages"])
_LINKS: Final = frozenset(["next", "nextlink", "nexturl", "nextpage", "nextpageurl", "nextrecordsurl"])


@dataclass(slots=True)
class _Shown:
    """What the outputs of an operation show of its answers.

    Attributes:
        lists: the paths of its lists.
        values: the paths of its other values, by their folded last names.
    """

    lists: list[str] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)

    def value(self, names: frozenset[str]) -> str | None:
        return next((path for name, path in self.values.items() if name in names), None)

    def add(self, text: str, *, is_list: bool) -> None:
        try:
            keys = jsonpath.parse(text.partition("[*]")[0]).keys
        except jsonpath.JSONPathError:
            return
        if keys is None:
            return
        path = text.partition("[*]")[0].strip()
        path = path if path.startswith("$") else f"$.{path}"
        if is_list or "[*]" in text:
            if path not in self.lists:
                self.lists.append(path)
        elif keys and isinstance(keys[-1], str):
            self.values.setdefault(fold(keys[-1]), path)


def check_pages(document: CapabilityDocument, plan: CapabilityPlan, findings: Findings) -> None:
    """Hint at each list that has pages and doesn't say so."""
    calls = _calls(plan)
    for entry in document.consumes:
        if not isinstance(entry, ConsumesHttp):
            continue
        for resource in entry.resources:
            for model in resource.operations:
                if declared_pages(entry, resource, model)[0] is None and (model.method or "GET").upper() == "GET":
                    _check(model, calls.get(findings.position(model.node).line, []), findings)


def _calls(plan: CapabilityPlan) -> Mapping[int, list[tuple[Operation, Output]]]:
    """Return what units make of the operations that they call, by the lines of those."""
    found: dict[int, list[tuple[Operation, Output]]] = {}
    for unit in plan.units:
        call: Call | None = None if unit.action is None else unit.action.only_call
        if call is not None:
            found.setdefault(call.operation.position.line, []).append((call.operation, unit.outputs.output))
    return found


def _check(model: ConsumedOperation, calls: Iterable[tuple[Operation, Output]], findings: Findings) -> None:
    shown = _Shown()
    for parameter in model.output_parameters:
        _declared(parameter, shown)
    for _, output in calls:
        for text, is_list in _mapped(output, "$"):
            shown.add(text, is_list=is_list)
    names = {fold(given.name): given.name for given in model.input_parameters if given.name}
    block, seen = _proposed(names, shown)
    if block:
        findings.at(model.at("inputParameters")).hint(
            "page-without-pagination",
            f"`{model.name}` looks like a list in pages ({seen}), and callers get one of them",
            hint=f"if it is one, add `pagination: {block}`",
        )


def _declared(parameter: OutputParameter, shown: _Shown) -> None:
    text = parameter.value if parameter.value is not None else parameter.mapping
    if text is not None and text.strip().startswith("$"):
        shown.add(text.strip(), is_list=parameter.type == "array" or parameter.items is not None)


def _mapped(output: Output, at: str) -> Iterator[tuple[str, bool]]:
    """Yield the paths that an output looks at, and whether each is a list."""
    if isinstance(output, FoundValue):
        yield _below(at, output.path.text), False
    elif isinstance(output, ArrayOf):
        yield (at if output.context is None else _below(at, output.context.path.text)), True
    elif isinstance(output, ObjectOf):
        inside = at if output.context is None else _below(at, output.context.path.text)
        for _, inner in output.properties:
            yield from _mapped(inner, inside)


def _below(at: str, text: str) -> str:
    text = text.strip()
    text = text if text.startswith("$") else f"$.{text}"
    return at + text.removeprefix("$").rstrip(".")


def _proposed(names: Mapping[str, str], shown: _Shown) -> tuple[str, str]:
    """Return the block that fits, as a line of YAML, and what shows it; two empty texts where nothing does."""
    if len(shown.lists) != 1:
        return "", ""
    data, limit = shown.lists[0], _first(names, _LIMITS)
    sized = f", limitParam: {limit}, limitValue: {_SIZE}" if limit else ""
    cursor, after = _first(names, _CURSORS), shown.value(_NEXT)
    if cursor and after:
        return _block(f"cursor, request: {{cursorParam: {cursor}{sized}}}", data, shown, nextCursorPath=after), (
            f"its parameter `{cursor}`, its output `{after}`"
        )
    link = shown.value(_LINKS)
    if link:
        return _block("link-body", data, shown, nextLinkPath=link), f"its output `{link}`"
    key = _first(names, _KEYS)
    if key and shown.value(_MORE):
        asked = f"keyset, request: {{keyParam: {key}, keyPath: $.id{sized}}}"
        return _block(asked, data, shown), f"its parameter `{key}`, its output `{shown.value(_MORE)}`"
    offset, page = _first(names, _OFFSETS), _first(names, _PAGES)
    if offset and limit:
        total = shown.value(_TOTALS)
        asked = f"offset, request: {{offsetParam: {offset}{sized}}}"
        return _block(asked, data, shown, totalPath=total), f"its parameters `{offset}` and `{limit}`"
    if page:
        total = shown.value(_TOTAL_PAGES)
        asked = f"page-number, request: {{pageParam: {page}{sized}}}"
        return _block(asked, data, shown, totalPagesPath=total), f"its parameter `{page}`"
    return "", ""


def _first(names: Mapping[str, str], known: frozenset[str]) -> str | None:
    return next((name for folded, name in names.items() if folded in known), None)


def _block(asked: str, data: str, shown: _Shown, **paths: str | None) -> str:
    every = {"dataPath": data, **paths, "hasMorePath": shown.value(_MORE)}
    response = ", ".join(f"{key}: {path}" for key, path in every.items() if path)
    return f"{{type: {asked}, response: {{{response}}}}}"
