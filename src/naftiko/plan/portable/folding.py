"""Fold a schema node.

Its references, and its combinators, into keywords and rules in words; what is lost by it is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import unquote, urljoin

from naftiko.ground.types import ABSENT, Severity
from naftiko.plan.portable import wording


@dataclass(frozen=True, slots=True)
class Loss:
    """One of them.

    Attributes:
        rule: the id of the rule that tells it.
        severity: a hint where it means the same, a warning where it doesn't.
        where: the place in the schema, such as ``filter.kind``; empty for all of it.
        text: what it is.
    """

    rule: str
    severity: Severity
    where: str
    text: str


class Losses:
    """Collects them, each once."""

    def __init__(self) -> None:
        self._found: dict[Loss, None] = {}

    def hint(self, rule: str, where: str, text: str) -> None:
        """Note what is shown otherwise, and means the same."""
        self._found[Loss(rule, Severity.HINT, where, text)] = None

    def warning(self, rule: str, where: str, text: str) -> None:
        """Note what is said in words, or not at all."""
        self._found[Loss(rule, Severity.WARNING, where, text)] = None

    def __iter__(self) -> Iterator[Loss]:
        return iter(self._found)


_MOST: Final = 50_000
"""Nodes of a schema that are looked through for names."""


class References:
    """The places of one schema that a reference may name: by pointer, by anchor, by ``$id``."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._named: dict[str, Any] | None = None

    def target(self, reference: str) -> Any:
        """Return what is named, or ABSENT: nothing outside of the file is ever fetched."""
        base, _, fragment = reference.partition("#")
        resource = self._root if not base else self._names().get(self._absolute(base), ABSENT)
        if not fragment or resource is ABSENT:
            return resource
        if fragment.startswith("/"):
            return _at(resource, fragment)
        return self._names().get(f"{self._absolute(base)}#{fragment}", ABSENT)

    def _absolute(self, reference: str) -> str:
        try:
            return urljoin(str(self._root.get("$id", "")), reference).rstrip("#")
        except ValueError:
            return reference

    def _names(self) -> dict[str, Any]:
        if self._named is None:
            self._named = {}
            found: list[tuple[Any, str]] = [(self._root, self._absolute(""))]
            for _ in range(_MOST):
                if not found:
                    break
                node, base = found.pop()
                if isinstance(node, list):
                    found += [(inner, base) for inner in node]
                elif isinstance(node, Mapping):
                    found += [(inner, self._register(node, base)) for inner in node.values()]
        return self._named

    def _register(self, node: Mapping[str, Any], base: str) -> str:
        """Note the names of a node; return the base of what is in it."""
        names = self._named if self._named is not None else {}
        if isinstance(node.get("$id"), str):
            base = self._absolute(node["$id"])
            names.setdefault(base, node)
        for keyword in ("$anchor", "$dynamicAnchor"):
            if isinstance(node.get(keyword), str):
                names.setdefault(f"{base}#{node[keyword]}", node)
        return base


def _at(node: Any, pointer: str) -> Any:
    """Return what a JSON Pointer (RFC 6901) names, or ABSENT."""
    for step in pointer.split("/")[1:]:
        key = unquote(step).replace("~1", "/").replace("~0", "~")
        if isinstance(node, Mapping):
            node = node.get(key, ABSENT)
        elif isinstance(node, list) and key.isdecimal() and int(key) < len(node):
            node = node[int(key)]
        else:
            return ABSENT
        if node is ABSENT:
            return ABSENT
    return node


MOST_NODES: Final = 3_000
"""Nodes that one tool's schema may have where it is shown; a model reads all of them in every conversation."""
_AGAIN: Final = 2
"""How often a reference may stand in itself."""
_COMBINING: Final = frozenset(
    {"$ref", "$dynamicRef", "$recursiveRef", "allOf", "anyOf", "oneOf", "not", "if", "then", "else"}
    | {"dependentRequired", "dependentSchemas"}
)
_OF_OBJECTS: Final = frozenset(
    {"properties", "required", "additionalProperties", "title", "description", "type", "default", "examples"}
)


