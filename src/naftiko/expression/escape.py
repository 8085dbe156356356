"""Escape values by where they stand in a text, so that none can change what is around it (SEMANTICS 4.3)."""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote
from xml.sax.saxutils import escape as escape_xml

from naftiko.expression import sparql
from naftiko.expression.text import as_text, compact_json

_NOT_IN_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Characters that no XML 1.0 document has (XML 1.0, production 2)."""


class EscapeContext(enum.Enum):
    """Where a placeholder stands, which says how its value is escaped."""

    PLAIN = "plain"
    JSON_VALUE = "JSON value"
    JSON_STRING = "inside a JSON string"
    SEGMENT = "path segment"
    QUERY = "query or form"
    XML = "XML"
    SPARQL_STRING = "inside a literal of a SPARQL text"
    SPARQL_IRI = "inside an IRI of a SPARQL text"
    SPARQL_COMMENT = "in a comment of a SPARQL text"
    SPARQL_BARE = "bare in a SPARQL text"


class NotWritable(ValueError):
    """A value that nothing can write where it stands; the text goes on after its name, and says why."""


def escape(value: Any, position: EscapeContext) -> str:
    """Return a value's text, escaped so that it can't change the structure around it.

    Raises:
        NotWritable: nothing can write it there.
    """
    if position is EscapeContext.JSON_VALUE:
        return compact_json(value)
    return _ESCAPES[position](as_text(value))


def xml_text(text: str) -> str:
    """Return a text if XML can hold all its characters.

    Raises:
        NotWritable: it holds a control character, which no escape writes in XML 1.0.
    """
    if _NOT_IN_XML.search(text):
        raise NotWritable("holds a control character, which XML can't hold even escaped")
    return text


def _in_xml(text: str) -> str:
    return escape_xml(xml_text(text), {'"': "&quot;", "'": "&apos;", "\r": "&#13;"})


def _bare_in_sparql(text: str) -> str:
    try:
        return sparql.bare(text)
    except sparql.NoTerm:
        raise NotWritable(
            "stands bare in a SPARQL text, where only one number, variable, name (ex:thing) or <IRI> can stand; "
            "a text needs quotes around its placeholder"
        ) from None


_ESCAPES: Final[Mapping[EscapeContext, Callable[[str], str]]] = {
    EscapeContext.PLAIN: lambda text: text,
    EscapeContext.JSON_STRING: lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    EscapeContext.SEGMENT: lambda text: quote(text, safe=""),
    EscapeContext.QUERY: lambda text: quote(text, safe=""),
    EscapeContext.XML: _in_xml,
    EscapeContext.SPARQL_STRING: sparql.in_string,
    EscapeContext.SPARQL_IRI: sparql.in_iri,
    EscapeContext.SPARQL_COMMENT: sparql.in_comment,
    EscapeContext.SPARQL_BARE: _bare_in_sparql,
}
