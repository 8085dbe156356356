"""No input, of whatever characters, changes the structure of a URL, a header or a body (SEMANTICS 4)."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, quote, unquote
from xml.etree import ElementTree as ET

from consuming import consuming, inputs, request_of
from hypothesis import given, settings
from hypothesis import strategies as st
from normalising import climbs_somewhere

from naftiko.ground.errors import InputError

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=10
)

URL = consuming(
    {"inputParameters": [*inputs("id", "rest", location="path"), *inputs("q", "r"), *inputs("X-A", location="header")]},
    path="/a/{id}/b/{+rest}/c",
)
STRUCTURE = consuming(
    {"method": "POST", "body": {"type": "json", "data": {"a": {"b": "{{v}}"}, "t": "<{{v}}>", "end": 1}}}
)
JSON_TEXT = consuming({"method": "POST", "body": '{"a": {"b": {{v}}}, "t": "<{{t}}>", "end": 1}'})
FORM = consuming({"method": "POST", "body": {"type": "formUrlEncoded", "data": {"a": "{{v}}", "end": "1"}}})
FORM_TEXT = consuming({"method": "POST", "body": {"type": "formUrlEncoded", "data": "a={{v}}&end=1"}})
XML = consuming({"method": "POST", "body": {"type": "xml", "data": '<r a="{{v}}"><b>{{v}}</b><end/></r>'}})
MULTIPART = consuming(
    {
        "method": "POST",
        "body": {
            "type": "multipartForm",
            "data": [{"name": "f", "value": "{{v}}", "filename": "{{v}}"}, {"name": "end", "value": "1"}],
        },
    }
)
FIELDS = consuming({"method": "POST", "inputParameters": [{"name": "a", "in": "body"}, {"name": "b", "in": "body"}]})


@given(value=TEXT, rest=TEXT, query=TEXT, header=TEXT)
@settings(max_examples=300, deadline=None)
def test_urls_and_headers(value, rest, query, header):
    """Each value comes out where it went in, or the call is refused."""
    try:
        request = request_of(URL, {"id": value, "rest": rest, "q": query, "r": "end", "X-A": header})
    except InputError:
        breaks = any((character < " " and character != "\t") or character == "\x7f" for character in header)
        climbs = climbs_somewhere(quote(value, safe="")) or climbs_somewhere(quote(rest))
        assert breaks or not value or not rest or climbs, (value, rest, header)
        return
    path, _, sent = request.url.raw_path.decode("ascii").partition("?")
    segments = path.split("/")
    assert segments[:3] == ["", "v1", "a"]
    assert (unquote(segments[3]), segments[4], segments[-1]) == (value, "b", "c")
    assert unquote("/".join(segments[5:-1])) == rest
    assert parse_qsl(sent, keep_blank_values=True) == [("q", query), ("r", "end")]
    values = [raw for name, raw in request.headers.raw if name.lower() == b"x-a"]
    assert values == [header.strip().encode()]


@given(value=JSON)
@settings(max_examples=300, deadline=None)
def test_json_by_structure(value):
    """What is filled in is what is parsed again, types and all."""
    sent = json.loads(request_of(STRUCTURE, {"v": value}).content)
    assert sent["end"] == 1
    if value is not None:
        assert sent["a"] == {"b": value}


@given(value=JSON, text=TEXT)
@settings(max_examples=300, deadline=None)
def test_json_text_by_position(value, text):
    """The same where the body is text with placeholders."""
    sent = json.loads(request_of(JSON_TEXT, {"v": value, "t": text}).content)
    assert sent["end"] == 1
    assert sent["t"] == f"<{text}>"
    if value is not None:
        assert sent["a"] == {"b": value}


@given(value=TEXT)
@settings(max_examples=300, deadline=None)
def test_forms(value):
    """Two fields in, two fields out."""
    for capability in (FORM, FORM_TEXT):
        sent = request_of(capability, {"v": value}).content.decode("ascii")
        assert parse_qsl(sent, keep_blank_values=True) == [("a", value), ("end", "1")]


@given(value=st.text(alphabet=st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc", "Cn"]), max_size=40))
@settings(max_examples=200, deadline=None)
def test_xml(value):
    """An attribute and an element hold the value, and nothing else has come to be."""
    root = ET.fromstring(request_of(XML, {"v": value}).content)
    assert [child.tag for child in root] == ["b", "end"]
    assert (root[0].text or "", root.attrib) == (value, {"a": value})


@given(value=TEXT)
@settings(max_examples=200, deadline=None)
def test_multipart(value):
    """Two parts, whatever the value and the file's name hold."""
    request = request_of(MULTIPART, {"v": value})
    boundary = request.headers["content-type"].partition("boundary=")[2].encode()
    pieces = request.content.split(b"--" + boundary)
    assert (pieces[0], pieces[-1], len(pieces)) == (b"", b"--\r\n", 4)
    head, _, data = pieces[1].partition(b"\r\n\r\n")
    assert data == value.encode() + b"\r\n"
    assert head.count(b"\r\n") == 2


@given(first=JSON, second=JSON)
@settings(max_examples=200, deadline=None)
def test_fields(first, second):
    """The fields of a body without a block, null too (SEMANTICS 3.2)."""
    assert json.loads(request_of(FIELDS, {"a": first, "b": second}).content) == {"a": first, "b": second}
