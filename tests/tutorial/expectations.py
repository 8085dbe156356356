"""What each step of the tutorial must answer (the reference engine's tests of it, REFERENCE 16.8, 77)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from shipyard import PLAN, SECRETS, Served

NORTHERN_STAR = {"imo": "IMO-9321483", "name": "Northern Star", "type": "cargo", "flag": "NO", "status": "active"}
SPECS = {"yearBuilt": 2015, "tonnage": 42000, "length": 229}
MAPPED_VOYAGE = {
    "voyageId": "VOY-2026-042",
    "shipImo": "IMO-9321483",
    "route": {"from": "Oslo", "to": "Singapore"},
    "dates": {"departure": "2026-04-10", "arrival": "2026-05-02"},
    "crewIds": ["CREW-001", "CREW-003"],
    "cargoIds": ["CARGO-9", "CARGO-7"],
    "status": "planned",
}
SHIP_WITH_CREW = {
    **NORTHERN_STAR,
    **SPECS,
    "crew": [{"fullName": "Erik Lindstrøm", "role": "captain"}, {"fullName": "Wei Chen", "role": "navigator"}],
}
MANIFEST = {
    "voyageId": "VOY-2026-042",
    "status": "planned",
    "route": {"from": "Oslo", "to": "Singapore"},
    "ship": {"name": "Northern Star", "type": "cargo", "flag": "NO"},
    "crew": [{"fullName": "Erik Lindstrøm", "role": "captain"}, {"fullName": "Wei Chen", "role": "navigator"}],
    "cargo": [
        {"type": "tank", "description": "Ammonia", "weight": 30, "hazardous": True},
        {"type": "container", "description": "Machine parts", "weight": 12.5, "hazardous": False},
    ],
}
TOOLS = ["list-ships", "get-ship", "list-legacy-vessels", "create-voyage", "get-ship-with-crew", "get-voyage-manifest"]


async def step_1(step: Served) -> None:
    """Mock mode: the answer is in the file."""
    assert await step.call("get-ship", imo_number="IMO-9321483") == NORTHERN_STAR
    assert not step.upstream.requests


async def step_2(step: Served) -> None:
    """Two tools that call the registry."""
    tools = await step.tools()
    assert list(tools) == TOOLS[:2]
    assert "status" not in tools["list-ships"]["inputSchema"].get("required", [])
    assert tools["get-ship"]["inputSchema"]["required"] == ["imo"]
    ships = await step.call("list-ships")
    assert [ship["imo"] for ship in ships] == ["IMO-9321483", "IMO-9465710"]
    assert [ship["name"] for ship in await step.call("list-ships", status="in_dock")] == ["Göteborg Express"]
    assert [request.raw_query for request in step.upstream.requests] == ["", "status=in_dock"]
    ship = await step.call("get-ship", imo="IMO-9321483")
    assert {name: ship[name] for name in NORTHERN_STAR} == NORTHERN_STAR


async def step_3(step: Served) -> None:
    """The same with a credential and a version, out of a bind."""
    await step_2(step)
    for request in step.upstream.requests:
        assert request.headers["authorization"] == f"Bearer {SECRETS['registry-bearer-token']}"
        assert request.headers["registry-version"] == SECRETS["registry-api-version"]
    assert "no imo_number" in await step.problem("get-ship", imo="IMO-0")


async def step_4(step: Served) -> None:
    """A nested object, its numbers as numbers."""
    assert await step.call("get-ship", imo="IMO-9321483") == {**NORTHERN_STAR, "specs": SPECS}


async def step_5(step: Served) -> None:
    """A second source, in XML."""
    await step_4(step)
    assert list(await step.tools())[:3] == TOOLS[:3]
    vessels = await step.call("list-legacy-vessels")
    eagle = {"vesselCode": "V001", "name": "Sea Eagle", "type": "tanker", "flag": "PA", "status": "active"}
    assert vessels[0] == eagle
    assert [vessel["vesselCode"] for vessel in vessels] == ["V001", "V002"]
    assert await step.call("list-legacy-vessels", status="active") == [eagle]  # one child is still a list


async def step_6(step: Served) -> None:
    """A write operation."""
    await step_5(step)
    tools = await step.tools()
    assert list(tools)[:4] == TOOLS[:4]
    schema = tools["create-voyage"]["inputSchema"]
    assert "cargoIds" not in schema["required"]
    assert {name: schema["properties"][name]["type"] for name in ("crewIds", "cargoIds")} == {
        "crewIds": "array",
        "cargoIds": "array",
    }
    assert await step.call("create-voyage", **PLAN) == MAPPED_VOYAGE
    sent = step.upstream.requests[-1]
    assert (sent.method, sent.json(), sent.headers["content-type"]) == ("POST", PLAN, "application/json")
    without = {name: value for name, value in PLAN.items() if name != "cargoIds"}
    assert (await step.call("create-voyage", **without))["cargoIds"] is None
    assert "cargoIds" not in step.upstream.requests[-1].json()
    assert "departurePort" in await step.problem("create-voyage", shipImo="IMO-9321483")


async def step_7(step: Served) -> None:
    """Two calls and a lookup."""
    await step_6(step)
    ship = await step.call("get-ship-with-crew", imo="IMO-9321483")
    assert ship == SHIP_WITH_CREW
    assert "get-ship" in await step.problem("get-ship-with-crew", imo="IMO-0")


async def step_9(step: Served) -> None:
    """The same by reference to an aggregate's function, whose semantics become hints."""
    await step_7(step)
    hints = (await step.tools())["get-ship-with-crew"]["annotations"]
    assert (hints["readOnlyHint"], hints["destructiveHint"], hints["idempotentHint"]) == (True, False, True)


