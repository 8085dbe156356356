"""What an operator decides about a REST adapter."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Self

from naftiko.expose.http.gate import host_pattern, origin_pattern
from naftiko.expose.selection import Selection

MAX_REQUEST_BYTES: Final = 10 * 1024 * 1024
"""The largest request body that is read; files come this way."""


@dataclass(frozen=True, slots=True)
class RestOptions:
    """Options of a REST app.

    Attributes:
        max_request_bytes: a larger body is answered with 413.
        cors_origins: origins whose pages may call and read the answers; none: CORS is off. ``https://app.example.com``,
            a pattern with ``*``.
        allowed_hosts: names beside the loopback ones under which clients may call, if hosts are guarded:
            ``api.example.com``, ``api.example.com:8443``, ``*.example.com``, ``*``.
        allowed_origins: origins beside those and the loopback ones whose pages may call what changes something.
        guard_hosts: whether the ``Host`` header is checked (DNS rebinding).
        prefix: put each capability's routes under ``/<namespace>``.
        openapi: serve an OpenAPI document at ``/openapi.json`` where no route of the file is there.
        selection: the routes that are served, by ``namespace/name`` or name of their operations.
        max_concurrency: calls at once in this process; one more is answered with 503; 0: any number.
        server_timing: answers say where their time went (``Server-Timing``), to whoever may call.
        reading_seconds: the longest that a caller may take for a piece of a forwarded answer, which holds a connection
            to the upstream meanwhile.

    Raises:
        ValueError: a limit that makes no sense; a host or an origin that none can ever be like.
    """

    max_request_bytes: int = MAX_REQUEST_BYTES
    cors_origins: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    guard_hosts: bool = False
    prefix: bool = False
    openapi: bool = True
    selection: Selection = field(default_factory=Selection)
    max_concurrency: int = 0
    server_timing: bool = False
    reading_seconds: float = 30.0

    def __post_init__(self) -> None:
        for host in self.allowed_hosts:
            host_pattern(host)
        for origin in (*self.cors_origins, *self.allowed_origins):
            origin_pattern(origin)
        if self.max_request_bytes < 0:
            raise ValueError("max_request_bytes must be 0 (no bodies at all) or more")
        if self.max_concurrency < 0:
            raise ValueError("max_concurrency must be 0 (no limit) or more")

    def at(self, host: str, *, is_loopback: bool) -> Self:
        """Return the options behind a listener.

        A name can be rebound to loopback, where nobody but this machine should come in: there the names are checked
        that it is called by, as they are where the operator names some. A loopback address of its own is one of them.
        """
        own = (host,) if is_loopback and ":" not in host else ()
        hosts = (*self.allowed_hosts, *own)
        return replace(self, allowed_hosts=hosts, guard_hosts=is_loopback or bool(hosts))
