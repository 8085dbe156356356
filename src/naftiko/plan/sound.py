"""What the file alone decides, so that no call finds it out: methods, paths, addresses, sizes (SEMANTICS 1.4)."""

from __future__ import annotations

import re
from typing import Final

from naftiko.document.findings import Findings
from naftiko.document.model import (
    CapabilityDocument,
    ConsumedOperation,
    ConsumesHttp,
    ControlAdapter,
    ExposedOperation,
    ExposedResource,
    McpAdapter,
    Model,
    RestAdapter,
    SkillAdapter,
)
from naftiko.document.suggest import did_you_mean
from naftiko.plan.addresses import wrong_address
from naftiko.plan.path import has_loose_brace
from naftiko.plan.sizes import size_in_bytes
from naftiko.plan.tags import TAG

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
"""The methods that people mean (RFC 9110 chapter 9, RFC 5789)."""
_OTHERS: Final = frozenset(
    {"TRACE", "CONNECT", "QUERY", "SEARCH", "REPORT", "PURGE", "LINK", "UNLINK", "SUBSCRIBE", "UNSUBSCRIBE", "NOTIFY"}
    | {"PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "ACL", "BIND", "REBIND", "UNBIND", "MERGE"}
    | {"CHECKOUT", "CHECKIN", "MKACTIVITY", "MKCALENDAR", "MKWORKSPACE", "VERSION-CONTROL", "BASELINE-CONTROL"}
    | {"UNCHECKOUT", "UPDATE", "LABEL", "ORDERPATCH", "UPDATEREDIRECTREF", "MKREDIRECTREF", "PRI", "LIST", "RECEIVE"}
)
"""Other methods, of the IANA registry and in use, which are no misspelt ones."""
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_Adapter = RestAdapter | McpAdapter | SkillAdapter | ControlAdapter


def check_sound(document: CapabilityDocument, findings: Findings) -> None:
    """Tell what can't work whatever is called, and what most likely isn't meant."""
    for api in document.consumes:
        if isinstance(api, ConsumesHttp):
            for resource in api.resources:
                for operation in resource.operations:
                    _check_method(operation, findings)
                    _check_size(operation, findings)
    for adapter in document.exposes:
        if isinstance(adapter, _Adapter):
            _check_address(adapter, findings)
        if isinstance(adapter, RestAdapter | McpAdapter):
            _check_size(adapter, findings)
        if isinstance(adapter, RestAdapter):
            _check_routes(adapter, findings)


def _check_method(operation: ConsumedOperation | ExposedOperation, findings: Findings) -> None:
    method = operation.method
    if method is None or method.upper() in METHODS:
        return
    here = findings.at(operation.at("method"))
    if not _TOKEN.fullmatch(method):
        here.error("bad-method", f"`{method[:40]}` is no method: it is one word of HTTP, such as GET")
    elif method.upper() not in _OTHERS:
        near = did_you_mean(method.upper(), METHODS)
        here.warning("unknown-method", f"`{method}` is no method that is known; it is used as it is", hint=near)


def _check_size(thing: Model, findings: Findings) -> None:
    size = getattr(thing, "max_binary_size", None)
    if size is not None and not size_in_bytes(size):
        findings.at(thing.at("maxBinarySize")).warning(
            "bad-size", f"`{size[:40]}` is no size; the default counts", hint="write a size such as 512KiB or 5MiB"
        )


def _check_address(adapter: _Adapter, findings: Findings) -> None:
    address = TAG.sub("x", adapter.address or "").strip()
    why = "it lacks a brace" if "{" in address or "}" in address else wrong_address(address) if address else ""
    if why:
        findings.at(adapter.at("address")).error(
            "bad-address", f"nothing can listen on `{adapter.address}`: {why}", hint="use `127.0.0.1`, or `0.0.0.0`"
        )


def _check_routes(adapter: RestAdapter, findings: Findings) -> None:
    for resource in adapter.resources:
        things: list[ExposedResource | ExposedOperation] = [resource, *resource.operations]
        for thing in things:
            if thing.path and has_loose_brace(thing.path):
                findings.at(thing.at("path")).error(
                    "broken-template",
                    f"the path `{thing.path}` holds a brace without its pair: no request has it",
                    hint="a placeholder is written `{name}`",
                )
        for operation in resource.operations:
            _check_method(operation, findings)
