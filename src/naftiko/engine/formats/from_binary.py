"""binary: the body as base64 text.

An adapter passes the bytes of a binary answer on with their media type, without asking a decoder. This one is for the
places that can only hold JSON, such as the result of a step; base64 is also what the other formats make of bytes.
"""

from __future__ import annotations

import base64

from naftiko.engine.formats.decoder import Decoder, FormatOptions
from naftiko.ground.types import Json


def prepare(_options: FormatOptions) -> Decoder:
    """Prepare nothing: any bytes are valid."""
    return _decode


def _decode(content: bytes, _charset: str | None) -> Json:
    return base64.b64encode(content).decode("ascii")
