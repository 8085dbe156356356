"""Keep secrets out of everything that is shown: logs, errors, problem bodies, dry runs (SEMANTICS 2)."""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

from naftiko.observe.masking import SecretMask
from naftiko.observe.secret_patterns import SHORTEST_ENCODED, in_base64

HIDDEN = "***"
_SHORTEST: Final = 4
"""A shorter secret is hidden only where it stands alone."""
_MOST_PASSING: Final = 64
"""Values of single calls that are known at once: tokens, nonces."""
_SCHEMES: Final = frozenset({"basic", "bearer", "digest", "token", "apikey", "dpop"})
_ESCAPE = re.compile("%[0-9A-F]{2}")
_SECRET_NAME = re.compile(
    r"token|secret|passw|pass$|_pass|api[-_]?key|(^|[-_.])key$|credential|authorization|cookie|signature|private",
    re.IGNORECASE,
)


def is_secret_name(name: str) -> bool:
    """Tell whether a variable, header or parameter of this name holds a secret by its name alone."""
    return _SECRET_NAME.search(name) is not None


def credential_text(header: str) -> str:
    """Return what is secret of a header that carries a credential: all but its scheme (RFC 9110 chapter 11.4)."""
    scheme, space, rest = header.partition(" ")
    return rest if space and scheme.lower() in _SCHEMES else header


