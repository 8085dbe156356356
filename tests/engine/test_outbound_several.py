"""Several credentials on one entry: each in its place, signatures over all the rest."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import httpx
import pytest
from consuming import consuming, request_of

from naftiko.engine.authentication.oauth1 import base_string
from naftiko.ground.errors import MissingVariable

KEY = {"type": "apikey", "key": "X-Key", "value": "{{K}}"}
BEARER = {"type": "bearer", "token": "{{T}}"}
FIELD = {"type": "apikey", "key": "secret", "value": "{{F}}", "placement": "body"}
GIVEN = {"K": "the-first-key", "T": "the-second-token", "F": "the-third-field"}
POST = {"method": "POST", "inputParameters": [{"name": "n", "in": "body"}]}


def all_of(*parts, operation=None, **more):
    more.setdefault("variables", GIVEN)
    return consuming(operation, api={"authentication": list(parts)}, **more)


def errors(capability):
    return [found.rule for found in capability.errors]


def test_each_in_its_place():
    query = {**KEY, "key": "q", "placement": "query"}
    cookie = {**KEY, "key": "c", "placement": "cookie"}
    capability = all_of(KEY, BEARER, FIELD, query, cookie, operation=POST)
    assert errors(capability) == []
    request = request_of(capability, {"n": "1"})
    assert request.headers["x-key"] == "the-first-key"
    assert request.headers["authorization"] == "Bearer the-second-token"
    assert json.loads(request.content) == {"n": "1", "secret": "the-third-field"}
    assert request.url.params["q"] == "the-first-key"
    assert request.headers["cookie"] == "c=the-first-key"


def test_one_in_the_path():
    capability = consuming(
        path="/{key}/things",
        api={"authentication": [{**KEY, "key": "key", "placement": "path"}, BEARER]},
        variables=GIVEN,
    )
    request = request_of(capability)
    assert request.url.path == "/v1/the-first-key/things"
    assert request.headers["authorization"] == "Bearer the-second-token"


def test_a_signature_is_of_all_the_rest():
    """A field of the body and a parameter of the query, which the other credentials add, are signed."""
    oauth = {"type": "oauth1", "consumerKey": "ck", "consumerSecret": "{{T}}", "bodyHash": True}
    query = {**KEY, "key": "q", "placement": "query"}
    request = request_of(all_of(oauth, query, FIELD, operation=POST), {"n": "1"})
    assert json.loads(request.content)["secret"] == "the-third-field"
    header = request.headers["authorization"]
    protocol = dict(each.partition("=")[::2] for each in header.removeprefix("OAuth ").split(", "))
    own = {name: httpx.QueryParams(f"v={value.strip(chr(34))}")["v"] for name, value in protocol.items()}
    signature = own.pop("oauth_signature")
    assert own["oauth_body_hash"] == base64.b64encode(hashlib.sha1(request.content).digest()).decode()
    text = base_string("POST", str(request.url), own.items())
    assert "the-first-key" in text
    made = hmac.digest(b"the-second-token&", text.encode(), "sha1")
    assert signature == base64.b64encode(made).decode()


@pytest.mark.parametrize(
    ("parts", "rule"),
    [
        ((BEARER, {"type": "basic", "username": "a", "password": "b"}), "unknown-placement"),
        ((KEY, {"type": "bearer"}), "incomplete-authentication"),
        ((KEY, {"type": "hoba"}), "unknown-authentication"),
        ((KEY, {"type": "bearer", "token": "{{T}"}), "incomplete-authentication"),
    ],
)
def test_one_that_cannot_be_done_blocks_all(parts, rule):
    capability = all_of(*parts)
    assert rule in errors(capability)
    assert "blocked-call" in errors(capability)


def test_a_variable_of_any_is_needed():
    with pytest.raises(MissingVariable, match="T"):
        request_of(all_of(KEY, BEARER, variables={"K": "k"}))


async def test_answers_show_none_of_them():
    handler = lambda request: httpx.Response(200, json=dict(request.headers))  # noqa: E731
    async with all_of(KEY, BEARER, handler=handler) as capability:
        text = (await capability.units[0].run({})).content.decode()
    assert "the-first-key" not in text
    assert "the-second-token" not in text


async def test_the_one_that_was_replaced_is_read_anew():
    environment = dict(GIVEN)

    def handler(request):
        if request.headers["authorization"] != "Bearer the-newest-token":
            environment["T"] = "the-newest-token"
            return httpx.Response(401)
        return httpx.Response(200, json={"key": request.headers["x-key"] == "the-first-key"})

    capability = consuming(
        api={"authentication": [KEY, BEARER]},
        environment=environment,
        read_environment=lambda: environment,
        handler=handler,
    )
    async with capability:
        assert (await capability.units[0].run({})).status == 200
