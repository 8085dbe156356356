"""What state costs that processes share: REST routes with and without, on the same machine in one run.

    python benchmarks/shared.py --seconds 3 --rounds 3 --connections 32

It needs nginx, wrk, and redis-server or valkey-server. Each route is served by a process without a store and by one
with it: nothing to share, a limit for callers that nobody reaches (requests and calls under way), and a stored answer.
The microseconds of processor are what counts on a machine that does something else too. It fails where the route that
shares nothing asks the store.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import yaml
from harness import UPSTREAM, Sample, free_ports, load, start, stop, upstream, wait_for

_ROUTES = ("plain", "limited", "stored")
_ITS_OWN = 10
"""Commands that are none of a call: a first look, and what is asked here."""


def capability(path: Path, port: int) -> Path:
    """Write a capability with the routes."""
    more = {"stored": {"resiliency": {"cache": {"ttl": "10m"}}}}
    limits = {"limited": {"limits": {"requests": "100000/s", "burst": 100_000, "inFlight": 10_000}}}
    resources, routes = [], []
    for name in _ROUTES:
        resources.append({"path": "/small", "operations": [{"name": name, "method": "GET", **more.get(name, {})}]})
        calling = {"name": name, "method": "GET", "call": f"up.{name}", **limits.get(name, {})}
        routes.append({"path": f"/{name}", "operations": [calling]})
    consumes = {"type": "http", "namespace": "up", "baseUri": UPSTREAM, "resources": resources}
    exposes = {"type": "rest", "namespace": "bench", "port": port, "resources": routes}
    document = {"naftiko": "1.0.0-alpha5", "capability": {"consumes": [consumes], "exposes": [exposes]}}
    path.write_text(yaml.safe_dump(document))
    return path


@contextlib.contextmanager
def store(folder: Path) -> Iterator[str]:
    """Run a store; give its URL."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        sys.exit("this needs redis-server or valkey-server: apt-get install redis-server")
    (port,) = free_ports(1)
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait()


def asked(url: str) -> int:
    """Return how many commands a store has run."""
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2].partition("/")[0])), timeout=20) as one:
        one.sendall(b"INFO stats\r\nQUIT\r\n")
        said = b"".join(iter(lambda: one.recv(65_536), b""))
    return int(said.partition(b"total_commands_processed:")[2].split()[0])


def measured(options: argparse.Namespace) -> dict[tuple[str, str], list[Sample]]:
    """Return the samples by route and by whether it shares."""
    found: dict[tuple[str, str], list[Sample]] = {}
    with tempfile.TemporaryDirectory() as name, upstream(), store(Path(name)) as url:
        ports = dict(zip(("alone", "shared"), free_ports(2), strict=True))
        given = {"alone": [], "shared": ["--shared", url]}
        servers = {}
        try:
            for word, port in ports.items():
                file = capability(Path(name) / f"{word}.yaml", port)
                servers[word] = start([sys.executable, "-m", "naftiko", "serve", str(file), *given[word]])
                wait_for(f"http://127.0.0.1:{port}/plain")
            for _ in range(options.rounds):
                for route in _ROUTES:
                    for word, port in ports.items():
                        at, pid, before = f"http://127.0.0.1:{port}/{route}", servers[word].pid, asked(url)
                        sample = load(at, options.connections, options.seconds, None, pid)
                        assert not sample.failed, f"{sample.failed} requests to {route} failed"
                        if route == "plain" and asked(url) - before > _ITS_OWN:
                            sys.exit("a route that shares nothing asks the store")
                        found.setdefault((route, word), []).append(sample)
        finally:
            for each in servers.values():
                stop(each)
    return found


def main() -> None:
    """Measure, and tell what comes of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each load")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=32)
    found = measured(parser.parse_args())
    for (route, word), samples in found.items():
        rate, cpu = median(each.rps for each in samples), median(each.cpu for each in samples)
        p50, p99 = median(each.p50 for each in samples), median(each.p99 for each in samples)
        print(f"{route:8} {word:7} {rate:7.0f}/s  {cpu:5.0f} us of processor  p50 {p50:.2f} ms  p99 {p99:.2f} ms")


if __name__ == "__main__":
    main()
