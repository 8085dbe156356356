"""How well a tool says what it is for: a score of its declaration, the same in every run.

The criteria are those by which public descriptions of tools were judged and found wanting: what it does, when to use
it, what it takes, what it gives, what limits it, an example, and what happens where nothing is found. A declaration is
all that a model sees of a tool, so it is all that is looked at: any ``tools/list`` can be judged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from naftiko.link.lint.tools import CHARACTERS_A_TOKEN

_WORD: Final = re.compile(r"[A-Za-z][A-Za-z']*|\d+")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ENOUGH_WORDS: Final = 5
_ENOUGH_OF_AN_INPUT: Final = 3
_USE: Final = re.compile(
    r"\b(use (it|this|when|to|for)|when|before|after|instead|unless|needs?|requires?|for (a|an|the|all|each|every)|"
    r"to (find|see|learn|check|get|know|show|list|choose)|only (if|for)|first|then)\b",
    re.IGNORECASE,
)
_LIMIT: Final = re.compile(
    r"\b(at most|at least|up to|only|must|maximum|minimum|between|no more than|limit(ed)?|default|optional|required|"
    r"format|iso 8601|one of|not? (supported|allowed|included|changed))\b",
    re.IGNORECASE,
)
_EXAMPLE: Final = re.compile(r"\b(such as|for example|for instance|e\.g\.|like)|`[^`]+`|\bis e\.g\b", re.IGNORECASE)
_FAILS: Final = re.compile(
    r"\b(fails?|errors?|not found|if (there is|there are|it|none|no)|empty|nothing|null|refus\w+|already|"
    r"where (there is|none)|no such|conflict|missing)\b",
    re.IGNORECASE,
)
_GIVES: Final = re.compile(
    r"\b(returns?|gives?|with (its|their|the)|lists?|shows?|answers?|contains?|includes?|as (a|an) (list|table))\b",
    re.IGNORECASE,
)
_LIMITING: Final = frozenset(
    {
        "enum",
        "const",
        "pattern",
        "format",
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "default",
    }
)
_VAGUE: Final = frozenset({"", "any", "object", "array"})
_SAME: Final = 0.8
"""From which part of the words that two tools say both they are hard to tell apart."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that a declaration should have.

    Attributes:
        name: its name.
        most: the points that it can bring; those of all criteria are 100.
        judge: which part of it a declaration has, 0 to 1, and what to do about the rest.
        of_inputs: whether it is about arguments, so that a tool without any neither has it nor lacks it.
    """

    name: str
    most: int
    judge: Callable[[Declared], tuple[float, str]]
    of_inputs: bool = False


@dataclass(frozen=True, slots=True)
class Declared:
    """A declaration, taken apart.

    Attributes:
        name: the tool's.
        description: what it says of itself.
        inputs: the schema of each argument.
        outputs: the schema of the result; empty where none is declared.
        tokens: what the declaration costs a model, estimated.
    """

    name: str
    description: str
    inputs: Mapping[str, Mapping[str, Any]]
    outputs: Mapping[str, Any]
    tokens: int

    @property
    def text(self) -> str:
        """What it says of itself and of its arguments."""
        return " ".join([self.description, *(str(schema.get("description", "")) for schema in self.inputs.values())])

    @classmethod
    def of(cls, declaration: Mapping[str, Any], size: int) -> Declared:
        """Take a tool of ``tools/list`` apart; ``size`` is that of its JSON, in characters."""
        given = declaration.get("inputSchema", {}).get("properties", {})
        inputs = {name: schema if isinstance(schema, Mapping) else {} for name, schema in given.items()}
        outputs = declaration.get("outputSchema") or {}
        said = str(declaration.get("description") or "")
        return cls(declaration["name"], said, inputs, outputs, -(-size // CHARACTERS_A_TOKEN))


@dataclass(frozen=True, slots=True)
class Judged:
    """A tool and what it could say better.

    Attributes:
        name: the tool's.
        score: 0 to 100.
        tokens: what its declaration costs a model, estimated.
        points: those that each criterion brings, of all that mean something for the tool.
        advice: what to do, of the criterion that costs most first: its name, the points lost, and the advice.
    """

    name: str
    score: int
    tokens: int
    points: Mapping[str, int]
    advice: tuple[tuple[str, int, str], ...]


def judge(declared: Declared) -> Judged:
    """Return a tool's score."""
    points: dict[str, int] = {}
    advice: list[tuple[str, int, str]] = []
    meant = [criterion for criterion in CRITERIA if declared.inputs or not criterion.of_inputs]
    for criterion in meant:
        part, what = criterion.judge(declared)
        points[criterion.name] = round(criterion.most * part)
        if points[criterion.name] < criterion.most:
            advice.append((criterion.name, criterion.most - points[criterion.name], what))
    advice.sort(key=lambda each: -each[1])
    score = round(100 * sum(points.values()) / sum(criterion.most for criterion in meant))
    return Judged(declared.name, score, declared.tokens, points, tuple(advice))


