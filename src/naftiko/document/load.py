"""Load a capability file: read, bring to the canonical model, follow imports."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from yaml.nodes import MappingNode, Node, ScalarNode

from naftiko.document.build import Builder
from naftiko.document.collection import collection_paused
from naftiko.document.findings import Findings
from naftiko.document.imports import Imports
from naftiko.document.model import CapabilityDocument
from naftiko.document.reader import Entries, entries, is_null, read
from naftiko.document.suggest import nearest
from naftiko.errors import CapabilityError
from naftiko.types import Diagnostic

_ROOT_KEYS = ("naftiko", "ikanos")
_SECTIONS = ("consumes", "exposes", "aggregates", "binds")
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
    """

    path: Path
    document: CapabilityDocument
    findings: Findings
    usable: bool


def load_document(path: Path, *, import_root: Path | None = None) -> Loaded:
    """Load a file and what it imports.

    Args:
        path: the capability file.
        import_root: the directory tree that imports may not leave; default: the file's own directory.

    Raises:
        CapabilityError: the file can't be read at all (missing, a directory, no permission).
    """
    return parse_document(read_bytes(path), path, import_root=import_root)


def parse_document(text: str | bytes, path: Path, *, import_root: Path | None = None) -> Loaded:
    """Load a capability from text; ``path`` names it in diagnostics and is the base of its imports."""
    with collection_paused():
        return _parse(text, path, import_root or path.parent)


def _parse(text: str | bytes, path: Path, import_root: Path) -> Loaded:
    findings = Findings(str(path))
    root = read(text, findings)
    if root is None:
        return Loaded(path, CapabilityDocument(), findings, usable=False)
    document, usable = build_document(root, findings)
    if usable:
        imports = Imports(import_root, read_import)
        document = imports.resolve(document, path, findings)
    return Loaded(path, document, findings, usable)


def read_bytes(path: Path) -> bytes:
    """Return a file's bytes, or raise ``CapabilityError`` that says why not."""
    try:
        return path.read_bytes()
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
    usable = importing or _has_root_key(found, root, findings)
    version = _version(found, findings)
    inner = _capability(found, findings)
    builder = Builder(findings)
    values: dict[str, Any] = {}
    for section in _SECTIONS:
        parts = [part.pop(section) for part in (found, inner) if section in part]
        parts = [part for part in parts if not is_null(part[1])]
        if len(parts) > 1:
            values[section] = _section(builder, section, parts[0])
        if parts:
            found[section] = parts[-1]
    for key, entry in inner.items():
        found.setdefault(key, entry)
    if version is not None:
        found["version"] = version
    document = cast(CapabilityDocument, builder.from_entries(root, found, CapabilityDocument))
    joined = {name: part + getattr(document, name) for name, part in values.items()}
    return document.model_copy(update=joined), usable


def _section(builder: Builder, section: str, entry: tuple[Node, Node]) -> Any:
    """Build one section on its own, to be joined with the one of the other place."""
    part = cast(CapabilityDocument, builder.from_entries(entry[1], {section: entry}, CapabilityDocument))
    return getattr(part, section)


def _has_root_key(found: Entries, root: MappingNode, findings: Findings) -> bool:
    key = next((key for key in _ROOT_KEYS if key in found), None)
    if key is not None:
        if isinstance(found[key][1], MappingNode):
            findings.at(found[key][0]).error(
                "no-root-key", f"`{key}` must be a version, not a mapping", hint=_FORMAT_HINT
            )
            return False
        return True
    near = next((name for name in found if nearest(name, _ROOT_KEYS)), None)
    where = found[near][0] if near is not None else root
    findings.at(where).error(
        "no-root-key",
        "no root key `naftiko` or `ikanos`: this is no capability file",
        hint=f"did you mean `{nearest(near, _ROOT_KEYS)}`?" if near is not None else _FORMAT_HINT,
    )
    return False


def _version(found: Entries, findings: Findings) -> tuple[Node, Node] | None:
    entry = None
    for key in _ROOT_KEYS:
        entry = found.pop(key, entry)
    if entry is None:
        return None
    _, value = entry
    if isinstance(value, ScalarNode) and value.value not in _VERSIONS:
        findings.at(value).warning(
            "unknown-version",
            f"the version `{value.value}` is not known; the file is read as the newest one",
            hint="known: 0.4, 0.5, 1.0.0-alpha1 to alpha5, 1.0.0-beta1 to beta5",
        )
    return entry if isinstance(value, ScalarNode) else None


def _capability(found: Entries, findings: Findings) -> Entries:
    entry = found.pop("capability", None)
    if entry is None or is_null(entry[1]):
        return {}
    if not isinstance(entry[1], MappingNode):
        findings.at(entry[1]).error("wrong-type", "`capability` must be a mapping")
        return {}
    return entries(entry[1], findings)
