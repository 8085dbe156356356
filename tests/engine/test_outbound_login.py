"""Tokens that another operation gives: acquired once, kept, renewed, refused, and what can't be linked."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field

import pytest
from starlette.responses import JSONResponse

import naftiko
from naftiko.engine.reach import reach_of
from naftiko.engine.settings import Settings
from naftiko.ground.errors import CallError, MissingVariable
from naftiko.testing import Answer, RecordedRequest, StandInUpstream

PASSWORD = "the-passw0rd-of-the-shop"
GIVEN = {"SHOP_USER": "ann", "SHOP_PASSWORD": PASSWORD}


@dataclass
class Shop:
    """A login and what it protects.

    Attributes:
        valid: the tokens that hold.
        life: what the login says of them.
        logins: the bodies of the logins.
    """

    valid: set[str] = field(default_factory=set)
    life: object = 3600
    logins: list[dict[str, str]] = field(default_factory=list)
    upstream: StandInUpstream = field(default_factory=StandInUpstream)
    seen: list[RecordedRequest] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.upstream.on("POST", "/login", self._login)
        self.upstream.on("GET", "/ships", self._ships)
        self.upstream.on("POST", "/ships", self._ships)

    async def _login(self, request: RecordedRequest) -> Answer:
        form = json.loads(request.text)
        self.logins.append(form)
        await asyncio.sleep(0)
        if form.get("password") != PASSWORD:
            return JSONResponse({"error": f"not {form.get('password')}"}, 401)
        token = f"a-token-of-the-shop-{len(self.logins)}"
        self.valid.add(token)
        return {"data": {"token": token, "ttl": self.life}}

    def _ships(self, request: RecordedRequest) -> Answer:
        self.seen.append(request)
        text = f"{request.headers} {request.raw_path}?{request.raw_query} {request.text}"
        found = [token for token in self.valid if token in text]
        return {"ok": True, "token": found[0]} if found else JSONResponse({"error": "no"}, 401)


@pytest.fixture
def shop():
    made = Shop()
    with made.upstream:
        yield made


ACQUIRE = {
    "call": "login.log-in",
    "with": {"user": "{{SHOP_USER}}", "password": "{{SHOP_PASSWORD}}"},
    "tokenField": "$.data.token",
    "expiresInField": "$.data.ttl",
}


def document(url: str, *, acquire=ACQUIRE, login=None, method="GET", **more):
    parameters = [{"name": name, "in": "body", "required": True} for name in ("user", "password")]
    consumes = [
        {
            "type": "http",
            "namespace": "login",
            "baseUri": url,
            "resources": [
                {"path": "/login", "operations": [{"name": "log-in", "method": "POST", "inputParameters": parameters}]}
            ],
            **(login or {}),
        },
        {
            "type": "http",
            "namespace": "shop",
            "baseUri": url,
            "authentication": {"type": "custom-token", "acquire": acquire, **more},
            "resources": [{"path": "/ships", "operations": [{"name": "list", "method": method}]}],
        },
    ]
    tools = [{"name": "list", "description": "Lists ships.", "call": "shop.list"}]
    exposes = [{"type": "mcp", "namespace": "tools", "port": 9090, "tools": tools}]
    binds = [{"namespace": "env", "keys": {name: name for name in GIVEN}}]
    return json.dumps(
        {"naftiko": "1.0.0-alpha2", "binds": binds, "capability": {"consumes": consumes, "exposes": exposes}}
    )


def loaded(shop, *, environment=None, **more):
    text = document(shop.upstream.url, **more)
    return naftiko.loads(text, settings=Settings(environment=GIVEN if environment is None else environment))


async def test_one_login_for_all_calls_at_once(shop):
    async with loaded(shop) as capability:
        unit = capability.units[0]
        answers = await asyncio.gather(*(unit.run({}) for _ in range(20)))
    assert {answer.status for answer in answers} == {200}
    assert shop.logins == [{"user": "ann", "password": PASSWORD}]
    assert shop.seen[0].headers["authorization"] == "Bearer a-token-of-the-shop-1"
    assert b"a-token-of-the-shop" not in answers[0].content


async def test_a_refused_token_is_acquired_anew_once(shop):
    async with loaded(shop) as capability:
        unit = capability.units[0]
        await unit.run({})
        shop.valid.clear()
        assert (await unit.run({})).status == 200
        assert len(shop.logins) == 2
        shop.life = None
    assert [request.headers["authorization"][-1] for request in shop.seen] == ["1", "1", "2"]


async def test_a_token_is_acquired_anew_at_its_end(shop):
    shop.life = 0
    async with loaded(shop) as capability:
        for _ in range(3):
            assert (await capability.units[0].run({})).status == 200
    assert len(shop.logins) == 3


@pytest.mark.parametrize(
    ("keys", "method"),
    [
        ({"placement": "header", "headerName": "X-Session"}, "GET"),
        ({"placement": "query", "paramName": "sid"}, "GET"),
        ({"placement": "cookie", "paramName": "sid"}, "GET"),
        ({"placement": "body", "paramName": "sid"}, "POST"),
    ],
)
async def test_where_it_is_placed(shop, keys, method):
    operation = {"method": method, **keys}
    async with loaded(shop, **operation) as capability:
        unit = capability.units[0]
        assert (await unit.run({})).status == 200
        shop.valid.clear()
        assert (await unit.run({})).status == 200
    token = "a-token-of-the-shop-2"
    last = shop.seen[-1]
    found = {
        "header": last.headers.get("x-session"),
        "query": last.raw_query.partition("sid=")[2],
        "cookie": last.headers.get("cookie", "").partition("sid=")[2],
        "body": json.loads(last.text or "{}").get("sid"),
    }
    assert found[keys["placement"]] == token
    assert "authorization" not in last.headers


@pytest.mark.parametrize(
    ("environment", "acquire", "said"),
    [
        ({**GIVEN, "SHOP_PASSWORD": "another"}, ACQUIRE, "`login.log-in` answered 401"),
        (GIVEN, {**ACQUIRE, "tokenField": "$.nowhere"}, "has none where `tokenField` says"),
    ],
)
async def test_no_call_goes_out_without_it(shop, environment, acquire, said):
    async with loaded(shop, environment=environment, acquire=acquire) as capability:
        with pytest.raises(CallError, match="no token") as told:
            await capability.units[0].run({})
    assert said in str(told.value)
    assert "another" not in str(told.value)
    assert shop.seen == []


async def test_a_variable_without_a_value_is_told(shop):
    async with loaded(shop, environment={"SHOP_USER": "ann"}) as capability:
        with pytest.raises(MissingVariable, match="SHOP_PASSWORD"):
            await capability.units[0].run({})


def errors(capability) -> list[tuple[str, str]]:
    return [(found.rule, found.message) for found in capability.errors if found.rule != "blocked-call"]


@pytest.mark.parametrize(
    ("more", "rule", "said"),
    [
        ({"acquire": {**ACQUIRE, "call": "shop.list"}}, "bad-login", "needs it itself"),
        ({"acquire": {**ACQUIRE, "call": "login.nothing"}}, "bad-login", "no operation `nothing`"),
        ({"acquire": {**ACQUIRE, "with": {"user": "a"}}}, "bad-login", "requires `password`"),
        ({"acquire": {**ACQUIRE, "tokenField": "$.a["}}, "bad-login", "`tokenField`"),
        ({"login": {"authentication": {"type": "custom-token", "acquire": ACQUIRE}}}, "bad-login", "needs it itself"),
        ({"acquire": {"call": "login.log-in"}}, "incomplete-authentication", "acquire.tokenField"),
        ({"placement": "header"}, "incomplete-authentication", "headerName"),
        ({"placement": "sleeve"}, "unknown-placement", "sleeve"),
    ],
)
def test_what_cannot_be_done_is_told_when_the_file_is_loaded(more, rule, said):
    text = document("https://api.example", **more)
    capability = naftiko.loads(text, settings=Settings(environment=GIVEN))
    found = [message for name, message in errors(capability) if name == rule]
    assert any(said in message for message in found), errors(capability)
    assert "blocked-call" in [each.rule for each in capability.errors]


def test_what_a_login_is_given_goes_to_its_host_alone():
    """As ``inspect`` has it, and the warning of secrets that go to somebody else's host."""
    text = document("https://api.example", login={"baseUri": "https://login.example"})
    reached = reach_of(naftiko.loads(text, settings=Settings(environment=GIVEN)))
    assert {used.name: used.targets for used in reached.variables} == dict.fromkeys(GIVEN, ("login.example",))


async def test_a_request_is_shown_without_a_login():
    settings = Settings(environment=GIVEN, mock=True)  # what --dry-run and --mock load with
    async with naftiko.loads(document("http://127.0.0.1:9"), settings=settings) as capability:
        shown = json.loads((await capability.units[0].run({})).content)
    assert shown["url"] == "http://127.0.0.1:9/ships"
    assert shown["headers"]["authorization"] == "Bearer ***"


def test_answers_that_are_kept_are_of_one_login():
    """What another name or password gets may be another answer."""

    def identity(**given):
        text = document("https://api.example")
        return naftiko.loads(text, settings=Settings(environment={**GIVEN, **given})).upstreams["shop"]._identity()

    assert identity() == identity()
    assert len({identity(), identity(SHOP_USER="bob"), identity(SHOP_PASSWORD="another")}) == 3
