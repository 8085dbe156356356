"""An agent walks a long list in small pieces, over two workers, and gets each item once (docs/pagination.md).

``PAGES_ITEMS=100000 pytest tests/serve/test_pages_workers.py`` walks a list of that length, which takes some minutes.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from front import wait_until
from mcp.client import Client
from served import served
from starlette.responses import JSONResponse

from naftiko.testing import StandInUpstream


@pytest.fixture
def upstream():
    with StandInUpstream() as made:
        yield made


COUNT = int(os.environ.get("PAGES_ITEMS", "3000"))
LIMIT = 60 + COUNT / 20
"""Seconds, on a busy machine."""
BUDGET = 8_000
FILE = """\
naftiko: 1.0.0-alpha2
capability:
  consumes:
    - type: http
      namespace: up
      baseUri: {url}
      pagination:
        type: cursor
        request: {{cursorParam: cursor, limitParam: limit, limitValue: 100}}
        response: {{dataPath: $.results, nextCursorPath: $.next}}
      resources:
        - path: /things
          operations: [{{name: list, method: GET}}]
  exposes:
    - type: mcp
      namespace: mcp
      tools: [{{name: list, description: All things, call: up.list}}]
    - type: rest
      namespace: front
      port: 8080
      resources: [{{path: /things, operations: [{{name: list, method: GET, call: up.list}}]}}]
