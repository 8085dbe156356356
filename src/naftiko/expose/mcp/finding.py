"""Finds tools by what somebody wants, in plain words (BM25, with what people say for what an API calls it).

A tool is known by its name, what it says of itself, its arguments, and the path and method of what it calls. Words
count by their stems; those that stand in every sentence don't. Where somebody says *erase* and a tool *delete*, it is
found all the same.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from naftiko.expose.mcp.tool import Tool

if TYPE_CHECKING:
    import bm25s
    import numpy as np
    from snowballstemmer.basestemmer import BaseStemmer

_WORD: Final = re.compile(r"[A-Z]+(?![^\W\d_A-Z])|[A-Z]?[^\W\d_A-Z]+|\d+")
_MARKUP: Final = re.compile(r"<[^<>]{1,200}>")
_COMPOUND: Final = re.compile(r"\b([A-Za-z]+)-(on|in|out|off|up|down)\b(?!-)")
"""An add-on is not added."""
_WEIGHT_OF_A_NAME: Final = 3
_WEIGHT_OF_A_SYNONYM: Final = 0.5
_LEAST_COVERED: Final = 0.2
"""What a score is worth of a tool that has next to nothing of what is asked."""

# fmt: off
_STOP: Final = frozenset((
    "a", "about", "again", "all", "am", "an", "and", "any", "are", "as", "at", "back", "be", "been", "by",
    "can", "could", "did", "do", "does", "done", "each", "else", "for", "from", "get", "give", "given", "go",
    "had", "has", "have", "here", "how", "i", "if", "in", "into", "is", "it", "its", "just", "kind", "know",
    "let", "like", "look", "made", "make", "many", "may", "me", "more", "most", "much", "must", "my", "need",
    "new", "no", "not", "now", "of", "off", "on", "one", "onto", "or", "our", "out", "over", "please", "s",
    "see", "should", "show", "so", "some", "somebody", "something", "tell", "than", "that", "the", "their",
    "them", "then", "there", "these", "they", "thing", "this", "those", "to", "too", "up", "us", "use", "very",
    "want", "was", "we", "were", "what", "when", "where", "which", "while", "who", "whom", "whose", "will",
    "with", "would", "you", "your", "yes",
))
# fmt: on
"""Words that say nothing of what is wanted; a question of nothing else is asked as it is."""
_ACTS: Final = {
    "create": "add new make register insert post build write issue offer install open generate compose draft",
    "update": "change edit modify alter rename adjust patch set put replace",
    "delete": "remove erase drop destroy uninstall discard throw rid purge forget unlink disassociate disconnect away",
    "search": "query lookup find",
    "send": "mail email deliver notify",
    "run": "launch trigger begin execute invoke start",
    "cancel": "abort revoke void halt expire stop end close",
    "get": "fetch retrieve read view display return",
}
"""What is done, and the words for it: they are one, since whoever asks doesn't know which of them an API has."""
_SYNONYMS: Final = (
    "run create",
    "cancel delete",
    "update create",
    "get list",
    "list all every enumerate browse overview",
    "play resume listen hear",
    "stop pause silence mute",
    "next skip forward following",
    "previous back last prior",
    "invoice bill billing",
    "payment pay charge purchase",
    "refund repay reimburse",
    "dispute chargeback complaint",
    "customer client buyer",
    "person people human individual owner",
    "user member people belong",
    "team group squad",
    "song track music title tune",
    "artist band singer musician sing",
    "show podcast",
    "audiobook book audio",
    "picture image photo cover",
    "save like favourite favorite library",
    "volume loud louder quiet sound",
    "device speaker machine phone",
    "position minute second seek jump",
    "current now playing present",
    "recent lately yesterday history past last",
    "market country region",
    "profile me myself",
    "follow subscribe",
    "unfollow unsubscribe",
    "metric statistic number analytics figure aggregated",
    "price cost",
    "quote offer proposal",
    "preview would look",
    "license licence",
    "setting configuration config option",
    "transfer move instead",
    "capture authorised authorized take",
    "subscription subscriber subscribe mail",
    "impact affect down broken",
    "release publish week",
    "feature tempo danceability analysis",
    "top most favourite favorite popular best",
    "audit trail changed",
    "log entry record happened event",
    "dependency depend depends",
    "associate link connect attach assign",
    "status state health",
    "shop location store site place",
    "reader terminal",
    "cart basket",
    "card credit",
    "related similar alike",
    "popular featured front",
    "recommendation suggest recommend",
    "download export file",
    "upload import custom",
    "approve accept confirm allow",
    "decline reject refuse deny",
    "finalize finish final complete",
    "ability able capability",
    "deploy deployment release change",
    "bank account iban",
    "message post comment note",
    "repository repo project",
    "ticket issue bug incident problem alert",
    "employee staff worker cardholder",
    "server instance machine node vm",
    "image picture photo",
    "folder directory",
    "key secret token credential password",
    "domain host website site",
)
"""Words that people use for one another. Some stand in several lines: what is meant, the rest of a question says."""
_PHRASES: Final = tuple(
    (re.compile(rf"\b{pattern}\b", re.IGNORECASE), f" {meant} ")
    for pattern, meant in (
        (r"(set|sets|setting) up", "create"),
        (r"(get|gets) rid", "delete"),
        (r"(take|takes|taking|throw|throws)( \w+){0,4} (off|out|away|back)", r"delete \g<0>"),
        (r"(put|puts|putting|bring)( \w+){0,4} (in|into|on|onto|to)", r"create \g<0>"),
        (r"(call|calls|calling)( \w+){0,4} off", r"cancel \g<0>"),
        (r"(give|gives|pay|send)( \w+){0,4} back|money back", r"refund \g<0>"),
        (r"pay(s|ing)?( \w+){0,2} out", r"payout create \g<0>"),
        (r"go(es)? back", r"previous \g<0>"),
        (r"(no longer|not any more|stop)( \w+ing)", r"delete \g<0>"),
        (r"look(s|ing)?( \w+){0,4} up", r"get \g<0>"),
    )
)
"""What is said in more than one word, and what is meant."""
# fmt: off
_UNDONE: Final = frozenset((
    "follow", "subscribe", "like", "install", "link", "assign", "save", "pin", "star", "archive", "lock",
    "block", "mute",
))
# fmt: on
"""What can be undone by the same word with ``un`` before it."""
_OF_METHOD: Final = {
    "POST": "create",
    "PUT": "update",
    "PATCH": "update",
    "DELETE": "delete",
}


