"""What is done once when a process has started."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from typing import Final

from naftiko.engine.capability import Capability
from naftiko.engine.sharing import begin_sharing

_GC_THRESHOLDS: Final = (50_000, 50, 100)
"""A served plan never dies: collecting it again and again costs a third of a large mapped answer (docs/performance)."""


def settle(capabilities: Sequence[Capability]) -> None:
    """After the start: what was loaded stays, so the garbage collector need not look at it again.

    Args:
        capabilities: what is served here; whether what they share is there is looked at now, beside the first calls.
    """
    begin_sharing(capabilities)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
