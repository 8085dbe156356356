"""From an upstream's response to a document, and to an answer (SEMANTICS 5.1, 5.2 and 5.4)."""

from __future__ import annotations

import asyncio
from functools import lru_cache, partial
from typing import Any

import httpx

from naftiko.engine.answer import JSON_MEDIA_TYPE, Answer
from naftiko.engine.formats import Decoder, FormatError
from naftiko.engine.head import Head, body_length, head_of, links_of
from naftiko.engine.mock import description
from naftiko.engine.request import dump_json
from naftiko.engine.transport.content_coding import is_decoded
from naftiko.expression.scope import Scope
from naftiko.ground.errors import UpstreamBroken
from naftiko.plan.operation import Operation
from naftiko.plan.outputs import Outputs

_NO_CONTENT = frozenset({204, 205, 304})
_OK = 200
_OF_THE_BODY = frozenset({"etag", "last-modified", "content-disposition"})
_BYTES = "application/octet-stream"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NO_TEXT = frozenset({"avro", "binary", "protobuf"})
"""Formats whose bytes say nothing to who reads an error."""
_DECODED_AT_ONCE = {
    "json": 1024 * 1024,
    "csv": 128 * 1024,
    "tsv": 128 * 1024,
    "psv": 128 * 1024,
    "xml": 64 * 1024,
    "text": 1024 * 1024,
    "markdown": 4 * 1024,
}
"""Up to so many bytes a document is decoded at once, which takes 5 to 10 ms; a larger one in a thread."""
_SHOWN = 40
"""Characters of a header that are shown."""
_FEW_BYTES = 16 * 1024
"""The same for the other formats: yaml, html, avro, protobuf."""


@lru_cache(maxsize=512)
def is_json(media_type: str) -> bool:
    """Tell a JSON media type; no media type at all counts, since many APIs forget it."""
    return media_type in {"", JSON_MEDIA_TYPE, "text/json"} or media_type.endswith("+json")


def is_empty(response: httpx.Response) -> bool:
    """Tell whether a response has no content."""
    return response.status_code in _NO_CONTENT or not response.content


async def document(response: httpx.Response, operation: Operation, decoder: Decoder) -> Any:
    """Return the decoded document; ``None`` for no content, in mock mode the request.

    What takes long is decoded in a thread, so that other requests go on meanwhile.

    Raises:
        UpstreamBroken: the body is not what ``outputRawFormat`` says, or in a coding that isn't known.
    """
    if is_empty(response):
        return description(response)
    return await _read(response, operation, decoder, head_of(response))


async def _read(response: httpx.Response, operation: Operation, decoder: Decoder, head: Head) -> Any:
    if head.coding:
        raise coded(operation, head.coding)
    content = response.content
    if len(content) > _DECODED_AT_ONCE.get(operation.raw_format, _FEW_BYTES):
        return await asyncio.to_thread(_decoded, operation, decoder, response, head, content)
    return _decoded(operation, decoder, response, head, content)


def broken(operation: Operation, detail: str, response: httpx.Response) -> UpstreamBroken:
    """Return the error for a body that its format can't decode."""
    media_type = head_of(response).media_type
    error = UpstreamBroken(
        f"the answer of `{operation.key}` is no {operation.raw_format}: {detail}",
        hint=f"the upstream sent {media_type or 'no media type'}; set `outputRawFormat` to what it sends",
    )
    error.operation = operation.key
    error.response = None if operation.raw_format in _NO_TEXT else response
    return error


def coded(operation: Operation, coding: str) -> UpstreamBroken:
    """Return the error for a body in a coding that isn't known (SEMANTICS 4.8)."""
    error = UpstreamBroken(
        f"the answer of `{operation.key}` is in the coding `{coding[:_SHOWN]}`, which can't be undone here",
        hint="ask the API for another one: gzip, deflate, br and zstd are known (`Accept-Encoding`)",
    )
    error.operation = operation.key
    return error


def passes_bytes(operation: Operation, outputs: Outputs) -> bool:
    """Tell whether a good answer's bytes are the unit's answer, unchanged."""
    return operation.raw_format == "binary" or (outputs.identity and operation.raw_format in {"json", "text"})


def passed_on(response: httpx.Response, operation: Operation, outputs: Outputs, decoder: Decoder) -> Answer:
    """Make a unit's answer of an upstream's good response whose bytes are the answer (``passes_bytes``)."""
    head = head_of(response)
    if not response.content or response.status_code in _NO_CONTENT:
        made = _without_content(response, operation, outputs, head)
    else:
        made = _passed_on(response, operation, decoder, head)
    if head.points:
        made.links = links_of(response)
    return made


