"""What the file takes out of the answers of what is exposed: ``redact`` (SEMANTICS 5.11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol

from naftiko.document.findings import Findings
from naftiko.document.nodes import Node
from naftiko.expression import jsonpath
from naftiko.expression.jsonpath.segments import Descent, Index, Name, Segment, Wildcard
from naftiko.link.calls import CannotLink
from naftiko.link.redaction import HINT, redacted_paths
from naftiko.plan.actions import Action
from naftiko.plan.outputs import Outputs, Redacted

_NO_DOCUMENT: Final = frozenset({"binary", "text"})
_PIECES: Final = "the answer is a stream, bytes or text, and no document"


class Redacting(Protocol):
    """What may declare ``redact``."""

    @property
    def redact(self) -> tuple[str, ...]:
        """Paths."""
        ...

    def at(self, *path: str | int) -> Node | None:
        """Return the node of a key."""
        ...


def redacted(outputs: Outputs, models: Sequence[Redacting], action: Action, findings: Findings) -> Outputs:
    """Return outputs whose answers have nulls where the unit, or its function, redacts them.

    Raises:
        CannotLink: a path can't be done; nothing is shown by mistake.
    """
    call = action.only_call
    if call is not None and (call.operation.stream is not None or call.operation.raw_format in _NO_DOCUMENT):
        raise CannotLink("bad-redaction", f"`redact` can't be done: {_PIECES}", node=models[0].at("redact"))
    paths: list[jsonpath.JSONPath] = []
    for model in models:
        try:
            mine = redacted_paths(model.redact)
        except jsonpath.JSONPathError as error:
            raise CannotLink("bad-redaction", error.message, HINT, model.at("redact")) from error
        for path in mine:
            if outputs.schema is not None and not _may_find(path.segments, [outputs.schema]):
                findings.at(model.at("redact")).warning(
                    "redaction-finds-nothing",
                    f"`{path.text}` is nowhere in the declared outputs",
                    hint="its path is that of the answer, with the names that the outputs have",
                )
        paths += mine
    made = Redacted(outputs.output, tuple(paths))
    return replace(outputs, identity=False, output=made, redact=tuple(paths))


def _may_find(segments: Sequence[Segment], schemas: list[Mapping[str, Any]]) -> bool:
    """Tell whether a path may find something in a document of these schemas; what a schema doesn't say may be there."""
    for segment in segments:
        inner: Any = segment
        if isinstance(segment, Descent):
            schemas, inner = _all(schemas), segment.inner
        if not isinstance(inner, Name | Index | Wildcard):
            return True
        schemas = [below for schema in schemas for below in _below(schema, inner)]
        if any(_is_open(schema) for schema in schemas):
            return True
    return bool(schemas)


def _is_open(schema: Mapping[str, Any]) -> bool:
    """Tell whether a schema leaves open what is inside."""
    return schema.get("type") in {None, "object", "array"} and not _children(schema)


def _children(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    inside = [schema[key] for key in ("items", "additionalProperties") if isinstance(schema.get(key), Mapping)]
    return [*schema.get("properties", {}).values(), *inside]


def _all(schemas: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    found = [*schemas]
    for schema in found:  # it grows
        found += _children(schema)
    return found


def _below(schema: Mapping[str, Any], segment: Name | Index | Wildcard) -> list[Mapping[str, Any]]:
    if isinstance(segment, Wildcard):
        return _children(schema)
    if isinstance(segment, Index):
        return [schema["items"]] if isinstance(schema.get("items"), Mapping) else []
    properties = schema.get("properties", {})
    if segment.key in properties:
        return [properties[segment.key]]
    free = schema.get("additionalProperties")
    return [free] if isinstance(free, Mapping) else []
