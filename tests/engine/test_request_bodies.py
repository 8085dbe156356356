"""The body of an upstream request (SEMANTICS 4.3)."""

from __future__ import annotations

import json
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

import pytest
from consuming import consuming, inputs, request_of

from naftiko import Content, InputError
from naftiko.engine.request import dump_json

AWKWARD = ['"', "\\", "a\nb", "</x>&", "{{other}}", "é船", "'; drop", "\u2028", '"}, "admin": true, "x": "']


def posting(body, *more, **types):
    """A POST with a body block; its parameters are the body's placeholders."""
    parameters = {"inputParameters": inputs(*more, **types)} if more or types else {}
    return consuming({"method": "POST", "body": body, **parameters})


def parts_of(request):
    """The parts of a multipart body: name, filename, media type, bytes."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + request.content)
    return [
        (
            part.get_param("name", header="content-disposition"),
            part.get_filename(),
            part["content-type"],
            part.get_payload(decode=True),
        )
        for part in message.iter_parts()
    ]


# JSON


@pytest.mark.parametrize("value", [*AWKWARD, 5, 1.5, True, None, [1, "a"], {"k": [None]}, 2**70])
def test_a_lone_placeholder_in_json_data_keeps_its_type(value):
    """The structure is filled, not its text, so no value can break it."""
    capability = posting({"type": "json", "data": {"a": {"b": ["{{v}}", "x"]}, "fixed": 1}})
    made = json.loads(request_of(capability, {"v": value}).content)
    assert made == {"a": {"b": [value, "x"]}, "fixed": 1}


@pytest.mark.parametrize("value", AWKWARD)
def test_text_around_a_placeholder_in_json_data(value):
    """A value inside a text is a part of that text, whatever its characters."""
    capability = posting({"type": "json", "data": {"greeting": "Hello {{v}}!"}})
    assert json.loads(request_of(capability, {"v": value}).content) == {"greeting": f"Hello {value}!"}


@pytest.mark.parametrize("value", AWKWARD)
def test_raw_json_text_is_filled_by_position(value):
    """Inside quotes a value's text is escaped; elsewhere it is JSON."""
    capability = posting('{"text": "<{{v}}>", "value": {{v}}, "ids": {{ids}}}')
    made = request_of(capability, {"v": value, "ids": ["a", 1]})
    assert json.loads(made.content) == {
        "text": f"<{value}>",
        "value": value,
        "ids": ["a", 1],
    }
    assert made.headers["content-type"] == "application/json"


def test_raw_json_text_stays_as_it_is_written():
    """Spaces and order are the author's (REFERENCE 16.1, 2 and 12)."""
    capability = posting('{"shipImo": "{{imo}}", "crewIds": {{crew}}}')
    sent = request_of(capability, {"imo": "IMO-9321483", "crew": ["CREW-001", "CREW-003"]}).content
    assert sent == b'{"shipImo": "IMO-9321483", "crewIds": ["CREW-001","CREW-003"]}'


@pytest.mark.parametrize(
    "body",
    [{"type": "json", "data": {"a": "{{a}}", "b": "{{b}}"}}, '{"a": "{{a}}", "b": {{b}}}', '{"a": {{a}}, "b": {{b}}}'],
)
def test_a_key_whose_only_placeholder_is_absent_is_left_out(body):
    """Absent is not null, and not an empty text."""
    assert json.loads(request_of(posting(body), {"a": "x"}).content) == {"a": "x"}


def test_a_body_that_is_one_placeholder_is_its_value():
    """An object stays an object, text that is JSON is that JSON, no value is no body."""
    capability = posting("{{payload}}")
    assert json.loads(request_of(capability, {"payload": {"a": 1}}).content) == {"a": 1}
    assert request_of(capability, {"payload": '{"a": 1}'}).content == b'{"a":1}'
    assert request_of(capability, {}).content == b""


