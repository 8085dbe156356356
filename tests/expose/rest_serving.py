"""REST adapters served for tests: capabilities in front of a stand-in upstream, on real sockets or in process."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import httpx
from mcp_wire import LIMIT, serving

import naftiko
from naftiko.engine.settings import Settings
from naftiko.expose.rest import rest_app
from naftiko.expose.rest.options import RestOptions


def operation(method: str = "GET", path: str = "/x", **more: Any) -> dict[str, Any]:
    """A consumed operation with a resource of its own."""
    return {"path": path, "method": method, **more}


def route(path: str, method: str = "GET", call: str | None = "api.do", **more: Any) -> dict[str, Any]:
    """A resource with one operation."""
    called = {"call": call} if call else {}
    return {"path": path, "operations": [{"name": f"{method} {path}", "method": method, **called, **more}]}


def rest_capability(
    routes: Sequence[Mapping[str, Any]],
    operations: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    api: Mapping[str, Any] | None = None,
    adapter: Mapping[str, Any] | None = None,
    more: Mapping[str, Any] | None = None,
    **settings: Any,
) -> naftiko.Capability:
    """Return a capability with these routes in front of ``api``, whose operations are given by name."""
    resources = []
    for name, declared in (operations or {"do": operation()}).items():
        keys = dict(declared)
        resources.append({"name": name, "path": keys.pop("path"), "operations": [{"name": name, **keys}]})
    consumes = {
        "namespace": "api",
        "type": "http",
        "baseUri": "http://127.0.0.1:9",
        "resources": resources,
        **(api or {}),
    }
    named = [{"name": f"r{at}", **resource} for at, resource in enumerate(routes)]
    exposes = {"type": "rest", "namespace": "front", "port": 3000, "resources": named, **(adapter or {})}
    document = {"naftiko": "1.0.0-alpha5", "capability": {"consumes": [consumes], "exposes": [exposes], **(more or {})}}
    settings.setdefault("environment", {})
    return naftiko.loads(json.dumps(document, ensure_ascii=False), settings=Settings(**settings))


@contextlib.asynccontextmanager
async def client_of(
    *capabilities: naftiko.Capability, options: RestOptions | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """Serve on a real socket; the block gets a client of it."""
    async with (
        serving(rest_app(capabilities, options)) as url,
        httpx.AsyncClient(base_url=url, timeout=LIMIT, trust_env=False) as client,
    ):
        yield client


def in_process(capability: naftiko.Capability, options: RestOptions | None = None) -> httpx.AsyncClient:
    """Return a client that calls the app without a socket."""
    transport = httpx.ASGITransport(rest_app(capability, options))
    return httpx.AsyncClient(transport=transport, base_url="http://front.example")


def assert_problem(response: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    """Assert that a response is a problem document (RFC 9457) of this status and kind; return it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert problem["type"] == f"urn:naftiko:problem:{kind}", problem
    assert "Traceback" not in response.text
    return problem
