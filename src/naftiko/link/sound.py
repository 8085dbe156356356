"""What the file alone decides, so that no call finds it out: methods, paths, addresses, sizes (SEMANTICS 1.4)."""

from __future__ import annotations

from naftiko.document.findings import Findings
from naftiko.document.model import AdapterModel, CapabilityDocument, ConsumesHttp, Model
from naftiko.expression.placeholders import TAG
from naftiko.ground.sizes import size_in_bytes
from naftiko.link.adapters import linked
from naftiko.link.route_checks import check_method
from naftiko.plan.addresses import wrong_address


def check_sound(document: CapabilityDocument, findings: Findings) -> None:
    """Tell what can't work whatever is called, and what most likely isn't meant."""
    for api in document.consumes:
        if isinstance(api, ConsumesHttp):
            for resource in api.resources:
                for operation in resource.operations:
                    check_method(operation, findings)
                    _check_size(operation, findings)
    for adapter in document.exposes:
        if isinstance(adapter, AdapterModel):
            _check_address(adapter, findings)
            _check_size(adapter, findings)
    for kind, model in linked(document):
        kind.check(model, findings)


def _check_size(thing: Model, findings: Findings) -> None:
    size = getattr(thing, "max_binary_size", None)
    if size is not None and not size_in_bytes(size):
        findings.at(thing.at("maxBinarySize")).warning(
            "bad-size", f"`{size[:40]}` is no size; the default counts", hint="write a size such as 512KiB or 5MiB"
        )


def _check_address(adapter: AdapterModel, findings: Findings) -> None:
    address = TAG.sub("x", adapter.address or "").strip()
    why = "it lacks a brace" if "{" in address or "}" in address else wrong_address(address) if address else ""
    if why:
        findings.at(adapter.at("address")).error(
            "bad-address", f"nothing can listen on `{adapter.address}`: {why}", hint="use `127.0.0.1`, or `0.0.0.0`"
        )
