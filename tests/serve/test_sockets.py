"""The listening sockets."""

from __future__ import annotations

import asyncio
import errno
import select
import socket
import sys

import pytest

from naftiko.serve.sockets import listen, take_no_more


@pytest.mark.parametrize("shared", [False, True])
async def test_answers_do_not_wait_for_acknowledgements(shared):
    """Connections have TCP_NODELAY on asyncio's own loop too: else a body waits 40 ms for its headers to be confirmed."""
    found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    with listen("127.0.0.1", 0, shared=shared) as listening:
        async with await asyncio.start_server(answer, sock=listening), asyncio.timeout(60):
            _, writer = await asyncio.open_connection(*listening.getsockname())
            assert await found
            writer.close()
            await writer.wait_closed()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is promised")
def test_a_queue_is_closed_before_its_socket_and_nobody_is_reset():
    listening = listen("127.0.0.1", 0)
    address = listening.getsockname()
    early = socket.create_connection(address, timeout=60)
    take_no_more(listening)
    late = socket.socket()
    late.setblocking(False)
    assert late.connect_ex(address) == errno.EINPROGRESS
    assert select.select([], [late], [], 0.2) == ([], [], [])  # it is not heard
    taken, _ = listening.accept()
    listening.setblocking(False)
    with pytest.raises(BlockingIOError):
        listening.accept()
    early.sendall(b"here")
    taken.settimeout(60)
    assert taken.recv(10) == b"here"  # who was in the queue is served as ever
    listening.close()
    assert select.select([], [late], [], 60)[1] == [late]  # tried again a second later
    assert late.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED
    for each in (early, late, taken):
        each.close()
