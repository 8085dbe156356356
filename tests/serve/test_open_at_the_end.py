"""What a process has opened is closed before its event loop is: connections of callers, and to its like."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import warnings
from collections.abc import Callable

import pytest
import uvloop
from front import Certificates, wait_until
from served import FREE, LIMIT, served
from starlette.responses import Response

from naftiko.serve.channel import Answering, connect, pairs
from naftiko.serve.peers import Peers
from naftiko.testing import StandInUpstream

FORWARDING = """\
naftiko: 1.0.0-alpha2
capability:
  consumes:
    - {{type: http, namespace: up, baseUri: "{url}", resources: []}}
  exposes:
    - {{type: rest, namespace: front, resources: [{{path: "/up/{{{{path}}}}", forward: {{targetNamespace: up}}}}]}}
    - {{type: mcp, namespace: tools, tools: [{{name: hello, outputParameters: [{{name: said, type: string, value: hello}}]}}]}}
"""


class Worker:
    """One that says something of its own when it ends."""

    def __init__(self, said: str = "") -> None:
        self._said = said

    async def answer(self, question, given):
        return {"said": self._said}


def left_open(loop: Callable[[], asyncio.AbstractEventLoop] | None, main) -> list[str]:
    """Run a coroutine function in a loop of its own; return what was still open when that was closed."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ResourceWarning)
        with asyncio.Runner(loop_factory=loop) as runner:
            kept = runner.run(main())  # as a process keeps them: nothing is closed for being forgotten
        del kept
        gc.collect()
    return [str(each.message) for each in told]


@pytest.mark.parametrize("ends_first", ["who asks", "workers"])
@pytest.mark.parametrize("turns", range(10))
@pytest.mark.parametrize("loop", [uvloop.new_event_loop, None], ids=["uvloop", "asyncio"])
def test_connections_between_processes_at_whichever_turn_of_the_loop_one_ends(loop, turns, ends_first):
    """In some turn both ends are open, and the tasks that read from them have not begun."""
    places = pairs(2)

    async def main():
        peers, workers = Peers([asking for asking, _ in places]), [Answering(Worker(), its) for _, its in places]
        peers.start()
        for each in workers:
            each.start()
        for _ in range(turns):
            await asyncio.sleep(0)
        if ends_first == "who asks":
            await peers.aclose()
        for each in workers:
            await each.finish()
        await peers.aclose()
        return peers, workers

    with contextlib.ExitStack() as stack:
        for each in (end for pair in places for end in pair):
            stack.enter_context(each)
        assert left_open(loop, main) == []


def test_what_is_not_taken_is_given_up():
    """A process that stands still must not hold another one's end."""
    (place,) = pairs(1)

    async def main():
        worker = Answering(Worker("x" * 4_000_000), place[1])
        worker.start()
        mine = connect(place[0])
        for _ in range(10):  # the worker opens its end
            await asyncio.sleep(0)
        await worker.finish()
        mine.close()
        return worker

    with place[0], place[1]:
        assert left_open(uvloop.new_event_loop, main) == []


def connected(url: str) -> socket.socket:
    host, _, port = url.rpartition("//")[2].partition("/")[0].rpartition(":")
    return socket.create_connection((host, int(port)), timeout=LIMIT)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_callers_who_hold_their_connections(tmp_path, workers):
    """One reads nothing of a large answer, one sends half a head, one half a body, one nothing at all."""
    file = tmp_path / "held.yaml"
    with StandInUpstream() as upstream:
        upstream.on("GET", "/large", lambda _: Response(b"x" * 20_000_000))
        file.write_text(FORWARDING.format(url=upstream.url))
        options = (*FREE, "--workers", workers, "--shutdown-timeout", "1")
        with served(file, *options) as running, contextlib.ExitStack() as stack:
            held = [stack.enter_context(connected(running.rest)) for _ in range(4)]
            held[0].sendall(b"GET /up/large HTTP/1.1\r\nHost: localhost\r\n\r\n")
            held[1].sendall(b"GET /up/large HTTP/1.1\r\nHost: loc")
            held[2].sendall(b"POST /up/large HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf")
            wait_until(lambda: len(upstream.requests) >= 1, running.said)
            assert running.stop() == 0
    running.clean()


def test_callers_who_hold_their_connections_over_tls(tmp_path):
    certificates = Certificates(tmp_path)
    file = tmp_path / "held.yaml"
    with StandInUpstream() as upstream:
        upstream.on("GET", "/large", lambda _: Response(b"x" * 20_000_000))
        file.write_text(FORWARDING.format(url=upstream.url))
        options = (*FREE, "--shutdown-timeout", "1", "--tls-cert", certificates.cert, "--tls-key", certificates.key)
        with served(file, *options) as running, contextlib.ExitStack() as stack:
            stack.enter_context(connected(running.rest))  # it never agrees on TLS
            plain = stack.enter_context(connected(running.rest))
            held = stack.enter_context(certificates.context().wrap_socket(plain, server_hostname="localhost"))
            held.sendall(b"GET /up/large HTTP/1.1\r\nHost: localhost\r\n\r\n")
            wait_until(lambda: len(upstream.requests) >= 1, running.said)
            assert running.stop() == 0
    running.clean()
