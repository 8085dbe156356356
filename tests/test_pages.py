"""The pages of the project lead where they say: links, headings, and in CONTRIBUTING.md paths, tables and commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]*)\)")
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
COMMANDS = [
    line.partition(" #")[0].strip()
    for block in FENCED.finditer(CONTRIBUTING)
    if block[1] == "sh"
    for line in block[2].splitlines()
]


def prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    return FENCED.sub("", page.read_text("utf-8"))


def anchors(page: Path) -> set[str]:
    """Return what links can name of a page: its headings, as GitHub writes them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_a_heading(page):
    for link in LINK.findall(prose(page)):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_who_comes_new_finds_the_pages():
    linked = set(LINK.findall((ROOT / "README.md").read_text("utf-8")))
    assert {"CONTRIBUTING.md", "SECURITY.md", "docs/semantics.md", "docs/rules.md", "docs/settings.md"} <= linked


def test_what_contributing_names_is_there():
    named = re.findall(r"`([\w.-]+/[\w./-]*|[\w-]+\.(?:md|toml|py))`", CONTRIBUTING)
    assert len(named) > 12
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_tables_that_contributing_names_are_where_it_says():
    rows = re.findall(r"^\| an? .* \| `(src/[\w/]+)` \| (.*) \|$", CONTRIBUTING, re.MULTILINE)
    named = [(folder, table) for folder, text in rows for table in re.findall(r"`([A-Z_]{3,})`", text)]
    assert len(named) >= 5
    for folder, table in named:
        places = [ROOT / folder] if table != "RAW_FORMATS" else [ROOT / "src" / "naftiko" / "document" / "model"]
        sources = [file.read_text("utf-8") for place in places for file in place.rglob("*.py")]
        assert any(re.search(rf"^{table}\b.* = ", source, re.MULTILINE) for source in sources), (folder, table)


def test_the_commands_of_contributing_can_be_given():
    """Programs are those of the environment, targets those of the Makefile, and files are there; none is started."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert len(COMMANDS) >= 5
    for line in COMMANDS:
        words = [word for word in shlex.split(line.partition(" > ")[0]) if "=" not in word]
        if words[0] == "make":
            assert set(words[1:]) <= targets
        else:
            assert Path(words[0]).name in {"python", "naftiko"}
            assert all((ROOT / word).exists() for word in paths(words[1:]))


def paths(words: list[str]) -> Iterator[str]:
    return (word for word in words if word.startswith(("tests/", "docs/", "src/")))


def test_what_the_architecture_names_is_there():
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    named = re.findall(r"`((?:document|plan|engine|expose|serve|observe|testing|cli)/[\w/.]*|\w+\.py)`", text)
    assert len(named) > 30
    assert [name for name in named if not (ROOT / "src" / "naftiko" / name).exists()] == []
