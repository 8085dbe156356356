"""JSON as callers write it: with a byte order mark, with half of a surrogate pair (SEMANTICS 5.2)."""

from __future__ import annotations

import re
from typing import Final

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_ESCAPE: Final = re.compile(
    rb"\\(?:(?P<pair>u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)
"""An escape of a JSON text; what stands behind a backslash is never the start of another one."""


def whole_json(body: bytes) -> bytes:
    """Return a JSON text without its byte order mark, U+FFFD for each half of a surrogate pair; else as it is."""
    bare = body.removeprefix(BYTE_ORDER_MARK)
    if b"\\ud" not in bare and b"\\uD" not in bare:
        return bare
    return _ESCAPE.sub(lambda found: b"\\ufffd" if found["half"] else found[0], bare)
