"""The document side of the corpus oracle: from YAML text to operations, functions and adapters.

Written straight from the contract and from the files, with plain PyYAML. It shares no code with ``naftiko`` and
imports nothing from it, so that a mistake in the engine can't hide in the expectation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

Thing = dict[str, Any]
NAMED_SECTIONS = ("consumes", "exposes", "aggregates", "binds")
PATH_SUFFIXES = (".yml", ".yaml", ".json")
PLACEHOLDER = re.compile(r"\{\{([^{}]+)\}\}|\{([^{}]+)\}")
TEMPLATE = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")


class Unservable(Exception):
    """The file is no capability: broken YAML, or no root key with a version."""


class CoreLoader(yaml.CSafeLoader):
    """PyYAML's C loader with the scalars of YAML 1.2's core schema (contract, chapter 1.1)."""


CoreLoader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+0123456789."),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("merge", r"<<", "<"),
):
    CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first))


@dataclass(frozen=True)
class Parameter:
    """One consumed parameter after merging; ``value`` is ``None`` where the file fixes none."""

    name: str
    location: str
    type: str | None = None
    required: bool | None = None
    description: str | None = None
    value: Any = None


@dataclass
class Scope:
    """The binds that one file sees: variable name to source key, and the namespaces they stand in."""

    sources: dict[str, str] = field(default_factory=dict)
    namespaces: set[str] = field(default_factory=set)

    def names_variable(self, placeholder: str) -> bool:
        """Tell whether ``{{placeholder}}`` can only be a variable from outside, never a caller's input."""
        head, dot, _ = placeholder.partition(".")
        return placeholder in self.sources or bool(dot and (head == "env" or head in self.namespaces))


@dataclass
class Operation:
    """One consumed operation with everything that its consumes entry adds to it; ``resource`` is where it stands."""

    namespace: str
    name: str
    resource: Thing
    description: str
    method: str
    path: str
    parameters: list[Parameter]
    body: Any
    base_uri: str
    authentication: Thing
    scope: Scope
    answers: str
    outputs: Any


@dataclass
class Function:
    """One function of an aggregate."""

    namespace: str
    name: str
    definition: Thing


@dataclass
class Document:
    """A capability, its imports followed.

    ``operations`` is keyed by ``namespace.operation``; several of one name are there in the order of the file.
    ``credentials`` has the authentication of each consumed namespace, ``websockets`` the operations that aren't HTTP.
    """

    path: Path
    operations: dict[str, list[Operation]] = field(default_factory=dict)
    namespaces: set[str] = field(default_factory=set)
    credentials: dict[str, Thing] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    exposes: list[Thing] = field(default_factory=list)
    scope: Scope = field(default_factory=Scope)
    problems: list[str] = field(default_factory=list)
    websockets: set[str] = field(default_factory=set)


def named(things: Any) -> list[Thing]:
    """Bring a list of named things, or a map from name to thing, to a list of things with ``name``."""
    if isinstance(things, dict):
        return [{"name": str(key), **thing} for key, thing in things.items() if isinstance(thing, dict)]
    if isinstance(things, list):
        return [thing for thing in things if isinstance(thing, dict)]
    return []


def text(value: Any) -> str:
    """Return a scalar of the file as text; nothing is ``""``."""
    return "" if value is None else str(value)


@lru_cache(maxsize=64)
def read(path: Path) -> Thing:
    """Parse one file, once for all of its sections, and check that it is a capability (contract, chapter 1.2)."""
    try:
        root = yaml.load(path.read_text("utf-8-sig"), Loader=CoreLoader)
    except yaml.YAMLError as error:
        raise Unservable(f"broken YAML: {error}") from error
    if not isinstance(root, dict):
        raise Unservable("not a map")
    version = root.get("naftiko", root.get("ikanos"))
    if not isinstance(version, (str, float, int)):
        raise Unservable("no root key naftiko or ikanos with a version")
    return root


def section(root: Thing, key: str) -> list[Thing]:
    """Join a section of ``capability`` with the same one at the root (contract, chapter 1.3)."""
    capability = root.get("capability")
    parts = (capability if isinstance(capability, dict) else {}).get(key), root.get(key)
    entries = [entry for part in parts for entry in named(part)]
    for entry in entries:
        if "namespace" not in entry and "import" not in entry and entry.get("name"):
            entry["namespace"] = entry["name"]
    return entries


def import_of(entry: Thing) -> tuple[str, str, str] | None:
    """Return an import entry as (file, namespace there, namespace here), or ``None`` for an entry of its own."""
    if "import" not in entry:
        return None
    wanted = text(entry["import"])
    file = entry.get("location", entry.get("from"))
    alias = text(entry.get("as"))
    if file is None and ("/" in wanted or wanted.endswith(PATH_SUFFIXES)):
        return wanted, alias, alias
    return text(file), wanted, alias or wanted


