"""The stores that capabilities share state by: opened and closed with a process, and shown as metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from naftiko.engine.capability import Capability
from naftiko.observe.exposition import added
from naftiko.observe.figures import FamilySnapshot, MetricsSnapshot

if TYPE_CHECKING:
    from naftiko.engine.shared_state import SharedStore

_UP: Final = "@shared_store_up"
_COUNTERS: Final = {
    "@shared_store_commands_total": ("commands", "Commands that were sent to the shared store"),
    "@shared_store_losses_total": ("losses", "How often the shared store went away"),
    "@shared_store_skipped_total": ("skipped", "What was done without the shared store, since it was away"),
    "@shared_store_refused_total": ("refused", "Commands that the shared store refused"),
}


def shared_stores(capabilities: Iterable[Capability]) -> list[SharedStore]:
    """Return the stores that capabilities share state by, each once."""
    found = (each.settings.shared.store for each in capabilities if each.settings.shared is not None)
    return list({id(store): store for store in found}.values())


def begin_sharing(capabilities: Iterable[Capability]) -> None:
    """Look whether the stores are there, beside whatever runs in this event loop."""
    for store in shared_stores(capabilities):
        store.begin()


async def end_sharing(capabilities: Iterable[Capability]) -> None:
    """Close the connections to the stores."""
    await asyncio.gather(*(store.aclose() for store in shared_stores(capabilities)), return_exceptions=True)


def shared_figures(capabilities: Iterable[Capability]) -> MetricsSnapshot:
    """Return the figures of the stores; none where nothing is shared."""
    return added(_of(store) for store in shared_stores(capabilities))


def _of(store: SharedStore) -> MetricsSnapshot:
    labels = {"store": str(store.address)}
    made: MetricsSnapshot = {
        name: FamilySnapshot(type="counter", help=said, samples=[(labels, float(getattr(store, attribute)))])
        for name, (attribute, said) in _COUNTERS.items()
    }
    said = "Whether the shared store answers: 0 where any process does without"
    up = 0.0 if store.is_away else 1.0
    made[_UP] = FamilySnapshot(type="gauge", help=said, merge="min", samples=[(labels, up)])
    return made
