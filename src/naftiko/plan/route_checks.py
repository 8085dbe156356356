"""What is wrong with exposed routes (SEMANTICS 6): no request can have their path, or two of them share it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from naftiko.document.findings import Findings, Reporter
from naftiko.plan.lost_path import lookalike
from naftiko.plan.path import has_loose_brace
from naftiko.plan.routes import ExposedRoute
from naftiko.plan.unit import UnitPlan


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
