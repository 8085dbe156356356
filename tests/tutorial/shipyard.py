"""Stand-ins of the tutorial's two APIs, the maritime registry (JSON) and the legacy dockyard (XML), and its clients."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from starlette.responses import JSONResponse, Response

import naftiko
from naftiko.engine.settings import Settings
from naftiko.testing import RecordedRequest, StandInUpstream

SECRETS = {
    "registry-bearer-token": "shipyard-registry-token",
    "registry-api-version": "1.0.0-test",
    "mcp-server-token": "shipyard-mcp-token",
    "dockyard-api-key": "shipyard-dock-key",
}


def _ship(
    imo: str, name: str, kind: str, flag: str, status: str, built: int, tonnage: int, length: int, *crew: str
) -> dict[str, Any]:
    return {
        "imo_number": imo,
        "vessel_name": name,
        "vessel_type": kind,
        "flag_code": flag,
        "operational_status": status,
        "year_built": built,
        "gross_tonnage": tonnage,
        "dimensions": {"length_overall": length, "beam": 32},
        "assignedCrew": list(crew),
    }


SHIPS = [
    _ship("IMO-9321483", "Northern Star", "cargo", "NO", "active", 2015, 42000, 229, "CREW-001", "CREW-003"),
    _ship("IMO-9465710", "Göteborg Express", "ferry", "SE", "in_dock", 2009, 18000, 170, "CREW-002"),
]
CREW = [
    {"crewId": "CREW-001", "fullName": "Erik Lindstrøm", "role": "captain", "nationality": "NO"},
    {"crewId": "CREW-002", "fullName": "Maria Santos", "role": "engineer", "nationality": "PT"},
    {"crewId": "CREW-003", "fullName": "Wei Chen", "role": "navigator", "nationality": "SG"},
]
CARGO = [
    {
        "cargoId": "CARGO-7",
        "type": "container",
        "description": "Machine parts",
        "weight": 12.5,
        "hazardous": False,
        "value": 9,
    },
    {"cargoId": "CARGO-9", "type": "tank", "description": "Ammonia", "weight": 30, "hazardous": True, "value": 5},
]
VOYAGE = {
    "voyageId": "VOY-2026-042",
    "shipImo": "IMO-9321483",
    "departurePort": "Oslo",
    "arrivalPort": "Singapore",
    "departureDate": "2026-04-10",
    "arrivalDate": "2026-05-02",
    "crewIds": ["CREW-001", "CREW-003"],
    "cargoIds": ["CARGO-9", "CARGO-7"],
    "status": "planned",
}
PLAN = {name: VOYAGE[name] for name in VOYAGE if name not in {"voyageId", "status"}}
VESSELS = (
    ("V001", "Sea Eagle", "tanker", "PA", "active"),
    ("V002", "Harbor Star", "tug", "NO", "laid_up"),
)


def _vessels_xml(status: str | None) -> str:
    tags = ("vesselCode", "vesselName", "category", "flagState", "operationalStatus")
    rows = (
        "".join(f"<{tag}>{value}</{tag}>" for tag, value in zip(tags, vessel, strict=True))
        for vessel in VESSELS
        if status in {None, vessel[-1]}
    )
    return f"<?xml version='1.0'?><vessels>{''.join(f'<vessel>{row}</vessel>' for row in rows)}</vessels>"


def shipyard() -> StandInUpstream:
    """Return both APIs in one: the registry's resources, and the dockyard's at ``/vessels``.

    Where a credential comes it must be the right one; the dockyard insists on its key.
    """
    upstream = StandInUpstream()
    upstream.on("GET", "/ships", _registry(lambda request: [ship for ship in SHIPS if _fits(request, ship)]))
    upstream.on(
        "GET", "/ships/{imo}", _registry(lambda request: _find(SHIPS, "imo_number", request.path_params["imo"]))
    )
    upstream.on("GET", "/crew", _registry(lambda _: CREW))
    upstream.on("GET", "/cargo", _registry(lambda _: CARGO))
    upstream.on(
        "GET", "/voyages/{id}", _registry(lambda request: _find([VOYAGE], "voyageId", request.path_params["id"]))
    )
    upstream.on("POST", "/voyages", _registry(_planned))
    upstream.on("GET", "/vessels", _vessels)
    return upstream


def _fits(request: RecordedRequest, ship: dict[str, Any]) -> bool:
    return request.query.get("status") in {None, ship["operational_status"]}


def _find(rows: list[dict[str, Any]], key: str, value: str) -> Any:
    found = next((row for row in rows if row[key] == value), None)
    return JSONResponse({"error": f"no {key} {value}"}, 404) if found is None else found


def _planned(request: RecordedRequest) -> JSONResponse:
    plan = {name: value for name, value in request.json().items() if value is not None}
    return JSONResponse({**plan, "voyageId": "VOY-2026-042", "status": "planned"}, 201)


def _registry(answer: Callable[[RecordedRequest], Any]) -> Callable[[RecordedRequest], Any]:
    def made(request: RecordedRequest) -> Any:
        if (
            request.headers.get("authorization", f"Bearer {SECRETS['registry-bearer-token']}")
            != f"Bearer {SECRETS['registry-bearer-token']}"
        ):
            return JSONResponse({"error": "wrong token"}, 401)
        found = answer(request)
        return found if isinstance(found, Response) else JSONResponse(found)

    return made


def _vessels(request: RecordedRequest) -> Response:
    if request.headers.get("x-dock-key") != SECRETS["dockyard-api-key"]:
        return Response("<error>no key</error>", 403, media_type="application/xml")
    return Response(_vessels_xml(request.query.get("status")), media_type="application/xml")


@dataclass
class Served:
    """A step of the tutorial, served in process over REST and MCP."""

    capability: naftiko.Capability
    upstream: StandInUpstream
    rest: httpx.AsyncClient
    mcp: httpx.AsyncClient
    _ids: Any = field(default_factory=lambda: itertools.count(1))

    async def ask(self, method: str, **params: Any) -> Any:
        """Return the result of a JSON-RPC request to the MCP server."""
        body = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        headers = {
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": "2025-11-25",
            "authorization": f"Bearer {SECRETS['mcp-server-token']}",
        }
        answer = (await self.mcp.post("/mcp", json=body, headers=headers)).json()
        assert "result" in answer, answer
        return answer["result"]

    async def tools(self) -> dict[str, Any]:
        """Return the tools by name, in their order."""
        return {tool["name"]: tool for tool in (await self.ask("tools/list"))["tools"]}

    async def call(self, tool: str, **arguments: Any) -> Any:
        """Return what a tool answers, decoded; it must not be an error."""
        import json

        result = await self.ask("tools/call", name=tool, arguments=arguments)
        assert not result["isError"], result
        value = json.loads(result["content"][0]["text"])
        if isinstance(value, dict):
            assert result["structuredContent"] == value
        return value

    async def problem(self, tool: str, **arguments: Any) -> str:
        """Return the text of a tool's error."""
        result = await self.ask("tools/call", name=tool, arguments=arguments)
        assert result["isError"], result
        return result["content"][0]["text"]


@contextlib.asynccontextmanager
async def served(path: Path, upstream: StandInUpstream) -> AsyncIterator[Served]:
    """Serve a step's file in front of the stand-in."""
    settings = Settings(base_uris={"*": upstream.url}, environment={})
    async with naftiko.load(path, settings=settings) as capability:
        assert not capability.errors, [str(found) for found in capability.errors]
        mcp = naftiko.mcp_app(capability, answer_budget=0)  # no tools but the capability's own
        rest = naftiko.rest_app(capability)
        async with (
            httpx.AsyncClient(transport=httpx.ASGITransport(rest), base_url="http://localhost:3002") as over_rest,
            httpx.AsyncClient(transport=httpx.ASGITransport(mcp), base_url="http://localhost:3001") as over_mcp,
        ):
            try:
                yield Served(capability, upstream, over_rest, over_mcp)
            finally:
                await mcp.aclose()
