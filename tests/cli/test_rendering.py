"""Text for people: colours, carets under what is wrong whatever the line holds, nothing that commands a terminal."""

from __future__ import annotations

import cProfile
import io
import pstats
import re
from pathlib import Path

import pytest

from naftiko.cli.diagnostics import Checked, Report, TextRenderer, summary, wants_colour
from naftiko.cli.diagnostics.excerpt import Excerpts, cells
from naftiko.ground.types import Diagnostic, Position, Severity


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def diagnostic(path: Path | str, line: int, column: int, width: int = 1, severity: Severity = Severity.ERROR, **more):
    return Diagnostic("unknown-key", severity, Position(str(path), line, column, width), "`x` is no key", **more)


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({"NO_COLOR": ""}, True)],
)
def test_colours_on_a_terminal_unless_told_otherwise(environment, wanted):
    assert wants_colour(Terminal(), environment) is wanted


def test_no_colours_in_a_pipe():
    assert not wants_colour(io.StringIO(), {})


def test_colours_change_nothing_but_colours(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("x: 1\n")
    report = Report([Checked(str(path), (diagnostic(path, 1, 1, hint="remove it"),))])
    plain = TextRenderer().report(report)
    coloured = TextRenderer(colour=True).report(report)
    import re

    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


@pytest.mark.parametrize(
    ("line", "column", "width", "shown", "caret"),
    [
        ("call: shop.x", 7, 6, "call: shop.x", "      ^^^^^^"),
        ("\tcall: x", 2, 4, " call: x", " ^^^^"),
        ("naïve: 日本 x", 11, 1, "naïve: 日本 x", "            ^"),
        ("日本: 日本", 5, 2, "日本: 日本", "      ^^^^"),
        ("e\u0301: x", 5, 1, "e\u0301: x", "   ^"),
        ("a\x1b[31m: x", 8, 1, "a\ufffd[31m: x", "       ^"),
        ("a\u202eb: x", 6, 1, "a\ufffdb: x", "     ^"),
        ("key", 4, 1, "key", "   ^"),
    ],
)
def test_the_caret_stands_under_what_is_wrong(tmp_path, line, column, width, shown, caret):
    """Tabs, wide and combining characters; escape sequences and direction marks of a file are made harmless."""
    path = tmp_path / "a.yaml"
    path.write_text(line + "\n", "utf-8")
    text = "\n".join(TextRenderer().blocks([diagnostic(path, 1, column, width)]))
    assert text.splitlines()[1:] == [f"1 | {shown}", f"  | {caret}"]


def test_a_long_line_is_cut_around_the_place(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("x" * 300 + " wrong " + "y" * 300 + "\n")
    shown = Excerpts().at(Position(str(path), 1, 302, 5))
    assert shown is not None
    assert shown.text.startswith("…")
    assert shown.text.endswith("…")
    assert shown.text[shown.offset : shown.offset + shown.width] == "wrong"
    assert cells(shown.text) <= 122


def test_messages_from_a_file_cannot_command_the_terminal(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("x: 1\n")
    found = Diagnostic(
        "unknown-key", Severity.ERROR, Position(str(path), 1, 1), "`\x1b]0;gone\x07` is no key", "\x9b31m"
    )
    assert not {"\x1b", "\x07", "\x9b"} & set("".join(TextRenderer().blocks([found])))


def test_a_file_that_is_gone_or_shorter_still_has_its_message(tmp_path):
    short = tmp_path / "short.yaml"
    short.write_text("x\n")
    for path, line in ((tmp_path / "gone.yaml", 3), (short, 30)):
        assert "".join(TextRenderer().blocks([diagnostic(path, line, 1)])).endswith("is no key [unknown-key]")


@pytest.mark.parametrize(
    ("severities", "line"),
    [
        ([], "no problems in 1 file"),
        ([Severity.ERROR], "1 error in 1 file"),
        ([Severity.WARNING] * 2, "2 warnings in 1 file"),
        ([Severity.ERROR] * 3 + [Severity.WARNING] * 2, "3 errors, 2 warnings in 1 file"),
        ([Severity.HINT], "no problems in 1 file, 1 hint"),
    ],
)
def test_the_summary_counts(severities, line):
    found = tuple(diagnostic("a.yaml", at, 1, severity=severity) for at, severity in enumerate(severities, 1))
    assert summary(Report([Checked("a.yaml", found)])) == line


def test_what_two_files_import_is_told_once():
    shared = diagnostic("shared.yaml", 1, 1)
    report = Report([Checked("a.yaml", (shared,)), Checked("b.yaml", (shared,))])
    assert report.diagnostics == [shared]
    assert report.count(Severity.ERROR) == 1


def test_no_secret_of_a_long_line_is_shown_wherever_it_is_cut(tmp_path):
    """Told ones, all of them, and those in URLs, at their begin, in the middle and behind."""
    line = " ".join(f"k{at}: s3cret-value-{at:03d} u: http://bob:pa55word-{at:03d}@host/x" for at in range(40))
    path = tmp_path / "one.yaml"
    path.write_text(line)
    places = [found.span(1) for found in re.finditer(r": (s3cret\S+)", line)]
    told = [
        Diagnostic("literal-secret", Severity.WARNING, Position(str(path), 1, start + 1, end - start), "m")
        for start, end in places
    ]
    excerpts = Excerpts(told)
    for column in range(1, len(line) + 1, 3):
        shown = excerpts.at(Position(str(path), 1, column, 4))
        assert "s3cret" not in shown.text
        assert "value-" not in shown.text
        assert "a55word" not in shown.text
        assert "bob" not in shown.text
    at_secret = excerpts.at(Position(str(path), 1, places[9][0] + 1, 10))
    assert at_secret.text[at_secret.offset :].startswith("***")
    assert at_secret.width == 3


def test_a_file_of_one_line_costs_as_much_for_each_diagnostic(tmp_path):
    """Counted in calls: a diagnostic looks at its part of the line alone."""
    calls = []
    for count in (200, 400):
        path = tmp_path / f"{count}.yaml"
        path.write_text(" ".join(f"word-{at:05d}" for at in range(count)))
        positions = [Position(str(path), 1, 1 + at * 11, 10) for at in range(count)]
        found = [Diagnostic("unknown-key", Severity.WARNING, position, "m") for position in positions]
        profile = cProfile.Profile()
        blocks = profile.runcall(list, TextRenderer(hints=True).blocks(found))
        assert len(blocks) == count
        calls.append(pstats.Stats(profile).total_calls)
    assert calls[1] < 2.3 * calls[0]
