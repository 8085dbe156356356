"""WebSockets of upstreams, end to end: Koyeb's exec by the first capability as it is given, and other streams."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import time

import httpx
import pytest
from examples.koyeb import stand_in_koyeb
from mcp.client import Client
from served import FREE, LIMIT, SEED, get, run, served
from starlette.responses import JSONResponse, RedirectResponse
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from naftiko.testing import StandInUpstream

TOKEN = "koyeb-exec-token"
EXEC = "koyeb-instances.execcommand"
ROUTE = "/v1/v1/streams/instances/exec"
EVENTS = {"Accept": "text/event-stream"}
LINES = {"Accept": "application/x-ndjson"}


@pytest.fixture(scope="module")
def koyeb():
    with stand_in_koyeb(TOKEN) as standing_in:
        yield standing_in


@pytest.fixture(scope="module")
def running(koyeb):
    """The first capability as it is given, with what an operator says of one operation."""
    place = ("--base-uri", f"koyeb-instances={koyeb.url}", "--auth", "koyeb-instances=bearer:{{KOYEB_API_KEY}}")
    with served(SEED, *FREE, *place, "--websocket", EXEC, env={"KOYEB_API_KEY": TOKEN}) as process:
        yield process
        assert process.stop() == 0


@pytest.fixture
def execute(running, koyeb):
    """Runs a command over REST."""

    def ask(*command: str, headers: dict[str, str] | None = None, **more: str) -> httpx.Response:
        inputs = {"id": koyeb.instances[0].id, **more}
        params = [*inputs.items(), *(("body.command", word) for word in command)]
        return get(running.rest + ROUTE, params=params, headers=headers)

    return ask


def items_of(events: str) -> list[dict]:
    return [json.loads(line.removeprefix("data: ")) for line in events.splitlines() if line.startswith("data: ")]


def gone(standing_in, within: float = LIMIT) -> bool:
    """Wait until nobody is connected any more."""
    until = time.monotonic() + within
    while standing_in.connections and time.monotonic() < until:
        time.sleep(0.01)
    return not standing_in.connections


@pytest.mark.parametrize(
    ("command", "stdout", "stderr", "code"),
    [
        (["echo", "Köln", "{{x}}"], "Köln {{x}}\n", "", 0),
        (["ls", "a", "b"], "app\n", "ls: a: No such file or directory\nls: b: No such file or directory\n", 2),
        (["true"], "", "", 0),
        (["false"], "", "", 1),
        (["nix"], "", "sh: nix: not found\n", 127),
    ],
)
def test_output_of_both_streams_and_exit_codes(execute, command, stdout, stderr, code):
    answer = execute(*command)
    assert answer.json() == {"stdout": stdout, "stderr": stderr, "exited": True, "exit_code": code}
    assert answer.headers["content-type"] == "application/json"


def test_the_first_frame_is_nested_from_the_dotted_inputs(execute, koyeb):
    """What has dots is in the frame alone, the others in the query too; the credential is in the handshake."""
    heard = []
    koyeb.talk("/v1/streams/instances/exec", lambda talk: hear(talk, heard))
    try:
        more = {"body.tty_size.height": "24", "body.stdin.data": "bHM=", "body.stdin.close": "true"}
        koyeb.clear()
        execute("ls", "-l", id="i 1", **more)
    finally:
        koyeb.talk("/v1/streams/instances/exec", koyeb._exec)
    [request] = koyeb.requests
    assert (request.raw_path, request.raw_query) == ("/v1/streams/instances/exec", "id=i%201")
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    frame = {"command": ["ls", "-l"], "tty_size": {"height": 24}, "stdin": {"data": "bHM=", "close": True}}
    assert heard == [{"id": "i 1", "body": frame}]


async def hear(talk, heard):
    heard.append(await talk.receive())
    await talk.send({"result": {"exited": True}})
    await talk.close()


def test_an_instance_that_is_not_there(execute):
    answer = execute("ls", id="nobody")
    assert (answer.status_code, answer.json()["message"]) == (404, "Instance not found")
    assert execute().status_code == 400


def test_events_and_lines_come_decoded(execute):
    wanted = [
        {"stdout": "app\n"},
        {"stderr": "ls: a: No such file or directory\n"},
        {"exited": True, "exit_code": 2},
    ]
    answer = execute("ls", "a", headers=EVENTS)
    assert answer.headers["content-type"] == "text/event-stream"
    assert items_of(answer.text) == wanted
    lines = execute("ls", "a", headers=LINES)
    assert [json.loads(line) for line in lines.text.splitlines()] == wanted


def test_a_thousand_frames(execute):
    wanted = "".join(f"{number}\n" for number in range(1, 1001))
    answer = execute("seq", "1000")
    assert (answer.json()["stdout"], answer.json()["exited"], answer.headers.get("naftiko-note")) == (
        wanted,
        True,
        None,
    )
    items = items_of(execute("seq", "1000", headers=EVENTS).text)
    assert items[-1] == {"exited": True, "exit_code": 0}
    assert "".join(item.get("stdout", "") for item in items) == wanted


def test_a_command_that_never_ends_ends_with_its_caller(running, koyeb):
    """Who takes events takes as many as they like; the upstream is left when they leave."""
    inputs = {"id": koyeb.instances[0].id, "body.command": "yes"}
    assert gone(koyeb)
    with (
        httpx.Client(timeout=LIMIT) as client,
        client.stream("GET", running.rest + ROUTE, params=inputs, headers=EVENTS) as answer,
    ):
        lines = answer.iter_lines()
        taken = [next(line for line in lines if line.startswith("data: ")) for _ in range(5)]
        assert koyeb.connections == 1
    assert items_of("\n".join(taken)) == [{"stdout": "y\n"}] * 5
    assert gone(koyeb)


def test_a_cut_connection_is_told(execute):
    """What came before it is there, and that it isn't all."""
    answer = execute("reboot")
    assert answer.json() == {"stdout": "going down\n", "stderr": "", "exited": False, "exit_code": None}
    events = execute("reboot", headers=EVENTS).text
    assert "event: error" in events
    assert items_of(events)[0] == {"stdout": "going down\n"}
    assert items_of(events)[1]["detail"].endswith("was cut: the connection closed before its end")
    last = execute("reboot", headers=LINES).text.splitlines()[-1]
    assert json.loads(last)["error"]["status"] == 502


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_mcp_shows_progress_and_then_the_result(running, koyeb, mode):
    seen = []

    async def progress(number: float, total: float | None, message: str | None) -> None:
        seen.append(number)

    async with Client(running.mcp, mode=mode) as agent:
        arguments = {"id": koyeb.instances[0].id, "body.command": ["ls", "a"]}
        result = await agent.call_tool("exec-command", arguments, progress_callback=progress)
        quiet = await agent.call_tool("exec-command", arguments)
    wanted = {"stdout": "app\n", "stderr": "ls: a: No such file or directory\n", "exited": True, "exit_code": 2}
    assert json.loads(result.content[0].text) == json.loads(quiet.content[0].text) == wanted
    assert seen == [1, 2, 3]


