"""Lines on real pipes: nobody waits for a reader who stands still, and what is lost is counted."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from naftiko.observe.lines import LineWriter

ENOUGH = 4000
LINE = "x" * 1000
WRITERS: list[LineWriter] = []


@pytest.fixture
def pipes() -> Iterator[list[tuple[int, int]]]:
    made = [os.pipe(), os.pipe()]
    yield made
    for reader, _ in made:
        os.close(reader)
    for lines in WRITERS:  # one that still writes would write to what is opened next under this number
        lines.drain(60)
    WRITERS.clear()
    for _, writer in made:
        os.close(writer)


def new_writer() -> LineWriter:
    """Make one whose thread is waited for before its pipes are closed."""
    WRITERS.append(LineWriter())
    return WRITERS[-1]


def read_until(reader: int, end: bytes) -> bytes:
    """Read until some bytes came."""
    found = b""
    while end not in found:
        found += os.read(reader, 65_536)
    return found


def test_lines_come_in_order_whatever_their_size(pipes):
    reader, writer = pipes[0]
    lines = new_writer()
    for at in range(50):
        lines.write_to(writer, f"{at} {'é' * at * 200}")
    lines.write_to(writer, "end")
    found = read_until(reader, b"end\n").decode().splitlines()
    assert found == [*(f"{at} {'é' * at * 200}" for at in range(50)), "end"]
    lines.drain()
    assert lines.dropped == {}


def test_a_reader_who_stands_still_holds_up_nobody_and_is_told_what_he_missed(pipes):
    (stalled, into_stalled), (awake, into_awake) = pipes
    lines = new_writer()
    for _ in range(ENOUGH):
        lines.write_to(into_stalled, LINE)
    lost = lines.dropped[into_stalled]
    assert 0 < lost < ENOUGH
    found = read_until(stalled, b"nobody read them\n")
    assert found.count(LINE.encode()) + lost == ENOUGH
    assert found.endswith(f"{lost} lines were dropped: nobody read them\n".encode())
    lines.write_to(into_awake, "another stream")
    assert read_until(awake, b"stream\n")


def test_lines_of_one_stream_pass_those_of_a_stalled_one(pipes):
    (_, into_stalled), (awake, into_awake) = pipes
    lines = new_writer()
    for _ in range(200):
        lines.write_to(into_stalled, LINE)
    lines.write_to(into_awake, "passed")
    assert read_until(awake, b"passed\n")
    lines.drain(0.1)  # it ends although nobody reads the first


def test_a_stream_that_is_closed_takes_everything():
    reader, writer = os.pipe()
    os.close(reader)
    lines = new_writer()
    for _ in range(10):
        lines.write_to(writer, LINE)
    lines.drain()
    os.close(writer)
    assert lines.dropped == {}


def test_a_forked_process_begins_anew(pipes):
    reader, writer = pipes[0]
    lines = new_writer()
    lines.write_to(writer, "parent")
    lines.drain()
    child = os.fork()
    if child == 0:
        lines.write_to(writer, "child")
        lines.drain()
        os._exit(0)
    os.waitpid(child, 0)
    assert read_until(reader, b"child\n") == b"parent\nchild\n"
