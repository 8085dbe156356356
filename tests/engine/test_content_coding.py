"""Content codings as properties: what was coded comes back, and nothing ever grows beyond the limit."""

from __future__ import annotations

import contextlib
import gzip
import random
import sys
import threading
import zlib

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from naftiko.engine.transport.content_coding import ACCEPT_ENCODING, NotDecodableError, decoded

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CODERS = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress, "zstd": zstd.compress}
LIMIT = 10_000


@given(body=st.binary(max_size=2000), codings=st.lists(st.sampled_from(sorted(CODERS)), max_size=4))
async def test_what_was_coded_comes_back(body, codings):
    coded = body
    for coding in codings:
        coded = CODERS[coding](coded)
    assert await decoded(coded, ", ".join(codings), LIMIT) == body


@given(
    body=st.binary(max_size=300) | st.integers(0, 100_000).map(bytes),
    coding=st.sampled_from(sorted(CODERS)),
    cut=st.integers(0, 60),
    more=st.binary(max_size=20),
)
async def test_what_is_cut_or_followed_by_more_is_never_a_surprise(body, coding, cut, more):
    """All of it or an error that says why; what stands behind the end is no part of it."""
    whole = CODERS[coding](body)
    try:
        made = await decoded(whole[: len(whole) - cut] + more, coding, LIMIT)
    except NotDecodableError:
        return
    assert made is not None
    assert len(made) <= LIMIT
    assert cut or not made or made.startswith(body)


@given(body=st.binary(max_size=200), coding=st.sampled_from(sorted(CODERS)))
async def test_bytes_that_are_no_coding_are_an_error_or_bytes(body, coding):
    with contextlib.suppress(NotDecodableError):
        made = await decoded(body, coding, LIMIT)
        assert made is not None
        assert len(made) <= LIMIT


@pytest.mark.parametrize("coding", sorted(CODERS))
async def test_a_small_body_that_is_a_large_answer_is_not_made_on_the_event_loop(coding, monkeypatch):
    """However few bytes came: a kilobyte of br is as much as one likes."""
    loop_thread, threads = threading.get_ident(), []
    undo = sys.modules[decoded.__module__]._CODINGS[coding]

    def watched(body, limit):
        threads.append((threading.get_ident() == loop_thread, limit))
        return undo(body, limit)

    monkeypatch.setattr(f"{decoded.__module__}._CODINGS", {coding: watched})
    made = await decoded(CODERS[coding](b"x" * 3_000_000), coding, 5_000_000)
    assert made == b"x" * 3_000_000
    assert threads == [(True, 1024 * 1024), (False, 5_000_000)]


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
async def test_parts_of_any_size_follow_one_another(coding):
    chance = random.Random(1)
    parts = [chance.randbytes(size) for size in (0, 1, 100, 8_100, 8_192, 8_193, 30_000, 3_000_000, 5)]
    body = b"".join(map(CODERS[coding], parts))
    assert await decoded(body + b"\0" * 20_000, coding, 10_000_000) == b"".join(parts)


def test_what_is_asked_for_is_what_can_be_decoded():
    assert ACCEPT_ENCODING.split(", ") == ["gzip", "deflate", "br", "zstd"]
