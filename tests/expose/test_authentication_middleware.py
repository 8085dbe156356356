"""The guard as middleware: what is exempt, what is passed on, the metadata of protected resources (RFC 9728)."""

from __future__ import annotations

import contextlib
import json
import logging

import pytest
from authentication_site import Site, app, assert_refused, made_guard
from hypothesis import given, settings
from hypothesis import strategies as st

from naftiko.expose.authentication import (
    SCHEMES,
    Authenticated,
    Credentials,
    Principal,
    Refusal,
    ResourceMetadata,
)

BEARER = {"type": "bearer", "token": "secret-token-123"}
RESOURCE = "https://api.example.com/v1/orders"
OAUTH2 = {
    "type": "oauth2",
    "authorizationServerUri": "http://127.0.0.1:9",
    "resource": RESOURCE,
    "scopes": ["tools:list", "tools:execute"],
}
METADATA = {
    "resource": RESOURCE,
    "authorization_servers": ["http://127.0.0.1:9"],
    "scopes_supported": ["tools:list", "tools:execute"],
    "bearer_methods_supported": ["header"],
}


def test_exempt_paths_are_open_exactly_as_written():
    with Site(BEARER, exempt=frozenset({"/health"})) as site:
        response = site.get("/health?deep=1")
        assert response.status_code == 200
        assert response.json()["principal"] is None
        for path in ("/health/", "/healthy", "/Health", "/%68ealth", "/health/../orders", "/x/health", "//health"):
            assert site.get(path).status_code == 401, path


def test_a_body_goes_through_and_an_unread_one_does_not_break_the_connection():
    with Site(BEARER) as site:
        for _ in range(3):
            assert site.client.post("/", content=b"x" * 300_000).status_code == 401
            good = site.client.post("/", content=b"y" * 300_000, headers={"Authorization": "Bearer secret-token-123"})
            assert good.json()["body"] == "y" * 300_000


def test_head_gets_the_refusals_headers_without_a_body():
    with Site(BEARER) as site:
        response = site.client.head("/")
        assert response.status_code == 401
        assert response.content == b""
        assert int(response.headers["content-length"]) > 0


def test_a_refusal_can_be_rendered_otherwise():
    def render(refusal: Refusal) -> tuple[str, bytes]:
        error = {"code": -32001, "message": refusal.detail}
        return "application/json", json.dumps({"jsonrpc": "2.0", "id": None, "error": error}).encode()

    sent = run(Authenticated(app, made_guard(BEARER), render=render), scope_of("POST", "/mcp"))
    assert sent[0]["status"] == 401
    assert json.loads(sent[1]["body"])["error"]["code"] == -32001


def scope_of(method: str, path: str, headers=(), query: bytes = b"") -> dict:
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "headers": list(headers),
    }


def run(application, scope) -> list[dict]:
    """Call an ASGI app that doesn't wait for anything."""
    sent: list[dict] = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    with contextlib.suppress(StopIteration):
        application(scope, receive, send).send(None)
    return sent


def test_what_is_not_http_is_closed_and_the_lifespan_goes_on():
    guarded = Authenticated(app, made_guard(BEARER))
    assert run(guarded, {"type": "websocket"}) == [{"type": "websocket.close", "code": 1008}]
    seen = []

    async def inner(scope, receive, send):
        seen.append(scope["type"])

    run(Authenticated(inner, made_guard(BEARER)), {"type": "lifespan"})
    assert seen == ["lifespan"]


def test_refusals_are_logged_without_credentials_or_query(caplog):
    with caplog.at_level(logging.INFO, "naftiko.expose.authentication"), Site(BEARER) as site:
        site.get("/orders?key=abc", "Bearer guess-me")
    assert caplog.messages == ["refused GET /orders: wrong-credentials"]


@pytest.mark.parametrize(
    "path", ["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/v1/orders"]
)
def test_the_metadata_of_the_resource_is_served_to_anybody(path):
    with Site(OAUTH2) as site:
        response = site.get(path)
        assert response.status_code == 200
        assert response.json() == METADATA
        assert response.headers["content-type"] == "application/json"
        assert response.headers["access-control-allow-origin"] == "*"
        head = site.client.head(path)
        assert (head.status_code, head.content) == (200, b"")
        preflight = site.client.options(path, headers={"Origin": "https://a", "Access-Control-Request-Method": "GET"})
        assert preflight.status_code == 204
        assert preflight.headers["access-control-allow-origin"] == "*"
        for method in ("POST", "PUT", "DELETE"):
            assert_refused(site.client.request(method, path), 401, "missing-credentials")


