"""The options of ``serve`` that bound what callers' connections may take, on every port alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import click

from naftiko.cli.listening import option
from naftiko.engine.capability import Capability
from naftiko.expose.announcement import Announcement
from naftiko.serve.limits import ConnectionLimits
from naftiko.serve.sockets import FEW, most_connections, raise_limit

_USUAL: Final = ConnectionLimits()
_SECONDS: Final = click.FloatRange(min=0, min_open=True)

_OPTIONS: Final = (
    option(
        "--max-head-bytes",
        type=click.IntRange(min=1024),
        default=_USUAL.head_bytes,
        metavar="BYTES",
        help="The largest request line and header fields together; more is answered 431; default: 65536.",
    ),
    option(
        "--max-head-fields",
        type=click.IntRange(min=1),
        default=_USUAL.head_fields,
        metavar="FIELDS",
        help="The most header fields of a request; more are answered 431; default: 100.",
    ),
    option(
        "--head-timeout",
        type=_SECONDS,
        default=_USUAL.head_seconds,
        metavar="SECONDS",
        help="Time for a request's head, and for the first byte of a connection; default: 20.",
    ),
    option(
        "--body-timeout",
        type=_SECONDS,
        default=_USUAL.body_seconds,
        metavar="SECONDS",
        help="Time for a request's body, and a second more for each 500 bytes that came; default: 30.",
    ),
    option(
        "--answer-timeout",
        type=_SECONDS,
        default=_USUAL.write_seconds,
        metavar="SECONDS",
        help="Time in which a caller must read something of an answer that waits; default: 60.",
    ),
    option(
        "--idle-timeout",
        type=click.IntRange(min=1),
        default=_USUAL.keep_alive_seconds,
        metavar="SECONDS",
        help="Time that a connection stays open between two requests; default: 75.",
    ),
    option(
        "--max-connections",
        type=click.IntRange(min=0),
        metavar="CONNECTIONS",
        help="Callers' connections at once in each process: above it idle ones are closed, and new ones answered 503; "
        "0: any number; default: what the limit of open files leaves, at most 10000.",
    ),
    option(
        "--max-connections-per-address",
        type=click.IntRange(min=0),
        default=_USUAL.connections_per_address,
        metavar="CONNECTIONS",
        help="Connections at once of one address; default: 0, any number, since a proxy is one address.",
    ),
)


def connection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command."""
    for each in reversed(_OPTIONS):
        command = each(command)
    return command


def connection_limits(
    given: dict[str, Any], capabilities: Sequence[Capability], tell: Callable[[Announcement], None]
) -> ConnectionLimits:
    """Return the limits; how many connections there may be follows from the process's, if nobody says it.

    Args:
        given: the options.
        capabilities: whose upstreams need connections too.
        tell: told where few are left.
    """
    descriptors = raise_limit()
    most = given["max_connections"]
    if most is None:
        most = most_connections(descriptors, _upstream(capabilities))
        if most < FEW:
            text = f"{most} connections of callers at once, since the process may open {descriptors} files (ulimit -n)"
            facts = {"event": "connections", "connections": most, "descriptors": descriptors}
            tell(Announcement(f"warning: {text}", facts, is_warning=True))
    return ConnectionLimits(
        head_bytes=given["max_head_bytes"],
        head_fields=given["max_head_fields"],
        head_seconds=given["head_timeout"],
        body_seconds=given["body_timeout"],
        write_seconds=given["answer_timeout"],
        keep_alive_seconds=given["idle_timeout"],
        connections=most,
        connections_per_address=given["max_connections_per_address"],
    )


def _upstream(capabilities: Iterable[Capability]) -> int:
    return sum(upstream.limits.connections for each in capabilities for upstream in each.upstreams.values())
