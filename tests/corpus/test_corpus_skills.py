"""Every public file with skills: each is served over HTTP and in the file's MCP server, and its tools can be called."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from corpus_run import capability_files

import naftiko
from naftiko.engine.capability import Capability
from naftiko.engine.settings import Settings
from naftiko.engine.skills import NoFiles
from naftiko.expose.served import Exposed
from naftiko.expose.skill.app import build
from naftiko.expose.skill.options import SkillOptions
from naftiko.expose.spaces import spaces_of
from public_files import CORPUS

sys.path.append(str(Path(__file__).parents[1] / "expose"))
from mcp_wire import NEWEST, Wire  # where the tests of MCP are

pytestmark = pytest.mark.corpus


def files() -> list[Path]:
    marks = (b"skills:", b"agent-skill")
    return [path for path in capability_files(CORPUS) if any(mark in path.read_bytes() for mark in marks)]


async def catalogue(capability: Capability) -> list[dict[str, Any]]:
    """What the HTTP catalogue shows of each skill, and that its files are there."""
    exposed = [Exposed(capability, each) for each in capability.adapters if each.plan.skills]
    app = build(exposed, SkillOptions(), spaces_of(exposed, prefix=False))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        listed = (await client.get("/skills")).json()
        found = [(await client.get(f"/skills/{each['name']}")).json() for each in listed["skills"]]
        for skill in capability.skills:
            contents = await client.get(f"/skills/{skill.plan.name}/contents")
            try:
                paths = [file.path for file in skill.files()]
            except NoFiles:
                assert contents.status_code == 404
                continue
            assert [file["path"] for file in contents.json()["files"]] == paths
    return found


async def test_the_skills_of_every_file_are_served_and_their_tools_are_there():
    served = tools = 0
    lost = []
    for path in files():
        capability = naftiko.load(path, settings=Settings(environment={}, mock=True))
        if not capability.skills:
            await capability.aclose()
            continue
        units = {(unit.namespace, unit.name): unit for unit in capability.units}
        shown = await catalogue(capability)
        assert [each["name"] for each in shown] == [skill.plan.name for skill in capability.skills]
        for skill in shown:
            served += 1
            for tool in skill["tools"]:
                reference = tool.get("invocationRef")
                if reference is None:
                    continue
                unit = units.get((reference["targetNamespace"], reference["action"]))
                tools += 1
                if unit is None:
                    lost.append(f"{path}: {skill['name']}/{tool['name']}: {reference}")
                else:
                    assert unit.adapter == reference["mode"]
        await capability.aclose()
    assert served >= 40
    assert tools >= 100
    assert all("'mode': 'unknown'" in each for each in lost), lost


async def test_the_skills_of_mcp_servers_are_those_of_their_files():
    listed = 0
    for path in files():
        capability = naftiko.load(path, settings=Settings(environment={}, mock=True))
        guarded = any(each.plan.model.authentication is not None for each in capability.adapters)
        if capability.skills and not guarded and capability.of_kind("mcp"):
            app = naftiko.mcp_app(capability)
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                wire = Wire(client, "/mcp", NEWEST)
                found = (await wire.ask("skills/list"))["skills"]
                listed += len(found)
                for entry in found:
                    (contents,) = (await wire.ask("resources/read", {"uri": entry["uri"]}))["contents"]
                    assert len(contents["text"].encode()) == entry["resources"][0]["size"]
            await app.aclose()
        await capability.aclose()
    assert listed >= 20
