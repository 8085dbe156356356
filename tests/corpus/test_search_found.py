"""``find-tools`` finds what people want in plain words, among the 500 tools of three public APIs."""

from __future__ import annotations

import re
from pathlib import Path

import bm25s
import pytest
from corpus_run import capability_files

import naftiko
from naftiko.engine.settings import Settings
from naftiko.expose.mcp.finding import ToolIndex, words
from naftiko.expose.mcp.options import McpOptions
from naftiko.expose.mcp.sources import mcp_sources
from naftiko.expose.mcp.tool import Tool, tools_of
from public_files import CORPUS

pytestmark = pytest.mark.corpus

QUESTIONS = [
    (question, re.compile(names))
    for question, names in (
        line.split(" | ", 1)
        for line in Path(__file__).with_name("search_questions.txt").read_text("utf-8").splitlines()
        if not line.startswith("#")
    )
]
APIS = ("pagerduty", "stripe", "spotify")
MOST = 5


@pytest.fixture(scope="module")
def tools() -> list[Tool]:
    found: dict[str, Tool] = {}
    for api in APIS:
        for path in capability_files(CORPUS / f"api-evangelist+{api}"):
            capability = naftiko.load(path, settings=Settings(environment={}))
            for source in mcp_sources([capability]):
                for tool in tools_of(source, McpOptions()):
                    found.setdefault(tool.name, tool)
    return list(found.values())


def plain_words(tools: list[Tool]) -> bm25s.BM25:
    """Return BM25 over the words of names and descriptions, as any library has it."""
    index = bm25s.BM25()
    index.index([words(f"{tool.name} {tool.unit.plan.description or ''}") for tool in tools], show_progress=False)
    return index


def test_the_questions_are_of_these_tools(tools):
    assert len(tools) > 500
    assert len(QUESTIONS) >= 200
    names = [tool.name for tool in tools]
    assert not [question for question, right in QUESTIONS if not any(map(right.fullmatch, names))]


def test_the_right_tool_is_among_the_first_five(tools):
    index = ToolIndex(tools)
    plain = plain_words(tools)
    found = usual = 0
    missed = []
    for question, right in QUESTIONS:
        hits = index.find(question, MOST)[0]
        if any(right.fullmatch(tool.name) for tool in hits):
            found += 1
        else:
            missed.append(question)
        scores = plain.get_scores(words(question)).tolist()
        first = sorted(range(len(tools)), key=lambda at: (-scores[at], at))[:MOST]
        usual += any(right.fullmatch(tools[at].name) for at in first)
    assert found / len(QUESTIONS) >= 0.9, f"{found} of {len(QUESTIONS)}, BM25 alone {usual}; not found: {missed}"
    assert found > usual + len(QUESTIONS) * 0.15, f"{found}, BM25 alone {usual}"
