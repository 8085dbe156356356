"""Lists that come in pages (docs/pagination.md)."""

from __future__ import annotations

from naftiko.engine.paging.merging import Paging, paging
from naftiko.engine.paging.pages import Pages, Ways
from naftiko.engine.paging.told import PAGES, Told, Wish

__all__ = ["PAGES", "Pages", "Paging", "Told", "Ways", "Wish", "paging"]
