"""yaml: the first document, with the scalars of YAML 1.2's core schema (chapter 10.3).

``yes``, ``010`` and dates are what they look like, text and decimal numbers; ``<<`` is an ordinary key. Keys are the
text they are written with, and of repeated keys the last one wins, as in JSON. Tags other than the core schema's are
ignored, never obeyed. Aliases share the value of their anchor, and are counted as if written out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import yaml

from naftiko.engine.formats.charset import decode_text
from naftiko.engine.formats.decoder import DecodeBudget, Decoder, FormatError, FormatOptions
from naftiko.engine.formats.numbers import json_float
from naftiko.ground.digits import core_number
from naftiko.ground.types import Json
from naftiko.ground.yaml12 import BOOLEANS, NULLS, NUMBERS_BEGIN, is_number, not_finite

_CORE: Final = "tag:yaml.org,2002:"
_RESOLVED_TAGS: Final = frozenset({"null", "bool", "int", "float"})  # !!str and all others leave the text
_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def prepare(options: FormatOptions) -> Decoder:
    """Prepare the limits; the schema is not used."""

    def decode(content: bytes, charset: str | None) -> Json:
        return read_yaml(decode_text(content, charset), DecodeBudget(options))

    return decode


def read_yaml(text: str, budget: DecodeBudget) -> Json:
    """Read the first document of ``text``; a text without any is null.

    Raises:
        FormatError: it is not YAML, with line and column, or goes beyond a limit.
    """
    try:
        return _Composer(budget).compose(yaml.parse(text, Loader=_Loader))
    except yaml.MarkedYAMLError as wrong:
        raise FormatError(f"it is not YAML: {wrong.problem}{_at(wrong.problem_mark)}") from None
    except yaml.YAMLError as wrong:  # a character that YAML doesn't allow
        place = f" at character {wrong.position}" if isinstance(wrong, yaml.reader.ReaderError) else ""
        raise FormatError(f"it is not YAML: a character that YAML does not allow{place}") from None


class _Place(Protocol):
    """A mark of either parser of PyYAML."""

    line: int
    column: int


def _at(mark: _Place | None) -> str:
    return f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""


@dataclass(slots=True)
class _Node:
    """A value, the length of its text with all aliases written out, and its levels of nesting."""

    value: Json
    length: int = 1
    height: int = 0


@dataclass(slots=True)
class _Collection:
    """A mapping or sequence that is still open."""

    node: _Node
    anchor: str | None
    key: str | None = None


class _Composer:
    """Builds the document from the events of the parser, without recursion."""

    def __init__(self, budget: DecodeBudget) -> None:
        self._budget = budget
        self._open: list[_Collection] = []
        self._anchors: dict[str, _Node | None] = {}
        self._root: Json = None

    def compose(self, events: Iterator[yaml.Event]) -> Json:
        for event in events:
            if isinstance(event, yaml.DocumentEndEvent):
                break
            if isinstance(event, yaml.ScalarEvent):
                self._scalar(event)
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event)
            elif isinstance(event, yaml.CollectionStartEvent):
                self._begin(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._finish()
        return self._root

    def _expects_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].node.value, dict) and self._open[-1].key is None

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        self._budget.values(1)
        is_key = self._expects_key()
        value = event.value if is_key else _resolved(event)
        node = _Node(value, len(event.value) + 1)
        if event.anchor:
            self._anchors[event.anchor] = node
        self._add(node, event)

    def _alias(self, event: yaml.AliasEvent) -> None:
        if event.anchor not in self._anchors:
            raise FormatError(f"the alias *{event.anchor}{_at(event.start_mark)} has no anchor before it")
        node = self._anchors[event.anchor]
        if node is None:
            raise FormatError(f"the alias *{event.anchor}{_at(event.start_mark)} is inside its own anchor")
        self._budget.depth(len(self._open) + node.height)
        self._add(node, event)

    def _begin(self, event: yaml.CollectionStartEvent) -> None:
        self._budget.values(1)
        self._budget.depth(len(self._open) + 1)
        if self._expects_key():
            raise FormatError(f"a key is a list or an object{_at(event.start_mark)}, which JSON does not have")
        if event.anchor:
            self._anchors[event.anchor] = None  # known, but not complete
        value: Json = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._open.append(_Collection(_Node(value, 2, 1), event.anchor))

    def _finish(self) -> None:
        collection = self._open.pop()
        if collection.anchor:
            self._anchors[collection.anchor] = collection.node
        self._add(collection.node, None)

    def _add(self, node: _Node, event: yaml.NodeEvent | None) -> None:
        if not self._open:
            self._root = node.value
            return
        parent = self._open[-1]
        parent.node.length += node.length
        parent.node.height = max(parent.node.height, node.height + 1)
        if parent.node.length > self._budget.options.max_bytes:
            self._budget.text(parent.node.length)
        if isinstance(parent.node.value, list):
            parent.node.value.append(node.value)
        elif parent.key is None:
            parent.key = _key(node.value, event)
        elif isinstance(parent.node.value, dict):
            parent.node.value[parent.key] = node.value
            parent.key = None


def _key(value: Json, event: yaml.NodeEvent | None) -> str:
    if isinstance(value, str):
        return value
    # only an alias can bring another type here
    raise FormatError(f"a key is not text{_at(event.start_mark if event else None)}, which JSON does not have")


def _resolved(event: yaml.ScalarEvent) -> Json:
    is_core = event.tag is not None and event.tag.removeprefix(_CORE) in _RESOLVED_TAGS
    return _plain(event) if is_core or event.implicit[0] else event.value


def _plain(event: yaml.ScalarEvent) -> Json:
    text: str = event.value
    if text in NULLS:
        return None
    if text in BOOLEANS:
        return BOOLEANS[text]
    if text[0] not in NUMBERS_BEGIN:  # most scalars: spares them five patterns
        return text
    if is_number(text):
        return _number(text, event)
    special = not_finite(text)
    return text if special is None else json_float(special)


def _number(text: str, event: yaml.ScalarEvent) -> float:
    try:
        return core_number(text)
    except ValueError as wrong:
        raise FormatError(f"{wrong}{_at(event.start_mark)}") from None
