"""``naftiko explain``: a page for every rule."""

from __future__ import annotations

from click.testing import CliRunner

from naftiko.cli.explain import explain
from naftiko.document.rules import RULES


def test_a_rule_has_a_page(run):
    done = run("explain", "unknown-call")
    assert done.returncode == 0
    assert done.stdout.startswith("# unknown-call\n\n*error*: A `call` names no consumed operation.")
    assert "What to do." in done.stdout


def test_the_brackets_of_a_message_may_be_copied_along():
    assert CliRunner().invoke(explain, ["[unknown-call]"]).output.startswith("# unknown-call")


def test_without_a_rule_all_are_listed():
    listed = CliRunner().invoke(explain, []).output
    for rule in RULES.values():
        assert f"  {rule.id} " in listed
        assert rule.summary in listed


def test_an_unknown_rule_is_suggested(run):
    done = run("explain", "unknown-cal")
    assert done.returncode == 2
    assert "did you mean `unknown-call`?" in done.stderr
