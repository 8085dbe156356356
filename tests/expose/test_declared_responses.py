"""``responses`` and ``responseBinary`` of routes, ``outputMediaType`` of functions (SEMANTICS 6.7)."""

from __future__ import annotations

import httpx
import pytest
from rest_serving import operation, rest_capability, route

from naftiko.expose.rest import rest_app

BYTES = b"\xff\xd8\xff\x00"
BINARY = {"type": "string", "format": "binary"}


def capability(more, *, media_type=None, call="api.do", aggregates=None, **consumed):
    said = {"content-type": media_type} if media_type else {}

    def answer(_):
        return httpx.Response(200, content=BYTES, headers=said)

    return rest_capability(
        [route("/photo", call=call, **more)],
        {"do": operation(outputRawFormat="binary", **consumed)},
        more={"aggregates": aggregates} if aggregates else None,
        transport=lambda _: httpx.MockTransport(answer),
    )


async def asked(loaded, path):
    transport = httpx.ASGITransport(rest_app(loaded))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.get(path)


SHORT = {"responseBinary": {"mediaType": "image/jpeg", "description": "A photo."}}
LONG = {
    "responses": {
        "200": {"description": "A photo.", "content": {"image/jpeg": {"binary": True}}},
        "404": {"description": "None.", "content": {"application/json": {"schema": {"type": "object"}}}},
    }
}


@pytest.mark.parametrize("more", [SHORT, LONG])
@pytest.mark.parametrize(("consumed", "shown"), [({}, "image/jpeg"), ({"outputMediaType": "image/png"}, "image/png")])
async def test_bytes_have_the_media_type_that_is_said_first(more, consumed, shown):
    async with capability(more, media_type="application/octet-stream", **consumed) as loaded:
        found = await asked(loaded, "/photo")
    assert (found.status_code, found.headers["content-type"], found.content) == (200, shown, BYTES)


async def test_a_function_says_what_its_bytes_are():
    function = {"name": "photo", "description": "A photo.", "call": "api.do", "outputMediaType": "image/gif"}
    aggregates = [{"namespace": "photos", "functions": [function]}]
    async with capability({"ref": "photos.photo"}, call=None, aggregates=aggregates) as loaded:
        assert (await asked(loaded, "/photo")).headers["content-type"] == "image/gif"


async def test_the_openapi_document_has_them():
    async with capability(LONG) as loaded:
        document = (await asked(loaded, "/openapi.json")).json()
    found = document["paths"]["/photo"]["get"]["responses"]
    assert found["200"] == {"description": "A photo.", "content": {"image/jpeg": {"schema": BINARY}}}
    assert found["404"] == {"description": "None.", "content": {"application/json": {"schema": {"type": "object"}}}}
    assert "default" in found


@pytest.mark.parametrize(
    "more",
    [
        {"responses": {"700": {"description": "x"}}},
        {"responses": {"200": "x"}},
        {"responses": ["200"]},
        {"responses": {"200": {"content": {"no type": {}}}}},
        {**SHORT, **LONG},
    ],
)
def test_what_makes_no_sense_is_told(more):
    loaded = capability(more)
    assert "bad-response" in [found.rule for found in loaded.diagnostics]
