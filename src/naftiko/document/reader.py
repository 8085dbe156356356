"""Read YAML text to nodes that know their line and column (SEMANTICS 1.1).

PyYAML's C parser composes the nodes; what a scalar means is decided here by the YAML 1.2 core schema
(chapter 10.3 of https://yaml.org/spec/1.2.2/), since PyYAML's own resolver speaks YAML 1.1, where ``NO`` is
false, ``12:30:45`` a number and ``0123`` octal.
"""

from __future__ import annotations

import codecs
import io
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]  # the stubs forget the C extension
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from naftiko.document.findings import Findings
from naftiko.document.syntax import report_character, report_syntax
from naftiko.ground.digits import ExactNumber, core_number
from naftiko.ground.types import Json
from naftiko.ground.yaml12 import BOOLEANS, NULLS, NUMBERS_BEGIN, is_number, not_finite

MAX_BYTES = 32 * 1024 * 1024
"""The largest file that is read; the largest public capability is 1.8 MB."""
MAX_DEPTH = 200
"""How deep nodes may be nested."""
MAX_EXPANSION = 10
"""How many nodes aliases may make of each mapping or list that is written (beyond ``FREE_NODES``)."""
FREE_NODES = 100_000

Entries: TypeAlias = dict[str, tuple[Node, Node]]
"""A mapping's entries in the order of the file: key text to key node and value node."""

_STANDARD_TAG = "tag:yaml.org,2002:"
_TAGS = frozenset({"!", *(_STANDARD_TAG + kind for kind in ("str", "int", "float", "bool", "null", "map", "seq"))})
_MERGE = "<<"


class _Composer(CParser):
    """The C composer without PyYAML's YAML 1.1 resolver: an untagged node's tag stays empty."""

    def descend_resolver(self, current_node: object, current_index: object) -> None:
        """No path resolvers."""

    def ascend_resolver(self) -> None:
        """No path resolvers."""

    def resolve(self, kind: object, value: object, implicit: object) -> str:  # noqa: ARG002  # PyYAML's call
        """Leave the meaning of a node without a tag to this module."""
        return ""


class _NamedText(io.StringIO):
    """Text with a file name, which the parser puts into every mark."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text)
        self.name = name


def read(text: str | bytes, findings: Findings) -> MappingNode | None:
    """Compose the one document of ``text``; ``None`` when it is broken, which ``findings`` then tells.

    Every node of the result has ``start_mark`` and ``end_mark`` (lines and columns from 0). Aliases are the
    anchored node itself; ``entries`` expands merge keys.
    """
    if len(text) > MAX_BYTES:
        findings.at_line(1, 1).error("yaml-limit", f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB")
        return None
    decoded = _decode(text, findings) if isinstance(text, bytes) else text.removeprefix("\ufeff")
    if decoded is None:
        return None
    findings.text = decoded
    root = _compose(decoded, findings)
    if root is None:
        return None
    keeps_limits = _within_limits if "&" in decoded else _is_shallow  # what has no anchors has no aliases
    if not keeps_limits(root, findings):
        return None
    if "!" in decoded:
        _refuse_tags(root, findings)
    if not isinstance(root, MappingNode):
        findings.at(root).error("no-root-key", "a capability is a mapping", hint="start with `naftiko: 1.0.0-alpha2`")
        return None
    return root


def compose(content: bytes, findings: Findings) -> Node | None:
    """Compose the one document of a file, without the checks of ``read``; ``None`` when it is broken."""
    decoded = _decode(content, findings)
    return None if decoded is None else _compose(decoded, findings)


def _decode(content: bytes, findings: Findings) -> str | None:
    """UTF-8 with or without a BOM, or UTF-16 with one (YAML 1.2.2 chapter 5.2)."""
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        findings.at_line(line, column).error(
            "yaml-encoding", f"byte 0x{content[error.start]:02x} is not UTF-8", hint="save the file as UTF-8"
        )
        return None


def _compose(text: str, findings: Findings) -> Node | None:
    try:
        root = _Composer(_NamedText(text, findings.file)).get_single_node()
    except yaml.MarkedYAMLError as error:
        report_syntax(error, text, findings)
        return None
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        report_character(error, text, findings)
        return None
    if root is None:
        findings.at_line(1, 1).error("no-root-key", "the file is empty", hint="start with `naftiko: 1.0.0-alpha2`")
    return root


def _is_shallow(root: Node, findings: Findings) -> bool:
    """Refuse deep nesting in a document without aliases, level by level."""
    level = [root]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in _children(node) if not isinstance(child, ScalarNode)]
        if not level:
            return True
    findings.at(level[0]).error("yaml-limit", f"nested more than {MAX_DEPTH} deep")
    return False


def _within_limits(root: Node, findings: Findings) -> bool:
    """Refuse cycles, deep nesting and aliases that expand past the limit; one pass, each node once."""
    sizes: dict[int, int] = {}
    heights: dict[int, int] = {}
    open_nodes: set[int] = set()
    if isinstance(root, ScalarNode):
        return True
    stack: list[tuple[Node, bool]] = [(root, False)]
    while stack:
        node, done = stack.pop()
        key = id(node)
        if done:
            open_nodes.discard(key)
            children = _children(node)
            sizes[key] = 1 + sum(sizes.get(id(child), 1) for child in children)
            heights[key] = 1 + max((heights.get(id(child), 0) for child in children), default=0)
            if heights[key] > MAX_DEPTH:  # an alias may stand deep in what another alias stands deep in
                findings.at(node).error("yaml-limit", f"nested more than {MAX_DEPTH} deep")
                return False
            continue
        if isinstance(node, ScalarNode) or key in sizes:
            continue
        if key in open_nodes:
            findings.at(node).error("yaml-limit", "an alias contains itself")
            return False
        if len(open_nodes) >= MAX_DEPTH:
            findings.at(node).error("yaml-limit", f"nested more than {MAX_DEPTH} deep")
            return False
        open_nodes.add(key)
        stack.append((node, True))
        stack.extend((child, False) for child in _children(node) if not isinstance(child, ScalarNode))
    if sizes[id(root)] > FREE_NODES + MAX_EXPANSION * len(sizes):
        findings.at(root).error("yaml-limit", "aliases make the document too large")
        return False
    return True


def _refuse_tags(root: Node, findings: Findings) -> None:
    """Report every tag but those of the core schema: a file can't name code or data of its own kinds."""
    seen: set[int] = set()
    stack: list[Node] = [root]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if node.tag and node.tag not in _TAGS:
            findings.at(node).error("yaml-tag", f"the tag `{_short(node.tag)}` is not allowed", hint="remove the tag")
        stack.extend(reversed(_children(node)))


