"""What an operator decides about a REST adapter."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class RestOptions:
    """Options of a REST app.

    Attributes:
        max_request_bytes: a larger body is answered with 413.
        cors_origins: origins that browsers may call from; none: CORS is off.
        prefix: put each capability's routes under ``/<namespace>``.
        openapi: serve an OpenAPI document at ``/openapi.json`` where no route of the file is there.
    """

    max_request_bytes: int = 10 * MIB
    cors_origins: tuple[str, ...] = ()
    prefix: bool = False
    openapi: bool = True
