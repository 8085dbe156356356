"""Imports: ``{location, import, as}``, ``{from, import, as}``, and the swapped ``{import: path, as: name}``."""

from __future__ import annotations

from yaml.nodes import ScalarNode

from naftiko.document.findings import Findings
from naftiko.document.reader import Entries


def is_import(found: Entries) -> bool:
    """Tell an import from a thing of its own."""
    return "import" in found or ("from" in found and not {"type", "baseUri"} & found.keys())


def both_spellings(found: Entries, findings: Findings) -> None:
    """Bring both spellings and the swapped form to ``{from, import, as}``."""
    if "location" in found:
        entry = found.pop("location")
        found.setdefault("from", entry)
    if "from" in found or "import" not in found:
        return
    key, path = found["import"]
    if isinstance(path, ScalarNode) and _looks_like_path(path.value):
        # The path stands in `import`, the namespace in `as` (18 public files). Which namespace of the file is
        # meant is not said: the one that `as` names if the file has it, else its only one.
        found["from"] = found.pop("import")
        findings.at(key).hint(
            "import-swapped",
            "`import` holds a path",
            hint="write `from: PATH`, `import: NAMESPACE` and, for another name, `as: NAME`",
        )


def _looks_like_path(text: str) -> bool:
    return "/" in text or text.endswith((".yml", ".yaml", ".json"))