def _short(tag: str) -> str:
    return f"!!{tag.removeprefix(_STANDARD_TAG)}" if tag.startswith(_STANDARD_TAG) else tag


def _children(node: Node) -> list[Node]:
    if isinstance(node, MappingNode):
        return [child for pair in node.value for child in pair]
    return list(node.value) if isinstance(node, SequenceNode) else []


def entries(node: Node, findings: Findings) -> Entries:
    """Return a mapping's entries by key text; a key that stands twice is an error naming both lines.

    Anything but a mapping has none.

    Merge keys (``<<``) are expanded: the mapping's own keys win, and earlier merged ones over later ones.
    """
    found: Entries = {}
    merged: list[MappingNode] = []
    for key_node, value in node.value if isinstance(node, MappingNode) else ():
        if not isinstance(key_node, ScalarNode):
            findings.at(key_node).error("yaml-key", "a key must be text", hint='quote a template: "{{name}}"')
            continue
        key = key_node.value
        if key == _MERGE and not key_node.style:
            merged.extend(_merge_sources(value, findings))
            continue
        first = found.get(key)
        if first is not None:
            findings.at(key_node).error(
                "duplicate-key",
                f"`{key}` stands twice: first on line {first[0].start_mark.line + 1}",
                hint="keep one of them",
                related=(findings.position(first[0]),),
            )
            continue
        found[key] = (key_node, value)
    for source in merged:
        for key, entry in entries(source, findings).items():
            found.setdefault(key, entry)
    return found


def _merge_sources(value: Node, findings: Findings) -> list[MappingNode]:
    sources = value.value if isinstance(value, SequenceNode) else [value]
    wrong = [source for source in sources if not isinstance(source, MappingNode)]
    for source in wrong:
        findings.at(source).error("yaml-key", "`<<` merges mappings only")
    return [source for source in sources if isinstance(source, MappingNode)]


def scalar(node: ScalarNode, findings: Findings) -> bool | int | float | str | None:
    """Return a scalar's value by the YAML 1.2 core schema."""
    text: str = node.value
    tag: str = node.tag
    if tag:
        return _tagged(node, tag.removeprefix(_STANDARD_TAG), findings)
    if node.style:  # plain scalars have none, or an empty one in PyYAML's C composer
        return text
    if text in NULLS:
        return None
    if text in BOOLEANS:
        return BOOLEANS[text]
    return _number(text) if text[0] in NUMBERS_BEGIN else text


def _tagged(node: ScalarNode, tag: str, findings: Findings) -> bool | int | float | str | None:
    text: str = node.value
    if tag == "null":
        return None
    if tag == "bool" and text in BOOLEANS:
        return BOOLEANS[text]
    if tag not in {"bool", "int", "float"}:
        return text  # `!!str`; any other tag is refused where the file is read
    number = _number(text) if tag != "bool" else text
    if isinstance(number, str):
        findings.at(node).error("yaml-tag", f"the tag `{_short(node.tag)}` doesn't fit", hint="remove the tag")
        return text
    return float(number) if tag == "float" and not isinstance(number, ExactNumber) else number


def _number(text: str) -> int | float | str:
    if is_number(text):
        try:
            return core_number(text)
        except ValueError:  # longer than any number that is meant
            return text
    special = not_finite(text)
    return text if special is None else special


def is_null(node: Node) -> bool:
    """Tell whether the node says nothing: an empty value, ``~`` or ``null``."""
    return isinstance(node, ScalarNode) and not node.style and not node.tag and node.value in NULLS


def plain(node: Node, findings: Findings) -> Json:
    """Return a node as plain data: dicts with text keys, lists, scalars."""
    if isinstance(node, ScalarNode):
        return scalar(node, findings)
    if isinstance(node, SequenceNode):
        return [plain(child, findings) for child in node.value]
    return {key: plain(value, findings) for key, (_, value) in entries(node, findings).items()}


def shown(node: Node) -> Any:
    """Return a short name of what a node is, for messages: ``a list``, ``a mapping``, ``the text "x"``."""
    if isinstance(node, MappingNode):
        return "a mapping"
    if isinstance(node, SequenceNode):
        return "a list"
    if is_null(node):
        return "nothing"
    text = node.value if len(node.value) <= 40 else node.value[:37] + "..."  # noqa: PLR2004  # a line's worth
    return f"`{text}`"


def source_lines(path: Path) -> list[str]:
    """Return a file's lines for showing an excerpt; none when it can't be read any more."""
    try:
        return path.read_text("utf-8-sig", errors="replace").splitlines()
    except OSError:
        return []
