"""Make an answer fit its budget: cut at item borders, still valid, with a handle by which the rest is fetched."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from naftiko.engine.answer import FIRST_PAGE, Answer, PagedAnswer
from naftiko.engine.request import dump_json
from naftiko.expose.mcp import revisions
from naftiko.expose.mcp.handles import LONGEST, Handles, Path, Place, wrong_handle
from naftiko.expose.mcp.results import STRUCTURED_LENGTH, is_document, promised_of_text, text_of
from naftiko.expose.mcp.schemas import NOTHING_PROMISED, OutputShape
from naftiko.expose.mcp.tool import Tool
from naftiko.ground.errors import UpstreamBroken
from naftiko.ground.types import ABSENT

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


CONTINUE: Final = "naftiko-continue"
"""The tool that fetches the rest of an answer."""
MORE: Final = "_more"
"""The member of a cut object that says what was left out."""
PART: Final = "part"
"""The member of a continued answer that holds the rest."""
CHARACTERS_OF_A_TOKEN: Final = 4
_TRIES: Final = 6
_SHARE_OF_A_HANDLE: Final = 3
_OPEN_KEYWORDS: Final = frozenset({"type", "properties", "required", "title", "description", "$schema"})
_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Fitting:
    """A call whose answer has to fit.

    Attributes:
        tool: the tool.
        arguments: as the caller gave them.
        version: the revision of the protocol.
        handles: makes the handles.
        place: where the answer is continued; ``None`` for the beginning.
        pages: of an answer that is a list in pages, what is told of them.
    """

    tool: Tool
    arguments: Mapping[str, Any]
    version: str
    handles: Handles
    place: Place | None = None
    pages: PagedAnswer | None = None

    @property
    def shape(self) -> OutputShape:
        """What the structured content must be; a continued answer is another tool's, which promises nothing."""
        return self.tool.shape if self.place is None else NOTHING_PROMISED

    def handle(self, path: Path | None, offset: int) -> str | None:
        """Return the handle of the rest at a path of this answer; ``None`` where there can't be one."""
        if not self.tool.is_repeatable:
            return None
        made = self.handles.made(self._where(*self.real(path, offset)))
        room = self.tool.budget // _SHARE_OF_A_HANDLE if self.tool.budget else LONGEST
        return made if made is not None and len(made) <= room else None

    def _where(self, path: Path | None, offset: int) -> Place:
        """Return a place of the whole answer: in pages it is one of an answer that begins with its page."""
        tool, arguments, pages = self.tool.identity, self.arguments, self.pages
        if pages is None or path is None:
            return Place(tool, arguments, path, offset)
        found = pages.place(path, offset)
        if found is None:
            return Place(tool, arguments, path, offset, None if pages.start == FIRST_PAGE else pages.start)
        return Place(tool, arguments, path, found[1], found[0])

    @property
    def ahead(self) -> Sequence[Path]:
        """The paths in what is shown of the lists that go on with the pages to come."""
        pages, place = self.pages, self.place
        if pages is None or not pages.goes_on:
            return ()
        if place is None:
            return pages.grown
        return [(PART,)] if place.path in pages.grown else ()

    def real(self, path: Path | None, offset: int) -> tuple[Path | None, int]:
        """Return where a place of a continued answer is in the whole one."""
        if self.place is None or self.place.path is None or path is None:
            return path, offset + (self.place.offset if self.place is not None else 0)
        if len(path) == 1:
            return self.place.path, offset + self.place.offset
        step = path[1]
        return (*self.place.path, step + self.place.offset if isinstance(step, int) else step, *path[2:]), offset


