"""Skills with their files: what a catalogue and an MCP server serve, and what `naftiko skill` writes (SEMANTICS 10).

Files are looked at anew whenever they are asked for; digests are kept for those that have not changed.
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from naftiko.document.frontmatter import BrokenFrontmatter, frontmatter_of
from naftiko.engine.directory import Directory, NotServed
from naftiko.engine.reach import OutOfReach, located
from naftiko.engine.skill_text import frontmatter, skill_text
from naftiko.ground.errors import NaftikoError
from naftiko.ground.media_types import of_file
from naftiko.plan.skills import LONGEST_DESCRIPTION, SkillPlan, skill_name

if TYPE_CHECKING:
    from naftiko.engine.capability import Capability
    from naftiko.plan.unit import AdapterPlan

SKILL_FILE: Final = "SKILL.md"
MOST_FILES: Final = 512
"""Files of one skill: every host takes as many (SEP-2640)."""
MOST_BYTES: Final = 16 * 1024 * 1024
"""Bytes of one skill's files together, likewise; one file alone has no more either."""
_JUST_NOW: Final = 2.0
"""Seconds in which a file may change again without another time of change: file systems may count whole seconds."""

_log = logging.getLogger(__name__)


class NoFiles(NaftikoError):
    """A skill whose directory isn't there, or may not be read."""


class Unfit(NaftikoError):
    """A skill that agents can't load: what is wrong with it."""


@dataclass(frozen=True, slots=True)
class SkillFile:
    """A file of a skill.

    Attributes:
        path: relative to the skill, with ``/``.
        size: bytes.
        modified: seconds since the epoch; ``None`` of what is made of the declaration.
        source: where it is; ``None`` likewise.
    """

    path: str
    size: int
    modified: float | None
    source: Path | None

    @property
    def media_type(self) -> str:
        """What its suffix says."""
        return of_file(self.path)


@dataclass(frozen=True, slots=True)
class Manifest:
    """All of a skill at one time.

    Attributes:
        frontmatter: what its ``SKILL.md`` says of it.
        files: with the SHA-256 of each, in hexadecimal digits.
    """

    frontmatter: Mapping[str, Any]
    files: tuple[tuple[SkillFile, str], ...]


@dataclass(frozen=True, slots=True)
class _Known:
    """A digest, and what a file was like whose it is."""

    size: int
    changed: int
    number: int
    digest: str


