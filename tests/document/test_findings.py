"""Diagnostics: collected in order, each once, with a position; and the names that were meant."""

from __future__ import annotations

import pytest

from naftiko.document.findings import Findings
from naftiko.document.suggest import did_you_mean, fold, nearest
from naftiko.ground.types import Position, Severity


def test_everything_found_is_kept_in_order_and_told_once():
    findings = Findings("f.yaml")
    findings.at_line(2, 3).warning("r1", "first")
    findings.at_line(1, 1).error("r2", "second", hint="do it")
    findings.at_line(2, 3).warning("r1", "first")
    findings.at_position(Position("g.yaml", 9, 9)).hint("r3", "third")
    assert [found.rule for found in findings] == ["r1", "r2", "r3"]
    assert [found.rule for found in findings.errors] == ["r2"]
    assert str(next(iter(findings))) == "f.yaml:2:3: warning: first [r1]"
    assert [found.severity for found in findings] == [Severity.WARNING, Severity.ERROR, Severity.HINT]


def test_what_has_no_node_stands_at_the_start_of_the_file():
    assert Findings("f.yaml").position(None) == Position("f.yaml", 1, 1)


@pytest.mark.parametrize(
    ("word", "known", "near"),
    [
        ("baseUrl", ["baseUri", "type"], "baseUri"),
        ("BASE_URI", ["baseUri", "baseUrl"], "baseUri"),
        ("inputParameter", ["inputParameters", "outputParameters"], "inputParameters"),
        ("zzz", ["baseUri"], None),
        ("x", [], None),
    ],
)
def test_the_name_that_was_meant(word, known, near):
    assert nearest(word, known) == near
    assert did_you_mean(word, known) == (f"did you mean `{near}`?" if near else "")


def test_case_and_punctuation_do_not_count():
    assert fold("riskDetection-id") == fold("riskdetection_ID")
    assert fold("a1") != fold("a2")
