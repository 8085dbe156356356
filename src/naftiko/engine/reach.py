"""What a capability file may reach, and what it does reach: variables, hosts and files (SEMANTICS 9)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from naftiko.document.model import Bind
from naftiko.engine.binds import file_of
from naftiko.expression.placeholders import VARIABLE
from naftiko.expression.scope import Variables
from naftiko.ground.errors import NaftikoError
from naftiko.ground.seen import seen
from naftiko.link.adapters import linked
from naftiko.link.sent import variables_of_value
from naftiko.plan.unit import ApiPlan, UnitPlan

if TYPE_CHECKING:
    from naftiko.engine.capability import Capability


_OWN: Final = frozenset(
    {"NAFTIKO_AUTH", "NAFTIKO_HANDLE_KEY", "NAFTIKO_NONCE_KEY", "NAFTIKO_SHARED", "NAFTIKO_SHARED_KEY"}
)
"""The engine's own secrets, which are nothing to a capability."""


class OutOfReach(NaftikoError):
    """A file that a capability names and may not read."""


class FileRoots:
    """Where the files of a capability lie: below its own directory, or a root that the operator names.

    Attributes:
        own: the capability's directory, links resolved.
        named: the operator's roots, directories or single files, likewise.
    """

    def __init__(self, base: Path, named: Iterable[Path] = ()) -> None:
        self.own = base.resolve()
        self.named = tuple(root.resolve() for root in named)

    def holds(self, path: Path) -> bool:
        """Tell whether a path lies below one of them, links resolved."""
        try:
            real = path.resolve()
        except (OSError, RuntimeError, ValueError):  # links in a circle; a NUL
            return False
        return any(real.is_relative_to(root) for root in (self.own, *self.named))

    def is_outside(self, path: Path) -> bool:
        """Tell whether a path lies outside of the capability's own directory."""
        return not FileRoots(self.own).holds(path)

    def why_not(self, path: Path) -> str:
        """Return why a path may not be read, ``""`` where it may."""
        if self.holds(path):
            return ""
        return f"it lies outside of {self.own}; let it be read with --file-root {path}"

    def check(self, path: Path, written: str) -> None:
        """Let a path through that lies below one of them.

        Raises:
            OutOfReach: it doesn't.
        """
        why = self.why_not(path)
        if why:
            raise OutOfReach(f"`{written}` is not read: {why}")


@dataclass(frozen=True, slots=True)
class ReadableNames:
    """Which variables of the environment a capability may read.

    Attributes:
        allowed: names or patterns; none: all.
        denied: names or patterns, which win.
    """

    allowed: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()

    def why_not(self, name: str) -> str:
        """Return why a variable may not be read, ``""`` where it may."""
        if name in _OWN:
            return "it is the server's own"
        if any(fnmatchcase(name, pattern) for pattern in self.denied):
            return "--deny-env names it"
        if self.allowed and not any(fnmatchcase(name, pattern) for pattern in self.allowed):
            return "--allow-env doesn't name it"
        return ""

    def of(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the variables of an environment that may be read."""
        return {name: value for name, value in environment.items() if not self.why_not(name)}


@dataclass(frozen=True, slots=True)
class UsedVariable:
    """A variable and where its value goes.

    Attributes:
        name: as the file has it.
        source: what it is called where it comes from, and where that is; ``""`` for the environment under its name.
        targets: hosts as base URIs have them, or whose callers get it.
        is_set: whether it has a value.
    """

    name: str
    source: str
    targets: tuple[str, ...]
    is_set: bool


@dataclass(frozen=True, slots=True)
class UsedFile:
    """A file or directory that a capability makes the engine read.

    Attributes:
        path: where it is.
        used_as: what for.
        is_outside: whether it lies outside of the capability's directory.
        refused: why it is not read, or ``""``.
        is_named: whether it lies below a root that the operator names.
        targets: where its values go, of a bind's.
    """

    path: Path
    used_as: str
    is_outside: bool
    refused: str
    targets: tuple[str, ...] = ()
    is_named: bool = False


@dataclass(frozen=True, slots=True)
class Reach:
    """What a capability uses."""

    variables: tuple[UsedVariable, ...]
    files: tuple[UsedFile, ...]

    @property
    def outside(self) -> Sequence[UsedFile]:
        """The files outside of the capability's directory."""
        return [file for file in self.files if file.is_outside]

    def by_target(self, *, set_ones: bool = False) -> Iterator[tuple[str, list[str]]]:
        """Yield each target with the variables whose values go there; only those that have one, if wanted."""
        found: dict[str, list[str]] = {}
        for variable in (each for each in self.variables if each.is_set or not set_ones):
            for target in variable.targets:
                found.setdefault(target, []).append(variable.name)
        yield from found.items()


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
        needed = api.variables
        if api.login is not None:
            needed, host = api.login.others, host_of(apis[api.login.call.operation.api])
            yield from ((name, host) for name in api.login.variables)
        for name in (*needed, *own):
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
    for call in (each for _, made in action.calls for each in made.every):
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


def named_files(capability: Capability) -> Iterator[Path]:
    """Yield the files that a capability is made of or reads values from, beside its own."""
    yield from (used.path for used in _files(capability, {}))


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
    yield from _scripts(capability)
    yield from ((path, "import") for path in capability.imported)


def _scripts(capability: Capability) -> Iterator[tuple[Path, str]]:
    scripting = capability.engine.scripting
    if scripting is not None:
        actions = (unit.action for unit in capability.plan.units if unit.action is not None)
        found = {script: None for action in actions for script in action.scripts}
        yield from ((path, f"script `{each.step}`") for each in found for path in scripting.files(each))


def located(location: str, base: Path, variables: Variables) -> Path:
    """Return the path that a ``file://`` location means: absolute, or relative to the capability file.

    ``file:///data/docs`` is absolute; ``file://docs``, ``file://./docs`` and ``file:///./docs`` are relative.
    Variables in it are filled in; one without a value stays as it is, so that the path is not found.

    Args:
        location: as the file has it.
        base: the directory of the capability file.
        variables: the capability's.
    """
    filled = VARIABLE.sub(lambda found: variables.get(found[1]) or found[0], location)
    text = filled.removeprefix("file://").replace(
        "\0", "\N{REPLACEMENT CHARACTER}"
    )  # no file system has a NUL in a name
    if text.startswith(("/./", "/../")):
        text = text[1:]
    return (base / text).resolve()


def is_there(path: Path) -> bool:
    """Tell whether there is a file or a directory; a name that no file system has, such as a long one, is none."""
    try:
        return seen("there", path, path.exists)
    except (OSError, ValueError):
        return False
