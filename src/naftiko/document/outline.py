"""Read of a file only which adapters it exposes: for who asks where it listens, and doesn't call anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from naftiko.document.findings import Findings
from naftiko.document.imports import Imports
from naftiko.document.load import build_document, read_bytes
from naftiko.document.model import AdapterModel, CapabilityDocument
from naftiko.document.model.adapters import ADAPTERS
from naftiko.document.reader import compose
from naftiko.ground.collection import collection_paused
from naftiko.ground.errors import CapabilityError

_CALLED: Final = frozenset({"consumes", "import", "imports", "aggregates", "binds", "externalRefs"})


def exposed_adapters(
    path: Path, import_root: Path | None = None, file_roots: tuple[Path, ...] = ()
) -> tuple[AdapterModel, ...]:
    """Return the adapters of known kinds that a file declares, without what they expose.

    It takes a fraction of the time of loading the file. Nothing is checked: a file that can't be served may have some.
    A file that can't be read has none.

    Args:
        path: the capability file.
        import_root: as for loading it.
        file_roots: likewise.
    """
    with collection_paused():
        try:
            document = _outline(path)
            if document is None:
                return ()
            roots = (import_root or path.parent, *file_roots)
            imports = Imports(roots, lambda target: (_outline(target) or CapabilityDocument(), []))
            exposes = imports.resolve(document, path, Findings(str(path))).exposes
        except CapabilityError:
            return ()
    return tuple(adapter for adapter in exposes if isinstance(adapter, AdapterModel))


def _outline(path: Path) -> CapabilityDocument | None:
    findings = Findings(str(path))
    root = compose(read_bytes(path), findings)
    if not isinstance(root, MappingNode):
        return None
    parts = [root, *(part for part in _values(root, "capability") if isinstance(part, MappingNode))]
    exposed = [section for part in parts for section in _values(part, "exposes")]
    if exposed:  # else it may be flat: what it calls is what it exposes
        for part in parts:
            _drop(part, _CALLED)
        contents = frozenset(key for model in ADAPTERS for key in model.content)
        for adapter in (adapter for section in exposed for adapter in _things(section)):
            _drop(adapter, contents)
    document, _ = build_document(root, findings, importing=True)
    return document


def _drop(part: MappingNode, names: frozenset[str]) -> None:
    part.value = [(key, value) for key, value in part.value if getattr(key, "value", None) not in names]


def _values(part: MappingNode, name: str) -> list[Node]:
    return [value for key, value in part.value if isinstance(key, ScalarNode) and key.value == name]


def _things(section: Node) -> Iterator[MappingNode]:
    """Yield the mappings of a list, or of a map by name."""
    if isinstance(section, SequenceNode):
        yield from (thing for thing in section.value if isinstance(thing, MappingNode))
    elif isinstance(section, MappingNode):
        yield from (thing for _, thing in section.value if isinstance(thing, MappingNode))
