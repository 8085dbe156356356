"""What a REST caller gives, and how it is read and checked (SEMANTICS 3.4 to 3.6)."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest
from rest_serving import assert_problem, client_of, in_process, operation, rest_capability, route

INPUTS = [
    {"name": "id", "in": "path", "type": "integer"},
    {"name": "limit", "in": "query", "type": "integer", "required": True, "minimum": 1, "maximum": 100},
    {"name": "tags", "in": "query", "type": "array", "items": {"type": "string"}},
    {"name": "on", "in": "query", "type": "boolean", "default": True},
    {"name": "filter", "in": "query", "type": "object"},
    {"name": "X-Tenant", "in": "header", "type": "string", "pattern": "^[a-zæøå]+$"},
    {"name": "session", "in": "cookie", "type": "string", "maxLength": 5},
    {"name": "kind", "in": "query", "type": "string", "enum": ["a", "b"]},
    {"name": "name", "in": "body", "type": "string", "required": True},
    {"name": "count", "in": "body", "type": "integer"},
]
ECHOED = ("id", "limit", "tags", "on", "filter", "X-Tenant", "session", "kind", "name", "count")


def echoing(inputs=INPUTS, names=ECHOED, path="/x/{id}", method="POST"):
    """A mock route that answers with what it read, each value as it was typed."""
    outputs = [{"name": name, "type": "any", "value": f"{{{{{name}}}}}"} for name in names]
    return rest_capability([route(path, method, None, inputParameters=inputs, outputParameters=outputs)])


async def test_all_locations_are_read_as_their_types():
    """Path, query, header, cookie and body, in one request."""
    async with client_of(echoing()) as client:
        response = await client.post(
            "/x/7?limit=5&tags=a&tags=b%2Cc&filter=%7B%22k%22%3A1%7D&kind=a",
            json={"name": "n", "count": "3", "unknown": 1},
            headers={"x-tenant": "åse".encode(), "cookie": 'broken={"a":1}; session=abc'},
        )
    assert response.json() == {
        "id": 7,
        "limit": 5,
        "tags": ["a", "b,c"],
        "on": True,
        "filter": {"k": 1},
        "X-Tenant": "åse",
        "session": "abc",
        "kind": "a",
        "name": "n",
        "count": 3,
    }


async def test_all_problems_come_together():
    """One answer names each input, where it stands, what was expected and what came."""
    async with client_of(echoing()) as client:
        response = await client.post(
            "/x/seven?limit=101&on=perhaps&filter=[1]&kind=c",
            json={"count": "many"},
            headers={"x-tenant": "ABC", "cookie": "session=toolong"},
        )
    problem = assert_problem(response, 400, "invalid-input")
    found = {(error["name"], error["in"]) for error in problem["errors"]}
    assert found == {
        ("id", "path"), ("limit", "query"), ("on", "query"), ("filter", "query"), ("kind", "query"),
        ("X-Tenant", "header"), ("session", "cookie"), ("name", "body"), ("count", "body"),
    }  # fmt: skip
    by_name = {error["name"]: error for error in problem["errors"]}
    assert (by_name["id"]["expected"], by_name["id"]["got"]) == ("integer", '"seven"')
    assert "a, b" in by_name["kind"]["message"]
    assert "100" in by_name["limit"]["message"]


async def test_a_broken_body_is_one_problem_among_others():
    """The query's problems are told with it; that fields of the body are missing is not."""
    async with client_of(echoing()) as client:
        response = await client.post("/x/7", content=b'{"name": "n",', headers={"content-type": "application/json"})
    problem = assert_problem(response, 400, "invalid-input")
    assert [(error["name"], error["in"]) for error in problem["errors"]] == [("body", "body"), ("limit", "query")]
    assert "line 1, column 14" in problem["errors"][0]["message"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("tags=a", ["a"]), ("tags=a,b", ["a", "b"]), ("tags=a&tags=b", ["a", "b"]), ("tags[]=a&tags[]=b", ["a", "b"]),
        ("tags=%5B%22a%22%2C%22b%22%5D", ["a", "b"]), ("tags=", []), ("", None),
    ],
)  # fmt: skip
async def test_arrays_in_the_query(query, expected):
    """Repeated keys, or one comma-separated value."""
    capability = echoing([{"name": "tags", "in": "query", "type": "array"}], ("tags",), "/x", "GET")
    async with in_process(capability) as client:
        assert (await client.get(f"/x?{query}")).json() == {"tags": expected}


