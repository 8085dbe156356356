"""The life of an access token: fetched once, renewed in time, given up when it is refused."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import dataclass

import pytest
from authorization_server import CLIENT, Server, used
from outbound import api
from starlette.responses import JSONResponse, Response

from naftiko.engine.authentication import access_token
from naftiko.engine.authentication.access_token import AccessToken, TokenKeeper
from naftiko.ground.errors import CallError, NaftikoError, UpstreamError
from naftiko.testing import Fail, Stall


@pytest.fixture
def server():
    made = Server()
    with made.upstream:
        yield made


@dataclass
class Clock:
    """A clock that is moved by hand."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Granting:
    """A grant whose tokens are numbered."""

    def __init__(self, life: float | None = 3600.0) -> None:
        self.life = life
        self.count = 0
        self.error: CallError | None = None

    async def __call__(self) -> AccessToken:
        self.count += 1
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return AccessToken(str(self.count), self.life)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize(("life", "margin"), [(3600.0, 30.0), (100.0, 10.0), (None, 30.0)])
async def test_a_token_is_renewed_before_it_expires_beside_the_calls(clock, life, margin):
    keeper, grant = TokenKeeper(clock), Granting(life)
    assert await keeper.token(grant) == "1"
    clock.forward((life or access_token.UNKNOWN_LIFE) - margin - 1)
    assert await keeper.token(grant) == "1"
    await settle()
    assert grant.count == 1
    clock.forward(2)
    assert [await keeper.token(grant), await keeper.token(grant)] == ["1", "1"], "it holds still: nobody waits"
    await settle()
    assert (await keeper.token(grant), grant.count) == ("2", 2)


@pytest.mark.parametrize(("margin", "before"), [(20.0, 20), (80.0, 50)])
async def test_a_margin_of_the_file_is_half_of_a_life_at_most(clock, margin, before):
    """One that is longer than the life would have a token asked for with each call."""
    keeper, grant = TokenKeeper(clock, margin), Granting(100.0)
    await keeper.token(grant)
    clock.forward(100 - before - 1)
    await keeper.token(grant)
    await settle()
    assert grant.count == 1
    clock.forward(2)
    await keeper.token(grant)
    await settle()
    assert grant.count == 2


async def test_an_expired_token_is_never_used(clock):
    keeper, grant = TokenKeeper(clock), Granting(100.0)
    await keeper.token(grant)
    clock.forward(100)
    assert await keeper.token(grant) == "2"


async def test_while_the_token_holds_a_failing_renewal_is_nobodys_error_and_not_repeated_at_once(clock):
    keeper, grant = TokenKeeper(clock), Granting(100.0)
    await keeper.token(grant)
    clock.forward(95)
    grant.error = UpstreamError("down")
    for _ in range(10):
        assert await keeper.token(grant) == "1"
        await settle()
    assert grant.count == 2
    clock.forward(6)
    with pytest.raises(UpstreamError, match="down"):
        await keeper.token(grant)
    grant.error = None
    assert await keeper.token(grant) == "4"


async def test_one_request_serves_many_waiting_calls(server):
    server.delay = 0.05
    async with api(server.upstream.url, server.block(), CLIENT) as shipyard:
        tokens = await asyncio.gather(*(used(shipyard) for _ in range(30)))
    assert set(tokens) == {"token-1"}
    assert len(server.asked) == 1


async def test_the_request_outlives_the_call_that_started_it(server):
    server.delay = 0.1
    async with api(server.upstream.url, server.block(), CLIENT) as shipyard:
        first = asyncio.create_task(used(shipyard))
        await asyncio.sleep(0.02)
        second = asyncio.create_task(used(shipyard))
        await asyncio.sleep(0.02)
        first.cancel()
        assert await second == "token-1"
        with pytest.raises(asyncio.CancelledError):
            await first
    assert len(server.asked) == 1


