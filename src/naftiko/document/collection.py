"""Pause the garbage collector while much is made that stays.

Nodes, models and plans are made by the hundred thousand and all of them live on: the collector walks them again and
again and finds nothing. Reading a file of 2 MB takes 0.25 s without it and 1.0 s with it.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collection_paused() -> Iterator[None]:
    """Pause the collector inside the block; whoever paused it before keeps it paused."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