@pytest.mark.parametrize(
    ("text", "expected"), [("true", True), ("false", False), ("1", True), ("0", False), ("TRUE", True)]
)
async def test_booleans_in_the_query(text, expected):
    """The words, and what forms send."""
    async with in_process(echoing([{"name": "on", "in": "query", "type": "boolean"}], ("on",), "/x", "GET")) as client:
        assert (await client.get(f"/x?on={text}")).json() == {"on": expected}


async def test_defaults_constants_and_paths_into_the_body():
    """`value: $.a.b` looks into the body; another value is a constant that no caller changes."""
    inputs = [
        {"name": "user", "in": "body", "type": "string", "value": "$.user.id"},
        {"name": "fixed", "in": "query", "type": "string", "value": "constant"},
        {"name": "page", "in": "query", "type": "integer", "default": 1},
    ]
    async with in_process(echoing(inputs, ("user", "fixed", "page"), "/x")) as client:
        response = await client.post("/x?fixed=mine", json={"user": {"id": "u-1"}})
        assert response.json() == {"user": "u-1", "fixed": "constant", "page": 1}
        assert (await client.post("/x?page=2", json={})).json() == {"user": None, "fixed": "constant", "page": 2}


async def test_an_environment_input_is_the_files_own_business():
    """It comes from the server's environment, not from the caller."""
    inputs = [{"name": "REGION", "in": "environment", "type": "string"}, {"name": "q", "in": "query", "type": "string"}]
    outputs = [{"name": name, "value": f"{{{{{name}}}}}"} for name in ("REGION", "q")]
    capability = rest_capability(
        [route("/x", "GET", None, inputParameters=inputs, outputParameters=outputs)], environment={"REGION": "eu"}
    )
    async with in_process(capability) as client:
        assert (await client.get("/x?q=1&REGION=us")).json() == {"REGION": "eu", "q": "1"}


async def test_a_whole_multipart_body_is_not_taken_apart(upstream):
    """It goes upstream byte for byte, its boundary in the media type, be it ever so odd."""
    upstream.on("POST", "/x", lambda request: {"type": request.headers["content-type"], "body": request.body.decode()})
    consumed = operation("POST", inputParameters=[{"name": "body", "in": "body", "required": True}])
    capability = rest_capability([route("/x", "POST")], {"do": consumed}, base_uris={"*": upstream.url})
    async with client_of(capability) as client:
        kind = "multipart/form-data; boundary=b"
        for body in ("--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b--\r\n", "--b\r\nno part--b--"):
            response = await client.post("/x", content=body, headers={"content-type": kind})
            assert response.json() == {"type": kind, "body": body}


async def test_whole_bodies_and_fields():
    """A field of that name; the whole body where it is no object, or the name is `body` and no such field is there."""
    body = [{"name": "body", "in": "body"}]
    named = [{"name": "items", "in": "body", "type": "array"}]
    async with in_process(echoing(body, ("body",), "/x")) as client:
        assert (await client.post("/x", json={"a": 1})).json() == {"body": {"a": 1}}
    async with in_process(echoing(named, ("items",), "/x")) as client:
        assert (await client.post("/x", json={"items": [1]})).json() == {"items": [1]}
        assert (await client.post("/x", json=[2])).json() == {"items": [2]}
        assert_problem(await client.post("/x", json="text"), 400, "invalid-input")


@pytest.mark.parametrize("kind", ["object", None, "string"])
@pytest.mark.parametrize("template", ["{{payload}}", '{"data": {{payload}}}'])
async def test_the_only_input_of_the_body_is_the_body_where_it_has_no_such_field(upstream, kind, template):
    """Whatever it is called; a field of its name comes first (SEMANTICS 3.5)."""
    upstream.on("POST", "/a", {"ok": True})
    declared = {"name": "payload", "in": "body", **({"type": kind} if kind else {})}
    capability = rest_capability(
        [route("/b", "POST", inputParameters=[declared, {"name": "q", "in": "query"}])],
        {"do": operation("POST", "/a", body=template)},
        base_uris={"*": upstream.url},
    )
    async with client_of(capability) as client:
        for body in ({"x": 1, "y": [2]}, {}, *([] if kind == "string" else [{"payload": {"z": 3}, "other": 1}])):
            assert (await client.post("/b", json=body)).status_code == 200
    sent = [request.json() for request in upstream.requests]
    wholes = [{"x": 1, "y": [2]}, {}, {"z": 3}][: len(sent)]
    assert sent == (wholes if template == "{{payload}}" else [{"data": whole} for whole in wholes])


