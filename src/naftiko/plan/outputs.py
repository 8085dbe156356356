"""Outputs: how an answer is made of a document (SEMANTICS 5.4 and 5.6)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

from naftiko.document.findings import Findings
from naftiko.document.model import OutputParameter
from naftiko.plan import jsonpath
from naftiko.plan.explaining import below, missed, missed_step, named, place
from naftiko.plan.inputs import fit
from naftiko.plan.references import Constant, Names, StepPath, compile_data
from naftiko.plan.schema import output_schema
from naftiko.plan.scope import Scope
from naftiko.plan.tags import may_hold_tags
from naftiko.plan.template import TemplateError, Value, parse
from naftiko.types import ABSENT, Rooted

_WHOLE = frozenset({"$", "$.", ""})
_QUOTED_NAME = re.compile(r"\['([^']*)'\]")


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
class Whole:
    """The context as it is."""

    def build(self, context: Any, scope: Scope) -> Any:  # noqa: ARG002  # an output's shape
        """Return the context."""
        return context

    def explain(self, context: Any, scope: Scope, name: str, at: str = "$") -> Iterator[Explained]:  # noqa: ARG002  # an output's shape
        """Say so."""
        yield Explained(name, at, context, found=True)


@dataclass(frozen=True, slots=True)
class Found:
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

    found: Found
    step: Expressed

    def build(self, context: Any, scope: Scope) -> Any:
        """Return what is found, or null."""
        return self._output(context).build(context, scope)

    def explain(self, context: Any, scope: Scope, name: str, at: str = "$") -> Iterator[Explained]:
        """Say what was found, and where."""
        return self._output(context).explain(context, scope, name, at)

    def _output(self, context: Any) -> Output:
        return self.step if self.found.locate(context) is ABSENT else self.found


@dataclass(frozen=True, slots=True)
class ObjectOf:
    """An object of named outputs; its own mapping is the context of its properties."""

    context: Found | None
    properties: tuple[tuple[str, Output], ...]

    def build(self, context: Any, scope: Scope) -> Any:
        """Return the object, every key present; null where its own mapping finds nothing."""
        if self.context is not None:
            context = self.context.locate(context)
            if context is ABSENT or context is None:
                return None
        return {name: output.build(context, scope) for name, output in self.properties}

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

    context: Found | None
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
        inner = self.context or Found(jsonpath.parse("$"))
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

    context: Found | None
    values: Output

    def build(self, context: Any, scope: Scope) -> Any:
        """Return the object; null where there is none."""
        value = self.context.locate(context) if self.context is not None else context
        if not isinstance(value, dict):
            return None
        return {key: self.values.build(inner, scope) for key, inner in value.items()}

    def explain(self, context: Any, scope: Scope, name: str, at: str = "$") -> Iterator[Explained]:
        """Explain the mapping itself, with what is made of it."""
        for each in (self.context or Found(jsonpath.parse("$"))).explain(context, scope, name, at):
            yield replace(each, value=self.build(context, scope))


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a unit answers with.

    Attributes:
        identity: whether the document is the answer, so that its bytes can be passed on as they are.
        output: makes the answer.
        schema: the JSON Schema of the answer, where the declaration says anything about it.
        descends: whether a path looks at any depth (``$..a``): what is deep may be in the answer once for each level.
    """

    identity: bool
    output: Output
    schema: dict[str, Any] | None = None
    descends: bool = False

    def build(self, document: Any, scope: Scope) -> Any:
        """Return the answer."""
        return document if self.identity else self.output.build(document, scope)

    def explain(self, document: Any, scope: Scope) -> list[Explained]:
        """Say for each output where its value came from."""
        return list(self.output.explain(document, scope, ""))


IDENTITY = Outputs(identity=True, output=Whole())

ConsumedOutputs: TypeAlias = dict[str, jsonpath.JSONPath]
"""The named outputs of a consumed operation, by name."""