def fitted(result: dict[str, Any], answer: Answer, fitting: Fitting) -> dict[str, Any]:
    """Return the result of a call within its budget.

    JSON stays JSON and a text a text. Images and audio are not text, and only ``maxBinarySize`` bounds them.

    Args:
        result: the whole result, in wire form; of a continued answer nothing.
        answer: the answer itself.
        fitting: the call.

    Raises:
        UpstreamBroken: other bytes than those are larger than the budget: half of a file is none.
        InputError: there is nothing any more where the answer is to be continued.
    """
    if answer.pages is not None:
        fitting = replace(fitting, pages=answer.pages)
    if fitting.place is not None:
        return _continued(answer, fitting, fitting.place)
    [block] = result["content"] or [{"type": "none"}]
    budget = fitting.tool.budget
    if block["type"] == "resource" and len(block["resource"]["blob"]) > budget:
        raise UpstreamBroken(
            f"the answer is a file of {len(answer.content)} bytes ({block['resource']['mimeType']}), more than the "
            f"{budget} characters that an answer of this tool may have",
            hint="ask for less, or let whoever runs this server raise --answer-budget for this tool",
        )
    if block["type"] != "text" or ((len(block["text"]) <= budget or not budget) and not fitting.ahead):
        return result
    if is_document(answer):
        return _fitted_json(answer.value, fitting)
    made = _fitted_text(block["text"], fitting)
    structured = promised_of_text(fitting.shape, made["content"][0]["text"], fitting.version)
    return made if structured is ABSENT else {**made, "structuredContent": structured}


def _continued(answer: Answer, fitting: Fitting, place: Place) -> dict[str, Any]:
    if place.path is None:
        text = text_of(answer)
        if is_document(answer) or place.offset >= len(text):
            raise _changed()
        return _fitted_text(text[place.offset :], fitting)
    if not is_document(answer):
        raise _changed()
    whole = _at(answer.value, place.path)
    rest: Any = whole[place.offset :] if isinstance(whole, list | str) else None
    if isinstance(whole, dict):
        rest = dict(list(whole.items())[place.offset :])
    pages = fitting.pages
    is_of_pages = pages is not None and place.path in pages.grown
    if rest is None or not (rest or is_of_pages):
        raise _changed()
    if pages is None or not is_of_pages:
        return _fitted_json({"from": place.offset, "of": len(whole), PART: rest}, fitting)
    begun = pages.start.taken + place.offset
    ended = {} if pages.goes_on else {"of": begun + len(rest)}
    return _fitted_json({"from": begun, **ended, PART: rest}, fitting)


def _at(value: Any, path: Path) -> Any:
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            raise _changed() from None
    return value


def _changed() -> Exception:
    return wrong_handle("fits the answer no more: the upstream answers something else by now")


def _fitted_json(value: Any, fitting: Fitting) -> dict[str, Any]:
    modern = revisions.is_modern(fitting.version)
    budget = fitting.tool.budget
    if not fitting.ahead and (not budget or len(dump_json(value).decode()) <= budget):  # it was only written widely
        return _json_result(value, fitting, modern=modern)
    budget = budget or sys.maxsize
    as_member = isinstance(value, dict) and MORE not in value and _takes_member(fitting.shape)
    room = budget
    shown, note = value, ""
    for _ in range(_TRIES):
        shown, cuts = cut(value, room)
        used = len(dump_json(shown).decode())
        if as_member:
            shown, note = {**shown, MORE: _more(cuts, value, shown, fitting)}, ""
        elif cuts or fitting.ahead:
            note = _note(_more(cuts, value, shown, fitting))
        over = len(dump_json(shown).decode()) + len(note) - budget
        if over <= 0:
            break
        room = max(min(room, used) - over, 1)
    return _json_result(shown, fitting, modern=modern, note=note)


def _json_result(value: Any, fitting: Fitting, *, modern: bool, note: str = "") -> dict[str, Any]:
    text = dump_json(value).decode()
    result = revisions.complete(content=[_text(text), *([_text(note)] if note else [])], isError=False)
    # A client that reads the structured content alone must not miss a note that only stands beside the text.
    if fitting.shape.schema is not None or (len(text) <= STRUCTURED_LENGTH and not note):
        structured = fitting.shape.structured(value, modern=modern)
        if structured is not ABSENT:
            result["structuredContent"] = structured
    return result


