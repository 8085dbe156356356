"""Callers' connections on real sockets: heads, bodies and answers that are too large, too slow, too many."""

from __future__ import annotations

import asyncio
import contextlib
import logging

import pytest
from listening import listening, live

from naftiko.serve.limits import ConnectionLimits
from naftiko.serve.polite import PoliteTransport
from virtual_time import virtual_time

QUICK = ConnectionLimits(head_seconds=1, body_seconds=1, write_seconds=1)
GET = b"GET /x HTTP/1.1\r\nHost: h\r\n"


async def app(scope, receive, send) -> None:
    """Answer with the size of the body; ``/large`` with more than sockets buffer."""
    if scope["type"] == "lifespan":
        await live(receive, send)
        return
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message["body"]), message.get("more_body", False)
    body = b"x" * 64_000_000 if scope["path"] == "/large" else b"%d" % size
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


async def ask(port: int, data: bytes, *, drip: bytes = b"") -> bytes:
    """Send bytes; return all that comes until the server closes. ``drip`` is sent a byte at a time meanwhile."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)

    async def dripping() -> None:
        for byte in drip:
            await asyncio.sleep(0.2)
            writer.write(bytes([byte]))

    task = asyncio.create_task(dripping())
    with contextlib.suppress(ConnectionError):
        answer = await asyncio.wait_for(reader.read(), 20)
        task.cancel()
        writer.close()
        return answer
    task.cancel()
    return b""


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


@virtual_time
async def test_a_head_within_the_limits_is_answered():
    fields = b"".join(b"X-%d: %s\r\n" % (at, b"v" * 500) for at in range(98))
    async with listening(app) as port:
        answer = await ask(port, GET + fields + b"Connection: close\r\n\r\n")
    assert status(answer) == 200


@pytest.mark.parametrize(
    "head",
    [
        GET + b"a: bcdefghij\r\n" * 300_000,
        GET + b"X-Long: " + b"v" * 4_000_000,
        b"GET /" + b"p" * 4_000_000,
        GET + b"a: b\r\n" * 101 + b"\r\n",
        GET + b"X-Long: " + b"v" * 70_000 + b"\r\n\r\n",
        b"GET /" + b"p" * 70_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n",
    ],
    ids=[
        "fields without end",
        "a value without end",
        "a path without end",
        "101 fields",
        "a long value",
        "a long path",
    ],
)
@virtual_time
async def test_a_head_beyond_the_limits_is_431_and_the_end_of_the_connection(head, caplog):
    async with listening(app) as port:
        answer = await ask(port, head)
    assert status(answer) in {0, 431}  # 0: the rest of the head met a closed socket, and the answer was lost with it
    assert [record for record in caplog.records if record.levelno == logging.WARNING]


@virtual_time
async def test_a_head_that_is_just_too_large_is_told_so():
    async with listening(app) as port:
        answer = await ask(port, GET + b"X-Long: " + b"v" * 66_000 + b"\r\n\r\n")
    assert status(answer) == 431
    assert b"application/problem+json" in answer
    assert b"65536 bytes" in answer


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    ],
)
@virtual_time
async def test_a_request_that_is_no_http_is_400(head):
    async with listening(app) as port:
        answer = await ask(port, head)
    assert status(answer) == 400
    assert b"application/problem+json" in answer


@pytest.mark.parametrize(
    "rest", [b"NONSENSE\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000]
)
@virtual_time
async def test_what_is_refused_behind_a_request_does_not_become_its_answer(rest, caplog):
    async with listening(app) as port:
        answer = await ask(port, GET + b"\r\n" + rest)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b"\r\n\r\n0")
    assert answer.count(b"HTTP/1.1") == 1
    assert "Traceback" not in caplog.text


@virtual_time
async def test_a_body_that_is_none_is_400_and_nothing_more(caplog):
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with listening(app) as port:
        answer = await ask(port, head + b"5\r\nhello\r\nNONSENSE\r\n")
    assert status(answer) == 400
    assert answer.count(b"HTTP/1.1 ") == 1 + answer.count(b"no HTTP/1.1 ")
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("end", ["Connection: close\r\n", ""])
@virtual_time
async def test_an_early_answer_is_read_by_a_caller_who_still_sends(end):
    """A closed socket would reset the connection, and take the answer with it (RFC 9112 chapter 9.6)."""

    async def refusing(scope, receive, send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

    head = f"POST / HTTP/1.1\r\nHost: a\r\n{end}Content-Length: 6000000\r\n\r\n".encode()
    async with listening(refusing) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head)
        for _ in range(60):
            writer.write(b"x" * 100_000)
            await asyncio.sleep(0.005)
        assert status(await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)) == 413
        writer.close()


@virtual_time
async def test_an_upgrade_that_nobody_speaks_is_answered_as_a_plain_request(caplog):
    async with listening(app) as port:
        answer = await ask(port, GET + b"Connection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n")
    assert status(answer) == 200
    assert not caplog.records


@pytest.mark.parametrize(
    ("data", "drip", "code"),
    [
        (b"", b"", 0),
        (b"GET /x", b"", 408),
        (GET + b"X-A: ", b"a" * 60, 408),
        (b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n{", b"", 408),
        (b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n{", b"a" * 60, 408),
    ],
    ids=["not a byte", "half a line", "dripped fields", "half a body", "a dripped body"],
)
@virtual_time
async def test_a_caller_who_is_too_slow_is_not_waited_for(data, drip, code, caplog):
    async with listening(app, QUICK) as port:
        answer = await ask(port, data, drip=drip)
    assert status(answer) == code
    assert "took more than" in caplog.text


@virtual_time
async def test_a_body_that_comes_at_its_rate_may_take_longer():
    limits = ConnectionLimits(body_seconds=1, rate=1)
    async with listening(app, limits) as port:
        head = b"POST /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 12\r\n\r\n"
        answer = await ask(port, head, drip=b"0123456789ab")
    assert answer.endswith(b"\r\n\r\n12")


@virtual_time
async def test_the_time_of_a_body_grows_with_what_came():
    """By a second for each 500 bytes."""
    head = b"POST /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 3000\r\n\r\n"
    async with listening(app, ConnectionLimits(body_seconds=1)) as port:
        for waits, code in ((2.9, 200), (5.5, 408)):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head + b" " * 1500)
            await asyncio.sleep(waits)
            writer.write(b" " * 1500)
            assert status(await reader.read()) == code
            writer.close()


@virtual_time
async def test_a_caller_who_reads_nothing_is_not_waited_for(caplog):
    async with listening(app, QUICK) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(b"GET /large HTTP/1.1\r\nHost: h\r\n\r\n")
        while "reads nothing" not in caplog.text:  # noqa: ASYNC110  # a log has no event
            await asyncio.sleep(0.05)
        size = 0
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(1_000_000):
                size += len(piece)
        writer.close()
    assert size < 64_000_000


@virtual_time
async def test_a_waiting_request_does_not_end_its_connection():
    """While the app works, and while an answer is read, time is not the caller's."""
    async with listening(app, QUICK) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET + b"\r\n")
        assert (await reader.read(1000)).startswith(b"HTTP/1.1 200")
        await asyncio.sleep(2.5)  # between two requests the time to keep it open counts, not that of a head
        writer.write(GET + b"\r\n")
        assert (await reader.read(1000)).startswith(b"HTTP/1.1 200")
        writer.close()


