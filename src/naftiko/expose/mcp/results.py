"""From a unit's answer to the content of a tool result (SEMANTICS 5 and 7)."""

from __future__ import annotations

import base64
import contextlib
import re
import secrets
from typing import Any, Final

import orjson

from naftiko.engine.answer import Answer
from naftiko.engine.decode import is_json
from naftiko.engine.formats import FormatError
from naftiko.engine.formats.charset import decode_text, known_charset
from naftiko.engine.memory import SMALL
from naftiko.engine.request import dump_json
from naftiko.engine.sending import NOTE
from naftiko.expose.http.bodies import whole_json
from naftiko.expose.mcp import media, revisions
from naftiko.expose.mcp.schemas import OutputShape
from naftiko.ground.errors import UpstreamBroken
from naftiko.ground.http import PARAMETER, parameter
from naftiko.ground.jsontext import Written
from naftiko.ground.media_types import BYTES, bare, charset_of
from naftiko.ground.sizes import binary_bytes
from naftiko.ground.types import ABSENT
from naftiko.plan.unit import UnitPlan

NOTES_META: Final = "dev.naftiko/notes"
"""The member of ``_meta`` with what policies made of an answer."""
_END: Final = 64
"""Characters in which the last one that is no blank is looked for."""
_CLOSING: Final = {"{": "}", "[": "]"}
STRUCTURED_LENGTH: Final = 64 * 1024
"""Characters up to which an answer is given twice, as text and structured.

A result that holds a document twice costs twice, and the SDK's own way validates and writes it twice again: 143 ms for
1 MB, 26 ms for the text alone (6 and 2 ms on the short way). A tool that promises an ``outputSchema`` keeps its word
whatever the size.
"""


def tool_result(answer: Answer, plan: UnitPlan, shape: OutputShape, version: str) -> dict[str, Any]:
    """Return the result of a tool call, in wire form.

    Raises:
        UpstreamBroken: the answer is not what its format says, or larger than ``maxBinarySize``.
    """
    result = revisions.complete(content=[], isError=False)
    kind = bare(answer.media_type)
    if not answer.has_content:
        structured = ABSENT if shape.schema is None else shape.structured(None, modern=revisions.is_modern(version))
    elif is_json(kind):
        text = text_of(answer)
        result["content"] = [{"type": "text", "text": text}]
        structured = _structured(answer, text, shape, version)
    else:
        result["content"] = [_content(answer, kind, plan, version)]
        structured = promised_of_text(shape, text_of(answer) if media.is_text(kind) else None, version)
    if structured is not ABSENT:
        result["structuredContent"] = structured
    return result


def noted(result: dict[str, Any], answer: Answer) -> dict[str, Any]:
    """Return a result that says what policies made of its answer: to the client in ``_meta``, to the model in words."""
    notes = [value for name, value in answer.headers if name == NOTE]
    if not notes:
        return result
    content = [*result["content"], *({"type": "text", "text": f"Note: {_in_words(note)}"} for note in notes)]
    return {**result, "content": content, "_meta": {**result.get("_meta", {}), NOTES_META: notes}}


def _in_words(note: str) -> str:
    kind, _, parameters = note.partition(";")
    said = dict(parameter(found) for found in re.finditer(PARAMETER, parameters))
    if kind == "incomplete":
        wait = f"; try again in {said['retry-after']} s" if "retry-after" in said else ""
        return f"the list is not complete ({said.get('detail')}){wait}."
    if kind == "partial":
        return f"step `{said.get('step')}` did {said.get('done')} of {said.get('of')}: what it gives is not all."
    if kind != "fallback":
        return note
    source = "a constant of the capability" if said.get("from") == "constant" else f"that of `{said.get('from')}`"
    return f"the API failed ({said.get('reason')}), and this is not its answer but {source}."


def lightened(result: dict[str, Any]) -> dict[str, Any]:
    """Return a result with its long texts as the JSON that they are written as.

    What is written already need not be read, checked and written again by the SDK, which takes a hundred times as long.
    """
    content = [lightened_block(block) for block in result["content"]]
    light = {**result, "content": content}
    if content != result["content"] and "structuredContent" in result:
        light["structuredContent"] = Written(dump_json(result["structuredContent"]))
    return light


