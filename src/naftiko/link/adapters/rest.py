"""The REST adapter when a file is loaded: a unit for each path and method (SEMANTICS 6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from naftiko.document.findings import Findings
from naftiko.document.model import (
    AdapterModel,
    ExposedOperation,
    ExposedResource,
    Forward,
    Model,
    RestAdapter,
    Semantics,
)
from naftiko.document.suggest import listed
from naftiko.expression.path import has_loose_brace
from naftiko.ground.http import READING, SAFE_METHODS
from naftiko.link.adapters.kind import AdapterKind, Declaration, Linker, Place
from naftiko.link.caching import cache_headers, check_cache_headers, lint_cache_headers
from naftiko.link.namesakes import Evidence
from naftiko.link.resolving import tell_misspelt
from naftiko.link.responses import with_responses
from naftiko.link.route_checks import check_method, tell_duplicates
from naftiko.plan.addresses import SOCKETS
from naftiko.plan.forward import ForwardAction
from naftiko.plan.inputs import InputSet
from naftiko.plan.outputs import IDENTITY
from naftiko.plan.routes import exposed_path, outer_inputs, parse_route
from naftiko.plan.unit import AdapterPlan, UnitPlan


class _Rest(AdapterKind[RestAdapter]):
    model: ClassVar[type[AdapterModel]] = RestAdapter
    lacks: ClassVar[str] = "route"

    def link(self, model: RestAdapter, linker: Linker) -> AdapterPlan:
        units: list[UnitPlan] = []
        limiting, all_limits = linker.limiting, linker.limiting.of_adapter(model, model.limits)
        for resource in model.resources:
            below = limiting.of_resource(model, resource.limits, resource.path or "", all_limits)
            for operation in resource.operations:
                route = parse_route(exposed_path(resource.path, operation.path))
                place = Place(
                    self.kind,
                    model.namespace or "",
                    (operation.method or "GET").upper(),
                    route,
                    outer_inputs(model, resource, route),
                    model.max_binary_size,
                    resource.at("path") if operation.path is None else operation.at("path"),
                )
                linked = with_responses(linker.unit(operation, place), operation, linker.findings)
                unit = _marked(linked, operation, resource, model, linker.findings)
                limits = limiting.of_unit(model, operation.limits, unit.name, below)
                units.append(unit if limits is None else replace(unit, limits=limits))
            if resource.forward is not None:
                unit = self._forward(model, resource, resource.forward, linker)
                units.append(replace(unit, limits=limiting.of_unit(model, None, unit.name, below)))
        tell_duplicates(units, linker.findings)
        return linker.adapter(model, units, kept=model.without_place(resources=()))

    def _forward(self, adapter: RestAdapter, resource: ExposedResource, forward: Forward, linker: Linker) -> UnitPlan:
        written, apis = forward.target_namespace or "", linker.apis
        target = apis.operations.namespace(written)
        route = parse_route(exposed_path(resource.path, None))
        names = route.names
        here = linker.findings.at(forward.at("targetNamespace"))
        reason = ""
        if target is None:
            reason = f"there is no namespace `{written}` to forward to"
            here.error("unknown-namespace", reason, hint=f"known: {listed(apis.plans)}")
        else:
            if target != written:
                tell_misspelt(here, written, target)
            if apis.plans[target].base.schemes is SOCKETS:
                reason = f"`{target}` is an API of WebSockets: no request can be forwarded to it"
                here.error("blocked-call", reason, hint="call its operations, one by one")
            elif apis.plans[target].blocked:
                reason = f"`{target}` can't be called: {apis.plans[target].blocked}"
                here.error("blocked-call", reason)
        action = ForwardAction(
            target or "",
            frozenset(name.lower() for name in forward.trusted_headers),
            "path" if "path" in names else (names[-1] if names else None),
        )
        return UnitPlan(
            adapter=self.kind,
            namespace=adapter.namespace or "",
            name=resource.name or "forward",
            alias=resource.name or "forward",
            label=resource.label,
            description=resource.description,
            method=None,
            path=route.text,
            route=route,
            call=None,
            action=None if reason else action,
            reason=reason,
            inputs=InputSet(()),
            outputs=IDENTITY,
            position=linker.findings.position(forward.node),
        )

    def mentions(self, model: RestAdapter) -> Iterator[tuple[str, Declaration, Evidence]]:
        for resource in model.resources:
            for operation in resource.operations:
                evidence = Evidence(
                    path=exposed_path(resource.path, operation.path),
                    resource_path=resource.path or "",
                    resource=resource.name,
                    description=operation.description,
                    method=(operation.method or "GET").upper(),
                )
                yield "routes", operation, evidence

    def shown(self, model: RestAdapter) -> Iterator[Model]:
        for resource in model.resources:
            yield resource
            yield from resource.operations

    def undescribed(self, unit: UnitPlan) -> str:
        return f"the route {unit.method} {unit.path}" if unit.method is not None else ""

    def check(self, model: RestAdapter, findings: Findings) -> None:
        for resource in model.resources:
            for thing in _with_paths(resource):
                if thing.path and has_loose_brace(thing.path):
                    findings.at(thing.at("path")).error(
                        "broken-template",
                        f"the path `{thing.path}` holds a brace without its pair: no request has it",
                        hint="a placeholder is written `{name}`",
                    )
            for operation in resource.operations:
                check_method(operation, findings)

    def lint(self, model: RestAdapter, findings: Findings) -> None:
        lint_cache_headers(model, findings)
        for resource in model.resources:
            for thing in _with_paths(resource):
                path = thing.path or ""
                if "?" in path:
                    findings.at(thing.at("path")).hint(
                        "query-in-route",
                        f"the query of `{path}` is a condition: the route answers requests that have it",
                        hint="other engines don't know that; to take a value, declare an input with `in: query`",
                    )
                elif len(path) > 1 and path.endswith("/"):
                    findings.at(thing.at("path")).hint(
                        "route-slash", f"the path `{path}` ends with `/`, which callers forget", hint=path.rstrip("/")
                    )

    def contradictions(self, unit: Declaration, semantics: Semantics) -> Iterator[str]:
        """Compare with the method of the route (RFC 9110 chapter 9.2)."""
        method = (unit.method if isinstance(unit, ExposedOperation) else None) or "GET"
        method = method.upper()
        if semantics.safe and method not in SAFE_METHODS:
            yield f"is safe, but the route is a {method}"
        if semantics.safe is False and method in READING:
            yield f"is not safe, but the route is a {method}, which caches and crawlers call freely"
        if semantics.idempotent and method == "POST":
            yield "is idempotent, but the route is a POST"


def _marked(
    unit: UnitPlan, operation: ExposedOperation, resource: ExposedResource, model: RestAdapter, findings: Findings
) -> UnitPlan:
    """Return a route with what its answers say about caching."""
    cache = cache_headers(operation.cache, unit, has_callers=model.authentication is not None)
    if operation.cache is not None:
        check_cache_headers(operation.cache, operation, resource, unit, findings)
    if cache is None:
        return unit
    action = unit.action
    return replace(unit, cache=cache, action=action.propagating if cache.propagate and action is not None else action)


def _with_paths(resource: ExposedResource) -> tuple[ExposedResource | ExposedOperation, ...]:
    return resource, *resource.operations


REST = _Rest()
"""Routes over HTTP."""
