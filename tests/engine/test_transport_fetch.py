"""``fetch`` and ``stream`` over httpx's own stand-in transports: they depend on no transport of ours."""

from __future__ import annotations

import asyncio
import gzip
import html
import ssl
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from naftiko.engine.transport import DEFAULT_LIMITS, Limits, fetch, stream
from naftiko.engine.transport.redirects import is_redirect, not_followed
from naftiko.ground.errors import CallError, Overloaded, UpstreamBroken, UpstreamTimeout, UpstreamUnreachable
from naftiko.observe.redaction import Redactor

URL = "https://api.example/v1/a?key=secret"


def mock(*responses: httpx.Response | Exception) -> tuple[httpx.MockTransport, list[httpx.Request]]:
    """A transport that gives ``responses`` in turn, the last one for ever, and what it was asked."""
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        response = responses[min(len(asked), len(responses)) - 1]
        if isinstance(response, Exception):
            raise response
        return response

    return httpx.MockTransport(handle), asked


def moved(status: int, location: str) -> httpx.Response:
    return httpx.Response(status, headers={"Location": location})


async def test_an_answer_is_read_and_bound_to_its_request():
    transport, asked = mock(httpx.Response(404, json={"no": "such"}))
    response = await fetch(transport, httpx.Request("GET", URL), DEFAULT_LIMITS)
    assert (response.status_code, response.json()) == (404, {"no": "such"})
    assert response.request is asked[0]
    assert await response.aread() == response.content == response.read()


async def test_an_application_in_the_same_process_can_be_the_upstream():
    async def app(scope: dict[str, object], receive: Callable[..., object], send: Callable[..., object]) -> None:
        await send({"type": "http.response.start", "status": 201, "headers": [(b"x-path", scope["raw_path"])]})
        await send({"type": "http.response.body", "body": (await receive())["body"]})

    request = httpx.Request("PUT", "http://app.example/a%2Fb", content=b"echo")
    response = await fetch(httpx.ASGITransport(app), request, DEFAULT_LIMITS)
    assert (response.status_code, response.content, response.headers["x-path"]) == (201, b"echo", "/a%2Fb")


async def test_a_compressed_answer_of_any_transport_is_decoded_without_touching_the_original():
    original = httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(gzip.compress(b"hi")))
    transport, _ = mock(original)
    assert (await fetch(transport, httpx.Request("GET", URL), DEFAULT_LIMITS)).content == b"hi"


async def test_the_size_limit_holds_for_any_transport_and_the_answer_is_closed():
    class Endless(httpx.AsyncByteStream):
        closed = False

        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 1000

        async def aclose(self) -> None:
            self.closed = True

    body = Endless()
    transport, _ = mock(httpx.Response(200, stream=body))
    with pytest.raises(UpstreamBroken, match=r"the answer of api\.example:443 is larger than 5000 bytes"):
        await fetch(transport, httpx.Request("GET", URL), Limits(response_bytes=5000))
    assert body.closed


@pytest.mark.parametrize(
    ("status", "method", "then", "body_kept"),
    [
        (301, "GET", "GET", True),
        (302, "HEAD", "HEAD", True),
        (303, "GET", "GET", False),
        (303, "POST", "GET", False),
        (303, "DELETE", "GET", False),
        (303, "HEAD", "HEAD", False),
        (307, "GET", "GET", True),
        (307, "POST", "POST", True),
        (308, "PATCH", "PATCH", True),
    ],
)
async def test_redirects_follow_the_methods_of_rfc_9110(status, method, then, body_kept):
    transport, asked = mock(moved(status, "/v2?x=%2F#part"), httpx.Response(200))
    sent = {"Content-Type": "text/plain", "Content-Language": "en", "Authorization": "Bearer secret"}
    await fetch(transport, httpx.Request(method, URL, headers=sent, content=b"body"), DEFAULT_LIMITS)
    request = asked[1]
    assert (request.method, str(request.url)) == (then, "https://api.example/v2?x=%2F")
    assert request.read() == (b"body" if body_kept else b"")
    assert ("content-type" in request.headers) == ("content-language" in request.headers) == body_kept
    assert (request.headers.get("content-length") == "4") == body_kept
    assert request.headers["authorization"] == "Bearer secret"
    assert request.headers["host"] == "api.example"


