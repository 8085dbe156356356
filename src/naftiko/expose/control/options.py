"""What an operator decides about control adapters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from naftiko.expose.control.contract import Processes
from naftiko.expose.http.gate import host_pattern, origin_pattern


@dataclass(frozen=True, slots=True)
class ControlOptions:
    """Options of a control app.

    Attributes:
        allowed_hosts: names beside the loopback ones under which it may be called.
        allowed_origins: origins beside the loopback ones whose pages may change something.
        processes: what is operated; whoever serves says it.
        metrics_prefix: what the names of metrics begin with.
        is_loopback: whether only this machine can reach the listener.

    Raises:
        ValueError: a host or an origin that none can ever be like.
    """

    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    processes: Processes | None = None
    metrics_prefix: str = "ikanos"
    is_loopback: bool = True

    def __post_init__(self) -> None:
        for host in self.allowed_hosts:
            host_pattern(host)
        for origin in self.allowed_origins:
            origin_pattern(origin)

    def at(self, host: str, *, is_loopback: bool) -> Self:
        """Return the options behind a listener, whose own address is a name of it."""
        own = (host,) if ":" not in host else (f"[{host}]",)
        return replace(self, allowed_hosts=(*self.allowed_hosts, *own), is_loopback=is_loopback)
