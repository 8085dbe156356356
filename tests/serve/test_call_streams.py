"""``naftiko call`` and ``inspect`` of operations that answer with streams."""

from __future__ import annotations

import json
import subprocess

import pytest
from served import run

from forks import NAFTIKO
from naftiko.testing import StandInUpstream
from stream_api import Feed, event

FILE = """
naftiko: 1.0.0-alpha2
capability:
  consumes:
  - type: http
    namespace: live
    baseUri: URL
    resources:
    - path: /events
      operations:
      - {name: watch, method: GET, outputRawFormat: sse, collect: {until: $.done, limit: 10}}
  exposes:
  - type: rest
    namespace: front
    port: 8080
    resources:
    - path: /events
      operations:
      - name: watch
        method: GET
        call: live.watch
        outputParameters:
        - {name: n, type: integer, mapping: $.number}
"""


@pytest.fixture
def upstream():
    with StandInUpstream() as standing_in:
        yield standing_in


@pytest.fixture
def file(tmp_path, upstream):
    made = tmp_path / "capability.yaml"
    made.write_text(FILE.replace("URL", upstream.url), "utf-8")
    return made


def test_each_item_is_printed_before_the_next_is_sent(file, upstream):
    feed = Feed()
    upstream.on("GET", "/events", feed)
    feed.say(event({"number": 1}))
    command = [NAFTIKO, "call", str(file), "watch"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == '{"n":1}\n'
        feed.say(event({"number": 2}))
        assert process.stdout.readline() == '{"n":2}\n'
        feed.say(event({"number": 3, "done": True}))
        assert process.communicate(timeout=60) == ('{"n":3}\n', "")
    assert process.returncode == 0


def test_raw_is_the_array(file, upstream):
    feed = Feed()
    upstream.on("GET", "/events", feed)
    feed.say(event({"number": 1, "done": 1}))
    assert run("call", str(file), "watch", "--format", "raw").stdout == '[{"n":1}]'


def test_what_is_cut_is_an_error_behind_what_came(file, upstream):
    feed = Feed()
    upstream.on("GET", "/events", feed)
    feed.say(event({"number": 1}))
    feed.cut()
    done = run("call", str(file), "watch")
    assert (done.returncode, done.stdout) == (1, '{"n":1}\n')
    assert "was cut" in done.stderr


def test_a_last_item_that_never_came_is_noted(file, upstream):
    feed = Feed()
    upstream.on("GET", "/events", feed)
    feed.say(event({"number": 1}))
    feed.end()
    done = run("call", str(file), "watch")
    assert (done.returncode, done.stdout) == (0, '{"n":1}\n')
    assert "the stream ended before its last item came" in done.stderr


def test_inspect_shows_the_stream(file):
    assert "stream: format sse, until $.done, items 10" in run("inspect", str(file)).stdout
    described = json.loads(run("inspect", str(file), "--format", "json").stdout)
    assert '"stream": {"format": "sse", "until": "$.done", "items": 10}' in json.dumps(described)


def test_explain_looks_at_the_first_item(file, upstream):
    feed = Feed()
    upstream.on("GET", "/events", feed)
    feed.say(event({"number": 7, "done": 1}))
    assert "7" in run("call", str(file), "watch", "--explain").stdout