@pytest.mark.parametrize("status", [301, 302])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_what_a_301_makes_of_a_write_is_not_guessed(status, method):
    """It never becomes an empty GET, whose answer would look like the write's."""
    transport, asked = mock(moved(status, "/v2"), httpx.Response(200))
    response = await fetch(transport, httpx.Request(method, URL, content=b"body"), DEFAULT_LIMITS)
    assert (response.status_code, len(asked)) == (status, 1)
    assert not_followed(response, str).reason == (
        f"to a {method} and redirects to https://api.example/v2, without saying that the {method} is to be sent there"
    )


LEAVING = [
    ("https://other.example/a?X-Amz-Signature=abc", "and redirects to https://other.example/a?…, another origin"),
    ("//other.example/x#frag", "and redirects to https://other.example/x, another origin"),
    ("http://api.example/", "and redirects to http://api.example/, which is not encrypted"),
    ("https://api.example:8443/", "and redirects to https://api.example:8443/, another origin"),
    ("https://api.example@evil.example/", "and redirects to https://evil.example/, another origin"),
    ("https://api.example.evil.example/", "and redirects to https://api.example.evil.example/, another origin"),
    ("https://api.example./", "and redirects to https://api.example./, another origin"),
    ("https://" + "a" * 300 + ".example/", f"and redirects to https://{'a' * 192}…, another origin"),
    ("ftp://x/", "and redirects to ftp://x/, which is no http or https address"),
    ("javascript:alert(1)", "and redirects to javascript:alert(1), which is no http or https address"),
    ("file:///etc/passwd", "and redirects to file:/etc/passwd, which is no http or https address"),
]


SECRET = "p4ss:of/the+siege's=user_and-more"


@pytest.mark.parametrize(
    "location",
    [
        f"http://other.example/{html.escape(SECRET)}",
        f"http://other.example/{'a' * 165}/{SECRET}",
        f"http://other.example/{'a' * 150}/{SECRET.encode().hex()}/end",
        f"/{SECRET}?{SECRET}",
        f"http://{SECRET.encode().hex()}.example/",
    ],
    ids=["the fragment begins in it", "it is cut", "it is cut in hex", "here", "the host"],
)
async def test_no_part_of_a_credential_is_told_of_a_target(location):
    """It is hidden before the target is taken apart and cut: a part of it would not be known for one."""
    redactor = Redactor()
    redactor.learn_credential(SECRET)
    transport, _ = mock(moved(300, location))
    response = await fetch(transport, httpx.Request("GET", URL), DEFAULT_LIMITS)
    told = not_followed(response, redactor.redact).reason
    assert "redirects to " in told
    assert not any(
        SECRET[at : at + 6] in told or SECRET[at : at + 6].encode().hex() in told for at in range(len(SECRET) - 5)
    )


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(("location", "reason"), LEAVING)
async def test_a_redirect_that_leaves_the_origin_is_the_answer(status, method, location, reason):
    """Credentials never travel to another origin; what is told of the target holds no query and no user."""
    transport, asked = mock(moved(status, location))
    response = await fetch(transport, httpx.Request(method, URL), DEFAULT_LIMITS)
    assert (response.status_code, response.headers["location"], len(asked)) == (status, location, 1)
    assert not_followed(response, str).reason == reason
    assert is_redirect(response)


@pytest.mark.parametrize(
    ("location", "then"),
    [("https://api.example/b", True), ("https://api.example:443/b", True), ("https://API.example:8443/b", False)],
)
async def test_http_may_become_https_on_the_same_host(location, then):
    """With its credential: the same host had it in clear text a moment ago."""
    transport, asked = mock(moved(301, location), httpx.Response(200))
    request = httpx.Request("GET", "http://api.example/a", headers={"Authorization": "Bearer secret"})
    assert (await fetch(transport, request, DEFAULT_LIMITS)).status_code == (200 if then else 301)
    assert [str(each.url) for each in asked[1:]] == (["https://api.example/b"] if then else [])
    assert [each.headers["authorization"] for each in asked[1:]] == (["Bearer secret"] if then else [])


async def test_tls_on_another_port_is_another_origin():
    transport, asked = mock(moved(308, "https://api.example/a"))
    response = await fetch(transport, httpx.Request("GET", "http://api.example:8080/a"), DEFAULT_LIMITS)
    assert (response.status_code, len(asked)) == (308, 1)


