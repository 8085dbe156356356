"""Names on the command line and in the environment that mean nothing: most likely they are misspelt.

A name that an option gives is an error, a pattern that fits nothing a warning: it may be meant for other files. The
environment, too, is there for other commands and files: what means nothing in it is a warning.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

import click
from click.core import ParameterSource

from naftiko.cli import resilience
from naftiko.cli.settings import VARIABLES, Given
from naftiko.document.suggest import did_you_mean
from naftiko.engine.capability import Capability
from naftiko.engine.variables import VARIABLE_PREFIX
from naftiko.expose.registry import KINDS
from naftiko.expose.selection import fits
from naftiko.link.caller_limits import fits_any

_SHOWN: Final = 10
_FEW: Final = 2000
"""Units among which a similar name is looked for, which takes a while."""
_EACH: Final = "*"
"""The name of a number that stands alone, and is each API's."""
_PATTERN: Final = re.compile(r"[*?\[]")
_OF_KUBERNETES: Final = re.compile(r"NAFTIKO_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)")
"""What Kubernetes sets for services whose name begins with `naftiko`."""

Warn = Callable[[str], None]


@dataclass(slots=True)
class KnownNames:
    """What names may mean in the capabilities of a command.

    Attributes:
        consumed: namespaces of consumed APIs.
        exposed: namespaces of adapters.
        units: namespace and name of each route and tool.
        variables: the environment variables that they read.
        kinds: kind of the adapter and name of each route and tool.
        operations: the keys of consumed operations.
    """

    consumed: dict[str, None] = field(default_factory=dict)
    exposed: dict[str, None] = field(default_factory=dict)
    units: set[tuple[str, str]] = field(default_factory=set)
    variables: set[str] = field(default_factory=set)
    kinds: set[tuple[str, str]] = field(default_factory=set)
    operations: dict[str, None] = field(default_factory=dict)

    @classmethod
    def of(cls, capabilities: Iterable[Capability]) -> KnownNames:
        """Gather the names of capabilities."""
        found = cls()
        for capability in capabilities:
            found.add(capability)
        return found

    def spellings(self) -> list[str]:
        """Return how a route or tool may be named."""
        return [spelt for namespace, name in self.units for spelt in (name, f"{namespace}/{name}")]

    def add(self, capability: Capability) -> None:
        """Add the names of one."""
        self.consumed.update((api.namespace, None) for api in capability.plan.apis.values())
        self.exposed.update((adapter.namespace, None) for adapter in capability.adapters if adapter.namespace)
        self.units.update((unit.namespace, unit.name) for unit in capability.units)
        self.operations.update(dict.fromkeys(capability.plan.operations))
        self.variables.update(capability.environment_names())
        self.kinds.update((unit.plan.adapter, unit.name) for unit in capability.units)


@dataclass(frozen=True, slots=True)
class _Unknown:
    """A name that means nothing.

    Attributes:
        text: where it stands, and what it is.
        is_certain: whether it is an error; else it may be meant for something else.
    """

    text: str
    is_certain: bool


def check_names(known: KnownNames, environment: Mapping[str, str], *, warn: Warn, complete: bool = True) -> None:
    """Tell which names of the command line and the environment mean nothing.

    Args:
        known: what they may mean.
        environment: the process's, with what ``--env-file`` adds.
        warn: told a sentence for each that is a warning.
        complete: whether all files could be loaded; if not, a name may be one of a file that could not.

    Raises:
        click.UsageError: a name of the command line means nothing.
    """
    context = click.get_current_context()
    given = next((value for value in context.meta.values() if isinstance(value, Given)), Given())
    found = [
        *_unknown_apis(given, environment, known),
        *_unknown_operations(given, environment, known),
        *_unknown_limited(given, environment, known),
        *_unknown_numbered(context, _Numbered("port", "adapter", known.exposed, "exposed", tuple(KINDS))),
        *_unknown_numbered(
            context,
            _Numbered("upstream-max-concurrent-calls", "consumed API", known.consumed, "consumed", (_EACH,)),
        ),
    ]
    wrong = [each.text for each in found if each.is_certain and complete]
    if wrong:
        raise click.UsageError("\n  ".join(wrong))
    for each in (*found, *_unknown_units(context, known)):
        warn(each.text)
    for name in sorted(environment):
        if name.startswith("NAFTIKO_") and not _is_known(name, environment[name], known):
            hint = did_you_mean(name, VARIABLES) or "docs/settings.md has them all"
            warn(f"the environment variable {name} is no setting; {hint}")


def _is_known(name: str, value: str, known: KnownNames) -> bool:
    if name in VARIABLES or name.startswith(VARIABLE_PREFIX) or name in known.variables or resilience.is_known(name):
        return True
    return _OF_KUBERNETES.fullmatch(name) is not None or value.startswith(("tcp://", "udp://", "sctp://"))


