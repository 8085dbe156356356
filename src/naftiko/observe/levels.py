"""The levels of loggers, in the words of the reference engine: shown, and changed until the next start."""

from __future__ import annotations

import logging
import re
from typing import Final, TypedDict

TRACE: Final = 5
OFF: Final = logging.CRITICAL + 1
LEVELS: Final = {
    "TRACE": TRACE,
    "DEBUG": logging.DEBUG,
    "INFO": logging.INFO,
    "WARN": logging.WARNING,
    "ERROR": logging.ERROR,
    "OFF": OFF,
}
"""By the word of the reference; ``WARNING`` is taken too."""
ROOT: Final = "ROOT"
"""The name of the logger above all others."""
_NAME: Final = re.compile(r"[A-Za-z_][\w.-]{0,199}")
_MOST: Final = 2_000
"""Loggers that there may be: a name costs memory for as long as the process lives."""


class LoggerLevels(TypedDict):
    """The levels of a logger.

    Attributes:
        configuredLevel: its own; ``None``: it has that of the logger above it.
        effectiveLevel: what is written of it.
    """

    configuredLevel: str | None
    effectiveLevel: str


def level_number(word: str) -> int:
    """Return a level by its word, in any case.

    Raises:
        ValueError: there is none of that word.
    """
    known = {**LEVELS, "WARNING": logging.WARNING}.get(word.upper())
    if known is None:
        raise ValueError(f"`{word[:40]}` is no level: {', '.join(LEVELS)}")
    return known


def set_level(name: str, level: str) -> None:
    """Change the level of a logger until the next start.

    Args:
        name: such as ``naftiko.expose``; ``ROOT`` for the one above all.
        level: see ``LEVELS``.

    Raises:
        ValueError: there is no such level, or that can't be the name of a logger.
    """
    number = level_number(level)
    if name.upper() == ROOT:
        logging.getLogger().setLevel(number)
        return
    known = logging.root.manager.loggerDict
    if not _NAME.fullmatch(name) or (name not in known and len(known) >= _MOST):
        raise ValueError(f"`{name[:80]}` can't be the name of a logger")
    logging.getLogger(name).setLevel(number)


def loggers() -> dict[str, LoggerLevels]:
    """Return the levels of all loggers by name, ``ROOT`` first."""
    known = logging.root.manager.loggerDict
    named = {name: known[name] for name in sorted(known)}
    found = {name: logger for name, logger in named.items() if isinstance(logger, logging.Logger)}
    return {ROOT: _levels(logging.root), **{name: _levels(logger) for name, logger in found.items()}}


def _levels(logger: logging.Logger) -> LoggerLevels:
    configured = _word(logger.level) if logger.level else None
    return {"configuredLevel": configured, "effectiveLevel": _word(logger.getEffectiveLevel())}


def _word(number: int) -> str:
    """Return the word of a level: of one between two words the less severe, which writes as much."""
    return next((word for word, known in reversed(LEVELS.items()) if known <= number), "TRACE")