async def answer(
    response: httpx.Response, operation: Operation, outputs: Outputs, scope: Scope, decoder: Decoder
) -> Answer:
    """Make a unit's answer of an upstream's good response that is read: its bytes are not the answer.

    Raises:
        UpstreamBroken: the body is not what ``outputRawFormat`` says, or in an unknown coding.
    """
    head = head_of(response)
    if is_empty(response):
        is_told = outputs.reads_head and description(response) is None
        status = _OK if response.status_code in _NO_CONTENT else response.status_code
        made = (
            _made(None, outputs, scope, status, head)
            if is_told
            else _without_content(response, operation, outputs, head)
        )
    else:
        found = await _read(response, operation, decoder, head)
        made = _made(found, outputs, scope, response.status_code, head)
    if head.points:
        made.links = links_of(response)
    return made


def _without_content(response: httpx.Response, operation: Operation, outputs: Outputs, head: Head) -> Answer:
    """Return the answer where there is nothing: of a HEAD, it tells what a GET would get."""
    shown = description(response)
    if shown is not None:
        return Answer(value=shown, media_type=JSON_MEDIA_TYPE, dump=dump_json)
    status, headers, passes = response.status_code, head.useful, passes_bytes(operation, outputs)
    if head.coding and passes and not is_decoded(head.coding):
        headers = [*headers, ("content-encoding", head.coding)]
    if operation.method == "HEAD" and status not in _NO_CONTENT and passes:
        return _told(response, operation, head, headers)
    return Answer(status=status, headers=headers if outputs.identity else _of_another_body(headers))


def _made(found: Any, outputs: Outputs, scope: Scope, status: int, head: Head) -> Answer:
    """Make an answer of a document: what the outputs make of it, else the document itself as JSON (SEMANTICS 5.4)."""
    if outputs.identity:
        return Answer(status=status, value=found, media_type=JSON_MEDIA_TYPE, dump=dump_json, headers=head.useful)
    value, kept = outputs.build(found, scope), _of_another_body(head.useful)
    made = Answer(status=status, value=value, media_type=JSON_MEDIA_TYPE, dump=dump_json, headers=kept)
    if len(kept) < len(head.useful):
        made.modified = next((said for name, said in head.useful if name == "last-modified"), None)
    return made


def _of_another_body(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the headers that hold for a body which is not the upstream's."""
    return [(name, value) for name, value in headers if name not in _OF_THE_BODY]


def _told(response: httpx.Response, operation: Operation, head: Head, headers: list[tuple[str, str]]) -> Answer:
    """Return what the answer to a HEAD tells of the body that a GET would get (RFC 9110, 9.3.2)."""
    kind = _passed_kind(operation, head) if head.content_type or operation.output_media_type else None
    told = Answer(status=response.status_code, headers=headers, media_type=kind)
    told.length = body_length(response)
    return told


def _passed_on(response: httpx.Response, operation: Operation, decoder: Decoder, head: Head) -> Answer:
    """Pass the upstream's bytes on, as they are (SEMANTICS 5.4).

    They are bytes for good where they are ``text``, ``binary``, or something that isn't JSON although
    ``outputRawFormat`` was left at its default.
    """
    content = response.content
    if operation.raw_format == "json" and is_json(head.media_type):
        decodes, kind = True, head.content_type or JSON_MEDIA_TYPE
        if not head.coding:
            content = content.removeprefix(_BYTE_ORDER_MARK)  # RFC 8259, 8.1: it must not be there: most parsers fail
    else:
        decodes, kind = operation.raw_format == "text", _passed_kind(operation, head)
    made = Answer(
        status=response.status_code,
        content=content,
        media_type=kind,
        decode=partial(_decoded, operation, decoder, response, head) if decodes else None,
        headers=head.useful,
    )
    if head.coding:
        made.headers = [*head.useful, ("content-encoding", head.coding)]
        made.unreadable = coded(operation, head.coding)
    return made


def _passed_kind(operation: Operation, head: Head) -> str:
    """Return the media type of an upstream's bytes that are passed on."""
    declared, said = operation.output_media_type, head.content_type
    if operation.raw_format == "json" and is_json(head.media_type):
        return said or JSON_MEDIA_TYPE
    return declared or said or ("text/plain; charset=utf-8" if operation.raw_format == "text" else _BYTES)


def _decoded(operation: Operation, decoder: Decoder, response: httpx.Response, head: Head, content: bytes) -> Any:
    try:
        return decoder(content, head.charset)
    except FormatError as error:
        raise broken(operation, error.detail, response) from error
