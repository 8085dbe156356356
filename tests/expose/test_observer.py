"""An observer sees each run of a unit, each step and each exchange, whichever way they come."""

from __future__ import annotations

import asyncio
import contextlib
from contextvars import ContextVar

import httpx
import pytest
from mcp_wire import LIMIT, NEWEST, serving
from starlette.responses import JSONResponse, StreamingResponse

import naftiko
from naftiko.expose.mcp import mcp_app
from naftiko.testing import HangUp, Stall

CAPABILITY = """
naftiko: 1.0.0-alpha2
info: {label: Watched}
capability:
  consumes:
    - type: http
      namespace: up
      baseUri: http://unused.invalid/v1
      authentication: {type: apikey, key: api_key, value: s3cret-key, placement: query}
      resources:
        - path: /things/{id}
          operations: [{name: thing, method: GET}, {name: make, method: POST, body: {type: json, data: {n: "{{n}}"}}}]
    - type: http
      namespace: tokens
      baseUri: http://unused.invalid/v2
      authentication:
        type: oauth2
        grantType: client_credentials
        tokenUrl: TOKENS
        clientId: me
        clientSecret: s3cret-client
      resources: [{path: /own, operations: [{name: own, method: GET}]}]
  exposes:
    - type: rest
      namespace: rest
      port: 8080
      resources:
        - path: /things/{id}
          operations: [{method: GET, name: thing, call: up.thing}]
        - path: /mapped/{id}
          operations:
            - method: GET
              name: mapped
              call: up.thing
              outputParameters: [{type: object, properties: {n: {type: integer, mapping: $.n}}}]
        - path: /flow/{id}
          operations:
            - method: GET
              name: flow
              inputParameters: [{name: id, in: path}]
              steps:
                - {type: call, name: one, call: up.thing, with: {id: "{{id}}"}}
                - {type: lookup, name: two, index: one, match: n, lookupValue: "{{id}}"}
                - {type: call, name: three, call: up.thing, with: {id: "{{one.n}}"}}
              mappings: [{targetName: got, value: $.three.n}]
        - path: /own
          operations: [{method: GET, name: own, call: tokens.own}]
        - path: /fixed
          operations: [{method: GET, name: fixed, outputParameters: [{type: string, value: always}]}]
        - {path: "/forward/{path}", forward: {targetNamespace: up}}
    - type: mcp
      namespace: mcp
      tools:
        - {name: thing, description: A thing, call: up.thing}
      resources:
        - {name: page, uri: "things://{id}", description: A thing, mimeType: application/json, call: up.thing}
"""
inside: ContextVar[tuple] = ContextVar("inside", default=())


class Recorder(naftiko.Observer):
    """Writes down what begins and what ends, with what it is inside of."""

    def __init__(self):
        self.events = []
        self.units = []
        self.exchanges = []
        self.headers = {}

    @contextlib.contextmanager
    def _seen(self, *what):
        token = inside.set((*inside.get(), what[0]))
        self.events.append(("begins", *what, inside.get()[:-1]))
        try:
            yield
        except BaseException as error:
            self.events.append(("fails", *what, type(error).__name__))
            raise
        else:
            self.events.append(("ends", *what))
        finally:
            inside.reset(token)

    def unit(self, run):
        self.units.append(run)
        return self._seen("unit", run.adapter, run.name)

    def step(self, run):
        return self._seen("step", run.kind, run.name, run.operation)

    @contextlib.contextmanager
    def exchange(self, exchange):
        self.exchanges.append(exchange)
        for name, value in self.headers.items():
            exchange.set_header(name, value)
        with self._seen("exchange", exchange.purpose, exchange.operation, exchange.attempt):
            yield


def around(unit, *inner):
    """The events of a unit's run that ends well."""
    return [("begins", *unit, ()), *inner, ("ends", *unit)]


