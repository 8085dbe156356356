"""Renamed keys: ``display`` is ``label``, ``flows`` are ``functions``, ``auth`` is ``authentication``."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from yaml.nodes import ScalarNode

from naftiko.document.dialects import nodes
from naftiko.document.dialects.reading import SCALAR, Reads, reads
from naftiko.document.findings import Findings
from naftiko.document.reader import Entries, scalar
from naftiko.document.suggest import fold


def renamed(**names: str) -> Callable[[Entries, Findings], None]:
    """Return the concern that renames keys; where both spellings stand, the canonical one wins."""

    @reads(Reads(names))
    def rename(found: Entries, findings: Findings) -> None:  # noqa: ARG001  # a concern's shape
        for old, new in names.items():
            if old in found:
                entry = found.pop(old)
                found.setdefault(new, entry)

    return rename


def spelt(spellings: Mapping[str, str]) -> Callable[[Entries, Findings], None]:
    """Return the concern that brings keys to the spec's spelling.

    Args:
        spellings: each key with its other spellings, folded, in a text.
    """
    known = {other: key for key, others in spellings.items() for other in (fold(key), *others.split())}

    @reads(Reads({other: key for other, key in known.items() if other not in spellings}))
    def spell(found: Entries, findings: Findings) -> None:  # noqa: ARG001  # a concern's shape
        for written in list(found):
            key = known.get(fold(written))
            if key is not None and key not in found:
                found[key] = found.pop(written)

    return spell


def stands_for(key: str, *others: str) -> Callable[[Entries, Findings], None]:
    """Return the concern that reads another key where ``key`` is missing; beside it, the other means what it says."""

    @reads(Reads(dict.fromkeys(others, key)))
    def read(found: Entries, findings: Findings) -> None:  # noqa: ARG001  # a concern's shape
        for other in others:
            if other in found and key not in found:
                found[key] = found.pop(other)

    return read


@reads(Reads({"operationId": "name", "id": "name"}))
def named(found: Entries, findings: Findings) -> None:  # noqa: ARG001  # a concern's shape
    """Read ``operationId`` or ``id`` as a missing ``name``; beside a name they name nothing."""
    for other in ("operationId", "id"):
        if other in found:
            entry = found.pop(other)
            found.setdefault("name", entry)


def name_as_label(found: Entries, findings: Findings) -> None:  # noqa: ARG001  # a concern's shape
    """``info.name`` is the label where nothing else is."""
    if "name" in found and "label" not in found:
        found["label"] = found.pop("name")


@reads(Reads(shapes={"logs": [SCALAR]}))
def logs(found: Entries, findings: Findings) -> None:
    """``logs: true`` is both endpoints, ``logs: false`` none."""
    if "logs" not in found:
        return
    key, value = found["logs"]
    if isinstance(value, ScalarNode):
        del found["logs"]
        if scalar(value, findings) is True:
            both = [(nodes.text("level-control", key), value), (nodes.text("stream", key), value)]
            found["logs"] = (key, nodes.mapping(both, value))
