"""What an operator turns on: where the time went, and how much may run at once."""

from __future__ import annotations

import asyncio
import re
import time

import httpx
import pytest
from rest_serving import assert_problem, client_of, operation, rest_capability, route
from starlette.responses import JSONResponse

from holding import Held, until
from naftiko.engine.transport import Limits
from naftiko.expose.rest.options import RestOptions

TIMED = RestOptions(server_timing=True)
PAUSE = 0.1
MAPPED = [{"name": "a", "type": "string", "mapping": "$.a"}]


def timing(response: httpx.Response) -> dict[str, float]:
    """The header's metrics, in milliseconds (https://www.w3.org/TR/server-timing/)."""
    text = response.headers["server-timing"]
    assert re.fullmatch(r"\w+;dur=\d+\.\d\d(, \w+;dur=\d+\.\d\d)*", text), text
    return {name: float(value) for name, value in re.findall(r"(\w+);dur=([\d.]+)", text)}


async def slow(_request):
    await asyncio.sleep(PAUSE)
    return JSONResponse({"a": 1})


async def test_an_answer_says_where_its_time_went(upstream):
    """The upstream's is the upstream's; what is left is ours, and the parts make the whole."""
    upstream.on("GET", "/x", slow)
    capability = rest_capability([route("/x", outputParameters=MAPPED)], base_uris={"*": upstream.url})
    async with client_of(capability, options=TIMED) as client:
        found = timing(await client.get("/x"))
        assert list(found) == ["queue", "upstream", "mapping", "total"]
        assert found["queue"] == 0
        assert PAUSE * 900 < found["upstream"] <= found["total"]
        assert 0 < found["mapping"] < found["total"] - PAUSE * 900
        assert found["queue"] + found["upstream"] + found["mapping"] == pytest.approx(found["total"], abs=0.05)


async def test_the_wait_for_a_connection_is_the_queue(upstream):
    """With one connection the second of two calls waits for the first."""
    arrivals = []

    async def timed(request):
        arrivals.append(time.monotonic())
        return await slow(request)

    upstream.on("GET", "/x", timed)
    settings = {"base_uris": {"*": upstream.url}, "limits": Limits(connections=1)}
    async with client_of(rest_capability([route("/x")], **settings), options=TIMED) as client:
        first, second = sorted(
            (timing(found) for found in await asyncio.gather(client.get("/x"), client.get("/x"))),
            key=lambda found: found["queue"],
        )
    assert first["queue"] == 0
    assert second["queue"] > PAUSE * 500
    assert arrivals[1] - arrivals[0] > PAUSE * 0.9
    assert PAUSE * 900 < second["upstream"] <= second["total"] - second["queue"]


async def test_calls_side_by_side_are_counted_once(upstream):
    """Three steps that need nothing of one another take as long as the slowest."""
    upstream.on("GET", "/x", slow)
    steps = [{"name": name, "type": "call", "call": "api.do"} for name in ("one", "two", "three")]
    capability = rest_capability([route("/x", call=None, steps=steps)], base_uris={"*": upstream.url})
    async with client_of(capability, options=TIMED) as client:
        found = timing(await client.get("/x"))
    assert len(upstream.requests) == 3
    assert PAUSE * 900 < found["upstream"] <= found["total"]


async def test_every_answer_has_it(upstream):
    """Errors, refusals and forwarded streams; a caller's own slow body is not our mapping."""
    upstream.on("POST", "/x", {"a": 1})
    upstream.on("GET", "/forwarded", slow)
    forward = {"path": "/all/{rest}", "forward": {"targetNamespace": "api"}}
    inputs = [{"name": "a", "in": "body", "type": "integer", "required": True}]
    capability = rest_capability(
        [route("/x", "POST", inputParameters=inputs), forward], {"do": operation("POST")}, base_uris={"*": upstream.url}
    )

    async def dripping():
        yield b'{"a": '
        await asyncio.sleep(PAUSE)
        yield b"1}"

    async with client_of(capability, options=TIMED) as client:
        for response, status in [
            (await client.get("/nope"), 404),
            (await client.get("/x"), 405),
            (await client.post("/x", json={}), 400),
        ]:
            assert (response.status_code, timing(response)["upstream"]) == (status, 0)
        assert timing(await client.get("/all/forwarded"))["upstream"] > PAUSE * 900
        found = timing(await client.post("/x", content=dripping()))
    assert found["total"] > PAUSE * 900
    assert found["mapping"] < found["total"] - PAUSE * 900


async def test_nothing_is_said_unless_asked(upstream):
    upstream.on("GET", "/x", {"a": 1})
    async with client_of(rest_capability([route("/x")], base_uris={"*": upstream.url})) as client:
        assert "server-timing" not in (await client.get("/x")).headers


async def test_one_call_too_many_is_refused_at_once(upstream):
    """503 with Retry-After while as many as may are running, forwards among them; then calls are taken again."""
    held = Held()
    upstream.on("GET", "/x", {"a": 1})
    upstream.misbehave(held, times=2)
    forward = {"path": "/all/{rest}", "forward": {"targetNamespace": "api"}}
    capability = rest_capability([route("/x"), forward], base_uris={"*": upstream.url})
    async with client_of(capability, options=RestOptions(max_concurrency=2)) as client:
        calls = [asyncio.create_task(client.get(path)) for path in ("/x", "/all/x") * 2]
        await until(lambda: sum(call.done() for call in calls) >= 2)
        held.let_go()
        found = await asyncio.gather(*calls)
        refused = [response for response in found if response.status_code != 200]
        assert len(refused) == 2
        for response in refused:
            problem = assert_problem(response, 503, "overloaded")
            assert "2 calls are running" in problem["detail"]
            assert response.headers["retry-after"] == "1"
        assert [(await client.get(path)).status_code for path in ("/x", "/all/x")] == [200, 200]
    assert len(upstream.requests) == 4


async def test_a_failed_call_gives_its_place_back(upstream):
    """So do one that is refused for its inputs and one whose upstream fails."""
    upstream.on("GET", "/x", JSONResponse({}, 500))
    inputs = [{"name": "n", "in": "query", "type": "integer", "required": True}]
    capability = rest_capability([route("/x", inputParameters=inputs)], base_uris={"*": upstream.url})
    async with client_of(capability, options=RestOptions(max_concurrency=1)) as client:
        for _ in range(3):
            assert (await client.get("/x")).status_code == 400
            assert (await client.get("/x?n=1")).status_code == 500


@pytest.mark.parametrize("limit", [{"max_concurrency": -1}, {"max_request_bytes": -1}])
def test_limits_below_zero_are_refused(limit):
    with pytest.raises(ValueError, match=next(iter(limit))):
        RestOptions(**limit)
