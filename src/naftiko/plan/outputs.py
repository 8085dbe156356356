"""Outputs: how an answer is made of a document (SEMANTICS 5.4 and 5.6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeAlias

from naftiko.expression import jsonpath
from naftiko.expression.jsonpath.hiding import copied, hide
from naftiko.expression.provenance import below, missed, missed_step, place
from naftiko.expression.scope import Scope
from naftiko.expression.template import Value
from naftiko.ground.types import ABSENT, Rooted
from naftiko.plan.inputs import fit


class Output(Protocol):
    """Makes one value of a document."""

    def build(self, context: Any, scope: Scope) -> Any:
        """Return the value; null where nothing is found. Never raises for any document."""
        ...

    def explain(self, context: Any, scope: Scope, name: str, at: str = "$") -> Iterator[Explained]:
        """Say which expression gave which value; ``at`` is the path to the context in the document."""
        ...


@dataclass(frozen=True, slots=True)
class Explained:
    """Where the value of one output came from.

    Attributes:
        name: the output, dots for nesting.
        expression: as the file has it; below an output with a mapping of its own, the whole path in the document.
        found: whether it found anything.
        detail: for a miss: how far the path still matched, and what was there instead.
    """

    name: str
    expression: str
    value: Any
    found: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class WholeDocument:
    """The context as it is."""

    def build(self, context: Any, scope: Scope) -> Any:  # noqa: ARG002  # an output's shape
        """Return the context."""
        return context

    def explain(self, context: Any, scope: Scope, name: str, at: str = "$") -> Iterator[Explained]:  # noqa: ARG002  # an output's shape
        """Say so."""
        yield Explained(name, at, context, found=True)


@dataclass(frozen=True, slots=True)
class FoundValue:
    """What a path finds; where it finds nothing, a consumed output of that name (SEMANTICS 5.4).

    Attributes:
        consumed: the consumed output's own path, and what is left of this one after its name.
    """

    path: jsonpath.JSONPath
    max_length: int | None = None
    consumed: tuple[jsonpath.JSONPath, jsonpath.JSONPath] | None = None

    def locate(self, context: Any) -> Any:
        """Return what is found, or ABSENT."""
        value = self.path(context)
        if value is ABSENT and self.consumed is not None:
            output, rest = self.consumed
            inner = output(context)
            return ABSENT if inner is ABSENT else rest(inner)
        return value

    def build(self, context: Any, scope: Scope) -> Any:  # noqa: ARG002  # an output's shape
        """Return what is found, or null."""
        value = self.path.find(context)
        if value is ABSENT and self.consumed is not None:
            value = self.locate(context)
        if self.max_length is not None and isinstance(value, str):
            return value[: self.max_length]
        return None if value is ABSENT else value

    def explain(self, context: Any, scope: Scope, name: str, at: str = "$") -> Iterator[Explained]:
        """Say what was found, or how far the path matched."""
        found = self.locate(context) is not ABSENT
        path, is_consumed = self._giver(context)
        detail = "" if found else missed(path, context, at)
        if is_consumed and self.consumed is not None:
            detail = "; ".join(filter(None, (f"an output of the consumed operation: {self.consumed[0].text}", detail)))
        yield Explained(name, below(at, self.path.text), self.build(context, scope), found, detail)

    def place(self, context: Any, at: str) -> str:
        """Return the path in the document to what is found."""
        _, is_consumed = self._giver(context)
        if not is_consumed or self.consumed is None:
            return place(at, self.path.text)
        output, rest = self.consumed
        return below(place(at, output.text), rest.text)

    def _giver(self, context: Any) -> tuple[jsonpath.JSONPath, bool]:
        """Return the path that gives the value, or should have, and whether it is the consumed output's."""
        if self.consumed is None or self.path(context) is not ABSENT:
            return self.path, False
        return self.consumed[0], True


@dataclass(frozen=True, slots=True)
class Expressed:
    """A template, a constant or a step's value, of the declared type where it fits."""

    value: Value
    kind: str | None
    text: str
    max_length: int | None = None

    def build(self, context: Any, scope: Scope) -> Any:  # noqa: ARG002  # an output's shape
        """Return the value; text is read as the declared type if it parses as that."""
        value = self.value(scope)
        if value is ABSENT:
            return None
        if isinstance(value, str) and self.kind not in {None, "string"}:
            fitted = fit(value, self.kind)
            value = value if fitted is ABSENT else fitted
        if self.max_length is not None and isinstance(value, str):
            return value[: self.max_length]
        return value

    def explain(self, context: Any, scope: Scope, name: str, at: str = "$") -> Iterator[Explained]:  # noqa: ARG002  # an output's shape
        """Say what was rendered."""
        value = self.build(context, scope)
        yield Explained(
            name, self.text, value, value is not None, "" if value is not None else missed_step(self.value, scope)
        )


