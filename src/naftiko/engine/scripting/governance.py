"""What scripts may do, as the file says it and an operator changes it; and how they went (``/scripting``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from naftiko.document.model.control import ScriptingManagement
from naftiko.observe.times import shown

_LANGUAGES: Final = ("python", "javascript", "groovy")
"""The words of the specification, in the order in which they are told; Groovy is one of them, and never runs."""


class WrongSetting(ValueError):
    """A change that can't be made; the text says why, in the words of the reference engine."""


@dataclass(slots=True)
class Stats:
    """How scripts went.

    Attributes:
        runs: how many were run.
        errors: how many of them failed.
        seconds: what they took together.
        last: when the last one was begun, in seconds since 1970; ``None``: none was.
    """

    runs: int = 0
    errors: int = 0
    seconds: float = 0.0
    last: float | None = None

    def show(self) -> dict[str, Any]:
        """Return what ``/scripting`` shows."""
        average = round(self.seconds * 1000 / self.runs, 2) if self.runs else 0.0
        shows = {"totalExecutions": self.runs, "totalErrors": self.errors, "averageDurationMs": average}
        return shows if self.last is None else {**shows, "lastExecutionAt": shown(self.last)}


@dataclass(slots=True)
class Governance:
    """What scripts may do; a change takes effect with the next run.

    Attributes:
        enabled: whether any runs.
        default_location: a ``file://`` directory for steps that name none.
        default_language: of steps that name none.
        timeout: milliseconds that a run may take.
        statement_limit: how much a run may do; see ``Limits.of``.
        allowed_languages: none: all.
        stats: how they went.
    """

    enabled: bool = True
    default_location: str | None = None
    default_language: str | None = None
    timeout: int = 60_000
    statement_limit: int = 100_000
    allowed_languages: tuple[str, ...] = ()
    stats: Stats = field(default_factory=Stats)

    @classmethod
    def of(cls, management: ScriptingManagement | None, environment: Mapping[str, str]) -> Governance:
        """Return what a file says; where it doesn't, ``NAFTIKO_SCRIPTING=false`` lets none run."""
        if management is None:
            words = (environment.get(name, "") for name in ("NAFTIKO_SCRIPTING", "IKANOS_SCRIPTING"))
            return cls(enabled=not any(word.strip().lower() == "false" for word in words))
        return cls(
            management.enabled,
            management.default_location,
            management.default_language,
            management.timeout,
            management.statement_limit,
            management.allowed_languages,
        )

    def show(self) -> dict[str, Any]:
        """Return what ``/scripting`` shows; what has no value is left out."""
        shows: dict[str, Any] = {
            "enabled": self.enabled,
            "defaultLocation": self.default_location,
            "defaultLanguage": self.default_language,
            "timeout": self.timeout,
            "statementLimit": self.statement_limit,
            "allowedLanguages": [*self.allowed_languages] or None,
        }
        return {**{name: value for name, value in shows.items() if value is not None}, "stats": self.stats.show()}

    def change(self, given: Mapping[str, Any]) -> None:
        """Change what is given; all of it or nothing.

        Raises:
            WrongSetting: a value can't be meant.
        """
        found = {key: check(key, given[key]) for key, (_, check) in _SETTINGS.items() if given.get(key) is not None}
        for key, value in found.items():
            setattr(self, _SETTINGS[key][0], value)


def _flag(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise WrongSetting(f"'{key}' must be true or false")
    return value


def _positive(key: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise WrongSetting(f"'{key}' must be an integer greater than or equal to 1")
    if value < 1:
        raise WrongSetting(f"'{key}' must be greater than or equal to 1")
    return value


def _location(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value.startswith("file:///"):
        raise WrongSetting(f"'{key}' must be an absolute file:/// URI")
    return value


def _language(key: str, value: Any) -> str:
    del key
    if value not in _LANGUAGES:
        raise WrongSetting(f"Unsupported language '{value}'. Supported: [{', '.join(_LANGUAGES)}]")
    return str(value)


def _languages(key: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise WrongSetting(f"'{key}' must be an array")
    return tuple(_language(key, each) for each in value)


_SETTINGS: Final[Mapping[str, tuple[str, Callable[[str, Any], Any]]]] = {
    "enabled": ("enabled", _flag),
    "defaultLocation": ("default_location", _location),
    "defaultLanguage": ("default_language", _language),
    "timeout": ("timeout", _positive),
    "statementLimit": ("statement_limit", _positive),
    "allowedLanguages": ("allowed_languages", _languages),
}
