"""OAuth 2 client credentials out, against a token endpoint that counts, refuses and fails."""

from __future__ import annotations

from urllib.parse import parse_qsl

import httpx
import pytest
from authorization_server import CLIENT, SECRET, Server, used
from outbound import api
from starlette.responses import JSONResponse, RedirectResponse, Response

from naftiko.engine.authentication.oauth2 import client_variables
from naftiko.engine.authentication.server_metadata import discover, metadata_urls
from naftiko.ground.errors import (
    MissingVariable,
    NotExecutable,
    UpstreamBroken,
    UpstreamError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from naftiko.testing import Fail, Stall, refused_url


@pytest.fixture
def server():
    made = Server()
    with made.upstream:
        yield made


# What is asked


async def test_a_token_is_fetched_once_and_used_for_every_call(server):
    async with api(server.upstream.url, server.block(), CLIENT) as shipyard:
        assert [await used(shipyard) for _ in range(3)] == ["token-1"] * 3
    assert server.asked == [{"grant_type": "client_credentials", "by": "basic", "id": "id:1", "secret": SECRET}]
    (asked, *_) = server.upstream.requests
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert asked.headers["accept"] == "application/json"


async def test_scopes_audience_and_resource(server):
    block = server.block(
        scopes="[ships:read, 'ships:write']", audience="https://api.example/a?b=c", resource="'{{RES}}'"
    )
    async with api(server.upstream.url, block, {**CLIENT, "RES": "https://api.example/r"}) as shipyard:
        await used(shipyard)
    (form,) = server.asked
    assert form["scope"] == "ships:read ships:write"
    assert form["audience"] == "https://api.example/a?b=c"
    assert form["resource"] == "https://api.example/r"


@pytest.mark.parametrize(
    ("keys", "environment"),
    [
        ({"clientId": "'id:1'", "clientSecret": "'{{SECRET}}'"}, {"SECRET": SECRET, "OAUTH_CLIENT_SECRET": "wrong"}),
        ({}, {**CLIENT, "OAUTH_CLIENT_ID": "wrong", "OAUTH_CLIENT_SECRET": "wrong"}),
        (
            {},
            {
                "OAUTH_CLIENT_ID": "id:1",
                "OAUTH_CLIENT_SECRET": SECRET,
                "MY_SHIPYARD_V2_CLIENT_SECRET": "another client's",
            },
        ),
        ({"clientId": "'id:1'"}, {"OAUTH_CLIENT_SECRET": SECRET}),
        ({"clientId": "'id:1'"}, {"MY_SHIPYARD_V2_CLIENT_SECRET": SECRET, "OAUTH_CLIENT_SECRET": "wrong"}),
    ],
)
async def test_where_the_client_comes_from(server, keys, environment):
    async with api(server.upstream.url, server.block(**keys), environment) as shipyard:
        assert await used(shipyard) == "token-1"


@pytest.mark.parametrize(
    ("environment", "missing"),
    [
        ({}, ("MY_SHIPYARD_V2_CLIENT_ID", "MY_SHIPYARD_V2_CLIENT_SECRET")),
        ({"OAUTH_CLIENT_ID": "id:1"}, ("OAUTH_CLIENT_SECRET",)),
        ({"MY_SHIPYARD_V2_CLIENT_ID": "id:1", "OAUTH_CLIENT_SECRET": SECRET}, ("MY_SHIPYARD_V2_CLIENT_SECRET",)),
    ],
)
async def test_a_client_that_is_missing_is_told_and_nothing_is_sent(server, environment, missing):
    """The secret of one pair is never sent with the id of another."""
    async with api(server.upstream.url, server.block(), environment) as shipyard:
        with pytest.raises(MissingVariable) as caught:
            await shipyard.call()
    assert caught.value.names == missing
    assert (
        "MY_SHIPYARD_V2_CLIENT_ID and MY_SHIPYARD_V2_CLIENT_SECRET or OAUTH_CLIENT_ID and OAUTH_CLIENT_SECRET"
        in caught.value.hint
    )
    assert server.paths == []


@pytest.mark.parametrize(
    ("namespace", "prefix"),
    [("github", "GITHUB"), ("my-shipyard.v2", "MY_SHIPYARD_V2"), ("msGraphApi", "MS_GRAPH_API"), ("_x_", "X")],
)
def test_variables_are_named_after_the_namespace(namespace, prefix):
    assert client_variables(namespace)[0] == (f"{prefix}_CLIENT_ID", f"{prefix}_CLIENT_SECRET")


@pytest.mark.parametrize(
    "block",
    [
        "type: oauth2\ntoken: '{{TOKEN}}'",
        "type: oauth2\ntoken: '{{TOKEN}}'\nauthorizationServerUri: http://127.0.0.1:1",
    ],
)
async def test_a_token_of_the_file_is_the_access_token(server, block):
    server.valid.add("given")
    async with api(server.upstream.url, block, {"TOKEN": "given"}) as shipyard:
        assert await used(shipyard) == "given"
        server.valid.clear()
        assert (await shipyard.call()).status_code == 401
    assert server.paths == ["/ships", "/ships"]


# Discovery


def test_where_metadata_may_be():
    assert metadata_urls("https://auth.example:8443/tenants/a/") == [
        "https://auth.example:8443/.well-known/oauth-authorization-server/tenants/a",
        "https://auth.example:8443/tenants/a/.well-known/openid-configuration",
        "https://auth.example:8443/tenants/a/.well-known/oauth-authorization-server",
        "https://auth.example:8443/.well-known/openid-configuration/tenants/a",
    ]
    assert metadata_urls("https://auth.example") == [
        "https://auth.example/.well-known/oauth-authorization-server",
        "https://auth.example/.well-known/openid-configuration",
    ]


def serve_metadata(server: Server, path: str, **more: object) -> None:
    document = {
        "issuer": f"{server.upstream.url}/realms/ships",
        "token_endpoint": f"{server.upstream.url}/token",
    } | more
    server.upstream.on("GET", path, {name: value for name, value in document.items() if value is not None})


def discovering(server: Server, path: str = "/realms/ships") -> str:
    return f"type: oauth2\nauthorizationServerUri: {server.upstream.url}{path}"


@pytest.mark.parametrize(
    "path",
    [
        "/.well-known/oauth-authorization-server/realms/ships",
        "/realms/ships/.well-known/openid-configuration",
        "/realms/ships/.well-known/oauth-authorization-server",
    ],
)
@pytest.mark.parametrize("slash", ["", "/"])
async def test_the_token_endpoint_is_discovered_once(server, path, slash):
    serve_metadata(server, path)
    server.life = 0
    async with api(server.upstream.url, discovering(server, f"/realms/ships{slash}"), CLIENT) as shipyard:
        assert [await used(shipyard), await used(shipyard)] == ["token-1", "token-2"]
    assert server.paths.count(path) == 1
    assert server.paths[-4:] == ["/token", "/ships", "/token", "/ships"]


async def test_a_url_of_metadata_is_taken_as_it_is(server):
    serve_metadata(server, "/a/.well-known/openid-configuration")
    async with api(server.upstream.url, discovering(server, "/a/.well-known/openid-configuration"), CLIENT) as shipyard:
        await used(shipyard)


@pytest.mark.parametrize(
    ("supported", "methods"),
    [
        (["client_secret_post", "private_key_jwt"], ["post"]),
        (["client_secret_post", "client_secret_basic"], ["basic"]),
        (["private_key_jwt"], ["basic"]),
        (None, ["basic"]),
        ("client_secret_post", ["basic"]),
    ],
)
async def test_the_metadata_says_how_a_client_proves_itself(server, supported, methods):
    serve_metadata(
        server, "/.well-known/oauth-authorization-server/realms/ships", token_endpoint_auth_methods_supported=supported
    )
    async with api(server.upstream.url, discovering(server), CLIENT) as shipyard:
        await used(shipyard)
    assert [form["by"] for form in server.asked] == methods


async def test_a_server_that_says_nothing_and_takes_the_form_only(server):
    """The second try is made once; later tokens are asked for in the way that worked."""
    server.methods, server.life = {"post"}, 0
    async with api(server.upstream.url, server.block(), CLIENT) as shipyard:
        assert [await used(shipyard), await used(shipyard)] == ["token-2", "token-3"]
    assert [form["by"] for form in server.asked] == ["basic", "post", "post"]


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ({"issuer": "https://evil.example"}, "is of another issuer"),
        ({"token_endpoint": None}, "names no token_endpoint"),
        ({"token_endpoint": 7}, "names no token_endpoint"),
    ],
)
async def test_metadata_that_must_not_be_used(server, metadata, told):
    serve_metadata(server, "/.well-known/oauth-authorization-server/realms/ships", **metadata)
    async with api(server.upstream.url, discovering(server), CLIENT) as shipyard:
        with pytest.raises(UpstreamError) as caught:
            await shipyard.call()
    host = server.upstream.url.removeprefix("http://")
    assert caught.value.detail.startswith(f"the authorization server {host} tells no token endpoint: ")
    assert f"/.well-known/oauth-authorization-server/realms/ships {told}" in caught.value.detail
    assert "/realms/ships/.well-known/openid-configuration answered 404" in caught.value.detail
    assert caught.value.hint == "give the authentication a tokenEndpoint"
    assert "/token" not in server.paths


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<html>", "is not JSON"),
        (b"[]", "is no JSON object"),
        (b'{"token_endpoint": "http://auth.example/token"}', "names a token_endpoint without TLS"),
    ],
)
async def test_metadata_that_is_none_or_leads_out_of_tls(body, told):
    async def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=body, request=request)

    with pytest.raises(UpstreamError) as caught:
        await discover("https://user:s3cret@auth.example", answer)
    assert caught.value.detail == (
        "the authorization server auth.example tells no token endpoint: "
        f"/.well-known/oauth-authorization-server {told}; /.well-known/openid-configuration {told}"
    )


