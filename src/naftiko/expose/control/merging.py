"""One answer of those of several processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from naftiko.expose.control.contract import FAILED, STARTED, STOPPED, Silent

_WORST: Final = (FAILED, STOPPED, STARTED)
_CIRCUITS: Final = ("open", "half-open", "closed")
_STORES: Final = ("away", "up", "idle")


def heard(answers: Iterable[Any]) -> list[Any]:
    """Return the answers of those that answer."""
    return [answer for answer in answers if not isinstance(answer, Silent)]


def silent(answers: Iterable[Any]) -> list[Silent]:
    """Return the others."""
    return [answer for answer in answers if isinstance(answer, Silent)]


def adapters(answers: Sequence[Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Return each adapter once, in the worst state that it has anywhere."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for answer in answers:
        for each in answer:
            key = each["file"], each["type"], each.get("namespace"), each.get("port")
            known = found.setdefault(key, dict(each))
            if _WORST.index(each["state"]) < _WORST.index(known["state"]):
                found[key] = dict(each)
    return list(found.values())


def by_name(answers: Sequence[Sequence[Mapping[str, Any]]], is_worse: Callable[[Any, Any], bool]) -> list[Any]:
    """Return each thing of a name once, the one that is worse than the others."""
    found: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for answer in answers:
        for each in answer:
            key = each.get("type"), each.get("namespace"), each.get("port")
            if key not in found or is_worse(each, found[key]):
                found[key] = each
    return list(found.values())


def circuits(answers: Sequence[Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Return the circuit of each operation once, in the worst state that it has in any process."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for each in (each for answer in answers for each in answer):
        key = each["namespace"], each["operation"]
        known = found.get(key)
        if known is None or _CIRCUITS.index(each["state"]) < _CIRCUITS.index(known["state"]):
            found[key] = each
    return [dict(each) for each in found.values()]


def limits(answers: Sequence[Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Return each limit of callers once, with the refusals of all processes."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for each in (each for answer in answers for each in answer):
        key = tuple((name, value) for name, value in each.items() if name != "refused")
        known = found.setdefault(key, {**each, "refused": 0})
        known["refused"] += each["refused"]
    return list(found.values())


def shared(answers: Sequence[Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Return each store that is shared once: away where any process does without, with the counts of all."""
    found: dict[str, dict[str, Any]] = {}
    for each in (each for answer in answers for each in answer):
        known = found.setdefault(each["store"], {**each, "losses": 0, "refused": 0})
        known["state"] = min(known["state"], each["state"], key=_STORES.index)
        for name in ("losses", "refused"):
            known[name] += each[name]
    return list(found.values())


def with_circuits(api: Mapping[str, Any], every: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a consumed API with the circuits of its operations, where it has some."""
    own = [
        {name: value for name, value in each.items() if name != "namespace"}
        for each in every
        if each["namespace"] == api["namespace"]
    ]
    return {**api, "circuits": own} if own else dict(api)


def traces(answers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the traces of all, the newest first; one that several processes have a part of is one."""
    found: dict[str, dict[str, Any]] = {}
    for each in (each for answer in answers for each in answer["traces"]):
        known = found.setdefault(each["traceId"], dict(each))
        if known is not each and known != each:
            found[each["traceId"]] = _joined(known, each)
    newest = sorted(found.values(), key=lambda each: each["timestamp"], reverse=True)
    sizes = {name: sum(answer[name] for answer in answers) for name in ("bufferSize", "bufferUsed")}
    return {"traces": newest, **sizes}


def trace(answers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a trace of its parts in several processes."""
    first, *others = answers
    whole = dict(first)
    for each in others:
        whole = {**_joined(whole, each), "spans": [*whole["spans"], *each["spans"]]}
    return whole


def _joined(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Return two parts of a trace as one: the first of them in time says what it is called."""
    earlier, later = sorted((first, second), key=lambda each: each["timestamp"])
    joined = {**earlier, "durationMs": max(earlier["durationMs"], later["durationMs"])}
    if "ERROR" in (earlier["status"], later["status"]):
        joined["status"] = "ERROR"
    if "spanCount" in joined:
        joined["spanCount"] = earlier["spanCount"] + later["spanCount"]
    return joined


def stats(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return how scripts went, all together."""
    runs = sum(each["totalExecutions"] for each in parts)
    took = sum(each["averageDurationMs"] * each["totalExecutions"] for each in parts)
    last = max((each["lastExecutionAt"] for each in parts if "lastExecutionAt" in each), default=None)
    whole = {
        "totalExecutions": runs,
        "totalErrors": sum(each["totalErrors"] for each in parts),
        "averageDurationMs": round(took / runs, 2) if runs else 0.0,
    }
    return whole if last is None else {**whole, "lastExecutionAt": last}


def duration(seconds: float) -> str:
    """Return seconds as ISO 8601 has them: ``PT2H34M12.3S``."""
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    text = f"{f'{int(hours)}H' if hours else ''}{f'{int(minutes)}M' if minutes else ''}"
    last = f"{left:.3f}".rstrip("0").rstrip(".")
    return f"PT{text}{f'{last}S' if last != '0' or not text else ''}"