def _unknown_apis(given: Given, environment: Mapping[str, str], known: KnownNames) -> Iterator[_Unknown]:
    """Yield the names of consumed APIs that are none's."""
    for key, texts in (("base-uri", given.base_uri), ("auth", given.auth), ("comma-arrays", given.comma_arrays)):
        variable = f"NAFTIKO_{key.upper().replace('-', '_')}"
        for option, each in ((f"--{key}", texts), (f"{variable}:", environment.get(variable, "").split())):
            for text in each:
                name, equals, _ = text.partition("=")
                if not _fits_any(name.strip(), known.consumed):
                    what = f"{option} {name.strip()}{'=…' if equals else ''} names no consumed API"
                    hint = _hint(name.strip(), known.consumed, "consumed")
                    yield _Unknown(f"{what}; {hint}", option.startswith("--") and not _PATTERN.search(name))


def _unknown_operations(given: Given, environment: Mapping[str, str], known: KnownNames) -> Iterator[_Unknown]:
    """Yield the names of ``--websocket`` that are no consumed operation's."""
    variable = "NAFTIKO_WEBSOCKET"
    for option, texts in (("--websocket", given.websocket), (f"{variable}:", environment.get(variable, "").split())):
        for name in texts:
            if not _fits_any(name, known.operations):
                hint = _hint(name, known.operations, "consumed")
                is_certain = option.startswith("--") and not _PATTERN.search(name)
                yield _Unknown(f"{option} {name} names no consumed operation; {hint}", is_certain)


def _unknown_limited(given: Given, environment: Mapping[str, str], known: KnownNames) -> Iterator[_Unknown]:
    """Yield the names of ``--limit`` that are no adapter's and no unit's."""
    every = [*known.units, *((adapter, "") for adapter in (*known.exposed, *KINDS))]
    every += [(kind, name) for kind, name in known.kinds]
    for option, texts in (("--limit", given.limit), ("NAFTIKO_LIMIT:", environment.get("NAFTIKO_LIMIT", "").split())):
        for text in texts:
            name, colon, _ = text.partition("=")[0].rpartition(":")
            if colon and not fits_any(name.strip(), every):
                hint = _hint(name.strip(), [f"{one}.{two}" if two else one for one, two in every[:_FEW]], "exposed")
                is_certain = option.startswith("--") and not _PATTERN.search(name)
                yield _Unknown(f"{option} {name.strip()}:… names no adapter and none of its units; {hint}", is_certain)


@dataclass(frozen=True, slots=True)
class _Numbered:
    """An option of ``NAME=NUMBER``.

    Attributes:
        option: without its dashes.
        what: its names are of.
        known: those that there are.
        kind: the section of a file that they stand in.
        others: names that may stand there whatever the files have.
    """

    option: str
    what: str
    known: Iterable[str]
    kind: str
    others: tuple[str, ...] = ()


def _unknown_numbered(context: click.Context, numbered: _Numbered) -> Iterator[_Unknown]:
    """Yield the names of an option that are nothing's; a settings file is for many capabilities."""
    parameter = numbered.option.replace("-", "_")
    source = context.get_parameter_source(parameter)
    if source is ParameterSource.DEFAULT_MAP:
        return
    is_option = source is ParameterSource.COMMANDLINE
    said = f"--{numbered.option}" if is_option else f"NAFTIKO_{parameter.upper()}:"
    for name, number in context.params.get(parameter) or ():
        if name not in numbered.others and not _fits_any(name, numbered.known):
            hint = _hint(name, (*numbered.others, *numbered.known), numbered.kind)
            is_certain = is_option and not _PATTERN.search(name)
            yield _Unknown(f"{said} {name}={number} names no {numbered.what}; {hint}", is_certain)


def _unknown_units(context: click.Context, known: KnownNames) -> Iterator[_Unknown]:
    """Yield the patterns that fit nothing which is exposed; a tool may be gone, so none is an error."""
    for parameter in ("allow_tool", "deny_tool", "answer_budgets"):
        if context.get_parameter_source(parameter) is ParameterSource.DEFAULT_MAP:
            continue
        for given in context.params.get(parameter) or ():
            pattern = given[0] if isinstance(given, tuple) else given
            if not any(fits(pattern, namespace, name) for namespace, name in known.units):
                hint = _hint(pattern, known.spellings() if len(known.units) < _FEW else (), "")
                yield _Unknown(
                    f"--{parameter.replace('_', '-')} {pattern} fits no tool and no route; {hint}", is_certain=False
                )


def _fits_any(name: str, known: Iterable[str]) -> bool:
    return any(fnmatchcase(each, name) for each in known)


def _hint(name: str, known: Iterable[str], kind: str) -> str:
    names = list(known)
    if found := did_you_mean(name, names):
        return found
    if not kind:
        return "`naftiko inspect` lists them"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{kind}: {', '.join(names[:_SHOWN]) or 'nothing'}{more}"