async def test_a_discovery_that_failed_is_tried_again_with_the_next_call(server):
    async with api(server.upstream.url, discovering(server), CLIENT) as shipyard:
        with pytest.raises(UpstreamError):
            await shipyard.call()
        serve_metadata(server, "/.well-known/oauth-authorization-server/realms/ships")
        assert await used(shipyard) == "token-1"


# Failures


@pytest.mark.parametrize(
    ("answer", "kind", "detail", "hint"),
    [
        (
            JSONResponse({"error": "invalid_scope", "error_description": SECRET}, 400),
            UpstreamError,
            "answered 400 invalid_scope",
            "check the scopes of the authentication",
        ),
        (
            JSONResponse({"error": "unauthorized_client"}, 400),
            UpstreamError,
            "answered 400 unauthorized_client",
            "allow the client the grant",
        ),
        (
            JSONResponse({"error": "invalid_client"}, 401),
            UpstreamRefused,
            "answered 401 invalid_client",
            "check the client id and secret",
        ),
        (JSONResponse({"error": f"x{SECRET}"}, 400), UpstreamError, "answered 400", ""),
        (JSONResponse({"error": {"code": 1}}, 500), UpstreamError, "answered 500", ""),
        (Response(b"<html>s3cret</html>", 502), UpstreamError, "answered 502", ""),
        (
            RedirectResponse("https://login.example/token?hint=x", 307),
            UpstreamError,
            "answered 307 and redirects to https://login.example/token?…, another origin",
            "correct the tokenEndpoint of the authentication",
        ),
        (JSONResponse([], 200), UpstreamBroken, "answered 200 without an access token", ""),
        (Response(b"access_token=x", 200), UpstreamBroken, "answered 200 without an access token", ""),
        (
            JSONResponse({"access_token": "a\r\nX: y", "token_type": "Bearer"}),
            UpstreamBroken,
            "answered 200 without an access token",
            "",
        ),
        (
            JSONResponse({"access_token": "t", "token_type": "mac"}),
            UpstreamBroken,
            "gave a token that is no bearer token",
            "",
        ),
    ],
)
async def test_a_token_endpoint_that_gives_none(server, answer, kind, detail, hint):
    server.upstream.on("POST", "/token", answer)
    async with api(server.upstream.url, server.block(), CLIENT) as shipyard:
        with pytest.raises(UpstreamError) as caught:
            await shipyard.call()
    host = server.upstream.url.removeprefix("http://")
    assert type(caught.value) is kind
    assert caught.value.detail == f"the token endpoint of {host} {detail}"
    assert caught.value.hint == hint
    assert "/ships" not in server.paths


