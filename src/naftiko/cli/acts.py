"""What was sent for a call and what policies did with it, for ``naftiko call --explain``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from time import perf_counter

from naftiko.cli.diagnostics.excerpt import harmless
from naftiko.cli.terminal import say
from naftiko.observe.observer import Exchange, Observer, PolicyAct
from naftiko.observe.redaction import Redactor


class Acts(Observer):
    """Collects them; they are worth a line only where a policy did something."""

    def __init__(self) -> None:
        self._began: float | None = None
        self._lines: list[str] = []
        self._has_acted = False

    def exchange(self, exchange: Exchange, /) -> AbstractContextManager[None]:
        """See a request, and what came of it."""
        return self._sent(exchange)

    @contextmanager
    def _sent(self, exchange: Exchange) -> Iterator[None]:
        if self._began is None:
            self._began = perf_counter()
        what = f"{exchange.operation} attempt {exchange.attempt}"
        try:
            yield
        except BaseException:
            self._add(f"{what}: no answer")
            raise
        self._add(f"{what}: {exchange.status}")

    def acted(self, act: PolicyAct, /) -> None:
        """See what a policy does."""
        self._has_acted = True
        self._add(f"{act.operation} {act.policy} {act.outcome}{f': {act.said}' if act.said else ''}")

    def _add(self, line: str) -> None:
        since = 0.0 if self._began is None else perf_counter() - self._began
        self._lines.append(f"+{since:.3f} s  {line}")

    def write(self, redactor: Redactor) -> None:
        """Write them to stderr, beside the answer."""
        if self._has_acted:
            say("policies:", err=True)
            for line in self._lines:
                say(f"  {harmless(redactor.redact(line))}", err=True)
