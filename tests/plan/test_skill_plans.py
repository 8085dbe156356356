"""Skills when a file is loaded: older spellings, what is wrong with them and where, the text that is made of them."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from naftiko.document.frontmatter import BrokenFrontmatter, frontmatter_of, written
from naftiko.engine.capability import loads
from naftiko.plan.skills import is_skill_name, skill_name

HEAD = """\
naftiko: 1.0.0-beta5
consumes:
- {type: http, namespace: api, baseUri: "http://localhost", resources: [{path: /x, operations: [{name: get, method: GET}]}]}
exposes:
- type: mcp
  namespace: tools
  tools: [{name: look, description: Look., call: api.get}]
- type: rest
  namespace: web
  resources: [{path: /x, operations: [{name: read, method: GET, call: api.get}]}]
"""


def capability(text: str):
    return loads(HEAD + text)


def tools_of(text: str) -> list[tuple]:
    (skill,) = capability(text).skills
    return [(each.name, each.namespace, each.action, each.mode) for each in skill.plan.tools]


@pytest.mark.parametrize(
    ("text", "tools"),
    [
        (
            "- {type: agent-skill, namespace: s, skill: {name: look, description: d}}",
            [("look", "tools", "look", "mcp")],
        ),
        ("- {type: agent-skill, namespace: s, skill: {name: other, description: d}}", []),
        (
            "- {type: skill, groups: [{name: g, description: d, skills: [{name: a, call: api.get}]}]}",
            [("a", "tools", "look", "mcp")],
        ),
        (
            "- {type: skill, groups: {g: {description: d, skills: {a: {call: api.gone}}}}}",
            [("a", "api", "gone", "unknown")],
        ),
        ("- {type: skill, skills: [{name: s, call: api.get}]}", [("s", "tools", "look", "mcp")]),
        ("- {skills: {s: {tools: {a: {from: {sourceNamespace: web, action: read}}}}}}", [("a", "web", "read", "rest")]),
    ],
)
def test_older_files_mean_the_same(text, tools):
    assert tools_of(text) == tools


@pytest.mark.parametrize(
    ("tool", "rule", "column", "hint"),
    [
        ("{description: d}", "skill-tool", 20, "from: {sourceNamespace"),
        ("{from: {sourceNamespace: web, action: read}, instruction: a.md}", "skill-tool", 20, "keep one"),
        ("{from: {sourceNamespace: tols, action: look}}", "unknown-namespace", 45, "did you mean `tools`?"),
        ("{from: {sourceNamespace: tools, action: lok}}", "unknown-skill-tool", 60, "did you mean `look`?"),
        ("{instruction: a.md}", "skill-tool", 34, "location"),
    ],
)
def test_a_wrong_tool_is_told_where_it_is_and_left_out(tool, rule, column, hint):
    found = capability(f"- type: skill\n  skills:\n    s:\n      tools: {{bad: {tool}, good: {{call: api.get}}}}\n")
    (problem,) = found.errors
    assert (problem.rule, problem.position.line, problem.position.column) == (rule, 14, column)
    assert hint in problem.hint
    assert [each.name for each in found.skills[0].plan.tools] == ["good"]


@pytest.mark.parametrize("path", ["../a.md", "/etc/passwd", ".hidden/a.md", "a//b", "a\\b", "", "c:/x"])
def test_an_instruction_is_inside_of_its_directory(path):
    tools = json.dumps({"bad": {"instruction": path}})
    found = capability(f"- type: skill\n  skills:\n    s:\n      location: file://.\n      tools: {tools}\n")
    assert [problem.rule for problem in found.errors] == ["skill-tool"]
    assert found.skills[0].plan.tools == ()


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(st.dictionaries(TEXT, st.one_of(TEXT, st.booleans(), st.dictionaries(TEXT, TEXT, min_size=1)), min_size=1))
def test_what_is_written_is_read_as_the_same_by_every_reader(said):
    """By YAML 1.1 and 1.2, whatever the texts are: words, numbers, dates, quotes, line ends, controls."""
    block = written(said)
    assert frontmatter_of(block.encode()) == said
    assert yaml.safe_load(block.split("\n", 1)[1].rpartition("---")[0]) == said


@pytest.mark.parametrize(
    "text",
    ["no", "Yes", "null", "~", "1.10", "0o14", "1e3", "2026-01-01", "a: b", "a #b", "'", '"', "- x", "{x}", "0x1f", ""],
)
def test_a_text_stays_a_text(text):
    assert frontmatter_of(written({"k": text}).encode()) == {"k": text}
    assert yaml.safe_load(written({"k": text}).split("---")[1]) == {"k": text}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"# No block\n", "doesn't begin with frontmatter"),
        (b"---\nname: a\n", "doesn't begin with frontmatter"),
        (b"---\nname: [\n---\n", "line 3"),
        (b"---\n- a\n---\n", "can't be read"),
        (b"---\na: 1\na: 2\n---\n", "stands twice"),
        (b"---\na: !!python/object:os.system {}\n---\n", "tag"),
        (b"---\na: .inf\n---\n", "JSON"),
        (b"---\na: \xff\n---\n", "UTF-8"),
        (b"---\n" + b"a: " + b"x" * 70_000 + b"\n---\n", "doesn't begin"),
        (b"---\na: &a [x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
         + b"".join(b"c%d: &c%d [%s]\n" % (i, i, b",".join([b"*c%d" % (i - 1) if i else b"*b"] * 9)) for i in range(9))
         + b"---\n", "too large"),
    ],
)  # fmt: skip
def test_a_broken_block_is_said(content, why):
    with pytest.raises(BrokenFrontmatter, match=why):
        frontmatter_of(content)


@given(st.text(max_size=100))
def test_a_name_is_brought_into_the_form_that_agents_take(text):
    assert is_skill_name(skill_name(text))


@pytest.mark.parametrize(
    ("name", "fits"), [("a", True), ("a-b1", True), ("A", False), ("a--b", False), ("-a", False), ("a" * 65, False)]
)
def test_names_that_agents_take(name, fits):
    assert is_skill_name(name) == fits
