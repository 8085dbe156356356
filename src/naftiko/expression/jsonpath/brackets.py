"""The insides of brackets as people write them, rewritten to RFC 9535.

From Jayway's JSONPath: ``=~ /re/i``, ``in``, ``nin``, ``contains``, ``subsetof``, ``anyof``, ``noneof``, ``all``,
``empty``, ``size 3``, ``===`` and ``@.tags.length()`` in a filter; from jsonpath-ng: ``=~ 'part'``; from Goessner's:
``[(@.length-1)]``; and names that the RFC wants quoted (``@.first-name``, ``@.$ref``).
What is none of these stays as it is, so an expression of the RFC is never changed.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

from naftiko.expression.jsonpath.literals import STRING, json_of
from naftiko.expression.jsonpath.segments import quoted
from naftiko.ground import jsontext

OPERATORS: Final = {
    **{name: name for name in ("contains", "subsetof", "anyof", "noneof", "all")},
    "in": "among",
    "nin": "!among",
}
"""The functions (see ``operators``) that Jayway's operators are rewritten to."""
_REGEX = r"/(?:\\.|[^/\\])+/[a-z]*"
_QUERY = rf"[@$](?:\.[\w$@-]+(?![\w$@-]*\()|\[\s*(?:{STRING}|-?[0-9]+)\s*\])*"
_LITERAL = rf"(?:{STRING}|-?[0-9][0-9.eE+-]*|true|false|null)"
_LIST = rf"\[\s*(?:{_LITERAL}(?:\s*,\s*{_LITERAL})*)?\s*\]"

_CONDITION = rf"""
    (?P<query> {_QUERY} )
    (?: \.(?:length|size)\(\s*\)                                   (?P<length>)
      | \s*=~\s*           (?P<pattern> {_REGEX} )
      | \s*=~\s*           (?P<part> {STRING} )
      | \s+size\s+         (?P<size> [0-9]+ )
      | \s+empty\b         (?: \s+ (?P<empty> true | false ) \b )?  (?P<emptiness>)
    )?"""
_OPERAND = rf"(?:{_LITERAL}|{_LIST}|{_QUERY})"
_OPERATION = rf"""
    (?P<left> {_OPERAND} ) \s+ (?P<operator> (?i: {"|".join(OPERATORS)} ) ) \b \s* (?P<right> {_OPERAND} )"""
_PART = re.compile(
    rf"""  {_OPERATION}
         | (?P<string> {STRING} )
         | (?P<same> [!=]== )
         | (?P<last> \(\s*@\.length(?:\(\))?\s*-\s*(?P<from_end>[1-9][0-9]*)\s*\) )
         | {_CONDITION}""",
    re.VERBOSE | re.DOTALL,
)
_ODD_NAME = re.compile(rf"{STRING}|\.([\w$@-]+)", re.DOTALL)
_PLAIN = re.compile(r"[A-Za-z_\x80-\U0010FFFF][A-Za-z0-9_\x80-\U0010FFFF]*")
_BALANCE = re.compile(rf"{STRING}|=~\s*{_REGEX}|[\[\]]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A bracketed segment in the RFC's words.

    Attributes:
        text: from ``[`` to ``]``.
        patterns: every ``=~`` pattern: its text, its flags, its offset in what was written.
    """

    text: str
    patterns: list[tuple[str, str, int]]
    _new: list[int]
    _old: list[int]

    def offset(self, offset: int) -> int:
        """Find the offset in what was written of an offset in ``text``, to place an error."""
        part = min(bisect_right(self._new, offset), len(self._new) - 1)
        return min(self._old[part - 1] + offset - self._new[part - 1], self._old[part])


def end_of_brackets(text: str, start: int) -> int:
    """Find the offset after the bracket that closes the one at ``start``, or -1 where none does."""
    depth = 0
    for found in _BALANCE.finditer(text, start):
        depth += {"[": 1, "]": -1}.get(found[0], 0)
        if depth == 0:
            return found.end()
    return -1


def rewrite(written: str) -> Rewritten:
    """Rewrite what stands from ``[`` to ``]``."""
    text, done = "", 0
    patterns: list[tuple[str, str, int]] = []
    new, old = [0], [0]
    for found in _PART.finditer(written):
        changed = _rewrite_part(found, patterns)
        if changed == found[0]:
            continue
        text += written[done : found.start()]
        new += [len(text), len(text) + len(changed)]
        old += [found.start(), found.end()]
        text += changed
        done = found.end()
    text += written[done:]
    return Rewritten(text, patterns, [*new, len(text)], [*old, len(written)])


def _rewrite_part(found: re.Match[str], patterns: list[tuple[str, str, int]]) -> str:
    if found["string"] is not None:
        return found[0]
    if found["operator"] is not None:
        return f"{OPERATORS[found['operator'].lower()]}({_operand(found['left'])}, {_operand(found['right'])})"
    if found["same"] is not None:
        return found["same"][:-1]
    if found["last"] is not None:
        return f"-{found['from_end']}"
    query = _ODD_NAME.sub(_quote_odd_name, found["query"])
    if found["length"] is not None:
        return f"length({query})"
    if found["pattern"] is not None:
        pattern, _, flags = found["pattern"][1:].rpartition("/")
        pattern = pattern.replace("\\/", "/")
        patterns.append((pattern, flags, found.start("pattern")))
        return f"like({query}, {quoted(pattern)}, '{flags}')"
    if found["part"] is not None:
        return f"search({query}, {found['part']})"
    if found["size"] is not None:
        return f"length({query}) == {int(found['size'])}"
    if found["emptiness"] is not None:
        return f"length({query}) {'>' if found['empty'] == 'false' else '=='} 0"
    return query + found[0][len(found["query"]) :]


def _operand(text: str) -> str:
    """Write an operand of an operator: a list, for which the RFC has no words, as JSON in a text."""
    if text.startswith("["):
        return f"literal({quoted(jsontext.write(json_of(text)).decode())})"
    return _ODD_NAME.sub(_quote_odd_name, text) if text.startswith(("@", "$")) else text


def _quote_odd_name(found: re.Match[str]) -> str:
    name = found[1]
    return found[0] if name is None or _PLAIN.fullmatch(name) else f"[{quoted(name)}]"