class Secret:
    """A value that can't be printed; ``reveal`` gives it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value, for the wire only."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({HIDDEN})"

    __str__ = __repr__

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        raise TypeError("a secret is not pickled")


def _spellings(value: str) -> set[str]:
    """Return a value as URLs, XML, error messages and encodings show it, and each of these as JSON does."""
    percent = {quote(value, safe=safe, errors="replace") for safe in ("", "/", "/:@!$&'()*+,;=~", "-._~!*'()")}
    percent.add(quote_plus(value, errors="replace"))
    plain = {
        value,
        *percent,
        *(_ESCAPE.sub(lambda found: found[0].lower(), text) for text in percent),
        quote(quote(value, safe="", errors="replace"), safe=""),
        escape(value),
        escape(value, {'"': "&quot;", "'": "&apos;"}),
        escape(value, {'"': "&#34;", "'": "&#39;"}),
        escape(value, {'"': "&quot;", "'": "&#x27;"}),
        repr(value)[1:-1],
    }
    as_json = _in_json(plain)
    return plain | as_json | _in_json(as_json) | {text.replace("/", "\\/") for text in as_json} | _encoded(value)


def _in_json(texts: set[str]) -> set[str]:
    return {json.dumps(text, ensure_ascii=is_ascii)[1:-1] for text in texts for is_ascii in (False, True)}


def _encoded(value: str) -> set[str]:
    """Return what base64 (RFC 4648, wherever in a longer text the value stands) and hex make of a value."""
    data = value.encode("utf-8", "replace")
    if len(data) < SHORTEST_ENCODED:
        return set()
    return {data.hex(), data.hex().upper(), *(spelling.decode("ascii") for spelling in in_base64(data))}


@dataclass(frozen=True, slots=True)
class Learnt:
    """How a value was learnt.

    Attributes:
        lasting: whether it is hidden as long as the process lives.
        is_sent: whether it is a credential that is sent.
    """

    lasting: bool
    is_sent: bool


class Journal:
    """What redactors learn in a process that works for another one, which has to hide it, too.

    Attributes:
        is_kept: whether this is such a process.
        entries: the values, and how they were learnt.
    """

    __slots__ = ("entries", "is_kept")

    def __init__(self) -> None:
        self.is_kept = False
        self.entries: dict[str, Learnt] = {}

    def taken(self) -> dict[str, Learnt]:
        """Return the entries, and begin anew."""
        entries, self.entries = self.entries, {}
        return entries


JOURNAL: Final = Journal()
"""Of this process."""


class Redactor:
    """Replaces secret values that it was told of, in any text; each takes the same time whatever else is known.

    Every spelling is known by its first characters: a text is looked at once, character by character. Values that a
    file or an operator gives last; those of one call or some, such as tokens, are the latest ``_MOST_PASSING`` ones.

    Attributes:
        veil: hides those that are sent as credentials in what upstreams answer.
    """

    def __init__(self) -> None:
        self.veil = SecretMask()
        self._spared: set[str] = set()
        self._lasting: set[str] = set()
        self._passing: OrderedDict[str, None] = OrderedDict()
        self._by_start: dict[str, tuple[str, ...]] = {}
        self._short: set[str] = set()
        self._short_pattern: re.Pattern[str] | None = None

    def spare(self, names: Iterable[str]) -> None:
        """Say what is never hidden: the names of variables, which messages are about."""
        self._spared.update(names)

    def learn(self, value: str, *, lasting: bool = True) -> None:
        """Hide this value from now on, also where a URL, JSON, XML, base64 or hex has encoded it.

        Args:
            value: the secret.
            lasting: whether it is hidden as long as the process lives; else until many others came after it.
        """
        if not value or value in self._lasting or value in self._spared:
            return
        if JOURNAL.is_kept:
            JOURNAL.entries.setdefault(value, Learnt(lasting, is_sent=False))
        if len(value) < _SHORTEST:
            self._learn_short(value)
            return
        known = value in self._passing
        if lasting:
            self._passing.pop(value, None)
            self._lasting.add(value)
        else:
            self._passing[value] = None
            self._passing.move_to_end(value)
        if not known:
            self._index(value)
        if len(self._passing) > _MOST_PASSING:
            self._passing.popitem(last=False)
            self._forget_passed()

    def learn_credential(self, value: str, *, lasting: bool = True) -> None:
        """Hide this value also in answers, since it is sent as a credential; see ``learn``."""
        if value not in self._spared:
            if JOURNAL.is_kept:
                JOURNAL.entries[value] = Learnt(lasting, is_sent=True)
            self.veil.add(value, lasting=lasting)
            self.learn(value, lasting=lasting)

    def learn_all(self, found: Mapping[str, Learnt]) -> None:
        """Hide what redactors of another process learnt."""
        for value, learnt in found.items():
            learn = self.learn_credential if learnt.is_sent else self.learn
            learn(value, lasting=learnt.lasting)

    def redact(self, text: str) -> str:
        """Return the text with every known secret hidden."""
        text = self._redacted(text)
        return self.veil.text(text) if self.veil else text

    def _redacted(self, text: str) -> str:
        if self._short_pattern is not None:
            text = self._short_pattern.sub(HIDDEN, text)
        by_start = self._by_start
        if not by_start:
            return text
        pieces: list[str] = []
        done = 0
        for at in [at for at in range(len(text) - _SHORTEST + 1) if text[at : at + _SHORTEST] in by_start]:
            if at < done:
                continue
            found = next((known for known in by_start[text[at : at + _SHORTEST]] if text.startswith(known, at)), "")
            if found:
                pieces += [text[done:at], HIDDEN]
                done = at + len(found)
        return text if not done else "".join([*pieces, text[done:]])

    def _index(self, value: str) -> None:
        for spelling in _spellings(value):
            if len(spelling) >= _SHORTEST:
                start = spelling[:_SHORTEST]
                known = {*self._by_start.get(start, ()), spelling}
                self._by_start[start] = tuple(sorted(known, key=len, reverse=True))

    def _forget_passed(self) -> None:
        """Forget half of the passing values at once, so that making the index anew is rare."""
        for value in [*self._passing][: _MOST_PASSING // 2]:
            del self._passing[value]
        self._by_start = {}
        for value in (*self._lasting, *self._passing):
            self._index(value)

    def _learn_short(self, value: str) -> None:
        """Hide a very short secret only where it stands alone: hiding every ``1`` would hide the message."""
        if value not in self._short:
            self._short.add(value)
            words = "|".join(re.escape(known) for known in sorted(self._short, key=len, reverse=True))
            self._short_pattern = re.compile(rf"(?<![\w.-])(?:{words})(?![\w.-])")
