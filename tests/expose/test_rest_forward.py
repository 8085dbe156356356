"""`forward`: a request passed on as it is, its answer streamed back (SEMANTICS 4.6)."""

from __future__ import annotations

import asyncio
import contextlib
import json

import httpx
import pytest
from rest_serving import LIMIT, assert_problem, client_of, in_process, rest_capability
from starlette.responses import JSONResponse, Response, StreamingResponse

from naftiko.engine.transport import Limits
from naftiko.testing import Cut, Drip, HangUp, Stall, refused_url

QUICK = Limits(connect=10, read=2, total=4)


def forwarding(upstream, *, path="/proxy/{{path}}", base="/base", api=None, **settings):
    """A route that forwards everything below it."""
    forward = {
        "targetNamespace": "api",
        "trustedHeaders": ["X-Trace", "Accept", "Authorization", "Connection", "X-Name"],
    }
    url = upstream if isinstance(upstream, str) else upstream.url
    settings.setdefault("limits", QUICK)
    return rest_capability([{"path": path, "forward": forward}], api=api, base_uris={"*": url + base}, **settings)


def echo(upstream, path="/base/{rest:path}"):
    """Answer with what came."""
    upstream.on(
        "*",
        path,
        lambda request: JSONResponse(
            {
                "method": request.method,
                "path": request.raw_path,
                "query": request.raw_query,
                "body": request.text,
                "headers": dict(request.headers.items()),
            }
        ),
    )


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
async def test_any_method_path_and_query(upstream, method):
    """The path's rest spans slashes, encoded characters stay as they are, the query is kept."""
    echo(upstream)
    async with client_of(forwarding(upstream)) as client:
        answer = (await client.request(method, "/proxy/a/b%2Fc/%C3%A9?q=1&q=2&empty=&x=a%20b")).json()
    assert (answer["method"], answer["path"]) == (method, "/base/a/b%2Fc/%C3%A9")
    assert answer["query"] == "q=1&q=2&empty=&x=a%20b"


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/proxy/", "/base"), ("/proxy/a/", "/base/a/"), ("/proxy/a//b", "/base/a//b"), ("/proxy/%FF", "/base/%FF")],
)
async def test_unusual_paths_stay_as_they_are(upstream, path, expected):
    """A trailing slash, an empty segment, bytes that are no UTF-8; nothing is added to nothing."""
    echo(upstream, "/{rest:path}")
    async with client_of(forwarding(upstream)) as client:
        assert (await client.get(path)).json()["path"] == expected


@pytest.mark.parametrize(
    "path", ["/proxy/../secret", "/proxy/a/%2e%2e/b", "/proxy/%2E%2E/%2E%2E/etc", "/proxy/a/.%2e", "/proxy/."]
)
async def test_dot_segments_are_refused(upstream, path):
    """However they are written: nothing leaves the base URI."""
    echo(upstream, "/{rest:path}")
    async with client_of(forwarding(upstream)) as client:
        host, port = client.base_url.host, client.base_url.port
        async with asyncio.timeout(LIMIT):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            status = (await reader.read()).split(b" ")[1]
            writer.close()
    assert status == b"400"
    assert not upstream.requests


async def test_only_trusted_headers_go_on(upstream):
    """Never those of the connection, even if they are trusted; Host is the upstream's own."""
    echo(upstream)
    sent = {
        "x-trace": "abc", "x-other": "no", "cookie": "session=1", "connection": "x-trace-hop, close", "accept": "text/x",
        "x-forwarded-for": "1.2.3.4", "te": "trailers",
    }  # fmt: skip
    async with client_of(forwarding(upstream)) as client:
        headers = (await client.get("/proxy/x", headers=sent)).json()["headers"]
    assert (headers["x-trace"], headers["accept"]) == ("abc", "text/x")
    assert not {"x-other", "cookie", "x-forwarded-for", "te"} & set(headers)
    assert headers.get("connection") in {None, "keep-alive"}
    assert headers["host"] == upstream.url.removeprefix("http://")


