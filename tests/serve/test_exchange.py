"""What becomes of an app's messages, in order and out of it; apps that break off; connections that wait."""

from __future__ import annotations

import asyncio
import logging

import pytest
from listening import listening, live

from naftiko.serve.limits import ConnectionLimits
from virtual_time import virtual_time

SHORT = ConnectionLimits(keep_alive_seconds=3)
PLAIN = [(b"Content-Length", b"5"), (b"X-Plain", b"a value")]


async def whole(send):
    await send({"type": "http.response.start", "status": 200, "headers": PLAIN})
    await send({"type": "http.response.body", "body": b"hello"})


async def in_pieces(send):
    await send({"type": "http.response.start", "status": 207})
    await send({"type": "http.response.body", "body": b"hel", "more_body": True})
    await asyncio.sleep(1)
    await send({"type": "http.response.body", "body": b"lo"})


async def head_first(send):
    await send({"type": "http.response.start", "status": 200, "headers": PLAIN})
    await asyncio.sleep(1)
    await send({"type": "http.response.body", "body": b"hello"})


async def empty(send):
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


async def closing(send):
    await send({"type": "http.response.start", "status": 200, "headers": [*PLAIN, (b"connection", b"x, Close")]})
    await send({"type": "http.response.body", "body": b"hello"})


async def nothing(_send):
    return None


async def something(_send):
    return 1


async def broken(_send):
    raise LookupError("nothing here")


async def half(send):
    await send({"type": "http.response.start", "status": 200, "headers": PLAIN})
    await send({"type": "http.response.body", "body": b"he", "more_body": True})


async def too_short(send):
    await send({"type": "http.response.start", "status": 200, "headers": PLAIN})
    await send({"type": "http.response.body", "body": b"he"})


async def too_long(send):
    await send({"type": "http.response.start", "status": 200, "headers": PLAIN})
    await send({"type": "http.response.body", "body": b"hello world"})


async def split(send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-split", b"a\r\nx-other: b")]})


async def no_name(send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x split", b"a")]})


async def body_first(send):
    await send({"type": "http.response.body", "body": b"hello"})


async def twice(send):
    await whole(send)
    await whole(send)


APPS = {
    each.__name__: each
    for each in (
        *(whole, in_pieces, head_first, empty, closing, nothing, something, broken),
        *(half, too_short, too_long, split, no_name, body_first, twice),
    )
}


async def app(scope, receive, send):
    """Be the app that the path names."""
    if scope["type"] == "lifespan":
        await live(receive, send)
        return None
    return await APPS[scope["path"].strip("/")](send)


async def answered(port: int, *names: str, method: str = "GET", version: str = "1.1") -> bytes:
    """Ask for several on one connection at once; return what came, without dates and ids, once nothing more does."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"".join(f"{method} /{name} HTTP/{version}\r\nHost: h\r\n\r\n".encode() for name in names))
    came = await reader.read(-1)
    writer.close()
    lines = came.split(b"\r\n")
    ids = [line for line in lines if line.startswith(b"x-request-id: ")]
    assert len(set(ids)) == len(ids) == came.count(b"HTTP/1.1 ")  # one for each answer
    return b"\r\n".join(line for line in lines if not line.startswith((b"date: ", b"x-request-id: ")))


HELLO = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx-plain: a value\r\n\r\nhello"
SENT = {
    "whole": HELLO,
    "in_pieces": b"HTTP/1.1 207 Multi-Status\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
    "head_first": HELLO,
    "empty": b"HTTP/1.1 204 No Content\r\n\r\n",
    "closing": HELLO.replace(b"\r\n\r\n", b"\r\nconnection: x, Close\r\n\r\n"),
}
FAILED = (
    b"HTTP/1.1 500 Internal Server Error\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"content-length: 21\r\nconnection: close\r\n\r\nInternal Server Error"
)


@pytest.mark.parametrize("name", SENT)
@virtual_time
async def test_an_answer_is_written_as_the_app_sends_it(name):
    async with listening(app, SHORT) as port:
        assert await answered(port, name) == SENT[name]


@virtual_time
async def test_answers_come_in_the_order_of_the_requests():
    async with listening(app, SHORT) as port:
        names = ("head_first", "whole", "empty", "in_pieces", "closing", "whole")
        assert await answered(port, *names) == b"".join(SENT[name] for name in names[:-1])


@virtual_time
async def test_an_answer_to_head_has_no_body():
    async with listening(app, SHORT) as port:
        assert await answered(port, "whole", "in_pieces", method="HEAD") == (
            HELLO.removesuffix(b"hello") + b"HTTP/1.1 207 Multi-Status\r\n\r\n"
        )


@virtual_time
async def test_a_caller_of_http_1_0_is_told_of_the_end():
    async with listening(app, SHORT) as port:
        closes = HELLO.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
        assert await answered(port, "whole", version="1.0") == closes


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing", "without starting response"),
        ("something", "without starting response"),
        ("broken", "Exception in ASGI application"),
        ("body_first", "Exception in ASGI application"),
    ],
)
@virtual_time
async def test_an_app_that_answers_nothing_is_an_error_of_the_server(name, said, caplog):
    async with listening(app, SHORT) as port:
        assert await answered(port, name) == FAILED
    assert said in caplog.text


@pytest.mark.parametrize(
    ("name", "came"),
    [
        ("half", HELLO.removesuffix(b"llo")),
        ("too_short", HELLO.removesuffix(b"llo")),
        ("too_long", HELLO.removesuffix(b"hello")),
        ("split", b""),
        ("no_name", b""),
        ("twice", HELLO),
    ],
)
@virtual_time
async def test_an_app_that_breaks_off_ends_the_connection(name, came, caplog):
    async with listening(app, SHORT) as port:
        assert await answered(port, name) == came
    assert [record for record in caplog.records if record.levelno >= logging.ERROR]


@virtual_time
async def test_a_connection_waits_for_its_next_request_and_no_longer():
    loop = asyncio.get_running_loop()
    async with listening(app, ConnectionLimits(keep_alive_seconds=30)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for waited in (0, 25, 25):
            await asyncio.sleep(waited)
            writer.write(b"GET /whole HTTP/1.1\r\nHost: h\r\n\r\n")
            assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200 OK\r\n")
            since = loop.time()
        assert await reader.read() == b""
        assert 30 <= loop.time() - since <= 32
        writer.close()
