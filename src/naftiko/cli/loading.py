"""The capability files of a command line, loaded, and loaded again when they have changed."""

from __future__ import annotations

import glob
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from naftiko.cli.files import find_files
from naftiko.cli.names import KnownNames
from naftiko.cli.telling import ProgressBar, Teller
from naftiko.cli.trusted import Admission, Use
from naftiko.document.load import parse_document
from naftiko.engine.capability import Capability, load
from naftiko.engine.reach import named_files
from naftiko.engine.settings import Settings
from naftiko.expose.announcement import Announcement
from naftiko.expose.registry import for_callers
from naftiko.ground.errors import CapabilityError
from naftiko.ground.seen import Key, Seen, seen, text_of
from naftiko.ground.types import ABSENT, Diagnostic
from naftiko.observe.redaction import Redactor
from naftiko.serve.addresses import impossible_port
from naftiko.serve.announcements import no_port
from naftiko.serve.changes import Change, differences
from naftiko.serve.reload import Fresh, Noted

_TOLD = 5
"""Errors of a broken file that are told."""


@dataclass(slots=True)
class Findings:
    """How loading went.

    Attributes:
        errors: the number of errors, each of which takes a unit out, or a file.
        not_served: the number of files that can't be served at all.
    """

    errors: int = 0
    not_served: int = 0


Stamp = tuple[int, int, int] | None
"""What changes when a file does, of what a symbolic link leads to: inode, time, size; ``None`` of none."""


def stamp(path: Path) -> Stamp:
    """Return what tells whether a file has changed; Kubernetes swaps a link to the directory of mounted secrets."""
    return seen("stamp", path, lambda: _stamp(path))


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


@dataclass(slots=True)
class _Known:
    """A file as it is served.

    Attributes:
        stamps: of all files that it is made of, itself first.
        texts: of itself and those that it imports, compressed, to tell what has changed.
        noted: what was seen when it was read again; nothing of what is as it was loaded first.
    """

    capability: Capability
    stamps: dict[Path, Stamp] = field(default_factory=dict)
    texts: dict[Path, bytes] = field(default_factory=dict)
    noted: Mapping[Key, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, capability: Capability, seen: Mapping[Path, Stamp]) -> _Known:
        """Look at the files of a capability; its document must still be there.

        Args:
            capability: has been read.
            seen: the stamps before that: a file that has changed since then is one that has to be read again.
        """
        read = (*named_files(capability), *capability.variables.mounted)
        named = dict.fromkeys((capability.path, *capability.imported, *read))
        stamps = {path: seen[path] if path in seen else stamp(path) for path in named}
        own = (capability.path, *capability.imported)
        texts = {path: zlib.compress(_bytes(path), 1) for path in own}
        # Of a file that has changed meanwhile nobody knows which text was read.
        return cls(capability, stamps, {path: text for path, text in texts.items() if stamp(path) == stamps[path]})

    @property
    def is_unchanged(self) -> bool:
        """Whether all its files are as they were."""
        return all(stamp(path) == known for path, known in self.stamps.items())


def _bytes(path: Path) -> bytes:
    try:
        return text_of(path)
    except OSError:
        return b""


