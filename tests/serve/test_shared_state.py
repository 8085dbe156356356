"""State that processes share by a real Redis: limits, stored answers, nonces, handles; and what happens without it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from served import LIMIT, Served, get, run, served
from starlette.responses import JSONResponse

from naftiko.testing import StandInUpstream
from redis_server import RedisServer, needs_redis, redis

pytestmark = needs_redis
__all__ = ["redis"]

KEY = "a key that all processes of all replicas have"
PASSWORD = "pa55-of-the-store"
TOKEN = "t0ken-of-the-upstream"
READY = ("rest ", "control ")
PORTS = ("--port", "rest=0", "--port", "mcp=0", "--port", "control=0", "--shared-timeout", "20")
"""A test must not take a busy machine for a store that is away."""
FILE = """\
naftiko: 1.0.0-beta5
info: {{label: Harbour, description: Berths., tags: [sea]}}
consumes:
- type: http
  namespace: ships
  baseUri: {upstream}
  authentication: {{type: bearer, token: t0ken-of-the-upstream}}
  resources:
  - {{path: /free, operations: [{{name: free, method: GET}}]}}
  - {{path: /held, operations: [{{name: held, method: GET}}]}}
  - {{path: /rated, operations: [{{name: rated, method: GET, resiliency: {{rateLimiter: {{limitForPeriod: 20, limitRefreshPeriod: 1h}}}}}}]}}
  - {{path: /broken, operations: [{{name: broken, method: GET, resiliency: {{circuitBreaker: {{slidingWindowSize: 2, minimumNumberOfCalls: 2, waitDurationInOpenState: 1h}}}}}}]}}
  - path: /kept/{{{{id}}}}
    inputParameters: [{{name: id, in: path}}, {{name: key, in: query}}]
    operations:
    - {{name: kept, method: GET, resiliency: {{cache: {{ttl: 1h}}}}}}
    - {{name: change, method: PUT}}
exposes:
- type: rest
  namespace: front
  port: 8080
  resources:
  - {{path: /free, operations: [{{name: free, method: GET, call: ships.free, limits: {limit}}}]}}
  - {{path: /few, operations: [{{name: few, method: GET, call: ships.held, limits: {{inFlight: 3, by: "header:x-key"}}}}]}}
  - {{path: /rated, operations: [{{name: rated, method: GET, call: ships.rated}}]}}
  - {{path: /broken, operations: [{{name: broken, method: GET, call: ships.broken}}]}}
  - path: /kept/{{{{id}}}}
    inputParameters: [{{name: id, in: path}}, {{name: key, in: query}}]
    operations:
    - {{name: kept, method: GET, call: ships.kept, with: {{id: "{{{{id}}}}", key: "{{{{key}}}}"}}}}
    - {{name: change, method: PUT, call: ships.change, with: {{id: "{{{{id}}}}"}}}}
- type: control
  port: 9464
  management: {{info: true}}
