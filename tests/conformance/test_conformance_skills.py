"""Skills, checked by who loads them: the official suite, the Inspector and FastMCP compare every digest and frontmatter."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest
from conformance_run import Run, run
from conformance_serving import served
from conformance_upstream import stand_in_fixtures

pytestmark = pytest.mark.conformance


@pytest.fixture(scope="module")
def upstream():
    with stand_in_fixtures() as standing_in:
        yield standing_in


@pytest.fixture(scope="module")
def url(upstream) -> Iterator[str]:
    with served(upstream.url) as served_url:
        yield served_url


@pytest.mark.parametrize("name", ["enumeration", "manifest", "directory"])
def test_the_official_scenarios_pass(tools, upstream, name):
    scenario = f"sep-2640-skills-{name}"
    outcome = run(tools, Run(scenario, ("--scenario", scenario), ()), upstream.url)
    assert outcome.is_well, outcome.said
    assert not outcome.counts["FAILURE"], outcome.said
    assert not outcome.counts["WARNING"], outcome.said
    assert not outcome.counts["SKIPPED"], outcome.said


def test_the_inspector_verifies_every_file(tools, url):
    target = ("--transport", "http", "--server-url", url, "--protocol-era", "modern")
    done = tools.run(tools.inspector, "--cli", "--method", "skills/list", "--verify", *target)
    assert done.returncode == 0, done.stdout + done.stderr
    reports = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [(each["name"], each["outcome"], len(each["files"])) for each in reports] == [
        ("review", "verified", 2),
        ("contacts", "verified", 1),
    ]
    assert not [issue for each in reports for issue in (*each["conformance"], *each["frontmatter"])]


async def test_fastmcp_reads_every_skill(url):
    client = pytest.importorskip("fastmcp", reason="pip install fastmcp")
    skills = pytest.importorskip("fastmcp.skills.client", reason="pip install fastmcp>=4.2")
    async with asyncio.timeout(60), client.Client(url, extensions=[skills.SkillsClientExtension()]) as connected:
        found = {entry.uri: await connected.read_skill(entry.uri) for entry in await connected.list_skills()}
    assert {uri: sorted(each.files) for uri, each in found.items()} == {
        "skill://conformance-skills/review/SKILL.md": ["SKILL.md", "references/how.md"],
        "skill://conformance-skills/contacts/SKILL.md": ["SKILL.md"],
    }
