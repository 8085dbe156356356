"""Who may know what is there: an adapter that asks for authentication tells nobody else which routes it has.

Without a good credential every path under it is refused alike, those too at which there is nothing, or another method.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from starlette.types import Scope

from naftiko.expose.authentication import Credentials, Guard, Refusal, tell_refused


class Doors:
    """The guards of the adapters behind one listener, by the prefix of their routes."""

    def __init__(self) -> None:
        self._doors: list[tuple[str, Guard | None]] = []

    def add(self, prefix: str, guard: Guard | None) -> None:
        """Add an adapter."""
        self._doors.append((prefix, guard))

    def before(self, path: str) -> list[Guard]:
        """Return the guards that a path without a route may be behind: those of its prefix, else all.

        One of an adapter that anybody may call is not among them: as long as another one there is guarded, only its
        callers may learn that there is nothing.
        """
        prefixes = {prefix for prefix, _ in self._doors if path.startswith(f"{prefix}/")}
        return distinct(guard for prefix, guard in self._doors if prefix in prefixes or not prefixes)


def distinct(guards: Iterable[Guard | None]) -> list[Guard]:
    """Return the guards that are some, each once."""
    return list({id(guard): guard for guard in guards if guard is not None}.values())


async def admitting(guards: Iterable[Guard], scope: Scope) -> tuple[list[Guard], Refusal | None]:
    """Ask guards about a request.

    Returns:
        those that let it in, and what to answer if none does: a refusal with the challenges of all.
    """
    request = Credentials.of(scope)
    let_in: list[Guard] = []
    refusals: list[Refusal] = []
    for guard in guards:
        found = await guard.identify(request)
        if isinstance(found, Refusal):
            refusals.append(found)
        else:
            let_in.append(guard)
    if let_in or not refusals:
        return let_in, None
    # Who has no credential is asked for one; 403 and 503 are for who brought one, or where nobody can bring any.
    told = min(refusals, key=lambda refusal: (refusal.status != 401, refusal.status))  # noqa: PLR2004  # RFC 9110, 15.5.2
    challenges = dict.fromkeys(header for each in refusals if each.status == told.status for header in each.headers)
    tell_refused(request, told)
    return [], replace(told, headers=tuple(challenges))
