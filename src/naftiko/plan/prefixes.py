"""Find a known name at the beginning of a dotted one: as it is written, or but for case and punctuation."""

from __future__ import annotations

from collections.abc import Container, Iterable

from naftiko.document.suggest import fold


def known_prefix(text: str, known: Container[str]) -> tuple[str, str] | None:
    """Return the longest known name that a dotted name begins with, and the rest: ``order``, ``.lines[0].sku``."""
    for at in range(len(text) - 2, 0, -1):
        if text[at] in ".[" and text[:at] in known:
            return text[:at], text[at:]
    return None


def same_name(written: str, known: Iterable[str]) -> str | None:
    """Return the only known name that is the same but for case and punctuation (SEMANTICS 1.4)."""
    folded = fold(written)
    same = {name for name in known if folded and fold(name) == folded}
    return same.pop() if len(same) == 1 else None


def near_prefix(text: str, known: Iterable[str], *, whole: bool) -> tuple[str, str, str] | None:
    """Return the only known name that a dotted name nearly begins with, the longest first.

    Args:
        text: ``get-order.lines[0].sku``.
        known: the names.
        whole: whether the text may be nothing but the name.

    Returns:
        the name as written, the known one, and the rest: ``get-order``, ``getOrder``, ``.lines[0].sku``.
    """
    names = tuple(known)
    ends = [at for at in range(len(text) - 1, 0, -1) if text[at] in ".["] if names else []
    for at in [len(text), *ends] if whole else ends:
        meant = same_name(text[:at], names)
        if meant is not None:
            return text[:at], meant, text[at:]
    return None
