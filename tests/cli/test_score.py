"""``naftiko validate --score``: how well tools say what they are for, and what to do about it."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from naftiko.expose.mcp.rubric import CRITERIA, Declared, alike, judge

FILE = """
naftiko: "1.0.0-beta5"
info: {{label: Notes}}
capability:
  consumes:
    - type: http
      namespace: notes
      baseUri: https://notes.example
      resources:
        - path: /notes/{{id}}
          operations: [{{name: get-note, method: GET, inputParameters: [{{name: id, in: path}}]}}]
        - path: /notes
          operations: [{{name: list-notes, method: GET, inputParameters: [{{name: tag, in: query}}]}}]
  exposes:
    - type: mcp
      port: 9090
      namespace: tools
      tools:
{tools}
"""
GOOD = """
        - name: get-note
          description: Returns one note with its title and text. Use it when you have an id; fails if there is no such note.
          inputParameters:
            - {name: id, type: string, required: true, description: "The note's id, such as `n-17`.", pattern: "^n-"}
          call: notes.get-note
          outputParameters:
            - {name: title, type: string, mapping: $.title, description: What it is called.}
"""
BAD = """
        - {name: list-notes, description: List notes, call: notes.list-notes}
"""


@pytest.fixture
def write(tmp_path):
    def made(tools: str) -> Path:
        file: Path = tmp_path / "notes.yaml"
        file.write_text(FILE.format(tools=tools))
        return file

    return made


def declared(**changes):
    tool = {"name": "get-note", "description": "", "inputSchema": {"type": "object", "properties": {}}, **changes}
    return Declared.of(tool, len(json.dumps(tool)))


def test_the_criteria_are_a_hundred_points():
    assert sum(criterion.most for criterion in CRITERIA) == 100


def test_a_good_tool_has_all_of_them(run, write):
    done = run("validate", "--score", str(write(GOOD)))
    assert done.returncode == 0
    assert "notes.yaml: 100 of 100 for agents, 1 tool, about" in done.stdout


def test_a_poor_one_is_told_what_to_do_and_the_dearest_first(run, write):
    done = run("validate", "--score", str(write(GOOD + BAD)))
    lines = done.stdout.splitlines()
    at = next(at for at, line in enumerate(lines) if line.endswith("  list-notes"))
    assert "purpose -20: the description repeats the name; say what it does, and to what" in lines[at + 1]
    assert not any(line.endswith("  get-note") for line in lines)


def test_programs_get_all_of_it(run, write):
    done = run("validate", "--score", "--format", "json", str(write(GOOD + BAD)))
    score = json.loads(done.stdout)["files"][0]["score"]
    by_name = {tool["name"]: tool for tool in score["tools"]}
    assert by_name["get-note"]["score"] == 100
    assert by_name["list-notes"]["score"] == sum(by_name["list-notes"]["points"].values())
    assert {each["criterion"] for each in by_name["list-notes"]["advice"]} >= {"purpose", "use", "inputs", "outputs"}
    assert score["tokens"] == sum(tool["tokens"] for tool in score["tools"])
    assert score["score"] == round(sum(tool["score"] for tool in score["tools"]) / 2)


def test_without_it_nothing_is_judged(run, write):
    done = run("validate", "--format", "json", str(write(BAD)))
    assert "score" not in json.loads(done.stdout)["files"][0]


@pytest.mark.parametrize(("least", "code"), [("10", 0), ("99", 1)])
def test_a_least_score_fails_a_pipeline(run, write, least, code):
    done = run("validate", "--min-score", least, str(write(BAD)))
    assert done.returncode == code
    assert ("less than --min-score 99" in done.stderr) == bool(code)


def test_a_badge_is_a_picture_of_the_lowest(run, write, tmp_path):
    badge = tmp_path / "score.svg"
    assert run("validate", "--badge", str(badge), str(write(GOOD))).returncode == 0
    picture = ET.parse(badge).getroot()
    assert picture.attrib["aria-label"] == "tools: 100 of 100"
    assert "#2e7d32" in badge.read_text()


def test_a_badge_of_nothing_is_told(run, tmp_path):
    file = tmp_path / "none.yaml"
    file.write_text('naftiko: "1.0.0-beta5"\ninfo: {label: None}\n')
    done = run("validate", "--badge", str(tmp_path / "score.svg"), str(file))
    assert done.returncode == 2
    assert "there is no tool to judge" in done.stderr


@pytest.mark.parametrize(
    ("name", "worse", "better"),
    [
        ("purpose", {}, {"description": "Gives one note of yours."}),
        ("use", {"description": "Gives a note."}, {"description": "Gives a note. Use it when you know its id."}),
        ("errors", {"description": "Gives a note."}, {"description": "Gives a note; empty where there is none."}),
        (
            "outputs",
            {},
            {"description": "Returns a note.", "outputSchema": {"type": "object", "properties": {"a": {}}}},
        ),
        (
            "inputs",
            {"inputSchema": {"properties": {"id": {"description": "Id"}}}},
            {"inputSchema": {"properties": {"id": {"type": "string", "description": "The id of the note."}}}},
        ),
        (
            "constraints",
            {"inputSchema": {"properties": {"id": {"type": "string"}}}},
            {"inputSchema": {"properties": {"id": {"type": "string", "format": "uuid"}}}},
        ),
        (
            "examples",
            {"inputSchema": {"properties": {"id": {"type": "string"}}}},
            {"inputSchema": {"properties": {"id": {"type": "string", "examples": ["n-1"]}}}},
        ),
    ],
)
def test_each_criterion_counts(name, worse, better):
    most = next(criterion.most for criterion in CRITERIA if criterion.name == name)
    low, high = judge(declared(**worse)), judge(declared(**better))
    assert low.points[name] < high.points[name] == most
    assert name in [each for each, _, _ in low.advice]
    assert name not in [each for each, _, _ in high.advice]


def test_a_tool_without_arguments_is_judged_by_the_rest():
    judged = judge(declared(description="Returns the version of the server. Use it first; it never fails."))
    assert set(judged.points) == {"purpose", "use", "outputs", "errors"}
    assert judged.score == round(100 * sum(judged.points.values()) / 60)


def test_tools_that_say_the_same_are_told():
    text = "Lists the orders of a shop that are open today"
    tools = [
        declared(name="list-orders", description=text),
        declared(name="orders-open", description=f"{text}."),
        declared(name="get-order", description="Gives one order with its items and prices in euro"),
    ]
    assert list(alike(tools)) == [("list-orders", "orders-open")]


def test_a_description_is_data(run, write):
    done = run("validate", "--score", str(write(BAD.replace("List notes", '"\\e[31m[red"'))))
    assert "\x1b" not in done.stdout


def test_odd_declarations_are_judged_too():
    odd = declared(inputSchema={"properties": {"a": True, "b": {"type": ["string", "null"]}, "c": {"enum": []}}})
    assert 0 <= judge(odd).score <= 100
    assert judge(Declared.of({"name": "x", "description": None}, 0)).score >= 0
