"""A file that is loaded anew goes on with the answers that are stored for its unchanged policies."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import httpx
import pytest
from served import LIMIT, served
from starlette.responses import JSONResponse

from naftiko.testing import StandInUpstream

FILE = """\
naftiko: 1.0.0-alpha2
capability:
  consumes:
    - type: http
      namespace: up
      baseUri: {url}
      authentication: {{type: bearer, token: {token}}}
      resources:
        - path: /x
          operations: [{{name: get, method: GET, resiliency: {{cache: {{ttl: {ttl}}}}}}}]
  exposes:
    - type: rest
      namespace: web
      port: 0
      resources:
        - path: /{route}
          operations: [{{name: here, method: GET, call: up.get}}]
"""


def until(condition) -> None:
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("change", "number"),
    [({"route": "second"}, 1), ({"ttl": "20m"}, 1), ({"token": "an0ther-token"}, 2)],
    ids=["something else", "for how long", "another credential"],
)
def test_what_is_stored_stays(tmp_path: Path, change, number):
    """But for what another credential got."""
    with StandInUpstream() as api:
        count = iter(range(1, 100))
        api.on("GET", "/x", lambda _: JSONResponse({"n": next(count)}))
        values = {"url": api.url, "token": "t0ken-of-ours", "ttl": "10m", "route": "first"}
        file = tmp_path / "up.yaml"
        file.write_text(FILE.format(**values))
        with served(file, ready=["rest "]) as process:
            for _ in range(2):
                assert httpx.get(f"{process.rest}/first", trust_env=False, timeout=LIMIT).json() == {"n": 1}
            values |= change
            file.write_text(FILE.format(**values))
            os.kill(process.process.pid, signal.SIGHUP)
            until(lambda: any("eloaded" in line for line in process.errors))
            answer = httpx.get(f"{process.rest}/{values['route']}", trust_env=False, timeout=LIMIT)
        assert json.loads(answer.text) == {"n": number}
        assert len(api.requests) == number
