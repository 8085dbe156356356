"""From an upstream's response to a document, and to an answer (SEMANTICS 5.1, 5.2 and 5.4)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx

from naftiko.engine.answer import JSON_MEDIA_TYPE, Answer
from naftiko.engine.formats import Decoder, FormatError
from naftiko.engine.head import body_length, head_of, links_of
from naftiko.engine.request import dump_json
from naftiko.engine.transport.content_coding import is_decoded
from naftiko.errors import UpstreamBroken
from naftiko.plan.operation import Operation
from naftiko.plan.outputs import Outputs
from naftiko.plan.scope import Scope

_NO_CONTENT = frozenset({204, 205, 304})
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


def useful_headers(response: httpx.Response) -> list[tuple[str, str]]:
    """Return the upstream headers that a REST caller gets (SEMANTICS 6)."""
    return head_of(response).useful


def media_type_of(response: httpx.Response) -> str:
    """Return the response's media type without parameters, lower case; ``""`` where it has none."""
    return head_of(response).media_type


def charset_of(response: httpx.Response) -> str | None:
    """Return the charset that the response names."""
    return head_of(response).charset


def is_json(media_type: str) -> bool:
    """Tell a JSON media type; no media type at all counts, since many APIs forget it."""
    return media_type in {"", JSON_MEDIA_TYPE, "text/json"} or media_type.endswith("+json")


def is_empty(response: httpx.Response) -> bool:
    """Tell whether a response has no content."""
    return response.status_code in _NO_CONTENT or not response.content


async def document(response: httpx.Response, operation: Operation, decoder: Decoder) -> Any:
    """Return the decoded document; ``None`` for no content.

    What takes long is decoded in a thread, so that other requests go on meanwhile.

    Raises:
        UpstreamBroken: the body is not what ``outputRawFormat`` says, or in a coding that isn't known.
    """
    if is_empty(response):
        return None
    coding = head_of(response).coding
    if coding:
        raise coded(operation, coding)
    decode = _decode_with(operation, decoder, response)
    if len(response.content) > _DECODED_AT_ONCE.get(operation.raw_format, _FEW_BYTES):
        return await asyncio.to_thread(decode, response.content)
    return decode(response.content)


def broken(operation: Operation, detail: str, response: httpx.Response) -> UpstreamBroken:
    """Return the error for a body that its format can't decode."""
    media_type = media_type_of(response)
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


async def answer(
    response: httpx.Response, operation: Operation, outputs: Outputs, scope: Scope, decoder: Decoder
) -> Answer:
    """Make a unit's answer of an upstream's good response.

    Raises:
        UpstreamBroken: the body is not what ``outputRawFormat`` says, or in an unknown coding and to be read.
    """
    made = await _answer(response, operation, outputs, scope, decoder)
    made.links = links_of(response)
    return made


async def _answer(
    response: httpx.Response, operation: Operation, outputs: Outputs, scope: Scope, decoder: Decoder
) -> Answer:
    headers = useful_headers(response)
    coding = head_of(response).coding
    if coding and passes_bytes(operation, outputs) and not (is_empty(response) and is_decoded(coding)):
        headers = [*headers, ("content-encoding", coding)]
    status = response.status_code
    if is_empty(response):
        if operation.method == "HEAD" and status not in _NO_CONTENT and passes_bytes(operation, outputs):
            return _told(response, operation, headers)
        return Answer(status=status, headers=headers if outputs.identity else _of_another_body(headers))
    if outputs.identity or operation.raw_format == "binary":
        return await passed_on(response, operation, decoder, headers)
    value = outputs.build(await document(response, operation, decoder), scope)
    kept = _of_another_body(headers)
    made = Answer(status=status, value=value, media_type=JSON_MEDIA_TYPE, dump=dump_json, headers=kept)
    made.modified = next((said for name, said in headers if name == "last-modified"), None)
    return made


def _of_another_body(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the headers that hold for a body which is not the upstream's."""
    return [(name, value) for name, value in headers if name not in _OF_THE_BODY]


def _told(response: httpx.Response, operation: Operation, headers: list[tuple[str, str]]) -> Answer:
    """Return what the answer to a HEAD tells of the body that a GET would get (RFC 9110, 9.3.2)."""
    says = head_of(response).content_type or operation.output_media_type
    kind = _passed_kind(response, operation) if says else None
    told = Answer(status=response.status_code, headers=headers, media_type=kind)
    told.length = body_length(response)
    return told


async def passed_on(
    response: httpx.Response, operation: Operation, decoder: Decoder, headers: list[tuple[str, str]]
) -> Answer:
    """Pass the upstream's bytes on, where the answer is the document itself and JSON, or says so (SEMANTICS 5.4).

    A format that is not JSON is decoded and answered as JSON, unless the answer is bytes for good (``text``,
    ``binary``, or something that isn't JSON although ``outputRawFormat`` was left at its default).
    """
    if operation.raw_format in {"json", "text", "binary"}:
        decodes = operation.raw_format == "text" or (
            operation.raw_format == "json" and is_json(media_type_of(response))
        )
        kind = _passed_kind(response, operation)
        return _bytes_answer(response, operation, kind, headers, decoder if decodes else None)
    value = await document(response, operation, decoder)
    return Answer(status=response.status_code, value=value, media_type=JSON_MEDIA_TYPE, dump=dump_json, headers=headers)


def _passed_kind(response: httpx.Response, operation: Operation) -> str:
    """Return the media type of an upstream's bytes that are passed on."""
    declared, said = operation.output_media_type, head_of(response).content_type
    if operation.raw_format == "json" and is_json(media_type_of(response)):
        return said or JSON_MEDIA_TYPE
    return declared or said or ("text/plain; charset=utf-8" if operation.raw_format == "text" else _BYTES)


def _bytes_answer(
    response: httpx.Response,
    operation: Operation,
    media_type: str,
    headers: list[tuple[str, str]],
    decoder: Decoder | None,
) -> Answer:
    coding = head_of(response).coding
    content = response.content
    if not coding and decoder is not None and operation.raw_format == "json":
        content = content.removeprefix(_BYTE_ORDER_MARK)  # RFC 8259, 8.1: it must not be there, and most parsers fail
    return Answer(
        status=response.status_code,
        content=content,
        media_type=media_type,
        decode=None if decoder is None else _decode_with(operation, decoder, response),
        headers=headers,
        unreadable=coded(operation, coding) if coding else None,
    )


def _decode_with(operation: Operation, decoder: Decoder, response: httpx.Response) -> Callable[[bytes], Any]:
    charset = charset_of(response)

    def decode(content: bytes) -> Any:
        try:
            return decoder(content, charset)
        except FormatError as error:
            raise broken(operation, error.detail, response) from error

    return decode
