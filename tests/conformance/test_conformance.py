"""The official conformance suite, against a capability file and a stand-in upstream, as `naftiko serve` serves them."""

from __future__ import annotations

import pytest
from conformance_run import RUNS, Run, run, run_all
from conformance_upstream import stand_in_fixtures

pytestmark = pytest.mark.conformance


@pytest.fixture(scope="module")
def upstream():
    with stand_in_fixtures() as standing_in:
        yield standing_in


@pytest.fixture(scope="module")
def outcomes(tools):
    return run_all(tools)


@pytest.mark.parametrize("name", [wanted.name for wanted in RUNS])
def test_nothing_fails_but_what_is_expected_and_all_of_that_does(outcomes, name):
    outcome = outcomes[name]
    assert not outcome.wire, outcome.wire
    assert outcome.is_well, f"{outcome.summary()}\n{outcome.said}"


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [("tools-call-sampling", ()), ("ping", ("ping",)), ("no-such-scenario", ())],
    ids=["a failure that nobody expects", "an expected failure that passes", "nothing that was run"],
)
def test_a_run_that_is_not_as_expected_is_not_well(tools, upstream, scenario, expected):
    """The gate itself: it would be worth nothing if it let everything through."""
    wanted = Run(scenario, ("--scenario", scenario, "--spec-version", "2025-11-25"), expected)
    assert not run(tools, wanted, upstream.url).is_well