class CapabilityFiles:
    """The files that are served.

    Args:
        paths: files, directories and patterns.
        settings: of the capabilities.
        read_settings: returns them as they are by now: env files are read anew.
        tell: told what is wrong.
        redactors: gets those of the capabilities.
        admission: makes what looks at what the files use; it may ask at a terminal the first time only.
        ports: of the operator, by kind, namespace or pattern.
        others: further files that the settings are made of.

    Attributes:
        served: told what is served, each time that it changes.
        notes: whether what is seen of files is kept for other processes.
    """

    def __init__(
        self,
        paths: Sequence[str],
        settings: Settings,
        tell: Teller,
        redactors: list[Redactor],
        *,
        read_settings: Callable[[], Settings],
        admission: Callable[[bool], Admission | None],
        ports: Mapping[str, int],
        others: Sequence[Path] = (),
    ) -> None:
        self._paths = paths
        self._read_settings = read_settings
        self._settings = settings
        self._tell = tell
        self._redactors = redactors
        self._make_admission = admission
        self._ports = ports
        self._others = tuple(others)
        self.served: Callable[[Sequence[Capability]], None] | None = None
        self.notes = False
        self._known: dict[Path, _Known] = {}
        self._admission: Admission | None = None
        self._seen: dict[Path, Stamp] = {}

    def load(self, known: KnownNames | None = None) -> tuple[list[Capability], Findings]:
        """Load all files; one that can't be served is told and takes no other down.

        Args:
            known: gets the names of all files, those too that expose nothing.
        """
        found = find_files(self._paths)
        if not found.files:
            raise click.ClickException(f"no capability file in {', '.join(self._paths)}")
        admission = self._make_admission(True)  # noqa: FBT003  # a callable's own
        findings = Findings()
        uses: list[Use] = []
        with ProgressBar(len(found.files), self._tell) as bar:
            for path in bar.over(found.files):
                capability = self._load_one(path, findings)
                if capability is None:
                    continue
                if known is not None:
                    known.add(capability)
                if admission is not None and capability.usable:
                    uses.append(Use.of(capability))
                if capability.adapters:
                    self._known[path] = _Known.of(capability, {})
                capability.forget_document()
        refused = {use.path for use in (admission.refused(uses) if admission is not None else ())}
        findings.not_served += len(refused)
        self._known = {path: each for path, each in self._known.items() if path.absolute() not in refused}
        self._admission = admission
        self._seen = self._look(found.files)
        return [each.capability for each in self._known.values()], findings

    def tell_uses(self) -> None:
        """Tell which variables go to which host, of the files that nobody has said to trust."""
        if self._admission is not None:
            self._admission.tell_uses()

    @property
    def watched(self) -> frozenset[Path]:
        """The files and directories whose changes may matter."""
        named = (Path(path) for path in self._paths if not glob.has_magic(path))
        read = (path for each in self._known.values() for path in each.stamps)
        return frozenset((*named, *self._others, *read))

    def is_stale(self) -> bool:
        """Tell whether something has changed since the last reading; what was refused then is not asked again."""
        try:
            return self._seen != self._look(find_files(self._paths).files)
        except click.UsageError:
            return True

    def _look(self, paths: Iterable[Path]) -> dict[Path, Stamp]:
        """Return what tells whether anything has changed: of the files found, of all that is read."""
        read = (path for each in self._known.values() for path in each.stamps)
        return {path: stamp(path) for path in (*paths, *self._others, *read)}

    def read(self, text: bytes | None = None, *, noted: Noted | None = None) -> Fresh:
        """Read what has changed; see ``naftiko.serve.reload.Files``."""
        seeing = Seen(None if noted is None else noted.get(""))
        with seeing.noting():
            try:
                settings = self._read_settings()
                paths = find_files(self._paths).files
            except click.UsageError as error:
                raise CapabilityError(error.message) from error
            is_other = settings != self._settings
            self._seen = self._look(paths)
        reading = _Reading(dict(self._known), settings, self._make_admission(False))  # noqa: FBT003  # a callable's own
        for path in paths:
            before = self._known.get(path)
            if noted is None:
                is_unchanged = text is None and before is not None and before.is_unchanged and not is_other
            else:  # what nobody has read since is as it was loaded first, or was never served
                is_unchanged = str(path) not in noted
            if not is_unchanged:
                self._read_one(path, before, text, reading, None if noted is None else noted[str(path)])
        for path in self._known.keys() - set(paths):
            del reading.known[path]
            reading.changes.append(Change(str(path), "applied", "served", ABSENT, str(path)))
        self._admit(reading)

        def commit() -> None:
            self._known, self._settings = reading.known, settings
            if self.served is not None:
                self.served([each.capability for each in reading.known.values()])
            self._seen.update((path, known) for each in reading.known.values() for path, known in each.stamps.items())

        if is_other and not reading.changes:
            reading.changes.append(Change("the settings"))
        parts = {str(path): each.noted for path, each in reading.known.items() if each.noted}
        capabilities = [each.capability for each in reading.known.values()]
        return Fresh(capabilities, reading.replaced, reading.changes, commit, {**parts, "": seeing.noted})

    def _read_one(
        self,
        path: Path,
        before: _Known | None,
        text: bytes | None,
        reading: _Reading,
        noted: Mapping[Key, Any] | None,
    ) -> None:
        seeing = Seen(noted)
        with seeing.noting():
            now = self._made(path, before, text, reading)
        if now is not None:
            if self.notes:
                now.noted = seeing.noted if text is None else {**seeing.noted, ("text", str(path)): text}
            reading.accept(path, before, now)

    def _made(self, path: Path, before: _Known | None, text: bytes | None, reading: _Reading) -> _Known | None:
        """Return a file as it is by now; ``None`` if that is refused."""
        served = None if before is None else before.capability
        try:
            if text is None:
                capability = load(path, settings=reading.settings, before=served)
            else:
                parsed = parse_document(
                    text, path, import_root=reading.settings.import_root, file_roots=reading.settings.file_roots
                )
                capability = Capability(parsed, reading.settings, served)
        except CapabilityError as error:
            reading.refuse(path, str(error))
            return None
        reason = self._why_not(capability, served)
        if reason:
            reading.refuse(path, reason)
            return None
        now = _Known.of(capability, self._seen)
        if text is not None:
            now.texts[path], now.stamps[path] = zlib.compress(text, 1), None
        if reading.admission is not None:
            reading.uses.append((path, Use.of(capability)))
        capability.forget_document()
        if before is None:
            self._redactors.append(capability.variables.redactor)
            for found in capability.errors:
                self._tell(told_error(found))
        return now

    def _why_not(self, capability: Capability, before: Capability | None) -> str:
        """Return why a file is not taken, ``""`` if it is: it has errors that what is served doesn't have."""
        known = {(found.rule, found.message) for found in (before.errors if before is not None else ())}
        errors = [found for found in capability.errors if (found.rule, found.message) not in known]
        if errors and (before is not None or not capability.usable):
            more = f"; and {len(errors) - _TOLD} more" if len(errors) > _TOLD else ""
            return "; ".join(str(found) for found in errors[:_TOLD]) + more
        if not capability.adapters:
            return exposes_nothing() if capability.usable else "it can't be read as a capability"
        impossible = impossible_port(capability, self._ports)
        return "" if impossible is None else no_port(*impossible).text

    def _admit(self, reading: _Reading) -> None:
        """Leave out what is not to be trusted."""
        if reading.admission is None or not reading.uses:
            return
        refused = reading.admission.refused([use for _, use in reading.uses])
        for path, use in reading.uses:
            if use in refused:
                reading.undo(path, self._known.get(path))

    def _load_one(self, path: Path, findings: Findings) -> Capability | None:
        """Load a file and tell what is wrong with it; ``None`` where it can't be loaded at all."""
        try:
            capability = load(path, settings=self._settings)
        except CapabilityError as error:
            self._tell(not_served(path, str(error)))
            findings.not_served += 1
            return None
        self._redactors.append(capability.variables.redactor)
        for found in capability.errors:
            self._tell(told_error(found))
        findings.errors += len(capability.errors)
        if not capability.adapters and capability.usable:
            self._tell(not_served(path, exposes_nothing()))
            findings.not_served += bool(capability.errors)  # one that is there for imports has none
        elif not capability.adapters:
            self._tell(not_served(path, "it can't be read as a capability"))
            findings.not_served += 1
        return capability


