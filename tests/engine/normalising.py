"""The strictest server there could be: it decodes again and again, and resolves dots after each time."""

from __future__ import annotations

import re
from urllib.parse import unquote

DOTS = frozenset({".", ".."})


def climbs_somewhere(path: str) -> bool:
    """Tell whether a server that decodes up to three times, splits at both slashes and drops ``;x`` climbs."""
    for _ in range(4):
        if any(segment.partition(";")[0] in DOTS for segment in re.split(r"[/\\]", path)):
            return True
        path = unquote(path)
    return False


HARMLESS = ["a..b", "...", ".hidden", "v1.0", "file.tar.gz", "..foo", "foo..", "a.b.c", ".,.", "..,..", "1.", "-..-",
            "100%", "%", "a%20b", "%41", "a%2fb", "a\\b", "a;b", "é.ü", "a b", "(..)", "..=..", "…", "?", "#"]  # fmt: skip
"""Values that no server takes for a dot segment."""
CLIMBING = [".", "..", "%2e", "%2E%2e", ".%2e", "%252e%252e", "%25252e.", "..;", "..;a=1", ".;x", "..%3Bx", "../x", "x/..",
            "a/../b", "..\\x", "a\\..\\b", "..%2fx", "a%2f..", "..%5cx", "%2e%2e%2fx", "..%252fx", "%%32%65.", "%u002e.",
            "%c0%ae%c0%ae", "..%c0%afx"]  # fmt: skip
"""Values that some server takes for one, whatever stands beside them in other segments."""
