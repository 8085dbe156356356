"""Streams through real processes: workers, callers who read slowly, policies."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from served import LIMIT, served
from starlette.responses import Response

from holding import until
from naftiko.testing import StandInUpstream
from stream_api import EVENTS, Feed, event

FILE = """
naftiko: 1.0.0-alpha2
capability:
  consumes:
  - type: http
    namespace: live
    baseUri: URL
    resources:
    - path: /events
      operations:
      - name: watch
        method: GET
        outputRawFormat: sse
        resiliency: {retry: {maxAttempts: 2, waitDuration: 1ms}}
  exposes:
  - type: rest
    namespace: front
    port: 8080
    resources:
    - path: /events
      operations:
      - {name: watch, method: GET, call: live.watch}
"""


@pytest.fixture
def upstream():
    with StandInUpstream() as standing_in:
        yield standing_in


@pytest.fixture
def file(tmp_path, upstream):
    made = tmp_path / "capability.yaml"
    made.write_text(FILE.replace("URL", upstream.url), "utf-8")
    return made


def asked(url):
    return httpx.AsyncClient(base_url=url, timeout=LIMIT, trust_env=False, headers={"Accept": EVENTS})


async def taken(pieces, text):
    read = b""
    while text not in read:
        read += await anext(pieces)
    return read


async def test_many_streams_at_once_in_two_workers(file, upstream):
    feeds = []

    async def answer(request):
        feeds.append(Feed())
        feeds[-1].say(event(len(feeds)))
        return await feeds[-1](request)

    upstream.on("GET", "/events", answer)
    with served(str(file), "--port", "rest=0", "--workers", "2", ready=("rest ",)) as process:
        url = process.url("rest")

        async def watch():
            async with asked(url) as client, client.stream("GET", "/events") as response:
                pieces = response.aiter_bytes()
                read = await taken(pieces, b"\n\n")
                ready.append(1)
                async for piece in pieces:
                    read += piece
                return read

        ready = []
        watching = [asyncio.create_task(watch()) for _ in range(12)]
        await until(lambda: len(ready) == 12)
        for feed in feeds:
            feed.say(event("last"))
            feed.end()
        read = await asyncio.gather(*watching)
    assert sorted(read) == sorted(b'data: %d\n\ndata: "last"\n\n' % number for number in range(1, 13))


async def test_a_caller_who_reads_slowly_slows_the_upstream_down(file, upstream):
    feed, many = Feed(), 1500
    feed.say(*[event("x" * 60_000)] * many)
    feed.end()
    upstream.on("GET", "/events", feed)
    with served(str(file), "--port", "rest=0", ready=("rest ",)) as process:
        async with asked(process.url("rest")) as client, client.stream("GET", "/events") as response:
            pieces = response.aiter_bytes()
            await anext(pieces)
            before = -1
            while before != feed.taken:  # nothing moves any more
                before = feed.taken
                await asyncio.sleep(0.5)
            assert before < many // 2
            size = 0
            async for piece in pieces:
                size += len(piece)
    assert feed.taken == many
    assert size > 60_000 * (many - 10)


async def test_a_refused_request_is_sent_again_before_there_is_a_head(file, upstream):
    answers = []

    async def answer(request):
        answers.append(request)
        if len(answers) == 1:
            return Response(status_code=503)
        feed = Feed()
        feed.say(event(1))
        feed.end()
        return await feed(request)

    upstream.on("GET", "/events", answer)
    with served(str(file), "--port", "rest=0", ready=("rest ",)) as process:
        async with asked(process.url("rest")) as client:
            assert (await client.get("/events")).content == b"data: 1\n\n"
    assert len(answers) == 2


async def test_a_server_that_stops_ends_what_is_watched(file, upstream):
    feed = Feed()
    feed.say(event(1))
    upstream.on("GET", "/events", feed)
    with served(str(file), "--port", "rest=0", ready=("rest ",)) as process:
        async with asked(process.url("rest")) as client, client.stream("GET", "/events") as response:
            pieces = response.aiter_bytes()
            await taken(pieces, b"1")
            process.process.terminate()
            assert [piece async for piece in pieces] == []
        await until(feed.left.is_set)
        await until(lambda: process.process.poll() is not None)
