"""What a REST caller sees when the upstream answers, fails, or says nothing (SEMANTICS 6)."""

from __future__ import annotations

import asyncio
import gzip
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import brotli
import pytest
from rest_serving import LIMIT, assert_problem, client_of, in_process, operation, rest_capability, route
from starlette.responses import JSONResponse, Response

from holding import Held, until
from naftiko.engine.transport import Limits
from naftiko.testing import BrokenJson, Cut, Fail, Flood, HangUp, Stall, refused_url

QUICK = Limits(connect=10, read=2, total=4, response_bytes=1_000_000)
SECRET = "hunter2-hunter2"
BEARER = {"authentication": {"type": "bearer", "token": "{{env.TOKEN}}"}}


def passing(upstream, *, api=None, routes=None, operations=None, **settings):
    """One route that passes a GET on."""
    settings.setdefault("environment", {"TOKEN": SECRET})
    url = upstream if isinstance(upstream, str) else upstream.url
    return rest_capability(routes or [route("/x")], operations, api=api, base_uris={"*": url}, limits=QUICK, **settings)


async def test_the_upstreams_bytes_and_useful_headers_come_back(upstream):
    """Byte for byte, also headers that are no ASCII; nothing of the connection, no cookies."""
    content = '{"a" : 1.0, "b":"é"}'.encode()
    upstream.on(
        "GET",
        "/x",
        lambda _: Response(
            content,
            headers={
                "ETag": '"é"',
                "Link": "</x>; rel=first",
                "Set-Cookie": "a=b",
                "RateLimit-Remaining": "1",
                "X-Internal": "x",
            },
            media_type="application/json",
        ),
    )
    async with client_of(passing(upstream)) as client:
        response = await client.get("/x")
    assert (response.status_code, response.content) == (200, content)
    assert response.headers["content-type"] == "application/json"
    assert (b"etag", '"é"'.encode("latin-1")) in [(name.lower(), value) for name, value in response.headers.raw]
    assert {"link", "ratelimit-remaining"} <= set(response.headers)
    assert not {"set-cookie", "x-internal"} & set(response.headers)


USEFUL = {
    "ETag": '"v1"',
    "Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT",
    "Cache-Control": "max-age=60, private",
    "Expires": "Wed, 21 Oct 2099 07:28:00 GMT",
    "Vary": "Accept-Language",
    "Link": "</x>; rel=self",
    "Location": "https://elsewhere.example/x",
    "Retry-After": "7",
    "RateLimit": '"default";r=50;t=30',
    "RateLimit-Policy": '"default";q=100;w=60',
    "RateLimit-Limit": "100",
    "X-RateLimit-Remaining": "50",
    "X-Total-Count": "42",
    "X-Request-Id": "abc",
    "Content-Language": "de",
}
OF_THE_CONNECTION = {
    "Connection": "X-Hop",
    "X-Hop": "1",
    "Keep-Alive": "timeout=5",
    "Proxy-Authenticate": "Basic",
    "TE": "trailers",
    "Trailer": "X-Later",
    "Upgrade": "h2c",
    "Set-Cookie": "a=b",
    "Server": "internal/1.0",
    "Via": "1.1 internal",
    "X-Powered-By": "internals",
    "Alt-Svc": 'h3="internal:443"',
}


@pytest.mark.parametrize("status", [200, 404])
async def test_every_useful_header_passes_and_nothing_of_the_connection(upstream, status):
    """Of good answers and of errors alike (SEMANTICS 6)."""
    upstream.on("GET", "/x", lambda _: JSONResponse({"a": 1}, status, {**USEFUL, **OF_THE_CONNECTION}))
    async with client_of(passing(upstream)) as client:
        response = await client.get("/x")
    assert response.status_code == status
    assert {name: response.headers.get(name) for name in USEFUL} == USEFUL
    theirs = set(OF_THE_CONNECTION.values())
    assert not {name for name, value in response.headers.items() if value in theirs}


