"""What holds for exchanges and for connections that are kept, in whichever way."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeAlias

import httpx

Exchange: TypeAlias = Callable[[Callable[[], None]], Coroutine[Any, Any, httpx.Response]]
"""Sends a request once, and gives the answer as soon as its head is there. What it is called with it calls when the
answer needs its connection no more; where it fails, its caller knows."""

KEEP_ALIVE: Final = 15.0
"""Seconds that an idle connection is kept; many servers close theirs after 5 to 75."""

REPEATED: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "REPORT", "SEARCH", "QUERY"})
"""Safe methods (RFC 9110, 9.2.1): a request that changes nothing is sent once more, on a fresh connection, when a kept
one turns out to be closed. PUT and DELETE are not: the first may have been carried out, and a second DELETE would then
answer that there is nothing to delete (RFC 9110, 9.2.2)."""
