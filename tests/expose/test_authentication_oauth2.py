"""OAuth 2 resource server: JWTs of a real authorization server, on real sockets."""

from __future__ import annotations

import asyncio
import base64
import json
import math
import time

import httpx
import jwt
import pytest
from authentication_site import Site, assert_refused, challenges, made_guard
from cryptography.hazmat.primitives.asymmetric import rsa

from naftiko.expose.authentication import Credentials
from naftiko.expose.authentication.oauth2 import OAuth2Guard
from naftiko.testing.behaviour import Fail, Stall
from naftiko.testing.identity import StandInIdentityProvider

RESOURCE = "https://api.example.com/v1/orders"
METADATA_URL = "https://api.example.com/.well-known/oauth-protected-resource/v1/orders"


@pytest.fixture(scope="module")
def identity():
    with StandInIdentityProvider(audience=RESOURCE, scopes=("tools:list", "tools:execute")) as identity:
        yield identity


def oauth2(identity: StandInIdentityProvider, **keys):
    return {"type": "oauth2", "authorizationServerUri": "{{ISSUER}}", "resource": RESOURCE, **keys}


@pytest.fixture(scope="module")
def site(identity):
    keys = {"scopes": ["tools:list", "tools:execute"]}
    with Site(oauth2(identity, **keys), {"ISSUER": identity.url}) as site:
        yield site


def good(identity, **claims):
    return identity.token(**{"scope": "tools:list tools:execute", **claims})


def challenge_of(response: httpx.Response) -> str:
    (only,) = challenges(response)
    assert only.startswith('Bearer realm="naftiko"')
    assert f'resource_metadata="{METADATA_URL}"' in only
    assert 'scope="tools:list tools:execute"' in only
    return only


def test_no_token_gets_a_challenge_that_says_where_to_get_one_and_no_error(site):
    """RFC 6750, 3.1: who brings no token made no error. RFC 9728, 5.1: the metadata is named."""
    response = site.get()
    assert_refused(response, 401, "missing-credentials")
    assert "error" not in challenge_of(response)


def test_a_good_token_lets_in_its_subject_and_claims_and_does_not_go_on(site, identity):
    response = site.get("/orders", f"Bearer {good(identity, tenant='acme')}")
    assert response.status_code == 200
    seen = response.json()
    assert seen["principal"] == {"scheme": "oauth2", "subject": "alice"}
    assert seen["claims"]["tenant"] == "acme"
    assert "authorization" not in seen["headers"], "no token passthrough"


def test_a_token_of_the_token_endpoint_lets_in(site, identity):
    """The whole flow: client credentials for this resource (RFC 8707), then the call."""
    given = httpx.post(
        f"{identity.url}/token",
        data={"grant_type": "client_credentials", "resource": RESOURCE},
        auth=(identity.client_id, identity.client_secret),
        trust_env=False,
    ).json()
    response = site.get("/orders", f"{given['token_type']} {given['access_token']}")
    assert response.status_code == 200
    assert response.json()["principal"]["subject"] == identity.client_id


NOW = int(time.time())
"""When this file was read: minutes before its last test runs."""


def ago(seconds: int):
    """A time that many seconds before the test runs."""
    return lambda: int(time.time()) - seconds


BAD = {
    "expired": ({"exp": NOW - 60}, "Token expired"),
    "expired in 1970": ({"exp": 0}, "Token expired"),
    "without exp": ({"exp": None}, "Token without an expiry time"),
    "exp as text": ({"exp": str(NOW + 60)}, "Token without an expiry time"),
    "endless": ({"exp": math.inf}, "Token without an expiry time"),
    "exp is no number": ({"exp": math.nan}, "Token without an expiry time"),
    "exp is true": ({"exp": True}, "Token without an expiry time"),
    "of tomorrow": ({"nbf": NOW + 3600}, "Token not yet valid"),
    "of an odd day": ({"nbf": "now"}, "Token not yet valid"),
    "of another issuer": ({"iss": "https://evil.example"}, "Invalid issuer"),
    "without issuer": ({"iss": None}, "Invalid issuer"),
    "with a list of issuers": ({"iss": ["a"]}, "Invalid issuer"),
    "for another": ({"aud": "https://other.example"}, "Invalid audience"),
    "for nobody": ({"aud": None}, "Invalid audience"),
    "for an empty list": ({"aud": []}, "Invalid audience"),
    "for a part of the name": ({"aud": RESOURCE[:-1]}, "Invalid audience"),
}


