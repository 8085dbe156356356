"""What tells one credential from another, without saying it."""

from __future__ import annotations

from contextlib import suppress
from hashlib import blake2b

from naftiko.expression.scope import Scope, Variables
from naftiko.ground.errors import MissingVariable
from naftiko.plan.unit import ApiPlan

_BYTES = 16


class Identity:
    """Whose answers those of an API are: called, it returns what another credential makes another; ``""``: none."""

    __slots__ = ("_plan", "_said", "_variables")

    def __init__(self, plan: ApiPlan, variables: Variables) -> None:
        self._plan = plan
        self._variables = variables
        self._said: str | None = None

    def __call__(self) -> str:
        """Return it; it is made once."""
        if self._said is None:
            self._said = self._made()
        return self._said

    def forget(self) -> None:
        """Make it anew: a variable has another value."""
        self._said = None

    def _made(self) -> str:
        plan = self._plan
        if plan.authentication is None:
            return ""
        told = [str(plan.authentication.type)]
        with suppress(MissingVariable):  # calls say so
            scope = Scope({}, self._variables)
            told += [f"{name}={value(scope)}" for name, value in sorted(plan.secrets.items())]
        return blake2b("\n".join(told).encode("utf-8", "replace"), digest_size=_BYTES).hexdigest()
