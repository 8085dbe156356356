"""Which policies apply to an operation: short forms and spellings, levels, and what is nonsense."""

from __future__ import annotations

import pytest

import naftiko
from naftiko.ground.durations import seconds_of, written
from naftiko.link.resilience import operator_defaults
from naftiko.plan.resilience import ranges

FILE = """naftiko: 1.0.0-alpha2
consumes:
- type: http
  namespace: up
  baseUri: https://api.shop.net
  {api}
  resources:
  - path: /things
    {resource}
    operations:
    - name: get
      method: {method}
      {operation}
exposes:
- {{type: mcp, namespace: mcp, tools: [{{name: get, description: d, call: up.get}}]}}
"""


def load(operation="", resource="", api="", method="GET", operator=None):
    text = FILE.format(operation=operation, resource=resource, api=api, method=method)
    return naftiko.loads(text, settings=naftiko.Settings(environment={}, resilience=operator_defaults(operator or {})))


def applied(capability):
    made = capability.units[0].plan.action.call.operation.resilience
    return {} if made is None else {policy.word: policy for policy in made.policies}


def told(capability):
    return [(found.rule, found.position.line, found.position.column) for found in capability.diagnostics]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("10s", 10),
        ("1m", 60),
        ("1.5h", 5400),
        ("2d", 172_800),
        ("PT10S", 10),
        ("pt1m30.5s", 90.5),
        ("P1DT1H", 90_000),
        ("0", 0),
        ("0.0", 0),
        ("5", None),
        ("PT", None),
        ("P", None),
        ("-1s", None),
        ("1 week", None),
        ("", None),
    ],
)
def test_durations(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("seconds", [0, 0.001, 0.25, 1, 1.5, 59, 60, 90, 120, 3600])
def test_a_duration_is_written_as_it_is_read(seconds):
    assert seconds_of(written(seconds)) == seconds


@pytest.mark.parametrize(
    "written_so",
    [
        "resiliency: {retry: {maxAttempts: 4}, timeLimiter: {timeout: 3s}}",
        "resilience: {retry: {attempts: 4}, timeLimiter: {timeoutDuration: 3s}}",
        "resilience: {retry: 4, timeLimiter: 3s}",
        "retry: 4\n  timeout: 3s",
        "retry: {max_attempts: 4}\n  timeout: PT3S",
        "resiliency: {retry: 4, timeLimiter: 3s}\n  retry: 9\n  timeout: 9s",
        "resiliency: {timeout: 3s}\n  retry: 4",
    ],
)
def test_spellings_and_short_forms(written_so):
    capability = load(api=written_so)
    assert told(capability) == []
    found = applied(capability)
    assert (found["retry"].attempts, found["timeLimiter"].seconds) == (4, 3)


def test_each_policy_has_all_of_its_keys():
    capability = load(
        operation="resiliency: {"
        "retry: {maxAttempts: 4, waitDuration: 1s, backoff: exponential, multiplier: 3, maxWaitDuration: 1m, jitter: 0.1,"
        " statuses: [500-502, 5xx, 429], idempotencyKey: X-Key, idempotent: true, budget: {percent: 10, minimum: 3, window: 5s}},"
        "circuitBreaker: {slidingWindowType: COUNT_BASED, slidingWindowSize: 20, minimumNumberOfCalls: 5,"
        " failureRateThreshold: 25, waitDurationInOpenState: 15s, permittedCallsInHalfOpenState: 2},"
        "bulkhead: {maxConcurrentCalls: 30, maxWaitDuration: 250ms, maxQueuedCalls: 7},"
        "rateLimit: {limitForPeriod: 50, limitRefreshPeriod: 2s, timeoutDuration: 500ms},"
        "fallback: {value: {n: 0}, status: 203}}"
    )
    assert told(capability) == []
    described = {word: policy.described() for word, policy in applied(capability).items()}
    assert described == {
        "fallback": {"value": {"n": 0}, "status": 203},
        "retry": {
            "maxAttempts": 4,
            "waitDuration": "1s",
            "backoff": "exponential",
            "multiplier": 3,
            "maxWaitDuration": "1m",
            "jitter": 0.1,
            "statuses": [429, "500-599"],
            "idempotencyKey": "X-Key",
            "idempotent": True,
            "budget": {"percent": 10, "minimum": 3, "window": "5s"},
        },
        "circuitBreaker": {
            "slidingWindowSize": 20,
            "minimumNumberOfCalls": 5,
            "failureRateThreshold": 25,
            "waitDurationInOpenState": "15s",
            "permittedCallsInHalfOpenState": 2,
        },
        "rateLimiter": {"limitForPeriod": 50, "limitRefreshPeriod": "2s", "timeoutDuration": "500ms"},
        "bulkhead": {"maxConcurrentCalls": 30, "maxWaitDuration": "250ms", "maxQueuedCalls": 7},
    }


def test_the_narrowest_level_says_each_policy():
    capability = load(
        operation="resiliency: {retry: 2, bulkhead: false}",
        resource="resiliency: {retry: 3, timeLimiter: 3s, bulkhead: 30}",
        api="resiliency: {retry: 4, timeLimiter: 4s, rateLimiter: 40}",
        operator={"retry": "5", "circuitBreaker.slidingWindowSize": "50", "rateLimiter": "50"},
    )
    found = applied(capability)
    assert {word: policy.level for word, policy in found.items()} == {
        "timeLimiter": "resource",
        "retry": "operation",
        "circuitBreaker": "operator",
        "rateLimiter": "api",
    }
    assert (found["retry"].attempts, found["timeLimiter"].seconds, found["rateLimiter"].limit) == (2, 3, 40)


def test_an_operators_policy_that_does_not_fit_a_file_is_none_of_its_problems():
    assert told(load(operation="resiliency: {timeLimiter: 1s}", operator={"retry.waitDuration": "9s"})) == []
    assert told(load(method="POST", operator={"retry": "3"})) == []


def test_policies_of_an_imported_api_come_with_it(tmp_path):
    (tmp_path / "api.yaml").write_text(
        FILE.partition("exposes:")[0].format(api="retry: 4", resource="", method="GET", operation="")
    )
    file = tmp_path / "shop.yaml"
    file.write_text(
        "naftiko: 1.0.0-alpha2\nconsumes: [{import: up, from: api.yaml, as: down}]\n"
        "exposes: [{type: mcp, namespace: mcp, tools: [{name: get, description: d, call: down.get}]}]\n"
    )
    assert applied(naftiko.load(file))["retry"].attempts == 4


@pytest.mark.parametrize(
    "value", ["5", "[]", "[{retry: 3}]", "x", "{retry: []}", "{retry: {budget: 3}}", "{fallback: {with: 3, call: a.b}}"]
)
def test_what_is_no_policy_at_all_is_told_and_stops_nothing(value):
    capability = load(operation=f"resiliency: {value}")
    assert capability.errors
    assert capability.units[0].executable


def test_a_policy_that_is_written_once_may_be_used_again():
    capability = load(
        api="resiliency: &usual {bulkhead: 3, retry: 4}", operation="resiliency: *usual\n      timeout: 2s"
    )
    assert told(capability) == []
    found = applied(capability)
    assert {word: policy.level for word, policy in found.items()} == dict.fromkeys(
        ("timeLimiter", "retry", "bulkhead"), "operation"
    )


def test_a_policy_takes_the_place_of_the_wider_one_as_a_whole():
    found = applied(load(operation="resiliency: {retry: 2}", api="resiliency: {retry: {waitDuration: 9s}}"))
    assert (found["retry"].attempts, found["retry"].wait) == (2, 0.5)


def test_what_is_forwarded_has_the_policies_of_its_api():
    plan = load(api="retry: 4", operation="resiliency: {retry: 2}").plan.apis["up"]
    assert plan.resilience.retry.attempts == 4


def test_nothing_is_there_where_nothing_is_declared():
    capability = load()
    assert applied(capability) == {}
    assert capability.plan.apis["up"].resilience is None


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("retry: {maxAttempts: 0}", "`maxAttempts` must be 1 or more"),
        ("retry: {maxAttempts: -2}", "`maxAttempts` must be 1 or more"),
        ("retry: {jitter: 2}", "from 0 to 1"),
        ("retry: {multiplier: 0.5}", "`multiplier` must be from 1 to 100"),
        ("retry: {statuses: [600]}", "`600` is no status"),
        ("retry: {statuses: [503, often]}", "`often` is no status"),
        ("retry: {statuses: [503-500]}", "`503-500` is no status"),
        ('retry: {retryOnResultPredicate: "body.error"}', "`body.error` is no condition on a status"),
        ("retry: {idempotencyKey: 'a b'}", "no name of a header"),
        ("retry: {idempotencyKey: Content-Length}", "no name of a header"),
        ("retry: {idempotencyKey: authorization}", "no name of a header"),
        ("retry: {multiplier: .inf}", "`multiplier` must be from 1 to 100"),
        ("retry: {jitter: .nan}", "from 0 to 1"),
        ("retry: {budget: {percent: 0}}", "`percent` is a percentage"),
        ("timeLimiter: {timeout: 0}", "`timeout` must be more than 0"),
        ("timeLimiter: {}", "it has no `timeout`"),
        ("circuitBreaker: {failureRateThreshold: 101}", "`failureRateThreshold` is a percentage"),
        ("circuitBreaker: {slidingWindowSize: 0}", "`slidingWindowSize` is no number of calls"),
        ("circuitBreaker: {slidingWindowSize: some}", "`slidingWindowSize` is no number of calls"),
        ("circuitBreaker: {slidingWindowSize: 2h}", "longer than an hour"),
        ("circuitBreaker: {slidingWindowType: moon}", "`slidingWindowType` is `count` or `time`"),
        ("circuitBreaker: {slidingWindowType: count, slidingWindowSize: 5s}", "`slidingWindowSize` is no number"),
        ("circuitBreaker: {permittedCallsInHalfOpenState: 0}", "must be 1 or more"),
        ("bulkhead: {maxConcurrentCalls: 0}", "`maxConcurrentCalls` must be 1 or more"),
        ("rateLimiter: {limitForPeriod: 0}", "`limitForPeriod` must be 1 or more"),
        ("rateLimiter: {limitRefreshPeriod: 0s}", "`limitRefreshPeriod` must be more than 0"),
        ("fallback: {}", "either `call` or `value`"),
        ("fallback: {call: up.get, value: 1}", "either `call` or `value`"),
        ("fallback: {value: 1, status: 500}", "one of success"),
    ],
)
def test_nonsense_is_told_where_it_stands_and_left_out(policy, said):
    capability = load(operation=f"resiliency: {{{policy}}}")
    (found,) = capability.diagnostics
    assert found.rule == "bad-policy"
    assert said in found.message
    assert found.position.line == 13
    assert applied(capability) == {}
    assert capability.units[0].executable


