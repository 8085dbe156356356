"""``naftiko validate``: exit codes, streams, formats, and the whole list of problems in one run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from naftiko.cli.diagnostics import as_json

GOOD = "naftiko: 1.0.0-alpha2\n"
TOOL = "{name: t, description: d, outputParameters: [{name: a, value: b}]}"
SERVED = f"exposes: [{{type: mcp, namespace: m, description: d, tools: [{TOOL}]}}]\n"

EXPECTED = {
    "bad-indent.yaml": [("yaml-syntax", 8, "indentation")],
    "duplicate-key.yaml": [("duplicate-key", 4, "keep one"), ("duplicate-key", 9, "keep one")],
    "unknown-call.yaml": [
        ("unknown-call", 20, "did you mean `helpdesk.list-tickets`?"),
        ("unknown-call", 26, "did you mean `helpdesk`?"),
        ("unknown-call", 29, "known: list-tickets"),
    ],
    "wrong-type.yaml": [
        ("wrong-type", 2, ""),
        ("wrong-type", 13, ""),
        ("wrong-type", 17, ""),
        ("yaml-key", 21, 'quote a template: "{{name}}"'),
        ("nothing-to-execute", 19, "did you mean `call: helpdesk.list-tickets`?"),
    ],
    "unknown-key.yaml": [
        ("unknown-key", 4, "did you mean `description`?"),
        ("unknown-key", 9, "did you mean `resources`?"),
        ("unknown-key", 16, "did you mean `description`?"),
        ("tool-description", 15, ""),
    ],
}


def test_five_broken_files_in_one_run_tell_everything_with_place_and_hint(process, broken):
    done = process("validate", broken, "--format", "json")
    assert done.returncode == 1
    told = [found for found in json.loads(done.stdout)["diagnostics"] if found["severity"] != "hint"]
    for name, expected in EXPECTED.items():
        here = [found for found in told if found["file"].endswith(name)]
        assert {(found["rule"], found["line"]) for found in here} == {(rule, line) for rule, line, _ in expected}, name
        for rule, line, hint in expected:
            found = next(each for each in here if (each["rule"], each["line"]) == (rule, line))
            assert hint in found["hint"]
            assert found["column"] >= 1
            assert found["message"]


def test_the_text_shows_line_caret_rule_and_fix(process, broken):
    done = process("validate", "unknown-call.yaml", cwd=broken)
    assert done.returncode == 1
    assert done.stdout.startswith(
        "unknown-call.yaml:20:13: error: `helpdesk` has no operation `list-tickest` [unknown-call]\n"
        "20 |       call: helpdesk.list-tickest\n"
        "   |             ^^^^^^^^^^^^^^^^^^^^^\n"
        "   = help: did you mean `helpdesk.list-tickets`?\n"
    )
    assert done.stdout.rstrip().endswith("3 errors in 1 file, 2 hints (--hints shows them)")
    assert done.stderr == ""


def test_the_first_of_two_keys_is_shown_too(run, broken):
    done = run("validate", "duplicate-key.yaml", cwd=broken)
    assert (
        "  = see also duplicate-key.yaml:3:3\n3 |   label: Helpdesk\n  |   ^^^^^\n  = help: keep one of them"
        in done.stdout
    )


def test_a_good_file_is_quiet_and_exits_0(process, tickets):
    done = process("validate", tickets)
    assert (done.returncode, done.stdout, done.stderr) == (0, "no problems in 1 file\n", "")


def test_warnings_fail_only_when_strict(run, tickets, tmp_path):
    path = tmp_path / "warned.yaml"
    path.write_text(tickets.read_text("utf-8") + "zzz: 1\n", "utf-8")
    assert run("validate", path).returncode == 0
    assert run("validate", path, "--strict").returncode == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Missing argument"),
        (("nowhere.yaml",), "there is no file or directory `nowhere.yaml`"),
        (("*.yaml",), "no file matches `*.yaml`"),
        ((".",), "there is no capability file"),
        ((".", "--format", "xml"), "xml"),
        ((".", "--base-uri", "helpdesk"), "--base-uri wants NAME=VALUE"),
        ((".", "--auth", "helpdesk=bearer"), "--auth helpdesk=… is none of"),
    ],
)
def test_what_is_not_understood_exits_2(run, arguments, said, tmp_path):
    if "--base-uri" in arguments or "--auth" in arguments:
        (tmp_path / "capability.yaml").write_text(GOOD)
    done = run("validate", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_hints_are_counted_and_shown_on_demand(run, tmp_path):
    (tmp_path / "a.yaml").write_text(GOOD + "info: {label: A}\n" + SERVED)
    quiet = run("validate", "a.yaml").stdout
    assert quiet == "no problems in 1 file, 1 hint (--hints shows them)\n"
    shown = run("validate", "a.yaml", "--hints").stdout
    assert "a.yaml:2:7: hint: `info` has no description and no tags [info-incomplete]" in shown


def test_directories_globs_and_files_are_found_once_each(run, tmp_path):
    """A directory's YAML without a root key is left out and counted; hidden directories are not searched."""
    for name in ("a.yaml", "deep/er/b.yml", "deep/er/.hidden/c.yaml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(GOOD)
    (tmp_path / "compose.yaml").write_text("services: {}\n")
    done = run("validate", ".", "deep/**/*.yml", "a.yaml", "--format", "json")
    data = json.loads(done.stdout)
    assert sorted(found["file"] for found in data["files"]) == ["a.yaml", "deep/er/b.yml"]
    assert data["summary"]["skipped"] == 1


def test_a_file_that_is_named_is_checked_whatever_it_holds(run, tmp_path):
    (tmp_path / "compose.yaml").write_text("services: {}\n")
    done = run("validate", "compose.yaml")
    assert done.returncode == 1
    assert "[no-root-key]" in done.stdout


def test_json_has_the_documented_shape(run, broken):
    data = json.loads(run("validate", broken / "duplicate-key.yaml", "--format", "json").stdout)
    assert list(data) == ["version", "summary", "files", "diagnostics"]
    assert data["version"] == 1
    assert list(data["summary"]) == ["files", "errors", "warnings", "hints", "skipped"]
    assert list(data["files"][0]) == ["file", "usable", "units", "executable", "errors", "warnings", "hints"]
    first = next(found for found in data["diagnostics"] if found["rule"] == "duplicate-key")
    assert list(first) == ["rule", "severity", "file", "line", "column", "width", "message", "hint", "related"]
    assert list(first["related"][0]) == ["file", "line", "column", "width"]
    assert as_json.__module__ == "naftiko.cli.diagnostics.structured"


def test_no_colours_where_there_is_no_terminal(run, broken):
    assert "\x1b" not in run("validate", broken).stdout


def test_a_literal_secret_is_never_shown(run, tmp_path):
    """Neither in the message, nor in the line that the message quotes, nor by another finding on that line."""
    (tmp_path / "a.yaml").write_text(
        GOOD
        + "consumes:\n- namespace: a\n  baseUri: https://a.test\n"
        + "  authentication: {type: apikey, key: X-Key, value: hunter2-hunter2, in: cookie}\n"
        + "- namespace: b\n  baseUri: https://b.test\n"
        + "  authentication:\n    type: bearer\n    token: swordfish-swordfish\n"
    )
    for form in ("text", "json", "sarif"):
        done = run("validate", "a.yaml", "--hints", "--format", form)
        assert "literal-secret" in done.stdout
        assert "hunter2" not in done.stdout + done.stderr
        assert "swordfish" not in done.stdout + done.stderr


def test_what_the_operator_settles_is_not_told_again(run, tmp_path):
    (tmp_path / "a.yaml").write_text(
        GOOD + 'binds: [{namespace: env, keys: {KEY: KEY}}]\nconsumes: [{namespace: shop, baseUri: ""}]\n'
    )
    told = run("validate", "a.yaml").stdout
    assert set(re.findall(r"\[([a-z-]+)\]", told)) == {"empty-base-uri", "unauthenticated-api"}
    settled = run("validate", "a.yaml", "--base-uri", "sh*=https://shop.test", "--auth", "shop=bearer:{{KEY}}").stdout
    assert settled.startswith("no problems")


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="a file that nobody can read")
def test_a_file_that_cannot_be_read_takes_no_other_down(run, tickets):
    done = run("validate", "/proc/self/mem", tickets, "--format", "json")
    assert done.returncode == 1
    data = json.loads(done.stdout)
    assert [(found["rule"], found["file"]) for found in data["diagnostics"]] == [("unreadable-file", "/proc/self/mem")]
    assert data["summary"]["files"] == 2
