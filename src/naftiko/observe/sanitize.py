"""Text of others, fit for where it goes: a terminal, a log, an agent, a page.

Control characters command terminals and forge lines of logs; bidirectional controls show text in another order than
it is read (https://trojansource.codes/); tag characters, zero-width ones and variation selectors hide text from
people that agents read. What writing needs stays: right-to-left text with its marks, joiners between letters of scripts
that join and between emoji, one variation selector behind its character, the flags that are made of tags (UTS 51).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

_SIGN: Final = "\N{REPLACEMENT CHARACTER}"
_INVISIBLE: Final = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls but for tab and line feed
    "\u00ad\u034f\u180e\u200b\u2060-\u2064\u206a-\u206f\ufeff\ufff9-\ufffb"  # of no width
    "\u202a-\u202e\u2066-\u2069"  # bidirectional embeddings, overrides and isolates
    "\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f"
)
_JOINERS: Final = "\u200c\u200d"
_SELECTORS: Final = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_JOINS: Final = "\u0600-\u1fff\u203c-\u3299\ua800-\uabff\ufe0f\U00010000-\U0001faff"
"""Characters that a joiner may stand between: of scripts that join, and emoji."""
_SUSPECT: Final = re.compile(
    r"(?P<keep>\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f"
    rf"|(?<=[{_JOINS}])[{_JOINERS}](?=[{_JOINS}])"
    rf"|(?<![{_SELECTORS}\s{_INVISIBLE}{_JOINERS}])(?<!\A)[{_SELECTORS}])"
    rf"|\r\n|[\u2028\u2029\u0085\r]|[{_INVISIBLE}{_JOINERS}{_SELECTORS}]"
)
_LINE_ENDS: Final = frozenset({"\r\n", "\r", "\u2028", "\u2029", "\u0085"})
_BETWEEN: Final = frozenset({"\r\n", "\r"})
"""What stands as it is between the parts of a JSON text only."""
_COMMAND: Final = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]{0,256}(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]"
)
"""A whole escape sequence (ECMA-48)."""
_VALUES: Final = frozenset({"const", "default", "enum", "example", "examples", "pattern"})
SAID: Final = frozenset({"description", "summary", "title"})
NAMED: Final = SAID | {"name"}


def _made(text: str, replace: Callable[[str], str], line_end: str) -> str:
    def fit(found: re.Match[str]) -> str:
        written = found[0]
        if found["keep"]:
            return written
        return line_end if written in _LINE_ENDS else replace(written)

    return _SUSPECT.sub(fit, text)


def is_plain(text: str) -> bool:
    """Tell whether nothing has to be done to a text of one line, as is the rule."""
    return text.isascii() and text.isprintable()


def lines(text: str) -> str:
    """Return a text of any number of lines for a terminal; what would command it or hide text is shown as a sign."""
    return text if is_plain(text) else _made(text, lambda _: _SIGN, "\n")


def one_line(text: str) -> str:
    """Return a text of one line for a terminal; an end of a line is a sign too, a tab a blank."""
    return text if is_plain(text) else lines(text).replace("\n", _SIGN).replace("\t", " ")


def prose(text: str) -> str:
    """Return a text for agents and pages, without what people would not see and what commands a terminal."""
    return text if is_plain(text) else _made(_COMMAND.sub("", text), lambda _: "", "\n")


def escaped(text: str) -> str:
    r"""Return a text for a line of a log: what is no plain text stands as its escape, such as ``\n`` or ``\x1b``."""
    if is_plain(text):
        return text
    made = _made(text, lambda found: found.encode("unicode_escape").decode("ascii"), "\\n")
    return made.replace("\n", "\\n").replace("\t", "\\t")


def json_text(text: str) -> str:
    r"""Return JSON with what is no plain text as ``\uXXXX``: the same JSON, and nothing that commands a terminal."""
    return text if is_plain(text) else _SUSPECT.sub(_in_json, text)


def _in_json(found: re.Match[str]) -> str:
    return found[0] if found["keep"] or found[0] in _BETWEEN else _json_escape(found[0])


def _json_escape(found: str) -> str:
    units = found.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{int.from_bytes(units[at : at + 2]):04x}" for at in range(0, len(units), 2))


def declared(thing: Any, said: frozenset[str] = NAMED) -> Any:
    """Return what is declared to clients, a tool or a page, with its titles and descriptions as ``prose``.

    Values that clients send back, such as those of ``enum``, stay what they are.

    Args:
        thing: JSON data.
        said: the keys whose texts are for people and agents.
    """
    if isinstance(thing, Mapping):
        return {
            key: value if key in _VALUES else _declared(value, said) if key in said else declared(value, said)
            for key, value in thing.items()
        }
    if isinstance(thing, list | tuple):
        return [declared(inner, said) for inner in thing]
    return thing


def _declared(value: Any, said: frozenset[str]) -> Any:
    return prose(value) if isinstance(value, str) else declared(value, said)


def shown(thing: Any) -> Any:
    """Return data that is shown on a terminal, every text of it on one line."""
    if isinstance(thing, str):
        return one_line(thing)
    if isinstance(thing, Mapping):
        return {one_line(key) if isinstance(key, str) else key: shown(value) for key, value in thing.items()}
    if isinstance(thing, list | tuple):
        return [shown(inner) for inner in thing]
    return thing