async def test_an_upgrade_sends_a_write_again_only_where_the_status_says_so():
    for status, methods in ((301, ["POST"]), (303, ["POST", "GET"]), (308, ["POST", "POST"])):
        transport, asked = mock(moved(status, "https://api.example/a"), httpx.Response(200))
        await fetch(transport, httpx.Request("POST", "http://api.example/a", content=b"body"), DEFAULT_LIMITS)
        assert [each.method for each in asked] == methods


@pytest.mark.parametrize(
    ("response", "said"),
    [
        (httpx.Response(302), "with no Location: it doesn't say where to go"),
        (moved(302, " "), "with no Location: it doesn't say where to go"),
        (moved(302, "https://api.example:port/"), "with a Location that is no URL: it doesn't say where to go"),
        (httpx.Response(302, headers=[("Location", "/a"), ("Location", "/b")]), "with a Location that is no URL"),
        (moved(300, "/x"), "and redirects to https://api.example/x, which is not followed for this status"),
        (moved(305, "/x"), "and redirects to https://api.example/x, which is not followed for this status"),
    ],
)
async def test_a_redirect_that_leads_nowhere_is_the_answer(response, said):
    transport, asked = mock(response)
    answer = await fetch(transport, httpx.Request("GET", URL), DEFAULT_LIMITS)
    assert (answer.status_code, len(asked)) == (response.status_code, 1)
    assert is_redirect(answer)
    assert not_followed(answer, str).reason.startswith(said)


async def test_not_modified_is_no_redirect():
    transport, asked = mock(httpx.Response(304, headers={"Location": "/x"}))
    answer = await fetch(transport, httpx.Request("GET", URL), DEFAULT_LIMITS)
    assert (answer.status_code, is_redirect(answer), len(asked)) == (304, False, 1)


async def test_the_same_origin_may_be_spelled_with_its_port_and_in_capitals():
    transport, asked = mock(moved(301, "HTTPS://user:pass@API.example:443/b"), httpx.Response(200))
    await fetch(transport, httpx.Request("GET", URL), DEFAULT_LIMITS)
    assert str(asked[1].url) == "https://api.example/b"


@pytest.mark.parametrize(("redirects", "ends"), [(10, True), (11, False)])
async def test_ten_redirects_are_enough(redirects, ends):
    transport, asked = mock(*[moved(302, f"/{n}") for n in range(redirects)], httpx.Response(200))
    if ends:
        assert (await fetch(transport, httpx.Request("GET", URL), DEFAULT_LIMITS)).status_code == 200
    else:
        with pytest.raises(UpstreamBroken, match=r"api\.example:443 redirected more than 10 times"):
            await fetch(transport, httpx.Request("GET", URL), DEFAULT_LIMITS)
    assert len(asked) == 11


@pytest.mark.parametrize("locations", [["/v1/a?key=secret"], ["/b", "/c", "/b"], ["/b", "#here"]])
async def test_a_circle_is_seen_at_once(locations):
    transport, asked = mock(*[moved(302, location) for location in locations])
    with pytest.raises(UpstreamBroken, match=r"api\.example:443 redirects in a circle"):
        await fetch(transport, httpx.Request("GET", URL), DEFAULT_LIMITS)
    assert len(asked) == len(locations)


async def test_the_get_after_a_303_to_the_same_address_is_no_circle():
    transport, asked = mock(moved(303, "/v1/a?key=secret"), httpx.Response(200))
    assert (await fetch(transport, httpx.Request("POST", URL), DEFAULT_LIMITS)).status_code == 200
    assert [each.method for each in asked] == ["POST", "GET"]


def raised(error: Exception, cause: Exception | None) -> Exception:
    error.__cause__ = cause
    return error


def its_own_cause() -> OSError:
    error = OSError(101, "x")
    error.__cause__ = error
    return error


