"""Compile what REST answers say about caching, and tell what contradicts itself (SEMANTICS 6.5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from naftiko.document.findings import Findings
from naftiko.document.model import ExposedOperation, ExposedResource, HttpCache, RestAdapter
from naftiko.ground.http import READING, is_token
from naftiko.plan.caching import NO_STORE, PRIVATE, PUBLIC, CacheHeaders
from naftiko.plan.unit import UnitPlan

_YEAR = 31_536_000
"""Seconds; longer is forever, for caches."""
_USUAL = "60"
"""Seconds that the answers of a function may be kept which is ``cacheable``."""
_WRITES = CacheHeaders(directives=((NO_STORE, ""),), etag=False)
_SECONDS = {"max_age": "max-age", "s_max_age": "s-maxage", "stale_while_revalidate": "stale-while-revalidate"}
_FLAGS = {
    "no_cache": "no-cache",
    "no_store": NO_STORE,
    "must_revalidate": "must-revalidate",
    "immutable": "immutable",
}
_KEYS = {"max_age": "maxAge", "s_max_age": "sMaxAge", "stale_while_revalidate": "staleWhileRevalidate"}


def cache_headers(declared: HttpCache | None, unit: UnitPlan, *, has_callers: bool) -> CacheHeaders | None:
    """Return what the answers of a route say; ``None``: what they say without a word of the file.

    Args:
        declared: the file's block.
        unit: the route.
        has_callers: whether its adapter asks who calls.
    """
    if declared is None and not unit.cacheable:
        return None
    if unit.method not in READING:
        return _WRITES
    if declared is None:
        scope = PRIVATE if has_callers else PUBLIC
        return CacheHeaders(directives=((scope, ""), ("max-age", _USUAL)))
    directives: list[tuple[str, str]] = [] if declared.scope is None else [(declared.scope, "")]
    directives += [(name, str(max(0, value))) for name, value in _seconds(declared)]
    directives += [(name, "") for key, name in _FLAGS.items() if getattr(declared, key)]
    etag = (bool(directives) or declared.propagate) if declared.etag is None else declared.etag
    vary = tuple(name for name in declared.vary if is_token(name))
    return CacheHeaders(tuple(directives), vary, etag=etag, propagate=declared.propagate)


def _seconds(declared: HttpCache) -> Iterator[tuple[str, int]]:
    for key, name in _SECONDS.items():
        value: int | None = getattr(declared, key)
        if value is not None:
            yield name, value


def check_cache_headers(
    declared: HttpCache, operation: ExposedOperation, resource: ExposedResource, unit: UnitPlan, findings: Findings
) -> None:
    """Tell what can't be done as it is said."""
    if declared.propagate and resource.forward is not None:
        findings.at(declared.at("propagate")).error(
            "cache-forward",
            f"`{resource.path}` forwards, and what is forwarded keeps the headers that it has",
            hint="take `propagate` away, or declare the operation in a resource of its own",
        )
    for name in declared.vary:
        if not is_token(name):
            findings.at(declared.at("vary")).warning(
                "cache-vary", f"`{name[:80]}` is no name of a header; it is left out of `Vary`", hint="write its name"
            )
    if (unit.method or "") not in READING:
        findings.at(operation.at("cache")).warning(
            "cache-method",
            f"the answer of a {unit.method} is never kept: `no-store` is what it says",
            hint="take `cache` away",
        )


def lint_cache_headers(adapter: RestAdapter, findings: Findings) -> None:
    """Tell what works and is probably not as meant."""
    for resource in adapter.resources:
        for operation in resource.operations:
            declared = operation.cache
            if declared is None or (operation.method or "GET").upper() not in READING:
                continue
            _lint_times(declared, findings)
            if declared.scope == PUBLIC and adapter.authentication is not None:
                findings.at(declared.at("scope")).warning(
                    "cache-public",
                    "the adapter asks who calls, and `public` lets proxies give the answer to anybody",
                    hint="write `scope: private`",
                )
            inputs = (*adapter.input_parameters, *resource.input_parameters, *operation.input_parameters)
            _lint_vary(
                declared, (one.name or "" for one in inputs if (one.location or "").lower() == "header"), findings
            )


def _lint_times(declared: HttpCache, findings: Findings) -> None:
    if declared.no_store and (declared.scope is not None or any(True for _ in _seconds(declared))):
        findings.at(declared.at("noStore")).warning(
            "cache-no-store",
            "`noStore` says that nothing may be kept, and other keys say for how long or by whom",
            hint="take one of them away",
        )
    for key, written in _KEYS.items():
        value: int | None = getattr(declared, key)
        if value is not None and not 0 <= value <= _YEAR:
            findings.at(declared.at(written)).warning(
                "cache-age",
                f"`{written}: {value}` is {'less than nothing' if value < 0 else 'more than a year'}, in seconds",
                hint=f"write seconds from 0 to {_YEAR}",
            )


def _lint_vary(declared: HttpCache, headers: Iterable[str], findings: Findings) -> None:
    if declared.no_store:
        return
    known = {name.lower() for name in declared.vary} | ({"authorization"} if declared.scope == PRIVATE else set())
    for name in dict.fromkeys(headers):
        if name and name.lower() not in known:
            findings.at(declared.node).warning(
                "cache-vary",
                f"the answer depends on the header `{name}`, which `vary` doesn't name: a cache may give it to "
                "somebody who sends another one",
                hint=f"write `vary: [{name}]`",
            )
