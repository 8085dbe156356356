"""The listening sockets."""

from __future__ import annotations

import asyncio
import socket

import pytest

from naftiko.serve.sockets import listen


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