def test_half_a_surrogate_pair_in_json_is_a_replacement_character():
    """What is sent is always valid JSON in valid UTF-8, also where the file itself or an earlier step holds one."""
    assert dump_json({"v": ["\ud800", 2**70]}).decode() == '{"v":["\ufffd",1180591620717411303424]}'


# Text


@pytest.mark.parametrize(
    ("kind", "media_type", "value", "expected"),
    [
        ("text", "text/plain; charset=utf-8", "a<&b é", "say a<&b é"),
        ("xml", "application/xml", "a<&\"b'", "say a&lt;&amp;&quot;b&apos;"),
        ("sparql", "application/sparql-query", "?x", "say ?x"),
    ],
)
def test_text_bodies_have_their_own_media_types(kind, media_type, value, expected):
    """Sent as text, not as JSON text; values in XML are escaped."""
    request = request_of(posting({"type": kind, "data": "say {{v}}"}), {"v": value})
    assert request.headers["content-type"] == media_type
    assert request.content.decode() == expected


def test_a_text_body_of_one_absent_placeholder_is_no_body():
    """Nothing at all is sent, not an empty text."""
    request = request_of(posting({"type": "text", "data": "{{v}}"}), {})
    assert request.content == b""
    assert "content-type" not in request.headers


def test_a_lone_value_in_xml_is_a_document_or_text():
    """Nothing stands around it that it could change: what begins as XML is XML, and any other text is escaped."""
    capability = posting({"type": "xml", "data": "{{v}}"})
    assert request_of(capability, {"v": "<a>&amp;</a>"}).content == b"<a>&amp;</a>"
    assert request_of(capability, {"v": "1 < 2"}).content == b"1 &lt; 2"


@pytest.mark.parametrize("character", ["\x00", "\x0b", "\x1f", "\uffff"])
def test_what_xml_cannot_hold_is_refused(character):
    """No escape writes a control character in XML 1.0: what went out could not be read."""
    for data in ("<a>{{v}}</a>", "{{v}}"):
        with pytest.raises(InputError, match="`v` holds a control character, which XML"):
            request_of(posting({"type": "xml", "data": data}), {"v": f"<a{character}b"})


# Forms


@pytest.mark.parametrize("value", [*AWKWARD, "a=b&c=d", "1+1", ""])
def test_form_values_cannot_become_other_fields(value):
    """Whatever the characters, two fields go in and two come out."""
    for data in ({"a": "{{v}}", "b": "2"}, "a={{v}}&b=2"):
        request = request_of(posting({"type": "formUrlEncoded", "data": data}), {"v": value})
        assert request.headers["content-type"] == "application/x-www-form-urlencoded"
        assert parse_qsl(request.content.decode(), keep_blank_values=True) == [("a", value), ("b", "2")]


def test_form_lists_repeat_their_key_and_absent_values_leave_it_out():
    """As a browser sends them."""
    capability = posting(
        {"type": "formUrlEncoded", "data": {"a": "{{list}}", "b": "{{none}}", "c": "{{map}}", "d": "{{on}}"}}
    )
    sent = request_of(capability, {"list": ["x", None, 2], "map": {"k": 1}, "on": True}).content
    assert sent == b"a=x&a=2&c=%7B%22k%22%3A1%7D&d=true"


def test_form_text_of_the_file_may_hold_any_character():
    """What the author wrote beyond ASCII, and the line's end, are not a reason to fail."""
    request = request_of(posting({"type": "formUrlEncoded", "data": "name=Zoë Ø&x={{v}}\n"}), {"v": "é"})
    assert parse_qsl(request.content.decode()) == [("name", "Zoë Ø"), ("x", "é")]


def test_a_form_that_is_one_placeholder():
    """An object is its fields; text can't smuggle fields in; nothing is no body."""
    capability = posting({"type": "formUrlEncoded", "data": "{{all}}"})
    assert request_of(capability, {"all": {"a": "1&b=2"}}).content == b"a=1%26b%3D2"
    assert b"=" not in request_of(capability, {"all": "a=1&b=2"}).content
    assert request_of(capability, {}).content == b""