async def test_rest_is_a_websocket_where_the_caller_asks_for_one(running, koyeb):
    """An item is a message; the caller's are inputs by name, dotted or nested, and go upstream."""
    url = f"{running.rest.replace('http', 'ws')}{ROUTE}?id={koyeb.instances[0].id}&body.command=cat"
    async with connect(url) as caller:
        await caller.send(json.dumps({"body": {"stdin": {"data": base64.b64encode(b"one\n").decode()}}}))
        assert json.loads(await caller.recv()) == {"stdout": "one\n"}
        last = {"body.stdin.data": base64.b64encode(b"two\n").decode(), "body.stdin.close": True}
        await caller.send(json.dumps(last))
        rest = [json.loads(message) async for message in caller]
    assert rest == [{"stdout": "two\n"}, {"exited": True, "exit_code": 0}]
    assert caller.close_code == 1000


async def test_a_message_that_is_no_input_is_told(running, koyeb):
    url = f"{running.rest.replace('http', 'ws')}{ROUTE}?id={koyeb.instances[0].id}&body.command=cat"
    async with connect(url) as caller:
        await caller.send(json.dumps({"body": {"stdout": "x"}}))
        told = json.loads(await caller.recv())
        with pytest.raises(ConnectionClosed):
            await caller.recv()
    assert "there is no input `body.stdout`" in told["error"]["detail"]
    assert caller.close_code == 1003
    assert await asyncio.to_thread(gone, koyeb)