def test_other_paths_under_well_known_are_guarded():
    with Site(OAUTH2) as site:
        for path in (
            "/.well-known/oauth-protected-resource/other",
            "/.well-known/oauth-protected-resources",
            "/.well-known",
        ):
            assert site.get(path).status_code == 401, path


def test_the_metadata_is_also_where_the_adapter_is_and_leaves_out_scopes_that_are_not_declared():
    plain = {name: value for name, value in OAUTH2.items() if name != "scopes"}
    with Site({**plain, "resource": "https://api.example.com"}, resource_path="/mcp") as site:
        for path in ("", "/mcp"):
            document = site.get(f"/.well-known/oauth-protected-resource{path}").json()
            assert document["resource"] == "https://api.example.com"
            assert "scopes_supported" not in document
        challenge = site.get("/").headers["www-authenticate"]
        assert 'resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"' in challenge


@pytest.mark.parametrize("resource", ["orders-api", "http://[::1", "urn:orders", "https://"])
def test_a_resource_that_is_no_url_has_no_metadata_and_still_is_guarded(resource):
    with Site({**OAUTH2, "resource": resource}) as site:
        assert_refused(site.get("/.well-known/oauth-protected-resource"), 401, "missing-credentials")
        assert "resource_metadata" not in site.get("/").headers["www-authenticate"]


def test_metadata_that_needs_a_missing_variable_is_503():
    with Site({**OAUTH2, "resource": "https://{{HOST_NAME}}/v1"}) as site:
        response = site.get("/.well-known/oauth-protected-resource")
        assert_refused(response, 503, "missing-variable")
        assert "HOST_NAME" in response.json()["detail"]


def test_the_metadata_of_several_adapters_behind_one_address():
    guards = [made_guard({**OAUTH2, "resource": f"https://api.example.com/{name}"}) for name in ("a", "b")]
    served = ResourceMetadata(app, [made_guard(BEARER), *guards])
    for name in ("a", "b"):
        sent = run(served, scope_of("GET", f"/.well-known/oauth-protected-resource/{name}"))
        assert json.loads(sent[1]["body"])["resource"] == f"https://api.example.com/{name}"
    first = run(served, scope_of("GET", "/.well-known/oauth-protected-resource"))
    assert json.loads(first[1]["body"])["resource"] == "https://api.example.com/a"


ALL = [
    {"type": "basic", "username": "alice", "password": "pw"},
    BEARER,
    {"type": "apikey", "key": "Authorization", "value": "abc"},
    {"type": "apikey", "key": "key", "value": "abc", "placement": "query"},
    {"type": "digest", "username": "alice", "password": "pw"},
    OAUTH2,
]
GUARDS = [made_guard(authentication) for authentication in ALL]
WORDS = st.sampled_from(
    [b"Basic ", b"Bearer ", b"Digest ", b'Digest nonce="', b"digest qop=auth,nc=00000001,", b"Bearer e30.e30.", b""]
)
VALUES = st.builds(lambda word, rest: word + rest, WORDS, st.binary(max_size=80))
NAMES = st.one_of(st.just(b"authorization"), st.binary(max_size=12))


def test_every_scheme_is_tried_with_arbitrary_bytes():
    assert {type(made) for made in GUARDS} >= {type(made_guard({**one})) for one in ALL}
    assert len(SCHEMES) == 5


@settings(max_examples=300, deadline=None)
@given(
    headers=st.lists(st.tuples(NAMES, VALUES), max_size=4), query=st.binary(max_size=60), path=st.binary(max_size=30)
)
def test_arbitrary_bytes_never_let_in_and_never_raise(headers, query, path):
    """No guard waits here: no byte string is a JWT that would need a key."""
    request = Credentials.of({**scope_of("GET", "/", headers, query), "raw_path": b"/" + path})
    for made in GUARDS:
        found: list[Principal | Refusal] = []

        async def identify(made=made, found=found):
            found.append(await made.identify(request))

        with contextlib.suppress(StopIteration):
            identify().send(None)
        assert [type(one) for one in found] == [Refusal]
        assert found[0].status == 401