async def test_header_values_beyond_ascii_go_on(upstream):
    """As UTF-8, as they came."""
    echo(upstream)
    async with client_of(forwarding(upstream)) as client:
        headers = (await client.get("/proxy/x", headers={"x-name": "Lindstrøm 船".encode()})).json()["headers"]
    assert headers["x-name"].encode("latin-1").decode() == "Lindstrøm 船"


async def test_our_parameters_and_credential_are_added(upstream):
    """The consumes entry's, and our credential instead of the caller's (REFERENCE 16.1, 13 and 14)."""
    echo(upstream)
    api = {
        "authentication": {"type": "bearer", "token": "{{env.TOKEN}}"},
        "inputParameters": [
            {"name": "Notion-Version", "in": "header", "value": "2025-09-03"},
            {"name": "X-API-Key", "in": "header", "value": "{{env.KEY}}"},
            {"name": "tenant", "in": "query", "value": "acme"},
        ],
    }
    capability = forwarding(upstream, api=api, environment={"TOKEN": "ours", "KEY": "secret-key-123"})
    async with client_of(capability) as client:
        answer = (await client.get("/proxy/v1/pages?q=1", headers={"authorization": "Bearer theirs"})).json()
    sent = upstream.requests[-1]
    assert sent.headers["authorization"] == "Bearer ours"
    assert sent.headers["notion-version"] == "2025-09-03"
    assert sent.headers["x-api-key"] == "secret-key-123"
    assert sent.raw_query == "q=1&tenant=acme"
    assert answer["headers"]["authorization"] == "Bearer ****"  # an answer that echoes it never shows it
    assert answer["headers"]["x-api-key"] == "*" * len("secret-key-123")


async def test_without_a_credential_of_ours_a_trusted_one_passes(upstream):
    """`trustedHeaders: [Authorization]` means it."""
    echo(upstream)
    async with client_of(forwarding(upstream)) as client:
        headers = (await client.get("/proxy/x", headers={"authorization": "Bearer theirs"})).json()["headers"]
    assert headers["authorization"] == "Bearer theirs"


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_request_body_is_streamed(upstream, chunked):
    """With its media type, framed once: either its length or chunks."""
    echo(upstream)

    async def pieces():
        for _ in range(50):
            yield b"0123456789"

    content = pieces() if chunked else b"0123456789" * 50
    async with client_of(forwarding(upstream)) as client:
        answer = (await client.post("/proxy/x", content=content, headers={"content-type": "text/x"})).json()
    assert answer["body"] == "0123456789" * 50
    assert answer["headers"]["content-type"] == "text/x"
    framing = {"content-length", "transfer-encoding"} & set(answer["headers"])
    assert framing == ({"transfer-encoding"} if chunked else {"content-length"})


async def test_status_headers_and_body_come_back_as_they_are(upstream):
    """Also a redirect, several cookies, a coding; not the headers of the connection, and one Date."""
    import gzip

    packed = gzip.compress(b"hello")
    response = Response(
        packed, 302, {"Location": "https://elsewhere.example/", "Content-Encoding": "gzip", "X-Any": "é"}
    )
    response.headers.append("set-cookie", "a=1")
    response.headers.append("set-cookie", "b=2")
    upstream.on("GET", "/base/x", lambda _: response)
    async with client_of(forwarding(upstream)) as client:
        answer = await client.get("/proxy/x")
    assert (answer.status_code, answer.headers["location"], answer.text) == (302, "https://elsewhere.example/", "hello")
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert (b"x-any", "é".encode("latin-1")) in answer.headers.raw
    assert len(answer.headers.get_list("date")) == 1
    assert answer.headers.get_list("content-length") == [str(len(packed))]


