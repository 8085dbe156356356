"""Levels of loggers while they log: shown, and changed."""

from __future__ import annotations

import logging

from naftiko.observe.levels import ROOT, LoggerLevels, level_number, loggers


def logger_levels() -> dict[str, LoggerLevels]:
    """Return the levels of ``ROOT``, of our own loggers, and of those that have one of their own."""
    found = loggers().items()
    return {name: each for name, each in found if name == ROOT or _is_ours(name) or each["configuredLevel"]}


def _is_ours(name: str) -> bool:
    return name.split(".", maxsplit=1)[0] == "naftiko"


def set_logger_level(name: str, level: str) -> None:
    """Change the level of a logger, until the process ends."""
    logging.getLogger(None if name == ROOT else name).setLevel(level_number(level))