@pytest.mark.parametrize(("claims", "description"), BAD.values(), ids=BAD)
def test_claims_that_do_not_fit_are_401_and_say_which(site, identity, claims, description):
    if "iss" in claims and isinstance(claims["iss"], list):  # PyJWT signs no such token
        token = _signed_raw(identity, identity.claims(scope="tools:list tools:execute", **claims))
    else:
        token = good(identity, **claims)
    response = site.get("/", f"Bearer {token}")
    assert_refused(response, 401, "invalid-token")
    assert f'error="invalid_token", error_description="{description}"' in challenge_of(response)


def _signed_raw(identity, claims):
    return jwt.api_jws.encode(
        json.dumps(claims).encode(), identity._keys[identity.kid], identity.algorithm, headers={"kid": identity.kid}
    )


GOOD = {
    "just expired": {"exp": ago(1)},
    "a moment early": {"nbf": ago(-20)},
    "a huge exp": {"exp": 10**400},
    "a list of audiences": {"aud": ["https://other.example", RESOURCE]},
    "an audience with a slash": {"aud": RESOURCE + "/"},
    "scp as a list": {"scope": None, "scp": ["tools:execute", "tools:list"]},
    "scp as text": {"scope": None, "scp": "tools:execute tools:list"},
    "more scopes": {"scope": "a tools:execute b tools:list c"},
    "no subject": {"sub": None},
}


@pytest.mark.parametrize("claims", GOOD.values(), ids=GOOD)
def test_clocks_may_differ_by_30_seconds_and_servers_in_how_they_write_claims(site, identity, claims):
    told = {name: claim() if callable(claim) else claim for name, claim in claims.items()}
    assert site.get("/", f"Bearer {good(identity, **told)}").status_code == 200


def test_a_slash_at_the_end_of_the_issuer_makes_no_difference(site, identity):
    assert site.get("/", f"Bearer {good(identity, iss=identity.url + '/')}").status_code == 200
    with Site(oauth2(identity), {"ISSUER": identity.url + "/"}) as other:
        assert other.get("/", f"Bearer {good(identity)}").status_code == 200


def test_an_explicit_audience_wins_over_the_resource(identity):
    with Site(oauth2(identity, audience="my-audience"), {"ISSUER": identity.url}) as site:
        assert site.get("/", f"Bearer {good(identity, aud='my-audience')}").status_code == 200
        assert_refused(site.get("/", f"Bearer {good(identity)}"), 401, "invalid-token")


@pytest.mark.parametrize("scope", ["tools:list", "", "tools:execution tools:list", None, 7])
def test_a_missing_scope_is_403_and_named(site, identity, scope):
    response = site.get("/", f"Bearer {good(identity, scope=scope)}")
    assert_refused(response, 403, "insufficient-scope")
    said = challenge_of(response)
    first = "tools:execute" if isinstance(scope, str) and "list" in scope else "tools:list"
    assert 'error="insufficient_scope"' in said
    assert f"error_description=\"Required scope '{first}' not present in token\"" in said


def part(document) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


MALFORMED = {
    "one word": "abc",
    "two parts": "a.b",
    "four parts": "a.b.c.d",
    "no base64": "ü.ü.ü".encode(),
    "no JSON": "YQ.YQ.YQ",
    "a list": f"{part([])}.{part({})}.YQ",
    "deep": base64.urlsafe_b64encode(b"[" * 9000).decode() + ".YQ.YQ",
    "a kid that is a number": f"{part({'alg': 'RS256', 'kid': 1})}.{part({})}.YQ",
    "an unknown crit": f"{part({'alg': 'RS256', 'crit': ['x'], 'x': 1})}.{part({})}.YQ",
    "long": "a" * 20_000,
}


