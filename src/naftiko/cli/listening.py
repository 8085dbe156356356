"""The options that say where to listen, which ``serve`` and ``health`` share."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import click

from naftiko.cli.options import environment_option
from naftiko.serve.sockets import OwnPort, is_port

_DIGITS: Final = 18
"""Of the longest number that an option may mean."""


class NamedNumber(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on only
    """``NAME=NUMBER``.

    Args:
        name: what the help calls it.
        like: an example, for who got it wrong.
        most: the largest number.
        least: the smallest number.
        unnamed: the name that a number without one has; ``""``: it must have one.
    """

    def __init__(self, name: str, like: str, most: float = math.inf, *, least: int = 0, unnamed: str = "") -> None:
        self.name = name
        self._like = like
        self._most = most
        self._least = least
        self._unnamed = unnamed

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """Return the name and the number."""
        if isinstance(value, tuple):
            return value
        name, equals, number = str(value).rpartition("=")
        name = name if equals else self._unnamed
        is_number = number.isdecimal() and len(number) <= _DIGITS
        if not name or not is_number or not self._least <= int(number) <= self._most:
            self.fail(f"`{value}` is not like {self._like}", param, ctx)
        return name.strip(), int(number)


class CheckedType(click.ParamType):  # type: ignore[type-arg]  # likewise
    """A text that a function takes, or says in a ``ValueError`` why not.

    Args:
        name: what the help calls it.
        check: the function.
    """

    def __init__(self, name: str, check: Callable[[str], object]) -> None:
        self.name = name
        self._check = check

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text."""
        try:
            self._check(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return str(value)


PORT = NamedNumber("NAME=PORT", "rest=18080 or mcp=0 (0 to 65535)", 65_535)
"""``rest=18080``, ``mcp=0``, ``NAMESPACE=0`` or ``'github-*=8081'``."""


class _OwnPort(click.ParamType):  # type: ignore[type-arg]  # likewise
    """``[HOST:]PORT``."""

    name = "[HOST:]PORT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """Return the host, or ``""``, and the port."""
        if isinstance(value, tuple):
            return value
        host, _, port = str(value).strip().rpartition(":")
        if not port.isdecimal() or len(port) > _DIGITS or not is_port(int(port)):
            self.fail(f"`{value}` is not like 9464 or 127.0.0.1:9464 (ports are 0 to 65535)", param, ctx)
        return host.strip("[]"), int(port)


OWN_PORT = _OwnPort()
"""``9464``, ``0.0.0.0:9464``, ``[::1]:9464``."""


def own_port(given: tuple[str, int] | None, host: str, token: str | None = None) -> OwnPort | None:
    """Return what ``[HOST:]PORT`` means.

    Args:
        given: host and port; ``None``: the option isn't there.
        host: where it has no host.
        token: what callers must show.
    """
    return None if given is None else OwnPort(given[0] or host, given[1], token)


def option(name: str, **attributes: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """An option that is also ``NAFTIKO_…`` in the environment, after its own name."""
    variable = f"NAFTIKO_{name.removeprefix('--').upper().replace('-', '_')}"
    return environment_option(name, variable=variable, **attributes)
