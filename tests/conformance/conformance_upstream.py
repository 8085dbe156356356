"""The upstream of ``conformance.yaml``: it answers with text, an image, audio, a document, late, or with an error."""

from __future__ import annotations

import io
import wave
from typing import Final

from starlette.responses import Response

from naftiko.testing import Fail, RecordedRequest, Stall, StandInUpstream

SLOW_SECONDS: Final = 6.5
"""Naftiko reports progress after 2 s and every 2 s from there; the suite wants to see three of them."""
PNG: Final = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)
"""One red pixel."""


def stand_in_fixtures() -> StandInUpstream:
    """Return an upstream that is not served yet."""
    upstream = StandInUpstream()
    upstream.on("GET", "/text", "This is a simple text response for testing.")
    upstream.on("GET", "/image", lambda _request: Response(PNG, media_type="image/png"))
    upstream.on("GET", "/audio", lambda _request: Response(silence(), media_type="audio/wav"))
    upstream.on("GET", "/document", lambda _request: Response(b"%PDF-1.7\n%%EOF\n", media_type="application/pdf"))
    upstream.on("GET", "/broken", Fail(500, {"error": "This tool intentionally returns an error for testing"}))
    upstream.on("GET", "/slow", Stall(SLOW_SECONDS, "At last."))
    upstream.on("POST", "/contacts", lambda request: {"added": request.json()})
    upstream.on("GET", "/regions/{region}", lambda request: {"region": request.path_params["region"]})
    upstream.on("GET", "/items/{id}", item)
    return upstream


def item(request: RecordedRequest) -> dict[str, object]:
    """Answer with the item that was asked for."""
    wanted = request.path_params["id"]
    return {"id": wanted, "templateTest": True, "data": f"Data for ID: {wanted}", "tags": ["a", "b"]}


def silence() -> bytes:
    """Return a tenth of a second of silence as WAV."""
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\0\0" * 800)
    return written.getvalue()
