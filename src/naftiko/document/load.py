"""Load a capability file: read, bring to the canonical model, follow imports."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, cast

from yaml.nodes import MappingNode, Node, ScalarNode

from naftiko.document.build import Builder
from naftiko.document.dialects import flat, sections
from naftiko.document.findings import Findings
from naftiko.document.imports import Imports
from naftiko.document.model import CapabilityDocument, Model
from naftiko.document.reader import Entries, entries, is_null, read
from naftiko.document.suggest import nearest
from naftiko.document.unknown import other_format
from naftiko.ground.collection import collection_paused
from naftiko.ground.errors import CapabilityError
from naftiko.ground.seen import text_of
from naftiko.ground.types import Diagnostic

_VERSIONS = frozenset(
    {
        "0.4",
        "0.5",
        *(f"1.0.0-alpha{number}" for number in range(1, 6)),
        *(f"1.0.0-beta{number}" for number in range(1, 6)),
    }
)
_FORMAT_HINT = "start the file with `naftiko: 1.0.0-alpha2`"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file as the later rooms need it.

    Attributes:
        path: the file.
        document: the canonical model; empty where the file could not be read as a capability.
        findings: everything found so far; linking adds to it.
        usable: whether it is a capability at all (parsable, with a root key).
        imported: the files that it imports from.
    """

    path: Path
    document: CapabilityDocument
    findings: Findings
    usable: bool
    imported: tuple[Path, ...] = ()


def load_document(path: Path, *, import_root: Path | None = None, file_roots: Iterable[Path] = ()) -> Loaded:
    """Load a file and what it imports.

    Args:
        path: the capability file.
        import_root: the directory tree that imports may not leave; default: the file's own directory.
        file_roots: directories or files that may be imported from all the same.

    Raises:
        CapabilityError: the file can't be read at all (missing, a directory, no permission).
    """
    return parse_document(read_bytes(path), path, import_root=import_root, file_roots=file_roots)


def parse_document(
    text: str | bytes, path: Path, *, import_root: Path | None = None, file_roots: Iterable[Path] = ()
) -> Loaded:
    """Load a capability from text; ``path`` names it in diagnostics and is the base of its imports."""
    with collection_paused():
        return _parse(text, path, (import_root or path.parent, *file_roots))


def _parse(text: str | bytes, path: Path, roots: tuple[Path, ...]) -> Loaded:
    findings = Findings(str(path))
    root = read(text, findings)
    if root is None:
        return Loaded(path, CapabilityDocument(), findings, usable=False)
    document, usable = build_document(root, findings)
    if not usable:
        return Loaded(path, document, findings, usable)
    imports = Imports(roots, read_import)
    document = imports.resolve(document, path, findings)
    return Loaded(path, document, findings, usable, imports.files)


def read_bytes(path: Path) -> bytes:
    """Return a file's bytes, or raise ``CapabilityError`` that says why not."""
    try:
        return text_of(path)
    except OSError as error:
        reason = (error.strerror or "can't be read").lower()
        raise CapabilityError(f"{path}: {reason}") from error


def read_import(path: Path) -> tuple[CapabilityDocument, list[Diagnostic]]:
    """Load a file that another one imports from; it needs no root key."""
    findings = Findings(str(path))
    root = read(read_bytes(path), findings)
    if root is None:
        return CapabilityDocument(), list(findings)
    document, _ = build_document(root, findings, importing=True)
    return document, list(findings)


def build_document(
    root: MappingNode, findings: Findings, *, importing: bool = False
) -> tuple[CapabilityDocument, bool]:
    """Build the canonical document; root and ``capability`` sections mean the same and are joined."""
    found = entries(root, findings)
    if not any(key in found for key in sections.ROOT_KEYS) and _tell_foreign(found, findings):
        return CapabilityDocument(node=root), False
    usable = importing or _has_root_key(found, root, findings)
    _check_version(found, findings)
    inner = _capability(found, findings)
    parts = {section: _parts(section, found, inner, findings) for section in sections.SECTIONS}
    for key, entry in inner.items():
        found.setdefault(key, entry)
    builder = Builder(findings)
    values: dict[str, Any] = {}
    for section, places in parts.items():
        if places:
            values[section] = [_section(builder, section, place) for place in places[:-1]]
            found[section] = places[-1]
    flat.bring(found, findings)
    document = cast(CapabilityDocument, builder.from_entries(root, found, CapabilityDocument))
    joined = {name: (*chain(*before), *getattr(document, name)) for name, before in values.items() if before}
    return document.model_copy(update=joined), usable


def _parts(section: str, found: Entries, inner: Entries, findings: Findings) -> list[tuple[Node, Node]]:
    """Return every place of a section: at the root and in ``capability``, which mean the same and are joined."""
    return [entry for part in (found, inner) for entry in sections.take(part, section, findings)]


def _section(builder: Builder, section: str, entry: tuple[Node, Node]) -> tuple[Model, ...]:
    """Build one place of a section on its own, to be joined with the others."""
    part = cast(CapabilityDocument, builder.from_entries(entry[1], {section: entry}, CapabilityDocument))
    return cast(tuple[Model, ...], getattr(part, section))


def _tell_foreign(found: Entries, findings: Findings) -> bool:
    """Tell, and return, whether the file is one of another format."""
    foreign = other_format(found, findings)
    if foreign is not None:
        place, name, advice = foreign
        findings.at(place).error("no-root-key", f"this is {name}, not a capability", hint=advice)
    return foreign is not None


def _has_root_key(found: Entries, root: MappingNode, findings: Findings) -> bool:
    key = next((key for key in sections.ROOT_KEYS if key in found), None)
    if key is not None:
        if isinstance(found[key][1], MappingNode):
            findings.at(found[key][0]).error(
                "no-root-key", f"`{key}` must be a version, not a mapping", hint=_FORMAT_HINT
            )
            return False
        return True
    near = next((name for name in found if nearest(name, sections.ROOT_KEYS)), None)
    where = found[near][0] if near is not None else root
    findings.at(where).error(
        "no-root-key",
        "no root key `naftiko` or `ikanos`: this is no capability file",
        hint=f"did you mean `{nearest(near, sections.ROOT_KEYS)}`?" if near is not None else _FORMAT_HINT,
    )
    return False


def _check_version(found: Entries, findings: Findings) -> None:
    """Tell a version that is not known; what is no version at all is told already, and left out."""
    for key in sections.ROOT_KEYS:
        value = found[key][1] if key in found else None
        if isinstance(value, ScalarNode) and value.value not in _VERSIONS:
            findings.at(value).warning(
                "unknown-version",
                f"the version `{value.value}` is not known; the file is read as the newest one",
                hint="known: 0.4, 0.5, 1.0.0-alpha1 to alpha5, 1.0.0-beta1 to beta5",
            )
        elif value is not None and not isinstance(value, ScalarNode):
            del found[key]


def _capability(found: Entries, findings: Findings) -> Entries:
    entry = found.pop("capability", None)
    if entry is None or is_null(entry[1]):
        return {}
    if not isinstance(entry[1], MappingNode):
        findings.at(entry[1]).error("wrong-type", "`capability` must be a mapping")
        return {}
    return entries(entry[1], findings)
