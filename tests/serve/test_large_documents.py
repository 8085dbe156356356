"""Large documents are worked on beside the event loop: the answers are the same, and nobody else waits."""

from __future__ import annotations

import concurrent.futures
import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from served import FREE, LIMIT, Served
from served import served as serving
from starlette.responses import PlainTextResponse, Response

from naftiko.testing import StandInUpstream

ITEMS = [{"id": at, "name": f"n{at}", "price": 1.50, "tags": ["a", "b"]} for at in range(6_000)]
LARGE = json.dumps({"items": ITEMS}).replace('"price": 1.5', '"price": 1.50').encode()
SECRET = "s3cr3t-t0k3n"

FILE = """
naftiko: 1.0.0-alpha2
capability:
  binds:
    - namespace: env
      keys: {TOKEN: TOKEN}
  consumes:
    - type: http
      namespace: up
      baseUri: URL
      authentication: {type: bearer, token: "{{TOKEN}}"}
      resources:
        - name: any
          path: /{+what}
          operations:
            - {name: get, method: GET}
            - {name: markdown, method: GET, outputRawFormat: markdown}
            - {name: create, method: POST, inputParameters: [
                {name: list, in: body, type: array}, {name: note, in: body, type: string}]}
  exposes:
    - type: rest
      namespace: r
      port: 0
      resources:
        - {path: /ping, operations: [{name: ping, method: GET, outputParameters: [
            {type: object, properties: {pong: {type: boolean, value: true}}}]}]}
        - {path: "/passed/{what}", operations: [{name: passed, method: GET, call: up.get}]}
        - path: /mapped/{what}
          operations:
            - name: mapped
              method: GET
              call: up.get
              outputParameters:
                - {type: array, mapping: $.items, items: {type: object, properties: {
                    n: {type: string, mapping: $.name}, price: {type: number, mapping: $.price}}}}
        - {path: "/every/{what}", operations: [{name: every, method: GET, call: up.get, outputParameters: [
            {name: found, type: array, mapping: $..x}]}]}
        - {path: "/markdown/{what}", operations: [{name: markdown, method: GET, call: up.markdown}]}
        - {path: "/create/{what}", operations: [{name: create, method: POST, call: up.create}]}
        - path: /flow/{what}
          operations:
            - name: flow
              method: GET
              inputParameters: [{name: what, in: path, type: string}, {name: wanted, in: query, type: string}]
              steps:
                - {type: call, name: all, call: up.get, with: {what: "{{what}}"}}
                - {type: lookup, name: one, index: all, match: name, lookupValue: "{{wanted}}"}
                - {type: call, name: made, call: up.create, with: {what: made, note: "{{one.id}}"}}
              mappings: [{targetName: id, value: $.one.id}, {targetName: made, value: $.made.made}]
        - path: /collected/{what}
          operations:
            - name: collected
              method: GET
              inputParameters: [{name: what, in: path, type: string}]
              steps: [{type: call, name: all, call: up.get, with: {what: "{{what}}"}}]
              mappings: [{targetName: found, value: $.all..x}]
        - path: /checked
          operations:
            - name: checked
              method: POST
              inputParameters: [{name: list, in: body, type: array, items: {
                type: object, properties: {x: {type: string}}, required: [x]}}]
              outputParameters: [{type: object, properties: {pong: {type: boolean, value: true}}}]
    - type: mcp
      namespace: m
      port: 0
      tools:
        - {name: get, description: d, call: up.get, with: {what: tools.what}}
        - {name: create, description: d, call: up.create}
"""


@pytest.fixture(scope="module")
def upstream() -> Iterator[StandInUpstream]:
    with StandInUpstream() as running:
        running.on("GET", "/large", Response(LARGE, media_type="application/json"))
        running.on("GET", "/small", Response(b'{"items":[{"name":"a","price":1.50}]}', media_type="application/json"))
        running.on("GET", "/list", Response(LARGE[10:-1], media_type="application/json"))
        running.on("GET", "/broken", Response(LARGE[:-10], media_type="application/json"))
        running.on("GET", "/brackets", PlainTextResponse("[" * 300_000))
        running.on("POST", "/made", Response(b'{"made":true}', media_type="application/json"))
        running.on("POST", "/slow", Response(b'{"made":true}', media_type="application/json"))
        yield running


