"""What is said of upstreams that can't be reached, are silent, break off, or aren't whom they claim to be."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import sys

import pytest
import trustme
from raw_upstream import OK, QUICK, Received, answers, get, until

from naftiko.engine.transport import Limits, Transport
from naftiko.engine.transport.environment import platform_context
from naftiko.ground.errors import UpstreamBroken, UpstreamTimeout, UpstreamUnreachable


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", "closed the connection before answering"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "closed the connection before answering"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "was cut"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nhalf", "was cut"),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "is not HTTP"),
    ],
)
async def test_an_answer_that_breaks_off_or_is_none(start, transport, answer, said):
    upstream = await start(answers(answer, close=True))
    with pytest.raises(UpstreamBroken, match=said) as caught:
        await get(transport, upstream.url("/path?token=secret"))
    assert upstream.place in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "Error" not in str(caught.value)


async def test_silence_before_and_within_an_answer(start, transport):
    async def handle(request: Received, writer: asyncio.StreamWriter) -> None:
        if b"/half" in request.line:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
        await asyncio.sleep(60)

    upstream = await start(handle)
    limits = Limits(read=0.3)
    impatient = Transport(limits)
    with pytest.raises(UpstreamTimeout, match=f"{upstream.place} did not answer: nothing came for 0.3 s"):
        await get(impatient, upstream.url(), limits)
    with pytest.raises(UpstreamTimeout, match=r"stopped in the middle of its answer: nothing came for 0\.3 s"):
        await get(impatient, upstream.url("/half"), limits)
    await impatient.aclose()


async def test_an_answer_that_drips_ends_at_the_total_limit(start, transport):
    async def handle(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    upstream = await start(handle)
    with pytest.raises(UpstreamTimeout, match=f"the exchange with {upstream.place} took longer than 0.4 s"):
        await get(transport, upstream.url(), Limits(total=0.4))
    await until(lambda: upstream.ended == 1)


async def test_a_refused_connection(transport):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(UpstreamUnreachable, match=f"127.0.0.1:{port} can't be reached: it refuses connections"):
        await get(transport, f"http://127.0.0.1:{port}/?key=secret")


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "no such host"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), "its name can't be looked up at the moment"),
        (OSError(None, "Could not contact DNS servers"), "no such host"),
    ],
)
async def test_a_host_whose_name_leads_nowhere(transport, monkeypatch, failure, said):
    def unknown(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(UpstreamUnreachable, match=rf"api\.nowhere\.example:443 can't be reached: {said}"):
        await get(transport, "https://api.nowhere.example/v1")


@pytest.mark.skipif(sys.platform != "linux", reason="a full backlog drops connections on Linux only")
async def test_a_connection_that_is_never_accepted_ends_at_the_connect_limit(transport):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as waiting:
        for _ in range(3):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        port = full.getsockname()[1]
        limits = Limits(connect=0.5)
        impatient = Transport(limits)
        with pytest.raises(UpstreamTimeout, match=f"no connection to 127.0.0.1:{port} within 0.5 s"):
            await get(impatient, f"http://127.0.0.1:{port}/", limits)
        await impatient.aclose()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def server_tls(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


async def test_a_trusted_certificate(start, authority, tmp_path, monkeypatch):
    """By a context, by the platform's way of naming an authority, and not at all."""
    upstream = await start(answers(OK), server_tls(authority, "localhost"))
    context = ssl.create_default_context()
    authority.configure_trust(context)
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    platform_context.cache_clear()
    for verify in (context, True, False):
        transport = Transport(QUICK, verify=verify)
        assert (await get(transport, upstream.url())).content == b"ok"
        await transport.aclose()
    platform_context.cache_clear()


async def test_a_certificate_of_an_unknown_authority_or_for_another_host(start, authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    unknown = await start(answers(OK), server_tls(trustme.CA(), "localhost"))
    other = await start(answers(OK), server_tls(authority, "other.example"))
    transport = Transport(QUICK, verify=context)
    with pytest.raises(UpstreamUnreachable, match=f"{unknown.place} can't be reached: its certificate is not trusted"):
        await get(transport, unknown.url())
    with pytest.raises(UpstreamUnreachable, match=r"is not trusted .*not valid for 'localhost'") as caught:
        await get(transport, other.url())
    assert "SSL_CERT_FILE" in caught.value.hint
    assert unknown.requests == other.requests == []
    await transport.aclose()


async def test_https_to_a_server_that_speaks_http(start, transport):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(UpstreamUnreachable, match="can't be reached: no TLS connection"):
            await get(transport, f"https://localhost:{port}/")


async def test_the_environments_proxy_is_used_and_left_out_where_it_says_so(start, monkeypatch):
    proxy = await start(answers(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nproxy"))
    direct = await start(answers(OK))
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, f"http://user:pass@127.0.0.1:{proxy.port}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "localhost")
    transport = Transport(QUICK)
    untrusting = Transport(QUICK, trust_env=False)
    assert (await get(transport, "http://api.example/a%2Fb?x=1")).content == b"proxy"
    assert (await get(transport, direct.url())).content == b"ok"
    assert (await get(untrusting, direct.url().replace("localhost", "127.0.0.1"))).content == b"ok"
    assert proxy.requests[0].line == b"GET http://api.example/a%2Fb?x=1 HTTP/1.1"
    assert proxy.requests[0].all(b"proxy-authorization") == [b"Basic dXNlcjpwYXNz"]
    await transport.aclose()
    await untrusting.aclose()


@pytest.mark.parametrize(
    ("proxy", "said"),
    [
        ("http://127.0.0.1:1", " through the proxy: it refuses connections"),
        ("socks5://user:secret@127.0.0.1:1", ": HTTPS_PROXY names a SOCKS proxy, which isn't spoken here"),
        ("SOCKS5H://user:secret@127.0.0.1:1", ": HTTPS_PROXY names a SOCKS proxy, which isn't spoken here"),
        ("ftp://user:secret@127.0.0.1:1", ": HTTPS_PROXY names a `ftp` proxy, which isn't spoken here"),
    ],
)
async def test_a_proxy_that_can_not_be_used(monkeypatch, proxy, said):
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, proxy)
    transport = Transport(QUICK)
    with pytest.raises(UpstreamUnreachable, match=f"api.example:443 can't be reached{said}") as caught:
        await get(transport, "https://api.example/")
    assert "secret" not in str(caught.value)
    assert ("NO_PROXY" in caught.value.hint) is (not proxy.startswith("http"))
    await transport.aclose()


async def test_a_proxy_that_refuses_the_tunnel(start, monkeypatch):
    proxy = await start(answers(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"))
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"127.0.0.1:{proxy.port}")
    transport = Transport(QUICK)
    with pytest.raises(UpstreamUnreachable, match=r"api\.example:443 can't be reached through the proxy"):
        await get(transport, "https://api.example/")
    assert proxy.requests[0].line == b"CONNECT api.example:443 HTTP/1.1"
    await transport.aclose()


async def test_a_tls_handshake_that_is_cut_off(transport):
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(UpstreamUnreachable, match=f"localhost:{port} can't be reached: it closed the connection"):
            await get(transport, f"https://localhost:{port}/")
