"""HEAD: what a GET would say of its body, without the body (RFC 9110, 9.3.2)."""

from __future__ import annotations

import gzip

import pytest
from rest_serving import client_of, operation, rest_capability, route
from starlette.responses import JSONResponse, Response

CONTENT = b'{"a": 1}'


def heading(upstream, consumed: str, exposed: str, **more):
    """A route of one method that calls an operation of another."""
    return rest_capability(
        [route("/x", exposed, **more)], {"do": operation(consumed, "/x")}, base_uris={"*": upstream.url}
    )


def answering(upstream, content: bytes = CONTENT, **headers: str) -> None:
    upstream.on("GET", "/x", lambda _: Response(content, media_type="application/json; charset=utf-8", headers=headers))


async def test_an_exposed_head_of_a_consumed_head_keeps_type_and_length(upstream):
    answering(upstream, ETag='"v1"')
    async with client_of(heading(upstream, "HEAD", "HEAD")) as client:
        answer = await client.head("/x")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["content-length"] == str(len(CONTENT))
    assert answer.headers["etag"] == '"v1"'
    assert [request.method for request in upstream.requests] == ["HEAD"]


@pytest.mark.parametrize(("consumed", "exposed"), [("GET", "GET"), ("GET", "HEAD")])
async def test_a_head_of_a_consumed_get_too(upstream, consumed, exposed):
    answering(upstream)
    async with client_of(heading(upstream, consumed, exposed)) as client:
        answer = await client.head("/x")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["content-length"] == str(len(CONTENT))


async def test_a_get_of_a_consumed_head_has_no_body_and_says_so(upstream):
    """The length of what is not there would leave the caller waiting for it."""
    answering(upstream)
    async with client_of(heading(upstream, "HEAD", "GET")) as client:
        answer = await client.get("/x")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-length" not in answer.headers


async def test_the_length_of_a_coded_body_is_not_that_of_the_answer(upstream):
    """A GET gets it decoded."""
    answering(upstream, gzip.compress(CONTENT), **{"Content-Encoding": "gzip"})
    async with client_of(heading(upstream, "HEAD", "HEAD")) as client:
        answer = await client.head("/x")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert not {"content-length", "content-encoding"} & set(answer.headers)


async def test_an_answer_that_is_mapped_is_another_body(upstream):
    answering(upstream, ETag='"v1"')
    mapped = heading(upstream, "HEAD", "HEAD", outputParameters=[{"name": "a", "type": "integer", "mapping": "$.a"}])
    async with client_of(mapped) as client:
        answer = await client.head("/x")
    assert answer.status_code == 200
    assert not {"content-length", "etag"} & set(answer.headers)


@pytest.mark.parametrize("consumed", ["HEAD", "GET"])
async def test_an_error_keeps_them_too(upstream, consumed):
    upstream.on("GET", "/x", lambda _: JSONResponse({"message": "no such thing"}, 404))
    async with client_of(heading(upstream, consumed, "HEAD")) as client:
        answer = await client.head("/x")
    assert (answer.status_code, answer.content) == (404, b"")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-length"] == str(len(b'{"message":"no such thing"}'))


async def test_a_forwarded_head(upstream):
    answering(upstream)
    forward = {"path": "/f/{{path}}", "forward": {"targetNamespace": "api"}}
    async with client_of(rest_capability([forward], base_uris={"*": upstream.url})) as client:
        answer = await client.head("/f/x")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["content-length"] == str(len(CONTENT))
