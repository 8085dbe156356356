"""docs/semantics.md: its examples load, what it shows is what happens, and comments cite chapters that it has."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from starlette.responses import Response

from naftiko.engine.capability import load
from naftiko.engine.settings import Settings
from naftiko.expose.rest import rest_app
from naftiko.testing import StandInUpstream

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "semantics.md"
TEXT = PAGE.read_text("utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECTION = re.compile(r"(?m)^(?=\w+:)")
NUMBER = r"\d+(?:\.\d+)?"
CHAPTERS = re.findall(rf"^#{{2,3}} ({NUMBER})\.? ", TEXT, re.MULTILINE)
CITED = re.compile(rf"\bSEMANTICS((?:(?:[\s#]|,|\band\b|\bto\b)*{NUMBER})*)")
FILE = "shop.yaml"
SECRET = "t0ken-of-the-shop"

Run = Callable[..., "object"]


@dataclass
class Example:
    """A capability of the page, with what its API answers and what commands show.

    Attributes:
        files: by name.
        answers: of the API, by method and path: headers and body.
        shown: the blocks that hold commands with their output, by their number in the page.
    """

    chapter: str
    files: dict[str, str]
    answers: dict[tuple[str, str], tuple[dict[str, str], str]] = field(default_factory=dict)
    shown: dict[int, str] = field(default_factory=dict)

    def write(self, directory: Path) -> Path:
        """Write the files, and return the capability's."""
        for name, content in self.files.items():
            (directory / name).write_text(content, "utf-8")
        return directory / FILE

    def upstream(self) -> StandInUpstream:
        """Return the API."""
        made = StandInUpstream()
        for (method, path), (headers, body) in self.answers.items():
            made.on(method, path, Response(body, headers=headers))
        return made


def sections(text: str) -> dict[str, str]:
    """Split YAML into its top-level sections."""
    return {part.partition(":")[0]: part for part in SECTION.split(text) if part.strip()}


def whole(fragment: str, base: str) -> str:
    """Return the file that a block stands for: itself, or the first one with these sections."""
    found = sections(fragment)
    return fragment if {"naftiko", "ikanos"} & found.keys() else "".join({**sections(base), **found}.values())


def answer_of(block: str) -> tuple[tuple[str, str], tuple[dict[str, str], str]]:
    """Return what an API answers where: the first line, headers, a blank line, the body."""
    head, _, body = block.partition("\n\n")
    first, *lines = head.splitlines()
    method, path = first.split()
    headers = dict(line.split(": ") for line in lines)
    return (method, path), (headers or {"Content-Type": "application/json"}, body)


def examples() -> list[Example]:
    """Return the examples in the order of the page."""
    found: list[Example] = []
    base = ""
    for number, block in enumerate(BLOCK.finditer(TEXT)):
        kind, content = block[1], block[2]
        if kind == "yaml" and (other := re.match(r"# ([\w-]+\.yaml)\n", content)):
            found[-1].files[other[1]] = content
        elif kind == "yaml":
            base = base or content
            chapter = (["0", *re.findall(rf"^#{{2,3}} ({NUMBER})", TEXT[: block.start()], re.MULTILINE)])[-1]
            found.append(Example(chapter, {FILE: whole(content, base)}))
        elif kind == "http":
            where, answer = answer_of(content)
            found[-1].answers[where] = answer
        elif kind == "text":
            found[-1].shown[number] = content
    return found


EXAMPLES = examples()
NAMED = [pytest.param(one, id=f"{one.chapter}-{at}") for at, one in enumerate(EXAMPLES)]
SHOWING = [pytest.param(one, id=f"{one.chapter}-{at}") for at, one in enumerate(EXAMPLES) if one.shown]


@pytest.mark.parametrize("example", NAMED)
def test_an_example_loads_without_an_error(example, run, tmp_path):
    done = run("validate", example.write(tmp_path).name, "--format", "json")
    assert done.returncode == 0, done.stdout
    report = json.loads(done.stdout)
    assert report["summary"]["errors"] == 0
    assert all(file["usable"] and file["units"] == file["executable"] for file in report["files"])