def lightened_block(block: dict[str, Any]) -> dict[str, Any]:
    """Return a block of a result, or the contents of a resource, likewise."""
    light = {**block}
    for name, value in block.items():
        if isinstance(value, dict):
            light[name] = lightened_block(value)
        elif isinstance(value, str) and len(value) > SMALL:
            light[name] = Written(dump_json(value))
    return light


def promised_of_text(shape: OutputShape, text: str | None, version: str) -> Any:
    """Return the structured content of an answer that is no JSON; ABSENT where nothing is promised.

    Who promises something has to give it, or clients refuse the answer. A text stands where an object would.
    """
    said = text if shape.is_object else None
    return ABSENT if shape.schema is None else shape.structured(said, modern=revisions.is_modern(version))


def _structured(answer: Answer, text: str, shape: OutputShape, version: str) -> Any:
    """Return the structured content, or ABSENT; a value that can't be one is not even parsed.

    What is called JSON and is none is told as the text that it is, unless it looks like a document that was cut.

    Raises:
        UpstreamBroken: see ``tool_result``.
    """
    if shape.schema is None:
        closing = _CLOSING.get(text.lstrip()[:1])
        if closing is None:
            return ABSENT
        if len(text) > STRUCTURED_LENGTH:
            if text[-_END:].rstrip()[-1:] != closing:
                _ = answer.value  # says where it is broken
            return ABSENT
    return shape.structured(answer.value, modern=revisions.is_modern(version))


def is_document(answer: Answer) -> bool:
    """Tell whether an answer is JSON, and not only called so."""
    if not is_json(bare(answer.media_type)):
        return False
    try:
        _ = answer.value
    except UpstreamBroken:
        return False
    return True


def text_of(answer: Answer) -> str:
    """Return an answer's bytes as text, in the charset that its media type names; what is no text is replaced.

    Half a surrogate pair that JSON writes as an escape is U+FFFD here too: who reads the text stumbles over it.

    Raises:
        UpstreamBroken: they are in a coding that isn't known.
    """
    content = answer.content
    if is_json(bare(answer.media_type)):
        content = whole_json(content)
        if (b"NaN" in content or b"Infinity" in content) and (standing_in := _without_nan(answer, content)):
            return standing_in
    named = charset_of(answer.media_type)
    charset = (known_charset(named) if named else None) or "utf-8"
    try:
        return decode_text(content, charset)
    except FormatError:
        return content.decode(charset, "replace").removeprefix("\ufeff")


def _without_nan(answer: Answer, content: bytes) -> str:
    """Return JSON text with null for ``NaN`` and ``Infinity``, as its structured content has; ``""`` where it is sound.

    They are no JSON (RFC 8259 chapter 6), and who reads the text stumbles over them.
    """
    try:
        orjson.loads(content)
    except orjson.JSONDecodeError:
        with contextlib.suppress(UpstreamBroken):
            value = answer.value
            return "" if isinstance(value, bytes) else dump_json(value).decode()
    return ""


def _content(answer: Answer, kind: str, plan: UnitPlan, version: str) -> dict[str, Any]:
    """Return the content of an answer that is no JSON: text, an image, audio, or an embedded resource."""
    if media.is_text(kind):
        return {"type": "text", "text": text_of(answer)}
    data = encoded(answer.content, plan.name, binary_bytes(plan.max_binary_size))
    if kind.startswith("image/"):
        return {"type": "image", "data": data, "mimeType": kind}
    if kind.startswith("audio/") and revisions.knows_audio(version):
        return {"type": "audio", "data": data, "mimeType": kind}
    uri = f"naftiko://transient/{plan.namespace}/{plan.alias}/{secrets.token_hex(8)}"
    return {"type": "resource", "resource": {"uri": uri, "mimeType": kind or BYTES, "blob": data}}


def encoded(content: bytes, name: str, limit: int) -> str:
    """Return bytes as base64.

    Raises:
        UpstreamBroken: there are more than ``limit``.
    """
    if len(content) > limit:
        raise UpstreamBroken(
            f"the binary answer of `{name}` has {len(content)} bytes, more than its maxBinarySize of {limit}",
            hint="raise `maxBinarySize` in the capability file, or ask for less",
        )
    return base64.b64encode(content).decode("ascii")
