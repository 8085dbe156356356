"""Arrays and objects that REST callers write as OpenAPI 3 has it: style and explode (SEMANTICS 4.2)."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_serving import assert_problem, client_of, in_process, operation, rest_capability, route

from naftiko.expose.rest.openapi import openapi

RGB = {"type": "object", "properties": {"R": {"type": "integer"}, "G": {"type": "integer"}, "N": {"type": "string"}}}


def echoing(declared, path="/x"):
    """A route that answers with what it read."""
    output = {"name": "color", "type": "any", "value": "{{color}}"}
    return rest_capability(
        [route(path, "GET", None, inputParameters=[{"name": "color", **declared}], outputParameters=[output])]
    )


@pytest.mark.parametrize(
    ("declared", "query", "expected"),
    [
        ({"type": "array", "style": "form", "explode": False}, "color=a,b", ["a", "b"]),
        ({"type": "array", "style": "form", "explode": False}, "color=a%2Cb,c", ["a,b", "c"]),
        ({"type": "array", "style": "form", "explode": False}, "color=a%2Cb", ["a", "b"]),
        ({"type": "array", "style": "form", "explode": False}, "color=a&color=b", ["a", "b"]),
        ({"type": "array", "style": "form", "explode": False}, "color=", []),
        ({"type": "array", "style": "form"}, "color=a,b", ["a,b"]),
        ({"type": "array", "style": "form"}, "color=a&color=b,c", ["a", "b,c"]),
        ({"type": "array", "style": "pipeDelimited"}, "color=a%7Cb", ["a", "b"]),
        ({"type": "array", "style": "pipeDelimited"}, "color=a|b,c", ["a", "b,c"]),
        ({"type": "array", "style": "spaceDelimited"}, "color=a%20b", ["a", "b"]),
        ({"type": "array", "style": "spaceDelimited"}, "color=a+b", ["a", "b"]),
        ({"type": "array", "style": "pipeDelimited"}, "color=%5B%22a%7Cb%22%5D", ["a|b"]),
        ({"type": "array", "items": {"type": "integer"}, "style": "pipeDelimited"}, "color=1|2", [1, 2]),
        ({**RGB, "style": "deepObject"}, "color[R]=1&color%5BG%5D=2&color[N]=3", {"R": 1, "G": 2, "N": "3"}),
        ({"type": "object", "style": "deepObject"}, "color[a][b]=1&color[a][c]=2", {"a": {"b": "1", "c": "2"}}),
        ({"type": "object", "style": "deepObject"}, "color[a]=1&color[a]=2", {"a": ["1", "2"]}),
        ({"type": "object", "style": "deepObject"}, "color[a][]=1&color[a][]=2", {"a": ["1", "2"]}),
        ({"type": "object", "style": "deepObject"}, "color=%7B%22a%22%3A1%7D", {"a": 1}),
        ({"type": "object", "style": "deepObject"}, "colour[a]=1&color=", None),
        ({**RGB, "style": "form"}, "R=1&G=2&other=3", {"R": 1, "G": 2}),
        ({**RGB, "style": "form", "explode": False}, "color=R,1,G,2", {"R": 1, "G": 2}),
        ({"type": "object", "style": "pipeDelimited"}, "color=R|1|G|2", {"R": "1", "G": "2"}),
        ({"type": "string", "style": "form"}, "color=a,b", "a,b"),
    ],
)  # fmt: skip
async def test_the_styles_of_a_query(declared, query, expected):
    """Each as it is written, with the types that its schema has; JSON text is read all the same."""
    async with in_process(echoing({"in": "query", **declared})) as client:
        response = await client.get(f"/x?{query}")
        if expected is None:
            assert response.status_code == 400
        else:
            assert response.json() == {"color": expected}
        assert (await client.get("/x?other=1")).json() == {"color": None}


@pytest.mark.parametrize(
    ("declared", "segment", "expected"),
    [
        ({"type": "array", "style": "simple"}, "a%2Fb,c", ["a/b", "c"]),
        ({"type": "array", "style": "label"}, ".a,b", ["a", "b"]),
        ({"type": "array", "style": "label", "explode": True}, ".a.b", ["a", "b"]),
        ({"type": "array", "style": "matrix"}, ";color=a,b", ["a", "b"]),
        ({"type": "array", "style": "matrix", "explode": True}, ";color=a;color=b", ["a", "b"]),
        ({"type": "string", "style": "label"}, ".a.b", "a.b"),
        ({"type": "string", "style": "matrix"}, ";color=a", "a"),
        ({**RGB, "style": "simple"}, "R,1,G,2", {"R": 1, "G": 2}),
        ({**RGB, "style": "simple", "explode": True}, "R=1,N=a%2Cb", {"R": 1, "N": "a,b"}),
        ({**RGB, "style": "label", "explode": True}, ".R=1.G=2", {"R": 1, "G": 2}),
        ({**RGB, "style": "matrix", "explode": True}, ";R=1;G=2", {"R": 1, "G": 2}),
        ({**RGB, "style": "matrix"}, ";color=R,1,G,2", {"R": 1, "G": 2}),
    ],
)
async def test_the_styles_of_a_path(declared, segment, expected):
    """The prefix is the style's and no part of the value."""
    async with client_of(echoing({"in": "path", **declared}, "/x/{color}")) as client:
        assert (await client.get(f"/x/{segment}")).json() == {"color": expected}


