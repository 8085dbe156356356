"""The rows of a table (csv, html, markdown) as objects."""

from __future__ import annotations

from collections.abc import Iterable


def column_names(headers: Iterable[str]) -> list[str]:
    """Give every column a key of its own: a repeated header ``price`` is followed by ``price_2``, ``price_3``."""
    names: dict[str, None] = {}
    times: dict[str, int] = {}
    for header in headers:
        name = header
        while name in names:
            times[header] = times.get(header, 1) + 1
            name = f"{header}_{times[header]}"
        names[name] = None
    return list(names)
