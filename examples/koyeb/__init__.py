"""A stand-in for Koyeb's instances API; ``python -m examples.koyeb`` serves it."""

from __future__ import annotations

from examples.koyeb.api import StandInKoyeb, stand_in_koyeb

__all__ = ["StandInKoyeb", "stand_in_koyeb"]
