"""Cut a document to a size: arrays at item borders, long texts between characters, and valid JSON all the same.

What is cut is what takes the room: an object keeps its shape, its small members stay whole and its large ones share
what is left. An array keeps as many items as fit; an item that doesn't fit alone is cut itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from naftiko.engine.request import dump_json
from naftiko.expose.mcp.handles import Path

_LEAST: Final = 500
"""Characters that a member is cut to at the least; an object with more of them than fit loses some instead."""
_NEAR_THE_END: Final = 5


@dataclass(frozen=True, slots=True)
class Cut:
    """One place that was cut.

    Attributes:
        path: of the array, text or object.
        kept: how many of its items, characters or members are left.
        total: how many there were.
        unit: what they are: ``items``, ``characters`` or ``members``.
    """

    path: Path
    kept: int
    total: int
    unit: str


def size_of(value: Any) -> int:
    """Return the length of a value as compact JSON, in characters."""
    return len(dump_json(value).decode())


def cut(value: Any, room: int) -> tuple[Any, list[Cut]]:
    """Return a document that has at most ``room`` characters as compact JSON, as far as that can be, and the cuts."""
    cuts: list[Cut] = []
    return _fitted(value, room, (), cuts), cuts


def cut_text(text: str, room: int) -> str:
    """Return the beginning of a text: at most ``room`` characters, to the end of a line where one is near."""
    if len(text) <= room:
        return text
    line = text.rfind("\n", room - room // _NEAR_THE_END, room)
    return text[: room if line < 0 else line + 1]


def _fitted(value: Any, room: int, path: Path, cuts: list[Cut]) -> Any:
    if size_of(value) <= room:
        return value
    if isinstance(value, list):
        return _items(value, room, path, cuts)
    if isinstance(value, dict):
        return _members(value, room, path, cuts)
    if isinstance(value, str):
        return _characters(value, room, path, cuts)
    return value


def _items(values: Sequence[Any], room: int, path: Path, cuts: list[Cut]) -> list[Any]:
    kept: list[Any] = []
    used = len("[]")
    for value in values:
        used += size_of(value) + len(",")
        if used > room:
            break
        kept.append(value)
    if not kept and values:
        kept.append(_fitted(values[0], room - len("[]"), (*path, 0), cuts))
    if len(kept) < len(values):
        cuts.append(Cut(path, len(kept), len(values), "items"))
    return kept


def _members(members: Mapping[str, Any], room: int, path: Path, cuts: list[Cut]) -> dict[str, Any]:
    left = room - len("{}")
    sizes = {name: size_of(name) + len(":,") + size_of(value) for name, value in members.items()}
    share = _share(sorted(sizes.values()), left)
    if share < _LEAST and sum(size > share for size in sizes.values()) > 1:
        return _first_members(members, sizes, room, path, cuts)
    return {
        name: value if sizes[name] <= share else _fitted(value, share - size_of(name) - len(":,"), (*path, name), cuts)
        for name, value in members.items()
    }


def _share(ascending: Sequence[int], room: int) -> int:
    """Return what each of the large members gets when the small ones are whole."""
    for at, size in enumerate(ascending):
        share = room // (len(ascending) - at)
        if size > share:
            return share
        room -= size
    return room


def _first_members(
    members: Mapping[str, Any], sizes: Mapping[str, int], room: int, path: Path, cuts: list[Cut]
) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    used = len("{}")
    for name, value in members.items():
        used += sizes[name]
        if used > room:
            break
        kept[name] = value
    if not kept:
        name, value = next(iter(members.items()))
        kept[name] = _fitted(value, room - size_of(name) - len("{:}"), (*path, name), cuts)
    cuts.append(Cut(path, len(kept), len(members), "members"))
    return kept


def _characters(text: str, room: int, path: Path, cuts: list[Cut]) -> str:
    kept = cut_text(text, max(room - len('""'), 1))
    while len(kept) > 1 and size_of(kept) > room:  # escapes take more room than their characters
        kept = cut_text(text, max(len(kept) * room // size_of(kept) - 1, 1))
    if len(kept) < len(text):
        cuts.append(Cut(path, len(kept), len(text), "characters"))
    return kept
