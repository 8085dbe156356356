"""The one seam through which every upstream call goes (SEMANTICS 4.7).

``Transport`` is an ``httpx.AsyncBaseTransport``, one per consumes entry, and is called with an ``httpx.Request``, never
through ``httpx.AsyncClient``: no cookies are kept, no redirect and no authentication happens behind the engine's back.
``fetch`` and ``stream`` are what the engine calls; they take any httpx transport, so that a test hands them
``httpx.MockTransport`` or ``httpx.ASGITransport``.

Importing this package imports neither of the two clients beneath it: the first call does, and only the one it needs.
"""

from naftiko.engine.transport.exchange import AnswerTooLarge, begun, fetch, handshake, opened, stream
from naftiko.engine.transport.limits import DEFAULT_LIMITS, Limits
from naftiko.engine.transport.pool import FRAME, MAY_GO, OPERATION, PoolFigures, Transport

__all__ = [
    "DEFAULT_LIMITS",
    "FRAME",
    "MAY_GO",
    "OPERATION",
    "AnswerTooLarge",
    "Limits",
    "PoolFigures",
    "Transport",
    "begun",
    "fetch",
    "handshake",
    "opened",
    "stream",
]
