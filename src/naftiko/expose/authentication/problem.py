"""How a refusal is told to a REST caller: RFC 9457."""

from __future__ import annotations

from http import HTTPStatus

import orjson

from naftiko.expose.authentication.contract import Refusal

PROBLEM_MEDIA_TYPE = "application/problem+json"


def problem(refusal: Refusal) -> tuple[str, bytes]:
    """Return the media type and the problem document."""
    document = {
        "type": f"urn:naftiko:problem:{refusal.kind}",
        "title": HTTPStatus(refusal.status).phrase,
        "status": int(refusal.status),
        "detail": refusal.detail,
    }
    return PROBLEM_MEDIA_TYPE, orjson.dumps(document)
