"""The frontmatter of a ``SKILL.md``: YAML between two lines of three hyphens (https://agentskills.io/specification)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final

from naftiko.document.findings import Findings
from naftiko.document.reader import plain, read
from naftiko.ground.digits import ExactNumber
from naftiko.ground.errors import NaftikoError
from naftiko.ground.yaml12 import BOOLEANS, NULLS

_BLOCK: Final = re.compile(r"---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_LONGEST: Final = 64 * 1024
"""Characters that the block may have; it is what a model reads of every skill."""
_PLAIN: Final = re.compile(r"[A-Za-z](?:[\w.,;()/'+!?-]| (?=[\w(.,;'+!?/]))*", re.ASCII)
"""A text that means itself without quotes, in YAML 1.1 and 1.2: no mark of the language stands in it."""
_WORDS: Final = frozenset({*BOOLEANS, *NULLS, *["yes", "no", "on", "off", "y", "n"]})
"""Texts that are something else without quotes."""
_UNPRINTABLE: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""What JSON leaves as it is and YAML doesn't allow, or reads as the end of a line."""


class BrokenFrontmatter(NaftikoError):
    """A ``SKILL.md`` whose frontmatter can't be read."""


def frontmatter_of(content: bytes) -> dict[str, Any]:
    """Return what the frontmatter of a file says, as JSON has it.

    Raises:
        BrokenFrontmatter: there is none, or it is not what JSON can say.
    """
    try:
        text = content[: 4 * _LONGEST].decode("utf-8-sig", errors="ignore" if len(content) > 4 * _LONGEST else "strict")
    except UnicodeDecodeError as error:
        raise BrokenFrontmatter("it is not UTF-8") from error
    block = _BLOCK.match(text)
    if block is None or len(block[1]) > _LONGEST:
        raise BrokenFrontmatter(
            "it doesn't begin with frontmatter: a line `---`, YAML with `name` and `description`, and a line `---`"
        )
    findings = Findings("SKILL.md")
    root = read(block[1], findings)
    said = {} if root is None else plain(root, findings)
    found = next(iter(findings), None)
    if found is not None or not isinstance(said, dict):
        why = "it is no mapping" if found is None else f"line {found.position.line + 1}: {found.message}"
        raise BrokenFrontmatter(f"its frontmatter can't be read: {why}")
    return {key: _as_json(value) for key, value in said.items()}


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_as_json(inner) for inner in value]
    if isinstance(value, ExactNumber):
        value = float(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise BrokenFrontmatter("its frontmatter has a number that JSON can't say")
    return value


def written(said: Mapping[str, Any]) -> str:
    """Return frontmatter as a block of text that every reader of YAML reads as the same.

    Args:
        said: texts, booleans, and mappings of texts.
    """
    lines = ["---"]
    for key, value in said.items():
        if isinstance(value, Mapping):
            lines.append(f"{_text(key)}:")
            lines += [f"  {_text(name)}: {_text(inner)}" for name, inner in value.items()]
        else:
            lines.append(f"{_text(key)}: {_value(value)}")
    return "\n".join((*lines, "---", ""))


def _value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else _text(value)


def _text(value: str) -> str:
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS and value not in _WORDS:
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)