@pytest.mark.parametrize(
    ("declared", "text", "expected"),
    [
        ({"type": "array"}, "a, b ,c", ["a", "b", "c"]),
        ({"type": "array", "style": "simple"}, "a,b", ["a", "b"]),
        ({**RGB, "style": "simple"}, "R,1,G,2", {"R": 1, "G": 2}),
        ({**RGB, "style": "simple", "explode": True}, "R=1, G=2", {"R": 1, "G": 2}),
        ({**RGB, "style": "simple"}, '{"R": 1}', {"R": 1}),
    ],
)
async def test_the_styles_of_a_header(declared, text, expected):
    """Blanks around the parts of a list are no part of them (RFC 9110 chapter 5.6.1)."""
    async with in_process(echoing({"in": "header", **declared})) as client:
        assert (await client.get("/x", headers={"color": text})).json() == {"color": expected}


@pytest.mark.parametrize(
    ("declared", "text", "expected"),
    [
        ({"type": "array", "style": "form", "explode": False}, "color=a,b", ["a", "b"]),
        ({**RGB, "style": "form", "explode": False}, "color=R,1,G,2", {"R": 1, "G": 2}),
        ({**RGB, "style": "form"}, "R=1; G=2; x=3", {"R": 1, "G": 2}),
    ],
)
async def test_the_styles_of_a_cookie(declared, text, expected):
    """As the others."""
    async with in_process(echoing({"in": "cookie", **declared})) as client:
        assert (await client.get("/x", headers={"cookie": text})).json() == {"color": expected}


@pytest.mark.parametrize(
    "query", ["color[a]=1&color[a][b]=2", "color[a][b]=2&color[a]=1", "color" + "[a]" * 2000 + "=1"]
)
async def test_an_object_that_contradicts_itself_is_told(query):
    """And one that nobody writes so deep; nothing is dropped, and nothing fails."""
    async with in_process(echoing({"in": "query", "type": "object", "style": "deepObject"})) as client:
        assert_problem(await client.get(f"/x?{query}"), 400, "invalid-input")


async def test_a_member_of_the_wrong_type_is_told():
    """As any other."""
    async with in_process(echoing({"in": "query", **RGB, "style": "deepObject"})) as client:
        problem = assert_problem(await client.get("/x?color[R]=many"), 400, "invalid-input")
        assert "color.R" in problem["errors"][0]["message"]


async def test_what_a_consumed_parameter_is_written_like_callers_may_write_too(upstream):
    """An inferred deepObject comes in and goes out as one; so does a list with its delimiter."""
    upstream.on("GET", "/a", {"ok": True})
    parameters = [
        {"name": "filter", "in": "query", "type": "object", "style": "deepObject"},
        {"name": "ids", "in": "query", "type": "array", "style": "pipeDelimited"},
    ]
    capability = rest_capability(
        [route("/b"), route("/c", **{"with": {"filter": "rest.where", "ids": "rest.which"}})],
        {"do": operation("GET", "/a", inputParameters=parameters)},
        base_uris={"*": upstream.url},
    )
    async with client_of(capability) as client:
        await client.get("/b?filter[a]=1&filter[b][c]=x%26y&ids=1|2")
        await client.get("/c?where[a]=1&where[b][c]=x%26y&which=1&which=2")
    sent = "filter%5Ba%5D=1&filter%5Bb%5D%5Bc%5D=x%26y&ids=1%7C2"
    assert [request.raw_query for request in upstream.requests] == [sent, sent]


def test_the_description_has_the_styles():
    """What is read is said (OpenAPI 3.1, 4.8.12.2)."""
    for declared, style, explode in (
        ({"in": "query", "type": "array", "style": "pipeDelimited"}, "pipeDelimited", False),
        ({"in": "query", "type": "object", "style": "deepObject"}, "deepObject", True),
        ({"in": "header", "type": "object", "explode": True}, "simple", True),
        ({"in": "path", "type": "array", "style": "matrix", "explode": True}, "matrix", True),
    ):
        capability = echoing(declared, "/x/{color}" if declared["in"] == "path" else "/x")
        document = openapi([(capability, capability.adapters[0], "")])
        [parameter] = next(iter(document["paths"].values()))["get"]["parameters"]
        assert (parameter["style"], parameter["explode"]) == (style, explode)
        assert parameter["schema"]["type"] == declared["type"]
        assert "content" not in parameter


TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=2, max_size=4)


@given(values=TEXTS)
@settings(deadline=None, max_examples=60)
async def test_what_is_written_is_read(values):
    """Whatever the characters are, where the delimiter is not encoded and they are."""
    async with in_process(echoing({"in": "query", "type": "array", "style": "form", "explode": False})) as client:
        response = await client.get(f"/x?color={','.join(quote(each, safe='') for each in values)}")
        if not values[0].lstrip().startswith(("[", "{")):
            assert response.json() == {"color": values}
