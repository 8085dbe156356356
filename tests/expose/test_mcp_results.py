"""What an answer becomes: text, structured content, images, audio, embedded resources."""

from __future__ import annotations

import base64
import json

import pytest
from mcp_wire import NEWEST
from starlette.responses import Response

CAPABILITY = """
naftiko: 1.0.0-alpha2
capability:
  consumes:
    - type: http
      namespace: files
      baseUri: http://unused.invalid
      resources:
        - path: /json
          operations: [{name: json, method: GET}]
        - path: /bytes
          operations: [{name: bytes, method: GET, outputRawFormat: binary, maxBinarySize: 1KiB}]
        - path: /xml
          operations: [{name: xml, method: GET, outputRawFormat: xml}]
  exposes:
    - type: mcp
      namespace: files-mcp
      tools:
        - {name: json, description: Any JSON, call: files.json}
        - {name: bytes, description: Any bytes, call: files.bytes}
        - {name: xml, description: XML, call: files.xml}
        - name: typed
          description: A typed object
          call: files.json
          outputParameters:
            - {name: id, type: integer, mapping: $.id}
            - {name: tags, type: array, mapping: $.tags, items: {type: string, mapping: $}}
        - name: scalar
          description: One value
          call: files.json
          outputParameters: [{type: string, mapping: $.name}]
        - name: mocked
          description: No call
          inputParameters: [{name: who, type: string, description: Whom to greet}]
          outputParameters:
            - {name: greeting, type: string, value: "Hello {{who}}"}
"""


@pytest.fixture
async def at(serve, upstream, wire):
    return wire(f"{await serve(CAPABILITY, base=upstream.url)}/mcp", NEWEST)


def answering(upstream, path, content, media_type):
    upstream.on("GET", path, lambda _request: Response(content, media_type=media_type))


async def test_identity_is_the_upstreams_own_text_without_its_byte_order_mark(at, upstream):
    answering(upstream, "/json", b'\xef\xbb\xbf{"a" : 1.0, "n": 12345678901234567890}', "application/json")
    result = await at.call("json")
    assert result["content"][0]["text"] == '{"a" : 1.0, "n": 12345678901234567890}'


@pytest.mark.parametrize("content", [b"OK", b"<h1>Welcome</h1>", b"01.02.2026, \xe9", b'"cut'])
async def test_a_text_that_is_called_json_is_told_as_the_text_that_it_is(at, upstream, content):
    answering(upstream, "/json", content, "application/json")
    result = await at.call("json")
    assert result["isError"] is False
    assert result["content"] == [{"type": "text", "text": content.decode("utf-8", "replace")}]
    assert "structuredContent" not in result


@pytest.mark.parametrize("content", [b'{"a": 1, "b', b"{'a': 1}", b'{"a": [' + b"1," * 40_000])
async def test_a_document_that_is_broken_is_an_error_with_its_beginning(at, upstream, content):
    """Half a document could be taken for a whole one."""
    answering(upstream, "/json", content, "application/json")
    result = await at.call("json")
    assert result["isError"] is True
    text = result["content"][0]["text"]
    assert "it is not JSON" in text
    assert f"The upstream said: {content[:8].decode()}" in text


async def test_a_text_that_is_called_json_is_an_error_where_a_schema_promises_more(at, upstream):
    answering(upstream, "/json", b"<h1>Please log in</h1>", "application/json")
    result = await at.call("typed")
    assert result["isError"] is True
    assert "The upstream said: Please log in" in result["content"][0]["text"]


async def test_half_an_emoji_takes_nothing_else_away(at, upstream):
    """As an escape and as bytes, in what is passed on and in what is mapped."""
    for cut in (b"\\ud83d", b"\xf0\x9f\x98"):
        answering(upstream, "/json", b'{"name": "cut ' + cut + b'", "id": 7, "tags": []}', "application/json")
        whole = await at.call("json")
        assert json.loads(whole["content"][0]["text"]) == whole["structuredContent"]
        assert whole["structuredContent"] == {"name": "cut \ufffd", "id": 7, "tags": []}
        assert (await at.call("typed"))["structuredContent"] == {"id": 7, "tags": []}
        assert "cut \ufffd" in (await at.call("scalar"))["content"][0]["text"]


