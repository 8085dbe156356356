"""Fixtures of the tests of adapters: served capabilities, and who speaks to them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from mcp_wire import LIMIT, Wire, serving

import naftiko
from naftiko.engine.settings import Settings
from naftiko.expose.mcp import mcp_app
from naftiko.testing import StandInUpstream


@pytest.fixture
async def wire() -> AsyncIterator[Callable[[str, str], Wire]]:
    """Make wires: ``wire(url, version)``."""
    async with httpx.AsyncClient(timeout=LIMIT, trust_env=False) as client:
        yield lambda url, version: Wire(client, url, version)


@pytest.fixture
def upstream():
    """A stand-in upstream on a real socket."""
    with StandInUpstream() as standing_in:
        yield standing_in


@pytest.fixture
async def serve(tmp_path) -> AsyncIterator[Callable[..., Awaitable[str]]]:
    """Start to serve capability texts; what is awaited is the URL of the app, without a path."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(*texts: str, base: str = "", settings: dict[str, Any] | None = None, **options: Any) -> str:
            made = []
            for at, text in enumerate(texts):
                known = Settings(base_uris={"*": base} if base else {}, environment={}, **(settings or {}))
                capability = naftiko.loads(text, path=tmp_path / f"capability-{at}.yaml", settings=known)
                assert not capability.errors, [str(found) for found in capability.errors]
                made.append(await stack.enter_async_context(capability))
            return await stack.enter_async_context(serving(mcp_app(made, **options)))

        yield start