@dataclass(frozen=True, slots=True)
class FoundOrStep:
    """What a path finds in the last step's result; where it finds nothing, the step that it begins with."""

    found: FoundValue
    step: Expressed

    def build(self, context: Any, scope: Scope) -> Any:
        """Return what is found, or null."""
        return self._output(context).build(context, scope)

    def explain(self, context: Any, scope: Scope, name: str, at: str = "$") -> Iterator[Explained]:
        """Say what was found, and where."""
        return self._output(context).explain(context, scope, name, at)

    def _output(self, context: Any) -> Output:
        return self.step if self.found.locate(context) is ABSENT else self.found


_Member: TypeAlias = "tuple[str, str, tuple[str, ...], Output | None]"
"""A property: its name, and either the names of its path in an object, the first one apart, or what makes it.

To follow names takes a third of what two calls for each property do, and an answer has many.
"""


def _member(name: str, output: Output) -> _Member:
    if isinstance(output, FoundValue) and output.consumed is None and output.max_length is None and output.path.names:
        first, *rest = output.path.names
        return name, first, tuple(rest), None
    return name, "", (), output


def _within(value: Any, key: str) -> Any:
    """Return the member of what is an object of another kind, or none at all."""
    try:
        return value[key]
    except (KeyError, TypeError):
        return None