def exchanged(purpose, operation, attempt=1, within=("unit",)):
    what = ("exchange", purpose, operation, attempt)
    return [("begins", *what, within), ("ends", *what)]


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
async def app(upstream, recorder):
    """Serve REST, or MCP, with a recorder; what is awaited is a client of it."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(adapter="rest", **settings):
            known = naftiko.Settings(
                base_uris={"up": f"{upstream.url}/v1", "tokens": f"{upstream.url}/v2"},
                environment={},
                observer=recorder,
                **settings,
            )
            text = CAPABILITY.replace("TOKENS", f"{upstream.url}/token")
            capability = await stack.enter_async_context(naftiko.loads(text, settings=known))
            assert not capability.errors, capability.errors
            made = naftiko.rest_app([capability]) if adapter == "rest" else mcp_app([capability])
            url = await stack.enter_async_context(serving(made))
            return await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=LIMIT, trust_env=False))

        yield start


@pytest.mark.parametrize("name", ["thing", "mapped"])
async def test_a_rest_call(app, upstream, recorder, name):
    upstream.on("GET", "/v1/things/{id}", {"n": 1})
    client = await app()
    path = "/things/7%2F8" if name == "thing" else "/mapped/7%2F8"
    assert (await client.get(path, headers={"traceparent": "00-1-2-01"})).json() == {"n": 1}
    assert recorder.events == around(("unit", "rest", name), *exchanged("call", "up.thing"))
    [run], [exchange] = recorder.units, recorder.exchanges
    assert (run.capability, run.namespace, run.method) == ("Watched", "rest", "GET")
    assert (run.path, run.status) == (f"{path.partition('7')[0]}{{id}}", 200)
    assert (run.caller.protocol, run.caller.method, run.caller.path) == ("http", "GET", path)
    assert dict(run.caller.headers)[b"traceparent"] == b"00-1-2-01"
    assert run.caller.address[0] == "127.0.0.1"
    assert (exchange.namespace, exchange.method, exchange.status) == ("up", "GET", 200)
    assert exchange.template == f"{upstream.url}/v1/things/{{id}}"
    assert exchange.url == f"{upstream.url}/v1/things/7%2F8?api_key=***"
    assert (exchange.bytes_sent, exchange.bytes_received) == (0, len(b'{"n":1}'))


async def test_a_header_that_an_observer_sets_is_sent(app, upstream, recorder):
    upstream.on("GET", "/v1/{rest:path}", {"n": 1})
    recorder.headers = {"traceparent": "00-aa-bb-01"}
    client = await app()
    for path in ("/things/7", "/forward/things/7"):
        await client.get(path)
    assert [sent.headers["traceparent"] for sent in upstream.requests] == ["00-aa-bb-01"] * 2


async def test_a_flow_with_its_steps(app, upstream, recorder):
    upstream.on("GET", "/v1/things/{id}", {"n": 7})
    client = await app()
    assert (await client.get("/flow/7")).json() == {"got": 7}
    within = ("unit", "step")
    one, two, three = (
        ("step", "call", "one", "up.thing"),
        ("step", "lookup", "two", ""),
        ("step", "call", "three", "up.thing"),
    )
    assert recorder.events[:4] == [
        ("begins", "unit", "rest", "flow", ()),
        ("begins", *one, ("unit",)),
        *exchanged("call", "up.thing", within=within),
    ]
    assert recorder.events[-1] == ("ends", "unit", "rest", "flow")
    for step in (one, two, three):
        assert recorder.events.count(("begins", *step, ("unit",))) == recorder.events.count(("ends", *step)) == 1
    assert recorder.events.count(exchanged("call", "up.thing", within=within)[1]) == 2


async def test_a_forward_to_the_end_of_its_body(app, upstream, recorder):
    async def pieces():
        for at in range(3):
            yield f"piece {at};".encode()

    upstream.on("POST", "/v1/stream", lambda _: StreamingResponse(pieces(), 202, media_type="text/plain"))
    client = await app()
    assert (await client.post("/forward/stream?x=1", content=b"sent")).text == "piece 0;piece 1;piece 2;"
    assert len(recorder.units) == 1
    assert recorder.events == around(("unit", "rest", recorder.units[0].name), *exchanged("forward", "up"))
    [run], [exchange] = recorder.units, recorder.exchanges
    assert (run.path, run.status, run.caller.path) == ("/forward/{path}", 202, "/forward/stream")
    assert (exchange.method, exchange.status, exchange.bytes_received) == ("POST", 202, 24)
    assert (exchange.template, exchange.bytes_sent) == (f"{upstream.url}/v1", None)
    assert "s3cret" not in exchange.url


async def test_a_forward_that_fails(app, upstream, recorder):
    upstream.misbehave(HangUp())
    client = await app()
    assert (await client.get("/forward/x")).status_code == 502
    assert recorder.events[-2:] == [
        ("fails", "exchange", "forward", "up", 1, "UpstreamBroken"),
        ("fails", "unit", "rest", recorder.units[0].name, "UpstreamBroken"),
    ]
    assert recorder.units[0].status == 502


@pytest.mark.parametrize("version", ["2025-11-25", NEWEST])
@pytest.mark.parametrize("is_short", [True, False])
async def test_a_tool_call_whichever_way(app, upstream, recorder, wire, version, is_short, monkeypatch):
    """The short way, and the SDK's, which a middleware in it asks for, are one to an observer."""
    upstream.on("GET", "/v1/things/{id}", {"n": 1})
    if not is_short:

        async def passing(context, call_next):
            return await call_next(context)

        make = naftiko.expose.mcp.endpoint.make_server

        def made(*args):
            server = make(*args)
            server.middleware.append(passing)
            return server

        monkeypatch.setattr(naftiko.expose.mcp.endpoint, "make_server", made)
    client = await app("mcp")
    at = wire(f"{client.base_url}/mcp", version)
    params = {"name": "thing", "arguments": {"id": "7"}, "_meta": {"traceparent": "00-1-2-01"}}
    result = (await at.post("tools/call", params, x_asked="yes")).json()["result"]
    assert result["content"][0]["text"] == '{"n":1}'
    assert recorder.events == around(("unit", "mcp", "thing"), *exchanged("call", "up.thing"))
    [run] = recorder.units
    caller = run.caller
    assert (run.method, run.path, run.status) == (None, None, 200)
    assert (caller.protocol, caller.method, caller.path, caller.version) == ("mcp", "tools/call", "/mcp", version)
    assert (caller.request_id, caller.meta["traceparent"], caller.address[0]) == (1, "00-1-2-01", "127.0.0.1")
    assert dict(caller.headers)[b"x-asked"] == b"yes"