@pytest.mark.parametrize("example", SHOWING)
def test_what_is_shown_is_what_happens(example, run, tmp_path):
    """Each command after a ``$``, against an API that answers as the page says; UPDATE_DOCS=1 writes it anew."""
    file = example.write(tmp_path)
    with example.upstream() as upstream:
        url = upstream.url if example.answers else None
        for number, block in example.shown.items():
            lines = [line for line in block.splitlines() if line.startswith("$ ")]
            assert lines
            seen = "".join(f"{line}\n{output_of(line[2:], file, run, url)}" for line in lines)
            if os.environ.get("UPDATE_DOCS"):
                rewrite(number, seen)
            else:
                assert seen == block


def output_of(command: str, file: Path, run: Run, url: str | None) -> str:
    """Return what a command writes, its stderr last; ``url`` is where the API answers, if it does."""
    program, *words = shlex.split(command)
    if program == "curl":
        return asyncio.run(curl(words, file, url))
    assert program == "naftiko"
    sends = url is not None and words[0] == "call" and "--dry-run" not in words
    done = run(*words, env={"SHOP_TOKEN": SECRET, **({"NAFTIKO_BASE_URI": f"*={url}"} if sends else {})})
    return done.stdout + done.stderr


async def curl(words: list[str], file: Path, url: str | None) -> str:
    """Return what `naftiko serve` answers over REST: with ``--mock`` where the page has no answers of the API."""
    known = argparse.ArgumentParser()
    known.add_argument("-X")
    known.add_argument("-H", action="append", default=[])
    known.add_argument("--json")
    known.add_argument("url")
    asked = known.parse_args(words)
    headers = {"content-type": "application/json"} if asked.json else {}
    method = asked.X or ("POST" if asked.json else "GET")
    headers |= dict(line.split(": ") for line in asked.H)
    bases = {} if url is None else {"*": url}
    settings = Settings(environment={"SHOP_TOKEN": SECRET}, mock=url is None, base_uris=bases)
    transport = httpx.ASGITransport(rest_app(load(file, settings=settings)))
    async with httpx.AsyncClient(transport=transport) as client:
        answer = await client.request(method, asked.url, content=asked.json, headers=headers)
    return re.sub(r'("correlationId":")[0-9a-f]{16}"', r'\g<1>0123456789abcdef"', f"{answer.text}\n")


def rewrite(number: int, content: str) -> None:
    """Put the content into a block of the page, by its number."""
    text = PAGE.read_text("utf-8")
    block = list(BLOCK.finditer(text))[number]
    PAGE.write_text(text[: block.start(2)] + content + text[block.end(2) :], "utf-8")


def test_every_block_is_read():
    assert len(EXAMPLES) > 20
    assert len(SHOWING) > 15
    assert {block[1] for block in BLOCK.finditer(TEXT)} == {"yaml", "http", "text"}


def cited() -> Iterator[tuple[str, str]]:
    """Yield each place that cites the page, with each number that it names, ``""`` where it names none."""
    for folder in ("src", "tests", "benchmarks", "examples"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if path == Path(__file__):
                continue
            for found in CITED.finditer(path.read_text("utf-8")):
                for number in re.findall(NUMBER, found[1]) or [""]:
                    yield str(path.relative_to(ROOT)), number


def test_every_chapter_that_is_cited_is_there():
    places = list(cited())
    assert len(places) > 200
    assert [place for place in places if place[1] not in CHAPTERS] == []


def test_chapters_are_numbered_in_order():
    numbers = [tuple(map(int, number.split("."))) for number in CHAPTERS]
    assert numbers == sorted(set(numbers))
    assert [chapter for (chapter, *inner) in numbers if not inner] == list(range(1, 11))
