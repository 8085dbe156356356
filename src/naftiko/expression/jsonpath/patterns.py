"""Regular expressions in filters: ``match()``, ``search()`` (RFC 9535 section 2.4.6) and Jayway's ``=~``.

A pattern may come out of a document (``match(@.a, $.pattern)``), so may its subject, and the ``regex`` engine
backtracks: no evaluation of a bracketed segment spends more than ``BUDGET`` seconds in patterns, and none compiles a
pattern that repetitions blow up (``((a{999}){999}){999}`` is a gigabyte). An engine in linear time, RE2, would need
neither; its Python package has no wheel for musl, which would keep naftiko from installing on Alpine, whereas
``jsonpath-rfc9535`` brings ``regex`` anyway. Where a pattern is cut short the node is not selected; the log says so.

Imported with ``standard`` only: ``regex`` takes 13 ms to import.
"""

from __future__ import annotations

import logging
import math
import re
import threading
import time
from functools import lru_cache
from typing import Any, ClassVar, Final

import regex
from jsonpath_rfc9535.function_extensions import ExpressionType, FilterFunction

BUDGET: Final = 0.1
"""Seconds that one evaluation of one bracketed segment may spend in patterns."""
_LARGEST: Final = 200_000
"""Copies of a pattern's characters that repetitions may ask for; it bounds a compilation to a few milliseconds."""

_REPETITION = re.compile(r"(\))?\{([0-9]{1,9})(?:,([0-9]{0,9}))?\}")
_DOT = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|(\.)", re.DOTALL)
_FLAGS: Final = {"i": regex.IGNORECASE, "m": regex.MULTILINE, "s": regex.DOTALL, "x": regex.VERBOSE, "u": 0, "d": 0}
_log = logging.getLogger("naftiko.jsonpath")


class _Clock(threading.local):
    """What is left of this thread's budget; an evaluation never changes threads."""

    left = BUDGET


_clock = _Clock()


def start_budget() -> None:
    """Begin an evaluation: its patterns may take ``BUDGET`` seconds together."""
    _clock.left = BUDGET


@lru_cache(maxsize=256)
def compile_pattern(text: str, flags: str = "") -> Any:
    r"""Compile a pattern.

    Args:
        text: the pattern; I-Regexp (RFC 9485) or more, such as ``\d``.
        flags: letters as Java and Perl have them: ``i``, ``m``, ``s``, ``x``.

    Raises:
        ValueError: it is no pattern, or one that would take too much memory.
    """
    unknown = set(flags) - _FLAGS.keys()
    if unknown:
        raise ValueError(f"no such flag of a pattern: {', '.join(sorted(unknown))}")
    if _copies(text) > _LARGEST:
        raise ValueError("the pattern repeats too much")
    try:
        return regex.compile(text, sum(_FLAGS[flag] for flag in set(flags)) | regex.VERSION0)
    except (regex.error, RecursionError, OverflowError) as error:
        raise ValueError(f"the pattern is broken: {error}") from None


def _copies(text: str) -> int:
    """Count, from above, the characters of a pattern after its counted repetitions are written out."""
    groups, atoms = [1], [1]
    for group, least, most in _REPETITION.findall(text):
        (groups if group else atoms).append(max(int(least), int(most or 0), 1))
    return math.prod(groups) * max(atoms) * len(text)


def _found(subject: object, pattern: object, *, flags: object = "", whole: bool, i_regexp: bool) -> bool:
    if not (isinstance(subject, str) and isinstance(pattern, str) and isinstance(flags, str)):
        return False
    if _clock.left <= 0:
        return False
    try:
        compiled = compile_pattern(_i_regexp(pattern) if i_regexp else pattern, flags)
    except ValueError:
        return False
    began = time.perf_counter()
    try:
        return (compiled.fullmatch if whole else compiled.search)(subject, timeout=_clock.left) is not None
    except TimeoutError:
        _log.warning("a JSONPath filter's pattern took more than %d ms and was cut short", BUDGET * 1000)
        return False
    finally:
        _clock.left -= time.perf_counter() - began


def _i_regexp(pattern: str) -> str:
    """Make the dot of RFC 9485 of every dot: any character but a line feed and a carriage return."""
    return _DOT.sub(lambda found: r"[^\n\r]" if found[1] else found[0], pattern)


class Match(FilterFunction):
    """``match(value, pattern)``: the whole string fits."""

    arg_types: ClassVar = [ExpressionType.VALUE, ExpressionType.VALUE]
    return_type: ClassVar = ExpressionType.LOGICAL

    def __call__(self, subject: object, pattern: object) -> bool:
        """Tell whether all of ``subject`` fits ``pattern``; what is no string never does."""
        return _found(subject, pattern, whole=True, i_regexp=True)


class Search(FilterFunction):
    """``search(value, pattern)``: some part of the string fits."""

    arg_types: ClassVar = [ExpressionType.VALUE, ExpressionType.VALUE]
    return_type: ClassVar = ExpressionType.LOGICAL

    def __call__(self, subject: object, pattern: object) -> bool:
        """Tell whether a part of ``subject`` fits ``pattern``; what is no string never does."""
        return _found(subject, pattern, whole=False, i_regexp=True)


class Like(FilterFunction):
    """``like(value, pattern, flags)``, which ``=~ /pattern/flags`` is rewritten to: the whole string, as in Jayway."""

    arg_types: ClassVar = [ExpressionType.VALUE, ExpressionType.VALUE, ExpressionType.VALUE]
    return_type: ClassVar = ExpressionType.LOGICAL

    def __call__(self, subject: object, pattern: object, flags: object) -> bool:
        """Tell whether all of ``subject`` fits ``pattern``; what is no string never does."""
        return _found(subject, pattern, flags=flags, whole=True, i_regexp=False)
