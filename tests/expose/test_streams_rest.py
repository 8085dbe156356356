"""Streams of upstreams as a REST caller gets them (docs/streams.md)."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest
from rest_serving import assert_problem, client_of, operation, rest_capability, route
from starlette.responses import JSONResponse, Response

from holding import until
from stream_api import EVENTS, LINES, Feed, event, line

OUTPUTS = [{"name": "n", "type": "integer", "mapping": "$.number"}]


def streaming(upstream, outputs=None, *, method="GET", collect=None, kind="sse", **op):
    more = {"outputParameters": outputs} if outputs else {}
    ends = {"collect": collect} if collect else {}
    declared = operation(method, path="/events", outputRawFormat=kind, **ends, **op)
    made = rest_capability([route("/watch", method, **more)], {"do": declared}, base_uris={"*": upstream.url})
    assert not made.errors, [str(each) for each in made.errors]
    return made


def fed(upstream, media_type=EVENTS, *pieces, method="GET"):
    feed = Feed(media_type)
    feed.say(*pieces)
    upstream.on(method, "/events", feed)
    return feed


def answered(upstream, content, media_type=EVENTS, **headers):
    upstream.on("GET", "/events", lambda _: Response(content, media_type=media_type, headers=headers))


async def pieces_of(response):
    async for piece in response.aiter_bytes():
        yield piece


async def taken(pieces, text):
    """Read until a text has come; return all that was read."""
    read = b""
    while text.encode() not in read:
        read += await anext(pieces)
    return read


@pytest.mark.parametrize("accept", [EVENTS, LINES, "application/json", None])
async def test_each_item_is_there_before_the_next_is_sent(accept, upstream):
    feed = fed(upstream)
    headers = {"Accept": accept} if accept else {}
    async with client_of(streaming(upstream, OUTPUTS)) as client:
        feed.say(event({"number": 1}))
        async with client.stream("GET", "/watch", headers=headers) as response:
            pieces = pieces_of(response)
            read = await taken(pieces, '{"n":1}')
            for number in (2, 3):
                feed.say(event({"number": number}))
                read += await taken(pieces, f'{{"n":{number}}}')
            feed.end()
            async for piece in pieces:
                read += piece
    assert response.status_code == 200
    assert response.headers["content-type"] == (accept or "application/json")
    assert response.headers["vary"] == "Accept"
    expected = {
        EVENTS: b'data: {"n":1}\n\ndata: {"n":2}\n\ndata: {"n":3}\n\n',
        LINES: b'{"n":1}\n{"n":2}\n{"n":3}\n',
    }
    assert read == expected.get(accept, b'[{"n":1},{"n":2},{"n":3}]')
    assert upstream.requests[0].headers["accept"] == EVENTS


async def test_the_head_of_an_event_stream_does_not_wait_for_an_event(upstream):
    feed = fed(upstream)
    async with (
        client_of(streaming(upstream)) as client,
        client.stream("GET", "/watch", headers={"Accept": EVENTS}) as response,
    ):
        assert response.headers["cache-control"] == "no-cache"
        assert response.headers["x-accel-buffering"] == "no"
        feed.end()
        assert await response.aread() == b""


async def test_names_and_ids_of_events_go_on(upstream):
    answered(upstream, event([1], "tick", "7") + event("two") + b"data: three\n\n")
    async with client_of(streaming(upstream)) as client:
        response = await client.get("/watch", headers={"Accept": EVENTS})
    assert response.content == b'event: tick\nid: 7\ndata: [1]\n\ndata: "two"\n\ndata: "three"\n\n'


async def test_an_item_may_be_the_whole_event(upstream):
    answered(upstream, event([1], "tick", "7") + event("two"))
    outputs = [{"name": "kind", "type": "string", "mapping": "$.event"}]
    async with client_of(streaming(upstream, collect={"as": "event"})) as client:
        assert (await client.get("/watch")).json() == [
            {"event": "tick", "id": "7", "data": [1]},
            {"event": "message", "id": None, "data": "two"},
        ]
    async with client_of(streaming(upstream, outputs, collect={"as": "event"})) as client:
        assert (await client.get("/watch")).json() == [{"kind": "tick"}, {"kind": "message"}]


@pytest.mark.parametrize(
    ("kind", "media_type", "content"),
    [
        ("ndjson", LINES, b'{"a": 1}\n\n{"a": 2}\r\n{"a": 3}'),
        ("jsonl", "application/json", b'\xef\xbb\xbf{"a": 1}\n{"a": 2}\n{"a": 3}\n'),
        ("json-seq", "application/json-seq", b'\x1e{"a": 1}\n\x1e{\n"a": 2\n}\n\x1e{"a": 3}\n'),
        ("sse", LINES, b'{"a": 1}\n{"a": 2}\n{"a": 3}\n'),
        ("sse", "application/json", b'[{"a": 1}, {"a": 2}, {"a": 3}]'),
        (
            "sse",
            EVENTS,
            b'data: {"a": 1}\r\rdata: {"a": 2}\r\n\r\ndata: {"a":\ndata: 3}\n\ndata: [DONE]\n\ndata: 9\n\n',
        ),
        (
            "sse",
            EVENTS,
            b'\xef\xbb\xbf: hello\n\ndata:{"a": 1}\n\nretry: 3\ndata: {"a": 2}\n\ndata: {"a": 3}\n\ndata: 4\n',
        ),
    ],
)
async def test_formats(kind, media_type, content, upstream):
    answered(upstream, content, media_type)
    async with client_of(streaming(upstream, kind=kind)) as client:
        assert (await client.get("/watch")).json() == [{"a": 1}, {"a": 2}, {"a": 3}]


async def test_gzip_is_undone_as_it_comes(upstream):
    feed = Feed(headers={"Content-Encoding": "gzip"})
    upstream.on("GET", "/events", feed)
    coder = zlib.compressobj(wbits=31)
    async with client_of(streaming(upstream)) as client:
        feed.say(coder.compress(event(1)) + coder.flush(zlib.Z_SYNC_FLUSH))
        async with client.stream("GET", "/watch", headers={"Accept": EVENTS}) as response:
            pieces = pieces_of(response)
            await taken(pieces, "data: 1\n\n")
            feed.say(coder.compress(event(2)) + coder.flush())
            await taken(pieces, "data: 2\n\n")
            feed.end()


async def test_many_times_compressed_is_taken_bit_by_bit(upstream):
    answered(upstream, gzip.compress(b"\n" * 5_000_000, 9), LINES, **{"Content-Encoding": "gzip"})
    async with client_of(streaming(upstream, kind="ndjson")) as client:
        assert (await client.get("/watch")).json() == []


@pytest.mark.parametrize("accept", [EVENTS, LINES, "application/json"])
async def test_a_cut_stream_says_so_behind_what_came(accept, upstream):
    feed = fed(upstream, EVENTS, event(1))
    async with (
        client_of(streaming(upstream)) as client,
        client.stream("GET", "/watch", headers={"Accept": accept}) as response,
    ):
        pieces = pieces_of(response)
        read = await taken(pieces, "1")
        feed.cut()
        async for piece in pieces:
            read += piece
    if accept == "application/json":
        assert read == b"[1]"
        return
    if accept == EVENTS:
        first, _, rest = read.partition(b"event: error\ndata: ")
        problem = json.loads(rest)
        assert first == b"data: 1\n\n"
    else:
        first, last = read.splitlines()
        problem = json.loads(last)["error"]
        assert first == b"1"
    assert problem["type"] == "urn:naftiko:problem:upstream-broken"
    assert problem["status"] == 502


@pytest.mark.parametrize("accept", [LINES, "application/json"])
async def test_a_stream_that_is_cut_before_its_first_item_is_a_failure(accept, upstream):
    fed(upstream).cut()
    async with client_of(streaming(upstream)) as client:
        response = await client.get("/watch", headers={"Accept": accept})
    assert_problem(response, 502, "upstream-broken")


@pytest.mark.parametrize(
    ("kind", "media_type", "content", "said"),
    [
        ("ndjson", LINES, b"<html>", "is no JSON at item 1"),
        ("ndjson", LINES, b"1\n" + b"x" * 2_000_000, None),
        ("sse", "text/html", b"<html>", "is no stream, but text/html"),
        ("sse", EVENTS, b"data: " + b"x" * 10_000_000 + b"\n\n", "has an item of more than 1,048,576 bytes"),
        ("sse", EVENTS, b"data: x\n" * 1_000_000, "has an item of more than 1,048,576 bytes"),
        ("ndjson", LINES, b"\x00\xff\n", "is no JSON at item 1"),
        ("json-seq", "application/json-seq", b"\x1e{\n\x1e1\n", "is no JSON at item 1"),
    ],
)
async def test_garbage(kind, media_type, content, said, upstream):
    answered(upstream, content, media_type)
    async with client_of(streaming(upstream, kind=kind)) as client:
        response = await client.get("/watch")
    if said is None:
        assert response.json() == [1]
    else:
        assert said in assert_problem(response, 502, "upstream-broken")["detail"]


async def test_bytes_that_are_no_events_are_none(upstream):
    answered(upstream, b"\x00\xff\n\n:\n\nfoo: bar\n\ndata\n\n")
    async with client_of(streaming(upstream)) as client:
        assert (await client.get("/watch")).json() == [""]


async def test_a_list_without_an_end_is_bounded(upstream):
    answered(upstream, line({"a": 1}) * 1_000_000, LINES)
    async with client_of(streaming(upstream, kind="ndjson")) as client:
        assert len((await client.get("/watch")).json()) == 1000


async def test_what_is_passed_on_is_not(upstream):
    answered(upstream, line({"a": 1}) * 30_000, LINES)
    async with client_of(streaming(upstream, kind="ndjson")) as client:
        response = await client.get("/watch", headers={"Accept": LINES})
    assert response.content.count(b"\n") == 30_000


async def test_declared_bounds_hold_for_everybody(upstream):
    answered(upstream, line({"a": 1}) * 30_000, LINES)
    for accept in (LINES, EVENTS, "application/json"):
        async with client_of(streaming(upstream, kind="ndjson", collect={"limit": 7})) as client:
            response = await client.get("/watch", headers={"Accept": accept})
        assert response.content.count(b'{"a":1}') == 7
        assert b"incomplete" not in response.content


async def test_until_ends_it_and_frees_the_upstream(upstream):
    feed = fed(upstream, EVENTS, event({"number": 1}), event({"number": 2, "done": True}), event({"number": 3}))
    async with client_of(streaming(upstream, OUTPUTS, collect={"until": "$.done"})) as client:
        assert (await client.get("/watch")).json() == [{"n": 1}, {"n": 2}]
        await until(feed.left.is_set)


async def test_a_comparison_may_end_it_too(upstream):
    fed(upstream, EVENTS, event({"type": "delta"}), event({"type": "end"}))
    async with client_of(streaming(upstream, collect={"until": '$.type == "end"'})) as client:
        assert len((await client.get("/watch")).json()) == 2


@pytest.mark.parametrize("accept", [EVENTS, LINES])
async def test_a_last_item_that_never_comes_is_told(accept, upstream):
    answered(upstream, event(1))
    async with client_of(streaming(upstream, collect={"until": "$.done"})) as client:
        response = await client.get("/watch", headers={"Accept": accept})
    assert b'{"reason":"end","items":1,"detail":"the stream ended before its last item came"}' in response.content


@pytest.mark.parametrize("accept", [EVENTS, LINES, "application/json"])
async def test_who_leaves_closes_the_upstream(accept, upstream):
    feed = fed(upstream, EVENTS, event(1))
    async with client_of(streaming(upstream)) as client:
        async with client.stream("GET", "/watch", headers={"Accept": accept}) as response:
            await taken(pieces_of(response), "1")
            assert not feed.left.is_set()
        await until(feed.left.is_set)


async def test_a_failure_of_the_upstream_is_passed_on(upstream):
    upstream.on("GET", "/events", lambda _: JSONResponse({"error": "no"}, 403))
    async with client_of(streaming(upstream)) as client:
        response = await client.get("/watch", headers={"Accept": EVENTS})
    assert (response.status_code, response.json()) == (403, {"error": "no"})


async def test_redirects_are_followed(upstream):
    upstream.on("GET", "/events", lambda _: Response(status_code=307, headers={"Location": "/there"}))
    upstream.on("GET", "/there", lambda _: Response(event(1), media_type=EVENTS))
    async with client_of(streaming(upstream)) as client:
        assert (await client.get("/watch")).json() == [1]


async def test_a_post_streams_its_answer(upstream):
    feed = fed(upstream, EVENTS, event({"number": 1}), method="POST")
    feed.end()
    body = {"type": "json", "data": {"stream": True}}
    async with client_of(streaming(upstream, OUTPUTS, method="POST", body=body)) as client:
        response = await client.post("/watch", headers={"Accept": EVENTS})
    assert response.content == b'data: {"n":1}\n\n'
    assert upstream.requests[0].json() == {"stream": True}


async def test_head_takes_nothing(upstream):
    feed = fed(upstream, EVENTS, event(1))
    async with client_of(streaming(upstream)) as client:
        response = await client.head("/watch")
        assert (response.status_code, response.content) == (200, b"")
        await until(feed.left.is_set)


async def test_no_content_is_none(upstream):
    upstream.on("GET", "/events", lambda _: Response(status_code=204))
    async with client_of(streaming(upstream)) as client:
        assert (await client.get("/watch")).status_code == 204


async def test_our_credential_is_in_no_item(upstream):
    answered(upstream, event({"echo": "s3cr3t-t0ken-0123456789"}))
    api = {"authentication": {"type": "bearer", "token": "s3cr3t-t0ken-0123456789"}}
    declared = operation("GET", path="/events", outputRawFormat="sse")
    made = rest_capability([route("/watch")], {"do": declared}, api=api, base_uris={"*": upstream.url})
    async with client_of(made) as client:
        assert (await client.get("/watch", headers={"Accept": EVENTS})).content == b'data: {"echo":"***"}\n\n'
    assert upstream.requests[0].headers["authorization"] == "Bearer s3cr3t-t0ken-0123456789"


async def test_a_mock_describes_the_request(upstream):
    declared = operation("GET", path="/events", outputRawFormat="sse")
    made = rest_capability([route("/watch")], {"do": declared}, base_uris={"*": upstream.url}, mock=True)
    async with client_of(made) as client:
        response = await client.get("/watch", headers={"Accept": EVENTS})
    assert response.json()["url"].endswith("/events")
    assert not upstream.requests


@pytest.mark.parametrize("accept", [EVENTS, LINES, "application/json"])
async def test_what_is_redacted_is_in_no_item(accept, upstream):
    answered(upstream, event({"id": 1, "ssn": "123-45"}) + b"data: ssn 123-45\n\n")
    async with client_of(streaming(upstream, redact=["$.ssn"])) as client:
        response = await client.get("/watch", headers={"Accept": accept})
    assert b'{"id":1,"ssn":null}' in response.content
    assert b"123-45" not in response.content
    assert response.content.count(b"null") == 2


async def test_what_is_redacted_is_in_no_error_of_a_stream(upstream):
    upstream.on("GET", "/events", lambda _: JSONResponse({"ssn": "123-45", "why": "no"}, 403))
    async with client_of(streaming(upstream, redact=["$.ssn"])) as client:
        response = await client.get("/watch", headers={"Accept": EVENTS})
    assert (response.status_code, response.json()) == (403, {"ssn": None, "why": "no"})


async def test_what_stands_in_for_a_failed_call_is_given_as_items(upstream):
    upstream.on("GET", "/events", lambda _: Response(status_code=500))
    stand_in = {"fallback": {"value": [{"number": 7}]}}
    async with client_of(streaming(upstream, OUTPUTS, resiliency=stand_in)) as client:
        response = await client.get("/watch", headers={"Accept": EVENTS})
    assert response.content == b'data: {"n":7}\n\n'
    assert response.headers["naftiko-note"].startswith("fallback")


async def test_a_bulkheads_place_is_held_until_the_stream_ends(upstream):
    feed = fed(upstream, EVENTS, event(1))
    one = {"bulkhead": {"maxConcurrentCalls": 1, "maxWaitDuration": 0}}
    async with client_of(streaming(upstream, resiliency=one)) as client:
        async with client.stream("GET", "/watch", headers={"Accept": EVENTS}) as response:
            await taken(pieces_of(response), "1")
            assert (await client.get("/watch")).status_code == 503
            feed.end()
        upstream.on("GET", "/events", lambda _: Response(event(2), media_type=EVENTS))
        await until(feed.left.is_set)

        async def again():
            return (await client.get("/watch")).status_code

        while await again() != 200:
            pass