async def step_10(step: Served) -> None:
    """The same over REST."""
    await step_9(step)
    await _over_rest(step)


async def _over_rest(step: Served) -> None:
    ships = (await step.rest.get("/ships")).json()
    assert [ship["name"] for ship in ships] == ["Northern Star", "Göteborg Express"]
    assert len((await step.rest.get("/ships", params={"status": "active"})).json()) == 1
    assert (await step.rest.get("/ships/IMO-9321483")).json() == {**NORTHERN_STAR, "specs": SPECS}
    assert (await step.rest.get("/ships/IMO-9321483/crew")).json() == SHIP_WITH_CREW
    missing = await step.rest.get("/ships/IMO-0")
    assert (missing.status_code, missing.json()) == (404, {"error": "no imo_number IMO-0"})
    created = await step.rest.post("/voyages", json=PLAN)
    assert (created.status_code, created.json()) == (201, MAPPED_VOYAGE)
    assert step.upstream.requests[-1].json() == PLAN
    legacy = (await step.rest.get("/legacy/vessels")).json()
    assert [vessel["vesselCode"] for vessel in legacy] == ["V001", "V002"]


async def step_11(step: Served) -> None:
    """A manifest out of four calls and three lookups."""
    tools = await step.tools()
    assert list(tools) == TOOLS
    assert tools["get-voyage-manifest"]["inputSchema"]["required"] == ["voyageId"]
    assert await step.call("get-voyage-manifest", voyageId="VOY-2026-042") == MANIFEST
    manifest = (await step.rest.get("/voyages/VOY-2026-042/manifest")).json()
    parts = ("voyageId", "status", "crew", "cargo")
    assert {name: manifest[name] for name in parts} == {name: MANIFEST[name] for name in parts}
    problem = await step.rest.get("/voyages/VOY-0/manifest")
    assert (problem.status_code, problem.json()["step"]) == (404, "get-voyage")
    await step_7(step)
    await _over_rest(step)


Expectation = Callable[[Served], Awaitable[None]]
STEPS: dict[int, Expectation] = {
    1: step_1,
    2: step_2,
    3: step_3,
    4: step_4,
    5: step_5,
    6: step_6,
    7: step_7,
    8: step_7,
    9: step_9,
    10: step_10,
    11: step_11,
}