async def test_a_failure_goes_to_every_waiting_call_as_an_error_of_its_own(server):
    """The engine writes the operation and the step into an error; calls must not share it."""
    server.upstream.misbehave(Fail(503), path="/token")
    async with api(server.upstream.url, server.block(), CLIENT) as shipyard:
        errors = await asyncio.gather(*(shipyard.call() for _ in range(5)), return_exceptions=True)
    assert {str(error) for error in errors} == {str(errors[0])}
    assert len({id(error) for error in errors}) == 5
    assert server.paths == ["/token"]


async def test_a_failure_that_nobody_waits_for_any_more_is_silent(server):
    server.upstream.misbehave(Stall(0.1, then=JSONResponse({}, 500)), path="/token")
    async with api(server.upstream.url, server.block(), CLIENT) as shipyard:
        call = asyncio.create_task(shipyard.call())
        await asyncio.sleep(0.05)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.sleep(0.15)
        gc.collect()  # a task whose exception nobody took complains here, and a warning fails the test


def test_a_token_outlives_its_event_loop_and_a_request_does_not():
    keeper, grant = TokenKeeper(), Granting()

    async def leave_in_flight() -> None:
        flight = asyncio.create_task(keeper.token(grant))
        await asyncio.sleep(0)
        flight.cancel()

    asyncio.run(leave_in_flight())
    first = asyncio.run(keeper.token(grant))
    assert asyncio.run(keeper.token(grant)) == first


def test_without_an_event_loop_a_token_that_holds_is_given_and_none_is_fetched(clock):
    """A request can be shown without sending anything; that drives the credential outside of any loop."""
    keeper, grant = TokenKeeper(clock), Granting()
    with pytest.raises(NaftikoError, match="needs an event loop"):
        keeper.token(grant).send(None)
    asyncio.run(keeper.token(grant))
    clock.forward(3600 - 1)
    with pytest.raises(StopIteration) as done:
        keeper.token(grant).send(None)
    assert (done.value.value, grant.count) == ("1", 1)


@pytest.mark.parametrize(
    ("expires_in", "requests"),
    [(0, 3), ("0", 3), (-5, 3), (3600, 1), ("3600", 1), (1e400, 1), ("soon", 1), (True, 1), (None, 1), ([], 1)],
)
async def test_every_way_to_write_a_life(server, expires_in, requests):
    server.life = expires_in
    if expires_in == 1e400:
        server.upstream.on(
            "POST",
            "/token",
            Response(
                b'{"access_token": "t", "token_type": "bearer", "expires_in": 1e400}', media_type="application/json"
            ),
        )
        server.valid.add("t")
    async with api(server.upstream.url, server.block(), CLIENT) as shipyard:
        for _ in range(3):
            await used(shipyard)
    assert server.paths.count("/token") == requests


# After a 401


async def test_a_refused_token_is_replaced_once(server):
    async with api(server.upstream.url, server.block(), CLIENT) as shipyard:
        assert await used(shipyard) == "token-1"
        server.valid.clear()
        assert await used(shipyard) == "token-2"
    assert server.paths == ["/token", "/ships", "/ships", "/token", "/ships"]


async def test_many_calls_with_a_refused_token_replace_it_once(server):
    server.delay = 0.05
    async with api(server.upstream.url, server.block(), CLIENT) as shipyard:
        await used(shipyard)
        server.valid.clear()
        assert set(await asyncio.gather(*(used(shipyard) for _ in range(20)))) == {"token-2"}
    assert len(server.asked) == 2


async def test_an_api_that_takes_no_token_at_all_does_not_make_every_call_fetch_two(server):
    server.upstream.on("GET", "/ships", JSONResponse({}, 401))
    async with api(server.upstream.url, server.block(), CLIENT) as shipyard:
        for _ in range(5):
            assert (await shipyard.call()).status_code == 401
    assert len(server.asked) == 2


async def test_after_a_while_a_refused_token_is_replaced_again(clock):
    keeper, grant = TokenKeeper(clock), Granting()
    assert keeper.refused(await keeper.token(grant))
    assert not keeper.refused(await keeper.token(grant))
    clock.forward(access_token.PAUSE + 1)
    assert keeper.refused("2")
    assert await keeper.token(grant) == "3"


def test_a_token_is_not_printed():
    assert "s3cret" not in repr(AccessToken("s3cret", 1.0))
