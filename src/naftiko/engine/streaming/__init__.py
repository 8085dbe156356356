"""Answers that are streams of items (docs/streams.md)."""

from __future__ import annotations

from naftiko.engine.streaming.items import Bounds, Ended, Item, ItemStream, Source

__all__ = ["Bounds", "Ended", "Item", "ItemStream", "Source"]