async def test_one_of_several_inputs_of_the_body_is_never_all_of_it(upstream):
    """Not even if it is called `body`, as an issue's text is."""
    upstream.on("POST", "/a", {"ok": True})
    fields = [{"name": "title", "in": "body"}, {"name": "body", "in": "body", "type": "string"}]
    capability = rest_capability(
        [route("/b", "POST"), route("/c", "POST", inputParameters=fields)],
        {"do": operation("POST", "/a", inputParameters=fields)},
        base_uris={"*": upstream.url},
    )
    async with client_of(capability) as client:
        for path in ("/b", "/c"):
            for body in ({"title": "t", "body": "b"}, {"title": "t"}):
                assert (await client.post(path, json=body)).status_code == 200
    assert [request.json() for request in upstream.requests] == [{"title": "t", "body": "b"}, {"title": "t"}] * 2


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        (b'{"query": "SELECT 1"}', "application/json", {"query": "SELECT 1"}),
        (b'"SELECT 1"', "application/json", {"query": "SELECT 1"}),
        (b"SELECT 1", "text/plain", {"query": "SELECT 1"}),
        (b"query=SELECT+1", "application/x-www-form-urlencoded", {"query": "SELECT 1"}),
        (b'{ "name" : 1.0 }', "application/json", b'{ "name" : 1.0 }'),
        (b'{ "name" : 1.0 }', "application/merge-patch+json", b'{ "name" : 1.0 }'),
        (b"\xef\xbb\xbf[1]", "application/json", b"[1]"),
        (b"<q/>", "text/xml", b"<q/>"),
        (b"\x00\xff", "image/png", b"\x00\xff"),
    ],
)
async def test_the_only_field_of_the_body(upstream, body, kind, expected):
    """A text is a field, an object or an array the body itself, and what is no JSON goes on as it came (4.3)."""
    upstream.on("POST", "/a", {"ok": True})
    capability = rest_capability(
        [route("/b", "POST"), route("/c", "POST", inputParameters=[{"name": "query", "in": "body", "type": "string"}])],
        {"do": operation("POST", "/a", inputParameters=[{"name": "query", "in": "body", "type": "string"}])},
        base_uris={"*": upstream.url},
    )
    async with client_of(capability) as client:
        for path in ("/b", "/c"):
            assert (await client.post(path, content=body, headers={"content-type": kind})).status_code == 200
    for request in upstream.requests:
        if isinstance(expected, bytes):
            assert (request.body, request.headers["content-type"]) == (expected, kind)
        else:
            assert (request.json(), request.headers["content-type"]) == (expected, "application/json")


async def test_null_in_a_patch_is_sent_or_told(upstream):
    """Never dropped: 400 that says how it is allowed, or null (SEMANTICS 3.2)."""
    upstream.on("PATCH", "/a", {"ok": True})
    fields = [
        {"name": "state", "in": "body", "type": "string"},
        {"name": "assignee", "in": "body", "type": "string", "nullable": True},
    ]
    capability = rest_capability(
        [route("/b", "PATCH"), route("/c", "PATCH", inputParameters=fields)],
        {"do": operation("PATCH", "/a", inputParameters=fields)},
        base_uris={"*": upstream.url},
    )
    async with client_of(capability) as client:
        for path in ("/b", "/c"):
            problem = assert_problem(await client.patch(path, json={"state": None}), 400, "invalid-input")
            assert "nullable: true" in problem["errors"][0]["message"]
            assert (await client.patch(path, json={"assignee": None})).status_code == 200
            assert (await client.patch(path, json=None)).status_code == 200
    assert [request.body for request in upstream.requests] == [b'{"assignee":null}', b""] * 2


