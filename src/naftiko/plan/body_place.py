"""Which parameter is the body, and which are its fields (SEMANTICS 4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from naftiko.expression.template import Template
from naftiko.ground.media_types import MULTIPART, bare, has_fields, is_json
from naftiko.plan.body import BodyTemplate
from naftiko.plan.parameter import Parameter
from naftiko.plan.schema_types import stands_for_bytes

_WHOLE = frozenset({"body", "_body", "payload"})


@dataclass(frozen=True, slots=True)
class BodyPlace:
    """What the parameters of an operation are in its body.

    Attributes:
        whole: the parameter that is the body.
        lone: the only one, that is a field of it; but the body itself where its text is an object or an array.
        fields: those that are fields; beside a block, those that it doesn't name.
        is_json: whether null is a value in it.
        byte_arguments: the arguments that can be bytes there: as the body, or as a part of a multipart form.
    """

    whole: Parameter | None = None
    lone: Parameter | None = None
    fields: tuple[Parameter, ...] = ()
    is_json: bool = True
    byte_arguments: frozenset[str] = frozenset()

    @property
    def is_empty(self) -> bool:
        """Whether no parameter is in the body."""
        return self.whole is None and self.lone is None and not self.fields


def place_in_body(declared: Sequence[Parameter], block: BodyTemplate | None) -> BodyPlace:
    """Return what the parameters of an operation are in its body."""
    parameters = tuple(parameter for parameter in declared if parameter.location == "body")
    if block is not None:
        beside = tuple(one for one in parameters if one.argument not in block.names) if block.has_fields else ()
        return BodyPlace(fields=beside, is_json=block.is_json, byte_arguments=block.byte_names)
    sent_as = _content_type(declared)
    whole = parameters[0] if len(parameters) == 1 and _is_whole(parameters[0], sent_as) else None
    takes_bytes = bare(sent_as) == MULTIPART or (whole is not None and not has_fields(sent_as))
    return BodyPlace(
        whole=whole,
        lone=parameters[0] if len(parameters) == 1 and whole is None else None,
        fields=parameters if len(parameters) > 1 else (),
        is_json=not sent_as or is_json(sent_as),
        byte_arguments=frozenset(one.argument for one in parameters) if takes_bytes else frozenset(),
    )


def is_whole_name(name: str) -> bool:
    """Tell the names that stand for a whole body."""
    return name in _WHOLE or name.endswith("Body")


def _is_whole(only: Parameter, sent_as: str) -> bool:
    """Tell whether the only parameter in a body is that body, and no field of it."""
    if is_whole_name(only.name) or only.type == "object":
        return True
    if sent_as:
        return not has_fields(sent_as)
    # JSON can't hold bytes; what is declared as `byte` alone is a text of JSON in base64.
    return only.schema.get("format") == "binary" or ("contentEncoding" in only.schema and stands_for_bytes(only.schema))


def _content_type(declared: Sequence[Parameter]) -> str:
    """Return the media type that the operation itself names, or ``""``."""
    for parameter in declared:
        fixed = parameter.fixed
        if parameter.location == "header" and parameter.name.lower() == "content-type":
            return fixed.text if isinstance(fixed, Template) and not fixed.names else ""
    return ""
