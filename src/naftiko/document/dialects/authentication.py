"""Authentication: ``in`` and ``name`` of an API key, ``headers`` that are a list, loose words."""

from __future__ import annotations

from yaml.nodes import ScalarNode

from naftiko.document.dialects import nodes
from naftiko.document.findings import Findings
from naftiko.document.reader import Entries

_PLACEMENTS = {"header": "header", "headers": "header", "query": "query", "querystring": "query"}


def scheme(found: Entries, findings: Findings) -> None:
    """Bring synonyms of the credential keys to the spec's."""
    del findings
    for old, new in (("user", "username"), ("apiKey", "token"), ("value", "token")):
        if old in found and new not in found:
            found[new] = found.pop(old)
    for old, new in (("tokenUrl", "tokenEndpoint"), ("issuer", "authorizationServerUri")):
        if old in found and new not in found:
            found[new] = found.pop(old)


def api_key(found: Entries, findings: Findings) -> None:
    """``in`` is ``placement``, ``name`` and ``header`` are ``key``, ``token`` is ``value``."""
    if "header" in found and "key" not in found:
        found["key"] = found.pop("header")
    for old, new in (("in", "placement"), ("name", "key"), ("token", "value")):
        if old in found:
            entry = found.pop(old)
            found.setdefault(new, entry)
    if "placement" in found and isinstance(found["placement"][1], ScalarNode):
        key, value = found["placement"]
        known = _PLACEMENTS.get(value.value.replace("-", "").lower())
        if known is None:
            findings.at(value).warning(
                "unknown-placement",
                f"an API key can't be placed in `{value.value}`; it is sent as a header",
                hint="use `placement: header` or `placement: query`",
            )
        found["placement"] = (key, nodes.text(known or "header", value))