# Multipart


def test_multipart_parts_and_files():
    """Texts, a file with its name and type, a list that repeats its part, and absent parts (RFC 7578)."""
    parts = [
        {"name": "title", "value": "A {{title}}"},
        {"name": "tags", "value": "{{tags}}"},
        {"name": "doc", "value": "{{doc}}", "filename": "{{title}}.txt", "contentType": "text/plain"},
        {"name": "none", "value": "{{none}}"},
    ]
    request = request_of(
        posting({"type": "multipartForm", "data": parts}), {"title": 'x"y', "tags": ["a", "b"], "doc": "line\r\n--é"}
    )
    assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert parts_of(request) == [
        ("title", None, None, b'A x"y'),
        ("tags", None, None, b"a"),
        ("tags", None, None, b"b"),
        ("doc", "x%22y.txt", "text/plain", "line\r\n--é".encode()),
    ]


def test_a_file_that_a_caller_uploads_keeps_its_bytes_name_and_type():
    """Without a name a server would take it for a text field."""
    capability = posting({"type": "multipartForm", "data": {"photo": "{{photo}}", "other": "{{other}}"}})
    image = Content(b"\x89PNG\r\n\x00\xff", "image/png", "ship.png")
    request = request_of(capability, {"photo": image, "other": Content(b"\0", "a/b")})
    assert parts_of(request) == [
        ("photo", "ship.png", "image/png", image.data),
        ("other", "other", "a/b", b"\0"),
    ]


def test_names_in_a_multipart_head_are_escaped():
    """Quotes and line breaks in a filename can't start another header (HTML, multipart/form-data encoding)."""
    parts = [{"name": "f", "value": "x", "filename": "{{name}}"}]
    sent = request_of(posting({"type": "multipartForm", "data": parts}), {"name": 'a"\r\nX-Evil: 1'}).content
    assert b'filename="a%22%0D%0AX-Evil: 1"' in sent
    assert b"\r\nX-Evil" not in sent


def test_only_the_body_knows_its_boundary():
    """A Content-Type parameter of a multipart body would name none, so it is not sent."""
    capability = consuming(
        {
            "method": "POST",
            "body": {"type": "multipartForm", "data": {"a": "1"}},
            "inputParameters": [{"name": "Content-Type", "in": "header", "value": "multipart/form-data"}],
        }
    )
    headers = request_of(capability).headers
    assert len(headers.get_list("content-type")) == 1
    assert "boundary=" in headers["content-type"]


# Without a block


def test_one_body_parameter_is_the_whole_body():
    """An object as JSON; text that is JSON is sent as that JSON; other text is a JSON text."""
    capability = consuming({"method": "POST", "inputParameters": [{"name": "body", "in": "body"}]})
    assert request_of(capability, {"body": {"a": [1]}}).content == b'{"a":[1]}'
    assert request_of(capability, {"body": '{"a": [1]}'}).content == b'{"a":[1]}'
    assert request_of(capability, {"body": "plain"}).content == b'"plain"'
    assert request_of(capability, {}).content == b""


def test_several_body_parameters_are_the_fields_of_one_object():
    """Absent ones leave their field out; DELETE and GET send a declared body too."""
    for method in ("POST", "DELETE", "GET"):
        capability = consuming({"method": method, "inputParameters": inputs("a", "b", c="integer", location="body")})
        request = request_of(capability, {"a": "x", "c": "5"})
        assert json.loads(request.content) == {"a": "x", "c": 5}
        assert request.headers["content-length"] == str(len(request.content))


