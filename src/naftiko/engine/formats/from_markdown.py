"""markdown: ``{"frontMatter": {}, "tables": [[{header: cell}]], "sections": [{"heading", "level", "content"}]}``.

CommonMark with the tables of GitHub. Front matter is YAML between two lines ``---``, the first of which begins the
text. Tables are shaped like those of html. A section's content is the plain text of the blocks below its heading,
one line for each, code as it stands, without the tables; what comes before the first heading belongs to none.
``outputSchema`` keeps the sections whose heading begins with it; ``## Results`` asks for that level, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from naftiko.engine.formats.charset import decode_text
from naftiko.engine.formats.decoder import DecodeBudget, Decoder, FormatError, FormatOptions, library
from naftiko.engine.formats.from_yaml import read_yaml
from naftiko.engine.formats.tables import column_names
from naftiko.ground.types import Json

if TYPE_CHECKING:
    from markdown_it.token import Token

MAX_MARKDOWN_BYTES: Final = 1024 * 1024
"""For a megabyte the parser takes 1.2 s and 100 MB, and eight times that for one that is made to be slow."""

_FRONT_MATTER: Final = re.compile(r"---\n(.*?\n)??---(?:\n|\Z)", re.DOTALL)


_WANTED: Final = re.compile(r"(#{1,6})?\s*(.*)", re.DOTALL)


def prepare(options: FormatOptions) -> Decoder:
    """Prepare the parser and the filter of headings.

    Raises:
        FormatUnavailable: markdown-it-py is not installed.
    """
    parser = library("markdown_it", "markdown").MarkdownIt("commonmark").enable("table")
    wanted = _Wanted(options.schema or "")

    def decode(content: bytes, charset: str | None) -> Json:
        if len(content) > MAX_MARKDOWN_BYTES:
            raise FormatError(f"the text is larger than {MAX_MARKDOWN_BYTES:,} bytes")
        budget = DecodeBudget(options)
        text = decode_text(content, charset).replace("\r\n", "\n")
        front_matter, body = _front_matter(text, budget)
        tokens: list[Token] = parser.parse(body)
        budget.values(len(tokens))
        sections = [section.json() for section in _sections(tokens) if wanted.has(section)]
        return {"frontMatter": front_matter, "tables": list(_tables(tokens)), "sections": sections}

    return decode


def _front_matter(text: str, budget: DecodeBudget) -> tuple[Json, str]:
    """Split the front matter off. What stands between two rules but isn't a YAML object is ordinary text."""
    match = _FRONT_MATTER.match(text)
    if match is None:
        return {}, text
    try:
        front_matter = read_yaml(match[1] or "", budget)
    except FormatError:
        return {}, text
    if front_matter is None:
        return {}, text[match.end() :]
    return (front_matter, text[match.end() :]) if isinstance(front_matter, dict) else ({}, text)


@dataclass(slots=True)
class _Section:
    """A heading with what follows it, up to the next one."""

    heading: str
    level: int
    blocks: list[str] = field(default_factory=list)

    def json(self) -> Json:
        return {"heading": self.heading, "level": self.level, "content": "\n".join(self.blocks)}


class _Wanted:
    """Which sections ``outputSchema`` asks for."""

    def __init__(self, schema: str) -> None:
        match = _WANTED.match(schema.strip())
        marks, self._prefix = match.groups(default="") if match else ("", "")
        self._level = len(marks)

    def has(self, section: _Section) -> bool:
        return section.heading.startswith(self._prefix) and self._level in {0, section.level}


def _sections(tokens: Iterable[Token]) -> Iterator[_Section]:
    section: _Section | None = None
    in_heading = in_table = False
    for token in tokens:
        if token.type in {"heading_open", "heading_close"} and token.level == 0:
            in_heading = token.nesting == 1
            if in_heading:
                if section:
                    yield section
                section = _Section("", int(token.tag[1:]))
        elif token.type in {"table_open", "table_close"}:
            in_table = token.nesting == 1
        elif section is None or in_table:
            continue
        elif in_heading:
            section.heading = _plain(token)
        elif token.type in {"inline", "fence", "code_block"}:
            section.blocks.append(_plain(token))
    if section:
        yield section


def _tables(tokens: Iterable[Token]) -> Iterator[Json]:
    """Read the tables that stand at the top level; a table whose headers are all blank is skipped."""
    rows: list[list[str]] = []
    in_table = False
    for token in tokens:
        if token.type == "table_open" and token.level == 0:
            rows, in_table = [], True
        elif token.type == "table_close" and in_table:
            in_table = False
            if any(rows[0]):
                names = column_names(rows[0])
                yield [dict(zip(names, row, strict=True)) for row in rows[1:]]
        elif in_table and token.type == "tr_open":
            rows.append([])
        elif in_table and token.type == "inline":
            rows[-1].append(_plain(token).strip())


def _plain(token: Token) -> str:
    """Give the text of a block: no emphasis, of links and images their words, code as it stands, no HTML."""
    if token.type in {"fence", "code_block"}:
        return token.content.removesuffix("\n")
    return "".join(_pieces(token))


def _pieces(token: Token) -> Iterator[str]:
    for child in token.children or ():
        if child.type in {"text", "code_inline"}:
            yield child.content
        elif child.type == "softbreak":
            yield " "
        elif child.type == "hardbreak":
            yield "\n"
        elif child.type == "image":
            yield from _pieces(child)
