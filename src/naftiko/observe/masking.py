"""Keep what was sent as a credential out of what is answered, in whatever encoding it comes back (SEMANTICS 9).

A veil knows the credentials of a capability and looks for them in bytes: first as they are, in base64 and in hex, which
costs a fraction of a microsecond for each and a kilobyte; then, only where something is escaped that may be a part of
one, with all escapes undone.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Final

from naftiko.observe.secret_patterns import MIXED, SecretPattern, needle, stands_out
from naftiko.observe.unescaping import LONGEST_ESCAPE, OF_ANY, OF_UNRESERVED, begun_escape, unescaped

_MASK: Final = b"***"
_MOST_PASSING: Final = 8
"""Tokens that are known at once, beside those that a call itself carries."""
_SHORTEST_STRICT: Final = 4
"""Characters from which on a credential is hidden wherever it stands in what says an error."""
_WINDOW: Final = 64 * 1024
_AT_ONCE: Final = 16 * 1024
"""Bytes that are looked at closely in the event loop, a microsecond each; more of them in a thread."""
_QUICKLY: Final = 256 * 1024
"""Bytes of which it is found out there whether they are due to be looked at closely."""
_NAMES: Final = (
    "authorization",
    "bearer",
    "basic",
    "digest",
    "token",
    "password",
    "passwd",
    "pwd",
    "secret",
    "api_?key",
)


class SecretMask:
    """Hides credentials in bytes; the same with none costs nothing (``bool(veil)``)."""

    def __init__(self) -> None:
        self._lasting: dict[str, None] = {}
        self._passing: OrderedDict[str, None] = OrderedDict()
        self._names: dict[str, None] = dict.fromkeys(_NAMES)
        self._looks: dict[bool, _Look] = {}
        self.hides = False

    def __bool__(self) -> bool:
        return self.hides

    def carry(self, name: str) -> None:
        """Say that a header, parameter, cookie or field of this name carries a credential."""
        if name and re.escape(name.lower()) not in self._names:
            self._names[re.escape(name.lower())] = None
            self._looks.clear()

    def add(self, value: str, *, lasting: bool = True) -> None:
        """Hide a value from now on.

        Args:
            value: the credential, or a part of it that is secret.
            lasting: whether always; else until some others came after it.
        """
        if not value or value in self._lasting:
            return
        self.hides = True
        if lasting:
            self._lasting[value] = None
            self._looks.clear()
        elif value in self._passing:
            self._passing.move_to_end(value)
        else:
            self._passing[value] = None
            self._looks.clear()
            if len(self._passing) > _MOST_PASSING:
                self._passing.popitem(last=False)

    def _look(self, own: Iterable[str], *, strict: bool) -> _Look:
        known = self._looks.get(strict)
        if known is None:
            known = self._looks[strict] = self._made_look(strict=strict)
        return known.with_more(own)

    def _made_look(self, *, strict: bool) -> _Look:
        values = (*self._lasting, *self._passing)
        standing_out = [value for value in values if stands_out(value) or (strict and len(value) >= _SHORTEST_STRICT)]
        names = tuple(self._names)
        beside = [
            (value.encode("utf-8", "replace"), _beside(value, names, strict=strict))
            for value in values
            if value not in standing_out
        ]
        return _Look(tuple(map(needle, standing_out)), tuple(beside))

    def masked(self, data: bytes, own: Iterable[str] = (), *, strict: bool = False, same_length: bool = False) -> bytes:
        """Return the bytes with every credential masked; the same object where there is none.

        Args:
            data: text or anything else.
            own: credentials that only the call of this answer carries.
            strict: whether short ones are hidden wherever they stand, as in what says an error.
            same_length: whether each byte is masked by one, for formats that count them.
        """
        look = self._look(own, strict=strict)
        return _without(data, look.spans(data) if len(data) <= _WINDOW else look.windows(data), same_length=same_length)

    def is_due(self, data: bytes, own: Iterable[str] = (), *, strict: bool = False) -> bool:
        """Tell quickly whether there may be a credential in the bytes."""
        return self._look(own, strict=strict).is_due(data)

    async def amasked(
        self, data: bytes, own: Iterable[str] = (), *, strict: bool = False, same_length: bool = False
    ) -> bytes:
        """Return the same; a large one is looked through in a thread, so that other calls go on."""
        if len(data) <= _AT_ONCE:
            return self.masked(data, own, strict=strict, same_length=same_length)
        if len(data) <= _QUICKLY and not self.is_due(data, own, strict=strict):
            return data
        return await asyncio.to_thread(self.masked, data, [*own], strict=strict, same_length=same_length)

    def text(self, text: str) -> str:
        """Return a text of ours, such as a message or a line of a log, without credentials."""
        data = text.encode("utf-8", "surrogatepass")
        masked = self.masked(data, strict=True)
        return text if masked is data else masked.decode("utf-8", "surrogatepass")

    def stream(self, own: Iterable[str] = (), *, strict: bool = False) -> MaskedStream:
        """Return a veil for bytes that come in pieces."""
        return MaskedStream(self._look(own, strict=strict))


def _without(data: bytes, spans: Iterable[tuple[int, int]], *, same_length: bool) -> bytes:
    """Return the bytes with spans masked, which come by their starts."""
    made = bytearray()
    done = 0
    for start, end in spans:
        if end <= done:
            continue
        begin = max(start, done)
        made += data[done:begin]
        made += b"*" * (end - begin) if same_length else _MASK if start >= done else b""
        done = end
    if not done:
        return data
    made += memoryview(data)[done:]
    return bytes(made)


class _Look:
    """What is looked for: everything that a veil knows at a time.

    Args:
        needles: what stands out wherever it stands.
        beside: short values, with what finds each beside its name.
    """

    def __init__(self, needles: tuple[SecretPattern, ...], beside: tuple[tuple[bytes, re.Pattern[bytes]], ...]) -> None:
        self._needles = needles
        self._beside = beside
        self._folded = tuple({each for needle in needles for each in needle.folded})
        self._exact = tuple({each for needle in needles for each in needle.exact})
        self._folded_signs = tuple({each for needle in needles for each in needle.folded_signs})
        self._signs = tuple({each for needle in needles for each in needle.signs})
        self._ends = tuple({each for needle in needles for each in needle.ends})
        has_signs = all(needle.has_signs for needle in needles)
        self._escapes = () if not needles else OF_UNRESERVED if has_signs else OF_ANY
        self._longest = max(map(len, (*self._folded, *self._exact, b"")))

    def with_more(self, own: Iterable[str]) -> _Look:
        """Return the same with the credentials of one call."""
        more = [needle(value) for value in own if len(value) >= MIXED]
        return _Look((*self._needles, *more), self._beside) if more else self

    def spans(self, data: bytes) -> list[tuple[int, int]]:
        """Return where credentials stand, by their starts."""
        found: list[tuple[int, int]] = []
        if self._may_have(data):
            for text in unescaped(data):
                found += [(text.place(start), text.place(end, is_end=True)) for start, end in self._literal(text.data)]
        for value, pattern in self._beside:
            if value in data:
                found += [match.span(1) for match in pattern.finditer(data)]
        found.sort()
        return found

    def is_due(self, data: bytes) -> bool:
        """Tell quickly whether a closer look is due."""
        return self._may_have(data) or any(value in data for value, _ in self._beside)

    def _may_have(self, data: bytes) -> bool:
        """Tell quickly whether a closer look is due: a part of one that encodings leave alone, or escapes of any."""
        lowered = data.lower()
        for each in self._folded_signs:
            if each in lowered:
                return True
        for each in self._signs:
            if each in data:
                return True
        for begin, pattern in self._escapes:
            if begin in data and pattern.search(data):
                return True
        if b"\0" in data:
            return True
        return (b"\n" in data or b"\\n" in data or b"\\r" in data) and any(each in data for each in self._ends)

    def _literal(self, data: bytes) -> Iterator[tuple[int, int]]:
        lowered = data.lower()
        for each in self._folded:
            yield from _all(lowered, each)
        for each in self._exact:
            yield from _all(data, each)

    def windows(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Yield where credentials stand in a large body, by their starts; it is looked at piece by piece."""
        overlap = self.reach
        step = max(_WINDOW, overlap)
        waiting: set[tuple[int, int]] = set()
        for start in range(0, len(data), step):
            begin = max(0, start - overlap)
            window = data[begin : start + step]
            is_last = start + step >= len(data)
            waiting.update(
                (first + begin, last + begin)
                for first, last in self.spans(window)
                # What touches a border is whole in the window beside this one, which knows what stands around it.
                if (first or not begin) and (last < len(window) or is_last)
            )
            following = start + step - overlap
            yield from sorted(span for span in waiting if span[0] < following)
            waiting = {span for span in waiting if span[0] >= following}
        yield from sorted(waiting)

    @property
    def reach(self) -> int:
        """How many bytes a credential may take, written as long as it is known."""
        return min(LONGEST_ESCAPE * (self._longest + 4), _QUICKLY)

    def begun(self, data: bytes) -> int:
        """Return where a credential may begin whose end comes later; the length where none does."""
        begin = max(0, len(data) - self.reach)
        tail = data[begin:]
        earliest = len(tail)
        for text in unescaped(tail):
            at = begun_escape(text.data)
            whole = text.data[:at]
            begins = [at - _overlap(whole.lower(), each) for each in self._folded]
            begins += [at - _overlap(whole, each) for each in self._exact]
            earliest = min([earliest, *(text.place(at) for at in {at, *begins} if at < len(text.data))])
        return begin + earliest


