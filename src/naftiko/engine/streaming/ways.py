"""What opens streams asks of the API that it belongs to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import httpx

from naftiko.engine.sending import Outgoing
from naftiko.engine.transport import Limits
from naftiko.observe.masking import SecretMask

Begun: TypeAlias = Callable[[Outgoing], Awaitable[httpx.Response]]


@dataclass(frozen=True, slots=True)
class Ways:
    """How an API's streams are opened.

    Attributes:
        begun: sends a request with our credential; returns its answer, whose body is still to come unless it is no
            success.
        own: the credentials that one request alone carries.
        veil: hides credentials.
        limits: of the API.
    """

    begun: Begun
    own: Callable[[httpx.Request], Sequence[str]]
    veil: SecretMask
    limits: Limits
