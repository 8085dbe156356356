"""What the user has looked at and trusts.

Each file's hash, and what it uses; asked of files that have changed (SEMANTICS 9).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import click

from naftiko.cli.clients.known import application_data
from naftiko.cli.diagnostics.excerpt import harmless
from naftiko.engine.capability import Capability
from naftiko.engine.reach import Reach
from naftiko.expose.announcement import Announce, Announcement
from naftiko.observe.lines import LINES

_VERSION: Final = 1


def store_path() -> Path:
    """Return the file that remembers; one of the working directory for a user who has no home, as in a container."""
    try:
        below = application_data()
    except RuntimeError:
        below = Path()
    return below / "naftiko" / "trust.json"


@dataclass(frozen=True, slots=True)
class Use:
    """A capability file as it is now.

    Attributes:
        path: the file, absolute.
        digest: SHA-256 of the file and of those that it imports.
        reach: what it uses.
    """

    path: Path
    digest: str
    reach: Reach

    @classmethod
    def of(cls, capability: Capability) -> Use:
        """Return what a loaded capability uses."""
        made = hashlib.sha256()
        for path in (capability.path, *capability.imported):
            content = path.read_bytes() if path.is_file() else b""
            made.update(f"{len(content)} ".encode() + content)
        return cls(capability.path.absolute(), made.hexdigest(), capability.reach())

    def record(self) -> dict[str, Any]:
        """Return what is remembered of it."""
        return {
            "sha256": self.digest,
            "trusted": dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds"),
            "variables": {used.name: sorted(used.targets) for used in self.reach.variables},
            "files": sorted(str(used.path) for used in self.reach.files),
        }


class TrustStore:
    """The files that are trusted, by their paths.

    Attributes:
        path: where that is remembered.
    """

    def __init__(self, path: Path, files: Mapping[str, Mapping[str, Any]]) -> None:
        self.path = path
        self._files = dict(files)

    @classmethod
    def read(cls) -> TrustStore:
        """Return what is remembered; a store that can't be read remembers nothing."""
        path = store_path()
        try:
            content = json.loads(path.read_text("utf-8"))
            files = content["files"] if content.get("version") == _VERSION else {}
        except (OSError, ValueError, KeyError, AttributeError):
            files = {}
        known = files.items() if isinstance(files, dict) else ()
        return cls(path, {name: record for name, record in known if isinstance(record, dict)})

    def knows(self, use: Use) -> bool:
        """Tell whether a file was trusted once."""
        return str(use.path) in self._files

    def changes(self, use: Use) -> list[str]:
        """Return what is other than when a file was trusted, ``[]`` where nothing is."""
        record = self._files[str(use.path)]
        more = list(_more(record, use.record()))
        return more or ([] if record.get("sha256") == use.digest else ["its text"])

    def when(self, use: Use) -> str:
        """Return when a file was trusted."""
        return str(self._files[str(use.path)].get("trusted", "once"))

    def trust(self, uses: Sequence[Use]) -> None:
        """Remember files as they are now.

        Raises:
            OSError: the store can't be written.
        """
        self._files.update({str(use.path): use.record() for use in uses})
        self._write()

    def forget(self, paths: Sequence[Path]) -> None:
        """Trust files no longer.

        Raises:
            OSError: the store can't be written.
        """
        for path in paths:
            self._files.pop(str(path.absolute()), None)
        self._write()

    def _write(self) -> None:
        text = json.dumps({"version": _VERSION, "files": self._files}, indent=2, ensure_ascii=False) + "\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_name(f".{self.path.name}.new")
        fresh.write_text(text, "utf-8")
        fresh.chmod(0o600)
        fresh.replace(self.path)


