"""Bind variables from Vault, over real sockets.

The stand-in speaks the part of Vault's HTTP API that is used here. With NAFTIKO_TEST_VAULT and NAFTIKO_TEST_VAULT_TOKEN
(the address and root token of a server in development mode, Vault or OpenBao) the same tests run against the real one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import JSONResponse, RedirectResponse
from tls_server import serving

from naftiko.engine.binds import Source, open_source, secret_store
from naftiko.engine.binds.source import NotReadable
from naftiko.engine.binds.vault import mount_and_path
from naftiko.testing import Answer, Drip, Flood, RecordedRequest, Stall, StandInUpstream, refused_url

ROOT = "root-token-of-a-test"
REAL = os.environ.get("NAFTIKO_TEST_VAULT")


@dataclass
class StandInVault:
    """KV version 2 below any mount, and one AppRole, after Vault's API documentation."""

    upstream: StandInUpstream = field(default_factory=StandInUpstream)
    secrets: dict[tuple[str, str], dict[str, Any] | None] = field(default_factory=dict)
    logins: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.upstream.on("*", "/v1/{rest:path}", self._answer)

    def _answer(self, request: RecordedRequest) -> Answer:
        path = request.raw_path.removeprefix("/v1/")
        if path == "auth/approle/login":
            return self._login(request.json())
        if request.headers.get("x-vault-token") not in {ROOT, *self.logins.values()}:
            return JSONResponse({"errors": ["permission denied"]}, 403)
        mount, data, name = path.partition("/data/")
        if not data:
            return JSONResponse({"errors": [f"no handler for route {path}"]}, 404)
        place = (f"{request.headers.get('x-vault-namespace', '')}{mount}", name)
        if request.method == "POST":
            self.secrets[place] = request.json()["data"]
            return {"data": {"version": 1}}
        if request.method == "DELETE":
            self.secrets[place] = None
            return None
        if place not in self.secrets:
            return JSONResponse({"errors": []}, 404)
        found = self.secrets[place]
        answer = {"data": {"data": found, "metadata": {"version": 1, "deletion_time": "" if found else "2024"}}}
        return answer if found else JSONResponse(answer, 404)

    def _login(self, sent: dict[str, str]) -> Answer:
        token = self.logins.get((sent["role_id"], sent["secret_id"]))
        if token is None:
            return JSONResponse({"errors": [f"invalid role or secret ID {sent['secret_id']}"]}, 400)
        return {"auth": {"client_token": token, "lease_duration": 2764800}}


@dataclass
class Vault:
    """A Vault to test with."""

    address: str
    token: str

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        headers = {"X-Vault-Token": self.token}
        return httpx.request(method, f"{self.address}/v1/{path}", json=body, headers=headers, timeout=60)

    def put(self, path: str, **data: Any) -> None:
        self.call("POST", f"secret/data/{path}", {"data": data}).raise_for_status()

    def open(self, location: str, **environment: str) -> Source:
        entry = environment or {"VAULT_TOKEN": self.token}
        return open_source(location, Path(), {"VAULT_ADDR": self.address, **entry})


@pytest.fixture
def vault() -> Iterator[Vault]:
    if REAL:
        yield Vault(REAL, os.environ["NAFTIKO_TEST_VAULT_TOKEN"])
        return
    stand_in = StandInVault()
    stand_in.logins["the-role", "the-secret"] = "token-of-the-role"
    with stand_in.upstream:
        yield Vault(stand_in.upstream.url, ROOT)


def reason(source: Source) -> str:
    """Why a source can't be read; it has no values then."""
    assert source.get("api-key") is None
    assert source.reason
    return source.reason


@pytest.mark.parametrize(
    "location",
    [
        "vault://my-vault/secret/data/app",
        "vault://secret/data/app",
        "vault://secret/app",
        "vault://vault:8200/secret/app",
        "vault:///secret/data/app",
    ],
)
def test_a_secret_of_kv_version_2(vault, location):
    vault.put("app", **{"api-key": "s3cret", "rate": 1.5, "on": True, "nested": {"password": "deep"}, "empty": ""})
    source = vault.open(location)
    assert source.get("api-key") == "s3cret"
    assert source.get("rate") == "1.5"
    assert source.get("on") == "true"
    assert source.get("nested.password") == "deep"
    assert source.get("empty") is None
    assert source.get("absent") is None
    assert source.reason == ""


def test_names_are_encoded_as_segments(vault):
    vault.put("team%20a/caf%C3%A9", **{"api-key": "v"})
    assert vault.open("vault://my-vault/secret/data/team a/café").get("api-key") == "v"
    assert vault.open("vault://my-vault/secret/data/team%20a/caf%C3%A9").get("api-key") == "v"


