"""A long run: memory, file descriptors and failures, minute by minute.

    python benchmarks/soak.py --minutes 10 --requests 500000

Bounded in time and in requests, whichever comes first. A mix of passed-on, mapped, templated and failing calls over
REST, and of tool calls over MCP, so that every path that allocates is walked.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time

from harness import HERE, UPSTREAM, descriptors, load, rss_mib, start, stop, upstream, wait_for

MIX = [
    ("/small", None, 32),
    ("/mapped", None, 16),
    ("/things/abc?limit=5&tags=a&tags=b", None, 16),
    ("/echo", "post.lua", 16),
    ("/missing", None, 8),
    ("/steps", None, 8),
    ("/large", None, 4),
]
REST_PORT, MCP_PORT = 18200, 18201


def main() -> None:
    """Run the mix over and over, and write what was seen after each turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--requests", type=int, default=500_000)
    parser.add_argument("--workers", default="1")
    options = parser.parse_args()
    command = [sys.executable, "-m", "naftiko", "serve", str(HERE / "capabilities" / "bench.yaml")]
    command += ["--port", f"rest={REST_PORT}", "--port", f"mcp={MCP_PORT}", "--base-uri", f"up={UPSTREAM}"]
    command += ["--log-level", "error"]
    if options.workers != "1":
        command += ["--workers", options.workers]
    rows: list[dict[str, float]] = []
    with upstream(), tempfile.TemporaryDirectory():
        server = start(command)
        try:
            wait_for(f"http://127.0.0.1:{REST_PORT}/small")
            wait_for(f"http://127.0.0.1:{MCP_PORT}/mcp")
            warm(server.pid)
            first = {"rss": rss_mib(server.pid), "fds": descriptors(server.pid)}
            end = time.monotonic() + options.minutes * 60
            total = failed = 0
            while time.monotonic() < end and total < options.requests:
                for path, script, connections in MIX:
                    sample = load(f"http://127.0.0.1:{REST_PORT}{path}", connections, 3, script, server.pid)
                    total += round(sample.rps * 3)
                    # A 404 of the upstream is passed on, so wrk counts it; nothing else may fail.
                    failed += 0 if path == "/missing" else sample.failed
                sample = load(f"http://127.0.0.1:{MCP_PORT}/mcp", 8, 3, "mcp-call-2026.lua", server.pid)
                total += round(sample.rps * 3)
                failed += sample.failed
                time.sleep(0.5)
                row = {"requests": total, "failed": failed, "rss": rss_mib(server.pid), "fds": descriptors(server.pid)}
                rows.append(row)
                print(
                    f"{total:9,} requests  {failed} failed  {row['rss']:6.1f} MiB  {row['fds']:.0f} descriptors",
                    flush=True,
                )
            time.sleep(20)  # idle connections to the upstream are closed after 15 s
            last = {"rss": rss_mib(server.pid), "fds": descriptors(server.pid)}
        finally:
            stop(server)
    summary = {"first": first, "last": last, "requests": total, "failed": failed, "rows": rows}
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    (results / "soak.json").write_text(json.dumps(summary, indent=2) + "\n")
    print(
        f"{total:,} requests, {failed} failed; {first['rss']:.1f} MiB → {last['rss']:.1f} MiB,"
        f" {first['fds']} → {last['fds']} descriptors"
    )


def warm(pid: int) -> None:
    """Walk every path once, so that what is made once is not taken for growth."""
    for path, script, connections in MIX:
        load(f"http://127.0.0.1:{REST_PORT}{path}", connections, 2, script, pid)
    load(f"http://127.0.0.1:{MCP_PORT}/mcp", 8, 2, "mcp-call-2026.lua", pid)


if __name__ == "__main__":
    main()
