"""What the user has looked at and trusts: each file's hash, with the variables and files that it uses (SEMANTICS 9)."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from naftiko.cli.clients.client import application_data
from naftiko.engine.capability import Capability
from naftiko.engine.reach import Reach

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
