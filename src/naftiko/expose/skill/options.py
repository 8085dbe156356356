"""What an operator decides about catalogues of skills."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from naftiko.expose.http.gate import host_pattern


@dataclass(frozen=True, slots=True)
class SkillOptions:
    """Options of a catalogue.

    Attributes:
        allowed_hosts: names beside the loopback ones under which it may be called, if hosts are guarded.
        guard_hosts: whether the ``Host`` header is checked (DNS rebinding).

    Raises:
        ValueError: a host that none can ever be like.
    """

    allowed_hosts: tuple[str, ...] = ()
    guard_hosts: bool = False

    def __post_init__(self) -> None:
        for host in self.allowed_hosts:
            host_pattern(host)

    def at(self, host: str, *, is_loopback: bool) -> Self:
        """Return the options behind a listener: at loopback, and where the operator names hosts, names are checked."""
        own = (host,) if is_loopback and ":" not in host else ()
        hosts = (*self.allowed_hosts, *own)
        return replace(self, allowed_hosts=hosts, guard_hosts=is_loopback or bool(hosts))
