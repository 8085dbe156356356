"""What a name in a value means: the caller's input, a variable, the result of a step (SEMANTICS 2 and 3.1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from naftiko.expression import dotted, jsonpath
from naftiko.expression.answers import OfAnswer, of_answer
from naftiko.expression.content import Content
from naftiko.expression.dotted import known_prefix, near_prefix, same_name
from naftiko.expression.path import same_placeholder
from naftiko.expression.placeholders import may_hold_tags
from naftiko.expression.scope import Composed, Scope
from naftiko.expression.template import TemplateError, Value, has_placeholder, parse
from naftiko.expression.text import sendable
from naftiko.ground.types import ABSENT

ADAPTER_PREFIXES = frozenset({"rest", "tools", "mcp"})
"""Prefixes of the caller's inputs, beside the adapter's or aggregate's own namespace."""

Path: TypeAlias = "jsonpath.JSONPath | dotted.DottedPath"

_ENVIRONMENT_LIKE = re.compile(r"[A-Z][A-Z0-9_]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SINGLE = re.compile(r"\{([^{}]+)\}")
_THIS = "$this."
_PLACES = frozenset({"path", "query", "header", "body"})


@dataclass(frozen=True, slots=True)
class Constant:
    """A value of the file."""

    value: Any

    def __call__(self, scope: Scope) -> Any:  # noqa: ARG002  # a value's shape
        """Return it."""
        return self.value


@dataclass(frozen=True, slots=True)
class InputReference:
    """The caller's input of that name, verbatim: dots and brackets belong to the name."""

    name: str

    def __call__(self, scope: Scope) -> Any:
        """Return the input's value, or ABSENT."""
        return scope.inputs.get(self.name, ABSENT)


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable; a missing one raises ``MissingVariable``, it is never empty text (SEMANTICS 2).

    Attributes:
        one_line: whether its value must have one line, as in a URL, a header or a credential; a body may have several.
    """

    name: str
    one_line: bool = False

    def __call__(self, scope: Scope) -> Any:
        """Return its value."""
        return sendable(self.name, scope.variables.value(self.name), one_line=self.one_line)


@dataclass(frozen=True, slots=True)
class InputOrVariable:
    """A name that may be either: the input wins, and only its absence asks the variables.

    Attributes:
        one_line: as of ``Variable``.
    """

    name: str
    one_line: bool = False

    def __call__(self, scope: Scope) -> Any:
        """Return the input's value, else the variable's; ``null`` is an input that was not given."""
        value = scope.inputs.get(self.name, ABSENT)
        if value is None:
            return ABSENT
        if value is not ABSENT:
            return value
        return sendable(self.name, scope.variables.value(self.name), one_line=self.one_line)


@dataclass(frozen=True, slots=True)
class OptionalInput:
    """A declared input that stands where a variable could: ``null`` where it is not given, so that none is asked."""

    name: str

    def __call__(self, scope: Scope) -> Any:
        """Return the input's value, or ``null``."""
        return scope.inputs.get(self.name)


@dataclass(frozen=True, slots=True)
class Defaulted(Composed):
    """A value with what stands in for it where it is absent."""

    value: Value
    default: Any

    def __call__(self, scope: Scope) -> Any:
        """Return the value, else the default."""
        value = self.value(scope)
        return self.default if value is ABSENT or value is None else value


@dataclass(frozen=True, slots=True)
class StepPath:
    """A path into the result of a step: ``$.step.field`` or ``{{step.field}}``."""

    step: str
    path: Path | None

    def __call__(self, scope: Scope) -> Any:
        """Return what the path finds in the step's result, or ABSENT."""
        result = scope.steps.get(self.step, ABSENT)
        if result is ABSENT or self.path is None:
            return result
        return self.path(result)


@dataclass(frozen=True, slots=True)
class ScopePath:
    """A JSONPath over all step results, for what is more than one step and a path in it."""

    path: jsonpath.JSONPath

    def __call__(self, scope: Scope) -> Any:
        """Return what the path finds, or ABSENT."""
        return self.path({**scope.inputs, **scope.steps})


@dataclass(frozen=True, slots=True)
class InputPath:
    """A path into a caller's input that is an object: ``{{filter.kind}}`` where ``filter`` is an input."""

    name: str
    path: Path

    def __call__(self, scope: Scope) -> Any:
        """Return what the path finds in the input's value, or ABSENT."""
        whole = scope.inputs.get(f"{self.name}{self.path.text}", ABSENT)
        return within(scope.inputs.get(self.name, ABSENT), self.path) if whole is ABSENT else whole


@dataclass(frozen=True, slots=True)
class PathInto(Composed):
    """A path into a value that the file makes: ``{{filter.kind}}`` where ``with`` has a ``filter``."""

    value: Value
    path: Path

    def __call__(self, scope: Scope) -> Any:
        """Return what the path finds in the value, or ABSENT."""
        return within(self.value(scope), self.path)


def within(value: Any, path: Path) -> Any:
    """Return what a path finds in a value, or ABSENT; a body that came as bytes is looked into if it is JSON."""
    if isinstance(value, Content):
        if not value.is_json:
            return ABSENT
        try:
            value = value.decoded()
        except (ValueError, RecursionError):
            return ABSENT
    return ABSENT if value is ABSENT else path(value)


@dataclass(frozen=True, slots=True)
class Structure(Composed):
    """A map or a list whose strings are values; a key whose value is absent is left out."""

    template: Any

    def inner(self) -> Iterator[Any]:
        """Yield the map or list."""
        yield self.template

    def __call__(self, scope: Scope) -> Any:
        """Return the structure, filled."""
        return fill(self.template, scope)


def fill(template: Any, scope: Scope) -> Any:
    """Fill a structure of maps, lists and values; absent values leave their key or element out."""
    if isinstance(template, dict):
        filled = {key: fill(value, scope) for key, value in template.items()}
        return {key: value for key, value in filled.items() if value is not ABSENT}
    if isinstance(template, list):
        return [value for value in (fill(element, scope) for element in template) if value is not ABSENT]
    return template(scope) if callable(template) else template


Expression: TypeAlias = Value


@dataclass(frozen=True, slots=True)
class Names:
    """What names mean in one place of a file.

    Attributes:
        prefixes: prefixes of the caller's inputs.
        inputs: the inputs that are declared or otherwise known there.
        steps: the names of earlier steps.
        binds: bind namespace to variable names to the variable's name for the engine.
        open_inputs: whether a name that is nothing else is an input.
        used: collects the inputs that were named, in order.
        variables: collects the variables that were named, in order.
        missing: collects names that mean nothing.
        fixed: whether the place is a fixed value, whose unknown names are never inputs to be inferred.
        free: collects the names that an input may fill and that are variables otherwise.
        route: the placeholders of the exposed path.
        key: the key of ``with`` whose value is compiled.
        places: collects the inputs that a reference looks for in one place of the request, with that place.
        one_line: whether a variable's value must have one line here.
        renamed: inputs that another name stands for here.
        misspelt: collects the names that are certain but for case and punctuation, with what is meant (SEMANTICS 1.4).
        answers: the steps whose answers' status and headers are known there (SEMANTICS 5.10).
        heads: collects those of which some was named.
    """

    prefixes: frozenset[str]
    binds: Mapping[str, frozenset[str]]
    inputs: frozenset[str] = frozenset()
    steps: tuple[str, ...] = ()
    open_inputs: bool = True
    used: dict[str, None] = field(default_factory=dict)
    variables: dict[str, None] = field(default_factory=dict)
    missing: dict[str, None] = field(default_factory=dict)
    fixed: bool = False
    free: dict[str, None] = field(default_factory=dict)
    route: tuple[str, ...] = ()
    key: str | None = None
    places: dict[str, str] = field(default_factory=dict)
    one_line: bool = False
    renamed: Mapping[str, str] = field(default_factory=dict)
    misspelt: dict[str, str] = field(default_factory=dict)
    answers: frozenset[str] = frozenset()
    heads: dict[str, None] = field(default_factory=dict)

    def of_answer(self, text: str, *, is_list: bool = False) -> OfAnswer | None:
        """Return what a text names of the status and the headers of an answer, if it is known here."""
        found = of_answer(text, self.answers, is_list=is_list) if self.answers and text.startswith("$") else None
        if found is not None:
            self.heads[found.step] = None
        return found

    def for_fixed_value(self, name: str, *, one_line: bool) -> Names:
        """Return what names mean in the fixed value of the parameter ``name``."""
        return replace(self, inputs=self.inputs - {name}, fixed=True, one_line=one_line)

    def caller_input(self, text: str) -> str | None:
        """Return the input's name if ``text`` is a reference such as ``rest.limit``; all after the dot is the name.

        Only ``rest.path.x`` and its like, where no input has that name, mean the input ``x`` in that place.
        """
        if text.startswith(_THIS):
            name = self._prefixed(text[len(_THIS) :]) or text[len(_THIS) :].partition(".")[2] or None
        else:
            name = self._prefixed(text)
        if name is None or name in self.inputs:
            return name
        placed = self._placed(name)
        return placed if placed in self.places else self._near_input(placed)

    def _placed(self, name: str) -> str:
        """Return what ``path.x`` means: ``x`` in that place, unless the consumed parameter itself is called ``path.x``.

        ``body.a.b`` is a name with dots, as the flattened fields of a body have them, if there is no input ``a.b``.
        """
        place, _, inner = name.partition(".")
        if place not in _PLACES or not inner:
            return name
        in_route = same_placeholder(inner, self.route) is not None
        meant = self._declared_as(place, inner)
        known = inner == self.key or self.places.get(inner) == place
        if meant is None and (known or in_route):
            # The route's own `x` is another value than the query's.
            meant = inner if place == "path" or not in_route else name
        is_flat = place == "path" or (place == "body" and "." in inner)
        if meant is None and name != self.key and not in_route and not is_flat:
            meant = inner
        if meant is None:
            return name
        self.places.setdefault(meant, place)
        return meant

    def _near_input(self, name: str) -> str:
        """Return the only declared input that is the same but for its spelling, else the name itself."""
        meant = None if self.open_inputs or name in self.inputs else same_name(name, self.inputs)
        if meant is None:
            return name
        self.misspelt[name] = meant
        return meant

    def _declared_as(self, place: str, name: str) -> str | None:
        twin = f"{name} in {place}"  # where two of the name are declared
        if twin in self.inputs:
            return twin
        if name in self.inputs:
            return name
        if place == "path":
            return same_placeholder(name, tuple(sorted(self.inputs)))
        lower = name.lower()
        return next((known for known in self.inputs if known.lower() == lower), None) if place == "header" else None

    def _prefixed(self, text: str) -> str | None:
        """Return what stands after the prefix's dot; a namespace may hold dots itself, the longest one is meant."""
        at = text.rfind(".")
        while at > 0:
            if text[:at] in self.prefixes:
                return text[at + 1 :] or None
            at = text.rfind(".", 0, at)
        return None

    def variable(self, text: str) -> str | None:
        """Return the variable's name if ``text`` is one: ``env.NAME``, ``namespace.NAME``, a bound ``NAME``."""
        prefix, dot, name = text.partition(".")
        if dot and name in self.binds.get(prefix, ()):
            return text
        if prefix == "env" and dot:
            return text
        return text if any(text in names for names in self.binds.values()) else None

    def with_double_braces(self, text: str) -> str:
        """Return a text in which a placeholder of the route, or of a resource's URI, has the braces of a template.

        A path has them single: ``{id}``. So has a text that is nothing but a declared input's name in braces.
        """
        if "{" not in text or has_placeholder(text):
            return text
        alone = _SINGLE.fullmatch(text)
        if alone is not None and alone[1].strip() in self.inputs:
            return f"{{{text}}}"
        return _SINGLE.sub(lambda found: f"{{{found[0]}}}" if found[1].strip() in self.route else found[0], text)

    def is_qualified_variable(self, text: str) -> bool:
        """Tell whether a bare word is a variable by its namespace: ``env.NAME``, or a name that such a bind lists."""
        prefix, dot, name = text.partition(".")
        if not dot:
            return False
        return name in self.binds.get(prefix, ()) or (prefix == "env" and _VARIABLE.fullmatch(name) is not None)

    def resolve(self, text: str) -> Expression:
        """Say what a placeholder means, in this order: reference, input, step, variable, input to be inferred.

        Raises:
            TemplateError: it is a path into a step or an input, and broken.
        """
        try:
            return self._resolved(text)
        except jsonpath.JSONPathError as error:
            raise TemplateError(f"`{text}` is no path: {error.message}", error.column) from error

    def _resolved(self, text: str) -> Expression:
        name = self.caller_input(text)
        if name is None and text in self.inputs:
            name = text
        if name is not None:
            name = self.renamed.get(name, name)
            self.used[name] = None
            return InputReference(name)
        step = self.of_answer(text) or self.step(text)
        if step is not None:
            return step
        variable = self.variable(text)
        if variable is not None:
            self.variables[variable] = None
            return Variable(variable, self.one_line)
        return self._otherwise(text)

    def _otherwise(self, text: str) -> Expression:
        known = known_prefix(text, self.inputs)
        if known is not None:
            name, rest = known
            self.used[name] = None
            return InputPath(name, dotted.parse(rest))
        step = self.near_step(text)
        if step is not None:
            return step
        if self.fixed:
            self.free[text] = None
            return InputOrVariable(text, self.one_line)
        if _ENVIRONMENT_LIKE.fullmatch(text):
            self.free[text] = None
            return InputOrVariable(text, self.one_line)
        name = self._near_input(text)
        if self.open_inputs or name in self.inputs:
            self.used[name] = None
        else:
            self.missing[name] = None
        return InputReference(name)

    def step(self, text: str) -> Expression | None:
        """Return the path into an earlier step's result, if ``text`` begins with one's name."""
        for name in sorted(self.steps, key=len, reverse=True):
            if text == name:
                return StepPath(name, None)
            if text.startswith((f"{name}.", f"{name}[")):
                return StepPath(name, dotted.parse("$" + text[len(name) :]))
        return None

    def near_step(self, text: str, *, whole: bool = False) -> Expression | None:
        """Return the path into the only earlier step whose name a text begins with, or is if ``whole``, nearly so."""
        found = near_prefix(text, self.steps, whole=whole)
        if found is None:
            return None
        written, name, rest = found
        self.misspelt[written] = name
        return StepPath(name, dotted.parse(f"${rest}") if rest else None)


def compile_value(value: Any, names: Names) -> Expression:
    """Compile a ``with`` value (SEMANTICS 3.1).

    Raises:
        TemplateError: a template is broken.
        jsonpath.JSONPathError: a path is broken.
    """
    if isinstance(value, dict | list):
        return Structure(_compile_structure(value, names, compile_value))
    if not isinstance(value, str):
        return Constant(value)
    name = None if has_placeholder(value) else names.caller_input(value)
    if name is None and value in names.inputs:
        name = value
    if name is not None:
        names.used[name] = None
        return InputReference(name)
    if names.is_qualified_variable(value):
        names.variables[value] = None
        return Variable(value, names.one_line)
    value = names.with_double_braces(value)
    if may_hold_tags(value):
        # `$this.namespace.{{name}}` is a reference whose name is written as a placeholder
        is_reference = value.startswith(_THIS) and has_placeholder(value)
        return _compiled(value[value.index("{{") :] if is_reference else value, names)
    if value.startswith("$."):
        return compile_path(value, names)
    return names.of_answer(value) or Constant(value)


def compile_data(value: Any, names: Names) -> Expression:
    """Compile the data of a body: its strings are templates, and nothing else is (SEMANTICS 4.3).

    A text that happens to be a parameter's name, or to begin with ``rest.``, is the API's own word there.

    Raises:
        TemplateError: a template is broken.
    """
    if isinstance(value, dict | list):
        return Structure(_compile_structure(value, names, compile_data))
    if not isinstance(value, str) or not may_hold_tags(value):
        return Constant(value)
    return _compiled(value, names)


def _compiled(text: str, names: Names) -> Expression:
    """Return a template's value; text that only looked like one is a constant."""
    template = parse(text, names.resolve)
    if template.lone:
        return template.lone.value
    return template if template.names else Constant(text)


def compile_path(text: str, names: Names) -> Expression:
    """Compile a JSONPath over step results: ``$.step.field``.

    Raises:
        jsonpath.JSONPathError: the path is broken.
    """
    if text.startswith("$."):
        inner = text.removeprefix("$.")
        step = names.step(inner)
        if step is None and inner not in names.inputs and known_prefix(inner, names.inputs) is None:
            step = names.near_step(inner, whole=True)
        if step is not None:
            return step
    return ScopePath(jsonpath.parse(text))


def _compile_structure(value: Any, names: Names, compile_text: Callable[[Any, Names], Expression]) -> Any:
    if isinstance(value, dict):
        return {key: _compile_structure(inner, replace(names, key=key), compile_text) for key, inner in value.items()}
    if isinstance(value, list):
        return [_compile_structure(inner, names, compile_text) for inner in value]
    if isinstance(value, str):
        compiled = compile_text(value, names)
        return compiled.value if isinstance(compiled, Constant) else compiled
    return value
