"""Access tokens that two processes share: asked for once, sealed in the store, given up once refused."""

from __future__ import annotations

import pytest
from served import get, served
from starlette.responses import JSONResponse

from naftiko.testing import StandInUpstream
from redis_server import needs_redis, redis

pytestmark = needs_redis
__all__ = ["redis"]

FILE = """\
naftiko: 1.0.0-beta5
info: {{label: Shipyard, description: Ships., tags: [sea]}}
consumes:
- type: http
  namespace: yard
  baseUri: {url}
  authentication: {{type: oauth2, clientId: us, clientSecret: s3cret-of-the-client, tokenEndpoint: "{url}/token"}}
  resources: [{{path: /ships, operations: [{{name: ships, method: GET}}]}}]
exposes:
- type: rest
  namespace: front
  port: 8080
  resources: [{{path: /ships, operations: [{{name: ships, method: GET, call: yard.ships}}]}}]
"""
KEY = "a key that all processes of all replicas have"
GIVEN = ("--port", "rest=0", "--shared-timeout", "20")


@pytest.fixture
def yard():
    with StandInUpstream() as api:
        granted = iter(range(1, 100))
        good: set[str] = set()

        def token(_):
            made = f"t0ken-number-{next(granted)}"
            good.add(made)
            return JSONResponse({"access_token": made, "token_type": "Bearer", "expires_in": 3600})

        def ships(request):
            is_good = request.headers.get("authorization", "").removeprefix("Bearer ") in good
            return JSONResponse({"ok": is_good}, 200 if is_good else 401)

        api.on("POST", "/token", token)
        api.on("GET", "/ships", ships)
        api.good = good
        yield api


def asked(yard: StandInUpstream) -> int:
    return sum(each.path == "/token" for each in yard.requests)


@pytest.mark.parametrize("is_shared", [True, False])
def test_a_token_is_asked_for_once(tmp_path, yard, redis, is_shared):
    path = tmp_path / "yard.yaml"
    path.write_text(FILE.format(url=yard.url))
    env = {"NAFTIKO_SHARED": redis.url, "NAFTIKO_SHARED_KEY": KEY}
    given = (path, *GIVEN, *(["--shared-tokens"] if is_shared else []))
    with served(*given, env=env, ready=("rest ",)) as one, served(*given, env=env, ready=("rest ",)) as other:
        for process in (one, other, one):
            assert get(f"{process.rest}/ships").json() == {"ok": True}
        assert asked(yard) == (1 if is_shared else 2)
        if not is_shared:
            return
        found = b"\n".join(redis.everything())
        assert b":token:" in found
        for secret in (b"t0ken-number", b"s3cret-of-the-client"):
            assert secret not in found
        yard.good.clear()  # it is revoked: who has it, and who finds it, asks for another
        for process in (one, other):
            assert get(f"{process.rest}/ships").json() == {"ok": True}
        assert asked(yard) == 2
        redis.kill()
        with served(*given, env=env, ready=("rest ",)) as another:
            assert get(f"{another.rest}/ships").json() == {"ok": True}
        assert asked(yard) == 3


def test_one_whose_key_is_another_finds_none(tmp_path, yard, redis):
    path = tmp_path / "yard.yaml"
    path.write_text(FILE.format(url=yard.url))
    for key in (KEY, KEY[::-1]):
        env = {"NAFTIKO_SHARED": redis.url, "NAFTIKO_SHARED_KEY": key}
        with served(path, *GIVEN, "--shared-tokens", env=env, ready=("rest ",)) as running:
            get(f"{running.rest}/ships").raise_for_status()
    assert asked(yard) == 2
