"""Capabilities for the tests that hold the reference engine's own expectations (REFERENCE 16)."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

import naftiko
from naftiko.engine.settings import Settings

Upstream = Callable[[httpx.Request], Any]


def loaded(
    text: str, upstream: Upstream | None = None, *, path: Path | None = None, **settings: Any
) -> naftiko.Capability:
    """Load what stands below ``capability:``; ``upstream`` answers what is sent."""
    body = textwrap.indent(textwrap.dedent(text), "  ")
    settings.setdefault("environment", {})
    if upstream is not None:
        settings["transport"] = lambda _: httpx.MockTransport(upstream)
    return naftiko.loads(
        f'naftiko: "1.0.0-alpha5"\ncapability:\n{body}', path=path or "capability.yaml", settings=Settings(**settings)
    )


def rest(capability: naftiko.Capability) -> httpx.AsyncClient:
    """Return a client of its REST adapters, in process."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(naftiko.rest_app(capability)), base_url="http://localhost")


async def tool(capability: naftiko.Capability, name: str, /, **arguments: Any) -> Any:
    """Return what a tool answers."""
    (unit,) = [unit for unit in capability.units if unit.adapter == "mcp" and unit.name == name]
    return (await unit.run(arguments)).value


class Recorder:
    """Answers every request with the same, and keeps what came."""

    def __init__(self, answer: Any = None, status: int = 200, **headers: str) -> None:
        self.requests: list[httpx.Request] = []
        self._answer = {} if answer is None else answer
        self._status = status
        self._headers = headers

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if isinstance(self._answer, str):
            return httpx.Response(self._status, text=self._answer, headers=self._headers)
        return httpx.Response(self._status, json=self._answer, headers=self._headers)

    @property
    def last(self) -> httpx.Request:
        """The last request."""
        return self.requests[-1]
