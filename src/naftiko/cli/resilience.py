"""The operator's policies: ``--resilience``, the environment, ``[resilience]`` of ``naftiko.toml``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import click
from pydantic.alias_generators import to_camel

from naftiko.document.dialects.resilience import LONE
from naftiko.document.model import Resilience
from naftiko.document.shapes import shape
from naftiko.link.resilience import operator_defaults

KEY: Final = "resilience"
PREFIX: Final = "NAFTIKO_RESILIENCE_"
_POLICIES: Final = (*(field.name.upper() for field in shape(Resilience).values()), "RATE_LIMIT")


def flat(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Yield the values of a table of tables by the paths of their keys."""
    for key, value in table.items():
        path = f"{above}{key}"
        if isinstance(value, dict):
            yield from flat(value, f"{path}.")
        elif isinstance(value, list):
            yield path, ",".join(map(str, value))
        else:
            yield path, str(value).lower() if isinstance(value, bool) else str(value)


def of_environment(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what variables such as ``NAFTIKO_RESILIENCE_RETRY_MAX_ATTEMPTS`` say, as an operator's manifest has it."""
    for name, value in environment.items():
        policy = _policy_of(name)
        if policy:
            key = name.removeprefix(f"{PREFIX}{policy}").strip("_").lower()
            word = to_camel(policy.lower())
            yield (f"{word}.{to_camel(key)}" if key else word), value


def is_known(name: str) -> bool:
    """Tell whether a variable says a policy; what Kubernetes makes of a service of that name doesn't."""
    return bool(_policy_of(name))


def _policy_of(name: str) -> str:
    rest = name.removeprefix(PREFIX)
    found = (each for each in _POLICIES if f"{rest}_".startswith(f"{each}_"))
    return "" if rest == name else max(found, key=len, default="")


def policies(pairs: Mapping[str, str]) -> Resilience | None:
    """Return the operator's policies.

    Raises:
        click.UsageError: one makes no sense.
    """
    try:
        return operator_defaults(_one_spelling(pairs))
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _one_spelling(pairs: Mapping[str, str]) -> dict[str, str]:
    """Return the pairs, each policy under its first name and its keys, so that the strongest place wins."""
    lone = {**LONE, "circuitBreaker": "enabled"}
    names = {**{key.lower(): key for key in shape(Resilience)}, "ratelimit": "rateLimiter"}
    found: dict[str, str] = {}
    for path, value in pairs.items():
        policy, dot, key = path.partition(".")
        word = names.get(policy.lower(), policy)
        is_flag = value.strip().lower() in ("true", "false")
        found[f"{word}.{key if dot else 'enabled' if is_flag else lone.get(word, '')}".strip(".")] = value
    return found
