"""SARIF 2.1.0, as code scanning reads it: the structure, the places, the rules with their help."""

from __future__ import annotations

import json

import jsonschema
import pytest

from naftiko.document.rules import RULES


def closed(required: list[str], **properties: object) -> dict[str, object]:
    """An object of the SARIF schema with the properties that it names there; no others are allowed."""
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


TEXT = {"type": "string", "minLength": 1}
INDEX = {"type": "integer", "minimum": 0}
COUNT = {"type": "integer", "minimum": 1}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
MESSAGE = closed(["text"], text=TEXT, markdown=TEXT)
ARTIFACT = closed(["uri"], uri={"type": "string", "format": "uri-reference"}, uriBaseId=TEXT)
PHYSICAL = closed(
    ["artifactLocation", "region"],
    artifactLocation=ARTIFACT,
    region=closed(["startLine"], startLine=COUNT, startColumn=COUNT, endColumn=COUNT, endLine=COUNT),
)
LOCATION = closed([], id=INDEX, physicalLocation=PHYSICAL, message=MESSAGE)
RULE = closed(
    ["id"],
    id=TEXT,
    name=TEXT,
    shortDescription=MESSAGE,
    fullDescription=MESSAGE,
    help=MESSAGE,
    defaultConfiguration=closed([], level=LEVEL),
)
RESULT = closed(
    ["message"],
    ruleId=TEXT,
    ruleIndex=INDEX,
    level=LEVEL,
    message=MESSAGE,
    locations={"type": "array", "items": LOCATION},
    relatedLocations={"type": "array", "items": LOCATION},
    partialFingerprints={"type": "object", "additionalProperties": TEXT},
)
DRIVER = closed(
    ["name"], name=TEXT, version=TEXT, semanticVersion=TEXT, rules={"type": "array", "items": RULE, "uniqueItems": True}
)
RUN = closed(
    ["tool"],
    tool=closed(["driver"], driver=DRIVER),
    invocations={"type": "array", "items": closed(["executionSuccessful"], executionSuccessful={"type": "boolean"})},
    artifacts={"type": "array", "items": closed([], location=ARTIFACT), "uniqueItems": True},
    results={"type": "array", "items": RESULT},
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
)
LOG = closed(["version", "runs"], **{"$schema": TEXT}, version={"const": "2.1.0"}, runs={"type": "array", "items": RUN})
"""What this project writes of https://docs.oasis-open.org/sarif/sarif/v2.1.0/, transcribed from the specification."""


@pytest.fixture
def log(run, broken):
    done = run("validate", broken, "--format", "sarif", cwd=broken.parent)
    assert done.returncode == 1
    return json.loads(done.stdout)


def test_the_log_has_the_structure_of_the_specification(log):
    jsonschema.Draft202012Validator(LOG).validate(log)


def test_every_result_names_its_rule_and_its_place(log, broken):
    run = log["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert run["results"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        location = result["locations"][0]["physicalLocation"]
        assert location["artifactLocation"]["uriBaseId"] == "%SRCROOT%"
        lines = (broken.parent / location["artifactLocation"]["uri"]).read_text().splitlines()
        region = location["region"]
        assert 1 <= region["startLine"] <= len(lines)
        assert region["startColumn"] < region["endColumn"]


def test_rules_come_with_their_help(log):
    for rule in log["runs"][0]["tool"]["driver"]["rules"]:
        page = RULES[rule["id"]]
        assert rule["shortDescription"]["text"] == page.summary
        assert page.fix in rule["help"]["text"]
        assert "```yaml" in rule["help"]["markdown"]


def test_related_places_are_told(log):
    double = next(result for result in log["runs"][0]["results"] if result["ruleId"] == "duplicate-key")
    assert double["relatedLocations"][0]["physicalLocation"]["region"]["startLine"] == 3


def test_fingerprints_survive_moved_lines(run, tmp_path):
    """Code scanning follows a finding by its fingerprint from commit to commit."""
    prints = []
    for before in ("", "# a comment\n\n"):
        (tmp_path / "a.yaml").write_text(f"{before}naftiko: 1.0.0-alpha2\ninfoo: {{}}\n")
        log = json.loads(run("validate", "a.yaml", "--format", "sarif").stdout)
        prints.append([result["partialFingerprints"] for result in log["runs"][0]["results"]])
    assert prints[0]
    assert prints[0] == prints[1]


def test_a_name_with_spaces_is_a_valid_uri(run, tmp_path):
    (tmp_path / "a b#c.yaml").write_text("naftiko: 1.0.0-alpha2\ninfoo: {}\n")
    log = json.loads(run("validate", "a b#c.yaml", "--format", "sarif").stdout)
    assert log["runs"][0]["artifacts"][0]["location"]["uri"] == "a%20b%23c.yaml"
