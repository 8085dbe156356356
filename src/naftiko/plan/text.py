"""How a value is written where only text can stand: a URL, a header, a form field, inside a template."""

from __future__ import annotations

import json
import math
import re
from typing import Any

_LARGEST_EXACT = 2**53
_HALF = re.compile("[\ud800-\udfff]")


def as_text(value: Any) -> str:
    """Return a value as text: booleans ``true``/``false``, numbers without ``.0``, maps and lists as JSON.

    ``null`` is the text ``null``; whoever wants nothing sent for it leaves it out before.
    """
    if isinstance(value, str):
        return value
    if value is True:
        return "true"
    if value is False:
        return "false"
    if value is None:
        return "null"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    text = getattr(value, "text", None)  # a body or a file that came as bytes (``plan.inputs.Content``)
    return text if isinstance(text, str) else compact_json(value)


def _number(value: float) -> str:
    if math.isfinite(value) and value.is_integer() and abs(value) < _LARGEST_EXACT:
        return str(int(value))
    return repr(value)


def compact_json(value: Any) -> str:
    """Return JSON text without spaces, non-ASCII characters as they are."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError:  # NaN and the infinities, which JSON has no words for
        return json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, list) else value


def whole_characters(value: Any) -> Any:
    """Return a text or a document with U+FFFD for each half of a surrogate pair, which nothing can write (5.2)."""
    if isinstance(value, str):
        return _HALF.sub("\ufffd", value) if not value.isascii() else value
    if isinstance(value, dict):
        return {whole_characters(key): whole_characters(inner) for key, inner in value.items()}
    return [whole_characters(inner) for inner in value] if isinstance(value, list) else value