def words(text: str) -> list[str]:
    """Return the words of a text in lower case, parts of ``camelCase`` and ``snake_case`` alone."""
    plain = _COMPOUND.sub(r"\1\2", _MARKUP.sub(" ", text))
    return [word.lower() for word in _WORD.findall(plain)]


def terms(text: str) -> list[str]:
    """Return the stems of the words that say something; of all words where none does."""
    found = words(text)
    return [_stem(part) for word in found if word not in _STOP for part in _parts(word)] or [*map(_stem, found)]


def _asked(query: str) -> list[str]:
    """Return the terms of a question: what more than one word says, and that several things are wanted, included."""
    for pattern, meant in _PHRASES:
        query = pattern.sub(meant, query)
    asked = list(dict.fromkeys(terms(query)))
    acts = set(_acts().values())
    if not acts.intersection(asked) and any(_is_plural(word) for word in words(query)):
        asked.append(_stem("list"))
    return asked


def _is_plural(word: str) -> bool:
    return word not in _STOP and word.endswith("s") and not word.endswith("ss")


def _parts(word: str) -> tuple[str, ...]:
    """Return ``unfollow`` as ``delete`` and ``follow``."""
    rest = word.removeprefix("un")
    return ("delete", rest) if rest != word and rest in _UNDONE else (word,)


@functools.lru_cache(maxsize=10_000)
def _stem(word: str) -> str:
    """Return the stem of a word; of one that says what is done, the first word for that."""
    stemmed: str = _stemmer().stemWord(word)
    is_done = word.endswith("ed") and word not in _acts()  # what was opened isn't to be opened
    return stemmed if is_done else _acts().get(stemmed, stemmed)


