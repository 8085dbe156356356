"""Stand-ins for trying and testing a capability without the network.

``StandInUpstream`` answers as told and misbehaves on demand, on a real socket. Nothing else in naftiko imports this
package. ``examples/koyeb`` is one that behaves as a whole API does.

    from naftiko.testing import Cut, StandInUpstream

    upstream = StandInUpstream()
    upstream.on("GET", "/things/{id}", {"id": 1})
    with upstream:
        httpx.get(f"{upstream.url}/things/1")       # {"id": 1}
        upstream.misbehave(Cut(after=3), times=1)
        httpx.get(f"{upstream.url}/things/1")       # httpx.RemoteProtocolError, once
    assert upstream.requests[0].raw_path == "/things/1"
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from naftiko.testing.behaviour import BrokenJson, Cut, Drip, Fail, Flood, HangUp, Stall
from naftiko.testing.conversation import Conversation
from naftiko.testing.exchange import Answer, Behaviour, Exchange, RecordedRequest
from naftiko.testing.listener import refused_url
from naftiko.testing.upstream import Responder, StandInUpstream

if TYPE_CHECKING:
    from naftiko.testing.identity import StandInIdentityProvider

__all__ = [
    "Answer",
    "Behaviour",
    "BrokenJson",
    "Conversation",
    "Cut",
    "Drip",
    "Exchange",
    "Fail",
    "Flood",
    "HangUp",
    "RecordedRequest",
    "Responder",
    "Stall",
    "StandInIdentityProvider",
    "StandInUpstream",
    "refused_url",
]


def __getattr__(name: str) -> Any:
    """Import the identity provider when it is wanted: it brings PyJWT and OpenSSL."""
    if name == "StandInIdentityProvider":
        from naftiko.testing.identity import StandInIdentityProvider  # noqa: PLC0415  # see above

        return StandInIdentityProvider
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
