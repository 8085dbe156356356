"""1,000 tool calls at once on two workers, most of which fail in some way: none is lost, none gets another's answer."""

from __future__ import annotations

import asyncio
import contextlib
import resource
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import MCPError
from mcp.client import Client
from served import LIMIT, served
from starlette.responses import JSONResponse

from naftiko.testing import RecordedRequest, Stall, StandInUpstream

CALLS = 1_000
CLIENTS = 20
OPEN_FILES = 4_096
STALL = 0.5
MODES = ("legacy", "2026-07-28")
KINDS = ("good", "missing", "broken", "slow", "bad argument", "unknown tool")
CAPABILITY = """
naftiko: 1.0.0-alpha2
capability:
  consumes:
    - type: http
      namespace: up
      baseUri: "{url}"
      resources:
        - path: /{{kind}}/{{number}}
          operations: [{{name: ask, method: GET}}]
  exposes:
    - type: mcp
      namespace: asking
      tools:
        - name: ask
          description: Asks for a number in some way
          call: up.ask
          inputParameters:
            - {{name: kind, type: string, description: How}}
            - {{name: number, type: integer, description: Which}}
"""


def answer_of(request: RecordedRequest) -> Any:
    """Say the number again, whatever else happens."""
    kind, number = request.path_params["kind"], int(request.path_params["number"])
    match kind:
        case "missing":
            return JSONResponse({"error": f"nothing at <{number}>"}, 404)
        case "broken":
            return JSONResponse({"error": f"broke at <{number}>"}, 500)
        case "slow":
            return Stall(STALL, {"number": number})
    return {"number": number}


@pytest.fixture
def upstream() -> Iterator[StandInUpstream]:
    stand_in = StandInUpstream()
    stand_in.on("GET", "/{kind}/{number}", answer_of)
    with many_open_files(), stand_in:
        yield stand_in


@contextlib.contextmanager
def many_open_files() -> Iterator[None]:
    """1,000 clients and their stand-in are one process here; the usual limit is about 1,000 sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def kind_of(number: int) -> str:
    return KINDS[number % len(KINDS)]


async def outcome_of(client: Client, number: int) -> str:
    """Make a call; return its kind when the answer is the one of this very number."""
    kind = kind_of(number)
    if kind == "unknown tool":
        with pytest.raises(MCPError, match=f"unknown-{number}-tool") as refused:
            await client.call_tool(f"unknown-{number}-tool", {})
        assert refused.value.code == -32602
        return kind
    given = f"no {number} number" if kind == "bad argument" else number
    result = await client.call_tool("ask", {"kind": kind, "number": given})
    text = result.content[0].text
    if kind in {"good", "slow"}:
        assert (result.is_error, result.structured_content) == (False, {"number": number}), text
    else:
        assert result.is_error, text
        mark, status = {
            "missing": (f"nothing at <{number}>", "404"),
            "broken": (f"broke at <{number}>", "500"),
            "bad argument": (given, "`number`"),
        }[kind]
        assert str(mark) in text
        assert status in text
    return kind


async def test_a_thousand_calls_at_once_on_two_workers(tmp_path: Path, upstream: StandInUpstream):
    """Twenty official clients, every second one of an older revision, with fifty calls each, all at the same time."""
    file = tmp_path / "capability.yaml"
    file.write_text(CAPABILITY.format(url=upstream.url))
    with served(file, "--port", "mcp=0", "--workers", "2", ready=("mcp ",)) as server:
        async with asyncio.timeout(LIMIT), contextlib.AsyncExitStack() as stack:
            clients = [
                await stack.enter_async_context(Client(server.mcp, mode=MODES[at % len(MODES)]))
                for at in range(CLIENTS)
            ]
            done = await asyncio.gather(*(outcome_of(clients[at % CLIENTS], at) for at in range(CALLS)))
        assert Counter(done) == Counter(kind_of(at) for at in range(CALLS))
        reached = Counter(request.raw_path for request in upstream.requests)
        assert reached == Counter(
            f"/{kind_of(at)}/{at}" for at in range(CALLS) if kind_of(at) not in {"bad argument", "unknown tool"}
        )
        assert server.stop() == 0