@pytest.fixture(scope="module")
def served(upstream: StandInUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    file = tmp_path_factory.mktemp("large") / "large.yaml"
    file.write_text(FILE.replace("URL", upstream.url))
    with serving(file, *FREE, "--document-timeout", "2", env={"TOKEN": SECRET}) as running:
        wait_until(lambda: bool(children(running.process.pid)))
        yield running
        below = children(running.process.pid)
        running.stop(signal.SIGTERM)
        wait_until(lambda: not any(map(_lives, below)))


@pytest.fixture
def rest(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.rest, trust_env=False, timeout=LIMIT) as client:
        yield client


@pytest.fixture
def patient(upstream: StandInUpstream, tmp_path: Path) -> Iterator[httpx.Client]:
    """A server whose limit is memory alone: how long a processor takes for it is the machine's business."""
    file = tmp_path / "large.yaml"
    file.write_text(FILE.replace("URL", upstream.url))
    with (
        serving(file, *FREE, "--document-timeout", "100", env={"TOKEN": SECRET}) as running,
        httpx.Client(base_url=running.rest, trust_env=False, timeout=LIMIT) as client,
    ):
        wait_until(lambda: bool(children(running.process.pid)))
        yield client


def tool(served: Served, name: str, arguments: dict[str, object]) -> dict[str, object]:
    message = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
    answer = httpx.post(served.mcp, json=message, trust_env=False, timeout=LIMIT, headers=MCP)
    assert answer.status_code == 200, answer.text[:500]
    assert answer.json()["id"] == 7
    return answer.json()["result"]


MCP = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25"}


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait for what comes soon."""
    until = time.monotonic() + LIMIT
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    """The processes below one."""
    found = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*found, *(below for each in found for below in children(each))]


def test_a_large_answer_is_mapped_as_a_small_one_is(rest: httpx.Client):
    assert rest.get("/mapped/small").content == b'[{"n":"a","price":1.50}]'
    answer = rest.get("/mapped/large")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.content.startswith(b'[{"n":"n0","price":1.50},')  # every digit
    assert len(answer.json()) == len(ITEMS)
    assert rest.get("/mapped/large", headers={"if-none-match": answer.headers["etag"]}).status_code == 304


def test_bytes_that_are_passed_on_are_not_read(rest: httpx.Client):
    assert rest.get("/passed/large").content == LARGE


def test_what_is_wrong_with_a_large_answer_is_told(rest: httpx.Client):
    problem = rest.get("/mapped/broken")
    assert problem.status_code == 502
    assert problem.json()["type"].endswith("upstream-broken")
    assert "is no json" in problem.json()["detail"]
    assert problem.json()["operation"] == "up.get"


def test_a_large_body_is_checked_and_sent_once(rest: httpx.Client, upstream: StandInUpstream):
    upstream.clear()
    body = b'{"list":[' + b",".join(b"1.50" for _ in range(20_000)) + b'],"note":"x"}'
    answer = rest.post("/create/made", content=body, headers={"content-type": "application/json"})
    assert answer.json() == {"made": True}
    [sent] = upstream.requests
    assert sent.body == body
    assert sent.headers["authorization"] == f"Bearer {SECRET}"


def test_what_is_wrong_with_a_large_body_is_told_within_bounds(rest: httpx.Client):
    answer = rest.post("/checked", json={"list": [1] * 50_000})
    assert answer.status_code == 400
    assert "list[0]" in answer.text
    assert len(answer.content) < 20_000
    broken = rest.post(
        "/create/made", content=b'{"list":[' + b"1," * 20_000, headers={"content-type": "application/json"}
    )
    assert broken.status_code == 400
    assert "no JSON" in broken.text


def test_what_takes_too_much_memory_for_its_size_is_told(rest: httpx.Client, served: Served):
    """Objects of two bytes take fifty times as much: more than a document may."""
    body = b'{"list":[' + b"{}," * 3_300_000 + b"{}]}"
    answer = rest.post("/create/made", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert "memory" in answer.text
    assert rest.get("/ping").status_code == 200


def test_a_large_form_is_read(rest: httpx.Client, upstream: StandInUpstream):
    upstream.clear()
    assert rest.post("/create/made", data={"note": "%" * 100_000, "list": "1"}).json() == {"made": True}
    parts = {"note": (None, "x" * 100_000), "list": (None, "2")}
    assert rest.post("/create/made", files=parts).json() == {"made": True}
    assert [json.loads(each.body)["list"] for each in upstream.requests] == [["1"], ["2"]]


def test_steps_go_on_where_their_large_answer_is(rest: httpx.Client, upstream: StandInUpstream):
    """Each call is made once, whatever is done again elsewhere."""
    upstream.clear()
    assert rest.get("/flow/list", params={"wanted": "n5000"}).json() == {"id": 5000, "made": True}
    assert [(each.method, each.raw_path) for each in upstream.requests] == [("GET", "/list"), ("POST", "/made")]
    assert upstream.requests[1].headers["authorization"] == f"Bearer {SECRET}"
    assert json.loads(upstream.requests[1].body)["note"] == 5000
    failed = rest.get("/flow/broken", params={"wanted": "n5000"})
    assert failed.status_code == 502
    assert failed.json()["step"] == "all"


def test_large_answers_and_arguments_of_tools(served: Served, upstream: StandInUpstream):
    result = tool(served, "get", {"what": "large"})
    assert not result["isError"]
    assert len(json.dumps(result)) < 250_000  # cut to the budget
    assert json.loads(result["content"][0]["text"])["items"][0] == {**ITEMS[0]}
    upstream.clear()
    assert not tool(served, "create", {"what": "made", "list": list(range(20_000))})["isError"]
    assert json.loads(upstream.requests[0].body) == {"list": list(range(20_000))}
    wrong = tool(served, "create", {"what": "made", **{f"unknown{at}": 1 for at in range(20_000)}})
    assert wrong["isError"]
    assert len(wrong["content"][0]["text"]) < 10_000
    end = time.monotonic() + LIMIT
    while not any("create failed" in line for line in served.errors):
        assert time.monotonic() < end, "what failed elsewhere is logged all the same"
        time.sleep(0.01)


def test_hostile_answers_of_one_operation_take_no_other_ones_time(rest: httpx.Client, served: Served):
    """A parser that needs a minute ends at its limit; meanwhile others are answered as ever."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for _ in range(5):  # on a busy machine two seconds may be over before others had their turn
            hostile = [
                pool.submit(httpx.get, f"{served.rest}/markdown/brackets", timeout=LIMIT, trust_env=False)
                for _ in "abc"
            ]
            time.sleep(0.3)
            for path in ("/ping", "/mapped/large"):
                assert rest.get(path).status_code == 200
            if not any(each.done() for each in hostile):
                break
            concurrent.futures.wait(hostile)
        else:
            pytest.fail("others are answered when the first of them has ended")
    for each in hostile:
        assert each.result().status_code == 502
        assert "more than 2 seconds" in each.result().json()["detail"]
        assert each.result().json()["operation"] == "up.markdown"


def test_a_caller_who_leaves_ends_the_work(served: Served):
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{served.rest}/markdown/brackets", timeout=1, trust_env=False)
    wait_until(lambda: not _busy(served))


def _busy(served: Served) -> bool:
    """Tell whether a process of the pool is running."""
    states = []
    for pid in children(served.process.pid):
        try:
            states.append(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0])
        except FileNotFoundError:
            continue
    return "R" in states


