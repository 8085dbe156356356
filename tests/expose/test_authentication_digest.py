"""HTTP Digest (RFC 7616): real clients, replays, stale nonces."""

from __future__ import annotations

import hashlib
import re

import httpx
import pytest
from authentication_site import Site, assert_refused, challenges

from naftiko.expose.authentication.digest import DigestGuard
from naftiko.expose.authentication.nonces import Nonces
from naftiko.expose.authentication.scheme import Credentials, Principal

DIGEST = {"type": "digest", "username": "Mufasa", "password": "{{PASSWORD}}"}
KNOWN = {"PASSWORD": "Circle of Life"}


@pytest.fixture(scope="module")
def site():
    with Site(DIGEST, KNOWN) as site:
        yield site


def nonce_of(response: httpx.Response) -> str:
    return re.search(r'nonce="([^"]+)"', challenges(response)[0])[1]


def answer(
    nonce: str,
    uri: str = "/orders",
    *,
    method: str = "GET",
    algorithm: str = "SHA-256",
    user: str = "Mufasa",
    password: str = "Circle of Life",
    realm: str = "naftiko",
    nc: str = "00000001",
    **fields: str | None,
) -> str:
    """A client of RFC 7616 chapter 3.4, written for this test."""

    def hashed(text: str) -> str:
        return hashlib.new({"SHA-256": "sha256", "MD5": "md5"}[algorithm], text.encode()).hexdigest()

    key = hashed(f"{user}:{realm}:{password}")
    response = hashed(f"{key}:{nonce}:{nc}:cnonce:auth:{hashed(f'{method}:{uri}')}")
    said = {
        "username": f'"{user}"',
        "realm": f'"{realm}"',
        "uri": f'"{uri}"',
        "algorithm": algorithm,
        "nonce": f'"{nonce}"',
        "nc": nc,
        "cnonce": '"cnonce"',
        "qop": "auth",
        "response": f'"{response}"',
        **fields,
    }
    return "Digest " + ", ".join(f"{name}={value}" for name, value in said.items() if value is not None)


def test_a_request_without_credentials_is_offered_sha_256_first_and_md5(site):
    response = site.get()
    assert_refused(response, 401, "missing-credentials")
    nonce = nonce_of(response)
    assert challenges(response) == [
        f'Digest realm="naftiko", qop="auth", nonce="{nonce}", algorithm={name}, charset=UTF-8'
        for name in ("SHA-256", "MD5")
    ]


def test_httpx_logs_in(site):
    """Httpx's Digest client is not ours: both read RFC 7616 alike."""
    auth = httpx.DigestAuth("Mufasa", "Circle of Life")
    for target in ("/orders", "/orders?page=1&q=%2F", "/a%2Fb"):
        response = site.get(target, auth=auth)
        assert response.status_code == 200
        assert response.json()["principal"] == {"scheme": "digest", "subject": "Mufasa"}
    assert site.get(auth=httpx.DigestAuth("Mufasa", "wrong")).status_code == 401
    assert site.get(auth=httpx.DigestAuth("Scar", "Circle of Life")).status_code == 401


@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5"])
def test_both_algorithms_let_in_and_no_algorithm_is_md5(site, algorithm):
    nonce = nonce_of(site.get())
    assert site.get("/orders", answer(nonce, algorithm=algorithm)).status_code == 200
    if algorithm == "MD5":
        header = answer(nonce, algorithm="MD5", nc="00000002").replace("algorithm=MD5, ", "")
        assert site.get("/orders", header).status_code == 200


def test_a_replay_is_refused_as_stale(site):
    header = answer(nonce_of(site.get()))
    assert site.get("/orders", header).status_code == 200
    replayed = site.get("/orders", header)
    assert_refused(replayed, 401, "stale-nonce")
    assert all(challenge.endswith("stale=true") for challenge in challenges(replayed))


def test_counts_may_come_out_of_order_each_once(site):
    """Several connections share a nonce: a later count may overtake an earlier one."""
    nonce = nonce_of(site.get())
    statuses = [site.get("/orders", answer(nonce, nc=nc)).status_code for nc in ("00000003", "00000001", "00000002")]
    assert statuses == [200, 200, 200]
    assert site.get("/orders", answer(nonce, nc="00000002")).status_code == 401
    assert site.get("/orders", answer(nonce, nc="00000000")).status_code == 401


def test_a_right_answer_to_a_nonce_that_is_not_ours_is_stale_a_wrong_one_is_not(site):
    """RFC 7616, 3.3: after a restart a client must not ask its user for the password again."""
    stale = site.get("/orders", answer("bm90IG91cnM"))
    assert_refused(stale, 401, "stale-nonce")
    assert site.get("/orders", answer(nonce_of(stale))).status_code == 200
    wrong = site.get("/orders", answer("bm90IG91cnM", password="wrong"))
    assert_refused(wrong, 401, "wrong-credentials")
    assert not any("stale" in challenge for challenge in challenges(wrong))