def test_a_secret_is_read_once_and_anew_when_opened_anew(vault):
    vault.put("app", **{"api-key": "first"})
    source = vault.open("vault://secret/data/app")
    assert source.get("api-key") == "first"
    vault.put("app", **{"api-key": "second"})
    assert source.get("api-key") == "first"
    assert vault.open("vault://secret/data/app").get("api-key") == "second"


def test_a_secret_that_is_not_there_or_deleted(vault):
    assert (
        reason(vault.open("vault://secret/data/nowhere"))
        == "Vault has not got the secret `nowhere` of the mount `secret` (KV version 2)"
    )
    vault.put("gone", **{"api-key": "s3cret"})
    vault.call("DELETE", "secret/data/gone").raise_for_status()
    assert reason(vault.open("vault://secret/data/gone")) == "the secret `gone` of the mount `secret` is deleted"
    assert "Vault" in reason(vault.open("vault://no-such-mount/data/app"))


def test_a_token_that_may_not_read(vault):
    vault.put("app", **{"api-key": "s3cret"})
    told = reason(vault.open("vault://secret/data/app", VAULT_TOKEN="hvs.wrong"))
    assert told == "the token may not read the secret `app` of the mount `secret`, or has expired"


def test_an_approle_logs_in(vault):
    vault.put("app", **{"api-key": "s3cret"})
    role, secret = ("the-role", "the-secret") if not REAL else _made_approle(vault)
    source = vault.open("vault://secret/data/app", VAULT_ROLE_ID=role, VAULT_SECRET_ID=secret)
    assert source.get("api-key") == "s3cret"


def _made_approle(vault: Vault) -> tuple[str, str]:
    vault.call("POST", "sys/auth/approle", {"type": "approle"})
    policy = 'path "secret/data/*" { capabilities = ["read"] }'
    vault.call("PUT", "sys/policies/acl/reader", {"policy": policy}).raise_for_status()
    vault.call("POST", "auth/approle/role/reader", {"token_policies": ["reader"]}).raise_for_status()
    role = vault.call("GET", "auth/approle/role/reader/role-id").json()["data"]["role_id"]
    secret = vault.call("POST", "auth/approle/role/reader/secret-id").json()["data"]["secret_id"]
    return role, secret


def test_a_wrong_approle_is_told_without_it(vault):
    if REAL:
        _made_approle(vault)
    told = reason(vault.open("vault://secret/data/app", VAULT_ROLE_ID="the-role", VAULT_SECRET_ID="wrong-secret"))
    assert told == "Vault refused the AppRole of VAULT_ROLE_ID and VAULT_SECRET_ID"


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({}, "set VAULT_ADDR to the address of Vault"),
        ({"VAULT_ADDR": "http://127.0.0.1:1"}, "set VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID"),
        (
            {"VAULT_ADDR": "http://127.0.0.1:1", "VAULT_ROLE_ID": "r"},
            "set VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID",
        ),
        ({"VAULT_ADDR": "127.0.0.1:8200", "VAULT_TOKEN": "t0ken"}, "the address of Vault is no URL"),
        ({"VAULT_ADDR": "http://[::", "VAULT_TOKEN": "t0ken"}, "the address of Vault is no URL"),
        (
            {"VAULT_ADDR": "https://127.0.0.1:1", "VAULT_CACERT": "no-such.pem", "VAULT_TOKEN": "t0ken"},
            "no-such.pem holds no certificates that can be read",
        ),
    ],
)
def test_what_the_environment_lacks(environment, told):
    assert reason(open_source("vault://secret/data/app", Path(), environment)) == told


def test_a_host_in_the_location_never_gets_the_token():
    """A file that somebody wrote must not decide who is given the operator's token."""
    with StandInUpstream() as other, StandInUpstream() as ours:
        location = other.url.replace("http://", "vault://") + "/secret/data/app"
        reason(open_source(location, Path(), {"VAULT_ADDR": ours.url, "VAULT_TOKEN": ROOT}))
        assert [request.raw_path for request in ours.requests] == ["/v1/secret/data/app"]
        assert other.requests == []


def test_what_a_request_carries():
    with StandInUpstream() as upstream:
        upstream.on("GET", "/v1/team/kv/data/app", {"data": {"data": {"api-key": "v"}}})
        environment = {"VAULT_ADDR": f"{upstream.url}/", "VAULT_TOKEN": f"{ROOT}\n", "VAULT_NAMESPACE": "eu/"}
        assert open_source("vault:///team/kv/data/app", Path(), environment).get("api-key") == "v"
        (request,) = upstream.requests
    assert request.headers["x-vault-token"] == ROOT
    assert request.headers["x-vault-namespace"] == "eu/"
    assert request.headers["x-vault-request"] == "true"


