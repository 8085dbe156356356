"""Several worker processes behind one port: replaced when they die, restarted one by one without a failed request."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import httpx
import pytest
from served import LIMIT, get, run, served

from holding import Held
from naftiko.testing import StandInUpstream

CAPABILITY = """
naftiko: 1.0.0-alpha2
capability:
  consumes:
    - {{type: http, namespace: up, baseUri: "{url}", resources: [{{name: x, path: /x, operations: [{{name: x, method: GET}}]}}]}}
  exposes:
    - type: rest
      namespace: rest
      resources:
        - {{path: "/{path}", operations: [{{method: GET, name: x, call: up.x}}]}}
"""


@pytest.fixture
def upstream():
    stand_in = StandInUpstream()
    stand_in.on("GET", "/x", {"ok": True})
    with stand_in:
        yield stand_in


@pytest.fixture
def file(tmp_path: Path, upstream: StandInUpstream) -> Path:
    path = tmp_path / "capability.yaml"
    path.write_text(CAPABILITY.format(url=upstream.url, path="x"))
    return path


def workers_of(pid: int) -> set[int]:
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def wait_until(true, what: str) -> None:
    end = time.monotonic() + LIMIT
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.05)


async def keep_asking(url: str, stop: asyncio.Event, counts: list[int], at: int) -> None:
    """Ask over connections that are kept, as real clients do, and count the answers; any failure is raised."""
    async with httpx.AsyncClient(trust_env=False, timeout=LIMIT) as client:
        while not stop.is_set():
            response = await client.get(url)
            assert response.status_code == 200, response.text
            counts[at] += 1


def refuses(url: str) -> bool:
    """Tell a server that has stopped listening."""
    try:
        get(f"{url}/nowhere")
    except httpx.ConnectError:
        return True
    except httpx.TransportError:  # taken in, and closed
        return False
    return False


async def test_a_rolling_restart_fails_no_request(file: Path):
    """SIGHUP replaces every worker; clients that never stop asking see nothing of it."""
    with served(file, "--port", "rest=0", "--workers", "2", ready=("rest ",)) as server:
        pid = server.process.pid
        wait_until(lambda: len(workers_of(pid)) == 2, "two workers")
        before = workers_of(pid)
        stop = asyncio.Event()
        counts = [0] * 6
        asking = [asyncio.create_task(keep_asking(f"{server.rest}/x", stop, counts, at)) for at in range(6)]
        await asyncio.to_thread(wait_until, lambda: min(counts) > 5, "answers of the old workers")
        os.kill(pid, signal.SIGHUP)
        await asyncio.to_thread(
            wait_until, lambda: not before & workers_of(pid) and len(workers_of(pid)) == 2, "new workers"
        )
        before_them = [*counts]
        more = lambda: all(now > then + 5 for now, then in zip(counts, before_them, strict=True))  # noqa: E731
        await asyncio.to_thread(wait_until, lambda: more() or any(task.done() for task in asking), "their answers")
        stop.set()
        await asyncio.gather(*asking)
        assert server.stop() == 0


def test_a_worker_that_dies_is_replaced_and_the_port_stays_open(file: Path):
    with served(file, "--port", "rest=0", "--workers", "2", ready=("rest ",)) as server:
        pid = server.process.pid
        wait_until(lambda: len(workers_of(pid)) == 2, "two workers")
        victim = min(workers_of(pid))
        os.kill(victim, signal.SIGKILL)
        for _ in range(20):
            assert get(f"{server.rest}/x").status_code == 200
        wait_until(lambda: victim not in workers_of(pid) and len(workers_of(pid)) == 2, "a new worker")
        assert any("it is replaced" in line for line in server.errors)
        assert server.stop() == 0


def test_workers_end_with_a_supervisor_that_is_killed(file: Path):
    """No orphan keeps the port, whatever happens to the process that a service manager knows."""
    with served(file, "--port", "rest=0", "--workers", "2", ready=("rest ",)) as server:
        wait_until(lambda: len(workers_of(server.process.pid)) == 2, "two workers")
        url = server.rest
        server.process.kill()
        assert server.wait() == -signal.SIGKILL
    with pytest.raises(httpx.ConnectError):
        get(f"{url}/x")


def test_a_restart_loads_the_files_anew_and_a_broken_one_changes_nothing(file: Path, upstream: StandInUpstream):
    with served(file, "--port", "rest=0", "--workers", "2", ready=("rest ",)) as server:
        pid = server.process.pid
        wait_until(lambda: len(workers_of(pid)) == 2, "two workers")
        file.write_text(CAPABILITY.format(url=upstream.url, path="changed"))
        before = workers_of(pid)
        os.kill(pid, signal.SIGHUP)
        wait_until(lambda: not before & workers_of(pid) and len(workers_of(pid)) == 2, "new workers")
        assert get(f"{server.rest}/x").status_code == 404
        assert get(f"{server.rest}/changed").status_code == 200
        file.write_text("naftiko: [broken")
        os.kill(pid, signal.SIGHUP)
        wait_until(lambda: any("the old ones stay" in line for line in server.errors), "a refusal")
        assert get(f"{server.rest}/changed").status_code == 200
        assert server.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_lets_requests_in_flight_finish(file: Path, upstream: StandInUpstream, number: int):
    upstream.on("GET", "/x", {"late": True})
    held = Held()
    upstream.misbehave(held)
    with served(file, "--port", "rest=0", "--workers", "2", ready=("rest ",)) as server:
        wait_until(lambda: len(workers_of(server.process.pid)) == 2, "two workers")

        before = len(upstream.requests)

        async def ask_and_stop() -> httpx.Response:
            asked = asyncio.create_task(asyncio.to_thread(get, f"{server.rest}/x"))
            await asyncio.to_thread(wait_until, lambda: len(upstream.requests) > before, "a call in flight")
            server.process.send_signal(number)
            await asyncio.to_thread(wait_until, lambda: refuses(server.rest), "a server that stops")
            assert not asked.done()
            held.let_go()
            return await asked

        assert asyncio.run(ask_and_stop()).json() == {"late": True}
        assert server.process.wait(LIMIT) == 0


@pytest.mark.parametrize("text", ["0", "many", "-1", "1000"])
def test_a_number_that_makes_no_sense_is_a_usage_error(file: Path, text: str):

    done = run("serve", str(file), "--workers", text)
    assert done.returncode == 2
    assert "--workers" in done.stderr
