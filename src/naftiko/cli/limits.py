"""The operator's limits for callers: ``--limit``, ``NAFTIKO_LIMIT``, ``[limits]`` of ``naftiko.toml``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import click

from naftiko.document.model import CallerLimits
from naftiko.link.caller_limits import given_limits

KEY: Final = "limits"


def flat(table: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Yield the values of a table as ``--limit`` has them: ``[limits.shop.find]`` is ``shop.find:``."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from flat(value, (*above, key))
        else:
            name = ".".join(above)
            yield f"{name}:{key}" if name else key, str(value).lower() if isinstance(value, bool) else str(value)


def of_callers(pairs: Mapping[str, str]) -> dict[str, CallerLimits]:
    """Return the operator's limits.

    Raises:
        click.UsageError: one makes no sense.
    """
    try:
        return given_limits(pairs)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