async def test_one_name_in_the_path_and_in_the_body(upstream):
    """Two values, each from its own place (SEMANTICS 4.3)."""
    upstream.on("PUT", "/a/{id}", {"ok": True})
    parameters = [{"name": "id", "in": "path"}, {"name": "id", "in": "body"}, {"name": "n", "in": "body"}]
    capability = rest_capability(
        [route("/b/{id}", "PUT")],
        {"do": operation("PUT", "/a/{id}", inputParameters=parameters)},
        base_uris={"*": upstream.url},
    )
    async with client_of(capability) as client:
        await client.put("/b/old", json={"id": "new", "n": 1})
        await client.put("/b/old", json={"n": 1})
    assert [(request.raw_path, request.json()) for request in upstream.requests] == [
        ("/a/old", {"id": "new", "n": 1}),
        ("/a/old", {"n": 1}),
    ]


def _coded(coding, data):
    if coding == "gzip":
        return gzip.compress(data)
    return zlib.compress(data) if coding == "deflate" else data


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "x-own"])
async def test_a_coded_body_is_passed_on_in_its_coding(upstream, coding):
    """Declared or not: the bytes, their media type, and what they are coded in."""
    upstream.on("POST", "/a", {"ok": True})
    body = _coded(coding, b'{"a": 1}')
    for parameters in ([], [{"name": "body", "in": "body", "type": "object"}]):
        capability = rest_capability(
            [route("/b", "POST")],
            {"do": operation("POST", "/a", inputParameters=parameters)},
            base_uris={"*": upstream.url},
        )
        async with client_of(capability) as client:
            headers = {"content-type": "application/json", "content-encoding": coding}
            assert (await client.post("/b", content=body, headers=headers)).status_code == 200
    assert len(upstream.requests) == 2
    for request in upstream.requests:
        assert request.body == body
        assert request.headers["content-encoding"] == coding
        assert request.headers["content-type"] == "application/json"


@pytest.mark.parametrize("coding", ["gzip", "deflate", "identity", "gzip, deflate"])
async def test_fields_are_read_out_of_a_coded_body(coding):
    """JSON and forms alike."""
    async with client_of(echoing(INPUTS[-2:], ("name", "count"), "/x")) as client:
        for kind, body in (
            ("application/json", b'{"name": "n", "count": 3}'),
            ("application/x-www-form-urlencoded", b"name=n&count=3"),
        ):
            data = body
            for each in coding.split(", "):
                data = _coded(each, data)
            headers = {"content-type": kind, "content-encoding": coding}
            assert (await client.post("/x", content=data, headers=headers)).json() == {"name": "n", "count": 3}


async def test_a_coded_body_whose_fields_cannot_be_read():
    """Broken, unknown, or too large without its coding: each is told as what it is."""
    from naftiko.expose.rest.options import RestOptions

    options = RestOptions(max_request_bytes=10_000)
    async with client_of(echoing(INPUTS[-2:], ("name",), "/x"), options=options) as client:

        async def answer(body, coding):
            headers = {"content-type": "application/json", "content-encoding": coding}
            return await client.post("/x", content=body, headers=headers)

        assert_problem(await answer(b"{}", "gzip"), 400, "invalid-input")
        assert_problem(await answer(gzip.compress(b'{"name": "n"}')[:-4], "gzip"), 400, "invalid-input")
        assert "gzip" in assert_problem(await answer(b"{}", "x-own"), 415, "unsupported-media-type")["hint"]
        bomb = gzip.compress(b'{"name": "' + b"x" * 1_000_000 + b'"}')
        assert_problem(await answer(bomb, "gzip"), 413, "body-too-large")


async def test_forms_give_fields_too():
    """Urlencoded and multipart, repeated keys as lists, files as their content."""
    inputs = [
        {"name": "name", "in": "body", "type": "string"},
        {"name": "count", "in": "body", "type": "integer"},
        {"name": "tags", "in": "body", "type": "array"},
    ]
    async with client_of(echoing(inputs, ("name", "count", "tags"), "/x")) as client:
        form = {"name": "é&", "count": "3", "tags": ["a", "b"]}
        assert (await client.post("/x", data=form)).json() == {"name": "é&", "count": 3, "tags": ["a", "b"]}
        files = {"name": ("n.txt", b"from a file", "text/plain")}
        multipart = await client.post("/x", data={"count": "3"}, files=files)
        assert multipart.json() == {"name": "from a file", "count": 3, "tags": None}
        wrong = await client.post("/x", data={"count": "many"})
        assert_problem(wrong, 400, "invalid-input")


