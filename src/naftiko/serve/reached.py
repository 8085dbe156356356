"""Whether a consumed API can be reached: a connection is opened and closed, nothing is sent."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final
from urllib.parse import urlsplit

from naftiko.engine.capability import Capability
from naftiko.ground.errors import NaftikoError
from naftiko.plan.unit import ApiPlan

_SECONDS: Final = 2.0
_USUAL_PORTS: Final = {"http": 80, "https": 443}


async def reached(capability: Capability, api: ApiPlan) -> dict[str, Any]:
    """Return whether an API can be reached: ``namespace``, ``address``, ``state``, and ``reason`` where it can't."""
    said: dict[str, Any] = {"namespace": api.namespace, "address": None, "state": "UNKNOWN"}
    upstream = capability.upstreams[api.key]
    try:
        parts = urlsplit(upstream.url("", upstream.scope({})))
        host, port = parts.hostname or "", parts.port or _USUAL_PORTS.get(parts.scheme, 0)
    except (NaftikoError, ValueError) as error:
        return {**said, "reason": capability.variables.redactor.redact(str(error))}
    if not host or not port:
        return {**said, "reason": "it has no base URI"}
    shown = f"[{host}]" if ":" in host else host
    said["address"] = capability.variables.redactor.redact(f"{parts.scheme}://{shown}:{port}")
    try:
        async with asyncio.timeout(_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return {**said, "state": "DOWN", "reason": f"no connection within {_SECONDS:.0f} seconds"}
    except (OSError, ValueError) as error:
        return {**said, "state": "DOWN", "reason": (getattr(error, "strerror", None) or "no connection").lower()}
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return {**said, "state": "UP"}
