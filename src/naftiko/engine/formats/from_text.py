"""text: the body as one string."""

from __future__ import annotations

from naftiko.engine.formats.charset import decode_text
from naftiko.engine.formats.decoder import Decoder, FormatOptions


def prepare(_options: FormatOptions) -> Decoder:
    """Prepare nothing; a wrong encoding is an error that says at which byte, never a replacement character."""
    return decode_text
