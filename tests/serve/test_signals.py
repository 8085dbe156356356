"""A signal at the moment in which its handlers are put in place: it is one signal, and stops in good order."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, os, signal, sys
import uvloop
from naftiko.serve.signals import Signals

signals = Signals()
send_at, again, new_loop = int(sys.argv[1]), sys.argv[2] == "again", {"uvloop": uvloop.new_event_loop}.get(sys.argv[3])


async def main():
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    added = 0

    def add(number, *rest):
        nonlocal added
        if added == send_at:
            os.kill(os.getpid(), signal.SIGTERM)
        added += 1
        real(number, *rest)

    real = loop.add_signal_handler
    class Loop:
        def __getattr__(self, name):
            return add if name == "add_signal_handler" else getattr(loop, name)

    asyncio.get_running_loop = Loop
    signals.attach(stopped.set)
    await stopped.wait()
    for _ in range(20):
        await asyncio.sleep(0)
    await asyncio.sleep(0.05)
    if again:
        await asyncio.sleep(1.2)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(30)

with asyncio.Runner(loop_factory=new_loop) as runner:
    runner.run(main())
"""


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("place", [0, 1])
def test_one_signal_beside_the_start_is_one(loop, place):
    assert ended(loop, place, "once") == 0


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_second_one_still_ends_at_once(loop):
    assert ended(loop, 1, "again") == 128 + 15


def ended(loop: str, place: int, times: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(place), times, loop], capture_output=True, text=True, timeout=60, check=False
    )  # fmt: skip
    assert not done.stderr
    return done.returncode