@pytest.mark.parametrize("token", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_jwt_is_401(site, token):
    value = token if isinstance(token, bytes) else token.encode()
    response = site.get(headers=[(b"Authorization", b"Bearer " + value)])
    assert_refused(response, 401, "invalid-token")
    assert 'error_description="Token validation failed"' in challenge_of(response)


def forged(identity, how):
    claims = identity.claims(scope="tools:list tools:execute")
    foreign = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    if how == "foreign key":
        return jwt.encode(claims, foreign, "RS256", headers={"kid": identity.kid})
    if how == "foreign key of an unknown name":
        return jwt.encode(claims, foreign, "RS256", headers={"kid": "who"})
    if how == "none":
        return jwt.encode(claims, None, "none", headers={"kid": identity.kid})
    if how == "HMAC with the public key":  # the classic confusion: RFC 8725 chapter 2.1
        public = httpx.get(f"{identity.url}/jwks", trust_env=False).json()["keys"][0]
        return jwt.encode(claims, public["n"].encode(), "HS256", headers={"kid": identity.kid})
    if how == "the key for another algorithm":
        return jwt.encode(claims, identity._keys[identity.kid], "PS256", headers={"kid": identity.kid})
    if how == "changed claims":
        head, _, signature = identity.token(scope="").split(".")
        return f"{head}.{part(claims)}.{signature}"
    head, body, _ = good(identity).split(".")
    return f"{head}.{body}."


@pytest.mark.parametrize(
    "how",
    [
        "foreign key",
        "foreign key of an unknown name",
        "none",
        "HMAC with the public key",
        "the key for another algorithm",
        "changed claims",
        "no signature",
    ],
)
def test_forged_tokens_are_401(site, identity, how):
    response = site.get("/", f"Bearer {forged(identity, how)}")
    assert_refused(response, 401, "invalid-token")
    assert 'error_description="Signature verification failed"' in challenge_of(response)


@pytest.mark.parametrize("algorithm", ["RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA"])
def test_every_asymmetric_algorithm_is_taken(algorithm):
    with (
        StandInIdentityProvider(audience=RESOURCE, algorithm=algorithm) as identity,
        Site(oauth2(identity), {"ISSUER": identity.url}) as site,
    ):
        assert site.get("/", f"Bearer {identity.token()}").status_code == 200
        assert site.get("/", f"Bearer {identity.token(header={'kid': None})}").status_code == 200
        assert site.get("/", f"Bearer {identity.token()[:-8]}AAAAAAAA").status_code == 401


@pytest.mark.parametrize("payload", ["[]", "no JSON", "[" * 5000, "7"], ids=lambda text: text[:8])
def test_a_signed_token_whose_claims_are_no_object_is_401(site, identity, payload):
    token = jwt.api_jws.encode(
        payload.encode(), identity._keys[identity.kid], identity.algorithm, headers={"kid": identity.kid}
    )
    assert_refused(site.get("/", f"Bearer {token}"), 401, "invalid-token")


def test_a_key_for_encryption_verifies_nothing():
    with StandInIdentityProvider(audience=RESOURCE, algorithm="ES256") as identity:
        identity.on("GET", "/jwks", {"keys": [{**key, "use": "enc"} for key in identity._key_set()["keys"]]})
        with Site(oauth2(identity), {"ISSUER": identity.url}) as site:
            assert_refused(site.get("/", f"Bearer {identity.token()}"), 401, "invalid-token")


def test_a_key_that_is_too_short_verifies_nothing():
    """RSA under 2048 bits (RFC 7518 chapter 3.3)."""
    with StandInIdentityProvider(audience=RESOURCE) as identity:
        weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
        public = jwt.get_algorithm_by_name("RS256").to_jwk(weak.public_key(), as_dict=True)
        identity.on(
            "GET",
            "/jwks",
            {"keys": [{**public, "kid": "weak"}, "odd", {"kty": "RSA", "n": 1}, {"kty": "oct", "k": "YQ"}]},
        )
        with pytest.warns(jwt.InsecureKeyLengthWarning):
            token = jwt.encode(identity.claims(), weak, "RS256", headers={"kid": "weak"})
        with Site(oauth2(identity), {"ISSUER": identity.url}) as site:
            assert_refused(site.get("/", f"Bearer {token}"), 401, "invalid-token")


def test_only_openid_metadata_is_enough_and_keys_without_names_too():
    with StandInIdentityProvider(audience=RESOURCE, algorithm="ES256") as identity:
        identity.misbehave(Fail(404), path="/.well-known/oauth-authorization-server")
        keys = [{name: value for name, value in key.items() if name != "kid"} for key in identity._key_set()["keys"]]
        identity.on("GET", "/jwks", {"keys": keys})
        with Site(oauth2(identity), {"ISSUER": identity.url}) as site:
            assert site.get("/", f"Bearer {identity.token()}").status_code == 200


def test_metadata_of_another_issuer_is_not_used():
    """RFC 8414 chapter 3.3."""
    with StandInIdentityProvider(audience=RESOURCE, algorithm="ES256") as identity:
        for path in ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"):
            identity.on("GET", path, {"issuer": "https://evil.example", "jwks_uri": f"{identity.url}/jwks"})
        with Site(oauth2(identity), {"ISSUER": identity.url}) as site:
            response = site.get("/", f"Bearer {identity.token()}")
            assert_refused(response, 503, "authorization-server-unavailable")
            assert "of another issuer" in response.json()["detail"]


DOWN = {
    "answers 500": {"answer": Fail(500)},
    "is slow": {"answer": Stall(600)},
    "answers nonsense": {"answer": b"<html>"},
    "has no keys": {"answer": Fail(500), "path": "/jwks"},
    "names no key set": {"answer": {"issuer": None}},
    "names a key set that is no URL": {"answer": {"jwks_uri": "http://[::1"}},
    "has a deep document": {"answer": b"[" * 100_000},
}


@pytest.mark.parametrize("how", DOWN.values(), ids=DOWN)
def test_an_authorization_server_that_is_down_is_503_and_not_for_ever(how):
    with StandInIdentityProvider(audience=RESOURCE, algorithm="ES256") as identity:
        clock = Clock()
        made = guard_of(identity, clock)
        identity.misbehave(how["answer"], path=how.get("path"))
        started = time.monotonic()

        async def calls():
            first = await made.check(bearer(identity.token()))
            assert first is not None
            assert (first.status, first.kind) == (503, "authorization-server-unavailable")
            assert ("Retry-After", "5") in first.headers
            identity.behave()
            assert (await made.check(bearer(identity.token()))).status == 503, "within 5 s it is not asked again"
            clock.now += 6
            assert await made.check(bearer(identity.token())) is None

        asyncio.run(calls())
        assert time.monotonic() - started < 60


@pytest.mark.parametrize("issuer", ["not a url", "http://", "http://[::1", "ftp://id.example", "http://127.0.0.1:1"])
async def test_an_issuer_that_can_not_be_asked_is_503(issuer):
    made = made_guard({"type": "oauth2", "authorizationServerUri": issuer, "resource": RESOURCE})
    token = f"{part({'alg': 'RS256'})}.{part({})}.YQ"
    refusal = await made.check(bearer(token))
    assert refusal is not None
    assert (refusal.status, refusal.kind) == (503, "authorization-server-unavailable")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def guard_of(identity, clock, **options):
    made = made_guard(oauth2(identity), {"ISSUER": identity.url}, **options)
    assert isinstance(made, OAuth2Guard)
    made._clock = clock
    return made


def bearer(token: str) -> Credentials:
    return Credentials("GET", "/", b"", [(b"authorization", f"Bearer {token}".encode())])


def asked(identity, path: str) -> int:
    return sum(request.raw_path == path for request in identity.requests)


async def test_keys_are_kept_5_minutes_and_a_new_key_is_found_at_most_every_30_seconds():
    with StandInIdentityProvider(audience=RESOURCE, algorithm="ES256") as identity:
        clock = Clock()
        made = guard_of(identity, clock)
        old = identity.token()
        for _ in range(20):
            assert await made.check(bearer(old)) is None
        assert asked(identity, "/jwks") == 1

        identity.rotate(keep_old=True)
        new = identity.token()
        clock.now += 31
        assert await made.check(bearer(new)) is None, "an unknown kid is looked for"
        assert await made.check(bearer(old)) is None
        assert asked(identity, "/jwks") == 2

        for number in range(20):
            refusal = await made.check(bearer(identity.token(header={"kid": f"made-up-{number}"})))
            assert refusal is not None
            assert refusal.status == 401
        assert asked(identity, "/jwks") == 2, "made-up keys cause no flood"
        clock.now += 31
        assert (await made.check(bearer(identity.token(header={"kid": "made-up"})))).status == 401
        assert asked(identity, "/jwks") == 3

        identity.rotate()
        clock.now += 301
        assert (await made.check(bearer(new))).status == 401, "a withdrawn key is forgotten after 5 minutes"


async def test_an_unknown_key_while_the_server_is_down_is_503_and_known_ones_still_let_in():
    with StandInIdentityProvider(audience=RESOURCE, algorithm="ES256") as identity:
        clock = Clock()
        made = guard_of(identity, clock)
        known = identity.token()
        assert await made.check(bearer(known)) is None
        identity.rotate(keep_old=True)
        identity.misbehave(Fail(503))
        clock.now += 31
        assert (await made.check(bearer(identity.token()))).status == 503
        assert await made.check(bearer(known)) is None
        identity.behave()
        clock.now += 31
        assert await made.check(bearer(identity.token())) is None


async def test_many_at_once_cause_one_discovery_and_who_gives_up_does_not_end_it():
    with StandInIdentityProvider(audience=RESOURCE, algorithm="ES256") as identity:
        made = guard_of(identity, Clock())
        token = identity.token()
        impatient = asyncio.create_task(made.check(bearer(token)))
        await asyncio.sleep(0)
        waiting = [asyncio.create_task(made.check(bearer(token))) for _ in range(50)]
        await asyncio.sleep(0)
        impatient.cancel()
        assert await asyncio.gather(*waiting) == [None] * 50
        assert len(identity.requests) == 2


async def test_a_fetch_of_ones_own_is_used_and_its_errors_are_503():
    sent = []

    async def fetch(request: httpx.Request) -> httpx.Response:
        sent.append(str(request.url))
        raise httpx.ConnectError("refused")

    made = made_guard(
        {"type": "oauth2", "authorizationServerUri": "https://id.example/tenant", "resource": RESOURCE}, fetch=fetch
    )
    refusal = await made.check(bearer(f"{part({'alg': 'RS256'})}.{part({})}.YQ"))
    assert refusal is not None
    assert refusal.status == 503
    assert sent == ["https://id.example/.well-known/oauth-authorization-server/tenant"]


async def test_a_key_set_without_tls_of_an_issuer_with_tls_is_not_fetched():
    sent = []

    async def fetch(request: httpx.Request) -> httpx.Response:
        sent.append(str(request.url))
        return httpx.Response(200, json={"issuer": "https://id.example", "jwks_uri": "http://id.example/jwks"})

    made = made_guard(
        {"type": "oauth2", "authorizationServerUri": "https://id.example", "resource": RESOURCE}, fetch=fetch
    )
    refusal = await made.check(bearer(f"{part({'alg': 'RS256'})}.{part({})}.YQ"))
    assert refusal is not None
    assert "TLS" in refusal.detail
    assert sent == ["https://id.example/.well-known/oauth-authorization-server"]
