"""Rules of the limits of callers (SEMANTICS 6.6)."""

from __future__ import annotations

from naftiko.document.rules.rule import ERROR, REST, WARNING, Rule

_PORT = "  port: 8080\n"


def _limited(limits: str, more: str = "") -> str:
    return REST.replace(_PORT, f"{_PORT}{more}  limits: {limits}\n")


_GUARDED = '  authentication: {type: basic, username: shop, password: "{{SHOP_TOKEN}}"}\n'

LIMITS = (
    Rule(
        "bad-limit",
        ERROR,
        "The limits of callers make no sense.",
        "A value is out of its range, or says nothing that could be counted. The limits are left out: callers are not "
        "limited by them.",
        "Write `limits: {requests: 10/s, inFlight: 4}`; `by` is `address`, `caller`, `claim:NAME` or `header:NAME`.",
        _limited("{requests: 10}"),
        _limited("{requests: 10/s}"),
    ),
    Rule(
        "limit-nobody",
        WARNING,
        "Callers are told apart by what nobody knows.",
        "The adapter asks for no credential, or for one that has no claims: there is nothing that says who calls. "
        "Where a caller isn't known, its address is what counts.",
        "Declare an `authentication` that says who calls, or write `by: address`.",
        _limited("{requests: 10/s, by: caller}"),
        _limited("{requests: 10/s, by: caller}", _GUARDED),
    ),
)
