"""html: the tables of a page, ``{"tables": [[{header: cell}]]}``.

``outputSchema`` is a CSS selector: the tables it matches, or all tables inside the elements it matches; without one,
every table. A header is a ``th`` of the first row of ``thead``, else of the table's first row; a table without any is
skipped. Rows are those of the table's bodies (else all of its rows), without the ones that hold a ``th``. Missing
cells are ``""``, surplus cells are ignored, spans are not expanded. Text is that of a browser: blanks are joined,
scripts and styles left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeAlias

from naftiko.engine.formats.charset import decode_text, known_charset
from naftiko.engine.formats.decoder import DecodeBudget, Decoder, FormatError, FormatOptions, library
from naftiko.engine.formats.tables import column_names
from naftiko.ground.types import Json

MAX_PAGE_BYTES: Final = 8 * 1024 * 1024
MAX_ELEMENTS: Final = 200_000
MAX_ELEMENTS_SLOW: Final = 5_000
"""Of a page whose selector asks each element for all its siblings or descendants: quadratic time and memory."""
MAX_ATTRIBUTES: Final = 500
"""Of one element: libxml2's tree takes quadratic time for them."""

_SLOW_SELECTOR: Final = re.compile(r"~(?!=)|:has\(|:nth-|:last-|:only-|-of-type")
_META_CHARSET: Final = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([A-Za-z0-9._-]{1,40})""", re.IGNORECASE)
_SNIFFED_BYTES: Final = 1024  # where the HTML standard looks for the charset
_SILENT: Final = frozenset({"script", "style", "template"})
_WITHIN_A_LINE: Final = _SILENT | frozenset(
    {"a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins", "kbd", "label"}
    | {"mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr"}
)

_Element: TypeAlias = Any  # lxml.etree._Element: lxml has no types of its own
_Selectors: TypeAlias = Any  # list of cssselect2.compiler.CompiledSelector, likewise


def prepare(options: FormatOptions) -> Decoder:
    """Compile the selector.

    Raises:
        FormatError: ``outputSchema`` is not a CSS selector.
        FormatUnavailable: lxml or cssselect2 is not installed.
    """
    etree = library("lxml.etree", "html")
    css = library("cssselect2", "html")
    selectors = _compiled(options.schema or "table", css)
    max_elements = MAX_ELEMENTS_SLOW if _SLOW_SELECTOR.search(options.schema or "") else MAX_ELEMENTS

    def decode(content: bytes, charset: str | None) -> Json:
        if len(content) > MAX_PAGE_BYTES:
            raise FormatError(f"the page is larger than {MAX_PAGE_BYTES:,} bytes")
        budget = DecodeBudget(options)
        builder = _Builder(etree, budget, max_elements)
        page = _parsed(decode_text(content, charset or _declared(content)), etree, builder)
        if page is None:
            return {"tables": []}
        matches = css.ElementWrapper.from_html_root(page).query_all(*selectors)
        tables = _tables(match.etree_element for match in matches)
        return {"tables": [rows for table in tables if (rows := _rows(table, etree, budget)) is not None]}

    return decode


def _compiled(selector: str, css: Any) -> _Selectors:
    try:
        selectors = css.compile_selector_list(selector)
    except css.SelectorError as wrong:
        raise FormatError(f'outputSchema "{selector}" is not a CSS selector: {wrong}') from None
    if any(compiled.pseudo_element for compiled in selectors):
        raise FormatError(f'outputSchema "{selector}" is not a CSS selector of elements')
    return selectors


def _declared(content: bytes) -> str | None:
    meta = _META_CHARSET.search(content[:_SNIFFED_BYTES])
    name = meta[1].decode("ascii") if meta else None
    # what could be read as ASCII can't be UTF-16, whatever it says
    return None if (known_charset(name) or "").startswith("utf-16") else name


class _Builder:
    """The parser's target: builds the tree, within limits that the parser has none for.

    Attributes:
        refused: the limit that was reached; the parser shows it as an error of its own.
    """

    def __init__(self, etree: Any, budget: DecodeBudget, max_elements: int) -> None:
        self._tree = etree.TreeBuilder()
        self._budget = budget
        self._max_elements = max_elements
        self._depth = 0
        self._elements = 0
        self.refused: FormatError | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        self._depth += 1
        try:
            self._check(tag, attributes)
        except FormatError as refused:
            self.refused = refused
            raise
        self._tree.start(tag, attributes)

    def _check(self, tag: str, attributes: dict[str, str]) -> None:
        self._budget.depth(self._depth)
        if self._elements > self._max_elements:
            raise FormatError(f"the page has more than {self._max_elements:,} elements")
        if len(attributes) > MAX_ATTRIBUTES:
            raise FormatError(f"an element <{tag[:40]}> has more than {MAX_ATTRIBUTES} attributes")

    def end(self, tag: str) -> None:
        self._depth -= 1
        self._tree.end(tag)

    def data(self, text: str) -> None:
        self._tree.data(text)

    def close(self) -> _Element | None:
        return None if self.refused else self._tree.close()


def _parsed(text: str, etree: Any, builder: _Builder) -> _Element | None:
    # huge_tree: its fixed limits would cut a page off without a word; the builder's are ours
    parser = etree.HTMLParser(target=builder, encoding="utf-8", no_network=True, huge_tree=True)
    try:
        parser.feed(text.encode())
        page = parser.close()
    except (etree.LxmlError, FormatError, AssertionError):  # the latter: a tree without a root, an empty page
        page = None
    if builder.refused:
        raise builder.refused
    return page


def _tables(matches: Iterable[_Element]) -> Iterator[_Element]:
    seen: set[_Element] = set()
    for match in matches:
        for table in [match] if match.tag == "table" else match.iter("table"):
            if table not in seen:
                seen.add(table)
                yield table


def _rows(table: _Element, etree: Any, budget: DecodeBudget) -> list[Json] | None:
    sections = _sections(table)
    head = next((row for name, row in sections if name == "thead"), None)
    first = head if head is not None else next((row for _, row in sections), None)
    headers = [] if first is None else [_text(cell, etree, budget) for cell in first if cell.tag == "th"]
    if not headers:
        return None
    names = column_names(headers)
    body = [row for name, row in sections if name in {"tbody", "table"}] or [row for _, row in sections]
    rows: list[Json] = []
    for row in body:
        if any(cell.tag == "th" for cell in row):
            continue
        cells = [_text(cell, etree, budget) for cell in row if cell.tag == "td"][: len(names)]
        budget.values(1 + len(names))
        rows.append({name: cells[at] if at < len(cells) else "" for at, name in enumerate(names)})
    return rows


def _sections(table: _Element) -> list[tuple[str, _Element]]:
    """Give the table's own rows, not those of tables inside it, each with the tag of its section."""
    rows = []
    for part in table:
        if part.tag == "tr":
            rows.append(("table", part))
        elif part.tag in {"thead", "tbody", "tfoot"}:
            rows.extend((part.tag, row) for row in part if row.tag == "tr")
    return rows


def _text(cell: _Element, etree: Any, budget: DecodeBudget) -> str:
    pieces: list[str] = []
    walk = etree.iterwalk(cell, events=("start", "end"))
    for event, element in walk:
        blank = "" if element.tag in _WITHIN_A_LINE else " "
        if event == "start":
            silent = element.tag in _SILENT
            pieces.append(blank + ("" if silent else element.text or ""))
            if silent:
                walk.skip_subtree()
        else:
            pieces.append(blank + ((element.tail or "") if element is not cell else ""))
    text = " ".join("".join(pieces).split())
    budget.text(len(text))
    return text