def _overlap(text: bytes, needle: bytes) -> int:
    """Return how much of a needle's beginning, but not all, stands at the end of a text."""
    at = text.find(needle[:1], max(0, len(text) - len(needle) + 1))
    while at >= 0:
        if needle.startswith(text[at:]):
            return len(text) - at
        at = text.find(needle[:1], at + 1)
    return 0


def _beside(value: str, names: tuple[str, ...], *, strict: bool) -> re.Pattern[bytes]:
    """Return what finds a short value: beside its name, or wherever it stands alone."""
    known = re.escape(value).encode("utf-8", "replace")
    if strict:
        return re.compile(rb"(?<![\w.-])(" + known + rb")(?![\w.-])")
    named = b"|".join(name.encode("utf-8", "replace") for name in names)
    return re.compile(rb"(?:" + named + rb")[\W_]{1,12}(" + known + rb")(?!\w)", re.IGNORECASE)


def _all(data: bytes, needle: bytes) -> Iterator[tuple[int, int]]:
    at = data.find(needle)
    while at >= 0:
        yield at, at + len(needle)
        at = data.find(needle, at + len(needle))


class MaskedStream:
    """Masks credentials in bytes that come in pieces, across their borders; a byte stays a byte.

    What may be the beginning of one waits for the next piece: no more, so that events pass on as they come.
    """

    def __init__(self, look: _Look) -> None:
        self._look = look
        self._kept = b""

    def feed(self, piece: bytes) -> bytes:
        """Return what can be passed on by now."""
        data = self._kept + piece
        data = _without(data, self._look.spans(data), same_length=True)
        at = self._look.begun(data)
        self._kept = data[at:]
        return data[:at]

    def rest(self) -> bytes:
        """Return what waited, once nothing more comes."""
        kept, self._kept = self._kept, b""
        return kept
