"""Digest with several workers: each takes the nonces of the others, and nobody's request twice."""

from __future__ import annotations

import concurrent.futures
import functools
import hashlib
import re

import pytest
from raw_http import ask
from served import get, served

FILE = """\
naftiko: 1.0.0-alpha2
capability:
  exposes:
    - type: rest
      namespace: front
      port: 8080
      authentication: {type: digest, username: dave, password: dpass-1}
      resources: [{path: /r, operations: [{name: get, method: GET, outputParameters: [{name: a, type: string, value: b}]}]}]
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    path = tmp_path_factory.mktemp("digest") / "front.yaml"
    path.write_text(FILE)
    with served(path, "--port", "rest=0", "--workers", "3", ready=("rest ",)) as running:
        yield running.rest


def hashed(*parts: str) -> str:
    return hashlib.sha256(":".join(parts).encode()).hexdigest()


def authorized(nonce: str, count: int) -> dict[str, str]:
    """What a client sends that knows the password (RFC 7616 chapter 3.4)."""
    key, target = hashed("dave", "naftiko", "dpass-1"), hashed("GET", "/r")
    response = hashed(key, nonce, f"{count:08x}", "cn", "auth", target)
    said = f'username="dave", realm="naftiko", nonce="{nonce}", uri="/r", algorithm=SHA-256, qop=auth, nc={count:08x}'
    return {"Authorization": f'Digest {said}, cnonce="cn", response="{response}"'}


def nonce_of(url: str) -> str:
    challenge = get(f"{url}/r").headers["www-authenticate"]
    return re.search('nonce="([^"]+)"', challenge)[1]


def test_the_very_same_request_is_taken_once_by_all_workers_together(url):
    for _ in range(3):
        sending = functools.partial(ask, url, "GET", "/r", authorized(nonce_of(url), 1))
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = [pool.submit(sending) for _ in range(40)]
        assert sorted(answer.result().status for answer in answers) == [200, *[401] * 39]


def test_the_counts_of_a_nonce_are_taken_by_any_worker(url):
    nonce = nonce_of(url)
    assert {ask(url, path="/r", headers=authorized(nonce, count)).status for count in range(1, 31)} == {200}
