"""OAuth 2 with ``tokenValidation: introspection`` (RFC 7662)."""

from __future__ import annotations

import asyncio
import time

import pytest
from authentication_site import Site, assert_refused, challenges, made_guard

from naftiko.expose.authentication import Credentials
from naftiko.expose.authentication.fair_queue import FairQueue, QueueFull, neighbourhood
from naftiko.testing.behaviour import Fail
from naftiko.testing.identity import StandInIdentityProvider

RESOURCE = "https://api.example.com"
CLIENT = {"INTROSPECTION_CLIENT_ID": "naftiko client", "INTROSPECTION_CLIENT_SECRET": "se:cret&ü"}


@pytest.fixture
def identity():
    made = StandInIdentityProvider(
        audience=RESOURCE, algorithm="ES256", client_id="naftiko client", client_secret="se:cret&ü"
    )
    with made as identity:
        yield identity


def authentication(identity, **keys):
    return {
        "type": "oauth2",
        "authorizationServerUri": identity.url,
        "resource": RESOURCE,
        "tokenValidation": "introspection",
        **keys,
    }


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def clocked(identity, clock, variables=None, **keys):
    made = made_guard(authentication(identity, **keys), variables or CLIENT)
    made._clock = clock
    made._wall_clock = lambda: time.time() + clock.now - 1000.0
    return made


def bearer(token: str) -> Credentials:
    return Credentials("GET", "/", b"", [(b"authorization", f"Bearer {token}".encode())])


def introspections(identity):
    return [request for request in identity.requests if request.raw_path == "/introspect"]


def test_opaque_tokens_are_introspected_as_the_configured_client(identity):
    with Site(authentication(identity, scopes=["read"]), CLIENT) as site:
        response = site.get("/", f"Bearer {identity.opaque_token(scope='read write', sub='bob')}")
        assert response.status_code == 200
        assert response.json()["principal"] == {"scheme": "oauth2", "subject": "bob"}
        assert "authorization" not in response.json()["headers"]
        unknown = site.get("/", "Bearer made-up")
        assert_refused(unknown, 401, "invalid-token")
        assert 'error_description="Token is not active"' in challenges(unknown)[0]
        missing = site.get("/", f"Bearer {identity.opaque_token(scope='write')}")
        assert_refused(missing, 403, "insufficient-scope")
        assert site.get("/", f"Bearer {identity.token(scope='read')}").status_code == 200, "a JWT is a token as well"


@pytest.mark.parametrize(
    ("claims", "description"),
    [
        ({"aud": "https://other.example"}, "Invalid audience"),
        ({"iss": "https://evil.example"}, "Invalid issuer"),
        ({"nbf": time.time() + 3600}, "Token not yet valid"),
        ({"exp": "never"}, "Token without an expiry time"),
    ],
)
async def test_what_the_server_says_of_an_active_token_must_fit(identity, claims, description):
    claims = {"exp": None, **claims} if "exp" not in claims else claims
    token = identity.opaque_token()
    identity.on("POST", "/introspect", {"active": True, "iss": identity.url, "aud": RESOURCE, **claims})
    refusal = await clocked(identity, Clock()).check(bearer(token))
    assert refusal is not None
    assert description in refusal.detail


async def test_a_server_that_leaves_out_audience_issuer_and_expiry_has_judged_them_unless_the_file_names_an_audience(
    identity,
):
    identity.on("POST", "/introspect", {"active": True})
    assert await clocked(identity, Clock()).check(bearer("x")) is None
    refusal = await clocked(identity, Clock(), audience="mine").check(bearer("x"))
    assert refusal is not None
    assert "Invalid audience" in refusal.detail


async def test_answers_are_kept_60_seconds_yes_and_no(identity):
    clock = Clock()
    made = clocked(identity, clock)
    token = identity.opaque_token()
    for _ in range(10):
        assert await made.check(bearer(token)) is None
        assert (await made.check(bearer("made-up"))).status == 401
    assert len(introspections(identity)) == 2
    identity.revoke(token)
    clock.now += 59
    assert await made.check(bearer(token)) is None
    clock.now += 2
    assert (await made.check(bearer(token))).status == 401
    assert (await made.check(bearer("made-up"))).status == 401
    assert len(introspections(identity)) == 4


async def test_an_answer_is_not_kept_past_the_tokens_expiry(identity):
    clock = Clock()
    made = clocked(identity, clock)
    token = identity.opaque_token(exp=int(time.time()) + 55)  # answers are kept for 60 seconds
    assert await made.check(bearer(token)) is None
    clock.now += 56
    await made.check(bearer(token))
    assert len(introspections(identity)) == 2, "it is asked about again once it has expired"


async def test_a_flood_of_made_up_tokens_is_bounded_and_pushes_out_no_real_one(identity, monkeypatch):
    monkeypatch.setattr("naftiko.expose.authentication.introspection._MOST_ANSWERS", 5)
    made = clocked(identity, Clock())
    token = identity.opaque_token()
    assert await made.check(bearer(token)) is None
    for number in range(12):
        assert (await made.check(bearer(f"made-up-{number}"))).status == 401
    identity.clear()
    assert await made.check(bearer(token)) is None
    assert introspections(identity) == []
    assert len(made._known[1]._inactive._kept) == 5


