"""Who may call, by which name, from which page, with how much."""

from __future__ import annotations

import httpx
import pytest

CAPABILITY = """
naftiko: 1.0.0-alpha2
capability:
  exposes:
    - type: mcp
      namespace: hello
      tools:
        - {name: hello, description: Greets, outputParameters: [{name: greeting, type: string, value: Hello}]}
"""
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
ACCEPT = {"accept": "application/json, text/event-stream"}


async def post(url, **headers):
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        return await client.post(f"{url}/mcp", json=PING, headers={**ACCEPT, **headers})


@pytest.mark.parametrize("host", ["localhost", "localhost:1234", "127.0.0.1:80", "[::1]:9090", "LOCALHOST"])
async def test_loopback_names_are_allowed(serve, host):
    assert (await post(await serve(CAPABILITY), host=host)).json()["result"] == {}


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "", "127.0.0.2"]
)
async def test_a_foreign_host_is_misdirected_and_told_which_option_allows_it(serve, host):
    answer = await post(await serve(CAPABILITY), host=host)
    assert answer.status_code == 421
    message = answer.json()["error"]["message"]
    assert f'the host "{host}" is not allowed' in message
    assert f"--allow-host {host.removesuffix(':80')}" in message


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("mcp.example.com", 200),
        ("mcp.example.com:8443", 200),
        ("a.b.internal", 200),
        ("other.example.com", 421),
        ("only.example:1", 200),
        ("only.example:2", 421),
    ],
)
async def test_allowed_hosts_are_names_names_with_a_port_and_patterns(serve, host, status):
    url = await serve(CAPABILITY, allowed_hosts=["mcp.example.com", "*.internal", "only.example:1"])
    assert (await post(url, host=host)).status_code == status


async def test_the_host_guard_can_be_off(serve):
    url = await serve(CAPABILITY, guard_hosts=False)
    assert (await post(url, host="anything.example")).status_code == 200
    assert (await post(url, host="anything.example", origin="https://evil.example")).status_code == 403


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:6274", 200),
        ("https://127.0.0.1", 200),
        ("https://app.example.com", 200),
        ("https://evil.example", 403),
        ("https://app.example.com.evil.example", 403),
        ("null", 403),
        ("", 403),
    ],
)
async def test_pages_of_foreign_origins_are_refused(serve, origin, status):
    url = await serve(CAPABILITY, allowed_origins=["https://app.example.com"])
    answer = await post(url, origin=origin)
    assert answer.status_code == status
    if status == 403:
        assert "--allow-origin" in answer.json()["error"]["message"]


async def test_a_page_of_the_called_host_itself_is_not_foreign(serve):
    url = await serve(CAPABILITY, allowed_hosts=["mcp.example.com"])
    assert (await post(url, host="mcp.example.com", origin="https://mcp.example.com")).status_code == 200


async def test_pages_that_may_call_may_read_the_answers_and_others_get_no_cors(serve):
    url = await serve(CAPABILITY, allowed_origins=["https://app.example.com", "https://*.example.org"])
    for origin in ("https://app.example.com", "https://a.example.org", "http://localhost:1"):
        assert (await post(url, origin=origin)).headers["access-control-allow-origin"] == origin
    for origin in ("https://evil.example", "null"):
        assert "access-control-allow-origin" not in (await post(url, origin=origin)).headers
    assert "access-control-allow-origin" not in (await post(url)).headers


async def test_a_large_request_is_413_in_one_piece_or_many(serve):
    url = await serve(CAPABILITY, max_request_bytes=1000)

    async def pieces():
        for _ in range(100):
            yield b" " * 100

    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        for body in (b" " * 1001, pieces()):
            answer = await client.post(
                f"{url}/mcp", content=body, headers={**ACCEPT, "content-type": "application/json"}
            )
            assert answer.status_code == 413
            assert "1000 bytes" in answer.json()["error"]["message"]
        assert (await client.post(f"{url}/mcp", json=PING, headers=ACCEPT)).status_code == 200


async def test_a_request_that_never_arrives_is_408(serve, monkeypatch):
    monkeypatch.setattr("naftiko.expose.mcp.exchange.BODY_SECONDS", 0.2)
    url = httpx.URL(await serve(CAPABILITY))
    import asyncio

    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(
        b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{"
    )
    async with asyncio.timeout(60):
        assert (await reader.readline()).startswith(b"HTTP/1.1 408")
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"[1]", b'"x"', b'{"jsonrpc": "1.0"}', b"\xff", b"[" * 100_000])
@pytest.mark.parametrize("version", ["2024-11-05", "2026-07-28"])
async def test_nonsense_is_a_json_rpc_error(serve, body, version):
    url = await serve(CAPABILITY)
    headers = {**ACCEPT, "content-type": "application/json", "mcp-protocol-version": version}
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        answer = await client.post(f"{url}/mcp", content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in {-32700, -32600, -32602}
