"""Tests that a run was told to leave out, for who counts all of them."""

from __future__ import annotations

import pytest

LEFT_OUT = pytest.StashKey[list[str]]()
"""Their names, in the stash of the run's configuration."""