@dataclass(frozen=True, slots=True)
class ObjectOf:
    """An object of named outputs; its own mapping is the context of its properties."""

    context: FoundValue | None
    properties: tuple[tuple[str, Output], ...]
    _members: tuple[_Member, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_members", tuple(_member(name, output) for name, output in self.properties))

    def build(self, context: Any, scope: Scope) -> Any:
        """Return the object, every key present; null where its own mapping finds nothing."""
        if self.context is not None:
            context = self.context.locate(context)
            if context is ABSENT or context is None:
                return None
        if context.__class__ is not dict:
            return {name: output.build(context, scope) for name, output in self.properties}
        get, made = context.get, {}
        for name, first, rest, output in self._members:
            if output is None:
                value = get(first)
                for key in rest:
                    value = value.get(key) if value.__class__ is dict else _within(value, key)
            else:
                value = output.build(context, scope)
            made[name] = value
        return made

    def explain(self, context: Any, scope: Scope, name: str, at: str = "$") -> Iterator[Explained]:
        """Explain each property."""
        if self.context is not None:
            inner = self.context.locate(context)
            if inner is ABSENT or inner is None:
                yield from self.context.explain(context, scope, name, at)
                return
            context, at = inner, self.context.place(context, at)
        for key, output in self.properties:
            yield from output.explain(context, scope, f"{name}.{key}" if name else key, at)


@dataclass(frozen=True, slots=True)
class ArrayOf:
    """An array whose elements are mapped one by one.

    Attributes:
        wraps: whether a single value is an array of one, as in XML, where one child is no list.
    """

    context: FoundValue | None
    items: Output
    wraps: bool

    def build(self, context: Any, scope: Scope) -> Any:
        """Return the array; null where there is none."""
        elements = self._elements(context)
        if elements is None:
            return None
        build = self.items.build
        return [build(element, scope) for element in elements]

    def _elements(self, context: Any) -> list[Any] | None:
        value = self.context.locate(context) if self.context is not None else context
        if isinstance(value, list):
            return value
        return [value] if self.wraps and value is not ABSENT and value is not None and value != "" else None

    def explain(self, context: Any, scope: Scope, name: str, at: str = "$") -> Iterator[Explained]:
        """Explain the first element, which stands for all."""
        inner = self.context or FoundValue(jsonpath.parse("$"))
        elements, where = self._elements(context), inner.place(context, at)
        if elements:
            is_list = isinstance(inner.locate(context), list)
            yield from self.items.explain(elements[0], scope, f"{name}[0]", f"{where}[0]" if is_list else where)
        elif elements is None and inner.locate(context) is not ABSENT:
            yield Explained(name, below(at, inner.path.text), None, found=False, detail=f"{where} is no array")
        else:
            yield from inner.explain(context, scope, name, at)


@dataclass(frozen=True, slots=True)
class ValuesOf:
    """An object with free keys whose values are mapped one by one."""

    context: FoundValue | None
    values: Output

    def build(self, context: Any, scope: Scope) -> Any:
        """Return the object; null where there is none."""
        value = self.context.locate(context) if self.context is not None else context
        if not isinstance(value, dict):
            return None
        return {key: self.values.build(inner, scope) for key, inner in value.items()}

    def explain(self, context: Any, scope: Scope, name: str, at: str = "$") -> Iterator[Explained]:
        """Explain the mapping itself, with what is made of it."""
        for each in (self.context or FoundValue(jsonpath.parse("$"))).explain(context, scope, name, at):
            yield replace(each, value=self.build(context, scope))


@dataclass(frozen=True, slots=True)
class Redacted:
    """An answer with nulls where the file redacts it (SEMANTICS 5.11)."""

    inner: Output
    paths: tuple[jsonpath.JSONPath, ...]

    def build(self, context: Any, scope: Scope) -> Any:
        """Return the answer; what it is made of stays as it is."""
        return hide(copied(self.inner.build(context, scope)), self.paths)

    def explain(self, context: Any, scope: Scope, name: str, at: str = "$") -> Iterator[Explained]:
        """Explain what is left."""
        left = self.build(context, scope)
        for each in self.inner.explain(context, scope, name, at):
            yield replace(each, value=shown(left, each.name))


def shown(answer: Any, name: str) -> Any:
    """Return what an answer has for the name of an explained output, such as ``a.b[0].c``; null where it has none."""
    for part in filter(None, name.replace("[", ".[").split(".")):
        if isinstance(answer, list) and part.startswith("["):
            answer = answer[int(part[1:-1])] if answer else None
        else:
            answer = answer.get(part) if isinstance(answer, dict) else None
    return answer


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a unit answers with.

    Attributes:
        identity: whether the document is the answer, so that its bytes can be passed on as they are.
        output: makes the answer.
        schema: the JSON Schema of the answer, where the declaration says anything about it.
        descends: whether a path looks at any depth (``$..a``): what is deep may be in the answer once for each level.
        redact: what the answer never shows; ``output`` leaves it out already (SEMANTICS 5.11).
        reads_head: whether the status or a header of the upstream's answer is in it (SEMANTICS 5.10).
    """

    identity: bool
    output: Output
    schema: dict[str, Any] | None = None
    descends: bool = False
    reads_head: bool = False
    redact: tuple[jsonpath.JSONPath, ...] = ()

    def build(self, document: Any, scope: Scope) -> Any:
        """Return the answer."""
        return document if self.identity else self.output.build(document, scope)

    def hidden(self, answer: Any) -> Any:
        """Return an answer that something else made, with nulls where it is redacted."""
        return hide(copied(answer), self.redact)

    def explain(self, document: Any, scope: Scope) -> list[Explained]:
        """Say for each output where its value came from."""
        return list(self.output.explain(document, scope, ""))

    @property
    def of_each(self) -> Outputs:
        """What they make of each item of a list; of what is no list, what they make of it."""
        return self if self.identity else replace(self, output=_Each(self.output))


@dataclass(frozen=True, slots=True)
class _Each:
    """What an output makes of each item of a list."""

    item: Output

    def build(self, context: Any, scope: Scope) -> Any:
        """Return the list."""
        if not isinstance(context, list):
            return self.item.build(context, scope)
        return [self.item.build(each, scope) for each in context]

    def explain(self, context: Any, scope: Scope, name: str, at: str = "$") -> Iterator[Explained]:
        """Say of the first item where its values came from."""
        first = next(iter(context), None) if isinstance(context, list) else context
        return self.item.explain(first, scope, name, at)


IDENTITY = Outputs(identity=True, output=WholeDocument())

ConsumedOutputs: TypeAlias = dict[str, jsonpath.JSONPath]
"""The named outputs of a consumed operation, by name."""


def visible(document: Any, consumed: ConsumedOutputs) -> Any:
    """Return a step's result with the consumed operation's named outputs beside its own fields.

    In an array every element that is an object gets them (as the reference engine does).
    """
    if not consumed:
        return document
    if isinstance(document, list):
        return [visible(element, consumed) if isinstance(element, dict) else element for element in document]
    named = {name: path(document) for name, path in consumed.items()}
    present = {name: None if value is ABSENT else value for name, value in named.items()}
    if isinstance(document, Rooted):
        return Rooted({**document, **present}, document.root)
    return {**document, **present} if isinstance(document, dict) else present


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of outputs, in mock mode."""

    elements: tuple[Output, ...]

    def build(self, context: Any, scope: Scope) -> Any:
        """Return the list."""
        return [element.build(context, scope) for element in self.elements]

    def explain(self, context: Any, scope: Scope, name: str, at: str = "$") -> Iterator[Explained]:
        """Explain each element."""
        for position, element in enumerate(self.elements):
            yield from element.explain(context, scope, f"{name}[{position}]", at)
