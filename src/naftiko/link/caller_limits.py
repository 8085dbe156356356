"""Compile the limits of callers: unit, resource, adapter, operator; the narrowest says all of them (SEMANTICS 6.6).

What an operator says of an adapter or a unit by name takes the place of what the file says there; what names nothing is
for adapters that say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final, TypeAlias

from naftiko.document.findings import Findings
from naftiko.document.given import model_of
from naftiko.document.model import (
    AdapterModel,
    ApiKeyAuthentication,
    Authentication,
    CallerLimits,
    OAuth2Authentication,
)
from naftiko.ground.durations import seconds_of
from naftiko.ground.http import is_token
from naftiko.plan import limits as plan
from naftiko.plan.limits import By, Level

Given: TypeAlias = "Mapping[str, CallerLimits]"
"""What an operator says, by ``""``, the name of an adapter, or ``ADAPTER.UNIT``; patterns are names too."""

_RATE: Final = re.compile(r"\s*(\d{1,9})\s*(?:/|per)\s*(\S+)\s*")
_UNIT_WORDS: Final = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86_400.0}
_LONGEST: Final = 366 * 86_400.0
_MOST: Final = 1_000_000_000
_HOW: Final = "write a number and a time, such as 10/s, 100/m, 1000/h or 50/10s"
_BY: Final = "write `address`, `caller`, `claim:NAME` or `header:NAME`"


class _Nonsense(Exception):  # it is told where it stands
    """A value that makes no sense: its key, what is wrong, and what to do."""

    def __init__(self, key: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.key = key
        self.hint = hint


class Limiting:
    """Compiles the limits of the adapters of a file.

    Args:
        given: the operator's.
        findings: where nonsense is told.
    """

    def __init__(self, given: Given, findings: Findings) -> None:
        self._given = given
        self._findings = findings

    def of_adapter(self, adapter: AdapterModel, declared: CallerLimits | None) -> plan.CallerLimits | None:
        """Return the limits of all units of an adapter that have none of their own; ``None``: there are none."""
        named = self._named(*_names(adapter))
        if named is not None:
            return self._compiled(named, adapter, "operator", "")
        if declared is not None:
            return self._compiled(declared, adapter, "adapter", "")
        usual = self._given.get("")
        return None if usual is None else self._compiled(usual, adapter, "operator", "")

    def of_resource(
        self, adapter: AdapterModel, declared: CallerLimits | None, path: str, outer: plan.CallerLimits | None
    ) -> plan.CallerLimits | None:
        """Return the limits of what is below a path."""
        return outer if declared is None else self._compiled(declared, adapter, "resource", f"resource {path}")

    def of_unit(
        self, adapter: AdapterModel, declared: CallerLimits | None, name: str, outer: plan.CallerLimits | None
    ) -> plan.CallerLimits | None:
        """Return the limits of a unit."""
        named = self._named(*(f"{each}.{name}" for each in _names(adapter)))
        if named is not None:
            return self._compiled(named, adapter, "operator", name)
        return outer if declared is None else self._compiled(declared, adapter, "unit", name)

    def _named(self, *names: str) -> CallerLimits | None:
        """Return what the operator says of a thing by name; of several patterns the longest counts."""
        fitting = [key for key in self._given if key and any(_fits(key, name) for name in names)]
        return self._given[max(fitting, key=len)] if fitting else None

    def _compiled(
        self, declared: CallerLimits, adapter: AdapterModel, level: Level, scope: str
    ) -> plan.CallerLimits | None:
        if not declared.enabled:
            return None
        try:
            made = _made(declared, adapter, level, scope)
        except _Nonsense as wrong:
            if wrong.key in declared.entries and _is_unread(declared, wrong.key):
                return None  # it is told already why it could not be read
            said = str(wrong) if level == "operator" else f"`limits`: {wrong}; they are left out"
            self._findings.at(declared.at(wrong.key)).error("bad-limit", said, hint=wrong.hint)
            return None
        if level != "operator":
            _tell_nobody(made, declared, adapter, self._findings)
        return made


def fits_any(key: str, known: Sequence[tuple[str, str]]) -> bool:
    """Tell whether an operator's name means anything.

    Args:
        key: ``ADAPTER`` or ``ADAPTER.UNIT``.
        known: the adapters, each with a unit, by kind or namespace.
    """
    return any(_fits(key, adapter) or _fits(key, f"{adapter}.{unit}") for adapter, unit in known)


def _fits(key: str, name: str) -> bool:
    """Tell whether a name or pattern is that of an adapter or a unit, as far as it says which of the two."""
    return ("." in key) == ("." in name) and fnmatchcase(name, key)


def _names(adapter: AdapterModel) -> tuple[str, ...]:
    return tuple(name for name in (adapter.namespace, adapter.kind) if name)


def _is_unread(declared: CallerLimits, key: str) -> bool:
    return getattr(declared, {"inFlight": "in_flight"}.get(key, key), 0) is None


def _made(declared: CallerLimits, adapter: AdapterModel, level: Level, scope: str) -> plan.CallerLimits:
    if declared.requests is None and declared.in_flight is None:
        key = next((each for each in ("requests", "inFlight") if each in declared.entries), "requests")
        raise _Nonsense(key, "there is neither `requests` nor `inFlight`", "say one of them, such as `requests: 10/s`")
    if declared.requests is None and declared.burst is not None:
        raise _Nonsense("burst", "`burst` means nothing without `requests`", "add `requests: 10/s`")
    requests, seconds = (0, 1.0) if declared.requests is None else _rate(declared.requests)
    burst = requests if declared.burst is None else _count("burst", declared.burst)
    in_flight = 0 if declared.in_flight is None else _count("inFlight", declared.in_flight)
    by, name = _by(declared.by, adapter)
    return plan.CallerLimits(requests, seconds, burst, in_flight, by, name, level, scope)


def _rate(text: str) -> tuple[int, float]:
    found = _RATE.fullmatch(text)
    if found is None:
        raise _Nonsense("requests", f"`requests: {text[:40]}` doesn't say how many in which time", _HOW)
    period = found[2].lower()
    seconds = _UNIT_WORDS.get(period) or (seconds_of(period) if period[0].isdecimal() else seconds_of(f"1{period}"))
    if seconds is None:
        raise _Nonsense("requests", f"`{found[2][:40]}` is no time", _HOW)
    if not 0 < seconds <= _LONGEST:
        raise _Nonsense("requests", "the time must be more than nothing, and at most 366 days", _HOW)
    return _count("requests", int(found[1])), seconds


def _count(key: str, value: int) -> int:
    if not 1 <= value <= _MOST:
        raise _Nonsense(key, f"`{key}` must be from 1 to {_MOST}, not {value}", "to refuse everybody, expose nothing")
    return value


def _by(text: str | None, adapter: AdapterModel) -> tuple[By, str]:
    if text is None:
        return ("caller" if isinstance(adapter.authentication, OAuth2Authentication) else "address"), ""
    kind, colon, name = text.strip().partition(":")
    kind, name = kind.strip().lower(), name.strip()
    if not colon and kind == "address":
        return "address", ""
    if not colon and kind == "caller":
        return "caller", ""
    if kind == "claim" and name:
        return "claim", name
    if kind == "header" and is_token(name):
        return "header", name.lower()
    raise _Nonsense("by", f"`by: {text[:80]}` is nothing that tells callers apart", _BY)


def _tell_nobody(made: plan.CallerLimits, declared: CallerLimits, adapter: AdapterModel, findings: Findings) -> None:
    """Tell where nobody can be known by what callers are told apart by."""
    authentication = adapter.authentication
    if made.by == "caller" and authentication is None:
        message = "the adapter has no `authentication` that says who calls; addresses are counted"
        hint = "write `by: address`; who shows a client certificate (`--tls-client-ca`) is known by it"
    elif made.by == "claim" and not isinstance(authentication, OAuth2Authentication):
        message = f"only a token of `oauth2` has claims; `{made.name}` is never there"
        hint = "declare `authentication: {type: oauth2, …}`, or write `by: address`"
    elif made.by == "header" and made.name in _credentials(authentication):
        message = f"`{made.name}` is the credential that the adapter asks for, which is taken off the request before"
        hint = "write `by: caller`"
    else:
        return
    findings.at(declared.at("by")).warning("limit-nobody", message, hint=hint)


def _credentials(authentication: Authentication | None) -> frozenset[str]:
    """Return the headers, in lower case, in which an adapter's callers send what it asks for."""
    if not isinstance(authentication, ApiKeyAuthentication):
        return frozenset() if authentication is None else frozenset({"authorization"})
    names = (authentication.key, *authentication.headers)
    return frozenset(name.lower() for name in names if name)


def given_limits(pairs: Mapping[str, str], option: str = "--limit") -> dict[str, CallerLimits]:
    """Return what an operator says.

    Args:
        pairs: values by ``KEY``, ``ADAPTER:KEY`` or ``ADAPTER.UNIT:KEY``.
        option: what they come from, for messages.

    Raises:
        ValueError: a key or a value makes no sense; the text says which, and what to do.
    """
    by_name: dict[str, dict[str, str]] = {}
    for path, value in pairs.items():
        name, _, key = path.rpartition(":")
        by_name.setdefault(name.strip(), {})[key.strip()] = value
    made: dict[str, CallerLimits] = {}
    for name, values in by_name.items():
        findings = Findings(option)
        said = f"{option} {name}:" if name else option
        model = model_of(CallerLimits, values, findings)
        if model is not None:
            made[name] = model
            Limiting({name: model}, findings)._compiled(model, AdapterModel(), "operator", "")  # noqa: SLF001  # of this module
        wrong = next(iter(findings), None)
        if wrong is not None:
            raise ValueError(f"{said} {wrong.message}" + (f"; {wrong.hint}" if wrong.hint else ""))
    return made
