"""Compile outputs: paths, templates and values of steps; and the constants of mock answers (SEMANTICS 5.4 and 5.6)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from naftiko.document.findings import Findings
from naftiko.document.model import OutputParameter
from naftiko.expression import jsonpath
from naftiko.expression.answers import HeaderOf, is_of_answer
from naftiko.expression.placeholders import may_hold_tags
from naftiko.expression.provenance import named
from naftiko.expression.references import Constant, Names, StepPath, compile_data
from naftiko.expression.template import TemplateError, Value, parse
from naftiko.plan.outputs import (
    IDENTITY,
    ArrayOf,
    ConsumedOutputs,
    Expressed,
    FoundOrStep,
    FoundValue,
    ListOf,
    ObjectOf,
    Output,
    Outputs,
    ValuesOf,
    WholeDocument,
)
from naftiko.plan.schema import output_schema


class MockCompiler:
    """Compiles the outputs of mock mode: values and constants, typed, to any depth (SEMANTICS 5.6)."""

    def __init__(self, names: Names, findings: Findings) -> None:
        self._outputs = OutputCompiler(names, findings, {})

    def compile(self, parameters: Sequence[OutputParameter]) -> Outputs:
        """Compile mock outputs; what says no value is left out."""
        built = [(parameter, self._one(parameter)) for parameter in parameters]
        filled = [(parameter, output) for parameter, output in built if output is not None]
        if len(filled) == 1 and filled[0][0].name is None:
            ((parameter, output),) = filled
            return Outputs(identity=False, output=output, schema=output_schema(parameter))
        named = [
            (parameter.name or ("value" if not at else f"value{at}"), parameter, output)
            for at, (parameter, output) in enumerate(filled)
        ]
        schema = {"type": "object", "properties": {name: output_schema(parameter) for name, parameter, _ in named}}
        properties = tuple((name, output) for name, _, output in named)
        return Outputs(identity=False, output=ObjectOf(None, properties), schema=schema)

    def _one(self, parameter: OutputParameter) -> Output | None:
        if parameter.has_const:
            return Expressed(Constant(parameter.const), parameter.type, "const")
        if parameter.structure is not None:
            return self._outputs.structure(parameter)
        if parameter.value is not None:
            return self._outputs.template(parameter.value, parameter)
        if parameter.properties:
            inside = [(inner.name or "", self._one(inner)) for inner in parameter.properties]
            filled = tuple((name, output) for name, output in inside if output is not None)
            return ObjectOf(None, filled) if filled else None
        if parameter.type == "array":
            element = self._one(parameter.items) if parameter.items is not None else None
            return ListOf((element,) if element is not None else ())
        return None


_WHOLE = frozenset({"$", "$.", ""})


_QUOTED_NAME = re.compile(r"\['([^']*)'\]")


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
            return self._made(output, schema)
        properties = tuple((self._key(parameter, at), self._one(parameter)) for at, parameter in enumerate(parameters))
        schema = {
            "type": "object",
            "properties": {
                self._key(parameter, at): output_schema(parameter) for at, parameter in enumerate(parameters)
            },
        }
        return self._made(ObjectOf(None, properties), schema)

    def _made(self, output: Output, schema: dict[str, Any] | None) -> Outputs:
        reads_head = bool(self._names.heads)
        return Outputs(identity=False, output=output, schema=schema, descends=self._descends, reads_head=reads_head)

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
        text = (parameter.mapping or parameter.value or "").strip()
        if is_of_answer(text):
            return re.split(r"[.$]", text)[-1].strip("[]'\"")
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
        text = (parameter.mapping if parameter.mapping is not None else value or "").strip()
        if is_of_answer(text):
            return self._of_answer(text, parameter)
        context = self._context(parameter)
        if parameter.values is not None:
            return ValuesOf(context, self._one(parameter.values))
        if parameter.type == "array" or (parameter.items is not None and not parameter.properties):
            return self._array(parameter, context)
        if parameter.properties:
            inside = tuple((inner.name or "", self._one(inner)) for inner in parameter.properties)
            return ObjectOf(context, inside)
        return self._leaf(parameter, context)

    def _of_answer(self, text: str, parameter: OutputParameter) -> Output:
        """Compile an output that is the status or a header of an answer (SEMANTICS 5.10)."""
        is_list = parameter.type == "array" or parameter.items is not None
        value = self._names.of_answer(text, is_list=is_list)
        where = self._findings.at(parameter.at("mapping" if parameter.mapping is not None else "value"))
        if value is None:
            known = ", ".join(sorted(self._names.answers))
            where.error(
                *("unknown-answer", f"`{text}` names nothing of an answer"),
                hint=f"write `$status.STEP` or `$header.STEP.NAME`; steps with one answer: {known or 'none'}"
                if known or not self._names.answers
                else "write `$status`, `$header.NAME` or `$header['NAME']`",
            )
        elif parameter.properties or parameter.values or (is_list and not isinstance(value, HeaderOf)):
            where.error("unknown-answer", f"`{text}` is one value, and has no parts", hint="declare its type alone")
        elif is_list and parameter.items is not None and parameter.items.type not in {None, "string"}:
            where.error("unknown-answer", f"`{text}` is a list of texts", hint="declare `items: {type: string}`")
        kind = None if is_list else parameter.type
        return Expressed(value or Constant(None), kind, text, parameter.max_length)

    def _array(self, parameter: OutputParameter, context: FoundValue | None) -> Output:
        if parameter.items is None or self._is_whole(parameter.items):
            is_list = self._wraps or parameter.items is not None  # one XML child is a list of one; no list is null
            if context is not None and is_list and self._step(parameter) is None:
                return ArrayOf(context, WholeDocument(), self._wraps)
            return self._leaf(parameter, context)
        if context is None and parameter.name is not None:
            context = FoundValue(named(parameter.name))
        return ArrayOf(context, self._one(parameter.items), self._wraps)

    def _leaf(self, parameter: OutputParameter, context: FoundValue | None) -> Output:
        if context is not None:
            step = self._step(parameter)
            return FoundOrStep(context, step) if step is not None else context
        if parameter.name is None or (parameter.mapping or "").strip() in {"$", "$."}:
            return WholeDocument()
        return self._found(named(parameter.name), parameter.name, parameter)  # the field of the same name

    def _step(self, parameter: OutputParameter) -> Expressed | None:
        """A mapping that begins with a step's name looks into that step: ``fetch-repo.full-name``."""
        text = (parameter.mapping or parameter.value or "").strip()
        try:
            path = self._names.step(text.removeprefix("$."))
        except jsonpath.JSONPathError:  # told where the path itself is parsed
            return None
        return Expressed(path, None, text) if isinstance(path, StepPath) else None

    def _context(self, parameter: OutputParameter) -> FoundValue | None:
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

    def _found(self, path: jsonpath.JSONPath, text: str, parameter: OutputParameter) -> FoundValue:
        return FoundValue(path, parameter.max_length, self._visible(text))

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