@dataclass(frozen=True, slots=True)
class Folded:
    """A node without references and combinators; what is below it is still as it is written.

    Attributes:
        keywords: what it says.
        rules: what it says beside them, each a sentence.
        stack: the references that led to it.
        never: whether nothing fits it.
        is_null: whether only null fits it.
        nullable: whether null fits it, beside what the keywords say.
        sure: whether nothing fits it that the keywords don't say.
    """

    keywords: Mapping[str, Any] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
    stack: tuple[str, ...] = ()
    never: bool = False
    is_null: bool = False
    nullable: bool = False
    sure: bool = True

    def ruled(self, *rules: str) -> Folded:
        """Return it with more rules."""
        return replace(self, rules=(*self.rules, *(rule for rule in rules if rule not in self.rules)))


class Folder:
    """Folds the nodes of one schema.

    Args:
        references: of the schema.
        losses: takes what is not kept.
    """

    def __init__(self, references: References, losses: Losses | None = None) -> None:
        self._references = references
        self._left = MOST_NODES
        self.losses = losses or Losses()

    def fold(self, schema: Any, stack: tuple[str, ...], where: str) -> Folded:
        """Return a node, folded.

        Args:
            schema: the node, mended.
            stack: the references that led to it.
            where: its place.
        """
        if not isinstance(schema, Mapping):
            return Folded(stack=stack, never=schema is False)
        self._left -= 1
        own = {keyword: value for keyword, value in schema.items() if keyword not in _COMBINING}
        if self._left <= 0:
            self.losses.hint("schema-nesting", "", f"it has more than {MOST_NODES} parts; what is deeper is not shown")
            return Folded({keyword: own[keyword] for keyword in ("type", "description") if keyword in own})
        folded = self._own(own, stack)
        reference = next((schema[key] for key in ("$ref", "$dynamicRef") if key in schema), None)
        if reference is not None:
            folded = both(self._referred(reference, stack, where), folded)
        for part in schema.get("allOf", ()):
            folded = both(folded, self.fold(part, stack, where))
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                branches = [self.fold(branch, stack, where) for branch in schema[keyword]]
                folded = self._either(folded, branches, keyword, where)
        rules = list(_rules(schema))
        if rules:
            told = wording.listed(sorted(_COMBINING & schema.keys()))
            self.losses.warning("schema-combinator", where, f"{told} is said in words")
        return folded.ruled(*rules)

    @staticmethod
    def _own(own: dict[str, Any], stack: tuple[str, ...]) -> Folded:
        if own.get("not") == {}:
            return Folded(stack=stack, never=True)
        kinds = own.get("type")
        fixed = wording.fixed_values(own)
        nullable = (isinstance(kinds, list) and "null" in kinds) or (fixed is not None and None in fixed)
        if isinstance(kinds, list):
            real = [kind for kind in kinds if kind != "null"]
            own = {**own, "type": real} if real else {**own, "type": "null"}
        is_null = own.get("type") == "null" or fixed == [None]
        return Folded(own, stack=stack, is_null=is_null, nullable=nullable or is_null)

    def _referred(self, reference: str, stack: tuple[str, ...], where: str) -> Folded:
        target = self._references.target(reference)
        if target is ABSENT:
            self.losses.warning("schema-reference", where, f"`{reference}` names nothing in the file")
            return Folded(stack=stack)
        if stack.count(reference) >= _AGAIN:
            self.losses.hint(
                "schema-nesting", where, f"`{reference}` stands in itself; it is shown {_AGAIN} times deep"
            )
            kind = target.get("type") if isinstance(target, Mapping) else None
            shown = {"type": kind} if isinstance(kind, str) else {}
            return Folded(shown, ("Nested in the same way.",), stack)
        return self.fold(target, (*stack, reference), where)

    def _either(self, base: Folded, branches: Sequence[Folded], keyword: str, where: str) -> Folded:
        """Fold alternatives into what they have in common, and say the rest."""
        nullable = _admits_null(base) and any(branch.nullable for branch in branches)
        return replace(self._one_of(base, branches, keyword, where), nullable=nullable)

    def _one_of(self, base: Folded, branches: Sequence[Folded], keyword: str, where: str) -> Folded:
        real = [branch for branch in branches if not branch.is_null and not branch.never]
        if not real:
            return (
                replace(base, is_null=True) if any(branch.is_null for branch in branches) else replace(base, never=True)
            )
        if len(real) == 1:
            return both(base, real[0])
        allowed = [wording.fixed_values(branch.keywords) for branch in real]
        if all(fixed is not None for fixed in allowed):
            return both(base, _one_of_values(real, [value for fixed in allowed for value in fixed or ()]))
        names = [wording.only_requires(branch.keywords) for branch in real]
        self.losses.warning("schema-combinator", where, f"{keyword} is said in words")
        if all(required is not None for required in names):
            most = "exactly" if keyword == "oneOf" else "at least"
            told = "; ".join(wording.listed(map(wording.code, required or ())) for required in names)
            return base.ruled(f"Give {most} one of: {told}.")
        if all(_is_object(branch, base) for branch in real):
            return both(base, _one_of_objects(real))
        return _one_of_kinds(base, real)


