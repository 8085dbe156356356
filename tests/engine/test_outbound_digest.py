"""HTTP Digest out, against the examples of RFC 7616 and a server that does its own sums."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote
from urllib.request import parse_http_list

import httpx
import pytest
from consuming import consuming
from hypothesis import given
from hypothesis import strategies as st
from outbound import api
from starlette.responses import JSONResponse, RedirectResponse

from naftiko.engine.authentication.digest import Challenge, Session, parse_challenges, strongest
from naftiko.ground.errors import MissingVariable
from naftiko.testing import Answer, RecordedRequest, StandInUpstream

LOGIN = """
type: digest
username: "{{SHIP_USER}}"
password: "{{SHIP_PASSWORD}}"
"""
MUFASA = {"SHIP_USER": "Mufasa", "SHIP_PASSWORD": "Circle of Life"}


def challenge_of(header: str) -> Challenge:
    challenge = strongest(parse_challenges([header]))
    assert challenge is not None
    return challenge


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_example_3_9_1_of_the_rfc(algorithm, response):
    challenge = challenge_of(
        'Digest realm="http-auth@example.org", qop="auth, auth-int", '
        f'algorithm={algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
        'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    session = Session(challenge, "Mufasa", "Circle of Life", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")
    assert session.header("GET", "/dir/index.html") == (
        'Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", '
        f'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", response="{response}", algorithm={algorithm}, '
        'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", qop=auth, nc=00000001, '
        'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"'
    )


@pytest.mark.parametrize(
    ("userhash", "user"),
    [
        ("true", 'username="793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b", userhash=true'),
        ("false", "username*=UTF-8''J%C3%A4s%C3%B8n%20Doe"),
    ],
)
def test_example_3_9_2_of_the_rfc(userhash, user):
    """With the figures of its erratum 4897: those in the text are not of its inputs."""
    challenge = challenge_of(
        'Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, '
        'nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", '
        f'opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash={userhash}'
    )
    session = Session(challenge, "Jäsøn Doe", "Secret, or not?", "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v")
    header = session.header("GET", "/doe.json")
    assert header.startswith(f"Digest {user}, realm=")
    assert 'response="3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"' in header


@dataclass
class DigestServer:
    """A server that checks every proof by RFC 7616 chapter 3.4, and that no nonce count is used twice.

    Attributes:
        challenges: what it asks for; ``NONCE`` is replaced by a new nonce.
        uses: how many requests a nonce is good for.
        says_stale: whether it says so when it is used up.
    """

    challenges: list[str]
    user: str = "Mufasa"
    password: str = "Circle of Life"
    realm: str = "ships"
    uses: int = 1000
    says_stale: bool = True
    upstream: StandInUpstream = field(default_factory=StandInUpstream)
    counts: dict[str, list[int]] = field(default_factory=dict)
    fresh: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.upstream.on("*", "/{rest:path}", self.answer)

    def answer(self, request: RecordedRequest) -> Answer:
        given = request.headers.get("authorization", "")
        if given.startswith("Digest "):
            told = self._check(request, given.removeprefix("Digest "))
            return {"user": self.user} if told is None else self._ask(stale=told == "stale")
        return self._ask(stale=False)

    def _ask(self, *, stale: bool) -> Answer:
        nonce = f"nonce{next(self.fresh)}"
        self.counts[nonce] = []
        response = JSONResponse({"error": "who are you?"}, 401)
        for challenge in self.challenges:
            flag = ", stale=TRUE" if stale and self.says_stale else ""
            response.headers.append("www-authenticate", challenge.replace("NONCE", nonce) + flag)
        return response

    def _check(self, request: RecordedRequest, given: str) -> str | None:
        pairs = (part.split("=", 1) for part in parse_http_list(given))
        sent = {
            name: value[1:-1].replace('\\"', '"').replace("\\\\", "\\") if value[0] == '"' else value
            for name, value in pairs
        }
        seen = self.counts.get(sent["nonce"])
        if seen is None or len(seen) >= self.uses:
            return "stale"
        query = f"?{request.raw_query}" if request.raw_query else ""
        if sent["uri"] != request.raw_path + query or sent["realm"] != self.realm:
            return "wrong"
        count = int(sent.get("nc", "0"), 16)
        if "nc" in sent and count in seen:
            return "wrong"
        seen.append(count)
        named = unquote(sent["username*"].removeprefix("UTF-8''")) if "username*" in sent else sent["username"]
        return None if named == self.user and sent["response"] == self._proof(request.method, sent) else "wrong"

    def _proof(self, method: str, sent: dict[str, str]) -> str:
        algorithm = sent.get("algorithm", "MD5").lower()
        name = {"md5": "md5", "sha-256": "sha256", "sha-512-256": "sha512_256"}[algorithm.removesuffix("-sess")]

        def h(text: str) -> str:
            return hashlib.new(name, text.encode()).hexdigest()

        a1 = h(f"{self.user}:{self.realm}:{self.password}")
        if algorithm.endswith("-sess"):
            a1 = h(f"{a1}:{sent['nonce']}:{sent['cnonce']}")
        a2 = h(f"{method}:{sent['uri']}")
        if "qop" not in sent:
            return h(f"{a1}:{sent['nonce']}:{a2}")
        return h(f"{a1}:{sent['nonce']}:{sent['nc']}:{sent['cnonce']}:{sent['qop']}:{a2}")

    @property
    def proofs(self) -> list[bool]:
        """For each request, whether it carried a proof."""
        return ["authorization" in request.headers for request in self.upstream.requests]


PLAIN = 'Digest realm="ships", nonce="NONCE", qop="auth"'


@pytest.mark.parametrize(
    "challenge",
    [
        PLAIN,
        'Digest realm="ships", nonce="NONCE", qop="auth", algorithm=MD5, opaque="o/=="',
        'Digest realm="ships", nonce="NONCE", qop="auth,auth-int", algorithm=MD5-sess',
        'Digest realm="ships", nonce="NONCE", qop="auth-int, auth", algorithm=SHA-256',
        'digest qop=auth,algorithm="SHA-256-sess" , nonce="NONCE",realm = "ships"',
        'Digest realm="ships", nonce="NONCE", qop="auth", algorithm=SHA-512-256',
        'Digest realm="ships", nonce="NONCE"',
        'Digest realm="ships", nonce="NONCE", algorithm=MD5-sess',
        'Negotiate YII=, NTLM, Digest realm="ships", nonce="NONCE", qop="auth", Basic realm="a, b=\\"c\\""',
        'Basic realm="Digest realm=x", Digest realm="ships", nonce="NONCE", qop="auth"',
    ],
)
async def test_a_challenge_is_answered_and_later_calls_carry_the_proof_at_once(challenge):
    server = DigestServer([challenge])
    with server.upstream:
        async with api(server.upstream.url, LOGIN, MUFASA) as shipyard:
            for path in ("/ships", "/ships/a%2Fb%20c?q=x%20y&q=%7B1%7D", "/ships?page[token]=1"):
                assert (await shipyard.call("POST", path)).json() == {"user": "Mufasa"}
    assert server.proofs == [False, True, True, True]
    counts = list(server.counts["nonce0"])
    assert counts == ([1, 2, 3] if "qop" in challenge else [0, 0, 0])


@pytest.mark.parametrize("says_stale", [True, False])
async def test_a_nonce_that_is_used_up_is_replaced_within_the_call(says_stale):
    server = DigestServer([PLAIN], uses=2, says_stale=says_stale)
    with server.upstream:
        async with api(server.upstream.url, LOGIN, MUFASA) as shipyard:
            for _ in range(4):
                assert (await shipyard.call()).status_code == 200
    assert server.proofs == [False, True, True, True, True, True]
    assert [count for count in server.counts.values() if count] == [[1, 2], [1, 2]]


async def test_the_strongest_algorithm_that_can_be_done_is_taken():
    """Several challenges, the first of which nobody knows (RFC 7616 chapter 3.7)."""
    challenges = [
        f'Digest realm="ships", nonce="NONCE", qop="auth", algorithm={name}'
        for name in ("SHA3-512", "MD5", "SHA-256", "MD5-sess")
    ]
    for asked in (challenges, [", ".join(challenges)]):
        server = DigestServer(asked)
        with server.upstream:
            async with api(server.upstream.url, LOGIN, MUFASA) as shipyard:
                assert (await shipyard.call()).status_code == 200
            assert "algorithm=SHA-256," in server.upstream.requests[-1].headers["authorization"]


async def test_many_calls_at_once_share_a_nonce_and_never_a_count():
    server = DigestServer([PLAIN])
    with server.upstream:
        async with api(server.upstream.url, LOGIN, MUFASA) as shipyard:
            await shipyard.call()
            answers = await asyncio.gather(*(shipyard.call() for _ in range(40)))
    assert {answer.status_code for answer in answers} == {200}
    assert sorted(server.counts["nonce0"]) == list(range(1, 42))


async def test_many_first_calls_at_once():
    """Each is challenged with a nonce of its own; whichever is kept, all get through."""
    server = DigestServer([PLAIN])
    with server.upstream:
        async with api(server.upstream.url, LOGIN, MUFASA) as shipyard:
            answers = await asyncio.gather(*(shipyard.call() for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}


@pytest.mark.parametrize("user", ["Jäsøn Doe", 'quo"te\\d', "a:b"])
async def test_names_and_passwords_of_any_characters(user):
    server = DigestServer(
        ['Digest realm="the \\"ships\\"", nonce="NONCE", qop="auth", charset=UTF-8'],
        user=user,
        password='pä:"ss',
        realm='the "ships"',
    )
    with server.upstream:
        async with api(server.upstream.url, LOGIN, {"SHIP_USER": user, "SHIP_PASSWORD": 'pä:"ss'}) as shipyard:
            assert (await shipyard.call()).status_code == 200


async def test_a_wrong_password_is_tried_once_a_call():
    server = DigestServer([PLAIN])
    with server.upstream:
        async with api(server.upstream.url, LOGIN, {**MUFASA, "SHIP_PASSWORD": "wrong"}) as shipyard:
            assert (await shipyard.call()).status_code == 401
            assert server.proofs == [False, True]


@pytest.mark.parametrize(
    "challenge",
    [
        'Basic realm="ships"',
        'Digest realm="ships", nonce="n", algorithm=SHA3-512',
        'Digest realm="ships", nonce="n", qop="auth-int"',
        'Digest realm="ships", qop="auth"',
        'Digest nonce="n"',
        'Digest realm="sch\xf6n", nonce="n"',
        "Digest",
        'Digest realm="ships',
        ",,, =, Digest ,=",
        "",
    ],
)
async def test_what_can_not_be_answered_is_not_tried_again(challenge):
    upstream = StandInUpstream()
    upstream.on("GET", "/ships", lambda request: JSONResponse({}, 401, {"www-authenticate": challenge}))
    with upstream:
        async with api(upstream.url, LOGIN, MUFASA) as shipyard:
            assert (await shipyard.call()).status_code == 401
        assert len(upstream.requests) == 1


async def test_the_same_nonce_is_not_answered_twice():
    """A server whose nonce never changes and that refuses us is not asked again and again."""
    upstream = StandInUpstream()
    upstream.on("GET", "/ships", lambda request: JSONResponse({}, 401, {"www-authenticate": PLAIN}))
    with upstream:
        async with api(upstream.url, LOGIN, MUFASA) as shipyard:
            for _ in range(3):
                assert (await shipyard.call()).status_code == 401
        assert len(upstream.requests) == 4


async def test_a_missing_password_is_told_before_anything_is_sent():
    server = DigestServer([PLAIN])
    with server.upstream:
        async with api(server.upstream.url, LOGIN, {"SHIP_USER": "Mufasa"}) as shipyard:
            with pytest.raises(MissingVariable) as caught:
                await shipyard.call()
        assert caught.value.names == ("SHIP_PASSWORD",)
        assert server.proofs == []


@given(st.lists(st.text(alphabet='Digestrlmnoc=",\\ \t\x00é', max_size=60), max_size=3))
def test_no_header_breaks_the_reading_of_challenges(headers):
    assert all(isinstance(fields, dict) for fields in parse_challenges(headers))
    strongest(parse_challenges(headers))


def test_a_password_is_not_printed():
    assert "Circle" not in repr(Session(challenge_of(PLAIN), "Mufasa", "Circle of Life", "c"))


@pytest.mark.parametrize(("status", "method"), [(302, "GET"), (303, "POST"), (307, "GET"), (308, "POST")])
async def test_a_redirected_request_proves_its_own_url(status, method):
    """A digest holds for one method and one URL (RFC 7616 chapter 3.4); the page that redirects wants one as well."""
    server = DigestServer([PLAIN])
    answer = server.answer

    def moved(request: RecordedRequest) -> Answer:
        checked = answer(request)
        return checked if isinstance(checked, JSONResponse) else RedirectResponse("/ships/new?x=1", status)

    server.upstream.on(method, "/old", moved)
    login = {"type": "digest", "username": "Mufasa", "password": "Circle of Life"}
    with server.upstream:
        settings = {"base_uris": {"*": server.upstream.url}}
        async with consuming({"method": method}, path="/old", api={"authentication": login}, **settings) as capability:
            for _ in range(3):
                assert (await capability.units[0].run({})).value == {"user": "Mufasa"}
    assert server.proofs == [False, *[True] * 6]
    assert server.counts["nonce0"] == [1, 2, 3, 4, 5, 6]


async def test_a_redirect_to_where_the_first_challenge_is():
    server = DigestServer([PLAIN])
    server.upstream.on("GET", "/old", lambda _: RedirectResponse("/ships/new", 302))
    login = {"type": "digest", "username": "Mufasa", "password": "Circle of Life"}
    with server.upstream:
        settings = {"base_uris": {"*": server.upstream.url}}
        async with consuming(path="/old", api={"authentication": login}, **settings) as capability:
            assert (await capability.units[0].run({})).value == {"user": "Mufasa"}


async def test_another_client_agrees():
    """The Digest of httpx gets through the same server, so the server is no mirror of the code under test."""
    server = DigestServer(['Digest realm="ships", nonce="NONCE", qop="auth", algorithm=SHA-256'])
    with server.upstream:
        async with httpx.AsyncClient(auth=httpx.DigestAuth("Mufasa", "Circle of Life")) as client:
            assert (await client.get(f"{server.upstream.url}/ships?a=b")).json() == {"user": "Mufasa"}