@pytest.mark.parametrize(
    "changed",
    [
        {"uri": "/other"},
        {"method": "POST"},
        {"realm": "elsewhere"},
        {"nc": "1"},
        {"nc": "zzzzzzzz"},
        {"qop": "auth-int"},
        {"cnonce": None},
        {"cnonce": '""'},
        {"response": '""'},
        {"response": '"ü"'},
        {"username": None},
        {"username*": "UTF-8''Mufasa"},
        {"username": None, "username*": "latin-1''Mufasa"},
        {"opaque": '"unbalanced'},
        {"uri ": '"/orders"'},
    ],
    ids=str,
)
def test_answers_that_do_not_fit_the_request_are_refused(site, changed):
    made_of = {name: value for name, value in changed.items() if name in ("uri", "method", "realm", "nc")}
    fields = {name: value for name, value in changed.items() if name not in made_of}
    header = answer(nonce_of(site.get()), **made_of, **fields)
    assert site.get(headers=[(b"Authorization", header.encode("latin-1"))]).status_code == 401


@pytest.mark.parametrize(
    "header", ["Digest", "Digest ,", "Digest x", 'Digest a="b', "Digest a=b, a=c", "Digest =", 'Digest a="\\']
)
def test_broken_answers_are_refused(site, header):
    assert_refused(site.get("/orders", header), 401, "malformed-credentials")


def test_an_algorithm_that_was_not_offered_is_refused(site):
    header = answer(nonce_of(site.get())).replace("algorithm=SHA-256", "algorithm=SHA-512-256")
    assert_refused(site.get("/orders", header), 401, "malformed-credentials")


def test_an_absolute_uri_and_an_extended_user_name_are_understood():
    with Site({"type": "digest", "username": "Jäger", "password": "pw"}) as site:
        uri = f"{site.url}/orders"
        nonce = nonce_of(site.get())
        header = answer(nonce, uri, user="Jäger", password="pw", username=None, **{"username*": "UTF-8''J%C3%A4ger"})
        assert site.get("/orders", header).status_code == 200
        plain = answer(nonce, user="Jäger", password="pw", nc="00000002")
        assert site.get(headers=[(b"Authorization", plain.encode())]).status_code == 200


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def secret(value: str):
    return lambda _: value


async def test_a_nonce_expires_after_5_minutes():
    clock = Clock()
    made = DigestGuard({"username": secret("Mufasa"), "password": secret("Circle of Life")}, None, clock=clock)

    async def call(nonce: str, nc: str):
        header = answer(nonce, nc=nc).encode()
        return await made.identify(Credentials("GET", "/orders", b"", [(b"authorization", header)]))

    refusal = await made.check(Credentials("GET", "/orders", b"", []))
    nonce = re.search(r'nonce="([^"]+)"', refusal.headers[0][1])[1]
    clock.now += 299
    assert isinstance(await call(nonce, "00000001"), Principal)
    clock.now += 2
    assert (await call(nonce, "00000002")).kind == "stale-nonce"


def test_nonces_that_are_not_used_take_no_memory_and_used_ones_are_bounded():
    clock = Clock()
    nonces = Nonces(None, clock, life=300, most=10)
    for _ in range(1000):
        nonces.issue()
    assert not nonces._used
    made = []
    for _ in range(30):
        clock.now += 1
        made.append(nonces.issue())
        assert nonces.use(made[-1], 1)
    assert len(nonces._used) == 10
    assert not any(nonces.use(nonce, count) for nonce in made[:20] for count in (1, 2)), "a forgotten nonce is not new"
    assert all(nonces.use(nonce, 2) for nonce in made[20:])


def test_a_count_that_is_far_behind_is_refused():
    nonces = Nonces(None, Clock())
    nonce = nonces.issue()
    assert nonces.use(nonce, 0xFFFFFFFF)
    assert not nonces.use(nonce, 1)
    assert nonces.use(nonce, 0xFFFFFFFF - 127)
    assert not nonces.use(nonce, 0xFFFFFFFF - 128)
    assert not nonces.use(nonce, 0xFFFFFFFF - 127)


def test_a_nonce_is_taken_in_one_spelling_only_and_by_who_shares_the_key():
    clock = Clock()
    nonces = Nonces(b"k" * 32, clock)
    nonce = nonces.issue()
    for spelling in (nonce + "=", nonce + "==", nonce[:-1], "x" + nonce, nonce + "\n", nonce.swapcase(), "", "ü"):
        assert not nonces.use(spelling, 1)
    last = nonce[-1]
    for other in set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") - {last}:
        assert not nonces.use(nonce[:-1] + other, 1)
    assert Nonces(b"k" * 32, clock).use(nonce, 1)
    assert not Nonces(None, clock).use(nonce, 1)