"""


@pytest.fixture
def upstream() -> Iterator[StandInUpstream]:
    with StandInUpstream() as stand_in:
        count = iter(range(1, 1_000_000))
        for path in ("/free", "/held", "/rated", "/broken"):
            stand_in.on("GET", path, {"n": 1})
        stand_in.on("GET", "/kept/{id}", lambda _: JSONResponse({"n": next(count), "echo": TOKEN}))
        stand_in.on("PUT", "/kept/{id}", {"ok": True})
        yield stand_in


@contextlib.contextmanager
def two(
    tmp_path: Path, upstream: StandInUpstream, url: str, *options: str, limit: str = "200/h", **env: str
) -> Iterator[tuple[Served, Served]]:
    """Two processes with two workers each, on two copies of a file, as two machines have them."""
    files = []
    for name in ("one", "other"):
        directory = tmp_path / name
        directory.mkdir(exist_ok=True)
        files.append(directory / f"{name}.yaml")
        files[-1].write_text(FILE.format(upstream=upstream.url, limit=limit))
    given = (*PORTS, "--workers", "2", *options)
    env = {"NAFTIKO_SHARED": url, **env}
    with served(files[0], *given, env=env, ready=READY) as one, served(files[1], *given, env=env, ready=READY) as other:
        yield one, other


async def statuses(bases: Sequence[str], path: str, times: int, **options: Any) -> Counter[int]:
    """Ask often, on connections of their own, so that all workers are asked."""
    gate = asyncio.Semaphore(20)

    async def once(client: httpx.AsyncClient, at: int) -> int:
        async with gate:
            headers = {"connection": "close", **options.get("headers", {})}
            return (await client.get(f"{bases[at % len(bases)]}{path}", headers=headers)).status_code

    async with httpx.AsyncClient(trust_env=False, timeout=LIMIT) as client:
        return Counter(await asyncio.gather(*(once(client, at) for at in range(times))))


def shared_of(running: Served) -> dict[str, Any]:
    said = get(f"{running.url('control')}/status").json()
    (store,) = said["shared"]
    return dict(store)


def until(condition: Any) -> None:
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


async def test_a_limit_is_one_for_two_processes_of_two_workers(tmp_path, upstream, redis):
    with two(tmp_path, upstream, redis.url) as (one, other):
        found = await statuses([one.rest, other.rest], "/free", 500)
        assert found[429] == 500 - found[200]
        # An hour for 200: one comes back each 18 seconds.
        assert 200 <= found[200] <= 202
        assert shared_of(one)["state"] == "up"
    assert len(upstream.requests) == found[200]


async def test_a_rate_is_one_for_all(tmp_path, upstream, redis):
    """As many as the time allows: a bucket of 5, and 40 more in each second."""
    with two(tmp_path, upstream, redis.url, limit="{requests: 40/s, burst: 5}") as (one, other):
        began = time.monotonic()
        found = await statuses([one.rest, other.rest], "/free", 400)
        took = time.monotonic() - began
    assert found[200] <= 5 + 40 * took * 1.01 + 1


async def test_calls_in_flight_are_counted_over_all(tmp_path, upstream, redis):
    held = threading.Event()

    async def wait(_: Any) -> JSONResponse:
        while not held.is_set():  # noqa: ASYNC110  # it is set in another thread
            await asyncio.sleep(0.01)
        return JSONResponse({})

    upstream.on("GET", "/held", wait)
    with two(tmp_path, upstream, redis.url) as (one, other):
        asking = asyncio.create_task(statuses([one.rest, other.rest], "/few", 8))
        async with asyncio.timeout(LIMIT):
            while len(upstream.requests) < 3:  # noqa: ASYNC110  # of another thread
                await asyncio.sleep(0.01)
            while not asking.done() and _counted(one) + _counted(other) < 5:  # noqa: ASYNC110  # likewise
                await asyncio.sleep(0.01)
        held.set()
        assert await asking == Counter({200: 3, 429: 5})
        assert (await statuses([one.rest, other.rest], "/few", 3))[200] == 3, "they are given back"


def _counted(running: Served) -> int:
    """The refusals of a process."""
    limits = get(f"{running.url('control')}/status").json().get("limits", [])
    return sum(each["refused"] for each in limits)


async def test_permits_for_an_api_are_those_of_all_processes(tmp_path, upstream, redis):
    with two(tmp_path, upstream, redis.url) as (one, other):
        found = await statuses([one.rest, other.rest], "/rated", 60)
    assert found[200] == 20
    assert len(upstream.requests) == 20


def test_an_open_circuit_is_heard_of(tmp_path, upstream, redis):
    upstream.on("GET", "/broken", JSONResponse({}, 500))
    with two(tmp_path, upstream, redis.url) as (one, other):
        until(lambda: get(f"{one.rest}/broken").status_code == 503)
        upstream.on("GET", "/broken", {"n": 1})
        until(lambda: get(f"{other.rest}/broken").status_code == 503)


def test_an_answer_of_one_process_is_given_by_the_other(tmp_path, upstream, redis):
    with two(tmp_path, upstream, redis.url) as (one, other):
        first = get(f"{one.rest}/kept/1").json()
        for _ in range(8):
            assert get(f"{other.rest}/kept/1").json() == first
        assert len(upstream.requests) == 1
        httpx.put(f"{other.rest}/kept/1", trust_env=False, timeout=LIMIT).raise_for_status()
        second = get(f"{one.rest}/kept/1").json()
        assert second["n"] > first["n"], "what one changes the other forgets"


async def test_a_cold_key_costs_one_request(tmp_path, upstream, redis):
    async def slowly(_: Any) -> JSONResponse:
        await asyncio.sleep(0.3)
        return JSONResponse({"n": 1})

    upstream.on("GET", "/kept/{id}", slowly)
    with two(tmp_path, upstream, redis.url) as (one, other):
        assert await statuses([one.rest, other.rest], "/kept/cold", 200) == Counter({200: 200})
    # 1, unless the API takes longer than the lease of 5 s on a machine that stands still.
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("key", ["", KEY], ids=["in clear", "sealed"])
def test_no_secret_is_in_the_store(tmp_path, upstream, key):
    server = RedisServer(tmp_path, "--requirepass", PASSWORD)
    server.start()
    try:
        url = f"redis://:{PASSWORD}@127.0.0.1:{server.port}/0"
        env = {"NAFTIKO_SHARED_KEY": key} if key else {}
        with two(tmp_path, upstream, url, **env) as (one, other):
            for process in (one, other):
                for path in ("/free", "/kept/1?key=s3cret-of-a-caller", "/rated", "/broken", "/few"):
                    caller = {"x-key": "s3cret-of-a-caller", "authorization": "Bearer s3cret-of-a-caller"}
                    get(f"{process.rest}{path}", headers=caller).raise_for_status()
            status = get(f"{one.url('control')}/status").text
            assert PASSWORD not in one.said() + other.said() + status
            assert f"redis://127.0.0.1:{server.port}/0" in status
            with server.client(password=PASSWORD) as client:
                found = b"\n".join(_everything(client))
                names = {each.split(b":")[2] for each in client.scan_iter()}
        assert names >= {b"answer", b"changed", b"limit", b"permits"}
        for secret in (TOKEN, "s3cret-of-a-caller", PASSWORD, KEY):
            assert secret.encode() not in found
        assert (b'"n"' in found) is not bool(key), "with a key, answers can't be read there"
    finally:
        server.kill()


def _everything(client: Any) -> Iterator[bytes]:
    for key in client.scan_iter(count=1000):
        assert key.startswith(b"naftiko:Harbour:")
        assert client.pttl(key) > 0, f"{key!r} stays for ever"
        yield key
        if client.type(key) == b"zset":
            yield from client.zrange(key, 0, -1)
        else:
            yield client.get(key) or b""


async def test_a_killed_store_costs_no_request_and_is_shared_again_once_it_is_back(tmp_path, upstream, redis):
    with two(tmp_path, upstream, redis.url, limit="100/h") as (one, other):
        both = [one.rest, other.rest]
        assert (await statuses(both, "/kept/1", 10)) == Counter({200: 10})
        asking = asyncio.create_task(statuses(both, "/kept/1", 600))
        await asyncio.sleep(0)
        await asyncio.to_thread(redis.kill)
        assert await asking == Counter({200: 600}), "none fails"
        assert await statuses(both, "/kept/2", 40) == Counter({200: 40})
        until(lambda: shared_of(one)["state"] == shared_of(other)["state"] == "away")
        # Each of four workers counts for itself now.
        assert (await statuses(both, "/free", 60)) == Counter({200: 60})
        for process in (one, other):
            said = [line for line in process.errors if " is away " in line]
            assert 1 <= len(said) <= 2, "once a worker"
        redis.start()
        until(lambda: shared_of(one)["state"] == shared_of(other)["state"] == "up")
        until(lambda: sum("is back" in line for line in (*one.errors, *other.errors)) == 4)
        found = await statuses(both, "/free", 300)
        assert 100 <= found[200] <= 101, "a new store has counted nothing yet; from here on it counts for all"
        figures = get(f"{one.url('control')}/metrics").text
        assert re.search(r'ikanos_shared_store_up\{store="redis://[^"]*"\} 1', figures)
        assert re.search(r'ikanos_shared_store_losses_total\{store="redis://[^"]*"\} [1-9]', figures)


def test_a_store_that_hangs_is_waited_for_once(tmp_path, upstream, redis):
    options = ("--shared-timeout", "0.3")
    with two(tmp_path, upstream, redis.url, *options) as (one, _):
        get(f"{one.rest}/free").raise_for_status()
        redis.freeze()
        for _ in range(30):
            get(f"{one.rest}/free").raise_for_status()
        said = shared_of(one)
        assert (said["state"], said["losses"]) == ("away", 2), "each of its workers has waited once"
        assert one.stop() == 0, "nor does a stop wait for it"


def test_without_a_store_at_all_it_serves_and_says_so(tmp_path, upstream, redis):
    redis.kill()
    with two(tmp_path, upstream, redis.url) as (one, _):
        assert get(f"{one.rest}/kept/1").json() != get(f"{one.rest}/kept/1").json(), "the cache is skipped"
        until(lambda: any("is away" in line for line in one.errors))
        assert shared_of(one)["state"] == "away"


def test_what_others_have_written_is_data(tmp_path, upstream, redis):
    """Whatever stands under a key, of whatever type, is as if it weren't there."""
    with two(tmp_path, upstream, redis.url) as (one, other):
        for path in ("/free", "/kept/1", "/rated", "/few"):
            get(f"{one.rest}{path}").raise_for_status()
        with redis.client() as client:
            names = [*client.scan_iter()]
            for junk in (b"", b"\x80\x04c", b"nan", b"9" * 400, b"1 " * 99, None):
                for name in names:
                    client.delete(name)
                    client.set(name, junk) if junk is not None else client.lpush(name, "x")
                for path in ("/free", "/kept/1", "/rated", "/few"):
                    assert get(f"{other.rest}{path}").status_code in {200, 429}, (junk, path)
        assert get(f"{other.rest}/kept/1").json() == get(f"{one.rest}/kept/1").json(), "and it is written anew"


