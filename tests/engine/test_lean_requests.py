"""Requests on connections of our own: their bytes, their bodies, and what becomes of a body that nobody wants."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine

import httpx
import pytest
from raw_upstream import OK, Received, answers, ask, until

from naftiko.engine.transport import Limits, Transport, stream
from naftiko.engine.wire import WireRequest
from naftiko.ground.errors import UpstreamBroken, UpstreamTimeout, UpstreamUnreachable

LIMITS = Limits()

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]]


@contextlib.asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[str]:
    """A server that reads the request itself, or doesn't."""
    tasks: list[asyncio.Task[None]] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.current_task())
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await serve(reader, writer)
        finally:
            writer.transport.abort()

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.005)


async def test_the_head_goes_out_in_the_order_and_the_spelling_that_it_has(start, transport):
    upstream = await start(answers(OK))
    given = [(b"x-B", b"1"), (b"X-a", b"2"), (b"x-b", b"3"), (b"USER-AGENT", b"me"), (b"accept-Encoding", b"br")]
    await ask(transport, WireRequest("POST", upstream.url("/a?"), given, b"body"))
    assert upstream.requests[0].head == (
        b"POST /a? HTTP/1.1\r\nHost: " + upstream.place.encode() + b"\r\n"
        b"x-B: 1\r\nX-a: 2\r\nx-b: 3\r\nUSER-AGENT: me\r\naccept-Encoding: br\r\nContent-Length: 4\r\n\r\n"
    )  # fmt: skip


async def test_a_host_is_sent_once_and_first(start, transport):
    upstream = await start(answers(OK))
    await ask(transport, httpx.Request("GET", upstream.url(), headers=[(b"X-A", b"1"), (b"HOST", b"else.where")]))
    await ask(
        transport, httpx.Request("GET", upstream.url(), headers=[(b"X-A", b"1"), (b"Host", b"a"), (b"host", b"b")])
    )
    for request, host in zip(upstream.requests, (b"else.where", b"b"), strict=True):
        assert request.headers[0] == (b"Host", host)
        assert len(request.all(b"host")) == 1


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("?x=1", b"GET /?x=1 HTTP/1.1"),
        ("", b"GET / HTTP/1.1"),
        ("/a?b#c", b"GET /a?b HTTP/1.1"),
        ("/a?b=http://c/?d=/e@f", b"GET /a?b=http://c/?d=/e@f HTTP/1.1"),
        ("/%2e%2E/%zz|{}\\^", b"GET /%2e%2E/%zz|{}\\^ HTTP/1.1"),
    ],
)
async def test_path_and_query_are_sent_byte_for_byte(start, transport, url, line):
    upstream = await start(answers(OK))
    await ask(transport, WireRequest("GET", upstream.url("") + url, []))
    assert upstream.requests[0].line == line
    assert upstream.requests[0].all(b"host") == [upstream.place.encode()]


@pytest.mark.parametrize("name", [b"", b"X Y", b"X:", b"(X)", b"Content-Length "])
async def test_a_name_that_is_none_is_refused_before_sending(start, transport, name):
    upstream = await start(answers(OK))
    with pytest.raises(ValueError, match="holds a character that no name may hold"):
        await ask(transport, WireRequest("GET", upstream.url(), [(name, b"1")]))
    assert upstream.connections == 0


@pytest.mark.parametrize("target", ["/a b", "/a\r\nX: 1", "/a\tb", "/\u00e9", "/a\x7f"])
async def test_a_target_that_could_be_more_than_a_target_is_refused_before_sending(start, transport, target):
    upstream = await start(answers(OK))
    with pytest.raises(UpstreamUnreachable, match="not an http or https URL"):
        await ask(transport, _Raw("GET", upstream.url("") + target, []))
    assert upstream.connections == 0


class _Raw(WireRequest):
    """Whose URL can't be parsed."""

    url = httpx.URL("http://upstream.example/")


@pytest.mark.parametrize("address", ["ftp://h/", "http://h:70000/", "http://h:x/", "http://[::1/", "http:///a", "h/a"])
async def test_an_address_that_is_none_is_told(transport, address):
    with pytest.raises(UpstreamUnreachable, match="not an http or https URL"):
        await ask(transport, _Raw("GET", address, [(b"Host", b"h")]))