@pytest.mark.parametrize("status", [204, 304, 401, 404, 503])
async def test_every_status_is_the_upstreams_own(upstream, status):
    """An error is not ours to explain."""
    upstream.on(
        "GET",
        "/base/x",
        lambda _: Response(b"" if status in {204, 304} else b"said", status, {"WWW-Authenticate": "x"}),
    )
    async with client_of(forwarding(upstream)) as client:
        answer = await client.get("/proxy/x")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (status, "x")
    assert answer.content == (b"" if status in {204, 304} else b"said")


async def test_head_is_a_head(upstream):
    """The method goes on as it is; the length comes back without a body."""
    upstream.on("GET", "/base/x", b"12345")
    async with client_of(forwarding(upstream)) as client:
        answer = await client.head("/proxy/x")
    assert (answer.status_code, answer.headers["content-length"], answer.content) == (200, "5", b"")
    assert upstream.requests[0].method == "HEAD"


async def test_an_answer_is_streamed_while_it_comes(upstream):
    """The first piece is here before the last one is sent."""
    release = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def pieces():
        yield b"first"
        while not release.is_set():  # noqa: ASYNC110  # the event belongs to another thread's loop
            await asyncio.sleep(0.005)
        yield b"last"

    upstream.on("GET", "/base/x", lambda _: StreamingResponse(pieces(), media_type="text/event-stream"))
    async with client_of(forwarding(upstream)) as client, client.stream("GET", "/proxy/x") as answer:
        got = answer.aiter_raw()
        async with asyncio.timeout(LIMIT):
            assert await anext(got) == b"first"
            loop.call_soon(release.set)
            assert await anext(got) == b"last"


async def test_a_large_body_is_passed_on_without_being_kept(upstream):
    """Larger than any answer that may be read into memory."""
    upstream.on("GET", "/base/x", lambda _: StreamingResponse((b"x" * 65_536 for _ in range(320)), media_type="a/b"))
    limits = Limits(response_bytes=100_000)
    async with client_of(forwarding(upstream, limits=limits)) as client:
        assert len((await client.get("/proxy/x")).content) == 320 * 65_536


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_answer_that_is_cut_is_cut_for_the_caller_too(upstream, chunked, caplog):
    """The connection closes, so that nobody takes half an answer for a whole one; the log has one line, no traceback."""
    upstream.misbehave(Cut(after=5, body=b"x" * 100, chunked=chunked))
    async with client_of(forwarding(upstream)) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/proxy/x")
        assert "Traceback" not in caplog.text
        upstream.behave()
        echo(upstream)
        assert (await client.get("/proxy/x")).status_code == 200


@pytest.mark.parametrize(
    ("behaviour", "status", "kind"), [(HangUp(), 502, "upstream-broken"), (Stall(4 * LIMIT), 504, "upstream-timeout")]
)
async def test_an_upstream_that_does_not_answer(upstream, behaviour, status, kind):
    """A problem, within the time limit."""
    upstream.misbehave(behaviour)
    async with client_of(forwarding(upstream)) as client:
        async with asyncio.timeout(LIMIT):
            assert_problem(await client.get("/proxy/x"), status, kind)


async def test_an_upstream_that_is_not_there():
    """A problem."""
    with refused_url() as url:
        async with client_of(forwarding(url)) as client:
            assert_problem(await client.post("/proxy/x", content=b"body"), 502, "upstream-unreachable")


async def test_an_answer_without_end_ends_with_its_caller(upstream):
    """When the caller goes away, the upstream's stream is closed."""
    left = asyncio.Event()
    loop = asyncio.get_running_loop()

    class Endless(Drip):
        async def play(self, exchange):
            with contextlib.suppress(Exception):
                await super().play(exchange)
            loop.call_soon_threadsafe(left.set)

    upstream.misbehave(Endless(b"x" * 100_000, pause=0.05))
    async with client_of(forwarding(upstream)) as client:
        async with client.stream("GET", "/proxy/x") as answer:
            await anext(answer.aiter_raw())
        async with asyncio.timeout(LIMIT):
            await left.wait()


