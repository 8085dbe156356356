"""What a reload changed: each difference of a file, each socket, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from naftiko.document.findings import Findings
from naftiko.document.reader import plain, read
from naftiko.ground.types import ABSENT
from naftiko.observe.redaction import Redactor, is_secret_name

Verdict = Literal["applied", "opened", "closed", "refused"]
"""What became of a change: in use, a new listener for it, a listener gone, or not in use and why."""
_MOST: Final = 200
"""Differences of one file that are told one by one."""
_LONGEST: Final = 200
"""Characters of a value that are told."""
_HIDDEN: Final = "***"


@dataclass(frozen=True, slots=True)
class Change:
    """One change.

    Attributes:
        path: where: a file, a JSONPath in it, or a socket's address.
        verdict: what became of it.
        before: the value that was there, ``ABSENT`` for none.
        after: the value that is there, ``ABSENT`` for none.
        file: the file that it is of, or ``""``.
        reason: why it is refused, with positions.
    """

    path: str
    verdict: Verdict = "applied"
    before: Any = ABSENT
    after: Any = ABSENT
    file: str = ""
    reason: str = ""

    def described(self) -> dict[str, Any]:
        """Return it as JSON: ``path``, ``from``, ``to``, ``verdict``, ``file`` and ``reason`` where it has them."""
        said = {"path": self.path, "from": self.before, "to": self.after, "verdict": self.verdict}
        more = {"file": self.file, "reason": self.reason}
        found = {name: value for name, value in said.items() if value is not ABSENT}
        return {**found, **{name: value for name, value in more.items() if value}}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a reload went.

    Attributes:
        reason: why nothing at all was changed, or ``""``.
        needs_listener: whether that is since this process can't open or close listeners.
    """

    changes: Sequence[Change] = field(default_factory=tuple)
    reason: str = ""
    needs_listener: bool = False

    @property
    def is_rejected(self) -> bool:
        """Whether all stays as it was, though something else was wanted."""
        return bool(self.reason) or (bool(self.changes) and all(each.verdict == "refused" for each in self.changes))

    def described(self) -> dict[str, Any]:
        """Return it as JSON, as ``POST /config/reload`` answers."""
        changes = [each.described() for each in self.changes]
        if not self.is_rejected:
            return {"status": "applied", "changes": changes}
        reason = self.reason or "; ".join(each.reason for each in self.changes if each.reason)
        return {"status": "rejected", "reason": reason, **({"changes": changes} if changes else {})}


def differences(file: str, before: bytes, after: bytes, redactor: Redactor) -> Iterator[Change]:
    """Yield how two versions of a YAML file differ; secrets are hidden, and long values cut.

    One that can't be read has no inner differences: it is one change.
    """
    trees = [_tree(text) for text in (before, after)]
    if any(tree is ABSENT for tree in trees):
        yield Change(file)
        return
    found = _different("$", trees[0], trees[1], redactor)
    for count, (path, old, new) in enumerate(found):
        if count == _MOST:
            yield Change("…", file=file)
            return
        yield Change(path, "applied", old, new, file)


def _tree(text: bytes) -> Any:
    findings = Findings("")
    root = read(text, findings)
    return ABSENT if root is None else plain(root, findings)


def _different(path: str, before: Any, after: Any, redactor: Redactor) -> Iterator[tuple[str, Any, Any]]:
    """Yield path, old and new value of each difference, the innermost ones."""
    pending = [(path, before, after)]
    while pending:
        where, old, new = pending.pop()
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            keys = dict.fromkeys((*old, *new))
            inner = [(f"{where}.{key}", old.get(key, ABSENT), new.get(key, ABSENT)) for key in keys]
            pending += reversed(inner)
        elif isinstance(old, list) and isinstance(new, list):
            most = range(max(len(old), len(new)))
            inner = [(f"{where}[{at}]", _item(old, at), _item(new, at)) for at in most]
            pending += reversed(inner)
        elif type(old) is not type(new) or old != new:
            yield redactor.redact(where), _shown(where, old, redactor), _shown(where, new, redactor)


def _item(items: list[Any], at: int) -> Any:
    return items[at] if at < len(items) else ABSENT


def _shown(path: str, value: Any, redactor: Redactor) -> Any:
    if value is ABSENT:
        return value
    if isinstance(value, Mapping):
        return "{…}"
    if isinstance(value, list):
        return "[…]"
    if isinstance(value, str):
        is_secret = is_secret_name(path.rpartition(".")[2].partition("[")[0]) and "{{" not in value
        text = _HIDDEN if is_secret else redactor.redact(value)
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return value


def in_words(outcome: Outcome, most: int = 5) -> str:
    """Return a line for an operator."""
    if outcome.is_rejected:
        return f"not reloaded, what was served goes on: {outcome.described()['reason']}"
    if not outcome.changes:
        return "reloaded: nothing has changed"
    refused = [each for each in outcome.changes if each.verdict == "refused"]
    told = "; ".join(_in_words(each) for each in _first(outcome.changes, refused, most))
    more = f"; and {len(outcome.changes) - most} more" if len(outcome.changes) > most else ""
    return f"reloaded: {told}{more}"


def _first(changes: Iterable[Change], refused: Sequence[Change], most: int) -> list[Change]:
    """Return some changes, those first that are refused: somebody has to do something about them."""
    return [*refused, *(each for each in changes if each.verdict != "refused")][:most]


def _in_words(change: Change) -> str:
    if change.verdict == "refused":
        return f"{change.path} is served as before: {change.reason}"
    where = change.path if not change.file or change.file == change.path else f"{change.file} {change.path}"
    return f"{where} {change.verdict}"
