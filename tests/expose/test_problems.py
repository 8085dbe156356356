"""The error contract: what REST and MCP are told of a failure."""

from __future__ import annotations

import logging

import httpx
import pytest

from naftiko.expose.http.problems import EXCERPT_LENGTH, excerpt, report
from naftiko.ground.errors import InputError, MissingVariable, Overloaded, Problem, UpstreamStatus, UpstreamTimeout


def hidden(text):
    return text.replace("hunter2-secret", "***")


def of(error):
    return report(error, hidden, correlation_id="c0ffee")


def test_an_upstreams_status_is_kept_with_its_message_and_retry_after():
    error = UpstreamStatus(httpx.Response(429, json={"message": "slow down"}), hint="wait")
    error.operation, error.step, error.retry_after = "things.get", "second", 7.0
    made = of(error)
    assert (made.status, made.kind, made.operation, made.step) == (429, "upstream-status", "things.get", "second")
    assert (made.upstream_excerpt, made.retry_after, made.hint) == ("slow down", 7.0, "wait")
    assert made.correlation_id == "c0ffee"


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (InputError([Problem("id", "argument", "`id` is required")]), 400, "invalid-input"),
        (MissingVariable(["TOKEN"]), 503, "missing-variable"),
        (Overloaded("too many"), 503, "overloaded"),
        (UpstreamTimeout("no answer in 30 s"), 504, "upstream-timeout"),
    ],
)
def test_our_own_errors_have_their_status_and_kind(error, status, kind):
    made = of(error)
    assert (made.status, made.kind, made.upstream_excerpt) == (status, kind, "")


def test_problems_are_redacted_like_everything_else():
    made = of(InputError([Problem("id", "query", "`id` is not hunter2-secret", "x", "hunter2-secret")]))
    assert made.problems == (Problem("id", "query", "`id` is not ***", "x", "***"),)
    assert "hunter2" not in made.detail


def test_an_unexpected_exception_tells_its_caller_nothing_and_the_log_everything_but_secrets(caplog):
    with caplog.at_level(logging.ERROR):
        made = of(KeyError("hunter2-secret inside"))
    assert (made.status, made.kind, made.detail) == (500, "internal-error", "internal error c0ffee")
    assert "KeyError" in caplog.text
    assert "c0ffee" in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"message": "m", "error": "e"}', "m"),
        (b'{"error": {"code": 3, "message": "inner"}}', "inner"),
        (b'{"error": "invalid_client", "error_description": "who?"}', "who?"),
        (b'{"detail": [{"msg": "x"}]}', '{"detail":[{"msg":"x"}]}'),
        (b'{"errors": [{"message": "one"}, {"message": "two"}]}', "one; two"),
        (b'{"errors": [{"title": "one"}]}', "one"),
        (b'{"title": "Bad", "detail": "worse"}', "worse"),
        (b'{"message": "bad", "errors": {"limit": ["too high"]}}', 'bad: {"limit":["too high"]}'),
        (b'{"odd": 1}', '{"odd":1}'),
        (b'"just text"', "just text"),
        (b"[]", ""),
        (b"{}", ""),
        (b"", ""),
        (b"plain\n  text", "plain text"),
        (b"<html><title>Sorry &lt;3</title><body>x</body></html>", "Sorry <3: x"),
        (b"<html><script>evil()</script><p>Only</p><p>text</p></html>", "Only text"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"[" * 100_000, "[" * (EXCERPT_LENGTH - 1) + "…"),
    ],
)
def test_the_excerpt_is_the_message_that_the_upstream_meant(body, said):
    assert excerpt(httpx.Response(400, content=body), hidden) == said


def test_a_secret_at_the_cut_is_hidden_whole():
    body = ("x" * (EXCERPT_LENGTH - 5) + "hunter2-secret").encode()
    assert "hunt" not in excerpt(httpx.Response(400, content=body), hidden)
