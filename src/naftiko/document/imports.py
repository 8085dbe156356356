"""Follow imports (SEMANTICS 1.5): relative to the importing file, transitive, never out of the tree."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

from naftiko.document.findings import Findings, Reporter
from naftiko.document.model import CapabilityDocument, Import, Model
from naftiko.document.suggest import did_you_mean, listed
from naftiko.ground.errors import CapabilityError
from naftiko.ground.seen import is_file
from naftiko.ground.types import Diagnostic

_SECTIONS = ("consumes", "exposes", "aggregates", "binds")
_CALLED = frozenset({"consumes", "aggregates"})

ReadImport: TypeAlias = Callable[[Path], tuple[CapabilityDocument, list[Diagnostic]]]


class Imports:
    """Resolves the imports of one capability file; each imported file is read once.

    Args:
        roots: the directory tree that imports may not leave, and others, or single files, that they may lead to.
        read: reads a file.
    """

    def __init__(self, roots: tuple[Path, ...], read: ReadImport) -> None:
        self._root = roots[0].resolve()
        self._roots = tuple(root.resolve() for root in roots)
        self._read = read
        self._documents: dict[Path, CapabilityDocument] = {}
        self._binds: list[Model] = []

    def resolve(
        self, document: CapabilityDocument, path: Path, findings: Findings, above: tuple[Path, ...] = ()
    ) -> CapabilityDocument:
        """Return the document with every import replaced by the thing it names.

        An import that fails stays where something could be called by its name: that name is not free for others.
        """
        chain = (*above, path.resolve())
        update: dict[str, tuple[Model, ...]] = {}
        for section in _SECTIONS:
            things: tuple[Model, ...] = getattr(document, section)
            if any(isinstance(thing, Import) for thing in things):
                resolved = (
                    self._thing(thing, section, path, findings, chain) or _lacking(thing, section) for thing in things
                )
                update[section] = tuple(thing for found in resolved for thing in found)
        if not above and self._binds:
            # What is imported sees the binds of its own file and the importing one's, which win.
            update["binds"] = (*self._binds, *update.get("binds", document.binds))
        return document.model_copy(update=update) if update else document

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that were read, in their order."""
        return tuple(self._documents)

    def _thing(
        self, thing: Model, section: str, path: Path, findings: Findings, chain: tuple[Path, ...]
    ) -> tuple[Model, ...]:
        if not isinstance(thing, Import):
            return (thing,)
        target = self._target(thing, path, findings)
        if target is None:
            return ()
        if target in chain:
            cycle = " → ".join(step.name for step in (*chain[chain.index(target) :], target))
            findings.at(thing.node).error("import-cycle", f"imports go in a circle: {cycle}")
            return ()
        source = self._document(target, thing, findings, chain)
        return () if source is None else _pick(source, section, thing, target, findings)

    def _target(self, thing: Import, path: Path, findings: Findings) -> Path | None:
        if thing.source is None:
            findings.at(thing.node).error(
                "import-incomplete",
                f"the import of `{thing.namespace}` names no file",
                hint="add `from: ./FILE.yaml`",
            )
            return None
        where = thing.at("from")
        try:
            return self._file(thing.source, path, findings.at(where))
        except (ValueError, OSError):  # a name that no file system has: a NUL in it, too long, a broken URL
            findings.at(where).error("import-not-found", f"`{thing.source[:80]}` can't be the name of a file")
            return None

    def _file(self, source: str, path: Path, at: Reporter) -> Path | None:
        """Return the file that an import means, if it is there and may be read."""
        written = source
        parts = urlsplit(written)
        if parts.scheme == "file":
            written = unquote((parts.netloc if parts.netloc in {".", ".."} else "") + parts.path).removeprefix("/./")
        elif parts.scheme and "://" in written:
            at.error("import-scheme", f"an import reads files, not `{parts.scheme}://`", hint="copy the file here")
            return None
        target = (path.parent / written).resolve()
        if not is_file(target) and is_file(self._root / written):
            target = (self._root / written).resolve()  # files that are written against the repository's root
        if not any(target.is_relative_to(root) for root in self._roots):
            at.error(
                "import-outside",
                f"`{source}` lies outside of the capability's directory {self._root}",
                hint="move it below, or name a wider directory with --import-root",
            )
            return None
        if not is_file(target):
            others = [found.name for found in target.parent.glob("*.y*ml")] if target.parent.is_dir() else []
            at.error(
                "import-not-found",
                f"there is no file `{source}`, seen from {path.parent}",
                hint=did_you_mean(target.name, others),
            )
            return None
        return target

    def _document(
        self, target: Path, thing: Import, findings: Findings, chain: tuple[Path, ...]
    ) -> CapabilityDocument | None:
        if target not in self._documents:
            try:
                document, found = self._read(target)
            except CapabilityError as error:
                findings.at(thing.node).error("import-not-found", str(error))
                return None
            findings.extend(found)
            resolved = self.resolve(document, target, findings, chain)
            self._documents[target] = resolved
            self._binds.extend(resolved.binds)
        return self._documents[target]


def _lacking(thing: Model, section: str) -> tuple[Model, ...]:
    return (thing,) if section in _CALLED else ()


def _pick(
    source: CapabilityDocument, section: str, thing: Import, target: Path, findings: Findings
) -> tuple[Model, ...]:
    """Return the imported thing under its new name; all of a section where no namespace is named."""
    candidates = tuple(found for found in getattr(source, section) if not isinstance(found, Import))
    if thing.namespace is None and thing.alias is None and len(candidates) > 1:
        return candidates
    named = {getattr(found, "namespace", None): found for found in reversed(candidates)}  # of two, the first is meant
    wanted = thing.namespace if thing.namespace in named else None
    if wanted is None and thing.namespace is None:  # the swapped form: `as` may name the one that is meant
        wanted = thing.alias if thing.alias in named or len(named) != 1 else next(iter(named))
    if wanted is None and section == "consumes" and len(candidates) == 1:
        wanted = _only(candidates[0], thing, target, findings)
    if wanted not in named or not candidates:
        known = [name for name in named if name]
        findings.at(thing.node).error(
            "import-not-found",
            f"{_asked(thing)} is not among the {section} of {target.name}",
            hint=did_you_mean(thing.namespace or thing.alias or "", known)
            or (f"it has: {listed(known)}" if known else f"it has no {section}"),
        )
        return ()
    found = named[wanted]
    alias = thing.alias or (thing.namespace if thing.namespace != wanted else None)
    return (found.model_copy(update={"namespace": alias}) if alias else found,)


def _only(candidate: Model, thing: Import, target: Path, findings: Findings) -> str | None:
    """Return the name of a file's only consumes entry, which is meant whatever the import calls it, with a warning."""
    namespace: str | None = getattr(candidate, "namespace", None)
    findings.at(thing.at("import")).warning(
        "import-name",
        f"{target.name} has no `{thing.namespace}`; its only entry `{namespace or ''}` is meant",
        hint=f"write `import: {namespace}`, `as: {thing.alias or thing.namespace}`" if namespace else "",
    )
    return namespace


def _asked(thing: Import) -> str:
    name = thing.namespace or thing.alias
    return f"`{name}`" if name else "what is imported"
