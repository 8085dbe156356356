"""Ports (RFC 6335 chapter 6)."""

from __future__ import annotations

from typing import Final

from naftiko.document.findings import Reporter

LAST_PORT: Final = 65_535


def report_port(number: int, here: Reporter) -> None:
    """Report a number that no caller can be told as a port: 0 is another one at each start, the rest are none."""
    if number == 0:
        here.warning(
            "port-range",
            "port 0 is a free port, another one at each start",
            hint=f"use a port from 1 to {LAST_PORT}; for a free one, serve with --port NAMESPACE=0",
        )
    else:
        here.error("port-range", f"{number} is no port", hint=f"use a port from 1 to {LAST_PORT}")
