"""Show a schema in the form that the strictest client in use takes (SEMANTICS 7).

Model APIs refuse a whole request for one tool of which a property has no type, or several, an array no ``items``, a
node a combinator or a reference, an enum other values than texts. So each node is given one type and the keywords of
that type, and what it says beside them is said in its description.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from naftiko.expression.text import as_text
from naftiko.ground.types import ABSENT
from naftiko.plan.inputs import fit
from naftiko.plan.names import property_names
from naftiko.plan.portable import wording
from naftiko.plan.portable.folding import Folded, Folder

LONGEST_TEXT: Final = 1_024
"""Characters of a description; OpenAI's API refuses a tool with more."""
_DEEPEST: Final = 12
_OF_ANY: Final = ("title", "format", "examples", "deprecated", "contentEncoding", "contentMediaType", "x-mcp-header")
_OF_TYPE: Final[Mapping[str, tuple[str, ...]]] = {
    "string": ("minLength", "maxLength", "pattern"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "integer": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "array": ("minItems", "maxItems", "uniqueItems"),
    "object": ("minProperties", "maxProperties"),
    "boolean": (),
}
_SAY_A_TYPE: Final = (
    ("object", ("properties", "required", "additionalProperties", "minProperties", "maxProperties")),
    ("array", ("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains")),
    ("string", ("pattern", "minLength", "maxLength", "format", "contentEncoding", "contentMediaType")),
    ("number", ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")),
)
_PYTHON_ONLY: Final = re.compile(r"\(\?(?![:=!]|<[=!]|<[A-Za-z_$][\w$]*>)|\\[AZzhHRXGKQE]|\[\[:|[*+?}]\+|\(\?P")
"""What JavaScript's regular expressions don't have: one of them ends the session of a client that compiles it."""
_IDENTITY_ESCAPE: Final = re.compile(r"\\[^\w^$\\.*+?()\[\]{}|/-]|\\[_aegijlmoqyCEFGHIJKLMNOQRTUVXYZ]")


@dataclass(frozen=True, slots=True)
class Renaming:
    """Which keys of an object, and below it, clients see under other names.

    Attributes:
        names: the real name of each key that has another one.
        inner: what is renamed below a key, by its real name; below the elements of an array by ``[]``.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    inner: Mapping[str, Renaming] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.names or self.inner)

    def real(self, value: Any) -> Any:
        """Return a value with the real names; a key that has its real name keeps it."""
        if isinstance(value, Mapping):
            named = {self._real(key, value): each for key, each in value.items()}
            return {key: self.inner[key].real(each) if key in self.inner else each for key, each in named.items()}
        if isinstance(value, list) and "[]" in self.inner:
            return [self.inner["[]"].real(each) for each in value]
        return value

    def _real(self, key: str, value: Mapping[str, Any]) -> str:
        real = self.names.get(key, key)
        return key if real in value else real


@dataclass(frozen=True, slots=True)
class Shape:
    """A node as it is shown.

    Attributes:
        schema: with one type, and without references and combinators.
        renaming: of what is below it.
        nullable: whether null fits it as well.
        kind: the type of every other value that fits it, where it says one.
        text: its own description.
        rules: what the shown description says beside that.
        properties: of an object, by their real names.
    """

    schema: dict[str, Any]
    renaming: Renaming
    nullable: bool
    kind: str | None = None
    text: str = ""
    rules: tuple[str, ...] = ()
    properties: Mapping[str, Shape] = field(default_factory=dict)


class Shaper:
    """Shapes the nodes of one schema.

    Args:
        folder: folds them.
        renames: whether properties are given names that clients accept.
    """

    def __init__(self, folder: Folder, *, renames: bool = True) -> None:
        self._folder = folder
        self._renames = renames

    def shape(self, schema: Any, where: str, *, untyped: str = "string") -> Shape:
        """Return a node as it is shown.

        Args:
            schema: the node, mended.
            where: its place.
            untyped: the type that is shown where nothing says one.
        """
        return self.shaped(self._folder.fold(schema, (), where), where, _DEEPEST, untyped=untyped)

    def shaped(self, folded: Folded, where: str, depth: int, *, untyped: str = "string") -> Shape:
        """Return a folded node as it is shown."""
        keywords = folded.keywords
        kind, rules = self._kind(folded, where, untyped)
        shown: dict[str, Any] = {"type": kind}
        for keyword in (*_OF_ANY, *_OF_TYPE[kind]):
            if keyword in keywords:
                kept = _plain(keyword, keywords[keyword])
                if kept is not None:
                    shown[keyword] = kept
        if "pattern" in shown and not is_portable_pattern(shown["pattern"]):
            rules.append(f"It must match {wording.code(shown.pop('pattern'))}.")
        rules += _values(keywords, kind, shown)
        properties: Mapping[str, Shape] = {}
        renaming = Renaming()
        if kind == "array":
            renaming = self._items(folded, where, depth, shown, rules)
        elif kind == "object":
            properties, renaming = self._properties(folded, where, depth, shown, rules)
        if folded.nullable:
            rules.append("It may be null.")
        said = tuple(dict.fromkeys((*rules, *folded.rules)))
        own = keywords.get("description")
        text = own.strip() if isinstance(own, str) else ""
        if text or said:
            shown["description"] = described(text, said)
        sure = kind if keywords.get("type") == kind and folded.sure else None
        return Shape(shown, renaming, folded.nullable, sure, text, said, properties)

    def _kind(self, folded: Folded, where: str, untyped: str) -> tuple[str, list[str]]:
        """Return the one type that is shown, and what is said of the others."""
        kinds = folded.keywords.get("type")
        named = [kind for kind in ([kinds] if isinstance(kinds, str) else kinds or []) if kind in _OF_TYPE]
        fixed = wording.fixed_values(folded.keywords)
        if not named and fixed:
            named = list(dict.fromkeys(_type_of(value) for value in fixed if value is not None))
        if not named:
            named = [kind for kind, words in _SAY_A_TYPE if any(word in folded.keywords for word in words)][:1]
        if not named:
            self._folder.losses.hint("schema-type", where, f"it has no type; it is shown as {untyped}")
            return untyped, []
        first, *others = named
        return first, [f"Also taken: {wording.kind_of({'type': others})}."] if others else []

    def _items(self, folded: Folded, where: str, depth: int, shown: dict[str, Any], rules: list[str]) -> Renaming:
        items = folded.keywords.get("items")
        prefix = folded.keywords.get("prefixItems")
        if prefix:
            rules.append(f"Its elements, in this order: {wording.code(prefix)}.")
            items = {"anyOf": [*prefix, *([items] if isinstance(items, Mapping) and items else [])]}
        if not isinstance(items, Mapping) or not items or not depth:
            if depth:
                self._folder.losses.hint(
                    "schema-items", where, "it is an array that doesn't say of what; strings are shown"
                )
            shown["items"] = {"type": "string"}
            return Renaming()
        made = self.shaped(self._folder.fold(items, folded.stack, f"{where}[]"), f"{where}[]", depth - 1)
        shown["items"] = made.schema
        return Renaming({}, {"[]": made.renaming}) if made.renaming else Renaming()

    def _properties(
        self, folded: Folded, where: str, depth: int, shown: dict[str, Any], rules: list[str]
    ) -> tuple[Mapping[str, Shape], Renaming]:
        keywords = folded.keywords
        properties = keywords.get("properties") or {}
        if properties and not depth:
            self._folder.losses.hint("schema-nesting", where, f"what is more than {_DEEPEST} levels deep is not shown")
            properties = {}
        for keyword in ("patternProperties", "propertyNames", "contains", "unevaluatedProperties"):
            if keyword in keywords and keywords[keyword] not in (True, False, {}):
                self._folder.losses.warning("schema-combinator", where, f"{keyword} is said in words")
                rules.append(f"{keyword}: {wording.code(keywords[keyword])}.")
        made = {
            name: self.shaped(each, f"{where}.{name}".lstrip("."), depth - 1)
            for name, inner in properties.items()
            if not (each := self._folder.fold(inner, folded.stack, f"{where}.{name}".lstrip("."))).never
        }
        aliases = property_names(made) if self._renames else {name: name for name in made}
        self._tell_names(aliases, where)
        if made:
            shown["properties"] = {
                aliases[name]: _named(each.schema, name, aliases[name]) for name, each in made.items()
            }
        required = keywords.get("required", ())
        known = [aliases[name] for name in required if name in made]
        if len(known) < len(required):
            lost = wording.listed(wording.code(name) for name in required if name not in made)
            self._folder.losses.warning("schema-required", where, f"`required` names {lost}, which is no property")
        if known:
            shown["required"] = known
        extra = keywords.get("additionalProperties")
        if extra is False:
            shown["additionalProperties"] = False
        elif isinstance(extra, Mapping) and extra and depth:
            inside = self._folder.fold(extra, folded.stack, f"{where}.*")
            shown["additionalProperties"] = self.shaped(inside, f"{where}.*", depth - 1).schema
        inner = {name: each.renaming for name, each in made.items() if each.renaming}
        return made, Renaming({alias: name for name, alias in aliases.items() if alias != name}, inner)

    def _tell_names(self, aliases: Mapping[str, str], where: str) -> None:
        for name, alias in aliases.items():
            if alias != name:
                place = f"{where}.{name}".lstrip(".")
                self._folder.losses.hint(
                    "schema-names", place, f"clients refuse the name `{name}`; it is shown as `{alias}`"
                )


def described(text: str, rules: tuple[str, ...] = ()) -> str:
    """Return a description with rules in words, bounded: a long text is cut before a rule is."""
    own = text.strip()
    said = bounded(" ".join(rules), LONGEST_TEXT // 2)
    if own and not own.endswith((".", "!", "?", "…", ":")) and said:
        own = f"{own}."
    room = LONGEST_TEXT - len(said) - 1 if said else LONGEST_TEXT
    return f"{bounded(own, room)} {said}".strip()


def bounded(text: str, longest: int) -> str:
    """Return a text of bounded length, cut between words where it is cut."""
    if len(text) <= longest:
        return text
    cut = text[: longest - 1]
    between = cut.rfind(" ")
    return f"{cut[: between if between > longest // 2 else len(cut)].rstrip()}…"


def _named(schema: dict[str, Any], name: str, alias: str) -> dict[str, Any]:
    """Return a property's schema; where clients see another name, its description says the real one."""
    return schema if name == alias else {**schema, "description": renamed(schema.get("description", ""), name)}


def renamed(text: str, name: str) -> str:
    """Return the description of what clients see under another name, with the real one."""
    said = f"(the API calls it {wording.code(name)})"
    return f"{bounded(text, LONGEST_TEXT - len(said) - 1)} {said}".strip()


def is_portable_pattern(pattern: str) -> bool:
    """Tell whether a regular expression is one for JavaScript, whose clients compile it, as well as for Python."""
    return not _PYTHON_ONLY.search(pattern) and not _IDENTITY_ESCAPE.search(pattern.replace("\\\\", ""))


def _values(keywords: Mapping[str, Any], kind: str, shown: dict[str, Any]) -> list[str]:
    """Set ``enum`` and ``default``; return what of them has to be said."""
    rules: list[str] = []
    fixed = wording.fixed_values(keywords)
    if fixed is not None:
        allowed = [value for value in fixed if value is not None]
        texts = [as_text(value) for value in allowed if isinstance(value, str | int | float)]
        if kind == "string" and len(texts) == len(allowed):
            unique = list(dict.fromkeys(text for text in texts if text))
            if unique:
                shown["enum"] = unique
            if "" in texts:
                rules.append("It may be empty.")
        elif allowed:
            rules.append(f"{'One of' if len(allowed) > 1 else 'Always'} {wording.values(allowed)}.")
    if "default" in keywords and keywords["default"] is not None:
        default = fit(keywords["default"], kind)
        if default is not ABSENT and ("enum" not in shown or default in shown["enum"]):
            shown["default"] = _number(default)
    return rules


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "integer" if float(value).is_integer() else "number"
    return "array" if isinstance(value, list) else "object" if isinstance(value, Mapping) else "string"


def _plain(keyword: str, value: Any) -> Any:
    """Return a keyword's value as it is shown, or ``None`` where it is none."""
    if keyword in {"title", "format", "contentEncoding", "contentMediaType", "pattern", "x-mcp-header"}:
        return value if isinstance(value, str) and value else None
    if keyword == "deprecated":
        return True if value is True else None
    return _number(value)


def _number(value: Any) -> Any:
    """Return a number as integers are written where it is one: ``1``, not ``1.0``."""
    if isinstance(value, bool) or not isinstance(value, float):
        return value
    return int(value) if value.is_integer() else value