async def test_a_token_type_may_be_left_out(server):
    server.kind = None
    async with api(server.upstream.url, server.block(), CLIENT) as shipyard:
        assert await used(shipyard) == "token-1"


async def test_when_to_come_back_is_passed_on(server):
    server.upstream.misbehave(Fail(429, headers={"retry-after": "7"}), path="/token")
    async with api(server.upstream.url, server.block(), CLIENT) as shipyard:
        with pytest.raises(UpstreamError) as caught:
            await shipyard.call()
    assert caught.value.retry_after == 7


async def test_a_token_endpoint_that_is_not_there_or_silent(server):
    with refused_url() as url:
        async with api(server.upstream.url, f"type: oauth2\ntokenEndpoint: {url}/token", CLIENT) as shipyard:
            with pytest.raises(UpstreamUnreachable, match=r"^no access token: "):
                await shipyard.call()
    server.upstream.misbehave(Stall(30), path="/token")
    async with api(server.upstream.url, server.block(), CLIENT) as shipyard:
        with pytest.raises(UpstreamTimeout, match=r"^no access token: "):
            await shipyard.call()


@pytest.mark.parametrize(
    ("block", "told"),
    [
        ("type: oauth2", "says nowhere who gives a token"),
        (
            "type: oauth2\ntokenEndpoint: auth.example/token",
            "the tokenEndpoint of an oauth2 authentication is no http or https URL",
        ),
        (
            "type: oauth2\nauthorizationServerUri: 'http://[::'",
            "the authorizationServerUri of an oauth2 authentication is no http or https URL",
        ),
    ],
)
async def test_a_block_that_can_not_work_says_why(block, told):
    async with api("http://127.0.0.1:1", block, CLIENT) as shipyard:
        with pytest.raises(NotExecutable, match="oauth2") as caught:
            await shipyard.call()
    assert told in caught.value.detail


