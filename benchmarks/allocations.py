"""How many allocations a call takes, in the whole process that serves it.

    python benchmarks/allocations.py [--calls 2000] [--json FILE]

memray counts every allocation of a process, Python's small objects among them (``--trace-python-allocators``).
Each variant runs twice, for few calls and for many, one after the other over one connection: the difference of the two
counts, by that of the calls, is what one call takes. Start and stop cancel out. It needs ``memray`` and nginx; the
figures hardly depend on the machine.
"""

from __future__ import annotations

import argparse
import http.client
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from harness import start, stop, upstream, wait_for
from run import command_of

PORT = 18190
FEW = 200
MCP_BODY = {
    "jsonrpc": "2.0",
    "id": 7,
    "method": "tools/call",
    "params": {
        "name": "small",
        "arguments": {},
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    },
}
MCP_HEADERS = {
    "content-type": "application/json",
    "accept": "application/json, text/event-stream",
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "tools/call",
    "mcp-name": "small",
}
CALLS = {
    "REST passed on: naftiko": ("naftiko", "/small"),
    "REST passed on: asgi-aiohttp": ("asgi-aiohttp", "/small"),
    "REST mapped: naftiko": ("naftiko", "/mapped"),
    "MCP tools/call: naftiko": ("naftiko-mcp", "/mcp"),
    "MCP tools/call: fastmcp-openapi": ("fastmcp-openapi", "/mcp"),
}
"""The variants, as ``run.py`` names them, and what they are asked for."""


def call_often(url: str, path: str, calls: int) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    for _ in range(calls):
        if path == "/mcp":
            connection.request("POST", path, json.dumps(MCP_BODY), MCP_HEADERS)
        else:
            connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"{url}{path} answered {answer.status}")
    connection.close()


def allocations(variant: str, path: str, calls: int, folder: Path) -> int:
    """Return how often a process allocates from its start to its end, with a number of calls between."""
    trace = folder / "trace.bin"
    trace.unlink(missing_ok=True)
    [python, *arguments] = command_of(variant, PORT, folder)
    process = start(
        [python, "-m", "memray", "run", "--trace-python-allocators", "--quiet", "--output", str(trace), *arguments]
    )
    try:
        wait_for(f"http://127.0.0.1:{PORT}/small", 60)
        call_often(f"http://127.0.0.1:{PORT}", path, calls)
    finally:
        stop(process)
    script = "import memray, sys; print(memray.FileReader(sys.argv[1]).metadata.total_allocations)"
    return int(
        subprocess.run([sys.executable, "-c", script, str(trace)], capture_output=True, text=True, check=True).stdout
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=2000, help="more of them in the second run than in the first")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    given = parser.parse_args()
    figures: dict[str, int] = {}
    with upstream(), tempfile.TemporaryDirectory() as name:
        for label, (variant, path) in CALLS.items():
            few = allocations(variant, path, FEW, Path(name))
            many = allocations(variant, path, FEW + given.calls, Path(name))
            figures[label] = round((many - few) / given.calls)
            print(f"{label:<34} {figures[label]:>8,} allocations a call", flush=True)
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