def alike(tools: Sequence[Declared]) -> Iterator[tuple[str, str]]:
    """Yield the pairs of tools that say nearly the same of themselves: a model can only guess between them."""
    said = [(tool.name, _words(tool.description) - _words(tool.name)) for tool in tools]
    by_word: dict[str, list[int]] = {}
    for at, (_, words) in enumerate(said):
        for word in words:
            by_word.setdefault(word, []).append(at)
    for at, (name, words) in enumerate(said):
        shared: dict[int, int] = {}
        for word in words:
            for other in by_word[word]:
                if other > at:
                    shared[other] = shared.get(other, 0) + 1
        for other, count in shared.items():
            if len(words) >= _ENOUGH_WORDS and count / len(words | said[other][1]) > _SAME:
                yield name, said[other][0]


def _words(text: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(_CAMEL.sub(" ", text))}


def _purpose(tool: Declared) -> tuple[float, str]:
    words = _words(tool.description)
    if not words:
        return 0, "say in a sentence what it does"
    if words <= _words(tool.name):
        return 0.2, "the description repeats the name; say what it does, and to what"
    if len(_WORD.findall(tool.description)) < _ENOUGH_WORDS:
        return 0.6, "say in a whole sentence what it does, and to what"
    return 1, ""


def _use(tool: Declared) -> tuple[float, str]:
    return (1, "") if _USE.search(tool.description) else (0, "say when to use it, and what it needs to be called")


def _inputs(tool: Declared) -> tuple[float, str]:
    bare = [name for name, schema in tool.inputs.items() if not _is_said(name, schema)]
    untyped = [name for name, schema in tool.inputs.items() if _is_vague(schema)]
    lost = (len(bare) * 2 + len(untyped)) / (len(tool.inputs) * 3)
    named = ", ".join(f"`{name}`" for name in (bare or untyped)[:5])
    what = f"describe {named}" if bare else f"say the type, items or properties of {named}"
    return 1 - lost, what


def _is_said(name: str, schema: Mapping[str, Any]) -> bool:
    said = str(schema.get("description") or "")
    return len(_WORD.findall(said)) >= _ENOUGH_OF_AN_INPUT and not _words(said) <= _words(name)


def _is_vague(schema: Mapping[str, Any]) -> bool:
    if any(key in schema for key in ("enum", "const", "anyOf", "oneOf", "properties", "items")):
        return False
    return schema.get("type", "") in _VAGUE if isinstance(schema.get("type", ""), str) else False


def _outputs(tool: Declared) -> tuple[float, str]:
    inner = tool.outputs.get("properties", {}).get("result", tool.outputs)
    is_declared = any(key in inner for key in ("properties", "items", "additionalProperties"))
    says = bool(_GIVES.search(tool.description)) or '"description"' in str(inner).replace("'", '"')
    advice = "declare `outputParameters`" if not is_declared else "say what it returns, or describe the outputs"
    return (0.6 if is_declared else 0) + (0.4 if says else 0), advice


def _constraints(tool: Declared) -> tuple[float, str]:
    bound = any(_LIMITING & schema.keys() for schema in tool.inputs.values())
    if bound or _LIMIT.search(tool.text):
        return 1, ""
    return 0, "give inputs an `enum`, `format`, `minimum` or `default`, or say what they must be"


def _examples(tool: Declared) -> tuple[float, str]:
    shown = any({"example", "examples", "enum", "default"} & schema.keys() for schema in tool.inputs.values())
    if shown or _EXAMPLE.search(tool.text):
        return 1, ""
    return 0, "give an input an `example`"


def _errors(tool: Declared) -> tuple[float, str]:
    if _FAILS.search(tool.description):
        return 1, ""
    return 0, "say what comes where nothing is found, or where it fails"


CRITERIA: Final = (
    Criterion("purpose", 25, _purpose),
    Criterion("use", 15, _use),
    Criterion("inputs", 25, _inputs, of_inputs=True),
    Criterion("outputs", 15, _outputs),
    Criterion("constraints", 10, _constraints, of_inputs=True),
    Criterion("examples", 5, _examples, of_inputs=True),
    Criterion("errors", 5, _errors),
)
"""What is looked at, and how many points each is worth."""
