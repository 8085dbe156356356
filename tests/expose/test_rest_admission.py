"""Without a good credential an adapter that asks for one tells nothing: every path under it is refused alike."""

from __future__ import annotations

import pytest
from rest_serving import assert_problem, client_of, in_process, rest_capability, route

from naftiko.expose.rest.options import RestOptions

BEARER = {"authentication": {"type": "bearer", "token": "secret-token-123"}}
GOOD = {"authorization": "Bearer secret-token-123"}
BASIC = {"authentication": {"type": "basic", "username": "ada", "password": "pass-word"}}
GOOD_BASIC = ("ada", "pass-word")
MOCK = {"call": None, "outputParameters": [{"name": "ok", "type": "string", "value": "yes"}]}
WRONG = [{}, {"authorization": "Bearer wrong"}, {"authorization": "Basic YTpi"}]


def front(*routes, **adapter):
    return rest_capability(routes or [route("/things/{id}", **MOCK)], adapter=adapter)


@pytest.mark.parametrize("headers", WRONG)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/things/1"),
        ("POST", "/things/1"),
        ("OPTIONS", "/things/1"),
        ("HEAD", "/things/1"),
        ("GET", "/nothing"),
        ("POST", "/nothing"),
        ("OPTIONS", "/nothing"),
        ("HEAD", "/nothing"),
        ("PROPFIND", "/"),
        ("GET", "/openapi.json"),
        ("POST", "/openapi.json"),
        ("OPTIONS", "/openapi.json"),
        ("GET", "/things/%FF"),
    ],
)
async def test_every_path_and_method_is_refused_alike(method, path, headers):
    async with client_of(front(**BEARER)) as client:
        answer = await client.request(method, path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer ")
        assert "allow" not in answer.headers
        if method != "HEAD":
            assert_problem(answer, 401, "missing-credentials" if not headers else answer.json()["type"].split(":")[-1])


async def test_who_may_call_learns_what_is_there():
    async with client_of(front(**BEARER)) as client:
        client.headers.update(GOOD)
        assert (await client.get("/things/1")).json() == {"ok": "yes"}
        assert_problem(await client.get("/nothing"), 404, "not-found")
        refused = await client.post("/things/1")
        assert_problem(refused, 405, "method-not-allowed")
        assert refused.headers["allow"] == "GET, HEAD, OPTIONS"
        assert (await client.options("/things/1")).headers["allow"] == "GET, HEAD, OPTIONS"
        assert (await client.post("/openapi.json")).headers["allow"] == "GET, HEAD, OPTIONS"
        head = await client.head("/nothing")
        assert (head.status_code, head.content) == (404, b"")


async def test_without_authentication_nothing_is_asked():
    async with client_of(front()) as client:
        assert (await client.get("/nothing")).status_code == 404
        assert (await client.post("/things/1")).status_code == 405


@pytest.mark.parametrize("second", [BASIC, {}], ids=["both guarded", "one open"])
async def test_a_path_that_may_be_anybodys_asks_for_a_credential_of_anybody(second):
    """As long as one adapter there is guarded, only callers of some adapter learn that there is nothing."""
    other = front(route("/others", **MOCK), **second)
    async with client_of(front(**BEARER), other) as client:
        refused = await client.get("/nothing")
        assert refused.status_code == 401
        challenges = refused.headers.get_list("www-authenticate")
        assert [each.split()[0] for each in challenges] == (["Bearer", "Basic"] if second else ["Bearer"])
        assert (await client.get("/nothing", headers=GOOD)).status_code == 404
        if second:
            assert (await client.get("/nothing", auth=GOOD_BASIC)).status_code == 404
        # What is there is behind its own guard alone.
        assert (await client.get("/others", headers=GOOD)).status_code == (401 if second else 200)
        assert (await client.get("/things/1")).status_code == 401


async def test_the_methods_of_an_open_adapter_are_told_and_no_others():
    """Two adapters have the same path: nobody learns of the guarded one's method without its credential."""
    other = front(route("/things/{id}", "POST", **MOCK))
    async with client_of(front(**BEARER), other) as client:
        assert (await client.delete("/things/1")).headers["allow"] == "OPTIONS, POST"
        assert (await client.delete("/things/1", headers=GOOD)).headers["allow"] == "GET, HEAD, OPTIONS, POST"


async def test_under_a_prefix_its_own_adapters_ask():
    first = front(**BEARER)
    second = rest_capability(
        [route("/others", call="open.do", **{k: v for k, v in MOCK.items() if k != "call"})], api={"namespace": "open"}
    )
    async with client_of(first, second, options=RestOptions(prefix=True)) as client:
        assert (await client.get("/open/nothing")).status_code == 404
        assert (await client.get("/api/nothing")).status_code == 401
        assert (await client.get("/api/nothing", headers=GOOD)).status_code == 404
        assert (await client.get("/neither/nothing")).status_code == 401


async def test_a_preflight_carries_no_credential():
    """With origins that may call, CORS answers it; without, it is refused like everything."""
    asks = {"origin": "https://app.example", "access-control-request-method": "GET"}
    for options, status in ((RestOptions(cors_origins=("https://app.example",)), 200), (RestOptions(), 401)):
        async with client_of(front(**BEARER), options=options) as client:
            for path in ("/things/1", "/nothing"):
                assert (await client.options(path, headers=asks)).status_code == status


async def test_a_missing_variable_is_no_ones_fault_everywhere_alike():
    guarded = front(authentication={"type": "bearer", "token": "{{env.NOT_SET}}"})
    async with in_process(guarded) as client:
        for path in ("/things/1", "/nothing"):
            assert_problem(await client.get(path, headers=GOOD), 503, "missing-variable")