@virtual_time
async def test_above_the_limit_idle_connections_make_place_and_busy_ones_do_not(caplog):
    async with listening(app, ConnectionLimits(connections=2)) as port:
        kept = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        for reader, writer in kept:
            writer.write(GET + b"\r\n")
            assert (await reader.read(1000)).startswith(b"HTTP/1.1 200")
            await asyncio.sleep(0.1)  # one after the other
        assert status(await ask(port, GET + b"Connection: close\r\n\r\n")) == 200
        assert await kept[0][0].read() == b""  # it waited longest for its next request
        kept[1][1].write(b"GET /half")
        busy = await asyncio.open_connection("127.0.0.1", port)
        busy[1].write(b"GET /half")
        await asyncio.sleep(0.1)
        answer = await ask(port, GET + b"\r\n")
        assert status(answer) == 503
        assert b"retry-after" in answer
        for _, writer in (*kept, busy):
            writer.close()
    assert "2 connections are open" in caplog.text


@virtual_time
async def test_one_address_may_be_bounded():
    async with listening(app, ConnectionLimits(connections_per_address=1)) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.sleep(0.05)
        assert status(await ask(port, GET + b"\r\n")) == 503
        writer.close()
        await asyncio.sleep(0.1)
        assert status(await ask(port, GET + b"Connection: close\r\n\r\n")) == 200


class _Written:
    """A transport and a loop that note what they are asked."""

    def __init__(self):
        self.writes = []
        self.later = []
        self.transport = self
        self.loop = self
        self.closed = False

    def write(self, data):
        self.writes.append(data)

    def is_closing(self):
        return False

    def call_soon(self, function):
        self.later.append(function)

    def close_politely(self):
        self.closed = True

    def turn(self):
        for function in self.later:
            function()
        self.later.clear()


def test_a_head_goes_out_with_the_body_behind_it_and_waits_for_nothing_else():
    noted = _Written()
    polite = PoliteTransport(noted.loop, noted.transport, noted.close_politely)
    polite.begin(b"head")
    assert noted.writes == []
    polite.write(b"body")
    polite.write(b"more")
    noted.turn()
    assert noted.writes == [b"headbody", b"more"]

    polite.begin(b"head of a stream")
    noted.turn()
    assert noted.writes[2:] == [b"head of a stream"]

    polite.begin(b"the last head")
    polite.close()
    assert noted.writes[3:] == [b"the last head"]
    assert noted.closed

    polite.begin(b"head")
    polite.write(bytes(1 << 20))
    assert noted.writes[4:] == [b"head", bytes(1 << 20)]

    polite.begin(b"the first, without a body")
    polite.begin(b"head of the second")
    polite.write(b" and its body")
    noted.turn()
    assert noted.writes[6:] == [b"the first, without a body", b"head of the second and its body"]
