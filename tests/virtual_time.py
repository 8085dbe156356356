"""Time that passes as soon as nothing else happens: a test of limits of seconds takes milliseconds, on any machine.

A loop whose sockets are quiet would wait for its next timer; here it is that time already. So a slow machine is late
for nothing, and what waits for a time is held by the order of what happens. Everybody on the sockets has to be in the
same loop: whoever is in another thread or process may be slower than virtual time.
"""

from __future__ import annotations

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any

_SETTLED = 0.005
"""Seconds in which a thread of the test's own may wake the loop, before time passes."""


class _Selector(selectors.DefaultSelector):  # type: ignore[misc,valid-type]  # whichever the platform has
    """Waits for nothing but what is there already.

    Attributes:
        now: the time, in seconds.
    """

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        found = super().select(min(_SETTLED, timeout))
        if not found:
            self.now += timeout
        return found


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now


def virtual_time(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an async test in virtual time."""

    @functools.wraps(test)
    def run(*arguments: Any, **fixtures: Any) -> None:
        with asyncio.Runner(loop_factory=_Loop) as runner:
            runner.run(test(*arguments, **fixtures))

    return run