@pytest.mark.parametrize(
    ("media_type", "expected"),
    [
        ("application/x-www-form-urlencoded", b"a=x%26&b=1&b=2"),
        ("application/vnd.api+json", b'{"a":"x&","b":[1,2]}'),
        ("application/json", b'{"a":"x&","b":[1,2]}'),
    ],
)
def test_a_content_type_parameter_says_how_the_fields_are_written(media_type, expected):
    """The parameter is the one Content-Type, and the body is what it says."""
    capability = consuming(
        {
            "method": "POST",
            "inputParameters": [
                {"name": "Content-Type", "in": "header", "value": media_type},
                *inputs(a="string", b="array", location="body"),
            ],
        }
    )
    request = request_of(capability, {"a": "x&", "b": [1, 2]})
    assert request.headers.get_list("content-type") == [media_type]
    assert request.content == expected


def test_text_goes_out_as_the_media_type_of_the_call():
    """A whole body of text with ``Content-Type: text/markdown`` is no JSON text."""
    capability = consuming(
        {
            "method": "POST",
            "inputParameters": [
                {"name": "Content-Type", "in": "header", "value": "text/markdown"},
                {"name": "body", "in": "body", "type": "string"},
            ],
        }
    )
    assert request_of(capability, {"body": "# é"}).content == "# é".encode()


def test_keys_that_name_nothing_are_fields_or_query_parameters():
    """A JSON field for POST, PUT and PATCH, a query parameter for the rest, with a warning."""
    for method, in_query in (("POST", False), ("PATCH", False), ("GET", True), ("DELETE", True)):
        capability = consuming({"method": method}, tool={"with": {"extra": "{{x}}"}})
        request = request_of(capability, {"x": "1"})
        assert (request.url.query == b"extra=1") is in_query
        assert (request.content == b'{"extra":"1"}') is not in_query
        assert any(found.rule == "unknown-argument" for found in capability.diagnostics)


def test_a_body_that_came_as_bytes_goes_on_as_bytes():
    """A POST that declares no body passes on what the REST caller sent, with its media type."""
    content = Content(b"\x00\xff{", "application/x-thing; v=1")
    for method in ("POST", "PUT", "PATCH"):
        request = request_of(consuming({"method": method}), {}, body=content)
        assert (request.content, request.headers["content-type"]) == (content.data, content.media_type)


def test_bytes_where_only_json_or_text_can_stand():
    """A file in a JSON body: JSON as JSON, text as text, anything else as base64; never a failure."""
    capability = posting({"type": "json", "data": {"v": "{{v}}", "t": "t{{v}}"}})
    for content, value in (
        (Content(b'{"a": 1}', "application/json"), {"a": 1}),
        (Content(b"{broken", "application/json"), "{broken"),
        (Content("é".encode(), "text/plain"), "é"),
        (Content(b"\xff\x00", "image/png"), "/wA="),
    ):
        assert json.loads(request_of(capability, {"v": content}).content)["v"] == value


def test_an_empty_post_says_so():
    """A POST without a body has Content-Length 0 and no media type (RFC 9110 chapter 8.6)."""
    request = request_of(consuming({"method": "POST"}))
    assert request.headers["content-length"] == "0"
    assert "content-type" not in request.headers


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ({"type": "json", "data": {"a": 1}}, b'{"a":1,"extra":["x","&"]}'),
        ('{"a": {{a}}}', b'{"extra":["x","&"]}'),
        ({"type": "form", "data": {"a": 1}}, b"a=1&extra=x&extra=%26"),
        ({"type": "form", "data": "a=1&b={{b}}"}, b"a=1&extra=x&extra=%26"),
    ],
)
def test_a_key_that_names_nothing_is_a_field_of_the_body_that_there_is(block, expected):
    """Of an object or of a form, with a warning (SEMANTICS 4.3)."""
    capability = consuming({"method": "POST", "body": block}, tool={"with": {"extra": "{{x}}"}})
    assert request_of(capability, {"x": ["x", "&"]}).content == expected
    assert [found.rule for found in capability.diagnostics] == ["unknown-argument"]