def _more(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a file uses that it did not use before."""
    known = before.get("variables")
    variables: Mapping[str, Any] = known if isinstance(known, dict) else {}
    for name, targets in now["variables"].items():
        fresh = [target for target in targets if target not in variables.get(name, ())]
        if fresh:
            yield f"{name} → {', '.join(fresh)}"
    yield from (f"reads {path}" for path in now["files"] if path not in before.get("files", ()))


def lines_of(reach: Reach) -> Iterator[str]:
    """Yield what a capability uses, a line for each host and each file."""
    for target, names in reach.by_target():
        yield f"{', '.join(names)} → {target}"
    for file in reach.files:
        where = ", outside of its directory" if file.is_outside else ""
        goes = f"; its values go to {', '.join(file.targets)}" if file.targets else ""
        why = f"; not read: {file.refused}" if file.refused else ""
        yield f"reads {file.path} ({file.used_as}){where}{goes}{why}"


_MOST: Final = 20
"""Lines about hosts; more of them are counted."""


class Admission:
    """Looks at files before they are served.

    Args:
        tell: told what they use.
        strict: whether what has changed, or lies outside, is refused.
        asks: whether there is somebody at a terminal to ask.
    """

    def __init__(self, tell: Announce, *, strict: bool, asks: bool | None = None) -> None:
        self._tell = tell
        self._strict = strict
        self._asks = sys.stdin.isatty() and sys.stderr.isatty() if asks is None else asks
        self._store = TrustStore.read()
        self._uses: Sequence[Use] = ()

    def refused(self, uses: Sequence[Use]) -> list[Use]:
        """Return the files that are not to be served; tell why, and of what is outside.

        Args:
            uses: the files as they are now.
        """
        self._uses = uses
        refused: list[Use] = []
        for use in uses:
            is_refused = False
            for line in _outside(use):
                self._tell(line)
                is_refused = is_refused or (self._strict and line.is_warning)
            for line in _unreadable(use) if self._strict else ():
                self._tell(line)
                is_refused = True
            changes = self._store.changes(use) if self._store.knows(use) else []
            if changes:
                is_refused = not self._admitted(use, changes) or is_refused
            if is_refused:
                refused.append(use)
        return refused

    def tell_uses(self) -> None:
        """Tell which variables go to which host, of the files that nobody has said to trust."""
        for line in _fresh(use for use in self._uses if not self._store.knows(use)):
            self._tell(replace(line, is_aside=True))

    def _admitted(self, use: Use, changes: Sequence[str]) -> bool:
        """Tell that a trusted file has changed, and return whether it is served all the same."""
        what = f"changed: {use.path} is not as it was trusted on {self._store.when(use)}: {'; '.join(changes)}"
        facts = {"event": "changed", "file": str(use.path), "changes": list(changes)}
        self._tell(Announcement(f"{what}; `naftiko trust {use.path}` records it", facts, is_warning=True))
        if self._strict:
            return False
        if not self._asks:
            return True
        LINES.drain()  # what is asked stands below what it is about
        if not click.confirm(f"Trust {harmless(str(use.path))} as it is now?", err=True):
            return False
        try:
            self._store.trust([use])
        except OSError as error:
            text = f"warning: {self._store.path}: {(error.strerror or 'can not be written').lower()}"
            self._tell(Announcement(text, {"event": "trust"}, is_warning=True))
        return True


def _fresh(uses: Iterable[Use]) -> Iterator[Announcement]:
    """Yield which variables go to which host, of files that nobody has said to trust; a line a host."""
    found: dict[str, dict[str, None]] = {}
    for use in uses:
        for target, names in use.reach.by_target(set_ones=True):
            found.setdefault(target, {}).update(dict.fromkeys(names))
    for at, (target, several) in enumerate(found.items()):
        if at == _MOST:
            text = f"uses: and {len(found) - _MOST} more hosts; `naftiko inspect FILE` tells"
            yield Announcement(text, {"event": "uses", "more": len(found) - _MOST})
            return
        text = f"uses: {', '.join(several)} → {target}"
        yield Announcement(text, {"event": "uses", "variables": list(several), "target": target})


def _unreadable(use: Use) -> Iterator[Announcement]:
    """Yield the files that a capability names and may not read."""
    for file in use.reach.files:
        if file.refused:
            text = f"not read: {file.path} ({file.used_as} of {use.path}): {file.refused}"
            facts = {"event": "not-read", "file": str(use.path), "path": str(file.path), "reason": file.refused}
            yield Announcement(text, facts, is_warning=True)


def _outside(use: Use) -> Iterator[Announcement]:
    """Yield the files of binds outside of the directory, which are read; a warning where no root names them."""
    for file in use.reach.outside:
        if file.targets and not file.refused:
            goes = ", ".join(file.targets)
            text = (
                f"reads: {file.path} ({file.used_as} of {use.path}), outside of its directory; its values go to {goes}"
            )
            facts: dict[str, object] = {
                "event": "reads",
                "file": str(use.path),
                "path": str(file.path),
                "targets": list(file.targets),
            }
            yield Announcement(text, facts, is_warning=not file.is_named, is_aside=True)
