"""Basic, bearer and API keys: what is expected never changes."""

from __future__ import annotations

import base64
import hmac

import pytest
from authentication_site import Site, assert_refused, challenges, made_guard

from naftiko.expose.authentication import Credentials, guard

BASIC = {"type": "basic", "username": "{{WHO}}", "password": "{{PASSWORD}}"}
KNOWN = {"WHO": "alice", "PASSWORD": "wünsche:viel"}


def basic(pair: str) -> str:
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


@pytest.fixture(scope="module")
def basic_site():
    with Site(BASIC, KNOWN) as site:
        yield site


@pytest.fixture(scope="module")
def bearer_site():
    with Site({"type": "bearer", "token": "{{MCP_SERVER_TOKEN}}"}, {"MCP_SERVER_TOKEN": "secret-token-123"}) as site:
        yield site


def test_basic_lets_in_the_right_user_with_a_password_that_is_utf_8_and_has_a_colon(basic_site):
    response = basic_site.get("/orders", basic("alice:wünsche:viel"))
    assert response.status_code == 200
    assert response.json()["principal"] == {"scheme": "basic", "subject": "alice"}


@pytest.mark.parametrize("word", ["basic", "BASIC", "bAsIc"])
def test_the_scheme_is_case_insensitive(basic_site, word):
    assert basic_site.get("/", f"{word}   {basic('alice:wünsche:viel').split()[1]}").status_code == 200


@pytest.mark.parametrize("pair", ["alice:wrong", "bob:wünsche:viel", "alice:", ":", "alice", "", "alice:wünsche:viel "])
def test_basic_says_the_same_to_an_unknown_user_and_to_a_wrong_password(basic_site, pair):
    response = basic_site.get("/", basic(pair) if pair else "Basic")
    kind = "wrong-credentials" if pair else "malformed-credentials"
    assert_refused(response, 401, kind)
    assert challenges(response) == ['Basic realm="naftiko", charset="UTF-8"']
    if pair:
        assert response.json()["detail"] == "the user name or the password is wrong"


@pytest.mark.parametrize("credentials", ["Basic ***", "Basic YWxpY2U", "Basic ü"])
def test_basic_wants_base64(basic_site, credentials):
    assert_refused(basic_site.get(headers=[(b"Authorization", credentials.encode())]), 401, "malformed-credentials")


def test_no_credentials_several_of_them_and_those_of_another_scheme_are_told_apart(basic_site):
    good = basic("alice:wünsche:viel")
    assert_refused(basic_site.get(), 401, "missing-credentials")
    twice = basic_site.get("/", good, good)
    assert_refused(twice, 401, "malformed-credentials")
    assert "several Authorization headers" in twice.json()["detail"]
    assert_refused(basic_site.get("/", f"Bearer {good.split()[1]}"), 401, "malformed-credentials")


def test_a_file_may_have_basics_pair_as_its_token():
    for token in ("alice:pw", base64.b64encode(b"alice:pw").decode()):
        with Site({"type": "basic", "token": "{{PAIR}}"}, {"PAIR": token}) as site:
            assert site.get("/", basic("alice:pw")).status_code == 200
            assert site.get("/", basic("alice:no")).status_code == 401


def test_bearer_lets_in_who_has_the_token(bearer_site):
    response = bearer_site.get("/", "Bearer secret-token-123")
    assert response.status_code == 200
    assert response.json()["principal"] == {"scheme": "bearer", "subject": None}


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS", "PUT"])
def test_bearer_refuses_every_method_without_a_token_or_with_a_wrong_one(bearer_site, method):
    missing = bearer_site.client.request(method, "/mcp", content=b"x" * 100_000)
    assert_refused(missing, 401, "missing-credentials")
    assert challenges(missing) == ['Bearer realm="naftiko"']
    wrong = bearer_site.client.request(method, "/mcp", headers={"Authorization": "Bearer wrong"})
    assert_refused(wrong, 401, "wrong-credentials")
    assert challenges(wrong) == [
        'Bearer realm="naftiko", error="invalid_token", error_description="The token is not valid"'
    ]


