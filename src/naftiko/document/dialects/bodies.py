"""Body blocks: a raw string, ``type: form``, a block without ``data``."""

from __future__ import annotations

from typing import Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from naftiko.document.dialects import nodes
from naftiko.document.dialects.reading import LIST, SCALAR, Reads, in_any_case, reads
from naftiko.document.findings import Findings
from naftiko.document.reader import Entries, entries, is_null

_TYPES = {
    "json": "json",
    "text": "text",
    "xml": "xml",
    "sparql": "sparql",
    "form": "formUrlEncoded",
    "formurlencoded": "formUrlEncoded",
    "urlencoded": "formUrlEncoded",
    "multipart": "multipartForm",
    "multipartform": "multipartForm",
    "multipartformdata": "multipartForm",
    "multipart/formdata": "multipartForm",
    "raw": "raw",
}
_MEDIA_TYPES = {
    "binary": "application/octet-stream",
    "octetstream": "application/octet-stream",
    "bytes": "application/octet-stream",
    "yaml": "application/yaml",
    "yml": "application/yaml",
    "csv": "text/csv",
    "html": "text/html",
    "markdown": "text/markdown",
    "ndjson": "application/x-ndjson",
    "jsonlines": "application/x-ndjson",
    "protobuf": "application/x-protobuf",
    "cbor": "application/cbor",
    "msgpack": "application/msgpack",
    "graphql": "application/graphql",
}
"""Words for what is no JSON, beside those of the specification."""


_BLOCK: Final = {"properties": {"type": {"type": "string", "pattern": in_any_case(_TYPES)}}, "required": ["type"]}
_DATA: Final = {"type": "object", "not": {"anyOf": [{"required": ["data"]}, _BLOCK]}}


@reads(Reads(shapes={"body": [SCALAR, LIST, _DATA]}))
def declared(found: Entries, findings: Findings) -> None:
    """Make a body block of ``body: text`` and of ``body: {map without type and data}``."""
    if "body" not in found or is_null(found["body"][1]):
        found.pop("body", None)
        return
    key, body = found["body"]
    if isinstance(body, ScalarNode):
        found["body"] = (key, _block(key, body, "raw"))
    elif isinstance(body, SequenceNode) or not _is_block(entries(body, findings)):
        found["body"] = (key, _block(key, body, "json"))


def _is_block(body: Entries) -> bool:
    """Tell a block from JSON data that has a ``type`` of its own: ``{type: issue, title: "{{title}}"}``."""
    if "data" in body:
        return True
    kind = body["type"][1] if "type" in body else None
    return isinstance(kind, ScalarNode) and (_word(kind) in _TYPES or len(body) == 1)


def _word(kind: Node) -> str:
    return str(kind.value).replace("-", "").replace("_", "").lower()


def _block(key: Node, data: Node, kind: str) -> MappingNode:
    pairs = [(nodes.text("type", key), nodes.text(kind, key)), (nodes.text("data", key), data)]
    return nodes.mapping(pairs, data)


def block(found: Entries, findings: Findings) -> None:
    """Bring a block's type to the spec's word, and say whether it has data."""
    if "type" in found and isinstance(found["type"][1], ScalarNode):
        key, value = found["type"]
        word = _word(value)
        known = _TYPES.get(word) or _MEDIA_TYPES.get(word) or (value.value.strip() if "/" in value.value else None)
        if known is None:
            findings.at(value).warning(
                "unknown-body-type",
                f"the body type `{value.value}` is not known; it is sent as JSON",
                hint="use json, text, xml, sparql, formUrlEncoded, multipartForm, binary or a media type",
            )
        found["type"] = (key, nodes.text(known or "json", value))
    if "data" not in found or is_null(found["data"][1]):
        return
    key, data = found["data"]
    found["hasData"] = (key, nodes.flag(key))
    kind = found["type"][1].value if "type" in found else "json"
    if kind == "multipartForm" and isinstance(data, SequenceNode):
        found["parts"] = found.pop("data")
