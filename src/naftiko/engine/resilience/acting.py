"""Tell what policies do: counted for metrics, and shown to who watches a call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from naftiko.engine.resilience.states import States
from naftiko.engine.sending import Outgoing
from naftiko.observe.observer import PolicyAct

Told: TypeAlias = Callable[[PolicyAct], None]
"""Is told what a policy does."""


@dataclass(frozen=True, slots=True)
class Acting:
    """What the policies of one operation have in common.

    Attributes:
        operation: ``namespace.operation``, or the namespace of what is forwarded.
        states: of the API.
        told: whoever watches, or ``None``.
        comes_in_pieces: whether the answers' bodies are still to come.
    """

    operation: str
    states: States
    told: Told | None
    comes_in_pieces: bool

    def tell(self, policy: str, outcome: str, outgoing: Outgoing, said: str = "") -> None:
        """Tell that a policy did something.

        Args:
            policy: its word.
            outcome: what it did, such as ``retried``.
            outgoing: the call.
            said: the same in a sentence.
        """
        self.states.counts[policy, self.operation, outcome] += 1
        if self.told is not None:
            self.told(PolicyAct(policy, outcome, outgoing.upstream.plan.namespace, self.operation, said))