def entries(path: Path, key: str, seen: tuple[tuple[Path, str], ...] = ()) -> Iterator[tuple[Thing, Path] | str]:
    """Yield a section's entries, each with the file that it stands in; a problem with an import is a text."""
    try:
        own = section(read(path), key)
    except (Unservable, OSError) as error:
        yield f"{path.name}: {error}"
        return
    for entry in own:
        target = import_of(entry)
        if target is None:
            yield entry, path
            continue
        file, wanted, alias = target
        found = (path.parent / file).resolve()
        if (found, wanted) in seen:
            yield f"import cycle at {file}"
            continue
        hits = 0
        for item in entries(found, key, (*seen, (found, wanted))):
            if isinstance(item, tuple) and text(item[0].get("namespace")) == wanted:
                hits += 1
                yield {**item[0], "namespace": alias}, item[1]
        if not hits:
            yield f"import of {wanted} from {file} finds nothing"


def scope_of(*paths: Path) -> Scope:
    """Collect the binds of some files; the first file's keys win."""
    scope = Scope()
    for path in paths:
        for item in entries(path, "binds"):
            if not isinstance(item, tuple):
                continue
            if item[0].get("namespace"):
                scope.namespaces.add(text(item[0]["namespace"]))
            keys = item[0].get("keys")
            for name, source in (keys if isinstance(keys, dict) else {}).items():
                scope.sources.setdefault(str(name), text(source) or str(name))
    return scope


def parameters_of(*levels: Thing) -> list[Parameter]:
    """Merge the parameters of consumes, resource and operation: inner over outer by name and location.

    Choice: header names are compared without case, as HTTP does.
    """
    merged: dict[tuple[str, str], Parameter] = {}
    for level in levels:
        for item in named(level.get("inputParameters")):
            name, location = text(item.get("name")), text(item.get("in") or "query")
            kind = item.get("type")
            if isinstance(kind, list):
                kind = next((one for one in kind if one != "null"), None)
            key = (name.lower() if location == "header" else name, location)
            merged[key] = Parameter(
                name,
                location,
                kind if isinstance(kind, str) else None,
                item.get("required") if isinstance(item.get("required"), bool) else None,
                item.get("description"),
                item.get("value", item.get("const")),
            )
    return list(merged.values())


def segments(path: str) -> list[str]:
    """Split a path into its non-empty segments."""
    return [part for part in path.split("/") if part]


def paths_are_complete(pairs: list[tuple[str, str]]) -> bool:
    """Apply the rule of chapter 4.1 to the (resource path, operation path) pairs of one consumes entry."""
    for resource, operation in pairs:
        own = segments(resource)
        if own and segments(operation)[: len(own)] == own:
            return True
    return False


def operations_of(entry: Thing, scope: Scope) -> Iterator[Operation]:
    """Yield the operations of one consumes entry, parameters merged and paths joined."""
    resources = named(entry.get("resources"))
    pairs = [
        (text(resource.get("path")), text(operation.get("path")))
        for resource in resources
        for operation in named(resource.get("operations"))
    ]
    complete = paths_are_complete(pairs)
    for resource in resources:
        for operation in named(resource.get("operations")):
            path, own = text(resource.get("path")), text(operation.get("path"))
            if own:
                path = own if complete else f"{path.rstrip('/')}/{own.lstrip('/')}"
            authentication = entry.get("authentication")
            yield Operation(
                text(entry.get("namespace")),
                text(operation.get("name")),
                resource,
                text(operation.get("description")).strip(),
                text(operation.get("method") or "GET").upper(),
                path,
                parameters_of(entry, resource, operation),
                operation.get("body"),
                text(entry.get("baseUri")),
                authentication if isinstance(authentication, dict) else {},
                scope,
                text(operation.get("outputRawFormat") or "json"),
                operation.get("outputParameters"),
            )


@lru_cache(maxsize=64)
def load(path: Path) -> Document:
    """Read a capability with its imports.

    Raises:
        Unservable: the file is no capability.
    """
    read(path)
    document = Document(path, scope=scope_of(path))
    for item in entries(path, "consumes"):
        if isinstance(item, str):
            document.problems.append(item)
            continue
        entry, home = item
        if text(entry.get("type")).lower() == "websocket":
            spoken = operations_of(entry, document.scope)
            document.websockets.update(f"{operation.namespace}.{operation.name}" for operation in spoken)
            continue
        if text(entry.get("type") or "http").lower() != "http":
            document.problems.append(f"{entry.get('namespace')} is of a type that can't be called: {entry['type']}")
            continue
        document.namespaces.add(text(entry.get("namespace")))
        if isinstance(entry.get("authentication"), dict):
            document.credentials.setdefault(text(entry.get("namespace")), entry["authentication"])
        # Choice: an imported consumes entry sees the binds of its own file and of the capability that imports it.
        for operation in operations_of(entry, scope_of(path, home) if home != path else document.scope):
            document.operations.setdefault(f"{operation.namespace}.{operation.name}", []).append(operation)
    for item in entries(path, "aggregates"):
        if isinstance(item, tuple):
            for thing in named(item[0].get("functions", item[0].get("flows"))):
                function = Function(text(item[0].get("namespace")), text(thing.get("name")), thing)
                document.functions.setdefault(f"{function.namespace}.{function.name}", function)
    document.exposes = [item[0] for item in entries(path, "exposes") if isinstance(item, tuple)]
    return document
