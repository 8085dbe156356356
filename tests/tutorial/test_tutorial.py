"""The public tutorial's eleven steps, served and called over REST and MCP against stand-ins of its two APIs.

The fixture files have the tutorial's structure and names; where the public files themselves are beside the project,
they are served as well.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from expectations import STEPS, TOOLS
from shipyard import SECRETS, served, shipyard

from public_files import CORPUS

FIXTURES = Path(__file__).parents[1] / "fixtures" / "tutorial"
PUBLIC = {
    "alpha": CORPUS / "naftiko+framework" / "src" / "main" / "resources" / "tutorial",
    "ikanos": CORPUS / "naftiko+ikanos" / "modules" / "ikanos-docs" / "tutorial",
}
PUBLIC_NAMES = {
    1: "step-1-shipyard-mock.yml",
    2: "step-2-shipyard-wiring.yml",
    3: "step-3-shipyard-auth.yml",
    4: "step-4-shipyard-output-shaping.yml",
    5: "step-5-shipyard-multi-source.yml",
    6: "step-6-shipyard-write-operations.yml",
    7: "step-7-shipyard-orchestrated-lookup.yml",
    8: "step-8-shipyard-skill-groups.yml",
    9: "step-9-shipyard-aggregates.yml",
    10: "step-10-shipyard-rest-adapter.yml",
    11: "step-11-shipyard-fleet-manifest.yml",
}


@pytest.fixture(scope="module")
def upstream():
    """The registry and the dockyard, on a real socket."""
    with shipyard() as standing_in:
        yield standing_in


@pytest.mark.parametrize("number", STEPS)
async def test_every_step_answers_what_it_should(number, upstream):
    """REST and MCP, against the stand-ins."""
    upstream.clear()
    (path,) = FIXTURES.glob(f"step-{number}-*.yaml")
    async with served(path, upstream) as step:
        await STEPS[number](step)


async def test_skill_groups_name_tools_that_exist(upstream):
    """Step 8: `fleet-ops` derives four tools, `voyage-ops` one; step 11 one more."""
    for number, voyage in ((8, TOOLS[3:4]), (11, [TOOLS[3], TOOLS[5]])):
        (path,) = FIXTURES.glob(f"step-{number}-*.yaml")
        async with served(path, upstream) as step:
            (skills,) = [
                adapter for adapter in step.capability.document.exposes if adapter.namespace == "shipyard-skills"
            ]
            groups = {skill.name: [tool.name for tool in skill.tools] for skill in skills.skills}
            assert groups == {"fleet-ops": [*TOOLS[:3], TOOLS[4]], "voyage-ops": voyage}


@pytest.mark.corpus
@pytest.mark.parametrize("dialect", PUBLIC)
@pytest.mark.parametrize("number", PUBLIC_NAMES)
async def test_the_public_files_answer_the_same(dialect, number, upstream, tmp_path):
    """As they are, with secrets beside them and base URIs that lead to the stand-ins."""
    source = PUBLIC[dialect]
    if not (source / PUBLIC_NAMES[number]).is_file():
        pytest.skip(f"{PUBLIC_NAMES[number]} is not in the {dialect} tutorial")
    shutil.copytree(source, tmp_path / "tutorial")
    secrets = "".join(f"{name}: {value}\n" for name, value in SECRETS.items())
    (tmp_path / "tutorial" / "shared" / "secrets.yaml").write_text(secrets)
    upstream.clear()
    async with served(tmp_path / "tutorial" / PUBLIC_NAMES[number], upstream) as step:
        await STEPS[number](step)
