"""What is called from another process, where large documents are read, goes by way of the policies of the server."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from served import LIMIT, served

from naftiko.testing import Fail, StandInUpstream

FILE = """\
naftiko: 1.0.0-beta5
consumes:
- type: http
  namespace: up
  baseUri: {upstream}
  resources:
  - path: /large
    operations: [{{name: large, method: GET}}]
  - path: /small/{{id}}
    operations:
    - {{name: small, method: GET, resiliency: {{retry: {{maxAttempts: 3, waitDuration: 1ms}}, fallback: {{call: up.other}}}}}}
  - path: /other/{{id}}
    operations: [{{name: other, method: GET}}]
exposes:
- type: rest
  namespace: front
  port: 8080
  resources:
  - path: /flow
    operations:
    - name: flow
      method: GET
      steps:
      - {{type: call, name: one, call: up.large}}
      - {{type: call, name: two, call: up.small, with: {{id: "{{{{one.id}}}}"}}}}
      mappings: [{{targetName: got, value: $.two.n}}, {{targetName: size, value: $.one.size}}]
"""
ROWS = 60_000


@pytest.fixture
def upstream() -> Iterator[StandInUpstream]:
    with StandInUpstream() as stand_in:
        stand_in.on(
            "GET", "/large", {"id": 7, "size": ROWS, "rows": [{"n": each, "t": "text"} for each in range(ROWS)]}
        )
        stand_in.on("GET", "/small/{id}", {"n": 1})
        stand_in.on("GET", "/other/{id}", {"n": 2})
        yield stand_in


def test_a_step_after_a_large_answer_is_sent_again_and_may_fall_back(upstream, tmp_path):
    path = tmp_path / "apart.yaml"
    path.write_text(FILE.format(upstream=upstream.url))
    with served(path, "--port", "rest=0", ready=("rest ",)) as running:
        url = f"{running.url('rest')}/flow"
        upstream.misbehave(Fail(503), path="/small/{id}", times=2)
        answer = httpx.get(url, trust_env=False, timeout=LIMIT)
        assert (answer.status_code, answer.json()) == (200, {"got": 1, "size": ROWS})
        assert "naftiko-note" not in answer.headers
        assert [sent.raw_path for sent in upstream.requests] == ["/large", *["/small/7"] * 3]
        upstream.clear()
        upstream.misbehave(Fail(503), path="/small/{id}")
        answer = httpx.get(url, trust_env=False, timeout=LIMIT)
        assert (answer.status_code, answer.json()) == (200, {"got": 2, "size": ROWS})
        assert answer.headers["naftiko-note"] == 'fallback;from="up.other";reason="503"'
        assert [sent.raw_path for sent in upstream.requests] == ["/large", *["/small/7"] * 3, "/other/7"]
