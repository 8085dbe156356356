"""Names in a query that somebody else wrote, as any upstream may read them."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import unquote_plus

from naftiko.engine.request import Draft

_SEPARATOR: Final = re.compile("([&;])")
"""``&``, and ``;`` which some servers take for it still (HTML 4.01, B.2.2)."""


def name_of(pair: str) -> str:
    """Return the decoded name of a ``name=value`` pair."""
    return unquote_plus(pair.partition("=")[0])


def drop_pairs(made: Draft, names: Collection[str]) -> None:
    """Drop the pairs of these names from a request's query, however they are written.

    Servers compare names without case, drop blanks around them, or read ``name[]`` and ``name[x]`` as the same one:
    what any of them could take for the name is dropped. The rest stays byte for byte.
    """
    dropped = {_read(name) for name in names}
    kept = [_without(piece, dropped) for piece in made.query]
    made.query = [piece for piece in kept if piece]


def _without(piece: str, dropped: Collection[str]) -> str:
    pairs = _SEPARATOR.split(piece)
    if not any(_is_one_of(pair, dropped) for pair in pairs[::2]):
        return piece
    kept: list[str] = []
    for separator, pair in zip(["", *pairs[1::2]], pairs[::2], strict=True):
        if not _is_one_of(pair, dropped):
            kept += [separator, pair] if kept else [pair]
    return "".join(kept)


def _is_one_of(pair: str, names: Collection[str]) -> bool:
    name = _read(name_of(pair))
    return name in names or name.partition("[")[0] in names


def _read(name: str) -> str:
    return name.strip().casefold()
