"""What passes requests on to a consumed API as they are (SEMANTICS 4.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from naftiko.ground.errors import NotExecutable
from naftiko.plan.actions import Action, Performer, Run
from naftiko.plan.outputs import Explained, Outputs

_FORWARDS: Final = "this route forwards requests; it can't be called"


@dataclass(frozen=True, slots=True)
class ForwardAction(Action):
    """Pass a request on to a consumed API (SEMANTICS 4.6)."""

    api: str
    trusted_headers: frozenset[str]
    path_variable: str | None

    @property
    def forwarded(self) -> ForwardAction | None:
        """It does."""
        return self

    @property
    def only_reads(self) -> bool:
        """Nobody knows what is asked of it."""
        return False

    async def run(self, performer: Performer, run: Run) -> Any:
        """Refuse: it streams, which its adapter does."""
        del performer, run
        raise NotExecutable(_FORWARDS)

    async def explain(self, performer: Performer, run: Run) -> list[Explained]:
        """Refuse: there is nothing to explain."""
        del performer, run
        raise NotExecutable("this route forwards requests: its answer is the upstream's")

    def promised(self, outputs: Outputs, *, mock: bool) -> dict[str, Any] | None:
        """Promise nothing."""
        del outputs, mock
        return None  # for the type checker