@dataclass(slots=True)
class _Reading:
    """What comes of reading the files again.

    Attributes:
        known: the files as they will be served.
        settings: of their capabilities.
        admission: looks at what the changed files use; ``None``: nobody does.
        replaced: new and old capabilities.
        changes: what is different.
        uses: what the changed files use.
    """

    known: dict[Path, _Known]
    settings: Settings
    admission: Admission | None
    replaced: list[tuple[Capability, Capability]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    uses: list[tuple[Path, Use]] = field(default_factory=list)

    def refuse(self, path: Path, reason: str) -> None:
        """Leave a file as it is served."""
        self.changes.append(Change(str(path), "refused", file=str(path), reason=reason))

    def accept(self, path: Path, before: _Known | None, now: _Known) -> None:
        """Take a file as it is by now."""
        self.known[path] = now
        if before is None:
            self.changes.append(Change(str(path), "applied", ABSENT, "served", str(path)))
            return
        self.replaced.append((now.capability, before.capability))
        self.changes += _differences(before, now)

    def undo(self, path: Path, before: _Known | None) -> None:
        """Leave a file as it is served, after all."""
        now = self.known.pop(path)
        if before is not None:
            self.known[path] = before
        self.replaced = [pair for pair in self.replaced if pair[0] is not now.capability]
        self.changes = [each for each in self.changes if each.file != str(path)]
        self.refuse(path, "it is not as it was trusted; the log says more")


def _differences(before: _Known, now: _Known) -> Iterator[Change]:
    """Yield how the files of a capability differ: YAML inside, others as a whole."""
    redactor = now.capability.variables.redactor
    for path in dict.fromkeys((*before.stamps, *now.stamps)):
        old, new = before.texts.get(path), now.texts.get(path)
        if old is not None and new is not None:
            if old != new:
                yield from differences(str(path), zlib.decompress(old), zlib.decompress(new), redactor)
        elif before.stamps.get(path) != now.stamps.get(path):
            yield Change(str(path))


def exposes_nothing() -> str:
    """Return why a file is not served that exposes nothing."""
    return f"it exposes nothing over {' or '.join(kind.title for kind in for_callers())}"


def not_served(path: Path, why: str) -> Announcement:
    """Return the line for a file that can't be served."""
    facts = {"event": "not-served", "file": str(path), "reason": why}
    return Announcement(f"not served: {path}: {why}", facts, is_warning=True)


def told_error(found: Diagnostic) -> Announcement:
    """Return the line for an error of a file."""
    facts = {"event": "diagnostic", "rule": found.rule, "position": str(found.position)}
    return Announcement(str(found), facts, is_warning=True)
