"""Capabilities of one operation, for tests of what goes out and what comes back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

import naftiko
from naftiko.engine.settings import Settings

Handler = Callable[[httpx.Request], Any]


def consuming(
    operation: Mapping[str, Any] | None = None,
    *,
    path: str = "/things",
    tool: Mapping[str, Any] | None = None,
    api: Mapping[str, Any] | None = None,
    more: Mapping[str, Any] | None = None,
    handler: Handler | None = None,
    file: Path | None = None,
    **settings: Any,
) -> naftiko.Capability:
    """Return a capability whose tool ``do`` calls ``api.do``.

    Args:
        operation: keys of the consumed operation.
        path: of its resource.
        tool: keys of the tool.
        api: keys of the consumes entry.
        more: keys of ``capability``, such as ``binds``.
        handler: answers the requests that are sent.
        file: what names the file, where relative locations matter.
        settings: of ``Settings``.
    """
    consumes = {
        "namespace": "api",
        "type": "http",
        "baseUri": "https://api.example/v1",
        "resources": [
            {"name": "things", "path": path, "operations": [{"name": "do", "method": "GET", **(operation or {})}]}
        ],
        **(api or {}),
    }
    exposes = {
        "type": "mcp",
        "namespace": "tools",
        "port": 3000,
        "tools": [{"name": "do", "description": "Do it.", "call": "api.do", **(tool or {})}],
    }
    document = {"naftiko": "1.0.0-alpha5", "capability": {"consumes": [consumes], "exposes": [exposes], **(more or {})}}
    settings.setdefault("environment", {})
    if handler is not None:
        settings["transport"] = lambda _: httpx.MockTransport(handler)
    text = json.dumps(document, ensure_ascii=False)
    return naftiko.loads(text, path=file or "capability.yaml", settings=Settings(**settings))


def request_of(capability: naftiko.Capability, inputs: Mapping[str, Any] | None = None, **more: Any) -> httpx.Request:
    """Return the request that the first unit makes of its inputs."""
    return capability.units[0].request(inputs or {}, **more)


def url_of(capability: naftiko.Capability, inputs: Mapping[str, Any] | None = None) -> str:
    """Return the URL of it, as it goes on the wire."""
    return str(request_of(capability, inputs).url)


def inputs(*names: str, location: str = "query", **types: str) -> list[dict[str, Any]]:
    """Return input parameters of one location; ``name="integer"`` gives a type."""
    return [
        *({"name": name, "in": location, "type": "string"} for name in names),
        *({"name": name, "in": location, "type": kind} for name, kind in types.items()),
    ]
