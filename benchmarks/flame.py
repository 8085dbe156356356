"""A flame graph of the hot path: ``python benchmarks/flame.py rest`` or ``mcp`` (needs py-spy).

The same works for any served capability: ``py-spy record -p PID -o flame.svg``.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import threading
from pathlib import Path

from harness import HERE, UPSTREAM, load, start, stop, upstream, wait_for

REST_PORT, MCP_PORT = 18200, 18201
WHAT = {
    "rest": (f"http://127.0.0.1:{REST_PORT}/small", None),
    "mapped": (f"http://127.0.0.1:{REST_PORT}/mapped", None),
    "mcp": (f"http://127.0.0.1:{MCP_PORT}/mcp", "mcp-call-2026.lua"),
}


def main() -> None:
    """Load one path and record the server meanwhile."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=WHAT)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    spy = shutil.which("py-spy") or sys.exit("profiling needs py-spy: pip install py-spy")
    output = options.output or HERE / "results" / f"flame-{options.what}.svg"
    output.parent.mkdir(exist_ok=True)
    url, script = WHAT[options.what]
    command = [sys.executable, "-m", "naftiko", "serve", str(HERE / "capabilities" / "bench.yaml")]
    command += ["--port", f"rest={REST_PORT}", "--port", f"mcp={MCP_PORT}", "--base-uri", f"up={UPSTREAM}"]
    with upstream():
        server = start([*command, "--log-level", "error"])
        try:
            wait_for(f"http://127.0.0.1:{REST_PORT}/small")
            wait_for(f"http://127.0.0.1:{MCP_PORT}/mcp")
            loading = threading.Thread(target=load, args=(url, 32, options.seconds + 3, script, None))
            loading.start()
            record = [spy, "record", "-p", str(server.pid), "-d", str(options.seconds), "-r", "500", "-o", str(output)]
            subprocess.run(record, check=True)
            loading.join()
        finally:
            stop(server)
    print(f"written to {output}")


if __name__ == "__main__":
    main()
