"""What a route says of its answers by status: ``responses`` and ``responseBinary`` (SEMANTICS 6.7)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from naftiko.document.findings import Findings
from naftiko.document.model import ExposedOperation
from naftiko.ground.media_types import bare
from naftiko.plan.unit import UnitPlan

_CODE: Final = re.compile(r"[1-5][0-9]{2}|[1-5]XX|default")
_MEDIA_TYPE: Final = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+*-]+")
_BINARY: Final[Mapping[str, Any]] = {"type": "string", "format": "binary"}
_HINT: Final = "write `responses: {'200': {description: A photo., content: {image/jpeg: {binary: true}}}}`"


def declared_responses(operation: ExposedOperation, findings: Findings) -> dict[str, Any]:
    """Return the declared answers as Response Objects of OpenAPI by status; what makes no sense is left out."""
    given, short = operation.responses, operation.response_binary
    if short is not None:
        if given:
            _tell(operation, "responseBinary", "`responseBinary` and `responses` are both there", findings)
        content = {short.media_type: {"binary": True}} if short.media_type else {}
        given = given or {str(short.status): {"description": short.description, "content": content}}
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        _tell(operation, "responses", "`responses` is no map from a status to an answer", findings)
        return {}
    made: dict[str, Any] = {}
    for code, answer in given.items():
        if _CODE.fullmatch(str(code)) is None or not isinstance(answer, Mapping):
            _tell(operation, "responses", f"`{code}` is no status with an answer", findings)
            continue
        made[str(code)] = {"description": str(answer.get("description") or "The answer.")}
        content = _content(operation, answer.get("content"), findings)
        if content:
            made[str(code)]["content"] = content
    return made


def _content(operation: ExposedOperation, content: Any, findings: Findings) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for media_type, given in (content if isinstance(content, Mapping) else {}).items():
        if _MEDIA_TYPE.fullmatch(bare(str(media_type))) is None:
            _tell(operation, "responses", f"`{media_type}` is no media type", findings)
            continue
        said = given if isinstance(given, Mapping) else {}
        schema = said.get("schema")
        if said.get("binary"):
            schema = _BINARY
        made[str(media_type)] = {"schema": dict(schema)} if isinstance(schema, Mapping) else {}
    return made


def with_responses(unit: UnitPlan, operation: ExposedOperation, findings: Findings) -> UnitPlan:
    """Return a route that says what its answers are, and sends bytes as what they are declared to be."""
    responses = declared_responses(operation, findings)
    if not responses:
        return unit
    action = None if unit.action is None else unit.action.typed(binary_media_type(responses))
    return replace(unit, responses=responses, action=action)


def binary_media_type(responses: Mapping[str, Any]) -> str | None:
    """Return the media type of the bytes that a good answer is declared to be, ``None`` where nothing is said of it."""
    for code, answer in responses.items():
        for media_type, said in answer.get("content", {}).items() if code.startswith("2") else ():
            if said.get("schema") == _BINARY and "*" not in media_type:
                return str(media_type)
    return None


def _tell(operation: ExposedOperation, key: str, message: str, findings: Findings) -> None:
    findings.at(operation.at(key)).warning("bad-response", message, hint=_HINT)
