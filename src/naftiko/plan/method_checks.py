"""What is wrong with methods that a file writes."""

from __future__ import annotations

from typing import Final

from naftiko.document.findings import Findings
from naftiko.document.model import ConsumedOperation, ExposedOperation
from naftiko.document.suggest import did_you_mean
from naftiko.http_fields import is_token

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
"""The methods that people mean (RFC 9110 chapter 9, RFC 5789)."""
_OTHERS: Final = frozenset(
    {"TRACE", "CONNECT", "QUERY", "SEARCH", "REPORT", "PURGE", "LINK", "UNLINK", "SUBSCRIBE", "UNSUBSCRIBE", "NOTIFY"}
    | {"PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "ACL", "BIND", "REBIND", "UNBIND", "MERGE"}
    | {"CHECKOUT", "CHECKIN", "MKACTIVITY", "MKCALENDAR", "MKWORKSPACE", "VERSION-CONTROL", "BASELINE-CONTROL"}
    | {"UNCHECKOUT", "UPDATE", "LABEL", "ORDERPATCH", "UPDATEREDIRECTREF", "MKREDIRECTREF", "PRI", "LIST", "RECEIVE"}
)
"""Other methods, of the IANA registry and in use, which are no misspelt ones."""


def check_method(operation: ConsumedOperation | ExposedOperation, findings: Findings) -> None:
    """Tell what is no method, and what is none that is known."""
    method = operation.method
    if method is None or method.upper() in METHODS:
        return
    here = findings.at(operation.at("method"))
    if not is_token(method):
        here.error("bad-method", f"`{method[:40]}` is no method: it is one word of HTTP, such as GET")
    elif method.upper() not in _OTHERS:
        near = did_you_mean(method.upper(), METHODS)
        here.warning("unknown-method", f"`{method}` is no method that is known; it is used as it is", hint=near)
