"""Mock mode: answers from the file alone (SEMANTICS 5.6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from naftiko.document.findings import Findings
from naftiko.document.model import OutputParameter
from naftiko.plan.outputs import Explained, Expressed, ObjectOf, Output, OutputCompiler, Outputs
from naftiko.plan.references import Constant, Names
from naftiko.plan.schema import output_schema
from naftiko.plan.scope import Scope


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
