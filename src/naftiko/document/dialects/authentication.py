"""Authentication: what stands for none, kinds by other names, and the keys of credentials in all their spellings."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from naftiko.document.dialects import keys, nodes
from naftiko.document.dialects.reading import LIST, LIST_OF_IT, SCALAR, Reads, reads
from naftiko.document.findings import Findings
from naftiko.document.reader import Entries, entries, is_null
from naftiko.document.shell import as_template, first_in
from naftiko.document.suggest import fold

_WORDS = frozenset({"type", "placement", "in"})


def of_credentials(found: Entries, findings: Findings) -> None:
    """Read the variables of an authentication's values, with a warning; in a credential they can mean nothing else."""
    for name, (key, value) in found.items():
        if name not in _WORDS:
            found[name] = (key, _read(value, findings))


def _read(value: Node, findings: Findings) -> Node:
    if isinstance(value, MappingNode) and "$" in "".join(_texts(value)):
        inner = entries(value, findings).values()
        return nodes.mapping(((key, _read(child, findings)) for key, child in inner), value)
    template = as_template(value.value) if isinstance(value, ScalarNode) else None
    if template is None:
        return value
    written = first_in(value.value)  # never the rest of the text, which may be a secret
    meant = as_template(written)
    findings.at(value).warning(
        "shell-variable", f"`{written}` is a shell's variable; it is read as `{meant}`", hint=f"write `{meant}`"
    )
    return nodes.text(template, value)


def _texts(value: MappingNode) -> list[str]:
    return [child.value for _, child in value.value if isinstance(child, ScalarNode)]


_NONE: Final = frozenset({"", "none", "no", "false", "anonymous", "noauth"})
_KINDS: Final = frozenset({"basic", "bearer", "digest"})

_HINT: Final = 'such as {type: bearer, token: "{{TOKEN}}"}'

_PLACEMENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("header", "headers", "httpheader", "customheader", "requestheader"), "header"),
        **dict.fromkeys(("query", "querystring", "queryparam", "queryparams"), "query"),
        **dict.fromkeys(("queryparameter", "queryparameters"), "query"),
        **dict.fromkeys(("cookie", "cookies"), "cookie"),
        **dict.fromkeys(("body", "bodyfield", "field", "form", "formdata", "json", "requestbody"), "body"),
        **dict.fromkeys(("path", "pathparam", "pathparameter", "pathsegment"), "path"),
    }
)
_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("header", "headername"), "header"),
        **dict.fromkeys(("query", "queryname", "queryparam", "queryparameter"), "query"),
        **dict.fromkeys(("param", "paramname", "parameter", "parametername"), "query"),
        **dict.fromkeys(("cookie", "cookiename"), "cookie"),
        **dict.fromkeys(("field", "fieldname", "bodyfield"), "body"),
        **dict.fromkeys(("name", "keyname"), ""),
    }
)
"""Keys that name what carries an API key, folded, with the placement that they say."""


_API_KEY: Final = {"value": "token apikey secret keyvalue", "placement": "in location place", "headers": ""}
_api_key = keys.spelt(_API_KEY)


@reads(Reads({"auth": "authentication"}, {"authentication": [SCALAR, LIST_OF_IT]}))
def declared(found: Entries, findings: Findings) -> None:
    """Read an ``authentication`` that is none as none, and whatever else it is as one of some kind.

    It never gets lost: what a file wants to be sent, or to be asked for, is not left out because it can't be read.
    """
    entries = [found.pop(name) for name in ("authentication", "auth") if name in found]
    key, value = next(((key, one) for key, each in entries if not _is_none(one := _alone(each))), (None, None))
    if key is None or value is None:
        return
    if isinstance(value, ScalarNode) and fold(value.value) in _KINDS:
        value = nodes.mapping([(nodes.text("type", value), value)], value)
    elif isinstance(value, SequenceNode) and all(isinstance(each, MappingNode) for each in value.value):
        pairs = [(nodes.text("type", value), nodes.text("several", value)), (nodes.text("all", value), value)]
        value = nodes.mapping(pairs, value)
    elif not isinstance(value, MappingNode):
        what = "a text" if isinstance(value, ScalarNode) else "a list"
        findings.at(value).error("wrong-type", f"`authentication` must be a mapping, not {what}", hint=_HINT)
        value = nodes.mapping([], value)  # of no kind; what it says may be secret
    value = _of_scheme(value) if fold(_text(value, "type")) == "http" else value
    found["authentication"] = (key, value)


