"""The answer side of the corpus oracle: a document of the shape that a unit's outputs speak of, and its answer.

Contract, chapter 5.4. Only plain paths are known (names, indexes, ``[*]``); a unit with any other is not judged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from oracle_document import Thing, named, text
from oracle_references import ABSENT, Digits, Look, exact, fill

_STEP = re.compile(r"\.?([A-Za-z_][\w-]*)|\[(\d+)\]|\[(\*)\]|\['([^']+)'\]")
_WHOLE = ("", "$", "$.")


class Unjudged(Exception):
    """The outputs hold something that the oracle doesn't know."""


@dataclass(frozen=True)
class Expected:
    """What the upstream answers, and what the unit does then."""

    document: Any
    answer: Any


def expected_answer(outputs: Any) -> Expected:
    """Make a document in which every output finds something, and the answer that follows from it.

    Raises:
        Unjudged: the outputs hold something that the oracle doesn't know.
    """
    parameters = named(outputs)
    if not parameters:
        document = {"number": Digits("1.10"), "big": Digits("100000000000000000000001"), "text": "é", "none": None}
        return Expected(document, document)
    maker = _Maker()
    document: dict[str, Any] = {}
    if len(parameters) == 1 and not parameters[0].get("name"):
        only = parameters[0]
        if _path_of(only) == () and _is_array(only):
            elements, answer = maker.elements(only["items"]) if only.get("items") else maker.plain_list()
            return Expected(elements, answer)
        answer = maker.one(document, only)
        return Expected(document, document if answer is document else answer)
    answers = {_key(one): maker.one(document, one) for one in parameters}
    return Expected(document, answers)


def mock_answer(outputs: Any, look: Look) -> Any:
    """Return what a mock answers: constants, and texts with the caller's inputs in them (contract, chapter 5.6).

    Raises:
        Unjudged: a value that is no text, or text of another type.
    """
    parameters = named(outputs)
    if len(parameters) == 1 and not parameters[0].get("name"):
        return _mocked(parameters[0], look)
    return {text(one.get("name")): _mocked(one, look) for one in parameters}


def _mocked(parameter: Thing, look: Look) -> Any:
    if "const" in parameter:
        return exact(parameter["const"])
    if parameter.get("properties"):
        return {text(one.get("name")): _mocked(one, look) for one in named(parameter["properties"])}
    value = parameter.get("value")
    if not isinstance(value, str) or parameter.get("type") not in (None, "string"):
        raise Unjudged("a mock's value that is no text")
    filled = fill(value, look)
    return None if filled is ABSENT else filled


def _key(parameter: Thing) -> str:
    if parameter.get("name"):
        return text(parameter["name"])
    names = [step for step in _path_of(parameter) if isinstance(step, str) and step != "*"]
    if not names:
        raise Unjudged("an output without a name and a path")
    return names[-1]


def _is_array(parameter: Thing) -> bool:
    return parameter.get("type") == "array" or ("items" in parameter and not parameter.get("properties"))


def _path_of(parameter: Thing) -> tuple[str | int, ...]:
    """Return the steps of an output's path; ``()`` is the whole context."""
    mapping = parameter.get("mapping", parameter.get("value"))
    if mapping is None:
        return (text(parameter["name"]),) if parameter.get("name") and not parameter.get("properties") else ()
    if not isinstance(mapping, str) or "{{" in mapping:
        raise Unjudged(f"a mapping that is no path: {mapping}")
    if mapping.strip() in _WHOLE:
        return ()
    if not mapping.startswith("$"):
        raise Unjudged(f"a path without its root: {mapping}")
    steps: list[str | int] = []
    place = 1
    while place < len(mapping):
        hit = _STEP.match(mapping, place)
        if hit is None:
            raise Unjudged(f"a path that is not plain: {mapping}")
        steps.append(int(hit[2]) if hit[2] else hit[1] or hit[3] or hit[4])
        place = hit.end()
    return tuple(steps)


class _Maker:
    """Makes values, each its own."""

    def __init__(self) -> None:
        self._made = 0

    def one(self, context: dict[str, Any], parameter: Thing) -> Any:
        """Put what one output finds into its context; return the output's value."""
        if "const" in parameter or any(key in parameter for key in ("values", "maxLength", "selector")):
            raise Unjudged("an output of a kind that the oracle doesn't know")
        path = _path_of(parameter)
        if parameter.get("properties"):
            inner = self._object_at(context, path)
            return {text(one.get("name")): self.one(inner, one) for one in named(parameter["properties"])}
        if _is_array(parameter) and parameter.get("items"):
            if not path:
                raise Unjudged("an array that is its own context")
            elements, answer = self.elements(parameter["items"])
            self._put(context, path, elements)
            return answer
        if not path:
            return context
        value = self._put(context, path, self._leaf(parameter.get("type")))
        return value if "*" not in path else [value]

    def elements(self, items: Any) -> tuple[list[Any], list[Any]]:
        """Make two elements of a list, and what the items' own outputs make of them."""
        if not isinstance(items, dict):
            raise Unjudged("items of a dialect")
        whole = not items.get("properties") and not items.get("items") and _path_of({**items, "name": None}) == ()
        elements: list[Any] = []
        answers: list[Any] = []
        for _ in range(2):
            element: Any = self._leaf(items.get("type")) if whole else {}
            answers.append(element if whole else self.one(element, {**items, "name": None}))
            elements.append(element)
        return elements, answers

    def plain_list(self) -> tuple[list[Any], list[Any]]:
        """Make a list that is passed on as it is."""
        made = [Digits("1.10"), {"a": "é"}]
        return made, made

    def _leaf(self, kind: Any) -> Any:
        self._made += 1
        match kind:
            case "number":
                return Digits(f"{self._made}.10" if self._made % 2 else f"1234567890123456{self._made}.89")
            case "integer":
                return Digits(f"1000000000000000000000{self._made:02}")
            case "boolean":
                return bool(self._made % 2)
            case "array":
                return [Digits(f"{self._made}.50"), "two"]
            case "object":
                return {"é": Digits(f"{self._made}.50"), "none": None}
        return f"v{self._made} é"

    def _object_at(self, context: dict[str, Any], path: tuple[str | int, ...]) -> dict[str, Any]:
        if not path:
            return context
        found = self._put(context, path, {})
        if not isinstance(found, dict) or "*" in path:
            raise Unjudged("two outputs want different things of one place")
        return found

    def _put(self, context: Any, path: tuple[str | int, ...], value: Any) -> Any:
        """Put a value where a path finds it, or return the one that is there already."""
        step, rest = path[0], path[1:]
        key = 0 if step == "*" else step
        if isinstance(key, int) and key:
            raise Unjudged("an index that is not the first")
        if isinstance(context, dict) != isinstance(key, str):
            raise Unjudged("two outputs want different things of one place")
        empty: Any = value if not rest else {} if isinstance(rest[0], str) and rest[0] != "*" else []
        if isinstance(context, list):
            if not context:
                context.append(empty)
            inner = context[0]
        else:
            inner = context.setdefault(key, empty)
        if not rest:
            if inner is not value and (isinstance(value, list) or type(inner) is not type(value)):
                raise Unjudged("two outputs want different things of one place")
            return inner
        if not isinstance(inner, (dict, list)):
            raise Unjudged("two outputs want different things of one place")
        return self._put(inner, rest, value)
