"""What the store of answers is worth: the same REST route with and without it, in one run; and a crowd at a cold key.

    python benchmarks/cache.py --seconds 3 --rounds 3 --callers 10000

With ``--connections 1`` the whole way to the API counts, with more of them what of it the server itself has to do.

It needs nginx and wrk, as ``run.py`` does. It fails where the stored answer is served less than twice as often a second
as the one that is asked for, or where the crowd costs the API more than one request.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from statistics import median

import httpx
import yaml
from harness import UPSTREAM, Sample, load, start, stop, upstream, wait_for

import naftiko
from naftiko.testing import StandInUpstream

_PORT = 18098
_SIZES = ("small", "large")


def capability(folder: Path) -> Path:
    """Write a capability that has each route with the store and without."""
    stored = {"resiliency": {"cache": {"ttl": "10m"}}}
    resources, routes = [], []
    for size in _SIZES:
        for word, more in (("asked", {}), ("stored", stored)):
            name = f"{word}-{size}"
            resources.append({"path": f"/{size}", "operations": [{"name": name, "method": "GET", **more}]})
            routes.append({"path": f"/{name}", "operations": [{"name": name, "method": "GET", "call": f"up.{name}"}]})
    consumes = {"type": "http", "namespace": "up", "baseUri": UPSTREAM, "resources": resources}
    exposes = {"type": "rest", "namespace": "bench", "port": _PORT, "resources": routes}
    path = folder / "cache.yaml"
    path.write_text(
        yaml.safe_dump({"naftiko": "1.0.0-alpha5", "capability": {"consumes": [consumes], "exposes": [exposes]}})
    )
    return path


def rates(seconds: float, rounds: int, connections: int) -> dict[str, tuple[float, float]]:
    """Return of each route the requests a second and the microseconds of processor for one, medians of rounds."""
    found: dict[str, list[Sample]] = {}
    with tempfile.TemporaryDirectory() as name, upstream():
        server = start([sys.executable, "-m", "naftiko", "serve", str(capability(Path(name)))])
        try:
            wait_for(f"http://127.0.0.1:{_PORT}/asked-small")
            for _ in range(rounds):
                for size in _SIZES:
                    for word in ("asked", "stored"):
                        route = f"{word}-{size}"
                        sample = load(f"http://127.0.0.1:{_PORT}/{route}", connections, seconds, None, server.pid)
                        assert not sample.failed, f"{sample.failed} requests to {route} failed"
                        found.setdefault(route, []).append(sample)
        finally:
            stop(server)
    return {route: (median(one.rps for one in each), median(one.cpu for one in each)) for route, each in found.items()}


async def crowd(callers: int) -> int:
    """Return how many requests so many callers of a cold key cost the API, in one process."""
    operation = {"name": "get", "method": "GET", "resiliency": {"cache": {"ttl": "10m"}}}
    document = {
        "naftiko": "1.0.0-alpha5",
        "capability": {
            "consumes": [
                {
                    "type": "http",
                    "namespace": "up",
                    "baseUri": "http://unused.invalid",
                    "resources": [{"path": "/x", "operations": [operation]}],
                }
            ],
            "exposes": [
                {
                    "type": "rest",
                    "namespace": "front",
                    "resources": [{"path": "/x", "operations": [{"method": "GET", "name": "get", "call": "up.get"}]}],
                }
            ],
        },
    }
    with StandInUpstream() as api:
        api.on("GET", "/x", {"n": 1})
        settings = naftiko.Settings(base_uris={"*": api.url}, environment={})
        async with naftiko.loads(yaml.safe_dump(document), settings=settings) as made:
            transport = httpx.ASGITransport(naftiko.rest_app([made]))
            async with httpx.AsyncClient(transport=transport, base_url="http://front.example") as client:
                answers = await asyncio.gather(*(client.get("/x") for _ in range(callers)))
        assert {answer.text for answer in answers} == {'{"n":1}'}, "some callers have another answer"
        return len(api.requests)


def main() -> None:
    """Measure, and tell what comes of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each load")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--callers", type=int, default=10_000, help="at the cold key")
    options = parser.parse_args()
    requests = asyncio.run(crowd(options.callers))
    sys.stdout.write(f"{options.callers} callers of a cold key: {requests} request(s) to the API\n")
    found = rates(options.seconds, options.rounds, options.connections)
    ratios = {size: found[f"stored-{size}"][0] / found[f"asked-{size}"][0] for size in _SIZES}
    for size in _SIZES:
        for word in ("asked", "stored"):
            rate, cpu = found[f"{word}-{size}"]
            sys.stdout.write(f"{word}-{size}: {rate:.0f}/s, {cpu:.0f} us of processor each\n")
        sys.stdout.write(f"{size}: {ratios[size]:.2f} times\n")
    if requests != 1 or ratios["small"] < 2:  # what the store is there for
        sys.exit(1)


if __name__ == "__main__":
    main()