async def test_a_body_that_has_no_fields():
    """text/plain where fields are wanted is 415 and says what to send."""
    async with client_of(echoing(INPUTS[-2:], ("name",), "/x")) as client:
        response = await client.post("/x", content=b"name", headers={"content-type": "text/plain"})
        problem = assert_problem(response, 415, "unsupported-media-type")
        assert "application/json" in problem["hint"]


@pytest.mark.parametrize("boundary", ["", "; boundary=xx"])
async def test_broken_multipart_is_the_callers_fault(boundary):
    """Never a 500."""
    async with client_of(echoing(INPUTS[-2:], ("name",), "/x")) as client:
        kind = f"multipart/form-data{boundary}"
        response = await client.post("/x", content=b"--yy\r\nnonsense", headers={"content-type": kind})
        assert_problem(response, 400, "invalid-input")


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_above_the_limit(chunked):
    """413, announced or not; the connection stays usable or is closed, but never hangs."""
    from naftiko.expose.rest.options import RestOptions

    async def pieces():
        for _ in range(64):
            yield b"x" * 1024

    async with client_of(
        echoing(INPUTS[-2:], ("name",), "/x"), options=RestOptions(max_request_bytes=10_000)
    ) as client:
        content = pieces() if chunked else b"x" * 65_536
        response = await client.post("/x", content=content, headers={"content-type": "application/json"})
        assert_problem(response, 413, "body-too-large")
        assert (await client.post("/x", json={"name": "n"})).json() == {"name": "n"}


@pytest.mark.parametrize(
    ("query", "body"),
    [("&".join(f"p{at}=1" for at in range(2000)), None), ("", "&".join(f"p{at}=1" for at in range(2000)))],
)
async def test_too_many_parameters(query, body):
    """A bound, told as one."""
    async with client_of(echoing()) as client:
        headers = {"content-type": "application/x-www-form-urlencoded"} if body else {}
        response = await client.post(f"/x/7?limit=1&{query}", content=body, headers=headers)
        problem = assert_problem(response, 400, "invalid-input")
        assert "1000" in problem["detail"]


@pytest.mark.parametrize(
    "content",
    [
        b'{"name": "\\ud800"}', b'{"count": "\\ud800"}', b"[" * 100_000, b'{"count": 1e400}', b'{"name": NaN}', b"\xff", b"null",
        b"{}" + b" " * 1000, b'{"count": ' + b"9" * 5000 + b"}", b"\xef\xbb\xbf{}",
    ],
)  # fmt: skip
async def test_hostile_bodies_are_the_callers_fault(content):
    """Half characters, deep nesting, huge numbers: a problem, never a 500 and never a hang."""
    async with client_of(echoing(INPUTS[-2:], ("name",), "/x")) as client:
        response = await client.post("/x", content=content, headers={"content-type": "application/json"})
        assert response.status_code in {200, 400}, response.text
        json.loads(response.content)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'\xef\xbb\xbf{"name": "n"}', "n"),
        (b'{"name": "a\\ud800b"}', "a\ufffdb"),
        (b'{"name": "\\uDE00\\ud83d\\ude00"}', "\ufffd\U0001f600"),
        (b'{"name": "\\\\ud800"}', "\\ud800"),
        (b'{"name": "n", "\\udfff": [{"x": "\\ud800"}]}', "n"),
    ],
)
async def test_a_byte_order_mark_and_half_characters_break_nothing(content, expected):
    """PowerShell and .NET send the first, a cut emoji is the second (SEMANTICS 5.2)."""
    async with in_process(echoing(INPUTS[-2:], ("name",), "/x")) as client:
        response = await client.post("/x", content=content, headers={"content-type": "application/json"})
        assert response.json() == {"name": expected}