async def test_a_mapped_answer_keeps_those_that_are_not_of_the_upstreams_body(upstream):
    upstream.on("GET", "/x", lambda _: JSONResponse({"a": 1}, 200, USEFUL))
    outputs = [{"name": "a", "type": "integer", "mapping": "$.a"}]
    async with client_of(passing(upstream, routes=[route("/x", outputParameters=outputs)])) as client:
        response = await client.get("/x")
    changed = {name for name, value in USEFUL.items() if response.headers.get(name) != value}
    assert changed == {"ETag", "Last-Modified"}


@pytest.mark.parametrize("status", [201, 202, 204, 304])
async def test_the_upstreams_status_comes_back(upstream, status):
    """204 and 304 without a body or its headers."""
    upstream.on(
        "GET", "/x", lambda _: Response(b"" if status in {204, 304} else b"{}", status, media_type="application/json")
    )
    async with client_of(passing(upstream)) as client:
        response = await client.get("/x")
    assert response.status_code == status
    assert response.content == (b"" if status in {204, 304} else b"{}")


async def test_an_empty_200_is_no_content(upstream):
    """204, whatever media type the nothing had."""
    upstream.on("GET", "/x", lambda _: Response(b"", 200, media_type="application/json"))
    async with client_of(passing(upstream)) as client:
        response = await client.get("/x")
    assert (response.status_code, response.content) == (204, b"")


@pytest.mark.parametrize("status", [400, 403, 404, 409, 410, 418, 422, 429, 451, 500, 502, 503])
async def test_an_upstreams_own_error_passes_through(upstream, status):
    """Status, body, media type and Retry-After: the caller sees what the API says."""
    upstream.on(
        "GET",
        "/x",
        lambda _: Response(
            b"<e>x</e>", status, {"Retry-After": "7", "Set-Cookie": "a=b"}, media_type="application/xml"
        ),
    )
    async with client_of(passing(upstream)) as client:
        response = await client.get("/x")
    assert (response.status_code, response.content) == (status, b"<e>x</e>")
    assert response.headers["content-type"] == "application/xml"
    assert response.headers["retry-after"] == "7"
    assert "set-cookie" not in response.headers


async def test_an_upstreams_401_and_405_keep_what_they_mean(upstream):
    """Without a credential of ours a 401 is the caller's affair, with its challenge; a 405 has its Allow."""
    upstream.on("GET", "/x", lambda _: JSONResponse({}, 401, {"WWW-Authenticate": "Bearer"}))
    async with client_of(passing(upstream)) as client:
        response = await client.get("/x")
        assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
        upstream.on("GET", "/x", lambda _: JSONResponse({}, 405, {"Allow": "PUT"}))
        assert (await client.get("/x")).headers["allow"] == "PUT"


async def test_a_401_to_our_credential_is_not_the_callers_fault(upstream):
    """502, and nobody learns the credential."""
    upstream.on(
        "GET",
        "/x",
        lambda request: JSONResponse({"bad": request.headers["authorization"]}, 401, {"WWW-Authenticate": "Basic"}),
    )
    async with client_of(passing(upstream, api=BEARER)) as client:
        response = await client.get("/x")
    problem = assert_problem(response, 502, "upstream-refused-credential")
    assert "www-authenticate" not in response.headers
    assert SECRET not in response.text
    assert problem["operation"] == "api.do"


@pytest.mark.parametrize(
    ("behaviour", "status", "kind"),
    [
        (Stall(4 * LIMIT), 504, "upstream-timeout"),
        (Cut(after=3), 502, "upstream-broken"),
        (Cut(after=3, chunked=True), 502, "upstream-broken"),
        (HangUp(), 502, "upstream-broken"),
        (Flood(size=3_000_000), 502, "upstream-broken"),
        (Flood(size=3_000_000, announced=True), 502, "upstream-broken"),
    ],
)
async def test_an_upstream_that_disappoints(upstream, behaviour, status, kind):
    """A problem within the time limit: never a hang, a traceback, a secret or the upstream's full URL."""
    upstream.misbehave(behaviour)
    async with client_of(passing(upstream, api=BEARER)) as client:
        async with asyncio.timeout(LIMIT):
            response = await client.get("/x?key=private")
        problem = assert_problem(response, status, kind)
        assert problem["operation"] == "api.do"
        assert len(problem["correlationId"]) == 16
        assert SECRET not in response.text
        upstream.behave()
        upstream.on("GET", "/x", {"fine": True})
        assert (await client.get("/x")).json() == {"fine": True}