def untrusted() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate"
    return error


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (httpx.ConnectError("?"), UpstreamUnreachable, "api.example:443 can't be reached"),
        (
            raised(httpx.ConnectError("?"), ConnectionRefusedError(111, "x")),
            UpstreamUnreachable,
            "it refuses connections",
        ),
        (raised(httpx.ConnectError("?"), OSError(113, "x")), UpstreamUnreachable, "no route to host"),
        (raised(httpx.ConnectError("?"), untrusted()), UpstreamUnreachable, "not trusted (self-signed certificate)"),
        (httpx.ProxyError("?"), UpstreamUnreachable, "through the proxy"),
        (httpx.UnsupportedProtocol("?"), UpstreamUnreachable, "not an http or https URL"),
        (OSError(101, "x"), UpstreamUnreachable, "network is unreachable"),
        (raised(httpx.ConnectError("?"), its_own_cause()), UpstreamUnreachable, "network is unreachable"),
        (httpx.PoolTimeout("?"), Overloaded, "all 50 connections to api.example:443 were busy for 5 s"),
        (httpx.ConnectTimeout("?"), UpstreamTimeout, "no connection to api.example:443 within 10 s"),
        (httpx.ReadTimeout("?"), UpstreamTimeout, "api.example:443 did not answer: nothing came for 30 s"),
        (TimeoutError(), UpstreamTimeout, "did not answer"),
        (httpx.ReadError("?"), UpstreamBroken, "closed the connection before answering"),
        (httpx.WriteError("?"), UpstreamBroken, "closed the connection before answering"),
        (httpx.RemoteProtocolError("Server disconnected"), UpstreamBroken, "closed the connection before answering"),
        (httpx.RemoteProtocolError("illegal status line"), UpstreamBroken, "what api.example:443 answered is not HTTP"),
    ],
)
async def test_every_failure_has_its_error_and_its_words(error, kind, said):
    transport, _ = mock(error)
    with pytest.raises(CallError) as fetched:
        await fetch(transport, httpx.Request("GET", URL), DEFAULT_LIMITS)
    with pytest.raises(CallError) as streamed:
        async with stream(transport, httpx.Request("GET", URL), DEFAULT_LIMITS):
            pass
    for caught in (fetched.value, streamed.value):
        assert type(caught) is kind
        assert said in caught.detail
        assert not any(word in caught.detail for word in ("secret", "/v1", "Error", "?"))


async def test_a_body_that_breaks_is_cut_for_fetch_and_for_stream():
    class Breaking(httpx.AsyncByteStream):
        def __init__(self, error: Exception) -> None:
            self.error = error

        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"half"
            raise self.error

    for error, kind, said in (
        (httpx.RemoteProtocolError("incomplete"), UpstreamBroken, "was cut"),
        (httpx.ReadTimeout("?"), UpstreamTimeout, "stopped in the middle of its answer"),
        (ConnectionResetError(104, "x"), UpstreamBroken, "was cut"),
    ):
        transport, _ = mock(httpx.Response(200, stream=Breaking(error)))
        with pytest.raises(kind, match=said):
            await fetch(transport, httpx.Request("GET", URL), DEFAULT_LIMITS)
        transport, _ = mock(httpx.Response(200, stream=Breaking(error)))
        async with stream(transport, httpx.Request("GET", URL), DEFAULT_LIMITS) as response:
            with pytest.raises(kind, match=said):
                await response.aread()


async def test_the_total_limit_spans_redirects():
    async def slow(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.06)
        return moved(302, "/on")

    with pytest.raises(UpstreamTimeout, match=r"the exchange with api\.example:443 took longer than 0\.1 s"):
        await fetch(httpx.MockTransport(slow), httpx.Request("GET", URL), Limits(total=0.1))


async def test_an_error_of_the_calling_code_is_not_an_upstreams():
    transport, _ = mock(ZeroDivisionError("mine"))
    with pytest.raises(ZeroDivisionError):
        await fetch(transport, httpx.Request("GET", URL), DEFAULT_LIMITS)


@pytest.mark.parametrize("name", ["connections", "queue", "connect", "read", "total", "response_bytes"])
def test_a_limit_of_zero_would_refuse_every_call(name):
    with pytest.raises(ValueError, match=f"the limit {name} must be above zero"):
        Limits(**{name: 0})


@pytest.mark.parametrize(
    ("url", "said"),
    [("http://[::1]:81/", r"\[::1\]:81"), ("http://h/", "h:80"), ("https://bücher.example/", "bücher.example:443")],
)
async def test_an_upstream_is_named_by_host_and_port(url, said):
    transport, _ = mock(httpx.ConnectError("?"))
    with pytest.raises(UpstreamUnreachable, match=said):
        await fetch(transport, httpx.Request("GET", url), DEFAULT_LIMITS)
