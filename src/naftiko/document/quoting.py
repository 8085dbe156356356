"""Say which value of a broken line needs quotes: YAML reads brackets, stars and colons in it as its own."""

from __future__ import annotations

import re
from typing import Final

_TOKEN = re.compile(r"""[^\s,{}\[\]"']+$""")
_PATH = re.compile(r"""(?:^|[\s\[{,(:])(\$[.\[][^\s,"']*)$""")
_LONGEST: Final = 500
"""How much of a line is looked at, before and after the place."""
_PAIRS: Final = {"{": "}", "[": "]", "(": ")"}
_VARIABLE = re.compile(r"%([A-Za-z_][A-Za-z0-9_]*)%")
_FLOW: Final = ("flow mapping", "flow sequence")
_CONTENT: Final = {
    "block scalar": "put the text on the lines below, or quote the value: it starts with `{}`",
    "expected node content": "quote the value: it starts with `{}`",
    "mapping keys are not allowed": "quote the value: it starts with `{}`",
    "block sequence entries": "put the list on the lines below, or quote the value: it starts with `{}`",
}
"""Problems that a value's first character makes, with what to do."""


def unquoted(problem: str, line: str, column: int) -> tuple[int, str] | None:
    """Return where the value begins that needs quotes, and what to do; ``None`` where it is something else.

    Args:
        problem: the parser's words, context and problem.
        line: the text of the line where the parser noticed it.
        column: where in it, from 0.
    """
    cut = max(column - _LONGEST, 0)
    found = _unquoted(problem, line[cut : column + _LONGEST], column - cut)
    return None if found is None else (found[0] + cut, found[1])


def _unquoted(problem: str, line: str, column: int) -> tuple[int, str] | None:
    before, character = line[:column], line[column : column + 1]
    path = _PATH.search(before + character if character == "[" else before.rstrip("*&"))
    if path is not None and any(mark in before[: path.start(1)] for mark in "{["):
        return path.start(1), _quote_path(_value(line, path.start(1)))
    if "an alias" in problem or "an anchor" in problem:
        at = max(column - 1, 0)
        return at, f"quote the value: it starts with `{line[at : at + 1]}`"
    if any(words in problem for words in _FLOW):
        return _in_flow(line, before, character)
    if "cannot start any token" in problem:
        return _first_character(line, column)
    if "expected key" in problem:
        return _after_quote(before)
    advice = next((text for words, text in _CONTENT.items() if words in problem), "")
    if not advice:
        return None
    at = max(before.rfind("|"), before.rfind(">")) if "block scalar" in problem else column
    return at, advice.format(line[at : at + 1])


def _in_flow(line: str, before: str, character: str) -> tuple[int, str] | None:
    if character in {"{", "["}:
        token = _TOKEN.search(before)
        if token is None:
            return None
        return token.start(), _quote(_value(line, token.start()))
    if character == ":":
        starts = [before.rfind(mark) + len(mark) for mark in (": ", ", ", "{", "[") if mark in before]
        return (max(starts), _quote(line[max(starts) :].split(",", maxsplit=1)[0].strip("}] "))) if starts else None
    return _after_quote(before)


def _after_quote(before: str) -> tuple[int, str] | None:
    quote = before.rstrip()[-1:]
    if quote not in {'"', "'"}:
        return None
    inside = '\\"' if quote == '"' else "''"
    return len(before), f"text follows the closing quote: quote the whole value, a quote inside it as {inside}"


def _first_character(line: str, column: int) -> tuple[int, str] | None:
    variable = _VARIABLE.match(line, column)
    if variable is not None:
        return column, f'for a variable write "{{{{{variable[1]}}}}}"; a value that starts with `%` needs quotes'
    if line[column : column + 1] == "%" and line[max(column - 1, 0) : column] != "{":
        return column, "quote the value: it starts with `%`"
    return None


def _value(line: str, start: int) -> str:
    """Return the text from ``start`` to a space, comma or bracket that closes what was open before it."""
    open_brackets: list[str] = []
    for at in range(start, len(line)):
        character = line[at]
        if character in _PAIRS:
            open_brackets.append(_PAIRS[character])
        elif open_brackets and character == open_brackets[-1]:
            open_brackets.pop()
        elif not open_brackets and character in " ,}])":
            return line[start:at]
    return line[start:].rstrip(" }],") if open_brackets else line[start:].rstrip()


def _quote_path(path: str) -> str:
    mark = "'" if '"' in path else '"'
    return f"put the JSONPath in quotes: {mark}{path}{mark}"


def _quote(value: str) -> str:
    mark = "'" if '"' in value else '"'
    return f"put the value in quotes: {mark}{value}{mark}"
