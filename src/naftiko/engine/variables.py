"""The variables of a running capability: binds, the environment, and what the operator gives (SEMANTICS 2)."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from naftiko.document.model import Bind
from naftiko.engine.binds import (
    Environment,
    OpenSource,
    Source,
    UnreadableSource,
    file_of,
    mounted_files,
    open_source,
)
from naftiko.engine.reach import FileRoots, ReadableNames
from naftiko.expression.scope import StandIn
from naftiko.ground.errors import MissingVariable
from naftiko.link.sent import looks_secret
from naftiko.observe.redaction import Redactor, is_secret_name
from naftiko.observe.secret_patterns import stands_out

_HOST_OR_PORT = re.compile(r"[\w.-]+(?::[0-9]+)?|\[[0-9A-Fa-f:.]+\](?::[0-9]+)?")
VARIABLE_PREFIX = "NAFTIKO_VAR_"
_PAUSE = 1.0
"""Seconds in which variables are read anew once at most: an API that refuses all calls is no reason to read more."""


class BoundVariables:
    """Resolves ``NAME``, ``namespace.NAME`` and ``env.NAME``.

    What the operator gives (``--var``, ``NAFTIKO_VAR_NAME``) wins over binds, binds over the environment.
    """

    def __init__(  # noqa: PLR0913  # each is another place that values come from
        self,
        binds: Iterable[Bind],
        *,
        given: Mapping[str, str],
        environment: Mapping[str, str] | None = None,
        base: Path,
        open_source: OpenSource = open_source,
        redactor: Redactor | None = None,
        roots: FileRoots | None = None,
        readable: ReadableNames | None = None,
        read_environment: Callable[[], Mapping[str, str]] | None = None,
    ) -> None:
        self.redactor = redactor or Redactor()
        self._given = {name: value for name, value in given.items() if value}
        self._readable = readable or ReadableNames()
        self._surround(dict(os.environ) if environment is None else environment)
        self._read_environment = read_environment
        self._roots = roots
        self._binds = tuple(binds)
        self.redactor.spare(name for bind in self._binds for key in bind.keys.items() for name in key)
        self._base = base
        self._open_source = open_source
        self._sources: dict[str, Source] = {}
        self._values: dict[str, str] = {}
        self._renewal: asyncio.Task[frozenset[str]] | None = None
        self._renewed = -_PAUSE
        self._shown: frozenset[str] = frozenset()
        self._sent: Mapping[str, frozenset[str]] = {}

    def _surround(self, surroundings: Mapping[str, str]) -> None:
        self._prefixed = {
            name.removeprefix(VARIABLE_PREFIX).casefold(): value
            for name, value in surroundings.items()
            if name.startswith(VARIABLE_PREFIX) and value
        }
        self._surroundings = {**surroundings, **self._given}
        self._environment = Environment({**self._readable.of(surroundings), **self._given})

    def show(self, names: Iterable[str]) -> None:
        """Say which variables are hosts and ports: a bind may bring them, and they are no secrets all the same."""
        self._shown = frozenset(name for name in names if not is_secret_name(name))

    def send(self, carriers: Mapping[str, frozenset[str]]) -> None:
        """Say which variables are sent, and under which names (``plan.sent``): one may be a credential."""
        self._sent = carriers

    def value(self, name: str) -> str:
        """Return a variable's value; see ``naftiko.expression.scope.Variables``."""
        value = self.get(name)
        if value is None:
            raise MissingVariable([name], hint=self.hint(name))
        return value

    def get(self, name: str) -> str | None:
        """Return a variable's value, or ``None``; found values are kept."""
        known = self._values.get(name)
        if known is not None:
            return known
        value, from_bind = self._find(name)
        if value is not None:
            self._values[name] = value
            if self._is_credential(name, value):
                self.redactor.learn_credential(value)
            elif (from_bind and not self._is_shown(name, value)) or (name in self._sent and stands_out(value)):
                self.redactor.learn(value)
        return value

    def _is_credential(self, name: str, value: str) -> bool:
        """Tell whether a value is one by the variable's name, by what carries it, or by its looks."""
        if is_secret_name(name):
            return True
        carriers = self._sent.get(name)
        if carriers is None:
            return False
        return any(map(is_secret_name, carriers)) or looks_secret(value, (name.removeprefix("env."), *carriers))

    def _is_shown(self, name: str, value: str) -> bool:
        return name in self._shown and _HOST_OR_PORT.fullmatch(value) is not None

    def public(self, name: str) -> str | None:
        """Return the value of a variable whose use shows it, such as an address or a port: that hides nothing."""
        return self._values.get(name) or self._find(name)[0]

    @property
    def bound_keys(self) -> frozenset[str]:
        """What the variables of its binds are called where they come from."""
        return frozenset(key for bind in self._binds for key in bind.keys.values())

    @property
    def asks_stores(self) -> bool:
        """Whether a bind reads where no file would tell of a change."""
        located = (bind.location for bind in self._binds if bind.location is not None)
        return any(file_of(location, self._base) is None for location in located)

    @property
    def mounted(self) -> list[Path]:
        """The files and directories of mounted secrets that its binds read, whose changes are theirs."""
        located = ((bind.location, bind.keys.values()) for bind in self._binds if bind.location is not None)
        every = (mounted_files(location, keys, self._base, self._surroundings) for location, keys in located)
        return [path for paths in every for path in paths]

    async def renew(self, names: Iterable[str]) -> bool:
        """Read everything anew, beside the event loop; tell whether one of these variables has another value since.

        However many ask for it, it is read once a second at most. What can't be read for a moment keeps its value.
        """
        if self._renewal is None or (self._renewal.done() and time.monotonic() - self._renewed >= _PAUSE):
            self._renewal = asyncio.create_task(self._read_anew(), name="read variables anew")
        return not (await asyncio.shield(self._renewal)).isdisjoint(names)

    async def _read_anew(self) -> frozenset[str]:
        """Return the names of those that have another value."""
        sources = {location: self._opened(location) for location in self._sources}
        keys = [(sources[bind.location], bind.keys.values()) for bind in self._binds if bind.location in sources]

        def read() -> Mapping[str, str] | None:
            for source, several in keys:
                for key in several:
                    source.get(key)
            return None if self._read_environment is None else self._read_environment()

        surroundings = await asyncio.to_thread(read)
        if surroundings is not None:
            self._surround(surroundings)
        kept, self._values, self._sources = self._values, {}, sources
        for name, value in kept.items():
            if self.get(name) is None:
                self._values[name] = value
        self._renewed = time.monotonic()
        return frozenset(name for name, value in kept.items() if self._values[name] != value)

    def hint(self, name: str) -> str:
        """Return where a missing variable could be set."""
        bound = self._bind_of(name)
        plain = name.partition(".")[2] if name.startswith("env.") else name
        if bound is not None:
            bind, key = bound
            if bind.location is None:
                return self._denied(key) or f"set {key} in the environment of the server"
            source = self._source(bind.location)
            reason = f" ({source.reason})" if source.reason else ""
            return f"give the key {key} a value in {bind.location}{reason}"
        denied = self._denied(plain)
        if denied:
            return denied
        return f"set {plain} in the environment of the server, or give it with --var {plain}=VALUE"

    def _denied(self, name: str) -> str:
        why = self._readable.why_not(name) if name in self._surroundings else ""
        return f"{name} of the environment is not read: {why}" if why else ""

    def source_of(self, name: str) -> str:
        """Return where a variable comes from: the key and the location of its bind, ``""`` for the environment."""
        bound = self._bind_of(name)
        if bound is None:
            return ""
        bind, key = bound
        return f"{key} of {bind.location}" if bind.location else "" if key == name else key

    def _find(self, name: str) -> tuple[str | None, bool]:
        """Return a variable's value without blanks and line ends around it, and whether a bind brings it."""
        value, from_bind = self._found(name)
        # The file of a secret ends in a line end, which no header, URL or token has (SEMANTICS 4.2).
        return (value.strip(" \t\r\n") if value else None) or None, from_bind

    def _found(self, name: str) -> tuple[str | None, bool]:
        plain = name.partition(".")[2] if "." in name else name
        given = self._given.get(name) or self._given.get(plain) or self._prefixed.get(plain.casefold())
        if given:
            return given, is_secret_name(plain) or self._bind_of(name) is not None
        bound = self._bind_of(name)
        if bound is None:
            return self._environment.get(plain if name.startswith("env.") else name), False
        bind, key = bound
        source: Source = self._environment if bind.location is None else self._source(bind.location)
        return source.get(key), True

    def _bind_of(self, name: str) -> tuple[Bind, str] | None:
        """Return the bind that a name belongs to, and its key there; a later bind wins over an earlier one."""
        namespace, dot, inner = name.partition(".")
        for bind in reversed(self._binds):
            if dot and bind.namespace == namespace and inner in bind.keys:
                return bind, bind.keys[inner]
        for bind in reversed(self._binds):
            if name in bind.keys:
                return bind, bind.keys[name]
        return None

    def _source(self, location: str) -> Source:
        source = self._sources.get(location)
        if source is None:
            source = self._sources[location] = self._opened(location)
        return source

    def _opened(self, location: str) -> Source:
        """Open a bind's location; a file outside is read unless the operator says where files may lie."""
        path = file_of(location, self._base)
        if path is not None and self._roots is not None and self._roots.named and not self._roots.holds(path):
            return UnreadableSource(self._roots.why_not(path))
        if path is None and location.strip().lower().startswith("env:"):
            return self._environment
        return self._open_source(location, self._base, self._surroundings)


class StandInVariables:
    """Variables for ``--mock``: what is missing is its own name, so that anybody can try any capability."""

    def __init__(self, variables: BoundVariables) -> None:
        self._variables = variables

    def value(self, name: str) -> str:
        """Return a variable's value, or its name in braces."""
        return self._variables.get(name) or StandIn(f"{{{name}}}")

    def get(self, name: str) -> str | None:
        """Return the same."""
        return self.value(name)