def test_no_process_outlives_the_server(upstream: StandInUpstream, tmp_path: Path):
    file = tmp_path / "large.yaml"
    file.write_text(FILE.replace("URL", upstream.url))
    with serving(file, *FREE, env={"TOKEN": SECRET}) as running:
        wait_until(lambda: bool(children(running.process.pid)))
        assert httpx.get(f"{running.rest}/mapped/large", trust_env=False, timeout=LIMIT).status_code == 200
        below = children(running.process.pid)
        assert len(below) == 2
        running.stop(signal.SIGKILL)
        wait_until(lambda: not any(map(_lives, below)))


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_what_is_deep_is_in_an_answer_once_for_each_level_up_to_a_limit(upstream, patient):
    for name, size in (("deep", 100_000), ("deeper", 2_000_000)):
        text = '{"x":' * 100 + json.dumps("t" * size) + "}" * 100
        upstream.on("GET", f"/{name}", Response(text.encode(), media_type="application/json"))
    for path in ("/every", "/collected"):
        found = patient.get(f"{path}/deep").json()["found"]
        assert len(found) == 100
        assert found[-2:] == [{"x": "t" * 100_000}, "t" * 100_000]
        answer = patient.get(f"{path}/deeper")
        assert answer.status_code == 502
        assert "takes too much memory for its size" in answer.json()["detail"]
    assert patient.get("/every/small").json() == {"found": []}
