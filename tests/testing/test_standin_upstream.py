"""The stand-in upstream, asked over real sockets."""

from __future__ import annotations

import asyncio
import gc
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from starlette.responses import Response

from naftiko.testing import (
    BrokenJson,
    Cut,
    Drip,
    Fail,
    Flood,
    HangUp,
    Stall,
    StandInUpstream,
    refused_url,
)


@pytest.fixture
def upstream():
    with StandInUpstream() as served:
        served.on("GET", "/things", [{"id": 1}])
        yield served


def raw_exchange(upstream, request: bytes) -> bytes:
    """All bytes that come back for ``request``, until the other side closes."""
    host, port = upstream.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


class TestAnswers:
    @pytest.mark.parametrize(
        ("answer", "status", "media_type", "body"),
        [
            ({"a": [1, None]}, 200, "application/json", b'{"a":[1,null]}'),
            ([], 200, "application/json", b"[]"),
            (False, 200, "application/json", b"false"),
            ("text", 200, "text/plain; charset=utf-8", b"text"),
            (b"\x00\xff", 200, "application/octet-stream", b"\x00\xff"),
            (None, 204, None, b""),
            (Response("<a/>", 201, media_type="application/xml"), 201, "application/xml", b"<a/>"),
            (Fail(418), 418, "application/json", b'{"error":"I\'m a Teapot"}'),
            (Fail(599), 599, "application/json", b'{"error":"status 599"}'),
            (Fail(429, body=[], headers={"retry-after": "3"}), 429, "application/json", b"[]"),
        ],
    )
    def test_each_kind_of_static_answer(self, upstream, answer, status, media_type, body):
        upstream.on("POST", "/x", answer)
        for _ in range(2):
            got = httpx.post(f"{upstream.url}/x")
            assert (got.status_code, got.headers.get("content-type"), got.content) == (status, media_type, body)

    def test_functions_plain_and_async_get_the_request(self, upstream):
        async def later(request):
            await asyncio.sleep(0.01)
            return Response(request.body, 202)

        upstream.on("GET", "/plain/{id}", lambda request: {"id": request.path_params["id"]})
        upstream.on("PUT", "/async", later)
        assert httpx.get(f"{upstream.url}/plain/a%2Fb%20c").json() == {"id": "a/b c"}
        assert httpx.put(f"{upstream.url}/async", content=b"echo").content == b"echo"

    def test_a_function_that_raises_is_500_and_logged(self, upstream, caplog):
        upstream.on("GET", "/boom", lambda request: 1 / 0)
        got = httpx.get(f"{upstream.url}/boom")
        assert got.status_code == 500
        assert "ZeroDivisionError" in got.json()["error"]
        assert "GET /boom" in caplog.text

    def test_last_route_wins_and_rest_of_path_and_any_method(self, upstream):
        upstream.on("*", "/files/{rest:path}", lambda request: request.path_params["rest"])
        upstream.on("GET", "/things", "newer")
        assert httpx.get(f"{upstream.url}/things").text == "newer"
        assert httpx.request("BREW", f"{upstream.url}/files/a/b").text == "a/b"

    def test_head_is_answered_where_get_is(self, upstream):
        got = httpx.head(f"{upstream.url}/things")
        assert (got.status_code, got.headers["content-length"], got.content) == (200, "10", b"")

    def test_no_route_is_404_and_wrong_method_405_with_allow(self, upstream):
        assert httpx.get(f"{upstream.url}/nothing").status_code == 404
        wrong = httpx.delete(f"{upstream.url}/things")
        assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET")


