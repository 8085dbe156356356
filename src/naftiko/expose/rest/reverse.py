"""The reverse of routing: which exposed route leads to a URL of a consumed API (SEMANTICS 6)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, quote, urljoin, urlsplit

from naftiko.engine.capability import Capability, Unit
from naftiko.expose.rest.reading import placeholders_in_order
from naftiko.expose.rest.router import Router, UndecodablePath, decoded
from naftiko.expression.path import PathPlaceholder, climbs, fill_route
from naftiko.expression.references import Defaulted, InputOrVariable, InputReference, OptionalInput
from naftiko.expression.scope import Scope, Variables
from naftiko.expression.sources import inputs_in, reads_steps
from naftiko.expression.text import as_text
from naftiko.ground.errors import MissingVariable
from naftiko.ground.http import READING
from naftiko.ground.types import ABSENT
from naftiko.plan.actions import Call
from naftiko.plan.inputs import Input as UnitInput
from naftiko.plan.operation import Operation
from naftiko.plan.routes import NO_ROUTE, ExposedRoute
from naftiko.plan.unit import ApiPlan

_PORTS: Final = {"http": 80, "https": 443}
_MOST_PARAMETERS: Final = 100
Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Here:
    """The request that was answered with a URL.

    Attributes:
        url: of the upstream, which relative URLs are relative to.
        root: where the app is mounted.
        unit: what answered.
        values: the raw texts of its route's placeholders, in order.
        query: the caller's, raw.
    """

    url: str
    root: str
    unit: Unit
    values: tuple[str, ...]
    query: str

    def placeholders(self) -> dict[str, str]:
        """Return the raw texts of the route's placeholders by name."""
        return dict(zip(placeholders_in_order(_route(self.unit).path), self.values, strict=False))


@dataclass(frozen=True, slots=True)
class _Way:
    """A route that calls one operation, seen from the operation.

    Attributes:
        path: what each placeholder of the operation's path is made of, in order.
        query: the same of its query's parameters, by name.
        base: the same of the placeholders in the base URI's path.
        fixed: the pairs that the operation's path itself has in its query.
    """

    unit: Unit
    operation: Operation
    path: tuple[Any, ...]
    query: Mapping[str, Any]
    base: Mapping[str, Any]
    fixed: frozenset[tuple[str, str]]

    @property
    def told(self) -> frozenset[str]:
        """The unit's inputs that the URL of a request tells."""
        sources = (*self.path, *self.query.values(), *self.base.values())
        return frozenset(source.name for source in sources if isinstance(source, InputReference))


@dataclass(slots=True)
class _Api:
    """A consumed API, and the ways to it."""

    plan: ApiPlan
    ways: Router[list[_Way]] = field(default_factory=Router)
    forwards: list[Unit] = field(default_factory=list)


