"""What tells one credential from another, without saying it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from hashlib import blake2b

from naftiko.expression.scope import Scope, Variables
from naftiko.ground.errors import MissingVariable
from naftiko.plan.unit import ApiPlan

_BYTES = 16


class Identity:
    """Whose answers those of an API are: called, it returns what another credential makes another; ``""``: none.

    Args:
        plan: the API.
        variables: where the values of its credential come from.
        optional: variables that the credential reads beside those of its keys.
    """

    __slots__ = ("_names", "_plan", "_said", "_variables")

    def __init__(self, plan: ApiPlan, variables: Variables, optional: Sequence[str] = ()) -> None:
        self._names = (*optional, *(() if plan.login is None else plan.login.variables))
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
        told += [f"{name}={self._variables.get(name)}" for name in self._names]
        with suppress(MissingVariable):  # calls say so
            scope = Scope({}, self._variables)
            told += [f"{name}={value(scope)}" for name, value in sorted(plan.secrets.items())]
        return blake2b("\n".join(told).encode("utf-8", "replace"), digest_size=_BYTES).hexdigest()
