"""Counts of nonces that processes share: each is taken once, whoever is first."""

from __future__ import annotations

import contextlib
import os
import random
import signal

import pytest

from naftiko.expose.authentication.nonces import Nonces, SharedCounts

KEY = b"a key that all workers have"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def shared():
    with contextlib.closing(SharedCounts()) as made:
        yield made


def forked(counts: int, nonce: str, nonces: Nonces) -> int:
    """Return how many counts a process of its own gets."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        taken = sum(nonces.use(nonce, count) for count in range(1, counts + 1))
        os.write(writer, b"%d" % taken)
        os._exit(0)
    os.close(writer)
    return reader


def test_processes_at_once_take_each_count_once(shared):
    nonces = Nonces(KEY, Clock(), shared=shared)
    nonce = nonces.issue()
    readers = [forked(1000, nonce, nonces) for _ in range(4)]
    taken = []
    for reader in readers:
        taken.append(int(os.read(reader, 100)))
        os.close(reader)
        os.wait()
    assert sum(taken) == 1000


def test_a_process_that_dies_locks_nobody_out(shared):
    nonces = Nonces(KEY, Clock(), shared=shared)
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        with shared._locked():
            os.write(writer, b"!")
            signal.pause()
    assert os.read(reader, 1) == b"!"
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(reader)
    os.close(writer)
    assert nonces.use(nonces.issue(), 1)


def test_what_one_worker_took_another_has_not(shared):
    clock = Clock()
    one, other = Nonces(KEY, clock, shared=shared), Nonces(KEY, clock, shared=shared)
    nonce = one.issue()
    assert [one.use(nonce, 3), other.use(nonce, 3), other.use(nonce, 1), one.use(nonce, 1), one.use(nonce, 2)] == [
        *(True, False, True, False, True)
    ]
    assert not other.use(nonce, 0)
    assert other.use(nonce, 2**32 - 1)
    assert not one.use(nonce, 4)
    clock.now += 301
    assert not one.use(nonce, 2**32 - 2)


def test_more_nonces_than_there_is_place_for_are_never_taken_twice(shared):
    clock = Clock()
    nonces = Nonces(KEY, clock, shared=shared)
    used = []
    for _ in range(20_000):
        clock.now += 0.001
        nonce = nonces.issue()
        assert nonces.use(nonce, 1), "a fresh one always has its place"
        used.append(nonce)
    again = random.Random(1).sample(used, 2000) + used[:10] + used[-10:]
    assert not any(nonces.use(nonce, 1) for nonce in again)


def test_places_of_nonces_that_are_over_are_free(shared):
    clock = Clock()
    nonces = Nonces(KEY, clock, shared=shared)
    first = nonces.issue()
    for _ in range(17_000):
        nonces.use(nonces.issue(), 1)
    clock.now += 301
    late = nonces.issue()
    assert nonces.use(late, 1)
    assert nonces.use(late, 2)
    assert not nonces.use(first, 1)