def hashed(*parts: str) -> str:
    return hashlib.sha256(":".join(parts).encode()).hexdigest()


DIGEST = """\
naftiko: 1.0.0-alpha2
capability:
  exposes:
    - type: rest
      namespace: front
      port: 8080
      authentication: {type: digest, username: dave, password: dpass-1}
      resources: [{path: /r, operations: [{name: get, method: GET, outputParameters: [{name: a, type: string, value: b}]}]}]
"""


def authorized(nonce: str, count: int) -> dict[str, str]:
    """What a client sends that knows the password (RFC 7616 chapter 3.4)."""
    key, target = hashed("dave", "naftiko", "dpass-1"), hashed("GET", "/r")
    response = hashed(key, nonce, f"{count:08x}", "cn", "auth", target)
    said = f'username="dave", realm="naftiko", nonce="{nonce}", uri="/r", algorithm=SHA-256, qop=auth, nc={count:08x}'
    return {"Authorization": f'Digest {said}, cnonce="cn", response="{response}"'}


def test_nonces_are_taken_once_by_all_machines(tmp_path, redis):
    path = tmp_path / "front.yaml"
    path.write_text(DIGEST)
    env = {"NAFTIKO_SHARED": redis.url, "NAFTIKO_SHARED_KEY": KEY}
    given = (path, "--port", "rest=0", "--shared-timeout", "20")
    with served(*given, env=env, ready=("rest ",)) as one, served(*given, env=env, ready=("rest ",)) as other:
        nonce = re.search('nonce="([^"]+)"', get(f"{one.rest}/r").headers["www-authenticate"])[1]
        for count in (1, 3, 2):
            assert get(f"{other.rest}/r", headers=authorized(nonce, count)).status_code == 200
            replayed = get(f"{one.rest}/r", headers=authorized(nonce, count))
            assert (replayed.status_code, "stale=true" in replayed.headers["www-authenticate"]) == (401, True)
        assert get(f"{one.rest}/r", headers=authorized(nonce, 400)).status_code == 200
        assert get(f"{other.rest}/r", headers=authorized(nonce, 5)).status_code == 401, "too old to know"