async def test_mock_mode_forwards_nothing(upstream):
    """The answer is the request that it would have been."""
    echo(upstream)
    async with in_process(forwarding(upstream, mock=True)) as client:
        shown = (
            await client.post("/proxy/a/b?q=1", content=b'{"a": 1}', headers={"content-type": "application/json"})
        ).json()
    assert (shown["method"], shown["url"]) == ("POST", f"{upstream.url}/base/a/b?q=1")
    assert shown["body"] == {"a": 1}
    assert not upstream.requests
    assert json.dumps(shown)


async def test_a_route_of_its_own_wins_over_the_forward(upstream):
    """A fixed path beats what is left over."""
    echo(upstream)
    capability = rest_capability(
        [
            {"path": "/proxy/{{path}}", "forward": {"targetNamespace": "api"}},
            {
                "path": "/proxy/own",
                "operations": [{"name": "own", "method": "GET", "outputParameters": [{"name": "is", "value": "own"}]}],
            },
        ],
        base_uris={"*": upstream.url + "/base"},
    )
    async with client_of(capability) as client:
        assert (await client.get("/proxy/own")).json() == {"is": "own"}
        assert (await client.get("/proxy/own/x")).json()["path"] == "/base/own/x"


def challenging(upstream, *, nonce="n0"):
    """Ask everybody for a digest of one nonce; whoever has one gets an echo."""

    def answer(request):
        header = request.headers.get("authorization", "")
        if header.startswith("Digest ") and f'nonce="{nonce}"' in header:
            return JSONResponse({"body": request.text, "uri": header.partition('uri="')[2].partition('"')[0]})
        challenge = f'Digest realm="r", nonce="{nonce}", qop="auth", algorithm=SHA-256'
        return JSONResponse({"error": "who?"}, 401, {"www-authenticate": challenge})

    upstream.on("*", "/base/{rest:path}", answer)


DIGEST = {"authentication": {"type": "digest", "username": "u", "password": "{{PASSWORD}}"}}


async def test_a_challenge_is_answered(upstream):
    challenging(upstream)
    capability = forwarding(upstream, api=DIGEST, environment={"PASSWORD": "p-123456"})
    async with client_of(capability) as client:
        got = [await client.get("/proxy/a?b=1"), await client.get("/proxy/c")]
    assert [each.status_code for each in got] == [200, 200]
    assert [each.json()["uri"] for each in got] == ["/base/a?b=1", "/base/c"]
    assert len(upstream.requests) == 3  # the second one knows the nonce


async def test_a_challenge_to_a_body_that_is_gone_is_the_answer_and_is_learnt(upstream):
    challenging(upstream)
    capability = forwarding(upstream, api=DIGEST, environment={"PASSWORD": "p-123456"})
    async with client_of(capability) as client:
        got = [await client.post("/proxy/a", content=b"one"), await client.post("/proxy/a", content=b"two")]
    assert [each.status_code for each in got] == [401, 200]
    assert got[1].json()["body"] == "two"
    assert len(upstream.requests) == 2


async def test_a_refusal_for_good_is_the_answer(upstream):
    upstream.on("*", "/base/{rest:path}", JSONResponse({"error": "no"}, 401))
    capability = forwarding(upstream, api=DIGEST, environment={"PASSWORD": "p-123456"})
    async with client_of(capability) as client:
        got = await client.get("/proxy/a")
    assert (got.status_code, got.json()) == (401, {"error": "no"})
    assert len(upstream.requests) == 1


async def test_a_credential_that_is_a_field_is_added_to_the_body_that_comes(upstream):
    echo(upstream)
    api = {"authentication": {"type": "apikey", "key": "key", "value": "{{KEY}}", "placement": "body"}}
    async with client_of(forwarding(upstream, api=api, environment={"KEY": "secret-key-123"})) as client:
        got = await client.post("/proxy/a", json={"name": "n"})
    assert got.status_code == 200, got.text
    assert json.loads(upstream.requests[0].text) == {"key": "secret-key-123", "name": "n"}