class ReverseRoutes:
    """Where the URLs of consumed APIs are among the routes of one adapter; made when the first one is asked for.

    Args:
        capability: whose APIs they are.
        prefix: of the routes.
        units: the routes that are served.
    """

    def __init__(self, capability: Capability, prefix: str, units: Sequence[Unit]) -> None:
        self._prefix = prefix
        self._units = units
        self._variables: Variables = capability.engine.variables
        self._upstreams = capability.upstreams
        self._redact = capability.variables.redactor.redact
        self._apis = {key: _Api(plan) for key, plan in capability.plan.apis.items()}
        self._is_made = False

    def lead(self, target: str, here: Here) -> str | None:
        """Return what a URL reference of an upstream's answer is to a caller.

        Returns:
            the path of a route, with its query; the reference itself where it leads to another origin; ``None`` where
            it would show the address of an upstream, or a credential, or make no sense to a caller.
        """
        found = self._lead(target, here)
        return found if found is None or self._redact(found) == found else None

    def _lead(self, target: str, here: Here) -> str | None:
        try:
            url = urlsplit(urljoin(here.url, target))
            port = url.port
        except ValueError:
            return None
        if url.scheme not in _PORTS or not url.hostname:
            return target if url.scheme not in _PORTS else None
        is_ours = _is_at(url, port, urlsplit(here.url))
        for base, api in self._bases():
            if _is_at(url, port, base):
                is_ours = True
                found = self._below(base, api, url, here)
                if found is not None:
                    fragment = f"#{url.fragment}" if url.fragment else ""
                    return f"{here.root}{found}{fragment}"
        return None if is_ours else target

    def _bases(self) -> list[tuple[SplitResult, _Api]]:
        """Return the APIs with their base URIs as they are now, the most exact first."""
        self._make()
        found: list[tuple[SplitResult, _Api]] = []
        for api in self._apis.values():
            markers = {name: _marker(at) for at, name in enumerate(api.plan.base.path_names)}
            try:
                base = urlsplit(api.plan.base.fill(Scope(markers, self._variables)))
                base.port  # noqa: B018  # raises where it is none
            except (MissingVariable, ValueError):
                continue
            found.append((base, api))
        return sorted(found, key=lambda each: each[0].path.count("/"), reverse=True)

    def _below(self, base: SplitResult, api: _Api, url: SplitResult, here: Here) -> str | None:
        markers = {_marker(at): name for at, name in enumerate(api.plan.base.path_names)}
        cut = _cut(base.path, url.path, markers)
        if cut is None or climbs(url.path):
            return None
        captured, rest = cut
        pairs = self._asked(api.plan, url.query)
        if pairs is None:
            return None
        if here.unit in api.forwards:
            return self._forwarded(here.unit, rest, captured, api.plan, url.query, here)
        for path in dict.fromkeys((rest, rest.removesuffix("/"))):
            for way, values in self._ways(api, path):
                found = self._route(way, values, captured, pairs, here)
                if found is not None:
                    return found
        forwarded = (self._forwarded(unit, rest, captured, api.plan, url.query, here) for unit in api.forwards)
        return next((found for found in forwarded if found is not None), None)

    def _ways(self, api: _Api, path: str) -> Iterator[tuple[_Way, tuple[str, ...]]]:
        """Yield the ways that fit a path, those of GET first, the most fixed first of each."""
        for is_reading in (True, False):
            tried: set[int] = set()
            pick = partial(_untried, is_reading=is_reading, tried=tried)
            while (match := api.ways.find(path, pick)) is not None:
                tried.add(id(match[0]))
                yield match

    def _asked(self, api: ApiPlan, query: str) -> Pairs | None:
        """Return the pairs of a query that a caller has to do with: neither our credential nor the base URI's own."""
        try:
            pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
        except ValueError:
            return None
        ours = {name for where, name in api.credentials if where == "query"}
        own = set(parse_qsl(api.base.query, keep_blank_values=True))
        return [pair for pair in pairs if pair[0] not in ours and pair not in own]

    def _route(
        self, way: _Way, values: tuple[str, ...], captured: Mapping[str, str], pairs: Pairs, here: Here
    ) -> str | None:
        """Return the path and query with which a route makes a request of these values, or ``None``."""
        given = _Given(self._upstreams[way.operation.api].scope({}, way.operation))
        try:
            for source, raw in zip(way.path, values, strict=True):
                given.set(source, decoded(raw))
            for name, raw in captured.items():
                given.set(way.base.get(name), decoded(raw))
        except UndecodablePath:
            return None
        if not way.fixed.issubset(pairs):
            return None
        for name, value in pairs:
            if (name, value) not in way.fixed:
                given.add(way.query.get(name), value)
        return None if given.is_wrong else _written(self._prefix, way, given.inputs, here)

    def _forwarded(  # the parts of one URL
        self, unit: Unit, rest: str, captured: Mapping[str, str], api: ApiPlan, query: str, here: Here
    ) -> str | None:
        """Return the path of a forward with the rest of a path below it."""
        action = None if unit.plan.action is None else unit.plan.action.forwarded
        ours = self._upstreams[api.key].scope({}).inputs
        if action is None or any(ours.get(name) != raw for name, raw in captured.items()):
            return None
        known = here.placeholders()
        if action.path_variable is not None:
            known[action.path_variable] = rest.removeprefix("/")
        elif rest.strip("/"):
            return None
        path = fill_route(_route(unit).path, lambda name: known.get(name, ""))
        added = {name for where, name in api.credentials if where == "query"}
        added |= {each.name for each in api.parameters if each.location == "query" and each.fixed is not None}
        own = api.base.query.split("&") if api.base.query else []
        kept = [pair for pair in query.split("&") if pair and pair not in own and _name(pair) not in added]
        return f"{self._prefix}{path}{'?' if kept else ''}{'&'.join(kept)}"

    def _make(self) -> None:
        if self._is_made:
            return
        self._is_made = True
        for unit in self._units:
            action = unit.plan.action
            if action is None:
                continue
            if action.forwarded is not None and action.forwarded.api in self._apis:
                self._apis[action.forwarded.api].forwards.append(unit)
            call = action.inner.only_call
            if call is not None and call.operation.api in self._apis:
                self._add(unit, call, [dict(call.arguments), *map(dict, action.layers)])

    def _add(self, unit: Unit, call: Call, layers: Sequence[Mapping[str, Any]]) -> None:
        operation = call.operation
        api = self._apis[operation.api]
        placeholders = operation.path.placeholders
        numbered = iter(range(len(placeholders)))
        text = "".join(part if isinstance(part, str) else f"{{{next(numbered)}}}" for part in operation.path.parts)
        query: dict[str, Any] = {
            parameter.name: parameter.fixed if parameter.fixed is not None else InputReference(parameter.name)
            for parameter in operation.parameters
            if parameter.location == "query"
        }
        query |= {extra.name: InputReference(extra.name) for extra in call.extras if extra.place == "query"}
        fixed: set[tuple[str, str]] = set()
        for pair in operation.path.query:
            name = decoded(pair.name)
            value = pair.value or ()
            if len(value) == 1 and isinstance(value[0], PathPlaceholder):
                query[name] = value[0].value
            elif all(isinstance(part, str) for part in value):
                fixed.add((name, decoded("".join(part for part in value if isinstance(part, str)))))
        way = _Way(
            unit,
            operation,
            tuple(_source(placeholder.value, layers) for placeholder in placeholders),
            {name: _source(value, layers) for name, value in query.items()},
            {name: _source(InputOrVariable(name), layers) for name in api.plan.base.path_names},
            frozenset(fixed),
        )
        spans = bool(placeholders) and placeholders[-1].keeps_slashes
        api.ways.add(text, [], spans=spans).append(way)