def _fitted_text(text: str, fitting: Fitting) -> dict[str, Any]:
    offset, budget = 0, fitting.tool.budget
    if not budget or len(text) <= budget:
        return revisions.complete(content=[_text(text)], isError=False)
    room, note, shown = budget, "", text
    for _ in range(_TRIES):
        shown = cut_text(text, room)
        offset = len(shown)
        left = {"left_out": f"{len(text) - offset:,} of {len(text):,} characters"}
        note = _note({**_advice([left | _handle(fitting, None, offset)], len(text) - offset, fitting)})
        over = len(shown) + len(note) - budget
        if over <= 0:
            break
        room = max(room - over, 1)
    return revisions.complete(content=[_text(shown), _text(note)], isError=False)


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _takes_member(shape: OutputShape) -> bool:
    """Tell whether a promised object may have a member more."""
    return shape.schema is None or (shape.is_object and shape.schema.keys() <= _OPEN_KEYWORDS)


def _more(cuts: Sequence[Cut], value: Any, shown: Any, fitting: Fitting) -> dict[str, Any]:
    """Say what was left out of a document, each part with its handle."""
    parts, ahead = [], [*fitting.ahead]
    for each in cuts:
        path, kept = fitting.real(each.path, each.kept)
        total = each.total + (kept - each.kept)
        left = f"{total - kept:,} of {total:,} {each.unit}"
        if each.path in ahead:
            ahead.remove(each.path)
            left = f"{total - kept:,} items, and those of the pages to come"
        parts.append({"at": _shown_path(path or ()), "left_out": left} | _handle(fitting, each.path, each.kept))
    for shown_at in ahead:
        size = len(_at(shown, shown_at))
        path, _ = fitting.real(shown_at, size)
        left = "the items of the pages to come"
        parts.append({"at": _shown_path(path or ()), "left_out": left} | _handle(fitting, shown_at, size))
    if fitting.ahead and not cuts:
        return {**_advice(parts, 0, fitting), "cut": "the list goes on: the API has more pages"}
    return _advice(parts, len(dump_json(value)) - len(dump_json(shown)), fitting)


def _handle(fitting: Fitting, path: Path | None, offset: int) -> dict[str, str]:
    handle = fitting.handle(path, offset)
    return {} if handle is None else {"handle": handle}


def _advice(parts: list[dict[str, str]], characters: int, fitting: Fitting) -> dict[str, Any]:
    if any("handle" in part for part in parts):
        advice = f"call `{CONTINUE}` with a handle for more of that part, or ask for less with this tool's arguments"
    elif fitting.tool.is_repeatable:
        advice = "ask for less: the arguments are too long to continue with"
    else:
        advice = "ask for less: the rest can't be fetched, since the call would be made a second time"
    tokens = max(characters // CHARACTERS_OF_A_TOKEN, 1)
    return {"cut": f"the answer is cut to fit; about {tokens:,} tokens are left out", "to_do": advice, "parts": parts}


def _note(more: Mapping[str, Any]) -> str:
    """Return the same in words, where it can't be a member of the answer."""
    lines = [f"{str(more['cut']).capitalize()}: {more['to_do']}."]
    for part in more["parts"]:
        where = f" at {part['at']}" if "at" in part else ""
        handle = f"; handle: {part['handle']}" if "handle" in part else ""
        lines.append(f"- {part['left_out']} left out{where}{handle}")
    return "\n".join(lines)


def _shown_path(path: Path) -> str:
    shown = "$"
    for step in path:
        if isinstance(step, int):
            shown += f"[{step}]"
        else:
            shown += f".{step}" if _PLAIN_KEY.fullmatch(step) else f"[{dump_json(step).decode()}]"
    return shown