class OutputCompiler:
    """Compiles the output parameters of one unit."""

    def __init__(self, names: Names, findings: Findings, consumed: ConsumedOutputs, *, wraps: bool = False) -> None:
        self._names = names
        self._findings = findings
        self._consumed = consumed
        self._wraps = wraps
        self._descends = False

    def compile(self, parameters: Sequence[OutputParameter]) -> Outputs:
        """Compile the outputs of simple mode or of a flow's last result."""
        if not parameters:
            return IDENTITY
        if len(parameters) == 1 and parameters[0].name is None:
            only = parameters[0]
            if self._is_whole(only):
                return IDENTITY
            output, schema = self._one(only), output_schema(only) or None
            return Outputs(identity=False, output=output, schema=schema, descends=self._descends)
        properties = tuple((self._key(parameter, at), self._one(parameter)) for at, parameter in enumerate(parameters))
        schema = {
            "type": "object",
            "properties": {
                self._key(parameter, at): output_schema(parameter) for at, parameter in enumerate(parameters)
            },
        }
        return Outputs(identity=False, output=ObjectOf(None, properties), schema=schema, descends=self._descends)

    @staticmethod
    def _is_whole(parameter: OutputParameter) -> bool:
        mapping = parameter.mapping if parameter.mapping is not None else parameter.value
        says_value = parameter.has_const or parameter.structure is not None
        described = parameter.properties or parameter.items or parameter.values or says_value
        return not described and (mapping or "").strip() in _WHOLE and parameter.max_length is None

    def _key(self, parameter: OutputParameter, at: int) -> str:
        """Return an output's key: its name, else the last name of its mapping, else ``value``."""
        if parameter.name is not None:
            return parameter.name
        path = self._path(parameter)
        return (path.name if path is not None else None) or (f"value{at}" if at else "value")

    def _one(self, parameter: OutputParameter) -> Output:
        if parameter.has_const:
            return Expressed(Constant(parameter.const), parameter.type, "const")
        if parameter.structure is not None:
            return self.structure(parameter)
        value = parameter.value
        if value is not None and not value.strip().startswith("$"):
            return self.template(value, parameter)
        context = self._context(parameter)
        if parameter.values is not None:
            return ValuesOf(context, self._one(parameter.values))
        if parameter.type == "array" or (parameter.items is not None and not parameter.properties):
            return self._array(parameter, context)
        if parameter.properties:
            inside = tuple((inner.name or "", self._one(inner)) for inner in parameter.properties)
            return ObjectOf(context, inside)
        return self._leaf(parameter, context)

    def _array(self, parameter: OutputParameter, context: Found | None) -> Output:
        if parameter.items is None or self._is_whole(parameter.items):
            is_list = self._wraps or parameter.items is not None  # one XML child is a list of one; no list is null
            if context is not None and is_list and self._step(parameter) is None:
                return ArrayOf(context, Whole(), self._wraps)
            return self._leaf(parameter, context)
        if context is None and parameter.name is not None:
            context = Found(named(parameter.name))
        return ArrayOf(context, self._one(parameter.items), self._wraps)

    def _leaf(self, parameter: OutputParameter, context: Found | None) -> Output:
        if context is not None:
            step = self._step(parameter)
            return FoundOrStep(context, step) if step is not None else context
        if parameter.name is None or (parameter.mapping or "").strip() in {"$", "$."}:
            return Whole()
        return self._found(named(parameter.name), parameter.name, parameter)  # the field of the same name

    def _step(self, parameter: OutputParameter) -> Expressed | None:
        """A mapping that begins with a step's name looks into that step: ``fetch-repo.full-name``."""
        text = (parameter.mapping or parameter.value or "").strip()
        try:
            path = self._names.step(text.removeprefix("$."))
        except jsonpath.JSONPathError:  # told where the path itself is parsed
            return None
        return Expressed(path, None, text) if isinstance(path, StepPath) else None

    def _context(self, parameter: OutputParameter) -> Found | None:
        path = self._path(parameter)
        if path is None:
            return None
        return self._found(path, (parameter.mapping or parameter.value or "").strip(), parameter)

    def _path(self, parameter: OutputParameter) -> jsonpath.JSONPath | None:
        """Parse an output's path; ``None`` where it has none or it is the whole context."""
        text = parameter.mapping
        if text is None and parameter.value is not None and parameter.value.strip().startswith("$"):
            text = parameter.value
        if text is None or text.strip() in _WHOLE:
            return None
        self._descends = self._descends or ".." in text
        try:
            return jsonpath.parse(text)
        except jsonpath.JSONPathError as error:
            where = parameter.at("mapping") if parameter.mapping is not None else parameter.at("value")
            self._findings.at(where).error(
                "broken-jsonpath",
                f"`{text}` is no JSONPath: {error.message}",
                hint="see RFC 9535, for example $.a.b[0]",
            )
            return jsonpath.parse("$['\\u0000']")  # finds nothing: the answer has a null there

    def _found(self, path: jsonpath.JSONPath, text: str, parameter: OutputParameter) -> Found:
        return Found(path, parameter.max_length, self._visible(text))

    def _visible(self, text: str) -> tuple[jsonpath.JSONPath, jsonpath.JSONPath] | None:
        """Return the consumed output that a path begins with, and the rest of the path."""
        if not self._consumed:
            return None
        bare = text.removeprefix("$").removeprefix(".")
        for name, rest in _splits(bare):
            if name in self._consumed:
                try:
                    return self._consumed[name], jsonpath.parse(f"${rest}")
                except jsonpath.JSONPathError:
                    return None
        return None

    def structure(self, parameter: OutputParameter) -> Output:
        """Compile a value that is a map or a list: its strings are templates."""
        try:
            value = compile_data(parameter.structure, self._names)
        except TemplateError as error:
            self._findings.at(parameter.at("value")).error("broken-template", str(error))
            value = Constant(None)
        return Expressed(value, parameter.type, "value")

    def template(self, text: str, parameter: OutputParameter) -> Output:
        """Compile an output's text; what is not a template is a constant of the declared type."""
        if not may_hold_tags(text):
            return Expressed(Constant(text), parameter.type, text, parameter.max_length)
        try:
            template = parse(text, self._names.resolve)
        except TemplateError as error:
            self._findings.at(parameter.at("value")).error("broken-template", str(error))
            return Expressed(Constant(None), None, text)
        # An output's text is never left out: a missing part of it is empty (lone placeholders stay null).
        value: Value = template.lone.value if template.lone else template.render
        return Expressed(value, parameter.type, text, parameter.max_length)


def _splits(path: str) -> Iterator[tuple[str, str]]:
    """Yield the ways in which a path is a name and a rest, the longest name first; a name may hold dots."""
    quoted = _QUOTED_NAME.match(path)
    if quoted:
        yield quoted[1], path[quoted.end() :]
        return
    yield path, ""
    for at in range(len(path) - 1, 0, -1):
        if path[at] in ".[":
            yield path[:at], path[at:]


def consumed_outputs(
    parameters: Sequence[OutputParameter], findings: Findings, parse_path: Callable[[str], Any] = jsonpath.parse
) -> ConsumedOutputs:
    """Compile the named outputs of a consumed operation."""
    found: ConsumedOutputs = {}
    for parameter in parameters:
        text = parameter.value if parameter.value is not None else parameter.mapping
        if parameter.name is None or text is None or not text.strip().startswith("$"):
            continue
        try:
            found[parameter.name] = parse_path(text)
        except jsonpath.JSONPathError as error:
            where = parameter.at("value") if parameter.value is not None else parameter.at("mapping")
            findings.at(where).error("broken-jsonpath", f"`{text}` is no JSONPath: {error.message}")
    return found


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