async def test_many_calls_with_one_token_ask_once(identity):
    made = clocked(identity, Clock())
    token = identity.opaque_token()
    assert await asyncio.gather(*(made.check(bearer(token)) for _ in range(40))) == [None] * 40
    assert len(introspections(identity)) == 1


def from_address(token: str, address: str) -> Credentials:
    return Credentials("GET", "/", b"", [(b"authorization", f"Bearer {token}".encode())], address)


def slow(identity, seconds: float) -> None:
    async def late(request):
        await asyncio.sleep(seconds)
        return identity._introspect(request)

    identity.misbehave(late, path="/introspect")


async def test_more_tokens_than_are_asked_about_at_once_wait(identity, monkeypatch):
    monkeypatch.setattr("naftiko.expose.authentication.introspection._MOST_FLIGHTS", 3)
    made = clocked(identity, Clock())
    refusals = await asyncio.gather(*(made.check(bearer(f"token-{number}")) for number in range(20)))
    assert [refusal.status for refusal in refusals] == [401] * 20
    assert len(introspections(identity)) == 20


async def test_a_flood_of_made_up_tokens_locks_nobody_out(identity, monkeypatch):
    """Of one address, which waits behind itself; whoever was let in before doesn't wait at all."""
    monkeypatch.setattr("naftiko.expose.authentication.introspection._MOST_FLIGHTS", 3)
    clock = Clock()
    made = clocked(identity, clock)
    known, fresh, beside = (identity.opaque_token() for _ in range(3))
    assert await made.check(from_address(known, "192.0.2.1")) is None
    clock.now += 61
    slow(identity, 0.2)
    flood = [asyncio.create_task(made.check(from_address(f"made-up-{at}", "192.0.2.66"))) for at in range(30)]
    await asyncio.sleep(0.05)
    same = asyncio.create_task(made.check(from_address(beside, "192.0.2.66")))
    assert await made.check(from_address(fresh, "192.0.2.2")) is None
    assert await made.check(from_address(known, "192.0.2.66")) is None
    assert sum(task.done() for task in flood) <= 15
    assert await same is None
    assert {refusal.status for refusal in await asyncio.gather(*flood)} == {401}


async def come(turns: FairQueue, address: str) -> str:
    try:
        async with turns.turn(address):
            await asyncio.sleep(0.01)
    except QueueFull:
        return "sent away"
    return "served"


async def test_lines_are_bounded_and_the_longest_is_cut():
    turns = FairQueue(1, waiting=4, patience=10)
    addresses = [*["192.0.2.66"] * 6, "192.0.2.1", "2001:db8::1"]
    came = [asyncio.create_task(come(turns, address)) for address in addresses]
    assert [await each for each in came] == [*["served"] * 3, *["sent away"] * 3, "served", "served"]


async def test_who_waits_too_long_or_leaves_takes_no_place():
    turns = FairQueue(1, patience=0.1)
    async with turns.turn(""):
        late = [asyncio.create_task(come(turns, "192.0.2.1")) for _ in range(3)]
        await asyncio.sleep(0)
        late[0].cancel()
        assert await asyncio.gather(*late[1:]) == ["sent away"] * 2
    assert await come(turns, "192.0.2.1") == "served"
    assert not turns._waiting


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("unix", "", False),
    ],
)
def test_addresses_of_one_caller(one, other, same):
    assert (neighbourhood(one) == neighbourhood(other)) is same


@pytest.mark.parametrize("answer", [Fail(500), Fail(429), b"no", {"active": "yes"}, {}, []], ids=str)
async def test_a_server_that_does_not_say_is_503_and_is_asked_again(identity, answer):
    made = clocked(identity, Clock())
    token = identity.opaque_token()
    identity.misbehave(answer, path="/introspect")
    refusal = await made.check(bearer(token))
    assert refusal is not None
    assert (refusal.status, refusal.kind) == (503, "authorization-server-unavailable")
    assert dict(refusal.headers)["Retry-After"] == "5"
    identity.behave()
    assert await made.check(bearer(token)) is None


async def test_credentials_of_ours_that_the_server_refuses_are_503_since_the_caller_is_not_at_fault(identity):
    wrong = {**CLIENT, "INTROSPECTION_CLIENT_SECRET": "wrong"}
    refusal = await clocked(identity, Clock(), wrong).check(bearer(identity.opaque_token()))
    assert refusal is not None
    assert refusal.status == 503
    assert "client credentials" in refusal.detail
    assert "wrong" not in refusal.detail


async def test_the_client_may_be_in_the_file_and_a_missing_one_is_named(identity):
    keys = {"clientId": "{{ID}}", "clientSecret": "{{SECRET}}"}
    known = {"ID": identity.client_id, "SECRET": identity.client_secret}
    assert await clocked(identity, Clock(), known, **keys).check(bearer(identity.opaque_token())) is None
    refusal = await clocked(identity, Clock(), {"INTROSPECTION_CLIENT_ID": "x"}).check(bearer("x"))
    assert refusal is not None
    assert (refusal.status, refusal.kind) == (503, "missing-variable")
    assert "INTROSPECTION_CLIENT_SECRET" in refusal.detail


async def test_a_server_without_introspection_is_503(identity):
    for path in ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"):
        identity.on("GET", path, {"issuer": identity.url})
    refusal = await clocked(identity, Clock()).check(bearer("x"))
    assert refusal is not None
    assert "introspection_endpoint" in refusal.detail