@pytest.mark.parametrize(
    "value", ["secret-token-123", "Token secret-token-123", "Bearer", "Bearer secret-token-1234", ""]
)
def test_the_token_alone_another_scheme_and_a_longer_token_are_refused(bearer_site, value):
    assert bearer_site.get("/", value).status_code == 401


def test_a_token_that_is_configured_with_its_scheme_is_meant_without():
    with Site({"type": "bearer", "token": "Bearer abc"}) as site:
        assert site.get("/", "Bearer abc").status_code == 200
        assert site.get("/", "Bearer Bearer abc").status_code == 401


def test_an_api_key_is_in_a_header_by_default():
    with Site({"type": "apikey", "key": "X-MCP-Key", "value": "abc-key-456"}) as site:
        response = site.get(headers=[("x-mcp-key", "abc-key-456")])
        assert response.status_code == 200
        assert "x-mcp-key" not in response.json()["headers"], "the caller's key must not reach an upstream"
        missing = site.get("/?X-MCP-Key=abc-key-456")
        assert_refused(missing, 401, "missing-credentials")
        assert challenges(missing) == ['ApiKey realm="naftiko", in="header", name="X-MCP-Key"']
        assert_refused(site.get(headers=[("X-MCP-Key", "abc")]), 401, "wrong-credentials")
        assert_refused(site.get(headers=[("X-MCP-Key", "")]), 401, "missing-credentials")
        twice = site.get(headers=[("X-MCP-Key", "abc-key-456"), ("X-MCP-Key", "other")])
        assert_refused(twice, 401, "malformed-credentials")


def test_an_api_key_without_a_name_is_x_api_key():
    with Site({"type": "apikey", "value": "abc"}) as site:
        assert site.get(headers=[("X-API-Key", "abc")]).status_code == 200


def test_an_api_key_in_the_query_is_decoded_and_taken_out_of_what_goes_on():
    with Site({"type": "apikey", "key": "api key", "value": "a&b ü", "placement": "query"}) as site:
        response = site.get("/orders?page=1&api%20key=a%26b+%C3%BC&x=%2F&y")
        assert response.status_code == 200
        assert response.json()["query"] == "page=1&x=%2F&y", "the other parameters stay byte for byte"
        assert_refused(site.get("/orders?api+key=wrong"), 401, "wrong-credentials")
        assert_refused(site.get("/orders", headers=[("api-key", "a&b")]), 401, "missing-credentials")
        twice = site.get("/?api+key=a%26b+%C3%BC&api%20key=a%26b+%C3%BC")
        assert_refused(twice, 401, "malformed-credentials")
        assert challenges(twice) == ['ApiKey realm="naftiko", in="query", name="api key"']


def test_all_headers_of_a_map_must_fit():
    with Site({"type": "apikey", "headers": {"X-Id": "{{ID}}", "X-Key": "{{KEY}}"}}, {"ID": "me", "KEY": "k"}) as site:
        assert site.get(headers=[("X-Id", "me"), ("X-Key", "k")]).status_code == 200
        assert_refused(site.get(headers=[("X-Id", "me"), ("X-Key", "no")]), 401, "wrong-credentials")
        assert_refused(site.get(headers=[("X-Id", "no"), ("X-Key", "k")]), 401, "wrong-credentials")
        missing = site.get(headers=[("X-Id", "me")])
        assert_refused(missing, 401, "missing-credentials")
        assert len(challenges(missing)) == 2


SCHEMES = [
    (BASIC, ("WHO", "PASSWORD"), basic(":")),
    ({"type": "bearer", "token": "{{TOKEN}}"}, ("TOKEN",), "Bearer {{TOKEN}}"),
    ({"type": "apikey", "key": "Authorization", "value": "{{KEY}}"}, ("KEY",), "{{KEY}}"),
    ({"type": "digest", "username": "{{WHO}}", "password": "{{PASSWORD}}"}, ("WHO", "PASSWORD"), "Digest nonce=x"),
    (
        {"type": "oauth2", "authorizationServerUri": "{{ISSUER}}", "resource": "https://r.example"},
        ("ISSUER",),
        "Bearer e30.e30.e30",
    ),
]