async def test_a_coding_that_is_not_known_is_an_error_and_no_garbage(at, upstream):
    upstream.on("GET", "/json", Response(b"\x1f\x9d", 200, {"Content-Encoding": "compress"}, media_type="text/plain"))
    result = await at.call("json")
    assert result["isError"] is True
    assert "in the coding `compress`" in result["content"][0]["text"]
    assert "Accept-Encoding" in result["content"][0]["text"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
async def test_a_byte_order_mark_says_the_encoding(at, upstream, encoding):
    answering(upstream, "/json", '{"a": "é"}'.encode(encoding), "application/json")
    result = await at.call("json")
    assert (result["content"][0]["text"], result["structuredContent"]) == ('{"a": "é"}', {"a": "é"})


@pytest.mark.parametrize("charset", ["idna", "undefined", "hex", "unicode_escape", "no-such"])
async def test_a_charset_that_is_none_is_utf_8(at, upstream, charset):
    answering(upstream, "/bytes", "é".encode(), f"text/plain; charset={charset}")
    assert (await at.call("bytes"))["content"][0]["text"] == "é"


async def test_mapped_answers_are_compact(at, upstream):
    upstream.on("GET", "/json", {"id": 7, "tags": ["ä", None]})
    result = await at.call("typed")
    assert result["content"][0]["text"] == '{"id":7,"tags":["ä",null]}'
    assert result["structuredContent"] == {"id": 7, "tags": ["ä", None]}


@pytest.mark.parametrize("document", [{}, [], None, "text", {"id": "no number", "tags": {"not": "a list"}}])
async def test_a_good_answer_never_breaks_a_promised_schema(at, upstream, document):
    """The schema is checked as the official client checks it: by jsonschema, against the structured content."""
    from jsonschema import Draft202012Validator

    answering(upstream, "/json", json.dumps(document).encode(), "application/json")
    tools = {tool["name"]: tool for tool in (await at.ask("tools/list"))["tools"]}
    for name in ("typed", "scalar"):
        result = await at.call(name)
        assert result["isError"] is False
        schema = tools[name].get("outputSchema")
        if schema is not None:
            Draft202012Validator(schema).validate(result["structuredContent"])


async def test_a_promise_is_kept_where_there_is_no_content(at, upstream):
    upstream.on("GET", "/json", None)
    result = await at.call("typed")
    assert result["isError"] is False
    assert isinstance(result["structuredContent"], dict)


async def test_large_answers_are_text_only_unless_a_schema_promises_more(at, upstream):
    upstream.on("GET", "/json", {"id": 1, "tags": ["x" * 70_000]})
    free = await at.call("json")
    assert len(free["content"][0]["text"]) > 65_536
    assert "structuredContent" not in free
    assert (await at.call("typed"))["structuredContent"]["id"] == 1


async def test_other_formats_are_told_as_json(at, upstream):
    answering(upstream, "/xml", b"<a><b>1</b></a>", "application/xml")
    result = await at.call("xml")
    assert json.loads(result["content"][0]["text"]) == result["structuredContent"] == {"b": "1"}


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [
        ("image/png", "image"),
        ("audio/mpeg", "audio"),
        ("application/pdf", "resource"),
        ("text/plain; charset=iso-8859-1", "text"),
        ("image/svg+xml", "text"),
        ("application/yaml", "text"),
    ],
)
async def test_bytes_are_told_as_what_they_are(at, upstream, media_type, kind):
    content = "<é>".encode("iso-8859-1") if "8859" in media_type else b"<\x00>"
    answering(upstream, "/bytes", content, media_type)
    result = await at.call("bytes")
    [shown] = result["content"]
    assert shown["type"] == kind
    assert "structuredContent" not in result
    if kind == "text":
        assert shown["text"] == ("<é>" if "8859" in media_type else "<\x00>")
    elif kind == "resource":
        resource = shown["resource"]
        assert resource["uri"].startswith("naftiko://transient/files-mcp/bytes/")
        assert (resource["mimeType"], base64.b64decode(resource["blob"])) == (media_type, content)
    else:
        assert (shown["mimeType"], base64.b64decode(shown["data"])) == (media_type, content)


async def test_more_bytes_than_max_binary_size_are_an_error_that_says_so(at, upstream):
    answering(upstream, "/bytes", b"\x00" * 1025, "image/png")
    result = await at.call("bytes")
    assert result["isError"] is True
    assert "maxBinarySize of 1024" in result["content"][0]["text"]


async def test_a_tool_without_a_call_answers_from_its_declaration(at):
    result = await at.call("mocked", {"who": "Ada"})
    assert result["structuredContent"] == {"greeting": "Hello Ada"}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (
            b'{"a": NaN, "n": 12345678901234567890, "b": [Infinity, -Infinity, 1.50]}',
            '{"a":null,"n":12345678901234567890,"b":[null,null,1.50]}',
        ),
        (b"[NaN]", "[null]"),
        (b'{"a": "NaN" , "b": "Infinity"}', '{"a": "NaN" , "b": "Infinity"}'),
        (b'{"a": NaN, "s": "NaN \xc3\xa9"}', '{"a":null,"s":"NaN \u00e9"}'),
    ],
)
async def test_what_is_no_number_in_json_is_null_in_the_text_too(at, upstream, content, text):
    """``NaN`` and ``Infinity`` are Python's, and no client's (RFC 8259 chapter 6)."""
    answering(upstream, "/json", content, "application/json")
    result = await at.call("json")
    assert result["isError"] is False
    assert result["content"][0]["text"] == text
    if text.startswith("{"):
        assert result["structuredContent"] == json.loads(text)
