"""The stand-in identity provider behaves as an authorization server does."""

from __future__ import annotations

import httpx
import jwt
import pytest

from naftiko.testing.identity import StandInIdentityProvider


@pytest.fixture(scope="module")
def identity():
    with StandInIdentityProvider(scopes=("read", "write")) as identity:
        yield identity


@pytest.fixture
def client(identity):
    with httpx.Client(base_url=identity.url, trust_env=False, timeout=60) as client:
        yield client


def test_its_metadata_names_its_endpoints(identity, client):
    documents = [
        client.get(f"/.well-known/{name}").json() for name in ("oauth-authorization-server", "openid-configuration")
    ]
    assert documents[0] == documents[1]
    assert documents[0]["issuer"] == identity.url
    assert client.get(documents[0]["jwks_uri"]).json()["keys"][0]["kid"] == identity.kid


@pytest.mark.parametrize("algorithm", ["RS256", "PS384", "ES256", "ES384", "ES512", "EdDSA"])
def test_its_published_key_verifies_its_tokens(algorithm):
    with StandInIdentityProvider(algorithm=algorithm) as identity:
        with httpx.Client(trust_env=False) as client:
            keys = jwt.PyJWKSet.from_dict(client.get(f"{identity.url}/jwks").json())
        token = identity.token(tenant="acme", sub=None)
        claims = jwt.decode(token, keys[identity.kid], [algorithm], audience=identity.audience, issuer=identity.url)
        assert claims["tenant"] == "acme"
        assert "sub" not in claims


def test_rotation_withdraws_old_keys_or_keeps_them(identity, client):
    first = identity.kid
    second = identity.rotate(keep_old=True)
    assert [key["kid"] for key in client.get("/jwks").json()["keys"]][-2:] == [first, second]
    third = identity.rotate()
    assert [key["kid"] for key in client.get("/jwks").json()["keys"]] == [third]
    assert jwt.get_unverified_header(identity.token())["kid"] == third


def test_client_credentials_by_basic_and_by_post(identity, client):
    form = {"grant_type": "client_credentials", "scope": "read"}
    for how in (
        {"auth": (identity.client_id, identity.client_secret), "data": form},
        {"data": {**form, "client_id": identity.client_id, "client_secret": identity.client_secret}},
    ):
        answer = client.post("/token", **how)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        assert (answer.json()["token_type"], answer.json()["scope"]) == ("Bearer", "read")
        claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
        assert (claims["sub"], claims["scope"], claims["aud"]) == (identity.client_id, "read", identity.audience)


@pytest.mark.parametrize(
    ("form", "auth", "status", "error"),
    [
        ({"grant_type": "client_credentials"}, ("stand-in-client", "wrong"), 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, None, 401, "invalid_client"),
        ({"grant_type": "password"}, ("stand-in-client", "stand-in-secret"), 400, "unsupported_grant_type"),
        (
            {"grant_type": "client_credentials", "scope": "x"},
            ("stand-in-client", "stand-in-secret"),
            400,
            "invalid_scope",
        ),
    ],
)
def test_errors_are_those_of_rfc_6749(client, form, auth, status, error):
    answer = client.post("/token", data=form, auth=auth)
    assert (answer.status_code, answer.json()) == (status, {"error": error})


def test_introspection_knows_active_revoked_and_unknown_tokens(identity, client):
    def active(token):
        answer = client.post("/introspect", data={"token": token}, auth=(identity.client_id, identity.client_secret))
        return answer.json()

    signed, opaque = identity.token(), identity.opaque_token(sub="bob")
    assert active(signed)["sub"] == "alice"
    assert active(opaque)["sub"] == "bob"
    identity.revoke(opaque)
    for token in (opaque, "made-up", identity.token(exp=1), identity.opaque_token(exp=1)):
        assert active(token) == {"active": False}
    assert client.post("/introspect", data={"token": signed}).status_code == 401
