"""``naftiko serve`` with what an operator turns on for a REST adapter."""

from __future__ import annotations

import concurrent.futures
import time
from pathlib import Path

import httpx
from served import LIMIT, get, served

from holding import Held
from naftiko.testing import StandInUpstream

FILE = Path(__file__).parents[1] / "fixtures" / "schemathesis" / "orchestrated.yaml"
REST = ("--port", "rest=0")


def test_the_options_reach_the_adapter():
    """Times in the answers, a limit for bodies, one call at a time, and a route that is not served."""
    upstream = StandInUpstream()
    upstream.on("POST", "/people", {"id": 1})
    held = Held()
    upstream.misbehave(held)
    options = ("--server-timing", "--max-request-bytes", "40", "--max-concurrency", "1", "--deny-tool", "team-people")
    with upstream, served(FILE, *REST, *options, "--base-uri", f"*={upstream.url}", ready=["rest "]) as running:
        url = f"{running.rest.rstrip('/')}/people"

        def hire(name: str) -> httpx.Response:
            return httpx.post(url, json={"name": name}, timeout=LIMIT, trust_env=False)

        assert hire("n" * 41).status_code == 413
        with concurrent.futures.ThreadPoolExecutor(2) as callers:
            first = callers.submit(hire, "Ada")
            end = time.monotonic() + LIMIT
            while not upstream.requests and time.monotonic() < end:
                time.sleep(0.01)
            refused = hire("Bo")
            time.sleep(0.5)
            held.let_go()
            answer = first.result(LIMIT)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert answer.status_code == 200
        spent = dict(part.split(";dur=") for part in answer.headers["server-timing"].split(", "))
        assert 500 < float(spent["upstream"]) <= float(spent["total"]) - float(spent["mapping"])
        assert get(f"{running.rest.rstrip('/')}/teams/1/people", headers={"x-tenant": "abc"}).status_code == 404
        assert running.stop() == 0