@pytest.mark.parametrize(
    ("content", "sent"),
    [
        (BrokenJson().body, BrokenJson().body),
        (b'{"a": "cut \\ud83d"}', b'{"a": "cut \\ud83d"}'),
        (b'{"a": "cut \xf0\x9f\x98"}', b'{"a": "cut \xf0\x9f\x98"}'),
        (b"OK", b"OK"),
        (b'\xef\xbb\xbf{"a": 1}', b'{"a": 1}'),
    ],
)
async def test_json_that_is_none_is_passed_on_and_not_judged(upstream, content, sent):
    """Nothing is mapped: the bytes are the answer. Only a byte order mark, which JSON must not have, goes."""
    upstream.on("GET", "/x", lambda _: Response(content, media_type="application/json"))
    async with client_of(passing(upstream)) as client:
        response = await client.get("/x")
    assert (response.status_code, response.content) == (200, sent)
    assert response.headers["content-type"] == "application/json"


async def test_json_that_is_none_is_a_problem_where_it_is_mapped(upstream):
    """With the beginning of what came."""
    upstream.on("GET", "/x", lambda _: Response(b"<h1>Please log in</h1>", media_type="application/json"))
    outputs = [{"name": "a", "type": "string", "mapping": "$.a"}]
    async with client_of(passing(upstream, routes=[route("/x", outputParameters=outputs)])) as client:
        problem = assert_problem(await client.get("/x"), 502, "upstream-broken")
    assert "it is not JSON" in problem["detail"]
    assert problem["upstream"] == "Please log in"


async def test_a_coded_answer_over_rest(upstream):
    """A known coding is undone; another one is passed on with its header, but not where the answer is mapped."""
    coded = {"gzip": gzip.compress(b'{"a": "1"}'), "br": brotli.compress(b'{"a": "1"}'), "compress": b"\x1f\x9d\x90a"}
    outputs = [{"name": "a", "type": "string", "mapping": "$.a"}]
    capability = passing(upstream, routes=[route("/x"), route("/mapped", outputParameters=outputs)])
    async with client_of(capability) as client:
        for coding, content in coded.items():
            headers = {"Content-Encoding": coding}
            upstream.on("GET", "/x", Response(content, 200, headers, media_type="application/json"))
            async with client.stream("GET", "/x") as response:
                raw = b"".join([piece async for piece in response.aiter_raw()])
            mapped = await client.get("/mapped")
            if coding == "compress":
                assert (raw, response.headers["content-encoding"]) == (content, coding)
                assert "`compress`" in assert_problem(mapped, 502, "upstream-broken")["detail"]
            else:
                assert (raw, "content-encoding" in response.headers) == (b'{"a": "1"}', False)
                assert mapped.json() == {"a": "1"}


async def test_an_upstream_that_is_not_there():
    """Refused and unknown hosts are 502 and say which host."""
    with refused_url() as url:
        async with client_of(passing(url)) as client:
            problem = assert_problem(await client.get("/x"), 502, "upstream-unreachable")
            assert url.removeprefix("http://") in problem["detail"]
    async with client_of(passing("http://nowhere.invalid")) as client:
        assert_problem(await client.get("/x"), 502, "upstream-unreachable")


async def test_a_missing_variable(upstream):
    """503 that names it, and nothing is sent."""
    async with client_of(passing(upstream, api=BEARER, environment={})) as client:
        problem = assert_problem(await client.get("/x"), 503, "missing-variable")
    assert "TOKEN" in problem["detail"]
    assert "environment" in problem["hint"]
    assert not upstream.requests