@functools.cache
def _acts() -> dict[str, str]:
    stem = _stemmer().stemWord
    return {stem(word): stem(act) for act, others in _ACTS.items() for word in (act, *others.split())}


@functools.cache
def _stemmer() -> BaseStemmer:
    import snowballstemmer  # noqa: PLC0415  # of the extra `search`

    return snowballstemmer.stemmer("english")


@functools.cache
def _synonyms() -> dict[str, tuple[str, ...]]:
    """Return for each stem the others that people use for it."""
    found: dict[str, dict[str, None]] = {}
    for line in _SYNONYMS:
        stems = list(dict.fromkeys(_stem(word) for word in line.split()))
        for stem in stems:
            found.setdefault(stem, {}).update(dict.fromkeys(other for other in stems if other != stem))
    return {stem: tuple(others) for stem, others in found.items()}


class ToolIndex:
    """Finds tools by what they are called and what they say of themselves; always in the same order."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._tools = tuple(tools)
        documents = [_indexed(tool) for tool in tools]
        self._index = _made_index(documents) if tools else None
        self._having: dict[str, list[int]] = {}
        for at, document in enumerate(documents):
            for term in set(document):
                self._having.setdefault(term, []).append(at)

    def find(self, query: str, most: int) -> tuple[list[Tool], int]:
        """Return the tools that fit best, at most ``most``, and how many fit; without words the first ones."""
        asked = _asked(query)
        if not asked or self._index is None:
            return list(self._tools[:most]), len(self._tools)
        also = {term: [other for other in _synonyms().get(term, ()) if other not in asked] for term in asked}
        scores = self._index.get_scores(asked)
        others = list(dict.fromkeys(other for each in also.values() for other in each))
        if others:
            scores = scores + _WEIGHT_OF_A_SYNONYM * self._index.get_scores(others)
        scores = scores * self._covered(also)
        ranking = scores.tolist()
        # Equal scores in the order of the files: the same question has the same answer in every process.
        ranked = sorted((at for at, score in enumerate(ranking) if score > 0), key=lambda at: (-ranking[at], at))
        return [self._tools[at] for at in ranked[:most]], len(ranked)

    def _covered(self, asked: Mapping[str, Sequence[str]]) -> np.ndarray:
        """Return for each tool how much of what is asked it has, so that one of two words doesn't win by being rare."""
        import numpy as np  # noqa: PLC0415  # beneath bm25s

        found = np.zeros(len(self._tools))
        for term, others in asked.items():
            has = np.zeros(len(self._tools))
            for word, part in ((term, 1.0), *((other, _WEIGHT_OF_A_SYNONYM) for other in others)):
                at = self._having.get(word, ())
                has[list(at)] = np.maximum(has[list(at)], part)
            found += has
        return _LEAST_COVERED + (1 - _LEAST_COVERED) * found / len(asked)


def _made_index(documents: Sequence[Sequence[str]]) -> bm25s.BM25:
    import bm25s  # noqa: PLC0415  # an extra, and numpy takes a while

    index = bm25s.BM25()
    index.index([list(document) for document in documents], show_progress=False)
    return index


def _indexed(tool: Tool) -> list[str]:
    plan = tool.unit.plan
    name = terms(tool.name)
    said = terms(f"{plan.label or ''} {plan.description or ''} {' '.join(plan.tags)}")
    arguments = terms(" ".join(tool.schema.get("properties", {})))
    return [*name * _WEIGHT_OF_A_NAME, *said, *arguments, *_called(tool)] or [tool.name]


def _called(tool: Tool) -> Iterator[str]:
    """Yield the words of the paths and methods that a tool calls."""
    action = tool.unit.plan.action
    for _, call in action.calls if action is not None else ():
        yield from terms(re.sub(r"\{[^}]*\}", " ", call.operation.path.text))
        if call.operation.method in _OF_METHOD:
            yield _stem(_OF_METHOD[call.operation.method])
