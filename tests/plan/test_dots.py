"""Dot segments in every spelling that some server reads (SEMANTICS 4.1)."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naftiko.expression.path import climbs

DOTS = frozenset({".", ".."})
PIECES = st.lists(
    st.sampled_from(
        [".", "%", "2", "5", "e", "E", "f", "c", "C", "3", "6", "b", "B", "/", "\\", ";", "a", "%2e", "%25"]
    ),
    max_size=9,
).map("".join)


def climbs_after_decoding(path, times):
    """What a server sees that decodes, splits at both slashes and drops parameters."""
    for _ in range(times + 1):
        if any(segment.partition(";")[0] in DOTS for segment in re.split(r"[/\\]", path)):
            return True
        path = unquote(path)
    return False


@pytest.mark.parametrize(
    "path",
    [".", "..", "/..", "../", "a/../b", "a/./b", "/%2e%2E/", "%2e.", "%252e%252e", "%25252525252e", "a%2f..%2fb", "..%5cx",
     "a\\..\\b", "..;", "..;v=1/x", ".%3bx", "%%32%65", "%%%33%32%65.", "%2%65%2%65", "..%252f", "%u002e%U002E", "x%u002f..",
     "%c0%ae.", "%C0%AE%C0%AF", "..%c1%9cx", "%25c0%25ae"],
)  # fmt: skip
def test_what_some_server_climbs_by(path):
    assert climbs(path)


@pytest.mark.parametrize(
    "path",
    ["", "/", "a", "a..b", "...", "/.hidden", "/v1.0/x", "/file.tar.gz", "/..foo", "/foo..", ".,.", "a;..", "%2e%2e%2e", "a%2eb",
     "%252e%252e%252e", "%20..", "..%20", "%E9", "%C3%A9.", "%2541", "a%2Fb", "100%25", "(..)", "%2c..", "a;x=.", "/.well-known/x"],
)  # fmt: skip
def test_what_no_server_climbs_by(path):
    assert not climbs(path)


@given(path=PIECES)
def test_it_sees_what_a_decoding_server_sees(path):
    """On the wire as it is, and as a value that is encoded once more."""
    assert climbs(path) == climbs_after_decoding(path, 12)
    encoded = quote(path, safe="/")
    assert climbs(encoded) == climbs_after_decoding(encoded, 12)


@pytest.mark.parametrize("piece", ["%25", "%2e%2e", "/..", "%%32"])
def test_a_suspicious_path_that_no_server_takes_is_refused_unseen(piece):
    """What a path costs has a bound; one without anything suspicious may be as long as it likes."""
    assert climbs("/a" + piece * 100_000)
    assert not climbs("/a.b" * 100_000)


@pytest.mark.parametrize(("length", "refused"), [(1 << 16, False), ((1 << 16) + 1, True)])
def test_the_longest_path_that_is_looked_at(length, refused):
    path = "/%25" + "a" * (length - 4)
    assert (len(path), climbs(path)) == (length, refused)