async def test_a_resource_that_is_read(app, upstream, recorder, wire):
    upstream.on("GET", "/v1/things/{id}", {"n": 1})
    client = await app("mcp")
    read = await wire(f"{client.base_url}/mcp", NEWEST).ask("resources/read", {"uri": "things://7"})
    assert read["contents"][0]["text"] == '{"n":1}'
    assert recorder.events == around(("unit", "mcp", "page"), *exchanged("call", "up.thing"))
    assert recorder.units[0].caller.method == "resources/read"


@pytest.mark.parametrize(
    ("misbehaviour", "status", "error"),
    [(JSONResponse({"error": "no"}, 404), 404, "UpstreamStatus"), (HangUp(), 502, "UpstreamBroken")],
)
async def test_a_call_that_fails(app, upstream, recorder, misbehaviour, status, error):
    upstream.misbehave(misbehaviour)
    client = await app()
    assert (await client.get("/things/7")).status_code == status
    assert recorder.events[-1] == ("fails", "unit", "rest", "thing", error)
    assert recorder.units[0].status == status
    exchange = ("exchange", "call", "up.thing", 1)
    ended = ("ends", *exchange) if status == 404 else ("fails", *exchange, error)
    assert recorder.events[-2] == ended
    assert recorder.exchanges[0].status == (404 if status == 404 else None)


async def test_inputs_that_do_not_fit(app, recorder, wire):
    """Nothing is sent, and the run is one all the same."""
    client = await app("mcp")
    result = await wire(f"{client.base_url}/mcp", NEWEST).call("thing", {})
    assert result["isError"]
    assert recorder.events == [
        ("begins", "unit", "mcp", "thing", ()),
        ("fails", "unit", "mcp", "thing", "InputError"),
    ]
    assert recorder.units[0].status == 400


