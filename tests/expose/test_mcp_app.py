"""One server for all adapters, one for each; started by a lifespan or by the first request."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import httpx
import pytest
from mcp_wire import NEWEST, Wire, serving

import naftiko
from naftiko.expose.mcp import mcp_app
from naftiko.testing.identity import StandInIdentityProvider

ONE = """
naftiko: 1.0.0-alpha2
info: {label: One, version: 3.0.0}
capability:
  exposes:
    - type: mcp
      namespace: one
      description: The first.
      ttlMs: 1000
      cacheScope: public
      tools:
        - {name: greet, description: Greets, outputParameters: [{name: said, type: string, value: one}]}
        - {name: only-one, description: Only here, outputParameters: [{name: said, type: string, value: one}]}
"""
TWO = """
naftiko: 1.0.0-alpha2
capability:
  exposes:
    - type: mcp
      namespace: two words
      description: The second.
      tools:
        - {name: greet, description: Greets too, outputParameters: [{name: said, type: string, value: two}]}
      prompts:
        - {name: ask, template: [{content: Ask}]}
    - {type: mcp, namespace: empty}
"""


@pytest.fixture
async def url(serve, caplog):
    return await serve(ONE, TWO)


async def names(at):
    return [tool["name"] for tool in (await at.ask("tools/list"))["tools"]]


@pytest.mark.parametrize("path", ["/mcp", "/", "/mcp/", ""])
async def test_all_adapters_are_one_server(url, wire, path):
    at = wire(f"{url}{path}", NEWEST)
    assert await names(at) == ["greet", "only-one"]
    assert [prompt["name"] for prompt in (await at.ask("prompts/list"))["prompts"]] == ["ask"]
    found = await at.ask("server/discover")
    assert found["instructions"] == "The first.\n\nThe second."
    assert found["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "naftiko"
    assert (found["ttlMs"], found["cacheScope"]) == (0, "private")


async def test_each_adapter_is_a_server_of_its_own(url, wire):
    first, second = wire(f"{url}/one/mcp", NEWEST), wire(f"{url}/two%20words/mcp", NEWEST)
    assert await names(first) == ["greet", "only-one"]
    assert await names(second) == ["greet"]
    found = await first.ask("server/discover")
    info = found["_meta"]["io.modelcontextprotocol/serverInfo"]
    assert (info["name"], info["version"], info["title"]) == ("one", "3.0.0", "One")
    assert (found["ttlMs"], found["cacheScope"]) == (1000, "public")
    assert "prompts" not in found["capabilities"]
    assert (await second.call("greet"))["structuredContent"] == {"said": "two"}


async def test_an_adapter_without_anything_has_no_tools(url, wire):
    assert await names(wire(f"{url}/empty/mcp", NEWEST)) == []


async def test_of_two_tools_with_a_name_the_first_is_served(url, wire):
    """``naftiko serve`` says so, with both positions; the app itself is silent."""
    assert (await wire(f"{url}/mcp", NEWEST).call("greet"))["structuredContent"] == {"said": "one"}


async def test_other_paths_are_not_found_and_say_where_the_server_is(url):
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        answer = await client.post(f"{url}/nothing", json={})
    assert answer.status_code == 404
    assert "/mcp" in answer.json()["error"]["message"]


def test_without_a_lifespan_it_starts_with_the_first_request_in_any_loop(tmp_path):
    """As for embedding: ``httpx.ASGITransport`` runs no lifespan, and each ``asyncio.run`` is a loop of its own."""
    app = mcp_app(naftiko.loads(ONE, path=tmp_path / "one.yaml"))

    async def ask():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            results = await asyncio.gather(*(Wire(client, "/mcp", version).call("greet") for version in versions))
            await app.aclose()
            return [result["structuredContent"] for result in results]

    versions = (NEWEST, "2025-06-18", "2024-11-05")
    for _ in range(2):
        assert asyncio.run(ask()) == [{"said": "one"}] * 3


async def test_it_can_be_served_again_after_it_was_stopped(tmp_path, wire):
    app = mcp_app(naftiko.loads(ONE, path=tmp_path / "one.yaml"))
    for _ in range(2):
        async with serving(app) as url:
            assert (await wire(f"{url}/mcp", "2025-11-25").call("greet"))["isError"] is False


async def test_mounted_below_a_path_it_serves_the_same(tmp_path, wire):
    from starlette.applications import Starlette
    from starlette.routing import Mount

    app = mcp_app(naftiko.loads(ONE, path=tmp_path / "one.yaml"))
    async with serving(Starlette(routes=[Mount("/inner", app)])) as url:
        assert (await wire(f"{url}/inner/one/mcp", NEWEST).call("greet"))["isError"] is False
    await app.aclose()


def test_importing_the_adapter_does_not_import_the_sdk():
    script = (
        "import sys, naftiko.expose.mcp as m; from naftiko import mcp_app; assert m.mcp_app is mcp_app;"
        "assert not {'mcp', 'mcp_types', 'starlette', 'pydantic'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)  # our own interpreter and text


def guarded(text, token):
    return text.replace("      tools:", f"      authentication: {{type: bearer, token: {token}}}\n      tools:", 1)


async def listed(wire, url, path, token=None):
    headers = {"authorization": f"Bearer {token}"} if token else {}
    answer = await wire(f"{url}{path}", NEWEST).post("tools/list", **headers)
    return (
        [tool["name"] for tool in answer.json()["result"]["tools"]] if answer.status_code == 200 else answer.status_code
    )


@pytest.mark.parametrize("path", ["/mcp", "/", "/one/mcp"])
async def test_an_adapter_that_asks_for_authentication_is_never_served_without(serve, wire, path):
    url = await serve(guarded(ONE, "let-me-in"))
    assert await listed(wire, url, path) == 401
    assert await listed(wire, url, path, "wrong") == 401
    assert await listed(wire, url, path, "let-me-in") == ["greet", "only-one"]
    answer = await wire(f"{url}{path}", "2025-06-18").post("tools/list")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["error"]["code"] == -32600


async def test_adapters_with_different_credentials_are_not_served_together(serve, wire):
    url = await serve(guarded(ONE, "first-token"), TWO)
    assert await listed(wire, url, "/mcp") == ["greet"]
    assert (await wire(f"{url}/mcp", NEWEST).call("greet"))["structuredContent"] == {"said": "two"}
    assert await listed(wire, url, "/one/mcp") == 401
    assert await listed(wire, url, "/one/mcp", "first-token") == ["greet", "only-one"]


async def test_adapters_with_the_same_declaration_share_a_server_and_each_sees_the_credential(tmp_path, wire):
    """The same ``{{TOKEN}}`` may have another value in another capability; nobody gets in with one of them alone."""
    from naftiko.engine.settings import Settings

    def capabilities(first, second):
        for at, (text, token) in enumerate(
            ((ONE, first), (TWO.split("    - {type: mcp, namespace: empty}", maxsplit=1)[0], second))
        ):
            settings = Settings(variables={"TOKEN": token}, environment={})
            yield naftiko.loads(guarded(text, '"{{env.TOKEN}}"'), path=tmp_path / f"{at}.yaml", settings=settings)

    async with serving(mcp_app(list(capabilities("same-token", "same-token")))) as url:
        assert await listed(wire, url, "/mcp", "same-token") == ["greet", "only-one"]
        assert await listed(wire, url, "/mcp") == 401
    async with serving(mcp_app(list(capabilities("first-token", "second-token")))) as url:
        assert await listed(wire, url, "/mcp", "first-token") == 401
        assert await listed(wire, url, "/mcp", "second-token") == 401
        assert await listed(wire, url, "/one/mcp", "first-token") == ["greet", "only-one"]


async def test_the_metadata_of_an_oauth2_resource_is_public(serve):
    oauth2 = (
        "      authentication: {type: oauth2, authorizationServerUri: 'https://login.example', "
        "resource: 'https://mcp.example/mcp', scopes: [read]}\n      tools:"
    )
    url = await serve(ONE.replace("      tools:", oauth2, 1))
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        metadata = await client.get(f"{url}/.well-known/oauth-protected-resource/mcp")
        refused = await client.post(f"{url}/mcp", json={}, headers={"accept": "application/json"})
    assert metadata.json()["resource"] == "https://mcp.example/mcp"
    assert metadata.json()["authorization_servers"] == ["https://login.example"]
    assert refused.status_code == 401
    assert "resource_metadata=" in refused.headers["www-authenticate"]


def oauth2_text(text, resource, issuer="https://login.example"):
    declared = f"{{type: oauth2, authorizationServerUri: '{issuer}', resource: '{resource}'}}"
    return text.replace("      tools:", f"      authentication: {declared}\n      tools:", 1)


@pytest.mark.parametrize(
    ("declared", "main", "alone"),
    [
        ("https://mcp.example/mcp", "https://mcp.example/mcp", "https://mcp.example/one/mcp"),
        ("https://mcp.example/one/mcp", "https://mcp.example/mcp", "https://mcp.example/one/mcp"),
        ("https://mcp.example/base/mcp", "https://mcp.example/base/mcp", "https://mcp.example/base/one/mcp"),
        ("https://mcp.example", "https://mcp.example", "https://mcp.example/one/mcp"),
    ],
)
async def test_each_path_is_a_resource_of_its_own_with_its_own_metadata(serve, declared, main, alone):
    url = await serve(oauth2_text(ONE, declared))
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        for path, resource in (("/mcp", main), ("/one/mcp", alone)):
            metadata = await client.get(f"{url}/.well-known/oauth-protected-resource{path}")
            assert metadata.json()["resource"] == resource
            refused = await client.post(f"{url}{path}", json={}, headers={"accept": "application/json"})
            assert refused.status_code == 401
            where = resource.replace("mcp.example", "mcp.example/.well-known/oauth-protected-resource")
            assert f'resource_metadata="{where}"' in refused.headers["www-authenticate"]


async def test_several_resources_each_have_their_metadata(serve):
    two = oauth2_text(TWO.replace("two words", "two"), "https://mcp.example/two/mcp", "https://b.example")
    url = await serve(oauth2_text(ONE, "https://mcp.example/mcp"), two)
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        for namespace, issuer in (("one", "https://login.example"), ("two", "https://b.example")):
            metadata = await client.get(f"{url}/.well-known/oauth-protected-resource/{namespace}/mcp")
            assert metadata.json()["resource"] == f"https://mcp.example/{namespace}/mcp"
            assert metadata.json()["authorization_servers"] == [issuer]


async def test_a_token_for_the_resource_of_a_path_opens_that_path(serve, wire):
    with StandInIdentityProvider() as identity:
        url = await serve(oauth2_text(ONE, "https://mcp.example/mcp", identity.url))
        own, main = (identity.token(aud=f"https://mcp.example{path}") for path in ("/one/mcp", "/mcp"))
        assert await listed(wire, url, "/one/mcp", own) == ["greet", "only-one"]
        assert await listed(wire, url, "/one/mcp", main) == ["greet", "only-one"]
        assert await listed(wire, url, "/mcp", main) == ["greet", "only-one"]
        assert await listed(wire, url, "/mcp", own) == 401
        assert await listed(wire, url, "/one/mcp", identity.token(aud="https://mcp.example/two/mcp")) == 401
