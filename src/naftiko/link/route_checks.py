"""What is wrong with the methods that a file writes, and with exposed routes (SEMANTICS 6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from naftiko.document.findings import Findings, Reporter
from naftiko.document.model import ConsumedOperation, ExposedOperation
from naftiko.document.suggest import did_you_mean
from naftiko.expression.path import has_loose_brace
from naftiko.ground.http import is_token
from naftiko.link.lost_path import lookalike
from naftiko.plan.routes import ExposedRoute
from naftiko.plan.unit import UnitPlan

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
"""The methods that people mean (RFC 9110 chapter 9, RFC 5789)."""
_OTHERS: Final = frozenset(
    {"TRACE", "CONNECT", "QUERY", "SEARCH", "REPORT", "PURGE", "LINK", "UNLINK", "SUBSCRIBE", "UNSUBSCRIBE", "NOTIFY"}
    | {"PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "ACL", "BIND", "REBIND", "UNBIND", "MERGE"}
    | {"CHECKOUT", "CHECKIN", "MKACTIVITY", "MKCALENDAR", "MKWORKSPACE", "VERSION-CONTROL", "BASELINE-CONTROL"}
    | {"UNCHECKOUT", "UPDATE", "LABEL", "ORDERPATCH", "UPDATEREDIRECTREF", "MKREDIRECTREF", "PRI", "LIST", "RECEIVE"}
)
"""Other methods, of the IANA registry and in use, which are no misspelt ones."""


def check_method(operation: ConsumedOperation | ExposedOperation, findings: Findings) -> None:
    """Tell what is no method, and what is none that is known."""
    method = operation.method
    if method is None or method.upper() in METHODS:
        return
    here = findings.at(operation.at("method"))
    if not is_token(method):
        here.error("bad-method", f"`{method[:40]}` is no method: it is one word of HTTP, such as GET")
    elif method.upper() not in _OTHERS:
        near = did_you_mean(method.upper(), METHODS)
        here.warning("unknown-method", f"`{method}` is no method that is known; it is used as it is", hint=near)


def tell_duplicates(units: Sequence[UnitPlan], findings: Findings) -> None:
    """Tell the routes of an adapter that answer the same requests."""
    seen: dict[tuple[object, ...], UnitPlan] = {}
    for unit in units:
        key = (unit.method, *(unit.route.key if unit.route is not None else ()))
        first = seen.setdefault(key, unit)
        if first is not unit:
            which = "the one answers whose required inputs a request gives, else the first that can be executed"
            findings.at_position(unit.position).warning(
                "duplicate-route",
                f"a second {unit.method or 'route'} {unit.path}: {which if unit.method else 'the first one answers'}",
                related=(first.position,),
            )


def wrong_path(route: ExposedRoute, misplaced: Iterable[str], here: Reporter) -> str:
    """Return, and tell, why no request can have an exposed path as it is meant; ``""`` where it can.

    Args:
        route: the path.
        misplaced: inputs that it seems to hold, but not as placeholders: ``/weather/:city``.
        here: where the path stands.
    """
    names = list(misplaced)
    if names:
        meant = route.text
        for name in names:
            meant = lookalike(meant, name) or meant
        shown = " and ".join(f"`{name}`" for name in names)
        reason = f"the path `{route.text}` holds {shown}, but not as a placeholder"
        here.error("lost-placeholder", reason, hint=f"did you mean `{meant}`?")
        return reason
    # A brace without its pair has been told already (``plan.sound``).
    return f"the path `{route.text}` holds a brace without its pair" if has_loose_brace(route.text) else ""
