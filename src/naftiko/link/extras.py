"""Keys of ``with`` that name nothing in the operation, and where they go (SEMANTICS 4.3)."""

from __future__ import annotations

from naftiko.plan.operation import Operation
from naftiko.plan.slots import Slot

_BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})
HEADER_KEYS = frozenset(
    {"content-type", "accept", "accept-language", "if-match", "if-none-match", "user-agent", "idempotency-key"}
)
"""Keys that are headers where the operation says nothing of them."""
PLACES = {
    "body": "the body, in place of the operation's own",
    "field": "a field of the body",
    "query": "a query parameter",
    "header": "a header",
}


def place_of(key: str, operation: Operation) -> str:
    """Return where a key goes that names nothing in the operation."""
    if key == "body":
        return "body"
    if key.lower() in HEADER_KEYS:
        return "header"
    has_fields = operation.body is None or operation.body.has_fields
    has_body = operation.method in _BODY_METHODS or operation.socket is not None
    return "field" if has_body and has_fields else "query"


OWN_BODY = Slot(
    name="body",
    location="body",
    type=None,
    description="The body of the request: any JSON.",
    required=False,
    schema={},
    whole_body=True,
    is_own_body=True,
)
"""What a tool gives to an operation that declares no body (SEMANTICS 4.3)."""


def extra_slot(key: str, place: str) -> Slot:
    """Return the slot of such a key."""
    location = {"body": "body", "field": "body"}.get(place, place)
    return Slot(
        name=key,
        location=location,
        type=None if location == "body" else "string",
        description=None,
        required=place == "path",
        schema={} if location == "body" else {"type": "string"},
        whole_body=place == "body",
        known=place == "path",
        in_json=location == "body",
    )