async def test_too_much_at_once(upstream):
    """When no connection becomes free: 503 with Retry-After."""
    upstream.on("GET", "/x", {"late": True})
    held = Held()
    upstream.misbehave(held)
    limits = Limits(connections=1, queue=0.05, read=LIMIT, total=LIMIT)
    capability = rest_capability([route("/x")], base_uris={"*": upstream.url}, limits=limits)
    async with client_of(capability) as client:
        calls = [asyncio.create_task(client.get("/x")) for _ in range(2)]
        await until(lambda: any(call.done() for call in calls))
        held.let_go()
        first, second = await asyncio.gather(*calls)
    refused = second if second.status_code == 503 else first
    assert_problem(refused, 503, "overloaded")
    assert int(refused.headers["retry-after"]) >= 1
    assert {first.status_code, second.status_code} == {200, 503}


async def test_a_failing_step_is_a_problem_that_names_it(upstream):
    """With the upstream's status and message: the caller did not ask for what the step called."""
    upstream.on("GET", "/x", {"id": 1})
    upstream.on("GET", "/y", lambda _: JSONResponse({"message": "no crew"}, 404, {"Retry-After": "3"}))
    steps = [{"name": "ship", "type": "call", "call": "api.do"}, {"name": "crew", "type": "call", "call": "api.other"}]
    operations = {"do": operation("GET", "/x"), "other": operation("GET", "/y")}
    async with client_of(
        passing(upstream, routes=[route("/s", call=None, steps=steps)], operations=operations)
    ) as client:
        response = await client.get("/s")
    problem = assert_problem(response, 404, "upstream-status")
    assert (problem["step"], problem["operation"], problem["upstream"]) == ("crew", "api.other", "no crew")
    assert response.headers["retry-after"] == "3"


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [
        ("3", 3, 3),
        pytest.param(format_datetime(datetime.now(tz=UTC) + timedelta(hours=2), usegmt=True), 60, 7200, id="a date"),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 1, 1),
        ("Wed, 21 Oct 2015 07:28:00 -0000", 1, 1),
        ("soon", None, None),
        ("9" * 400, None, None),
        ("-1", None, None),
    ],
)
async def test_a_failing_steps_wait_is_told_in_seconds(upstream, said, least, most):
    """However the upstream writes it."""
    upstream.on("GET", "/x", lambda _: JSONResponse({}, 429, {"Retry-After": said}))
    steps = [{"name": "ship", "type": "call", "call": "api.do"}]
    async with client_of(passing(upstream, routes=[route("/s", call=None, steps=steps)])) as client:
        response = await client.get("/s")
    assert response.status_code == 429
    found = response.headers.get("retry-after")
    assert found is None if least is None else least <= int(found) <= most


async def test_a_fault_of_ours_is_told_as_an_id_only(upstream, monkeypatch, caplog):
    """The log has the traceback, the caller an id that finds it."""
    capability = passing(upstream)

    async def broken(*_args, **_more):
        raise RuntimeError(f"internal {SECRET}")

    capability.variables.redactor.learn(SECRET)
    monkeypatch.setattr(capability.engine, "run", broken)
    async with in_process(capability) as client:
        response = await client.get("/x")
    problem = assert_problem(response, 500, "internal-error")
    assert "RuntimeError" not in response.text
    assert problem["correlationId"] in caplog.text
    assert "RuntimeError" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("body", [None, b"{}"])