@pytest.mark.parametrize(("authentication", "names", "sent"), SCHEMES, ids=lambda value: str(value)[:24])
def test_a_missing_variable_refuses_with_503_names_it_and_never_lets_in(authentication, names, sent):
    known = dict.fromkeys(names[1:], "x")
    with Site(authentication, known) as site:
        for response in (site.get(), site.get("/", sent)):
            assert_refused(response, 503, "missing-variable")
            assert names[0] in response.json()["detail"]


EMPTY = [
    ({"type": "basic", "username": "", "password": ""}, basic(":")),
    ({"type": "basic", "username": "alice"}, basic("alice:")),
    ({"type": "basic", "token": "not base64!"}, basic(":")),
    ({"type": "basic", "token": "alice:"}, basic("alice:")),
    ({"type": "basic"}, basic(":")),
    ({"type": "bearer", "token": ""}, "Bearer "),
    ({"type": "bearer", "token": " "}, "Bearer  "),
    ({"type": "bearer"}, "Bearer"),
    ({"type": "apikey", "key": "Authorization", "value": ""}, ""),
    ({"type": "apikey", "key": "Authorization"}, ""),
    ({"type": "apikey", "headers": {"Authorization": ""}}, ""),
    ({"type": "digest", "username": "alice", "password": ""}, "Digest"),
    ({"type": "oauth2", "authorizationServerUri": "https://id.example"}, "Bearer e30.e30.e30"),
    ({"type": "oauth2", "resource": "https://r.example"}, "Bearer e30.e30.e30"),
]


@pytest.mark.parametrize(("authentication", "sent"), EMPTY, ids=str)
async def test_an_empty_secret_lets_nobody_in(authentication, sent):
    """Not even who sends nothing, or just as empty a credential."""
    made = made_guard(authentication)
    for headers in ([], [(b"authorization", sent.encode())]):
        refusal = await made.check(Credentials("GET", "/", b"", headers))
        assert refusal is not None
        assert (refusal.status, refusal.kind) == (503, "authentication-incomplete")


async def test_an_unknown_scheme_lets_nobody_in():
    for authentication in ({"type": "awsSigV4", "region": "eu"}, {"token": "abc"}):
        refusal = await made_guard(authentication).check(
            Credentials("GET", "/", b"", [(b"authorization", b"Bearer abc")])
        )
        assert refusal is not None
        assert (refusal.status, refusal.kind) == (503, "unknown-authentication")


def test_no_authentication_needs_no_guard():
    assert guard(None, {}, None) is None


@pytest.mark.parametrize(
    ("authentication", "given"),
    [
        ({"type": "basic", "username": "alice", "password": "pw"}, [basic("bob:pw"), basic("alice:no"), basic("x:y")]),
        ({"type": "bearer", "token": "abc"}, ["Bearer a", "Bearer abcd", "Bearer abd"]),
        ({"type": "apikey", "key": "Authorization", "value": "abc"}, ["a", "abcd", "abd"]),
    ],
    ids=["basic", "bearer", "apikey"],
)
async def test_secrets_are_compared_in_constant_time(monkeypatch, authentication, given):
    """White box: every wrong credential takes one comparison, of two hashes, by ``compare_digest``."""
    made = made_guard(authentication)
    compared = []
    real = hmac.compare_digest

    def spy(one, other):
        compared.append((len(one), len(other)))
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", spy)
    for value in given:
        compared.clear()
        refusal = await made.check(Credentials("GET", "/", b"", [(b"authorization", value.encode())]))
        assert refusal is not None
        assert compared == [(32, 32)]


def test_what_a_refusal_and_a_repr_say_holds_no_secret(basic_site):
    secret = "wünsche:viel"
    response = basic_site.get("/", basic("alice:almost-" + secret))
    assert "wünsche" not in response.text + str(response.headers)
    request = Credentials("GET", "/", b"key=abc", [(b"authorization", b"Bearer abc")])
    assert "abc" not in repr(request)