def both(one: Folded, other: Folded) -> Folded:
    """Return what fits both; what the other says of itself, such as its description, is nearer."""
    merged = {**one.keywords, **other.keywords}
    for keyword in one.keywords.keys() & other.keywords.keys():
        combine = _BOTH.get(keyword)
        if combine is not None:
            merged[keyword] = combine(one.keywords[keyword], other.keywords[keyword])
    return Folded(
        merged,
        tuple(dict.fromkeys((*one.rules, *other.rules))),
        max(one.stack, other.stack, key=len),
        one.never or other.never,
        one.is_null or other.is_null,
        nullable=(one.nullable or other.nullable) and _admits_null(one) and _admits_null(other),
        sure=one.sure and other.sure,
    )


def _admits_null(folded: Folded) -> bool:
    """Tell whether null fits a node, said or not: one that doesn't say what kind of value it is admits it too."""
    says_kind = "type" in folded.keywords or wording.fixed_values(folded.keywords) is not None
    return folded.nullable or not says_kind


def _types(one: Any, other: Any) -> Any:
    ours, theirs = ([kind] if isinstance(kind, str) else list(kind) for kind in (one, other))
    narrow = {"integer": "number"}
    found = [kind for kind in ours if kind in theirs or narrow.get(kind) in theirs]
    found += [kind for kind in theirs if kind not in found and narrow.get(kind) in ours]
    kept = found or ours
    return kept[0] if len(kept) == 1 else kept


def _properties(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    return {**one, **other} | {name: _same(one[name], other[name], "allOf") for name in one if name in other}


def _same(one: Any, other: Any, keyword: str) -> Any:
    return one if one == other else {keyword: [one, other]}


def _enum(one: list[Any], other: list[Any]) -> list[Any]:
    return [value for value in one if value in other] or one


_BOTH: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "type": _types,
    "properties": _properties,
    "required": lambda one, other: list(dict.fromkeys((*one, *other))),
    "enum": _enum,
    "items": lambda one, other: _same(one, other, "allOf"),
    "additionalProperties": lambda one, other: False if False in (one, other) else _same(one, other, "allOf"),
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), min),
}


