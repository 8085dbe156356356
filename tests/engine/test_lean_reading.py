"""How an answer is cut into pieces changes nothing of what is read of it."""

from __future__ import annotations

import itertools

from hypothesis import example, given
from hypothesis import strategies as st

from naftiko.engine.transport.http11.reading import Reading

SOUND = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;a=b\r\nlo\r\n0\r\nX-T: u\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end",
    b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n",
]
FRAGMENTS = [
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b":",
    b"\0",
    b"0\r\n\r\n",
    b"f",
    b"-",
    b"Content-Length: 3\r\n",
    b"\xff",
    b";",
]
ANSWERS = st.builds(
    lambda answer, at, fragment, gone: answer[: at % len(answer)] + fragment + answer[at % len(answer) + gone :],
    st.sampled_from(SOUND),
    st.integers(0, 200),
    st.sampled_from([b"", *FRAGMENTS]),
    st.integers(0, 3),
)


def read(answer: bytes, cuts: list[int]) -> tuple[object, ...]:
    """What is known when the connection ends behind the answer."""
    reading = Reading("GET")
    places = [0, *sorted(cut % (len(answer) + 1) for cut in cuts), len(answer)]
    for begin, end in itertools.pairwise(places):
        if begin < end and reading.error is None:
            reading.feed(answer[begin:end])
    reading.end()
    if not reading.is_complete:
        return (False,)
    return (True, reading.status, reading.reason, reading.headers, reading.take(), reading.is_coded)


@example(SOUND[1], list(range(100)))
@example(SOUND[3], list(range(100)))
@given(ANSWERS, st.lists(st.integers(0, 200), max_size=8))
def test_pieces_read_as_the_whole_does(answer, cuts):
    assert read(answer, cuts) == read(answer, [])
    assert read(answer, list(range(len(answer)))) == read(answer, [])


def test_sound_answers_are_complete():
    assert [read(answer, [])[0] for answer in SOUND] == [True] * len(SOUND)