async def test_a_caller_who_goes_away_takes_the_upstream_call_along(upstream, body):
    """The upstream's connection is closed at once, not when its answer comes."""
    left = asyncio.Event()
    loop = asyncio.get_running_loop()

    class Waiting(Stall):
        async def play(self, exchange):
            if await exchange.client_leaves(within=self.seconds):
                loop.call_soon_threadsafe(left.set)

    upstream.misbehave(Waiting(4 * LIMIT))
    limits = Limits(read=2 * LIMIT, total=2 * LIMIT)
    capability = rest_capability(
        [route("/x", "POST" if body else "GET")],
        {"do": operation("POST" if body else "GET")},
        base_uris={"*": upstream.url},
        limits=limits,
    )
    async with client_of(capability) as client:
        call = asyncio.create_task(client.request("POST" if body else "GET", "/x", content=body))
        await until(lambda: upstream.requests)
        call.cancel()
        async with asyncio.timeout(LIMIT):
            await left.wait()
        upstream.behave()
        upstream.on("*", "/x", {"fine": True})
        assert (await client.request("POST" if body else "GET", "/x", content=body)).json() == {"fine": True}


async def test_a_pipelined_request_is_no_reason_to_cancel(upstream):
    """Only a closed connection is: a slow answer arrives, however long it is watched."""
    upstream.misbehave(Stall(0.2, {"slow": True}))
    async with client_of(passing(upstream)) as client:
        answers = await asyncio.gather(*(client.get("/x") for _ in range(5)))
    assert [answer.json() for answer in answers] == [{"slow": True}] * 5


async def test_mapped_answers_over_rest(upstream):
    """The upstream's 201 stays, the body is ours."""
    upstream.on("GET", "/x", lambda _: JSONResponse({"id": 1, "deep": {"n": "é"}}, 201))
    outputs = [
        {"name": "id", "type": "integer", "mapping": "$.id"},
        {"name": "n", "type": "string", "mapping": "$.deep.n"},
    ]
    async with client_of(passing(upstream, routes=[route("/x", outputParameters=outputs)])) as client:
        response = await client.get("/x")
    assert (response.status_code, response.json()) == (201, {"id": 1, "n": "é"})
    assert response.headers["content-type"] == "application/json"


async def test_binary_answers_over_rest(upstream):
    """Bytes with their media type; above maxBinarySize a problem."""
    upstream.on("GET", "/x", lambda _: Response(b"\xff\xd8" * 50, media_type="image/jpeg"))
    for limit, status in (("100B", 200), ("99B", 502)):
        operations = {"do": operation("GET", "/x", outputRawFormat="binary", maxBinarySize=limit)}
        async with client_of(passing(upstream, operations=operations)) as client:
            response = await client.get("/x")
        assert response.status_code == status
        if status == 200:
            assert (response.content, response.headers["content-type"]) == (b"\xff\xd8" * 50, "image/jpeg")
        else:
            assert "maxBinarySize" in assert_problem(response, 502, "upstream-broken")["detail"]


async def test_server_errors_of_a_failing_upstream_are_not_retried(upstream):
    """One request in, one request out."""
    upstream.misbehave(Fail(503))
    async with client_of(passing(upstream)) as client:
        assert (await client.get("/x")).status_code == 503
    assert len(upstream.requests) == 1


async def test_a_required_value_that_a_step_did_not_find(upstream):
    """422 with the parameter, the step and where the value should have come from; nothing was asked without it."""
    upstream.on("GET", "/people", [{"email": "ann", "id": 1}])
    steps = [
        {"name": "people", "type": "call", "call": "api.people"},
        {"name": "who", "type": "lookup", "index": "people", "match": "email", "lookupValue": "{{email}}"},
        {"name": "orders", "type": "call", "call": "api.orders", "with": {"customer": "{{who.id}}"}},
    ]
    needed = [{"name": "customer", "in": "query", "required": True}]
    operations = {"people": operation(path="/people"), "orders": operation(path="/orders", inputParameters=needed)}
    capability = passing(upstream, routes=[route("/of/{email}", call=None, steps=steps)], operations=operations)
    async with client_of(capability) as client:
        problem = assert_problem(await client.get("/of/nobody"), 422, "missing-value")
    assert problem["detail"] == "no value for `customer`, which `api.orders` requires: $.who.id found nothing"
    assert (problem["step"], problem["hint"]) == ("orders", "look at what step `who` found")
    assert [request.path for request in upstream.requests] == ["/people"]