def _one_of_values(branches: Iterable[Folded], allowed: list[Any]) -> Folded:
    """Fold alternatives that are each a value, or some, with a text of its own."""
    told = []
    kinds: list[str] = []
    for branch in branches:
        text = branch.keywords.get("description") or branch.keywords.get("title")
        fixed = wording.fixed_values(branch.keywords) or []
        if isinstance(text, str) and len(fixed) == 1:
            told.append(f"{wording.values(fixed)}: {text.strip().rstrip('.')}")
        kind = branch.keywords.get("type")
        kinds += [kind] if isinstance(kind, str) else kind or []
    unique = [value for at, value in enumerate(allowed) if not any(_equal(value, known) for known in allowed[:at])]
    types = {"type": kinds[0] if len(set(kinds)) == 1 else list(dict.fromkeys(kinds))} if kinds else {}
    return Folded({"enum": unique, **types}, (f"{'; '.join(told)}.",) if told else ())


def _equal(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other


def _is_object(branch: Folded, base: Folded) -> bool:
    kind = branch.keywords.get("type", base.keywords.get("type"))
    return kind == "object" or ("properties" in branch.keywords and kind in (None, "object"))


def _one_of_objects(branches: Sequence[Folded]) -> Folded:
    """Fold alternative objects into one that has the properties of all, and requires what each does."""
    properties: dict[str, list[Any]] = {}
    for branch in branches:
        for name, inner in branch.keywords.get("properties", {}).items():
            known = properties.setdefault(name, [])
            if inner is not False and inner not in known:
                known.append(inner)
    merged = {name: each[0] if len(each) == 1 else {"anyOf": each} for name, each in properties.items() if each}
    required = [set(branch.keywords.get("required", ())) for branch in branches]
    common = set.intersection(*required)
    told = [wording.described(_told(branch.keywords, common)) for branch in branches if _told(branch.keywords, common)]
    keywords: dict[str, Any] = {"type": "object", "properties": merged}
    if common:
        keywords["required"] = [name for name in merged if name in common]
    rules = tuple(dict.fromkeys(rule for branch in branches for rule in branch.rules))
    stack = max((branch.stack for branch in branches), key=len)
    alternatives = list(dict.fromkeys(told))
    either = (f"Either {'; or '.join(alternatives)}.",) if len(alternatives) > 1 else ()
    return Folded(keywords, (*rules, *either), stack)


def _told(keywords: Mapping[str, Any], common: set[str]) -> dict[str, Any]:
    """Return what tells an alternative from the others: the values that it fixes, and what only it requires."""
    fixed = {
        name: inner for name, inner in keywords.get("properties", {}).items() if wording.fixed_values(inner) is not None
    }
    required = [name for name in keywords.get("required", ()) if name not in common and name not in fixed]
    return {**({"properties": fixed} if fixed else {}), **({"required": required} if required else {})}


def _one_of_kinds(base: Folded, branches: Sequence[Folded]) -> Folded:
    """Fold alternatives of different kinds: the first one is shown, the others are said."""
    first, *others = branches
    said = list(dict.fromkeys(wording.kind_of(dict(branch.keywords)) for branch in others))
    return replace(both(base, first), sure=False).ruled(f"Also taken: {wording.listed(said, 'or')}.")


def _rules(schema: Mapping[str, Any]) -> Iterable[str]:
    """Yield in words what else a node asks for."""
    refused = schema.get("not")
    if isinstance(refused, Mapping) and refused:
        names = wording.only_requires(refused)
        if names:
            yield f"Don't give {wording.listed(map(wording.code, names))}{' together' if len(names) > 1 else ''}."
        else:
            yield f"Not allowed: {wording.described(refused)}."
    for name, needed in schema.get("dependentRequired", {}).items():
        if needed:
            yield f"{wording.code(name)} needs {wording.listed(map(wording.code, needed))}."
    for name, needed in schema.get("dependentSchemas", {}).items():
        if isinstance(needed, Mapping) and needed:
            yield f"With {wording.code(name)}: {wording.described(needed)}."
    condition = schema.get("if")
    if isinstance(condition, Mapping):
        for keyword, lead in (("then", "If"), ("else", "Unless")):
            wanted = schema.get(keyword)
            if isinstance(wanted, Mapping) and wanted:
                yield f"{lead} {wording.described(condition)}: {wording.described(wanted)}."