@pytest.mark.parametrize("content", [b'{"name": "n", "x": NaN}', b'{"name": "n", "x": [-Infinity]}', b"\xef\xbb\xbf"])
async def test_words_that_are_no_json_are_refused(content):
    """``NaN`` is no JSON, nor is nothing behind a byte order mark."""
    async with in_process(echoing(INPUTS[-2:], ("name",), "/x")) as client:
        response = await client.post("/x", content=content, headers={"content-type": "application/json"})
        assert_problem(response, 400, "invalid-input")


async def test_a_text_given_twice_is_the_first(upstream):
    """A repeated key where one value is expected: the first is meant, whatever stands behind it."""
    kinds = {"text": "string", "size": "integer", "on": "boolean", "map": "object", "ids": "array"}
    inputs = [{"name": name, "in": "query", "type": kind} for name, kind in kinds.items()]
    query = 'text=a&text=b&size=1&size=2&on=false&on=true&map={"k":1}&map={"k":2}&ids=1&ids=2'
    async with in_process(echoing(inputs, tuple(kinds), "/x", "GET")) as client:
        made = (await client.get(f"/x?{query}")).json()
        assert made == {"text": "a", "size": 1, "on": False, "map": {"k": 1}, "ids": ["1", "2"]}


async def test_inferred_inputs_stand_where_the_consumed_ones_do(upstream):
    """Without declarations: the path's variables, headers, and the rest in the query or the body."""
    upstream.on("POST", "/a/{id}", {"ok": True})
    parameters = [
        {"name": "id", "in": "path"},
        {"name": "limit", "in": "query", "type": "integer"},
        {"name": "X-Mode", "in": "header"},
        {"name": "title", "in": "body"},
        {"name": "size", "in": "body", "type": "integer"},
    ]
    capability = rest_capability(
        [route("/b/{id}", "POST")],
        {"do": operation("POST", "/a/{id}", inputParameters=parameters)},
        base_uris={"*": upstream.url},
    )
    async with client_of(capability) as client:
        await client.post("/b/a%2Fb?limit=5&title=ignored", json={"title": "t", "size": 3}, headers={"x-mode": "m"})
    sent = upstream.requests[0]
    assert (sent.raw_path, sent.raw_query, sent.headers["x-mode"]) == ("/a/a%2Fb", "limit=5", "m")
    assert sent.json() == {"title": "t", "size": 3}


async def test_a_renamed_route_variable_finds_its_parameter(upstream):
    """`{riskDetection-id}` is `{riskdetection-id}`; a variable that the route lost is a required query parameter."""
    upstream.on("GET", "/a/{x}/{y}", {"ok": True})
    parameters = [{"name": name, "in": "path"} for name in ("riskDetection-id", "lost")]
    capability = rest_capability(
        [route("/b/{riskdetection_id}")],
        {"do": operation("GET", "/a/{riskDetection-id}/{lost}", inputParameters=parameters)},
        base_uris={"*": upstream.url},
    )
    async with client_of(capability) as client:
        assert (await client.get("/b/1?lost=2")).json() == {"ok": True}
        problem = assert_problem(await client.get("/b/1"), 400, "invalid-input")
        assert problem["errors"][0]["name"] == "lost"
    assert upstream.requests[0].raw_path == "/a/1/2"


async def test_what_a_caller_sends_goes_on_as_it_came(upstream):
    """A POST that declares no body passes on any bytes with their media type; a whole body keeps its bytes too."""
    upstream.on("POST", "/a", {"ok": True})
    plain = rest_capability([route("/b", "POST")], {"do": operation("POST", "/a")}, base_uris={"*": upstream.url})
    async with client_of(plain) as client:
        await client.post("/b", content=b"\x00\xff", headers={"content-type": "image/x; v=1"})
        await client.post("/b")
    declared = operation("POST", "/a", inputParameters=[{"name": "body", "in": "body"}])
    whole = rest_capability([route("/b", "POST")], {"do": declared}, base_uris={"*": upstream.url})
    async with client_of(whole) as client:
        await client.post("/b", content=b'{ "a" : 1.0 }', headers={"content-type": "application/json"})
        broken = await client.post("/b", content=b"{", headers={"content-type": "application/json"})
        assert_problem(broken, 400, "invalid-input")
    sent = [(request.body, request.headers.get("content-type")) for request in upstream.requests]
    assert sent == [(b"\x00\xff", "image/x; v=1"), (b"", None), (b'{ "a" : 1.0 }', "application/json")]