class _Given:
    """The unit's inputs that a URL tells.

    Attributes:
        inputs: the texts of each.
        is_wrong: whether the URL can't be one that the unit calls.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.inputs: defaultdict[str, list[str]] = defaultdict(list)
        self.is_wrong = False

    def set(self, source: Any, text: str) -> None:
        """Say what one part of the path is; a part that stands twice must say the same."""
        if not isinstance(source, InputReference):
            self._compare(source, text)
        elif self.inputs.setdefault(source.name, [text]) != [text]:
            self.is_wrong = True

    def add(self, source: Any, text: str) -> None:
        """Say a value of a parameter of the query, which may have several."""
        if isinstance(source, InputReference):
            self.inputs[source.name].append(text)
        else:
            self._compare(source, text)

    def _compare(self, source: Any, text: str) -> None:
        """Compare with what the route sends whatever it is given: something of the file, a variable."""
        try:
            value = ABSENT if source is None or inputs_in(source) or reads_steps(source) else source(self._scope)
        except MissingVariable:
            value = ABSENT
        if value is ABSENT or as_text(value) != text:
            self.is_wrong = True


def _untried(ways: Sequence[_Way], *, is_reading: bool, tried: Container[int]) -> _Way | None:
    fitting = (way for way in ways if (way.unit.method in READING) is is_reading and id(way) not in tried)
    return next(fitting, None)


@dataclass(frozen=True, slots=True)
class _Unmapped:
    """What no argument of the call is: a credential of ours in the path, or a variable."""

    name: str
    may_be_variable: bool

    def __call__(self, scope: Scope) -> Any:
        value = scope.inputs.get(self.name, ABSENT)
        return scope.variables.value(self.name) if value is ABSENT and self.may_be_variable else value


def _source(value: Any, layers: Iterable[Mapping[str, Any]]) -> Any:
    """Return what a value of an operation is made of: an input of the unit, a constant, a variable, or else."""
    for bindings in layers:
        while isinstance(value, Defaulted):
            value = value.value
        if not isinstance(value, InputReference | OptionalInput | InputOrVariable):
            return value
        if value.name not in bindings:
            return _Unmapped(value.name, isinstance(value, InputOrVariable))
        value = bindings[value.name]
    while isinstance(value, Defaulted):
        value = value.value
    return InputReference(value.name) if isinstance(value, InputReference | OptionalInput | InputOrVariable) else value


def _written(prefix: str, way: _Way, given: Mapping[str, list[str]], here: Here) -> str | None:
    """Return the path and query of a route with these inputs; ``None`` where a request can't be made of them.

    What no URL of the upstream tells, such as a header that a placeholder of the route becomes, is as in the request
    that was answered.
    """
    by_name = {each.name: each for each in way.unit.inputs}
    in_path = {each.wire_name: each.name for each in by_name.values() if each.location == "path"}
    present = here.placeholders()
    filled: dict[str, str] = {}
    route = _route(way.unit)
    for name in placeholders_in_order(route.path):
        texts = given.get(in_path.get(name, ""))
        text = present.get(name, "") if texts is None else quote(texts[0], safe="") if len(texts) == 1 else ""
        if not text:
            return None
        filled[name] = text
    path = prefix + fill_route(route.path, filled.__getitem__)
    pairs = list(_conditions(route))
    for name, texts in given.items():
        found = by_name.get(name)
        if found is None or found.location not in {"path", "query"}:
            return None
        said = route.fixed.get(found.wire_name) if found.location == "query" else None
        if said is not None and texts != [said]:
            return None  # the route is for another value
        if found.location == "query" and said is None:
            pairs.extend(f"{quote(found.wire_name, safe='')}={quote(text, safe='')}" for text in texts)
    carried = _carried(way, given, here)
    if carried is None or climbs(path):
        return None
    pairs.extend(carried)
    return f"{path}?{'&'.join(pairs)}" if pairs else path


def _conditions(route: ExposedRoute) -> Iterator[str]:
    """Yield the pairs that a request of a route must have, but for those whose values are inputs."""
    for pair in route.pairs:
        if not pair.placeholder:
            name = quote(pair.name, safe="")
            yield name if pair.value is None else f"{name}={quote(pair.value, safe='')}"


def _route(unit: Unit) -> ExposedRoute:
    return unit.plan.route or NO_ROUTE


def _carried(way: _Way, given: Mapping[str, list[str]], here: Here) -> list[str] | None:
    """Return the pairs of the answered request's query that hold on; ``None`` where one is missing."""
    kept: list[str] = []
    told = way.told
    for each in way.unit.inputs:
        if each.location != "query" or each.name in given:
            continue
        is_needed = each.required and each.default is ABSENT and each.constant is ABSENT
        found = _present(each, here) if is_needed or (way.unit is here.unit and each.name not in told) else []
        if is_needed and not found:
            return None
        kept.extend(found)
    return kept


