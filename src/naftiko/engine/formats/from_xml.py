"""xml: elements and attributes as objects, read by expat.

The root element's name disappears; a path may begin with it all the same (``Rooted``). Attributes and children share
keys, prefixes are stripped; one child is a value, repeated siblings are an array. The text of a leaf is a string as it
stands; text beside attributes or children is under ``""``, in pieces if children divide it; ``xsi:nil`` is null. A
document type declaration is refused, as defusedxml would refuse it, and with it every entity that is not built in;
nothing is ever fetched.
"""

from __future__ import annotations

import re
from typing import Final
from xml.parsers import expat

from naftiko.engine.formats.charset import decode_text
from naftiko.engine.formats.decoder import DecodeBudget, Decoder, FormatError, FormatOptions
from naftiko.ground.types import Json, Rooted

_NIL: Final = "http://www.w3.org/2001/XMLSchema-instance}nil"
_SURROGATES: Final = re.compile(r"(?:&#(?:[xX]0{0,8}[dD][89a-fA-F][0-9a-fA-F]{2}|0{0,8}5[5-7][0-9]{3});)+")
_BAD_CHARACTER: Final = expat.errors.codes[expat.errors.XML_ERROR_BAD_CHAR_REF]
_DECLARATION: Final = re.compile(rb"""\s*<\?xml\s[^>]{0,100}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")


def prepare(options: FormatOptions) -> Decoder:
    """Prepare the limits; the schema is not used."""

    def decode(content: bytes, charset: str | None) -> Json:
        text = decode_text(content, charset or _declared(content))
        try:
            return _Document(DecodeBudget(options)).read(text)
        except _CharacterError:
            mended = _SURROGATES.sub(_characters, text)
            if mended == text:
                raise
            return _Document(DecodeBudget(options)).read(mended)

    return decode


def _declared(content: bytes) -> str | None:
    """Give the encoding of the XML declaration, which counts when ``Content-Type`` says none (RFC 7303)."""
    declaration = _DECLARATION.match(content)
    return declaration[1].decode("ascii") if declaration else None


class _CharacterError(FormatError):
    """A reference to a character that XML can't hold, such as a surrogate: some writers spell an emoji as two."""


def _characters(found: re.Match[str]) -> str:
    """Return the characters of references to surrogates, U+FFFD for each half that is alone."""
    numbers = (number.removesuffix(";") for number in found[0].split("&#")[1:])
    units = "".join(chr(int(f"0{number}", 0 if number[0] in "xX" else 10)) for number in numbers)
    return units.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class _Element:
    """An element that is still open."""

    __slots__ = ("is_nil", "members", "text", "texts")

    def __init__(self) -> None:
        self.members: dict[str, Json] = {}
        self.text: list[str] = []  # since the last tag; expat gives text in pieces of its own
        self.texts: list[str] = []  # what stands between children, without the blanks of the layout
        self.is_nil = False

    def add(self, key: str, value: Json) -> None:
        """Add an attribute or a child; the second one of a name makes an array of both."""
        if key not in self.members:
            self.members[key] = value
            return
        present = self.members[key]
        if isinstance(present, list):  # no single value is a list
            present.append(value)
        else:
            self.members[key] = [present, value]

    def end_text(self) -> None:
        """Close the text before a tag; between tags, blanks alone are layout."""
        text = "".join(self.text)
        self.text.clear()
        if text and not text.isspace():
            self.texts.append(text)

    def value(self, *, is_root: bool) -> Json:
        """Give what the closed element is in JSON."""
        if self.is_nil:
            return None
        if not self.members and not is_root:
            return "".join(self.text)
        self.end_text()
        if self.texts:
            pieces: list[Json] = [*self.texts]
            self.members[""] = pieces[0] if len(pieces) == 1 else pieces
        return self.members


class _Document:
    """The handlers of one parse."""

    def __init__(self, budget: DecodeBudget) -> None:
        self._budget = budget
        self._open: list[_Element] = []
        self._root: Json = None
        self._parser = expat.ParserCreate(namespace_separator="}")
        self._parser.buffer_text = True
        self._parser.ordered_attributes = True
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text

    def read(self, text: str) -> Json:
        try:
            self._parser.Parse(text, True)  # noqa: FBT003 -- expat takes "this is all" by position only
        except expat.ExpatError as wrong:
            message = expat.ErrorString(wrong.code)
            kind = _CharacterError if wrong.code == _BAD_CHARACTER else FormatError
            raise kind(f"it is not XML: {message} at line {wrong.lineno}, column {wrong.offset + 1}") from None
        return self._root

    def _doctype(self, *_: object) -> None:
        line = self._parser.CurrentLineNumber
        raise FormatError(f"it has a document type declaration (DTD) at line {line}, which is refused")

    def _start(self, _tag: str, attributes: list[str]) -> None:
        self._budget.values(1 + len(attributes) // 2)
        self._budget.depth(len(self._open) + 1)
        if self._open:
            self._open[-1].end_text()
        element = _Element()
        for name, value in zip(attributes[::2], attributes[1::2], strict=True):
            if name == _NIL:
                element.is_nil = value.strip() in {"true", "1"}
            else:
                element.add(_local(name), value)
        self._open.append(element)

    def _end(self, tag: str) -> None:
        element = self._open.pop()
        value = element.value(is_root=not self._open)
        if self._open:
            self._open[-1].add(_local(tag), value)
        else:
            self._root = Rooted(value, _local(tag)) if isinstance(value, dict) else value

    def _text(self, text: str) -> None:
        self._open[-1].text.append(text)


def _local(name: str) -> str:
    return name.rpartition("}")[2]