async def test_a_discovered_endpoint_must_be_callable(server):
    serve_metadata(server, "/.well-known/oauth-authorization-server/realms/ships", token_endpoint="file:///etc/passwd")
    async with api(server.upstream.url, discovering(server), CLIENT) as shipyard:
        with pytest.raises(NotExecutable, match="no http or https URL"):
            await shipyard.call()


# A refresh token


@pytest.fixture
def refreshing():
    """A server that gives an access token for a refresh token, and with each a new one: the used one is gone."""
    made = Server()
    good, forms = ["refresh-0"], []

    def token(request):
        form = dict(parse_qsl(request.text))
        forms.append((form, request.headers.get("authorization", "")))
        if form.get("refresh_token") != good[-1]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        good.append(f"refresh-{len(good)}")
        made.valid = {f"access-{len(good)}"}
        return {"access_token": f"access-{len(good)}", "token_type": "bearer", "refresh_token": good[-1]}

    made.upstream.on("POST", "/token", token)
    made.forms = forms
    with made.upstream:
        yield made


REFRESH = {"refreshToken": "'{{REFRESH}}'", "clientId": "'{{ID}}'", "clientSecret": "'{{SECRET}}'", "scopes": "[a, b]"}
GIVEN = {"REFRESH": "refresh-0", "ID": "id:1", "SECRET": SECRET}


@pytest.mark.parametrize("grant", [{}, {"grantType": "refresh_token"}, {"grantType": "refreshToken"}])
async def test_a_refresh_token_gives_an_access_token_and_is_replaced(refreshing, grant):
    """After a 401 a new one is asked for with the refresh token that came with the last."""
    async with api(refreshing.upstream.url, refreshing.block(**REFRESH, **grant), GIVEN) as shipyard:
        assert [await used(shipyard) for _ in range(2)] == ["access-2"] * 2
        refreshing.valid.clear()
        assert await used(shipyard) == "access-3"
    first, second = [form for form, _ in refreshing.forms]
    assert first == {"grant_type": "refresh_token", "refresh_token": "refresh-0", "scope": "a b"}
    assert second["refresh_token"] == "refresh-1"
    assert all(header.startswith("Basic ") for _, header in refreshing.forms)


async def test_a_public_client_has_no_secret(refreshing):
    keys = {key: value for key, value in REFRESH.items() if key != "clientSecret"}
    async with api(refreshing.upstream.url, refreshing.block(**keys), GIVEN) as shipyard:
        assert await used(shipyard) == "access-2"
    ((form, header),) = refreshing.forms
    assert (form["client_id"], "client_secret" in form, header) == ("id:1", False, "")


async def test_a_refresh_token_that_is_gone_says_so(refreshing):
    async with api(refreshing.upstream.url, refreshing.block(**REFRESH), {**GIVEN, "REFRESH": "used"}) as shipyard:
        with pytest.raises(UpstreamError, match="answered 400 invalid_grant") as caught:
            await shipyard.call()
    assert "give a new one" in caught.value.hint


# The exchange of a token for another (RFC 8693)

URN = "urn:ietf:params:oauth"


@pytest.mark.parametrize("grant", ["", "token-exchange", f"{URN}:grant-type:token-exchange"])
async def test_a_token_is_exchanged_for_another(server, grant):
    block = server.block(
        **({"grantType": grant} if grant else {}),
        subjectToken="'{{SUBJECT}}'",
        subjectTokenType="id_token",
        actorToken="'{{ACTOR}}'",
        requestedTokenType=f"{URN}:token-type:access_token",
        audience="ships",
    )
    async with api(server.upstream.url, block, {**CLIENT, "SUBJECT": "subject-1", "ACTOR": "actor-1"}) as shipyard:
        assert await used(shipyard) == "token-1"
        server.valid.clear()
        assert await used(shipyard) == "token-2"
    assert server.asked[0] == {
        "grant_type": f"{URN}:grant-type:token-exchange",
        "subject_token": "subject-1",
        "subject_token_type": f"{URN}:token-type:id_token",
        "actor_token": "actor-1",
        "actor_token_type": f"{URN}:token-type:access_token",
        "requested_token_type": f"{URN}:token-type:access_token",
        "audience": "ships",
        "by": "basic",
        "id": "id:1",
        "secret": SECRET,
    }