async def test_a_caller_who_closes_leaves_the_upstream(running, koyeb):
    url = f"{running.rest.replace('http', 'ws')}{ROUTE}?id={koyeb.instances[0].id}&body.command=yes"
    async with connect(url) as caller:
        assert json.loads(await caller.recv()) == {"stdout": "y\n"}
        assert koyeb.connections == 1
    assert await asyncio.to_thread(gone, koyeb)


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (f"{ROUTE}?id=nobody&body.command=ls", {}, None),
        (f"{ROUTE}?id=nobody&body.command=ls", {"Origin": "https://evil.example"}, 403),
        (f"{ROUTE}?id=x&body.tty_size.height=tall", {}, 400),
        ("/v1/v1/instances", {}, 200),
        ("/nothing", {}, 404),
    ],
)
async def test_a_handshake_is_a_request_until_it_is_taken(running, path, headers, status):
    """Hosts, pages, routes and inputs are looked at as for any other; where nothing streams, nothing is upgraded."""
    url = running.rest.replace("http", "ws") + path
    if status is None:
        async with connect(url, additional_headers=headers) as caller:
            assert json.loads(await caller.recv())["error"]["status"] == 404
        return
    with pytest.raises(InvalidStatus) as refused:
        await connect(url, additional_headers=headers)
    assert refused.value.response.status_code == status


def test_a_refused_credential_is_told(koyeb):
    with served(SEED, *FREE, "--base-uri", f"koyeb-instances={koyeb.url}", "--websocket", EXEC) as process:
        answer = get(process.rest + ROUTE, params={"id": "x", "body.command": "ls"})
        assert (answer.status_code, answer.json()["message"]) == (401, "Token rejected")


def test_the_credential_may_be_a_subprotocol(koyeb):
    """As browsers have to send it: ``Bearer, TOKEN``; it is hidden where it comes back."""
    auth = "koyeb-instances=apikey:header:Sec-WebSocket-Protocol:Bearer, {{KOYEB_API_KEY}}"
    place = ("--base-uri", f"koyeb-instances={koyeb.url}", "--auth", auth, "--websocket", EXEC)
    with served(SEED, *FREE, *place, env={"KOYEB_API_KEY": TOKEN}) as process:
        inputs = [("id", koyeb.instances[0].id), ("body.command", "echo"), ("body.command", TOKEN)]
        assert get(process.rest + ROUTE, params=inputs).json()["stdout"] == "*" * len(TOKEN) + "\n"
    assert koyeb.requests[-1].headers["sec-websocket-protocol"].replace(" ", "") == f"Bearer,{TOKEN}"


def test_call_and_dry_run_know_it(koyeb):
    place = ("--base-uri", f"koyeb-instances={koyeb.url}", "--auth", f"koyeb-instances=bearer:{TOKEN}")
    inputs = (f"id={koyeb.instances[0].id}", 'body.command=["ls","a"]')
    done = run("call", str(SEED), "exec-command", *inputs, *place, "--websocket", EXEC)
    assert json.loads(done.stdout.splitlines()[-1]) == {"exited": True, "exit_code": 2}
    shown = run("call", str(SEED), "exec-command", *inputs, *place, "--websocket", EXEC, "--dry-run").stdout
    assert shown.startswith(f"GET {koyeb.url.replace('http', 'ws')}/v1/streams/instances/exec?id=")
    assert '"command": [' in shown
    assert TOKEN not in shown
    wrong = run("call", str(SEED), "exec-command", *inputs, *place, "--websocket", "koyeb-instances.execomand")
    assert wrong.returncode == 2
    assert "--websocket koyeb-instances.execomand names no consumed operation; did you mean" in wrong.stderr


TICKS = """naftiko: 1.0.0-alpha2
capability:
  consumes:
  - type: websocket
    namespace: ticks
    baseUri: {url}/v2
    resources:
      stream:
        path: /
        operations:
          ticker: {{method: RECEIVE, inputParameters: {{channel: {{in: body, value: ticker}}, params: {{in: body, type: object}}}}}}
          first: {{method: RECEIVE, collect: {{limit: 2}}}}
          last: {{method: RECEIVE, collect: {{until: $.last, timeout: 60s}}}}
          short: {{method: RECEIVE, collect: {{timeout: 200ms}}, inputParameters: {{channel: {{in: body, value: endless}}}}}}
          ask: {{method: SUBSCRIBE, inputParameters: {{channel: {{in: body}}}}}}
          tell: {{method: SEND, collect: {{timeout: 200ms}}, inputParameters: {{channel: {{in: body}}}}}}
  exposes:
  - type: rest
    namespace: rest
    port: 0
    resources:
    - {{path: /ticker, operations: [{{method: GET, name: ticker, call: ticks.ticker, outputParameters: [{{type: number, mapping: $.bid}}]}}]}}
    - {{path: /first, operations: [{{method: GET, name: first, call: ticks.first}}]}}
    - {{path: /last, operations: [{{method: GET, name: last, call: ticks.last}}]}}
    - {{path: /short, operations: [{{method: GET, name: short, call: ticks.short}}]}}
    - {{path: /ask, operations: [{{method: POST, name: ask, call: ticks.ask}}]}}
    - {{path: /tell, operations: [{{method: POST, name: tell, call: ticks.tell}}]}}
"""


