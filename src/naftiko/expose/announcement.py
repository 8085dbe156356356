"""What an operator is told when something is served."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Announcement:
    """One line for the operator.

    Attributes:
        text: for people.
        facts: the same for programs; ``event`` is always there.
        is_warning: something should be done about it.
        is_aside: it goes to stderr all the same: stdout says what is served, and nothing else.
    """

    text: str
    facts: Mapping[str, object] = field(default_factory=dict)
    is_warning: bool = False
    is_aside: bool = False


Announce = Callable[[Announcement], None]