class TestRecording:
    def test_a_request_is_kept_as_it_came(self, upstream):
        upstream.on("POST", "/{any:path}", None)
        url = f"{upstream.url}/a%2Fb/caf%C3%A9?x=1&x=2&page%5Btoken%5D=%20&empty="
        httpx.post(url, json={"n": 1}, headers=[("X-Many", "1"), ("X-Many", "2")])
        (request,) = upstream.requests
        assert (request.method, request.raw_path, request.path) == ("POST", "/a%2Fb/caf%C3%A9", "/a/b/café")
        assert request.raw_query == "x=1&x=2&page%5Btoken%5D=%20&empty="
        assert request.query.multi_items() == [("x", "1"), ("x", "2"), ("page[token]", " "), ("empty", "")]
        assert request.headers["CONTENT-TYPE"] == "application/json"
        assert request.headers.getlist("x-many") == ["1", "2"]
        assert ("x-many", "2") in request.headers.items()
        assert request.json() == {"n": 1}
        assert request.complete

    def test_a_body_that_is_no_json_is_a_value_error(self, upstream):
        httpx.post(f"{upstream.url}/things", content=b"\xff{")
        with pytest.raises(ValueError, match="utf-8"):
            upstream.requests[0].json()
        assert upstream.requests[0].text == "\ufffd{"

    def test_a_chunked_upload_is_joined(self, upstream):
        httpx.post(f"{upstream.url}/things", content=iter([b"a" * 70_000, b"b"]))
        assert upstream.requests[0].body == b"a" * 70_000 + b"b"

    def test_an_upload_that_was_cut_is_marked_incomplete(self, upstream):
        host, port = upstream.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(b"POST /things HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
            time.sleep(0.1)
        deadline = time.monotonic() + 60
        while not upstream.requests and time.monotonic() < deadline:
            time.sleep(0.01)
        (request,) = upstream.requests
        assert (request.body, request.complete) == (b"abc", False)

    def test_requests_of_many_threads_are_all_kept(self, upstream):
        with ThreadPoolExecutor(8) as pool, httpx.Client() as client:
            list(pool.map(lambda n: client.get(f"{upstream.url}/things?n={n}"), range(80)))
        assert sorted(int(request.query["n"]) for request in upstream.requests) == list(range(80))

    def test_clear_forgets_and_what_was_taken_before_stays(self, upstream):
        httpx.get(f"{upstream.url}/things")
        before = upstream.requests
        upstream.clear()
        assert (len(before), upstream.requests) == (1, [])

    def test_only_the_newest_are_kept(self):
        with StandInUpstream(keep=2) as upstream:
            for n in range(3):
                httpx.get(f"{upstream.url}/{n}")
            assert [request.raw_path for request in upstream.requests] == ["/1", "/2"]


class TestMisbehaviour:
    def test_everywhere_until_told_to_behave(self, upstream):
        upstream.misbehave(Fail(503))
        assert [httpx.get(f"{upstream.url}/{path}").status_code for path in ("things", "nothing")] == [503, 503]
        upstream.behave()
        assert httpx.get(f"{upstream.url}/things").status_code == 200

    def test_on_one_path_and_method_for_a_number_of_requests(self, upstream):
        calls = []
        upstream.on("GET", "/counted", calls.append)
        upstream.misbehave(Fail(401), method="GET", path="/counted", times=2)
        assert httpx.get(f"{upstream.url}/things").status_code == 200
        assert [httpx.get(f"{upstream.url}/counted").status_code for _ in range(3)] == [401, 401, 204]
        assert len(calls) == 1  # the route's own function is not run where it doesn't answer

    def test_a_stall_keeps_a_client_waiting_then_answers_as_usual(self, upstream):
        upstream.misbehave(Stall(0.3))
        start = time.monotonic()
        assert httpx.get(f"{upstream.url}/things").json() == [{"id": 1}]
        assert 0.28 < time.monotonic() - start < 3

    def test_a_stall_outlasts_a_read_limit(self, upstream):
        upstream.on("GET", "/slow", Stall(20, then="late"))
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{upstream.url}/slow", timeout=0.2)
        assert [request.raw_path for request in upstream.requests] == ["/slow"]

    @pytest.mark.parametrize("chunked", [False, True])
    def test_a_cut_body_reaches_the_client_in_part(self, upstream, chunked):
        upstream.misbehave(Cut(after=5, body=b"0123456789", chunked=chunked))
        got = b""
        with httpx.stream("GET", f"{upstream.url}/things") as response:
            assert response.status_code == 200
            parts = response.iter_raw(1)
            while len(got) < 5:
                got += next(parts)
            with pytest.raises(httpx.RemoteProtocolError, match="peer closed connection"):
                next(parts)
        assert got == b"01234"

    def test_a_cut_on_the_wire(self, upstream):
        upstream.misbehave(Cut(after=3, body=b"0123456789"))
        head, _, body = raw_exchange(upstream, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").partition(b"\r\n\r\n")
        assert b"content-length: 10" in head
        assert body == b"012"

    def test_a_chunked_cut_on_the_wire_lacks_the_last_chunk(self, upstream):
        upstream.misbehave(Cut(after=3, body=b"0123456789", chunked=True))
        _, _, body = raw_exchange(upstream, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").partition(b"\r\n\r\n")
        assert body == b"3\r\n012\r\n"

    @pytest.mark.parametrize("after", [-1, 2, 3])
    def test_a_cut_that_cuts_nothing_is_refused(self, after):
        with pytest.raises(ValueError, match="can't be cut"):
            Cut(after=after, body=b"ab")

    def test_hanging_up_sends_nothing(self, upstream):
        upstream.misbehave(HangUp())
        assert raw_exchange(upstream, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") == b""
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
            httpx.get(f"{upstream.url}/things")

    @pytest.mark.parametrize("announced", [False, True])
    def test_a_flood_has_its_size_and_is_json(self, upstream, announced):
        upstream.misbehave(Flood(size=300_000, announced=announced))
        got = httpx.get(f"{upstream.url}/things")
        assert len(got.content) == 300_000
        assert len(got.json()) == 299_998
        assert got.headers.get("content-length") == ("300000" if announced else None)

    def test_a_flood_ends_when_the_client_leaves(self, upstream):
        upstream.misbehave(Flood(size=1 << 40))
        with httpx.stream("GET", f"{upstream.url}/things") as response:
            assert len(next(response.iter_raw(1 << 20))) == 1 << 20
        deadline = time.monotonic() + 60
        while upstream.connections and time.monotonic() < deadline:
            time.sleep(0.01)
        assert upstream.connections == 0
        upstream.behave()
        assert httpx.get(f"{upstream.url}/things").status_code == 200

    def test_broken_json_arrives_whole(self, upstream):
        upstream.misbehave(BrokenJson())
        got = httpx.get(f"{upstream.url}/things")
        assert (got.status_code, got.headers["content-type"]) == (200, "application/json")
        with pytest.raises(ValueError, match="Expecting"):
            got.json()

    def test_a_drip_is_slower_than_any_read_limit_notices(self, upstream):
        upstream.misbehave(Drip(b'"slow"', pause=0.05))
        start = time.monotonic()
        assert httpx.get(f"{upstream.url}/things", timeout=httpx.Timeout(5, read=2)).json() == "slow"
        assert time.monotonic() - start > 0.24

    def test_a_misbehaviour_may_be_any_answer(self, upstream):
        upstream.misbehave(lambda request: {"instead": request.method}, path="/things")
        assert httpx.get(f"{upstream.url}/things").json() == {"instead": "GET"}

    def test_refused_url_refuses(self):
        with refused_url() as url, pytest.raises(httpx.ConnectError):
            httpx.get(url)

    def test_misbehaving_leaves_no_log_of_errors(self, upstream, caplog):
        for behaviour in (Cut(), Cut(chunked=True), HangUp()):
            upstream.misbehave(behaviour, times=1)
            with pytest.raises(httpx.RemoteProtocolError):
                httpx.get(f"{upstream.url}/things")
        assert [record for record in caplog.records if record.levelname == "ERROR"] == []


class TestServing:
    async def test_an_async_test_uses_a_plain_with(self):
        with StandInUpstream() as upstream:
            upstream.on("GET", "/", "hello")
            async with httpx.AsyncClient() as client:
                answers = await asyncio.gather(*(client.get(upstream.url) for _ in range(20)))
                assert {answer.text for answer in answers} == {"hello"}
                assert upstream.connections > 0

    async def test_in_process_it_is_an_asgi_app(self):
        """Without a socket it answers too, and says so when it is told to cut what isn't there."""
        upstream = StandInUpstream()
        upstream.on("GET", "/things/{id}", lambda request: request.path_params["id"])
        transport = httpx.ASGITransport(upstream)
        async with httpx.AsyncClient(transport=transport, base_url="http://upstream.test") as client:
            assert (await client.get("/things/a%2Fb")).text == "a/b"
            upstream.misbehave(HangUp())
            with pytest.raises(ConnectionAbortedError, match="with upstream"):
                await client.get("/things/1")

    @pytest.mark.parametrize(
        "behaviour",
        [Stall(60), Drip(b"x" * 1000, pause=1), Flood(size=1 << 40), lambda request: asyncio.sleep(60)],
        ids=["stall", "drip", "flood", "async function"],
    )
    def test_stopping_cuts_what_is_under_way(self, behaviour, caplog):
        """A client in the middle of an answer does not keep the stand-in from stopping, and no error is logged."""
        with StandInUpstream() as upstream:
            upstream.misbehave(behaviour)
            host, port = upstream.url.removeprefix("http://").split(":")
            client = socket.create_connection((host, int(port)), timeout=60)
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            deadline = time.monotonic() + 60
            while not upstream.requests and time.monotonic() < deadline:
                time.sleep(0.01)
            start = time.monotonic()
        client.close()
        assert time.monotonic() - start < 5
        assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []

    def test_an_idle_keep_alive_connection_does_not_hold_it(self):
        with httpx.Client() as client:
            with StandInUpstream() as upstream:
                client.get(upstream.url)
                start = time.monotonic()
            assert time.monotonic() - start < 5

    def test_it_can_be_served_again_on_its_port(self):
        with StandInUpstream() as first:
            port = int(first.url.rsplit(":", 1)[1])
            httpx.get(first.url)
        upstream = StandInUpstream(port=port)
        for _ in range(2):
            with upstream:
                assert upstream.url == f"http://127.0.0.1:{port}"
                assert httpx.get(upstream.url).status_code == 404
            with pytest.raises(httpx.ConnectError):
                httpx.get(f"http://127.0.0.1:{port}")

    def test_a_taken_port_is_an_os_error_where_it_is_started(self, upstream):
        port = int(upstream.url.rsplit(":", 1)[1])
        with pytest.raises(OSError, match="in use"), StandInUpstream(port=port):
            pass

    def test_what_needs_a_socket_says_so_without_one(self):
        upstream = StandInUpstream()
        with pytest.raises(RuntimeError, match="with upstream"):
            _ = upstream.url

    def test_it_is_not_served_twice(self, upstream):
        with pytest.raises(RuntimeError, match="already"), upstream:
            pass

    def test_nothing_is_left_behind(self):
        """No thread stays, and no socket is left to the garbage collector, which would warn."""
        threads = threading.active_count()
        with StandInUpstream() as upstream:
            upstream.misbehave(Cut())
            with pytest.raises(httpx.RemoteProtocolError):
                httpx.get(upstream.url)
        gc.collect()
        assert threading.active_count() == threads

    def test_an_ordinary_import_does_not_load_it(self):
        code = "import naftiko, naftiko.ground.types, sys; print('naftiko.testing' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
        assert done.stdout.strip() == "False"
