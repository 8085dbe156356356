"""``env://``: the environment, as without a location."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from naftiko.engine.binds.source import Environment, Source


def open_source(location: str, base: Path, environment: Mapping[str, str]) -> Source:  # noqa: ARG001  # a scheme's shape
    """Return the environment itself."""
    return Environment(environment)
