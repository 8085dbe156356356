"""Exposed routes: the path that a request must have, and the query that is a condition (SEMANTICS 6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_plus

from naftiko.document.model import ExposedResource, InputParameter, RestAdapter
from naftiko.expression.path import (
    all_placeholders,
    begins_with,
    join,
    placeholders,
    same_placeholder,
    shape,
    split_path,
)
from naftiko.expression.placeholders import IN_ADDRESS


@dataclass(frozen=True, slots=True)
class QueryPair:
    """A pair of the query of an exposed path.

    Attributes:
        value: what a request must say; ``None``: anything.
        placeholder: the input that its value is, or ``""``.
    """

    name: str
    value: str | None = None
    placeholder: str = ""


@dataclass(frozen=True, slots=True)
class ExposedRoute:
    """An exposed path, taken apart.

    Attributes:
        text: as the file has it.
        path: without its query, and without a fragment, which no request has.
        pairs: its query.
    """

    text: str
    path: str
    pairs: tuple[QueryPair, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The placeholders of its path, each once, in order."""
        return placeholders(self.path)

    @property
    def in_query(self) -> dict[str, str]:
        """The placeholders of its query, with the names of their pairs."""
        return {pair.placeholder: pair.name for pair in self.pairs if pair.placeholder}

    @property
    def fixed(self) -> dict[str, str]:
        """The pairs whose value is fixed and whose name stands once, which a caller need not give twice."""
        times = Counter(pair.name for pair in self.pairs)
        return {pair.name: pair.value for pair in self.pairs if pair.value is not None and times[pair.name] == 1}

    @property
    def key(self) -> tuple[object, ...]:
        """What two routes share that answer the same requests: placeholders' names and the order of pairs aside."""
        return shape(self.path), tuple(sorted((pair.name, pair.value or "", pair.value is None) for pair in self.pairs))

    def fit(self, query: Mapping[str, Sequence[str]]) -> tuple[bool, int, bool] | None:
        """Return how well a request's query fits, better ones are greater; ``None``: not at all.

        The more of its pairs a request has, the better. A pair whose value is an input is no condition: a route whose
        only pairs are such answers without them too, where no other does, and says what is missing.
        """
        asked = Counter(pair for pair in self.pairs if not pair.placeholder)
        for pair, times in asked.items():
            values = query.get(pair.name, ())
            if (not values) if pair.value is None else (list(values).count(pair.value) < times):
                return None
        inputs = [pair.name in query for pair in self.pairs if pair.placeholder]
        return bool(asked) or all(inputs), asked.total() + sum(inputs), all(inputs)


NO_ROUTE = ExposedRoute("", "")
"""Of what is no route: a tool, a function."""


def parse_route(text: str) -> ExposedRoute:
    """Take an exposed path apart."""
    path, query, _ = split_path(text)
    return ExposedRoute(text, path, tuple(_pairs(query[1:])))


def _pairs(query: str) -> Iterator[QueryPair]:
    for pair in query.split("&"):
        name, equals, value = pair.partition("=")
        if not name and not equals:
            continue
        names = all_placeholders(value)
        if names and IN_ADDRESS.fullmatch(value.strip()):
            yield QueryPair(unquote_plus(name), placeholder=names[0])
        elif names or not equals:
            yield QueryPair(unquote_plus(name))
        else:
            yield QueryPair(unquote_plus(name), unquote_plus(value))


def exposed_path(resource: str | None, operation: str | None) -> str:
    """Return an exposed operation's full path from its resource's and its own."""
    path = resource or "/"
    if operation:
        path = join(path, operation, complete=path != "/" and begins_with(operation, path))
    return path if path.startswith("/") else f"/{path}"


@dataclass(frozen=True, slots=True)
class OuterInputs:
    """The inputs that an adapter and a resource declare for one of their routes.

    Attributes:
        levels: the outer one first.
        weak: the names of those that stand in the paths of other routes: this one has them only if it uses them.
    """

    levels: tuple[Sequence[InputParameter], ...] = ()
    weak: frozenset[str] = frozenset()


NO_OUTER_INPUTS = OuterInputs()


def outer_inputs(adapter: RestAdapter, resource: ExposedResource, route: ExposedRoute) -> OuterInputs:
    """Return what an adapter and a resource declare for a route; a path input of other routes comes in the query."""
    of_adapter, theirs = _of_level(adapter.input_parameters, adapter.resources, route)
    of_resource, others = _of_level(resource.input_parameters, (resource,), route)
    return OuterInputs((of_adapter, of_resource), theirs | others)


def _of_level(
    given: Sequence[InputParameter], resources: Sequence[ExposedResource], route: ExposedRoute
) -> tuple[Sequence[InputParameter], frozenset[str]]:
    here = (*route.names, *route.in_query)
    lost = [each for each in given if _is_in_path(each) and same_placeholder(each.name or "", here) is None]
    if not lost:
        return given, frozenset()
    paths = (exposed_path(each.path, operation.path) for each in resources for operation in each.operations)
    elsewhere = tuple({name for path in paths for name in all_placeholders(path)})
    weak = frozenset(each.name for each in lost if each.name and same_placeholder(each.name, elsewhere))
    return [each.model_copy(update={"location": "query"}) if each.name in weak else each for each in given], weak


def _is_in_path(given: InputParameter) -> bool:
    return (given.location or "").lower() == "path"
