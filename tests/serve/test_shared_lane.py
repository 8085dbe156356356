"""The store as the parts of the server ask it: batches, scripts that it has forgotten, callers who leave, buckets."""

from __future__ import annotations

import asyncio
import random
import socket

import pytest
import trustme

from naftiko.engine.shared_state import Address, Away, Script, SharedState, SharedStore
from naftiko.expose.limiting.shared import SharedLimits
from naftiko.plan.limits import CallerLimits
from redis_server import RedisServer, needs_redis, redis

pytestmark = needs_redis
__all__ = ["redis"]
LATE = 20.0
HOUR = 3600.0


@pytest.fixture
async def store(redis):
    made = SharedStore(Address.of(redis.url), LATE)
    yield made
    await made.aclose()


async def test_many_commands_at_once_have_their_own_answers(store):
    echo = Script("return ARGV[1]")
    answers = await asyncio.gather(*(store.run(echo, ["k"], str(at)) for at in range(1000)))
    assert answers == [str(at).encode() for at in range(1000)]
    large = [await store.ask("ECHO", b"x" * size, large=True) for size in (0, 70_000, 3_000_000)]
    assert [len(each) for each in large] == [0, 70_000, 3_000_000]


async def test_one_after_the_other_is_never_forgotten(store):
    for at in range(300):
        async with asyncio.timeout(LATE):
            assert await store.ask("ECHO", str(at)) == str(at).encode()


async def test_a_script_that_the_store_has_forgotten_is_sent_again(store, redis):
    script = Script("return 7")
    assert await store.run(script, ["k"]) == 7
    with redis.client() as client:
        client.script_flush()
    assert await store.run(script, ["k"]) == 7


async def test_who_leaves_costs_the_others_nothing(store):
    asking = [asyncio.create_task(store.ask("ECHO", str(at))) for at in range(200)]
    await asyncio.sleep(0)
    for each in asking[::2]:
        each.cancel()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert found[1::2] == [str(at).encode() for at in range(1, 200, 2)]


async def test_what_the_store_refuses_is_done_without(store, redis, caplog):
    with redis.client() as client:
        client.config_set("maxmemory", "1")
    for _ in range(3):
        with pytest.raises(Away):
            await store.ask("SET", "k", "v")
    assert (store.refused, store.is_away) == (3, False)
    assert sum(" refuses: command not allowed" in each.getMessage() for each in caplog.records) == 1


async def test_a_bucket_of_the_store_lets_as_many_through_as_one_of_a_process(store):
    limits = CallerLimits(requests=7, seconds=HOUR, burst=5)
    shared = SharedLimits(SharedState(store), limits, "shop")
    other = SharedLimits(SharedState(store), limits, "shop")
    order = [shared, other] * 5
    random.Random(1).shuffle(order)
    taken = [await each.take(b"caller", limits) for each in order]
    assert [each.allowed for each in taken] == [True] * 5 + [False] * 5
    assert [each.remaining for each in taken[:5]] == [4, 3, 2, 1, 0]
    assert all(0 < each.seconds <= limits.interval for each in taken[5:])
    assert (await shared.take(b"another", limits)).allowed


async def test_who_is_refused_does_not_ask_again(store):
    limits = CallerLimits(requests=1, seconds=HOUR, burst=1)
    shared = SharedLimits(SharedState(store), limits, "shop")
    assert [(await shared.take(b"caller", limits)).allowed for _ in range(2)] == [True, False]
    before = store.commands
    for _ in range(50):
        assert not (await shared.take(b"caller", limits)).allowed
    assert store.commands == before


async def test_a_process_that_lost_the_store_goes_on_from_what_it_has_let_through(store, redis):
    limits = CallerLimits(requests=5, seconds=HOUR, burst=5)
    shared = SharedLimits(SharedState(store), limits, "shop")
    assert all([(await shared.take(b"caller", limits)).allowed for _ in range(3)])
    redis.kill()
    assert [(await shared.take(b"caller", limits)).allowed for _ in range(4)] == [True, True, False, False]
    assert store.is_away


def test_an_address_shows_no_credential():
    for url in ("redis://ann:p%40ss@host:6380/2", "rediss://:p%40ss@[::1]", "unix://ann:p%40ss@/run/redis.sock?db=2"):
        made = Address.of(url)
        assert made.password == "p@ss"
        assert "p@ss" not in f"{made} {made!r}"
        assert "p%40ss" not in f"{made} {made!r}"
    assert str(Address.of("rediss://:p@[::1]")) == "rediss://[::1]:6379/0"
    assert str(Address.of("unix:///run/redis.sock?db=2")) == "unix:///run/redis.sock?db=2"
    assert Address.of("rediss://h").arguments()["ssl_check_hostname"] is True


@pytest.mark.parametrize("name", ["localhost", "elsewhere.example"])
async def test_tls_asks_for_a_certificate_of_the_host(tmp_path, monkeypatch, name):
    authority = trustme.CA()
    certificate = authority.issue_cert(name)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "own.pem")
    own = str(tmp_path / "own.pem")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    files = ("--tls-cert-file", own, "--tls-key-file", own, "--tls-ca-cert-file", str(tmp_path / "ca.pem"))
    server = RedisServer(tmp_path, "--tls-port", str(port), "--tls-auth-clients", "no", *files)
    server.start()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    store = SharedStore(Address.of(f"rediss://localhost:{port}"), LATE)
    try:
        if name == "localhost":
            assert await store.ask("ECHO", "x") == b"x"
        else:
            with pytest.raises(Away):
                await store.ask("ECHO", "x")
    finally:
        await store.aclose()
        server.kill()


async def test_a_unix_socket_and_a_user_with_a_password(tmp_path_factory):
    directory = tmp_path_factory.mktemp("r")
    socket_path = directory / "s"
    options = ("--unixsocket", str(socket_path), "--user", "ann", "on", ">p@ss", "~naftiko:*", "+@all")
    server = RedisServer(directory, *options)
    server.start()
    try:
        store = SharedStore(Address.of(f"unix://ann:p%40ss@{socket_path}?db=1"), LATE)
        await store.ask("SET", "naftiko:x", "1")
        with pytest.raises(Away):
            await store.ask("SET", "another", "1")
        await store.aclose()
        wrong = SharedStore(Address.of(f"unix://ann:wr0ng@{socket_path}"), LATE)
        with pytest.raises(Away):
            await wrong.ask("PING")
        await wrong.aclose()
    finally:
        server.kill()
