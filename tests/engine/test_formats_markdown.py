"""markdown: front matter, tables and sections."""

from __future__ import annotations

from pathlib import Path

import pytest

from naftiko.engine.formats import FormatError, FormatOptions, decoder

FIXTURES = Path(__file__).parent.parent / "fixtures" / "formats"
RELEASE = (FIXTURES / "release.md").read_bytes()


def decode(text, schema=None):
    return decoder("markdown", FormatOptions(schema=schema))(text, None)


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_a_release_note(line_end):
    document = decode(RELEASE.replace(b"\n", line_end))
    assert document["frontMatter"] == {"title": "Release notes", "version": "2.1.0", "tags": ["api", "mcp"]}
    assert document["tables"] == [[{"Feature": "Formats", "Status": "GA"}, {"Feature": "Steps", "Status": ""}]]
    assert document["sections"] == [
        {"heading": "Overview", "level": 1, "content": "This release introduces new features. It is out now."},
        {
            "heading": "API Reference",
            "level": 2,
            "content": "Call it:\ncurl -s https://example.com/v2\nfirst\nsecond",
        },
        {"heading": "API Usage", "level": 2, "content": "Line one\nline two a diagram"},
    ]


@pytest.mark.parametrize(
    ("schema", "headings"),
    [
        ("API", ["API Reference", "API Usage"]),
        ("Overview", ["Overview"]),
        ("# Overview", ["Overview"]),
        ("## Overview", []),
        ("##", ["API Reference", "API Usage"]),
        ("Usage", []),
        ("", ["Overview", "API Reference", "API Usage"]),
    ],
)
def test_the_schema_is_the_start_of_a_heading(schema, headings):
    assert [section["heading"] for section in decode(RELEASE, schema)["sections"]] == headings


@pytest.mark.parametrize(
    ("text", "front_matter", "headings"),
    [
        (b"---\na: 1\n---\n# H", {"a": 1}, ["H"]),
        (b"---\na: 1\n---", {"a": 1}, []),
        (b"---\n---\n# H", {}, ["H"]),
        (b"\n---\na: 1\n---\n# H", {}, ["a: 1", "H"]),
        (b"---\na: [\n---\n# H", {}, ["a: [", "H"]),
        (b"---\njust prose\n---\n# H", {}, ["just prose", "H"]),
        (b"--- \n# H", {}, ["H"]),
        (b"", {}, []),
    ],
)
def test_front_matter_is_a_yaml_object_between_two_rules(text, front_matter, headings):
    document = decode(text)
    assert document["frontMatter"] == front_matter
    assert [section["heading"] for section in document["sections"]] == headings


def test_only_tables_of_the_top_level_with_headers():
    text = b"|a|\n|-|\n|1|\n\n| | |\n|-|-|\n|1|2|\n\n> |q|\n> |-|\n> |1|\n\n|x|x|\n|-|-|\n|1|2|3|\n"
    assert decode(text)["tables"] == [[{"a": "1"}], [{"x": "1", "x_2": "2"}]]


def test_content_is_plain_text():
    text = (
        b"# **A** `b`\n\na ~~b~~ <b>c</b> &amp; [d](http://x)\n\n<div>raw</div>\n\n    code\n      deep\n\n> quoted\n"
    )
    assert decode(text)["sections"] == [
        {"heading": "A b", "level": 1, "content": "a ~~b~~ c & d\ncode\n  deep\nquoted"}
    ]


@pytest.mark.parametrize(
    "text",
    [b">" * 50_000, b"[" * 50_000, b"[a](" * 20_000, b"*a_ " * 20_000, b"![[" * 10_000, b"- " * 50_000, b"`" * 50_000],
    ids=["quotes", "brackets", "links", "emphasis", "images", "lists", "backticks"],
)
def test_nesting_ends_without_error(text):
    assert decode(b"# H\n\n" + text)["sections"][0]["heading"] == "H"


def test_a_text_beyond_the_limit_is_refused():
    with pytest.raises(FormatError, match="larger than 1,048,576 bytes"):
        decode(b"x" * (2 * 1024 * 1024 + 1))