@pytest.mark.parametrize(
    ("headers", "sent"),
    [([], b"Basic dTpwQHc="), ([(b"authorization", b"Bearer t")], b"Bearer t")],
    ids=["no other", "another"],
)
async def test_the_user_of_an_address_is_a_credential_unless_there_is_one(start, transport, headers, sent):
    upstream = await start(answers(OK))
    url = upstream.url("/a@b").replace("://", "://u:p%40w@")
    await ask(transport, WireRequest("GET", url, headers))
    request = upstream.requests[0]
    assert request.line == b"GET /a@b HTTP/1.1"
    assert request.all(b"authorization") == [sent]
    assert request.all(b"host") == [upstream.place.encode()]


async def test_a_length_that_is_told_wrong_is_not_sent(start, transport):
    """Two sides that read the end of a request elsewhere make two requests of it (request smuggling)."""
    upstream = await start(answers(OK))
    told = [(b"Content-Length", b"3"), (b"content-length", b"1"), (b"Transfer-Encoding", b"chunked")]
    for method, body in (("POST", b"12345"), ("GET", b"")):
        request = httpx.Request(method, upstream.url(), headers=told, stream=httpx.ByteStream(body))
        await ask(transport, request)
        assert upstream.requests[-1].all(b"content-length") == [b"%d" % len(body)]
        assert upstream.requests[-1].all(b"transfer-encoding") == []
        assert upstream.requests[-1].body == body
    assert upstream.connections == 1


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@pytest.mark.parametrize(
    ("length", "parts", "said"),
    [("5", [b"123", b"456"], "longer"), ("7", [b"123", b"456"], "shorter"), ("six", [b"123456"], "no number")],
)
async def test_a_body_in_pieces_has_the_length_that_is_told_or_is_no_request(start, transport, length, parts, said):
    upstream = await start(answers(OK))
    request = httpx.Request("POST", upstream.url(), headers={"Content-Length": length}, content=pieces(*parts))
    with pytest.raises(ValueError, match=said):
        await ask(transport, request)
    assert (await ask(transport, upstream.url("/next"))).content == b"ok"
    assert [received.line for received in upstream.requests] == [b"GET /next HTTP/1.1"]


async def test_an_empty_piece_does_not_end_a_body(start, transport):
    upstream = await start(answers(OK))
    await ask(transport, httpx.Request("POST", upstream.url(), content=pieces(b"a", b"", b"b")))
    assert upstream.requests[0].body == b"ab"


async def test_a_source_that_takes_its_time_is_no_silence_of_the_upstream(start):
    transport = Transport(Limits(read=1))

    async def slow() -> AsyncIterator[bytes]:
        yield b"a"
        await asyncio.sleep(2 * transport.limits.read)
        yield b"b"

    upstream = await start(answers(OK))
    answer = await ask(transport, httpx.Request("POST", upstream.url(), content=slow()))
    assert (answer.content, upstream.requests[0].body) == (b"ok", b"ab")
    await transport.aclose()


REFUSED = b"HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nmore"


@pytest.mark.parametrize("told", ["in pieces", "at once"])
async def test_an_early_answer_ends_the_upload_and_the_connection(transport, told):
    """The server reads the head alone, answers, and reads no further."""
    given, ended = 0, asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += 65_536
            yield b"x" * 65_536

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(REFUSED)
        await writer.drain()
        with contextlib.suppress(ConnectionError):
            while await reader.read(65_536):
                pass
        ended.set()

    async with serving(serve) as url, asyncio.timeout(60):
        content = endless() if told == "in pieces" else b"x" * 300_000_000
        response = await ask(transport, httpx.Request("POST", url, content=content))
        assert (response.status_code, response.content) == (413, b"more")
        before = given
        await ended.wait()
        assert given == before


