"""An ASGI app behind the server's own sockets and connections, in the loop of the test."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from naftiko.serve.limits import ConnectionLimits
from naftiko.serve.server import Servers, Site
from naftiko.serve.sockets import listen


@contextlib.asynccontextmanager
async def listening(app: Any, limits: ConnectionLimits | None = None) -> AsyncIterator[int]:
    """Serve an app; give its port."""
    opened = listen("127.0.0.1", 0)
    servers = Servers([Site(opened, lambda: app)], limits=limits)
    task = asyncio.create_task(servers.run())
    try:
        yield opened.getsockname()[1]
    finally:
        servers.stop()
        await task
        opened.close()


async def live(receive: Any, send: Any) -> None:
    """Be the lifespan of an app that needs none."""
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})
