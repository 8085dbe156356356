"""How long, how much and how many: what one consumes entry may use."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of the calls to one upstream; times in seconds.

    Attributes:
        connections: open connections at once. Small pools beat large ones: 20 to 50 keep any upstream busy.
        share: the part of the connections that one operation may hold of what others leave; see ``places.Places``.
        queue: the wait for a free connection.
        connect: name lookup, TCP and TLS handshake together.
        read: silence while an answer is awaited or read.
        total: a whole exchange, redirects and body included; with ``stream`` until the answer's headers are there.
        response_bytes: the largest body that is read into memory, counted after decompression.

    Raises:
        ValueError: a limit that is not above zero, which would refuse every call, or a share above 1.
    """

    connections: int = 50
    share: float = 0.8
    queue: float = 5.0
    connect: float = 10.0
    read: float = 30.0
    total: float = 60.0
    response_bytes: int = 64 * 1024 * 1024

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if not getattr(self, field.name) > 0:
                raise ValueError(f"the limit {field.name} must be above zero")
        if self.share > 1:
            raise ValueError("the limit share must be 1 at most")


DEFAULT_LIMITS: Final = Limits()
