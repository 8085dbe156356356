"""Steps: a ``lookupValue`` that is a list."""

from __future__ import annotations

from yaml.nodes import SequenceNode

from naftiko.document.findings import Findings
from naftiko.document.reader import Entries


def lookup(found: Entries, findings: Findings) -> None:
    """``lookupValue: [a, b]`` looks several values up."""
    del findings
    if "lookupValue" in found and isinstance(found["lookupValue"][1], SequenceNode):
        found["lookupValues"] = found.pop("lookupValue")