async def test_a_caller_may_map_the_credential_itself(upstream):
    """Mapped explicitly it wins over ours; not given, ours is sent (SEMANTICS 4.5)."""
    upstream.on("GET", "/a", {"ok": True})
    capability = rest_capability(
        [route("/b", **{"with": {"Authorization": "rest.token"}})],
        {"do": operation("GET", "/a", inputParameters=[{"name": "Authorization", "in": "header"}])},
        api={"authentication": {"type": "bearer", "token": "ours"}},
        base_uris={"*": upstream.url},
    )
    where = {found.name: found.location for found in capability.units[0].inputs}["token"]
    async with client_of(capability) as client:
        given = {"headers": {"token": "Token mine"}} if where == "header" else {"params": {"token": "Token mine"}}
        await client.get("/b", **given)
        await client.get("/b")
    assert [request.headers.getlist("authorization") for request in upstream.requests] == [
        ["Token mine"],
        ["Bearer ours"],
    ]


async def test_a_reference_says_where_in_the_request_an_input_is():
    """``rest.header.x`` and its like, with nothing declared: each is read in its place and nowhere else."""
    parameters = [{"name": name, "in": "query"} for name in ("token", "page", "note")]
    operations = {"do": operation("POST", "/r/{id}", inputParameters=[{"name": "id", "in": "path"}, *parameters])}
    with_ = {"id": "rest.path.id", "token": "rest.header.token", "page": "rest.query.page", "note": "rest.body.note"}
    capability = rest_capability([route("/x/{id}", "POST", **{"with": with_})], operations, mock=True)
    async with in_process(capability) as client:
        answer = await client.post("/x/7?page=2&token=no", headers={"Token": "t"}, json={"note": "n", "page": 9})
    assert answer.json()["url"] == "http://127.0.0.1:9/r/7?token=***&page=2&note=n"


FUNCTION = {
    "name": "read",
    "call": "api.do",
    "inputParameters": [
        {"name": "id", "type": "string", "required": True},
        {"name": "size", "type": "integer", "required": True},
    ],
    "with": {"id": "desk.id", "size": "desk.size"},
}


@pytest.mark.parametrize(
    ("declared", "given", "called", "told"),
    [
        ({}, {}, "/p/1", ("size", "query", "`size` is required")),
        ({}, {}, "/p/1?size=x", ("size", "query", '`size` must be an integer, not "x"')),
        ({}, {"with": {"id": "rest.id", "size": "rest.size"}}, "/p/1", ("size", "query", "`size` is required")),
        ({"nr": "query"}, {"with": {"size": "rest.nr"}}, "/p/1", ("nr", "query", "`nr` is required")),
        ({"nr": "header"}, {"with": {"size": "rest.nr"}}, "/p/1", ("nr", "header", "`nr` is required")),
        ({"size": "query"}, {}, "/p/1", ("size", "query", "`size` is required")),
        ({"size": "query"}, {}, "/p/1?size=x", ("size", "query", '`size` must be an integer, not "x"')),
        ({"nr": "cookie"}, {"with": {"size": "{{nr}}"}}, "/p/1", ("nr", "cookie", "`nr` is required")),
    ],
)
async def test_what_a_function_needs_is_told_by_the_names_of_the_route(declared, given, called, told):
    """Whoever calls knows the route's inputs and where they travel, and nothing of the function's arguments."""
    inputs = [{"name": name, "in": place, "type": "string"} for name, place in declared.items()]
    more = {"inputParameters": inputs} if inputs else {}
    if given:
        given = {"with": {"id": "rest.id", **given["with"]}}
    capability = rest_capability(
        [route("/p/{id}", call=None, ref="desk.read", **more, **given)],
        {"do": operation("GET", "/x/{id}", inputParameters=[{"name": "size", "in": "query", "type": "integer"}])},
        more={"aggregates": [{"namespace": "desk", "label": "Desk", "functions": [FUNCTION]}]},
    )
    async with in_process(capability) as client:
        problem = assert_problem(await client.get(called), 400, "invalid-input")
    assert [(each["name"], each["in"], each["message"]) for each in problem["errors"] if each["name"] != "id"] == [told]
