"""The memory budget: large bodies in and out are counted, and refused above it, with small ones served on."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from served import FREE, LIMIT, Served
from served import served as serving
from starlette.responses import Response

from naftiko.engine.memory import Budget, Growing, Lease, budget_of
from naftiko.ground.errors import Overloaded
from naftiko.testing import StandInUpstream

MEBIBYTE = 1024 * 1024
FILE = """
naftiko: 1.0.0-alpha2
capability:
  consumes:
    - type: http
      namespace: up
      baseUri: URL
      resources:
        - name: any
          path: /{+what}
          operations: [{name: get, method: GET}, {name: put, method: POST}]
  exposes:
    - type: rest
      namespace: r
      port: 0
      resources:
        - {path: "/get/{what}", operations: [{name: get, method: GET, call: up.get}]}
        - {path: "/put/{what}", operations: [{name: put, method: POST, call: up.put}]}
    - {type: mcp, namespace: m, port: 0, tools: [{name: get, description: d, call: up.get, with: {what: tools.what}}]}
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server whose budget is the smallest that there is: 64 MiB."""
    with StandInUpstream() as upstream:
        upstream.on("GET", "/large", Response(b"x" * (30 * MEBIBYTE), media_type="text/plain"))
        upstream.on("GET", "/small", Response(b'{"ok":true}', media_type="application/json"))
        upstream.on("POST", "/any", Response(b'{"ok":true}', media_type="application/json"))
        file = tmp_path_factory.mktemp("memory") / "memory.yaml"
        file.write_text(FILE.replace("URL", upstream.url))
        with serving(file, *FREE, "--memory", "64M") as running:
            yield running


def request(served: Served, data: bytes, *, kind: str = "rest") -> socket.socket:
    """A connection on which these bytes were sent."""
    url = httpx.URL(getattr(served, kind))
    opened = socket.create_connection((url.host, url.port), timeout=LIMIT)
    opened.settimeout(LIMIT)
    opened.sendall(data)
    return opened


def whole(connection: socket.socket) -> bytes:
    """A short answer with its body."""
    data = b""
    while not data.endswith(b"}"):
        data += connection.recv(4096)
    return data


def small(served: Served) -> int:
    return httpx.get(f"{served.rest}/get/small", trust_env=False, timeout=LIMIT).status_code


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


BODY = 9 * MEBIBYTE
HEAD = (
    b"POST /put/any HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n"
)
MCP_HEAD = b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


def test_bodies_that_do_not_end_are_held_up_to_the_budget(served: Served):
    """The one that is too much is told so, and nobody else; what ends or leaves gives its room back."""
    begun = [request(served, HEAD % BODY + b"x" * (BODY - 1)) for _ in range(8)]
    [refused], _, _ = select.select(begun, [], [], LIMIT)  # whichever comes last
    begun.remove(refused)
    answer = whole(refused)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 2" in answer
    assert b"overloaded" in answer
    assert small(served) == 200
    message = request(served, MCP_HEAD % (4 * MEBIBYTE) + b" " * (4 * MEBIBYTE - 1), kind="mcp")
    mcp = whole(message)
    assert mcp.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 2" in mcp
    assert b'"jsonrpc":"2.0"' in mcp
    begun[0].sendall(b"x")
    assert begun[0].recv(4096).startswith(b"HTTP/1.1 200 ")
    for each in (*begun, refused, message):
        each.close()
    until(lambda: _put(served) == 200)


def _put(served: Served) -> int:
    answer = httpx.post(f"{served.rest}/put/any", content=b"x" * BODY, trust_env=False, timeout=LIMIT)
    return answer.status_code


def test_answers_that_nobody_reads_are_held_up_to_the_budget(served: Served):
    """An answer is whole, or it is 503."""
    ask = b"GET /get/large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    waiting = [request(served, ask) for _ in range(2)]
    heads = [each.recv(15) for each in waiting]
    assert heads == [b"HTTP/1.1 200 OK"] * 2
    problem = httpx.get(f"{served.rest}/get/large", trust_env=False, timeout=LIMIT)
    assert problem.status_code == 503
    assert problem.headers["retry-after"] == "2"
    assert problem.json()["type"].endswith("overloaded")
    tool = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "get", "arguments": {"what": "large"}},
    }
    told = httpx.post(served.mcp, json=tool, trust_env=False, timeout=LIMIT).json()["result"]
    assert told["isError"]
    assert "try again after 2 seconds" in told["content"][0]["text"]
    assert small(served) == 200
    size = 0
    while piece := waiting[0].recv(MEBIBYTE):
        size += len(piece)
    assert size > 30 * MEBIBYTE
    for each in waiting:
        each.close()
    until(lambda: httpx.get(f"{served.rest}/get/large", trust_env=False, timeout=LIMIT).status_code == 200)


def test_what_a_request_holds_is_given_back_at_its_end():
    budget = Budget(100 * 1024)
    with Lease(budget):
        growing = Growing()
        growing.add(bytes(60 * 1024))
        assert budget.taken == 0, "small ones are not counted"
        growing.add(bytes(20 * 1024))
        assert budget.taken == 80 * 1024
        with pytest.raises(Overloaded), Lease(budget):
            Growing().add(bytes(90 * 1024))
        assert budget.taken == 80 * 1024
    assert (budget.taken, budget.refused) == (0, 1)


def test_without_a_budget_nothing_is_refused():
    with Lease(Budget(0)):
        assert Growing().add(bytes(10**7)) == 10**7
    growing = Growing()
    assert [growing.add(piece) for piece in (b"", b"ab", b"c")] == [0, 2, 3]
    assert growing.whole() == b"abc"


@pytest.mark.parametrize(
    "sizes",
    [
        [5 * MEBIBYTE],
        [MEBIBYTE] * 3,
        [MEBIBYTE] * 6,
        [3 * MEBIBYTE, 3 * MEBIBYTE, 1, 0, 7],
        [3] * 1000,
        [0] * 70,
        [1, 0],
    ],
    ids=["one", "a few", "many large", "mixed", "many small", "empty", "two"],
)
def test_a_body_is_its_pieces_however_it_comes(sizes):
    pieces = [bytes([at % 251]) * size for at, size in enumerate(sizes)]
    budget = Budget(0)
    with Lease(budget):
        growing = Growing()
        counted = [growing.add(piece) for piece in pieces]
        assert counted == [sum(sizes[: at + 1]) for at in range(len(sizes))]
        assert growing.whole() == b"".join(pieces)
        assert budget.taken == (sum(sizes) if sum(sizes) > 64 * 1024 else 0)


@pytest.mark.parametrize(
    ("text", "size"), [("512M", 512 * MEBIBYTE), ("2GiB", 2048 * MEBIBYTE), ("1.5g", 1536 * MEBIBYTE), ("0", 0)]
)
def test_amounts_of_memory(text, size):
    assert budget_of(text) == size


def test_parts_of_the_memory_are_divided_by_the_workers():
    assert budget_of("50%", 2) == pytest.approx(budget_of("50%") // 2, abs=1)
    assert budget_of("1M") == 64 * MEBIBYTE, "less than one large document would be no budget"
    assert budget_of("") >= 64 * MEBIBYTE


@pytest.mark.parametrize("text", ["much", "-1", "101%", "5X", "nan"])
def test_what_is_no_amount_is_told(text):
    with pytest.raises(ValueError, match="is no amount of memory"):
        budget_of(text)
