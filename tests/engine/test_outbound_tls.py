"""Client certificates and authorities of an API, against a TLS server that asks for them, by each transport."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tls_server

import naftiko
from naftiko.engine.settings import Settings
from naftiko.engine.transport import pool
from naftiko.ground.errors import CallError

CAPABILITY = """
naftiko: 1.0.0-alpha2
capability:
  consumes:
    - type: http
      namespace: vault
      baseUri: https://127.0.0.1:PORT
      KEYS
      resources: [{path: /door, operations: [{name: open, method: GET}]}]
  exposes:
    - type: mcp
      namespace: tools
      port: 9090
      tools: [{name: open, description: Opens the door., call: vault.open}]
"""
TLS = 'tls: {clientCert: "{{CERT}}", clientKey: "{{KEY}}", ca: "{{CA}}"}'


def loaded(port: int, keys: str, **variables: str) -> naftiko.Capability:
    text = CAPABILITY.replace("PORT", str(port)).replace("KEYS", keys)
    return naftiko.loads(text, settings=Settings(environment=variables))


@pytest.fixture(params=["own", "aiohttp"])
def transport(request, monkeypatch):
    """Both: ours, and the one that proxies and systems without httptools have."""
    if request.param == "aiohttp":
        monkeypatch.setattr(pool, "_lean", lambda limits, verify: None)
    return request.param


@pytest.fixture
def door(tmp_path):
    authority, client = tmp_path / "authority.pem", tmp_path / "client.pem"
    seen: list[str] = []

    def answer(path, headers):
        seen.append(headers.get("Authorization", ""))
        return 200, {"open": path}

    with tls_server.serving(answer, authority, client) as port:
        yield port, authority, client, seen


async def opened(capability: naftiko.Capability) -> object:
    async with capability:
        return json.loads((await capability.units[0].run({})).content)


@pytest.mark.usefixtures("transport")
async def test_files_open_the_door(door):
    port, authority, client, _ = door
    keys = 'tls: {clientCert: "{{CERT}}", ca: "{{CA}}"}'
    assert await opened(loaded(port, keys, CERT=str(client), CA=str(authority))) == {"open": "/door"}


@pytest.mark.usefixtures("transport")
async def test_text_of_variables_opens_the_door(door):
    """With its line ends, and with those that a variable has lost; the key apart from the certificate."""
    port, authority, client, _ = door
    text = client.read_text()
    key = text[text.index("-----BEGIN") : text.index("-----BEGIN CERTIFICATE")]
    certificate = text[text.index("-----BEGIN CERTIFICATE") :]
    given = {"CERT": certificate.replace("\n", "\\n"), "KEY": key, "CA": authority.read_text()}
    assert await opened(loaded(port, TLS, **given)) == {"open": "/door"}


async def test_a_certificate_beside_a_token(door):
    port, authority, client, seen = door
    keys = 'tls: {cert: "{{CERT}}", cafile: "{{CA}}"}\n      authentication: {type: bearer, token: "{{TOKEN}}"}'
    assert await opened(loaded(port, keys, CERT=str(client), CA=str(authority), TOKEN="t0ken")) == {"open": "/door"}
    assert seen == ["Bearer t0ken"]


async def test_as_an_authentication(door):
    port, authority, client, _ = door
    keys = 'authentication: {type: mtls, clientCert: "{{CERT}}", ca: "{{CA}}"}'
    assert await opened(loaded(port, keys, CERT=str(client), CA=str(authority))) == {"open": "/door"}


@pytest.mark.usefixtures("transport")
async def test_without_a_certificate_or_with_another_authority_it_stays_closed(door, tmp_path):
    port, authority, client, seen = door
    other = tmp_path / "other.pem"
    with tls_server.serving(lambda path, headers: (200, {}), other):
        pass
    for keys, given in (
        ('tls: {ca: "{{CA}}"}', {"CA": str(authority)}),
        (TLS.replace('clientKey: "{{KEY}}", ', ""), {"CERT": str(client), "CA": str(other)}),
    ):
        with pytest.raises(CallError):
            await opened(loaded(port, keys, **given))
    assert seen == []


async def test_a_certificate_that_is_replaced_is_read_anew(door, tmp_path):
    """The first one is of another authority, so that the server refuses it; the file then gets the right one."""
    port, authority, client, _ = door
    file, elsewhere = tmp_path / "used.pem", tmp_path / "elsewhere.pem"
    with tls_server.serving(lambda path, headers: (200, {}), tmp_path / "x.pem", elsewhere):
        file.write_bytes(elsewhere.read_bytes())
    async with loaded(
        port, 'tls: {clientCert: "{{CERT}}", ca: "{{CA}}"}', CERT=str(file), CA=str(authority)
    ) as capability:
        with pytest.raises(CallError):
            await capability.units[0].run({})
        file.write_bytes(client.read_bytes())
        assert (await capability.units[0].run({})).status == 200


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"CERT": "/nowhere/client.pem", "KEY": "k", "CA": "CA"}, "clientCert"),
        ({"CERT": "-----BEGIN CERTIFICATE-----\nno", "KEY": "-----BEGIN s3cret", "CA": "CA"}, "clientCert"),
        ({"CERT": "c", "KEY": "k", "CA": "/nowhere/ca.pem"}, "ca"),
    ],
)
async def test_what_is_no_certificate_is_told(door, given, said):
    _, authority, _, _ = door
    given = {name: str(authority) if value == "CA" else value for name, value in given.items()}
    with pytest.raises(CallError, match=f"`{said}` in the authentication of `vault`") as told:
        await opened(loaded(1, TLS, **given))
    assert "s3cret" not in str(told.value)


@pytest.mark.parametrize("keys", ["tls: {}", 'tls: {clientKey: "{{K}}"}', "authentication: {type: mtls}"])
def test_what_lacks_a_part_is_told(keys):
    assert "incomplete-authentication" in [found.rule for found in loaded(1, keys).errors]


def test_a_path_is_no_secret_and_a_key_is_one(tmp_path: Path):
    keys = "tls: {clientCert: /run/c.pem, clientKey: /run/k.pem}"
    assert "literal-secret" not in [found.rule for found in loaded(1, keys).lint()]
    keys = 'tls: {clientCert: /run/c.pem, clientKey: "-----BEGIN PRIVATE KEY-----\\nabc"}'
    assert "literal-secret" in [found.rule for found in loaded(1, keys).lint()]
