"""Find out what a capability reaches: which variables go where, which files are read (SEMANTICS 9)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from naftiko.document.model import Bind
from naftiko.engine.binds import file_of
from naftiko.engine.locations import located
from naftiko.engine.reach import Reach, UsedFile, UsedVariable
from naftiko.plan.adapters import linked
from naftiko.plan.sent import variables_of_value
from naftiko.plan.unit import ApiPlan, UnitPlan

if TYPE_CHECKING:
    from naftiko.engine.capability import Capability

_WITH_SCHEMAS = frozenset({"avro", "protobuf"})


def reach_of(capability: Capability) -> Reach:
    """Return what a capability reaches, in the order of its file."""
    used: dict[str, dict[str, None]] = {}
    for name, target in _sent(capability):
        used.setdefault(name, {})[target] = None
    known = capability.variables
    variables = [
        UsedVariable(name, known.source_of(name), tuple(targets), known.public(name) is not None)
        for name, targets in used.items()
    ]
    return Reach(tuple(variables), tuple(_files(capability, used)))


def host_of(api: ApiPlan) -> str:
    """Return the host, and port, that calls to an API go to, with placeholders as the file has them."""
    text = api.base.text.strip()
    authority = urlsplit(text).netloc if "://" in text else text.partition("/")[0]
    return authority.rpartition("@")[2] or f"the base URI of {api.namespace}"


def _sent(capability: Capability) -> Iterator[tuple[str, str]]:
    apis = capability.plan.apis
    for api in apis.values():
        own = [name for parameter in api.parameters for name in variables_of_value(parameter.fixed)]
        for name in (*api.variables, *own):
            yield from ((name, host) for host in (host_of(api), *_token_hosts(api)))
    for adapter in capability.plan.adapters:
        callers = f"the callers of {adapter.namespace or adapter.kind}"
        for unit in adapter.runnable:
            sent = list(_sent_by(unit, capability))
            yield from sent
            kept = {name for name, _ in sent}
            yield from ((name, callers) for name in unit.variables if name not in kept)
        yield from ((name, f"the login of {adapter.namespace or adapter.kind}") for name in adapter.variables)


def _sent_by(unit: UnitPlan, capability: Capability) -> Iterator[tuple[str, str]]:
    action = unit.action
    if action is None:
        return
    hosts: dict[str, None] = {}
    for _, call in action.calls:
        host = host_of(capability.plan.apis[call.operation.api])
        hosts[host] = None
        values = (value for _, value in call.arguments)
        inside = [name for value in values for name in variables_of_value(value)]
        yield from ((name, host) for name in (*call.variables, *inside))
    for _, value in itertools.chain(*action.layers):
        yield from ((name, host) for name in variables_of_value(value) for host in hosts)


def _token_hosts(api: ApiPlan) -> Iterator[str]:
    addresses = {} if api.authentication is None else api.authentication.addresses()
    for url in addresses.values():
        host = urlsplit(url.strip()).netloc.rpartition("@")[2]
        if host:
            yield host


def _files(capability: Capability, used: dict[str, dict[str, None]]) -> Iterator[UsedFile]:
    base, roots, document = capability.path.parent, capability.roots, capability.document
    for bind in document.binds:
        path = file_of(bind.location, base) if isinstance(bind, Bind) and bind.location else None
        if path is not None and isinstance(bind, Bind):
            names = {*bind.keys, *(f"{bind.namespace}.{key}" for key in bind.keys)}
            targets = tuple(dict.fromkeys(target for name in used if name in names for target in used[name]))
            is_outside = roots.is_outside(path)
            refused = roots.why_not(path) if roots.named else ""
            is_named = bool(roots.named) and not refused
            yield UsedFile(path, f"bind `{bind.namespace}`", is_outside, refused, targets, is_named)
    for path, used_as in _read(capability, base):
        yield UsedFile(path, used_as, roots.is_outside(path), roots.why_not(path))


def _read(capability: Capability, base: Path) -> Iterator[tuple[Path, str]]:
    for kind, adapter in linked(capability.document):
        for what, thing in kind.files(adapter):
            if thing.location:
                yield located(thing.location, base, capability.variables), f"{what} `{thing.name}`"
    for api in capability.document.consumes:
        for resource in getattr(api, "resources", ()):
            for operation in resource.operations:
                if operation.output_schema and (operation.output_raw_format or "").lower() in _WITH_SCHEMAS:
                    yield base / operation.output_schema, f"schema of `{operation.name}`"
    yield from ((path, "import") for path in capability.imported)