def test_a_key_that_names_nothing_is_a_part_of_a_multipart_body():
    """Likewise."""
    capability = consuming(
        {"method": "POST", "body": {"type": "multipartForm", "data": {"a": "1"}}}, tool={"with": {"extra": "{{x}}"}}
    )
    assert [(part[0], part[3]) for part in parts_of(request_of(capability, {"x": "é"}))] == [
        ("a", b"1"),
        ("extra", "é".encode()),
    ]


@pytest.mark.parametrize("kind", ["text", "xml", "sparql", "binary"])
def test_a_key_that_names_nothing_is_sent_in_the_query_where_the_body_has_no_fields(kind):
    """A text can't hold it, and it is not lost."""
    capability = consuming(
        {"method": "POST", "body": {"type": kind, "data": "<a/>"}}, tool={"with": {"extra": "{{x}}"}}
    )
    request = request_of(capability, {"x": "1"})
    assert (request.url.query, request.content) == (b"extra=1", b"<a/>")
    assert "query parameter" in str(next(iter(capability.diagnostics)))


@pytest.mark.parametrize("body", ["[1]", '"text"', "5"])
def test_a_field_beside_a_body_that_is_no_object_is_an_error(body):
    """It can't be sent, and is not dropped."""
    tool = {"with": {"body": "{{b}}", "extra": "{{x}}"}}
    for operation in ({}, {"body": {"type": "json", "data": "{{b}}"}}):
        capability = consuming(
            {"method": "POST", **operation}, tool=tool if not operation else {"with": {"extra": "{{x}}"}}
        )
        with pytest.raises(InputError, match="the body is no object, so it can't hold `extra`"):
            request_of(capability, {"b": body, "x": "1"})


@pytest.mark.parametrize(
    ("block", "given", "content", "media_type"),
    [
        ({"type": "json", "data": {"a": 1}}, {"b": 2}, b'{"b":2}', "application/json"),
        ({"type": "text", "data": "a"}, "b", b"b", "text/plain; charset=utf-8"),
        ({"type": "form", "data": "a=1"}, {"b": "&"}, b"b=%26", "application/x-www-form-urlencoded"),
    ],
)
def test_a_body_that_with_gives_is_the_body(block, given, content, media_type):
    """In place of the operation's own, which is told; without it, that is sent."""
    capability = consuming({"method": "POST", "body": block}, tool={"with": {"body": "{{b}}"}})
    request = request_of(capability, {"b": given})
    assert (request.content, request.headers["content-type"]) == (content, media_type)
    assert "in place of" in str(next(iter(capability.diagnostics)))
    assert request_of(capability, {}).content in {b'{"a":1}', b"a", b"a=1"}


def test_a_content_type_of_a_multipart_form_makes_one_of_the_fields():
    """With the boundary, which the declared media type lacks."""
    capability = consuming(
        {
            "method": "POST",
            "inputParameters": [
                {"name": "Content-Type", "in": "header", "value": "multipart/form-data"},
                *inputs(a="string", b="array", location="body"),
            ],
        }
    )
    request = request_of(capability, {"a": "x", "b": ["1", "2"]})
    assert len(request.headers.get_list("content-type")) == 1
    assert [(part[0], part[3]) for part in parts_of(request)] == [("a", b"x"), ("b", b"1"), ("b", b"2")]


@pytest.mark.parametrize("text", ['{ "a" : 1 }', "5", "# x"])
def test_a_text_of_another_media_type_stays_as_it_is(text):
    """That it could be read as JSON changes nothing."""
    capability = consuming(
        {
            "method": "POST",
            "inputParameters": [
                {"name": "Content-Type", "in": "header", "value": "text/markdown"},
                {"name": "body", "in": "body", "type": "string"},
            ],
        }
    )
    assert request_of(capability, {"body": text}).content == text.encode()
