"""The options of ``serve`` that share state with other processes and machines (docs/shared-state.md)."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import click

from naftiko.cli.listening import option

if TYPE_CHECKING:
    from naftiko.engine.shared_state import SharedState

_SECONDS: Final = 0.5
_PREFIX: Final = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
_DERIVED: Final = ("NAFTIKO_HANDLE_KEY", "NAFTIKO_NONCE_KEY")
"""What all processes of all replicas must have alike; one key is enough."""

_OPTIONS: Final = (
    option(
        "--shared",
        metavar="URL",
        help="Share limits, stored answers and more with all processes that name the same Redis or Valkey: "
        "redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], rediss:// or unix://; best given by the environment. Needs "
        "naftiko[shared].",
    ),
    option(
        "--shared-prefix",
        metavar="TEXT",
        default="naftiko",
        help="What the names of its keys begin with: what has the same prefix shares; default: naftiko.",
    ),
    option(
        "--shared-timeout",
        type=click.FloatRange(min=0, min_open=True, max=60),
        default=_SECONDS,
        metavar="SECONDS",
        help="How long it may take, before everything goes on without it; default: 0.5.",
    ),
    option(
        "--shared-tokens",
        is_flag=True,
        help="Share access tokens to consumed APIs too, sealed with NAFTIKO_SHARED_KEY.",
    ),
)


def shared_state_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command."""
    for add in reversed(_OPTIONS):
        command = add(command)
    return command


def shared_state(given: Mapping[str, Any]) -> SharedState | None:
    """Return what is shared, by the options; ``None``: nothing.

    Where there is a key, those of handles and nonces that aren't given are made of it.

    Raises:
        click.UsageError: an option is wrong; the text has nothing of the URL.
        NaftikoError: the client is not installed.
    """
    if not given["shared"]:
        if given["shared_tokens"]:
            raise click.UsageError("--shared-tokens: there is nothing to share them by; give --shared URL too")
        return None
    from naftiko.engine.shared_state import Address, SharedState, SharedStore  # noqa: PLC0415  # only where it is asked for
    from naftiko.engine.shared_state.state import KEY_VARIABLE, SHORTEST_KEY  # noqa: PLC0415  # likewise

    if not _PREFIX.fullmatch(given["shared_prefix"]):
        raise click.UsageError("--shared-prefix: 1 to 100 letters, digits and _ . : -")
    key = os.environ.get(KEY_VARIABLE, "")
    if key and len(key) < SHORTEST_KEY:
        raise click.UsageError(
            f"{KEY_VARIABLE} is shorter than {SHORTEST_KEY} characters; `openssl rand -hex 32` makes one"
        )
    if given["shared_tokens"] and not key:
        raise click.UsageError(f"--shared-tokens: tokens are sealed, and {KEY_VARIABLE} has no key for that")
    try:
        address = Address.of(given["shared"])
    except ValueError as error:
        raise click.UsageError(f"--shared: {error}") from None
    store = SharedStore(address, given["shared_timeout"])
    made = SharedState(store, given["shared_prefix"], key.encode(), tokens=given["shared_tokens"])
    for name in _DERIVED if key else ():
        os.environ.setdefault(name, made.derived(name))
    return made