async def tick(talk):
    """Send five ticks; what asks for a channel is answered as that channel does."""
    await talk.accept()
    asked = {}
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.2):
            asked = await talk.receive()
    channel = asked.get("channel") if isinstance(asked, dict) else None
    if channel == "pong":
        await talk.send({"pong": asked})
    elif channel == "wrong":
        await talk.close(1011, "no such channel")
    elif channel in {"endless", "silent"}:
        if channel == "endless":
            await talk.send({"bid": 1})
        await talk.left()
    else:
        for number in range(1, 6):
            await talk.send({"bid": number, "last": number == 4, "asked": asked})
        await talk.close()


@pytest.fixture(scope="module")
def ticks(tmp_path_factory):
    upstream = StandInUpstream()
    upstream.talk("/v2/", tick)
    upstream.on("GET", "/v2/x", {"x": 1})
    with upstream:
        file = tmp_path_factory.mktemp("ticks") / "ticks.yaml"
        file.write_text(TICKS.format(url=upstream.url.replace("http", "ws")))
        with served(file, "--port", "rest=0", ready=("rest ",)) as process:
            yield process, upstream
            assert process.stop() == 0


def test_messages_are_a_list(ticks):
    """Until the other side closes in order; each is mapped on its own."""
    process, _ = ticks
    assert get(f"{process.rest}/ticker", params={"params": '{"depth": 3}'}).json() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(("path", "bids"), [("first", [1, 2]), ("last", [1, 2, 3, 4]), ("short", [1])])
def test_a_declared_end_is_an_end(ticks, path, bids):
    process, _ = ticks
    answer = get(f"{process.rest}/{path}")
    assert [item["bid"] for item in answer.json()] == bids
    assert "naftiko-note" not in answer.headers


def test_a_reply_is_the_answer(ticks):
    process, _ = ticks
    with httpx.Client(timeout=LIMIT) as client:
        assert client.post(f"{process.rest}/ask", json={"channel": "pong"}).json() == {"pong": {"channel": "pong"}}
        wrong = client.post(f"{process.rest}/ask", json={"channel": "wrong"})
        assert (wrong.status_code, wrong.json()["detail"].partition(" ")[0]) == (502, "the")
        assert wrong.json()["detail"].endswith("was closed with the code 1011, saying: no such channel")
        told = client.post(f"{process.rest}/tell", json={"channel": "silent"})
        assert told.status_code in {200, 204}
        assert told.text in {"", "null"}


@pytest.mark.parametrize(
    ("answer", "status", "detail"),
    [
        (JSONResponse({"error": "closed"}, 403), 403, "closed"),
        (JSONResponse({"x": 1}), 502, "and opened no WebSocket"),
        (RedirectResponse("http://127.0.0.1:1/elsewhere"), 307, ""),
    ],
)
def test_an_answer_that_opens_nothing(tmp_path, answer, status, detail):
    """No redirect is followed: another place would be handed our credential."""
    upstream = StandInUpstream()
    upstream.talk("/v2/", lambda talk: talk.refuse(answer))
    with upstream:
        file = tmp_path / "ticks.yaml"
        file.write_text(TICKS.format(url=upstream.url))
        with served(file, "--port", "rest=0", ready=("rest ",)) as process:
            told = get(f"{process.rest}/first", follow_redirects=False)
    assert (told.status_code, detail in told.text) == (status, True)


async def test_a_server_that_stops_says_so(koyeb):
    """A WebSocket ends at once: it tells what happens, for as long as somebody listens."""
    place = ("--base-uri", f"koyeb-instances={koyeb.url}", "--auth", f"koyeb-instances=bearer:{TOKEN}")
    with served(SEED, *FREE, *place, "--websocket", EXEC) as process:
        url = f"{process.rest.replace('http', 'ws')}{ROUTE}?id={koyeb.instances[0].id}&body.command=cat"
        async with connect(url) as caller:
            stopping = asyncio.create_task(asyncio.to_thread(process.stop))
            with pytest.raises(ConnectionClosed):
                await caller.recv()
            assert await stopping == 0
    assert caller.close_code == 1001