async def test_an_upload_is_no_faster_than_the_upstream_reads(transport):
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += 65_536
            yield b"x" * 65_536

    async def serve(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with serving(serve) as url:
        call = asyncio.create_task(ask(transport, httpx.Request("POST", url, content=endless())))
        await asyncio.sleep(0.5)
        assert 0 < given < 64 * 1024 * 1024
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
    before = given
    await asyncio.sleep(0.05)
    assert given == before


async def test_an_upstream_that_neither_reads_nor_answers_is_silent():
    async def serve(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    transport = Transport(Limits(read=1))
    async with serving(serve) as url:
        with pytest.raises(UpstreamTimeout, match="did not answer: nothing came for 1 s"):
            await ask(transport, httpx.Request("PUT", url, content=b"x" * 100_000_000))
    await transport.aclose()


async def test_an_answer_may_come_while_the_body_is_sent(transport):
    """Each piece is sent when the one before it came back."""
    back: asyncio.Queue[bytes] = asyncio.Queue()

    async def asking() -> AsyncIterator[bytes]:
        for at in range(5):
            yield b"%d" % at
            assert await back.get() == b"%d" % at

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while size := int(await reader.readline(), 16):
            writer.write(b"%x\r\n%b\r\n" % (size, await reader.readexactly(size)))
            await reader.readline()
        await reader.readline()
        writer.write(b"0\r\n\r\n")
        await reader.read()

    async with serving(serve) as url, asyncio.timeout(60):
        async with stream(transport, httpx.Request("POST", url, content=asking()), LIMITS) as response:
            async for chunk in response.aiter_raw():
                back.put_nowait(chunk)
        assert back.empty()


async def test_an_error_of_the_source_behind_the_head_of_an_answer_is_its_own(transport):
    class CallerGone(Exception):
        pass

    answered = asyncio.Event()

    async def asking() -> AsyncIterator[bytes]:
        yield b"some"
        await answered.wait()
        raise CallerGone

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
        await reader.read()

    async with (
        asyncio.timeout(60),
        serving(serve) as url,
        stream(transport, httpx.Request("POST", url, content=asking()), LIMITS) as response,
    ):
        body = response.aiter_raw()
        assert await anext(body) == b"a"
        answered.set()
        with pytest.raises(CallerGone):
            await anext(body)


async def test_a_server_that_hangs_up_in_the_middle_of_an_upload_is_told(transport):
    async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readexactly(300_000)

    async with serving(serve) as url, asyncio.timeout(60):
        with pytest.raises(UpstreamBroken, match="closed the connection before answering"):
            await ask(transport, httpx.Request("PUT", url, content=b"x" * 50_000_000))


async def test_a_second_call_does_not_wait_for_the_body_of_a_first(start, transport):
    """A body of many megabytes is written piece by piece, and the event loop serves others meanwhile."""
    reading = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"/large" in head:
            await reading.wait()
            await reader.readexactly(100_000_000)
        writer.write(OK)
        await reader.read()

    async with serving(serve) as url, asyncio.timeout(60):
        large = asyncio.create_task(ask(transport, httpx.Request("PUT", f"{url}/large", content=bytes(100_000_000))))
        await asyncio.sleep(0)
        assert (await ask(transport, httpx.Request("GET", f"{url}/small"))).content == b"ok"
        assert not large.done()
        reading.set()
        assert (await large).content == b"ok"


async def test_a_request_body_must_come_as_bytes(transport):
    class Odd(httpx.SyncByteStream):
        pass

    with pytest.raises(TypeError, match="a request body must be bytes"):
        await ask(transport, httpx.Request("POST", "http://127.0.0.1:9/", stream=Odd()))


async def test_a_closed_transport_closes_the_connections_that_are_at_work(start):
    async def handle(_: Received, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    upstream = await start(handle)
    transport = Transport(LIMITS)
    call = asyncio.create_task(ask(transport, upstream.url()))
    await until(lambda: len(upstream.requests) == 1)
    await transport.aclose()
    with pytest.raises(UpstreamBroken):
        await call


def test_a_header_that_is_set_takes_the_place_of_one_that_is_there():
    """Whatever letters its name has, and whether somebody has looked at the headers before."""
    for looks in (False, True):
        request = WireRequest("GET", "http://api.example/x", [(b"TraceParent", b"old"), (b"accept", b"*/*")])
        if looks:
            assert request.headers["traceparent"] == "old"
        request.set_field(b"traceparent", b"new")
        assert [value for name, value in request.raw_headers if name.lower() == b"traceparent"] == [b"new"]
        assert request.headers["accept"] == "*/*"