def _present(found: UnitInput, here: Here) -> list[str]:
    names = {found.wire_name, found.alias, f"{found.wire_name}[]"}
    return [pair for pair in here.query.split("&") if _name(pair) in names]


def _name(pair: str) -> str:
    return next((name for name, _ in parse_qsl(pair, keep_blank_values=True)), "")


def _is_at(url: SplitResult, port: int | None, base: SplitResult) -> bool:
    """Tell whether a URL is at the host and port of another one.

    A server behind a proxy often loses the port, or takes https for http: without a port it is the same one.
    """
    return url.hostname == base.hostname and (port is None or port == (base.port or _PORTS.get(base.scheme)))


def _cut(base: str, path: str, markers: Mapping[str, str]) -> tuple[dict[str, str], str] | None:
    """Return what stands for the placeholders of a base URI's path, and the path below it; ``None`` outside of it."""
    expected = [segment for segment in base.split("/") if segment]
    segments = path.removeprefix("/").split("/")
    captured: dict[str, str] = {}
    if len(segments) < len(expected):
        return None
    for want, segment in zip(expected, segments, strict=False):
        if want in markers:
            captured[markers[want]] = segment
        elif want != segment:
            return None
    return captured, "/" + "/".join(segments[len(expected) :])


def _marker(at: int) -> str:
    """Return the text that stands for a placeholder of a base URI while it is filled in."""
    return f"~~{at}~~"