async def test_a_caller_who_leaves(app, upstream, recorder):
    upstream.misbehave(Stall(60))
    client = await app()
    asking = asyncio.create_task(client.get("/things/7"))
    async with asyncio.timeout(LIMIT):
        while not upstream.requests:  # noqa: ASYNC110  # of another thread
            await asyncio.sleep(0.01)
        asking.cancel()
        while recorder.events[-1][:2] != ("fails", "unit"):  # noqa: ASYNC110  # the server's own task
            await asyncio.sleep(0.01)
    assert recorder.events[-2:] == [
        ("fails", "exchange", "call", "up.thing", 1, "CancelledError"),
        ("fails", "unit", "rest", "thing", "CancelledError"),
    ]


async def test_a_token_and_a_second_try(app, upstream, recorder):
    """What a credential asks is an exchange; the call that was refused is sent again, as its second attempt."""
    answers = iter(["old", "new"])
    upstream.on("POST", "/token", lambda _: JSONResponse({"access_token": next(answers), "token_type": "Bearer"}))
    upstream.on(
        "GET",
        "/v2/own",
        lambda request: JSONResponse({"n": 1}, 200 if request.headers["authorization"] == "Bearer new" else 401),
    )
    client = await app()
    assert (await client.get("/own")).json() == {"n": 1}
    assert recorder.events == around(
        ("unit", "rest", "own"),
        *exchanged("credential", "tokens"),
        *exchanged("call", "tokens.own"),
        *exchanged("credential", "tokens"),
        *exchanged("call", "tokens.own", 2),
    )
    assert [exchange.status for exchange in recorder.exchanges] == [200, 401, 200, 200]


async def test_what_policies_do_is_seen_as_attempts(app, upstream, recorder):
    upstream.on("GET", "/v1/things/{id}", {"n": 1})
    upstream.misbehave(JSONResponse({}, 503), times=1)

    def retry(send, target):
        async def twice(outgoing):
            answer = await send(outgoing)
            return await send(outgoing) if answer.status_code == 503 else answer

        return twice

    client = await app(policies=(retry,))
    assert (await client.get("/things/7")).json() == {"n": 1}
    assert [(exchange.attempt, exchange.status) for exchange in recorder.exchanges] == [(1, 503), (2, 200)]
    assert len(recorder.units) == 1


async def test_mock_mode_is_a_transport_to_an_observer_too(app, recorder):
    client = await app(mock=True)
    assert (await client.get("/things/7")).json()["method"] == "GET"
    assert recorder.events == around(("unit", "rest", "thing"), *exchanged("call", "up.thing"))


async def test_what_is_made_here_exchanges_nothing(app, recorder):
    client = await app()
    assert (await client.get("/fixed")).json() == "always"
    assert recorder.events == around(("unit", "rest", "fixed"))


async def test_a_program_that_runs_a_unit(upstream, recorder):
    upstream.on("GET", "/v1/things/{id}", {"n": 1})
    settings = naftiko.Settings(base_uris={"*": f"{upstream.url}/v1"}, environment={}, observer=recorder)
    async with naftiko.loads(CAPABILITY.replace("TOKENS", "http://unused.invalid"), settings=settings) as capability:
        unit = next(unit for unit in capability.units if unit.name == "thing")
        assert (await unit.run({"id": "7"})).value == {"n": 1}
    assert recorder.events == around(("unit", "rest", "thing"), *exchanged("call", "up.thing"))
    assert recorder.units[0].caller == naftiko.Caller()


async def test_an_observer_need_not_see_everything(upstream):
    """The base class sees nothing, and costs a call of a method."""
    upstream.on("GET", "/v1/things/{id}", {"n": 1})
    settings = naftiko.Settings(base_uris={"*": f"{upstream.url}/v1"}, environment={}, observer=naftiko.Observer())
    async with naftiko.loads(CAPABILITY.replace("TOKENS", "http://unused.invalid"), settings=settings) as capability:
        answers = [await unit.run({"id": "7"}) for unit in capability.units if unit.name in {"thing", "flow"}]
    assert [answer.value for answer in answers] == [{"n": 1}, {"got": 1}, {"n": 1}]