def _alone(node: Node) -> Node:
    """Return the one thing of a list, and anything else as it is."""
    is_one = isinstance(node, SequenceNode) and len(node.value) == 1
    return node.value[0] if is_one else node


def _is_none(node: Node) -> bool:
    if isinstance(node, ScalarNode):
        return is_null(node) or fold(node.value) in _NONE
    return not node.value or (isinstance(node, MappingNode) and fold(_text(node, "type")) in _NONE - {""})


def _text(node: MappingNode, key: str) -> str:
    """Return the text of a mapping's key, ``""`` where it has none."""
    for name, value in node.value:
        if isinstance(name, ScalarNode) and name.value == key and isinstance(value, ScalarNode):
            return str(value.value)
    return ""


def _of_scheme(node: MappingNode) -> MappingNode:
    """Read OpenAPI's ``type: http`` with its ``scheme`` as the type that the scheme is."""
    scheme = _text(node, "scheme")
    if fold(scheme) not in _KINDS:
        return node
    dropped = {"scheme", "bearerFormat"}
    pairs = [(name, value) for name, value in node.value if getattr(name, "value", None) not in dropped]
    return nodes.mapping(
        [
            (name, nodes.text(scheme, value) if getattr(name, "value", None) == "type" else value)
            for name, value in pairs
        ],
        node,
    )


@reads(Reads(dict.fromkeys((*_NAMES, *" ".join(_API_KEY.values()).split()), ""), {"headers": [LIST], "key": [SCALAR]}))
def api_key(found: Entries, findings: Findings) -> None:
    """Find the name, the value and the placement of an API key, whichever keys say them.

    ``key`` is the name beside a value. Beside another key that names (``header: X-Project``), or alone and a template,
    it is the value.
    """
    _api_key(found, findings)
    _headers(found)
    implied = ""
    if "type" in found:
        key, value = found["type"]
        implied = _PLACEMENTS.get(fold(getattr(value, "value", "")), "")
        found["type"] = (key, nodes.text("apikey", value))
    naming = next((name for name in found if fold(name) in _NAMES and isinstance(found[name][1], ScalarNode)), None)
    if naming is not None and ("key" not in found or "value" not in found):
        if "key" in found:
            found["value"] = found.pop("key")
        implied = _NAMES[fold(naming)] or implied
        found["key"] = found.pop(naming)
    elif "key" in found and "value" not in found and _is_template(found["key"][1]):
        found["value"] = found.pop("key")
    _place(found, implied)


def _place(found: Entries, implied: str) -> None:
    """Bring a placement to the spec's word; one that is unknown stays as it is, and is told where it matters."""
    if "placement" in found:
        key, value = found["placement"]
        if isinstance(value, ScalarNode):
            known = _PLACEMENTS.get(fold(value.value), value.value)
            found["placement"] = (key, nodes.text(known, value))
    elif implied and "key" in found:
        key, value = found["key"]
        found["placement"] = (key, nodes.text(implied, value))


def _headers(found: Entries) -> None:
    """Read a map under ``header`` as ``headers``, and a list of headers, each with its name and value, as a map."""
    if "header" in found and "headers" not in found and not isinstance(found["header"][1], ScalarNode):
        found["headers"] = found.pop("header")
    key, value = found.get("headers", (None, None))
    if key is not None and isinstance(value, SequenceNode):
        pairs = [pair for child in value.value for pair in _pairs(child)]
        found["headers"] = (key, nodes.mapping(pairs, value))


def _pairs(node: Node) -> list[tuple[Node, Node]]:
    """Return the header that a list's element says: ``{name, value}``, or ``{NAME: VALUE}``."""
    if not isinstance(node, MappingNode):
        return [(node, nodes.text("", node))] if isinstance(node, ScalarNode) else []
    by_name = {fold(name.value): value for name, value in node.value if isinstance(name, ScalarNode)}
    name = by_name.get("name") or by_name.get("key") or by_name.get("header")
    value = by_name.get("value") or by_name.get("token")
    return list(node.value) if name is None or value is None else [(name, value)]


def _is_template(node: Node) -> bool:
    return isinstance(node, ScalarNode) and ("{{" in node.value or node.value.startswith("$"))