"""


def listing(request):
    start, size = int(request.query.get("cursor", 0)), int(request.query.get("limit", 100))
    end = min(start + size, COUNT)
    page = [{"id": at, "name": f"Thing {at}"} for at in range(start, end)]
    return JSONResponse({"results": page, "next": str(end) if end < COUNT else None})


def handle_of(document: dict) -> str | None:
    return next((part["handle"] for part in document.get("_more", {}).get("parts", ())), None)


async def walk(urls: list[str], answers: Counter[int], budget: int = BUDGET) -> list[int]:
    """Call the tool, and follow the handles with one client after the other."""
    async with Client(urls[0]) as first, Client(urls[1]) as second:
        clients = (first, second)
        result = await first.call_tool("list", {})
        found: list[int] = []
        while True:
            assert not result.is_error, result
            text = "".join(block.text for block in result.content)
            assert len(text) <= budget
            answers[len(text) // 1000] += 1
            document, end = json.JSONDecoder().raw_decode(text)
            found += [each["id"] for each in document.get("part", document.get("results"))]
            handle = handle_of(document) or text[end:].partition("handle: ")[2]
            if not handle:
                return found
            result = await clients[sum(answers.values()) % 2].call_tool("naftiko-continue", {"handle": handle})


def test_each_item_comes_once_over_two_workers(tmp_path: Path, upstream: StandInUpstream) -> None:
    upstream.on("GET", "/things", listing)
    file = tmp_path / "capability.yaml"
    file.write_text(FILE.format(url=upstream.url))
    arguments = (file, "--port", "mcp=0", "--port", "rest=0", "--workers", "2", "--answer-budget", str(BUDGET))
    answers: Counter[int] = Counter()
    with served(*arguments, ready=("mcp ", "rest ")) as running:

        async def within() -> list[int]:
            async with asyncio.timeout(LIMIT):
                return await walk([running.mcp, running.mcp], answers)

        found = asyncio.run(within())
        assert running.stop() == 0
    assert found == list(range(COUNT))
    # Almost every answer is as large as it may be, and a page that is cut is fetched twice at most.
    assert sum(answers[size] for size in (7, 8)) >= sum(answers.values()) - 1
    assert len(upstream.requests) <= COUNT / 100 + 2 * sum(answers.values())


@pytest.mark.parametrize("is_same", [True, False], ids=["one key", "two keys"])
def test_each_item_comes_once_over_two_machines_of_one_key(
    tmp_path: Path, upstream: StandInUpstream, is_same: bool
) -> None:
    """Handles are sealed and nothing of them is stored: NAFTIKO_SHARED_KEY is enough, and the store may be away."""
    pytest.importorskip("valkey", reason="--shared needs the client valkey: naftiko[shared]")
    upstream.on("GET", "/things", listing)
    file = tmp_path / "capability.yaml"
    file.write_text(FILE.format(url=upstream.url))
    keys = ["a key that all replicas have", "a key that all replicas have" if is_same else "a key that is another"]
    given = (file, "--port", "mcp=0", "--port", "rest=0", "--answer-budget", str(BUDGET))
    ready = ("mcp ", "rest ")
    first, second = ({"NAFTIKO_SHARED": "redis://127.0.0.1:9", "NAFTIKO_SHARED_KEY": key} for key in keys)
    with served(*given, env=first, ready=ready) as one, served(*given, env=second, ready=ready) as other:

        async def within() -> list[int]:
            async with asyncio.timeout(LIMIT):
                return await walk([one.mcp, other.mcp], Counter())

        if is_same:
            assert asyncio.run(within()) == list(range(COUNT))
        else:
            with pytest.raises((AssertionError, ExceptionGroup)):  # of the clients' tasks
                asyncio.run(within())
            wait_until(lambda: "the handle is not one of this server's" in one.said() + other.said(), other.said)


def test_pages_that_are_read_in_another_process_are_walked_too(tmp_path: Path, upstream: StandInUpstream) -> None:
    """Pages of some 400 KB hold the loop: their answers are made and cut elsewhere, handles and all."""
    size, count = 4000, 9000

    def answer(request):
        start = int(request.query.get("cursor", 0))
        end = min(start + size, count)
        page = [{"id": at, "name": f"Thing {at}", "text": "x" * 60} for at in range(start, end)]
        return JSONResponse({"results": page, "next": str(end) if end < count else None})

    upstream.on("GET", "/things", answer)
    file = tmp_path / "capability.yaml"
    file.write_text(FILE.format(url=upstream.url).replace("call: up.list}]\n    - type: rest", _MAPPED))
    arguments = (file, "--port", "mcp=0", "--port", "rest=0", "--answer-budget", "200000")
    with served(*arguments, ready=("mcp ", "rest ")) as running:

        async def within() -> list[int]:
            async with asyncio.timeout(LIMIT):
                return await walk([running.mcp, running.mcp], Counter(), 200_000)

        found = asyncio.run(within())
        assert running.stop() == 0
    assert found == list(range(count))


_MAPPED = """call: up.list, outputParameters: [{name: results, type: array, mapping: $.results, items: {type: object,
        properties: {id: {type: number, mapping: $.id}, name: {type: string, mapping: $.name}, text: {type: string,
        mapping: $.text}}}}]}]
    - type: rest"""


def test_a_list_that_is_cut_while_it_streams_says_so_in_a_trailer(tmp_path: Path, upstream: StandInUpstream) -> None:
    def answer(request):
        if request.query.get("cursor") == "300":
            return JSONResponse({"error": "busy"}, 429, {"Retry-After": "7"})
        return listing(request)

    upstream.on("GET", "/things", answer)
    file = tmp_path / "capability.yaml"
    file.write_text(FILE.format(url=upstream.url))
    with served(file, "--port", "mcp=0", "--port", "rest=0", ready=("mcp ", "rest ")) as running:
        where = urlsplit(running.rest)
        assert where.hostname is not None
        connection = http.client.HTTPConnection(where.hostname, where.port, timeout=LIMIT)
        connection.request("GET", "/things")
        sock = connection.sock
        raw = b""
        while b"\r\n0\r\n" not in raw or not raw.endswith(b"\r\n\r\n"):
            piece = sock.recv(65536)
            assert piece, raw[-200:]
            raw += piece
        connection.close()
        head, _, rest = raw.partition(b"\r\n\r\n")
        assert b"trailer: naftiko-note" in head
        trailer = rest.rpartition(b"\r\n0\r\n")[2]
        assert trailer == (
            b'naftiko-note: incomplete;reason=failed;pages=3;items=300;detail="page 4: the upstream answered 429, too '
            b'many calls";retry-after=7\r\n\r\n'
        )
        assert running.stop() == 0
        assert "incomplete;reason=failed" in running.said()