class Skill:
    """A skill of a capability.

    Args:
        plan: what the file says of it.
        adapter: that declares it.
        capability: the file.
    """

    def __init__(self, plan: SkillPlan, adapter: AdapterPlan, capability: Capability) -> None:
        self.plan = plan
        self.adapter = adapter
        self._capability = capability
        self._digests: dict[str, _Known] = {}
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """As agents know it."""
        return skill_name(self.plan.name)

    @property
    def has_files(self) -> bool:
        """Whether it has a directory."""
        return self.plan.location is not None

    @cached_property
    def made(self) -> bytes:
        """The ``SKILL.md`` that is made of the declaration."""
        return skill_text(self.plan).encode()

    def _directory(self) -> Directory | None:
        """Return its directory; ``None`` where it has none.

        Raises:
            NoFiles: it isn't there, or may not be read.
        """
        location = self.plan.location
        if location is None:
            return None
        capability = self._capability
        root = located(location, capability.path.parent, capability.variables)
        try:
            capability.roots.check(root, location)
        except OutOfReach as error:
            raise NoFiles(str(error)) from error
        try:
            is_directory = root.is_dir()
        except (OSError, ValueError):
            is_directory = False
        if not is_directory:
            raise NoFiles(f"Location directory not found for skill: {self.plan.name}")
        return Directory("", root, None)

    def files(self) -> list[SkillFile]:
        """Return its files in the order of their paths; reads the directory.

        Raises:
            NoFiles: it isn't there, or may not be read.
        """
        directory = self._directory()
        found: dict[str, SkillFile] = {}
        for served in directory.files() if directory is not None else ():
            try:
                status = served.path.stat()
            except OSError:  # it went while the others were looked at
                continue
            found[served.relative] = SkillFile(served.relative, status.st_size, status.st_mtime, served.path)
        found.setdefault(SKILL_FILE, SkillFile(SKILL_FILE, len(self.made), None, None))
        return [found[path] for path in sorted(found)]

    def open(self, path: str) -> tuple[SkillFile, BinaryIO | None]:
        """Open a file; what is made of the declaration has nothing to be opened.

        Args:
            path: relative to the skill.

        Raises:
            NoFiles: the skill's directory isn't there, or may not be read.
            NotServed: there is no such file, it can't be read, or it is too large.
        """
        directory = self._directory()
        made = SkillFile(SKILL_FILE, len(self.made), None, None)
        if directory is None:
            if path == SKILL_FILE:
                return made, None
            raise NotServed("there is no such file")
        try:
            source = directory.of_path(path).path
        except ValueError as error:  # half a surrogate pair, which no file system has
            raise NotServed("its path is not allowed") from error
        except NotServed:
            if path == SKILL_FILE:
                return made, None
            raise
        try:
            stream = source.open("rb")
            status = os.fstat(stream.fileno())
        except OSError as error:
            raise NotServed(f"it can't be read ({error.strerror})") from error
        if not stat.S_ISREG(status.st_mode) or status.st_size > MOST_BYTES:
            stream.close()
            raise NotServed(f"it has {status.st_size} bytes, more than the {MOST_BYTES} that are served")
        return SkillFile(path, status.st_size, status.st_mtime, source), stream

    def read(self, path: str) -> tuple[SkillFile, bytes]:
        """Return a file with its bytes; raises as ``open`` does."""
        file, stream = self.open(path)
        if stream is None:
            return file, self.made
        with stream:
            return file, stream.read(MOST_BYTES + 1)[:MOST_BYTES]

    def whole(self) -> list[SkillFile]:
        """Return its files, where they are no more than agents take.

        Raises:
            NoFiles: its directory isn't there, or may not be read.
            Unfit: they are too many, or too large.
        """
        files = self.files()
        if len(files) > MOST_FILES:
            raise Unfit(f"it has {len(files)} files, more than the {MOST_FILES} that agents take")
        size = sum(file.size for file in files)
        if size > MOST_BYTES:
            raise Unfit(f"its files have {size} bytes together, more than the {MOST_BYTES} that agents take")
        return files

    def manifest(self) -> Manifest:
        """Return all of it, with digests, where agents can load it.

        Raises:
            NoFiles: its directory isn't there, or may not be read.
            Unfit: agents would refuse it.
        """
        with self._lock:  # who asks second takes the digests of who asked first
            files = self.whole()
            known, self._digests = self._digests, {}
            digests = tuple((file, self._digest(file, known)) for file in files)
            own = next((file for file in files if file.path == SKILL_FILE and file.source is not None), None)
            return Manifest(self._frontmatter(own), digests)

    def _digest(self, file: SkillFile, known: Mapping[str, _Known]) -> str:
        if file.source is None:
            return hashlib.sha256(self.made).hexdigest()
        try:
            before = file.source.stat()
            last = known.get(file.path)
            if last is not None and (last.size, last.changed, last.number) == _marks(before):
                self._digests[file.path] = last
                return last.digest
            content = file.source.read_bytes()
        except OSError as error:
            raise Unfit(f"`{file.path}` can't be read ({error.strerror})") from error
        if len(content) != file.size:
            raise Unfit(f"`{file.path}` is being written just now")
        digest = hashlib.sha256(content).hexdigest()
        if time.time() - before.st_mtime > _JUST_NOW:
            self._digests[file.path] = _Known(*_marks(before), digest)
        return digest

    def _frontmatter(self, own: SkillFile | None) -> Mapping[str, Any]:
        """Return the frontmatter of its ``SKILL.md``.

        Raises:
            Unfit: agents would refuse it.
        """
        if own is None or own.source is None:
            said: Mapping[str, Any] = frontmatter(self.plan)
        else:
            try:
                said = frontmatter_of(own.source.read_bytes())
            except BrokenFrontmatter as error:
                raise Unfit(f"{SKILL_FILE}: {error}") from error
            except OSError as error:
                raise Unfit(f"`{SKILL_FILE}` can't be read ({error.strerror})") from error
        why = unfit(said, self.name)
        if why:
            raise Unfit(why)
        return said


def unfit(said: Mapping[str, Any], name: str) -> str:
    """Return why agents would refuse frontmatter, ``""`` where they don't.

    Args:
        said: the frontmatter.
        name: of the skill, which must be the frontmatter's.
    """
    if said.get("name") != name:
        return f"the `name` of {SKILL_FILE} is `{said.get('name')}`, and the skill is called `{name}`"
    description = said.get("description")
    if not isinstance(description, str) or not description.strip():
        return f"{SKILL_FILE} says no `description`"
    if len(description) > LONGEST_DESCRIPTION:
        return f"its description has {len(description)} characters, and agents take {LONGEST_DESCRIPTION}"
    return ""


def _marks(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ino


def skills_of(capability: Capability) -> tuple[Skill, ...]:
    """Return the skills of a capability, in the order of the file."""
    return tuple(Skill(plan, adapter, capability) for adapter in capability.plan.adapters for plan in adapter.skills)
