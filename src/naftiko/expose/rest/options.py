"""What an operator decides about a REST adapter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from naftiko.expose.selection import Selection

MAX_REQUEST_BYTES: Final = 10 * 1024 * 1024
"""The largest request body that is read; files come this way."""


@dataclass(frozen=True, slots=True)
class RestOptions:
    """Options of a REST app.

    Attributes:
        max_request_bytes: a larger body is answered with 413.
        cors_origins: origins that browsers may call from; none: CORS is off.
        prefix: put each capability's routes under ``/<namespace>``.
        openapi: serve an OpenAPI document at ``/openapi.json`` where no route of the file is there.
        selection: the routes that are served, by ``namespace/name`` or name of their operations.
        max_concurrency: calls at once in this process; one more is answered with 503; 0: any number.
        server_timing: answers say where their time went (``Server-Timing``), to whoever may call.

    Raises:
        ValueError: a limit that makes no sense.
    """

    max_request_bytes: int = MAX_REQUEST_BYTES
    cors_origins: tuple[str, ...] = ()
    prefix: bool = False
    openapi: bool = True
    selection: Selection = field(default_factory=Selection)
    max_concurrency: int = 0
    server_timing: bool = False

    def __post_init__(self) -> None:
        if self.max_request_bytes < 0:
            raise ValueError("max_request_bytes must be 0 (no bodies at all) or more")
        if self.max_concurrency < 0:
            raise ValueError("max_concurrency must be 0 (no limit) or more")
