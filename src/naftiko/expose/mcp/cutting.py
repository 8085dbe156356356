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
    cutter = _Cutter(value)
    return cutter.fitted(value, room, ()), cutter.cuts


def cut_text(text: str, room: int) -> str:
    """Return the beginning of a text: at most ``room`` characters, to the end of a line where one is near."""
    if len(text) <= room:
        return text
    line = text.rfind("\n", room - room // _NEAR_THE_END, room)
    return text[: room if line < 0 else line + 1]


def _share(ascending: Sequence[int], room: int) -> int:
    """Return what each of the large members gets when the small ones are whole."""
    for at, size in enumerate(ascending):
        share = room // (len(ascending) - at)
        if size > share:
            return share
        room -= size
    return room


class _Cutter:
    """Cuts one document, whose parts are measured once: each level of it is then cut by what is known of the next."""

    def __init__(self, document: Any) -> None:
        self.cuts: list[Cut] = []
        self._sizes: dict[int, int] = {}
        self._measure(document)

    def _measure(self, value: Any) -> int:
        if not isinstance(value, dict | list):
            return size_of(value)
        inner = value.values() if isinstance(value, dict) else value
        if any(isinstance(each, dict | list) for each in inner):
            size = len("[]") + max(len(value) - 1, 0) + sum(map(self._measure, inner))
            if isinstance(value, dict):
                size += sum(size_of(name) + len(":") for name in value)
        else:
            size = size_of(value)
        self._sizes[id(value)] = size
        return size

    def _size(self, value: Any) -> int:
        known = self._sizes.get(id(value))
        return size_of(value) if known is None else known

    def fitted(self, value: Any, room: int, path: Path) -> Any:
        """Return a part of the document as far as it has room."""
        if self._size(value) <= room:
            return value
        if isinstance(value, list):
            return self._items(value, room, path)
        if isinstance(value, dict):
            return self._members(value, room, path)
        if isinstance(value, str):
            return self._characters(value, room, path)
        return value

    def _items(self, values: Sequence[Any], room: int, path: Path) -> list[Any]:
        kept: list[Any] = []
        used = len("[]")
        for value in values:
            used += self._size(value) + len(",")
            if used > room:
                break
            kept.append(value)
        if not kept and values:
            kept.append(self.fitted(values[0], room - len("[]"), (*path, 0)))
        if len(kept) < len(values):
            self.cuts.append(Cut(path, len(kept), len(values), "items"))
        return kept

    def _members(self, members: Mapping[str, Any], room: int, path: Path) -> dict[str, Any]:
        left = room - len("{}")
        sizes = {name: size_of(name) + len(":,") + self._size(value) for name, value in members.items()}
        share = _share(sorted(sizes.values()), left)
        if share < _LEAST and sum(size > share for size in sizes.values()) > 1:
            return self._first_members(members, sizes, room, path)
        return {
            name: value
            if sizes[name] <= share
            else self.fitted(value, share - size_of(name) - len(":,"), (*path, name))
            for name, value in members.items()
        }

    def _first_members(
        self, members: Mapping[str, Any], sizes: Mapping[str, int], room: int, path: Path
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
            kept[name] = self.fitted(value, room - size_of(name) - len("{:}"), (*path, name))
        self.cuts.append(Cut(path, len(kept), len(members), "members"))
        return kept

    def _characters(self, text: str, room: int, path: Path) -> str:
        kept = cut_text(text, max(room - len('""'), 1))
        while len(kept) > 1 and size_of(kept) > room:  # escapes take more room than their characters
            kept = cut_text(text, max(len(kept) * room // size_of(kept) - 1, 1))
        if len(kept) < len(text):
            self.cuts.append(Cut(path, len(kept), len(text), "characters"))
        return kept