def test_a_vault_that_is_sealed_while_an_approle_logs_in():
    with StandInUpstream() as upstream:
        upstream.on("POST", "/v1/auth/approle/login", JSONResponse({"errors": ["Vault is sealed"]}, 503))
        environment = {"VAULT_ADDR": upstream.url, "VAULT_ROLE_ID": "r", "VAULT_SECRET_ID": "s"}
        told = reason(open_source("vault://secret/data/app", Path(), environment))
        assert told == "Vault is sealed, or down for maintenance (503)"


def far_away(request: RecordedRequest) -> Answer:
    return RedirectResponse("http://active.invalid/v1/secret/data/app", 307)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (JSONResponse({"errors": ["Vault is sealed"]}, 503), "Vault is sealed, or down for maintenance (503)"),
        (far_away, "Vault redirects (307); set VAULT_ADDR to the address of the active node"),
        (JSONResponse({"errors": [f"boom {ROOT}"]}, 500), "Vault answered 500 without a secret"),
        ({"data": {"api-key": "of KV version 1"}}, "Vault answered 200 without a secret"),
        (b"<html>", "Vault answered 200 without a secret"),
        (b'{"data": {"data": null}}', "Vault answered 200 without a secret"),
        (Flood(5_000_000), f"the answer of Vault is larger than {secret_store.MAX_BYTES} bytes"),
    ],
)
def test_answers_that_are_no_secret(answer, told):
    with StandInUpstream() as upstream:
        upstream.on("GET", "/v1/secret/data/app", answer)
        source = open_source("vault://secret/data/app", Path(), {"VAULT_ADDR": upstream.url, "VAULT_TOKEN": ROOT})
        assert reason(source) == told
        assert len(upstream.requests) == 1


@pytest.mark.parametrize("behaviour", [Stall(30), Drip(b'{"data": {}}' * 100, pause=0.05)])
def test_a_vault_that_is_slow_has_a_limit(monkeypatch, behaviour):
    monkeypatch.setattr(secret_store, "TIME_LIMIT", 0.3)
    with StandInUpstream() as upstream:
        upstream.on("GET", "/v1/secret/data/app", behaviour)
        source = open_source("vault://secret/data/app", Path(), {"VAULT_ADDR": upstream.url, "VAULT_TOKEN": ROOT})
        assert "did not answer within" in reason(source)


def test_a_vault_that_is_not_there():
    with refused_url() as url:
        source = open_source("vault://secret/data/app", Path(), {"VAULT_ADDR": url, "VAULT_TOKEN": ROOT})
        assert f"Vault at {url} can't be reached: " in reason(source)
        assert ROOT not in source.reason


@pytest.mark.parametrize(
    ("location", "mount", "path"),
    [
        ("vault://my-vault/secret/data/app/eu", "secret", "app/eu"),
        ("vault://my-vault/team/kv/data/app", "team/kv", "app"),
        ("vault://secret/data/data", "secret", "data"),
        ("vault://secret/app//eu/", "secret", "app/eu"),
        ("vault://my-vault/secret/data", "my-vault", "secret/data"),
        ("vault:///data/app", "data", "app"),
        ("vault://[::1]:8200/secret/data/a?b#c", "secret", "a%3Fb%23c"),
    ],
)
def test_how_a_location_is_read(location, mount, path):
    assert mount_and_path(location) == (mount, path)


@pytest.mark.parametrize(
    "location",
    [
        "vault://",
        "vault://secret",
        "vault://vault:8200/secret",
        "vault://secret/data/../../sys/seal",
        "vault://secret/%2e%2e/data/x",
    ],
)
def test_a_location_that_names_no_secret(location):
    with pytest.raises(NotReadable, match="it names no secret"):
        mount_and_path(location)


def test_an_authority_of_its_own(tmp_path):
    """VAULT_CACERT says whom to trust; it may be relative to the capability file."""
    answer = 200, {"data": {"data": {"api-key": "over TLS"}}}
    with serving(lambda path, headers: answer, tmp_path / "ca.pem") as port:
        environment = {"VAULT_ADDR": f"https://127.0.0.1:{port}", "VAULT_TOKEN": ROOT}
        trusting = open_source("vault://secret/data/app", tmp_path, {**environment, "VAULT_CACERT": "ca.pem"})
        assert trusting.get("api-key") == "over TLS"
        assert "its certificate is not trusted" in reason(open_source("vault://secret/data/app", tmp_path, environment))