@pytest.mark.parametrize(
    ("policy", "rule"),
    [
        ("retry: {waitDuration: 500}", "wrong-type"),
        ("retry: {waitDuration: soon}", "wrong-type"),
        ("retry: {backoff: quadratic}", "wrong-type"),
        ("retry: {atempts: 3}", "unknown-key"),
        ("retrys: 3", "unknown-key"),
        ("cache: {tll: 60s}", "unknown-key"),
        ("bulkhead: [1]", "wrong-type"),
    ],
)
def test_what_is_no_value_or_key_is_told(policy, rule):
    assert [found.rule for found in load(operation=f"resiliency: {{{policy}}}").diagnostics] == [rule]


def test_a_retry_that_never_happens_is_told():
    never = load(operation="resiliency: {retry: 3}", method="POST")
    assert [found[0] for found in told(never)] == ["idle-policy"]
    assert told(load(operation="resiliency: {retry: {maxAttempts: 3, idempotencyKey: true}}", method="POST")) == []
    assert told(load(operation="resiliency: {retry: {maxAttempts: 3, idempotent: true}}", method="POST")) == []
    assert told(load(api="retry: 3", method="POST")) == []  # it is for the others
    late = load(operation="resiliency: {retry: {waitDuration: 4s}, timeLimiter: 2s}")
    assert [found[0] for found in told(late)] == ["idle-policy"]


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ({"retry.maxAttempts": "0"}, "`maxAttempts` must be 1 or more"),
        ({"retry.maxAttempts": "three"}, "`maxAttempts` must be a whole number"),
        ({"retry.waitDuration": "5"}, "has no unit; write `5ms` or `5s`"),
        ({"rerty": "5"}, "did you mean `retry`"),
        ({"retry": "3", "retry.jitter": "0"}, "`retry` has a value of its own already"),
        ({"retry.jitter": "0", "retry": "3"}, "its keys have values of their own already"),
    ],
)
def test_an_operators_nonsense_is_refused(pairs, said):
    with pytest.raises(ValueError, match=said):
        operator_defaults(pairs)


def test_statuses_are_listed_in_ranges():
    assert ranges(frozenset({429, 500, 501, 503, 504, 505})) == [429, 500, 501, "503-505"]
