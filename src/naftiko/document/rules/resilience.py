"""Rules of the policies of consumed APIs (SEMANTICS 4.9)."""

from __future__ import annotations

from naftiko.document.rules.rule import ERROR, PRODUCTS, WARNING, Rule

_RETRIED = (
    PRODUCTS
    + """    - name: get-product
      method: GET
      resiliency:
        timeLimiter: {timeout: 10s}
        retry: {maxAttempts: 3, waitDuration: 200ms}
"""
)
_POSTED = (
    PRODUCTS
    + """    - name: get-product
      method: POST
      body: {type: json, data: {id: "{{id}}"}}
      resiliency:
        retry: {maxAttempts: 3}
"""
)

RESILIENCE = (
    Rule(
        "bad-policy",
        ERROR,
        "A policy makes no sense.",
        "A value is out of its range, a condition can't be read, or what the policy is about is missing. The policy is "
        "left out; the operation works without it.",
        "Correct the value. `naftiko inspect` shows which policies apply to an operation, and from which level.",
        _RETRIED.replace("maxAttempts: 3", "maxAttempts: 0"),
        _RETRIED,
    ),
    Rule(
        "idle-policy",
        WARNING,
        "A policy never acts.",
        "A call that changes something is not sent twice unless somebody says that this does no harm; and after the "
        "call's time is over no attempt is made.",
        "Say `idempotencyKey: true` if the API knows the header, or `idempotent: true`; or change the times.",
        _POSTED,
        _POSTED.replace("maxAttempts: 3", "maxAttempts: 3, idempotencyKey: true"),
    ),
)
