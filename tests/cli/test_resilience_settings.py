"""The operator's policies: options over environment over `naftiko.toml`, key by key."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from naftiko.cli.application import application
from naftiko.cli.settings import Given, SettingsFile, read_settings_file, settings

OPERATORS = {
    "NAFTIKO_RESILIENCE_CIRCUIT_BREAKER_SLIDING_WINDOW_SIZE": "20",
    "NAFTIKO_RESILIENCE_CIRCUIT_BREAKER_FAILURE_RATE_THRESHOLD": "30",
    "NAFTIKO_RESILIENCE_RETRY_RETRY_ON_RESULT_PREDICATE": "statusCode >= 500",
    "NAFTIKO_RESILIENCE_RATE_LIMIT_LIMIT_FOR_PERIOD": "1000",
    "NAFTIKO_RESILIENCE_BULKHEAD_MAX_WAIT_DURATION": "50ms",
    "NAFTIKO_RESILIENCE_TIME_LIMITER": "9s",
    "NAFTIKO_RESILIENCE_SERVICE_HOST": "10.0.0.1",
}
"""As a manifest says the values of a class; the last one is Kubernetes' own."""


def test_a_manifest_says_each_value_by_a_variable():
    made = settings(Given(), SettingsFile(), OPERATORS).resilience
    assert made is not None
    assert made.circuit_breaker.sliding_window_size == "20"
    assert made.circuit_breaker.failure_rate_threshold == 30
    assert made.retry.retry_on_result_predicate == "statusCode >= 500"
    assert made.rate_limiter.limit_for_period == 1000
    assert made.bulkhead.max_wait_duration == 0.05
    assert made.time_limiter.timeout == 9


def test_each_key_is_said_by_the_strongest_place(tmp_path):
    path = tmp_path / "naftiko.toml"
    path.write_text(
        "[resilience]\ntimeLimiter = '1s'\n"
        "retry = {maxAttempts = 5, waitDuration = '1s', statuses = [503, '5xx'], idempotent = true}\n"
    )
    file = read_settings_file(path, ())
    environment = {"NAFTIKO_RESILIENCE": "retry=4 timeLimiter=2s"}
    given = Given(resilience=("retry.waitDuration=3s", "timeLimiter=3s"))
    made = settings(given, file, environment).resilience
    assert made is not None
    assert (made.retry.max_attempts, made.retry.wait_duration, made.time_limiter.timeout) == (4, 3, 3)
    assert (made.retry.statuses, made.retry.idempotent) == (("503,5xx",), True)


def test_none_is_none():
    assert settings(Given(), SettingsFile(), {}).resilience is None


@pytest.mark.parametrize("text", ["retry.maxAttempts=0", "retry.maxAttempts=x", "rety=3", "retry.waitDuration=500"])
def test_nonsense_is_refused(text):
    with pytest.raises(click.UsageError, match="--resilience"):
        settings(Given(resilience=(text,)), SettingsFile(), {})


def test_the_command_line_says_it_in_one_line(tmp_path):
    file = tmp_path / "shop.yaml"
    file.write_text("naftiko: 1.0.0-alpha2\nexposes: [{type: mcp, namespace: m, tools: [{name: a, description: b}]}]\n")
    done = CliRunner().invoke(application, ["validate", str(file), "--resilience", "retry.maxAttempts=0"])
    assert done.exit_code == 2
    assert "Error: --resilience: `retry`: `maxAttempts` must be 1 or more, not 0" in done.output
