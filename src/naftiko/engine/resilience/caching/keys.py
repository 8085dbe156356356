"""What tells one request's stored answers from another's (RFC 9111 chapters 2 and 4.1)."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from hashlib import blake2b
from typing import Final
from urllib.parse import unquote_plus

from naftiko.engine.sending import Outgoing
from naftiko.observe.redaction import is_secret_name
from naftiko.plan.resilience import Cache

_NEGOTIATED: Final = frozenset({"accept", "accept-language", "accept-encoding", "accept-charset", "user-agent"})
"""Headers of which ``Vary`` says whether an answer depends on them. Of any other it may be forgotten to be said."""
_BYPASSING: Final = frozenset(
    {"if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range", "range"}
)
"""Headers of a request that the file itself makes conditional, or partial."""
_DIGEST_BYTES: Final = 16


def bypasses(outgoing: Outgoing) -> bool:
    """Tell whether a request is none that a store can answer."""
    draft = outgoing.draft
    if draft.body is not None or draft.streamed is not None:
        return True
    return bool(draft.headers) and any(draft.has_header(name) for name in _BYPASSING)


def asked_of(outgoing: Outgoing) -> Mapping[str, str]:
    """Return a request's headers, names in lower case; our own credential is not among them."""
    return {name.lower(): value for name, value in outgoing.draft.headers}


def key_of(outgoing: Outgoing, asked: Mapping[str, str], plan: Cache, identity: str) -> str:
    """Return the key of a request.

    It has all that a caller gives, headers hashed, but for what ``Vary`` is about, and for what the file says that an
    answer doesn't depend on. What may be a credential always counts.

    Args:
        outgoing: the request.
        asked: its headers.
        plan: what the file says.
        identity: of our own credential.
    """
    draft, largest = outgoing.draft, outgoing.max_binary_bytes
    url = draft.full_url()
    own = asked if asked.keys().isdisjoint(_NEGOTIATED) else _without(asked, _NEGOTIATED)
    if plan.ignored:
        url, own = _told(url, plan.ignored), _without(own, plan.ignored)
    parts = f"{outgoing.operation} {draft.method} {url}"
    if own or largest is not None or identity:
        secret = f"{identity}\n{largest}\n{json.dumps(own, sort_keys=True) if own else ''}"
        return f"{parts} {blake2b(secret.encode('utf-8', 'surrogatepass'), digest_size=_DIGEST_BYTES).hexdigest()}"
    return parts


def _without(asked: Mapping[str, str], names: Collection[str]) -> Mapping[str, str]:
    return {name: value for name, value in asked.items() if name not in names or is_secret_name(name)}


def _told(url: str, ignored: Collection[str]) -> str:
    path, _, query = url.partition("?")
    names = ((pair, unquote_plus(pair.partition("=")[0])) for pair in query.split("&"))
    return f"{path}?{'&'.join(pair for pair, name in names if name.lower() not in ignored or is_secret_name(name))}"