@pytest.mark.parametrize(
    ("arguments", "env", "said"),
    [
        (("--shared", f"http://u:{PASSWORD}@h"), {}, "--shared: the URL of a store must be redis://"),
        (("--shared", f"redis://u:{PASSWORD}@h:99999"), {}, "can't be read"),
        (("--shared", f"redis://u:{PASSWORD}@h/one"), {}, "the database of a store is a number"),
        (("--shared", f"redis://u:{PASSWORD}@h/1?x=1"), {}, "no parameters"),
        (("--shared", "redis://"), {}, "this has no host"),
        (("--shared", "unix://h/p"), {}, "unix:///run/redis.sock"),
        (("--shared", "redis://h", "--shared-prefix", "a b"), {}, "--shared-prefix: "),
        (("--shared", "redis://h", "--shared-tokens"), {}, "NAFTIKO_SHARED_KEY has no key for that"),
        (("--shared-tokens",), {}, "there is nothing to share them by"),
        (("--shared", "redis://h"), {"NAFTIKO_SHARED_KEY": "short"}, "NAFTIKO_SHARED_KEY is shorter than 16"),
    ],
)
def test_what_can_not_be_is_said_at_the_start(tmp_path, arguments, env, said):
    path = tmp_path / "front.yaml"
    path.write_text(DIGEST)
    ended = run("serve", str(path), "--port", "rest=0", *arguments, env=env)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert PASSWORD not in ended.stderr + ended.stdout


def test_the_settings_file_names_it(tmp_path, upstream, redis):
    path = tmp_path / "harbour.yaml"
    path.write_text(FILE.format(upstream=upstream.url, limit="9/h"))
    (tmp_path / "naftiko.toml").write_text(f'[serve]\nshared = "{redis.url}"\nshared-prefix = "blue"\n')
    with served(path, *PORTS, cwd=tmp_path, ready=READY) as running:
        get(f"{running.rest}/free").raise_for_status()
        with redis.client() as client:
            assert [each.startswith(b"blue:Harbour:limit:") for each in client.scan_iter()] == [True]
        said = get(f"{running.url('control')}/status").json()
        assert said["shared"] == [{"store": redis.url, "state": "up", "losses": 0, "refused": 0}]
    assert "redis" not in json.dumps(said["capability"])
