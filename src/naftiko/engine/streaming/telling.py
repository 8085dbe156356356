"""Who watches the items of a stream come, while a call waits for the list of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, Final, TypeAlias

Seeing: TypeAlias = Callable[[int, Callable[[], Any] | None], Awaitable[None]]
"""Is told how many items came, and what makes the last of them as its callers get it; ``None``: they don't."""

seeing: Final[ContextVar[Seeing | None]] = ContextVar("seeing", default=None)
"""Of the call that is running; ``None``: nobody watches."""
