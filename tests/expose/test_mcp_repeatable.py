"""Only a tool that only reads may be called again for the rest of its answer: a flow that makes something is none."""

from __future__ import annotations

import json

import pytest
from mcp_wire import NEWEST

from naftiko.expose.mcp.fitting import MORE

CAPABILITY = """
naftiko: 1.0.0-alpha2
capability:
  consumes:
    - type: http
      namespace: up
      baseUri: http://unused.invalid
      resources:
        - path: /json
          operations:
            - {name: get, method: GET}
            - {name: head, method: HEAD}
            - {name: post, method: POST, body: {type: json, data: {a: 1}}}
            - {name: put, method: PUT, body: {type: json, data: {a: 1}}}
            - {name: delete, method: DELETE}
  aggregates:
    - namespace: shared
      functions:
        - {name: reads, description: r, steps: [{name: a, type: call, call: up.get}, {name: b, type: call, call: up.get}]}
        - {name: makes, description: m, steps: [{name: a, type: call, call: up.post}, {name: b, type: call, call: up.get}]}
        - {name: post, description: p, call: up.post}
        - {name: get, description: g, call: up.get}
  exposes:
    - type: mcp
      namespace: mcp
      tools:
        - {name: get, description: d, call: up.get}
        - {name: post, description: d, call: up.post}
        - {name: put, description: d, call: up.put}
        - {name: delete, description: d, call: up.delete}
        - {name: read-twice, description: d, steps: [{name: a, type: call, call: up.get}, {name: b, type: call, call: up.get}]}
        - {name: head-first, description: d, steps: [{name: a, type: call, call: up.head}, {name: b, type: call, call: up.get}]}
        - {name: read-and-find, description: d, steps: [{name: a, type: call, call: up.get}, {name: b, type: lookup, index: a, match: n, lookupValue: 1}, {name: c, type: call, call: up.get}]}
        - {name: post-first, description: d, steps: [{name: a, type: call, call: up.post}, {name: b, type: call, call: up.get}]}
        - {name: post-last, description: d, steps: [{name: a, type: call, call: up.get}, {name: b, type: call, call: up.post}]}
        - {name: delete-later, description: d, steps: [{name: a, type: call, call: up.get}, {name: b, type: call, call: up.delete, with: {q: $.a.n}}, {name: c, type: call, call: up.get, with: {q: $.b.n}}]}
        - {name: ref-reads, ref: shared.reads}
        - {name: ref-makes, ref: shared.makes}
        - {name: ref-post, ref: shared.post}
        - {name: ref-get, ref: shared.get}
"""
READING = {"get", "read-twice", "head-first", "read-and-find", "ref-reads", "ref-get"}
MAKING = {"post", "put", "delete", "post-first", "post-last", "delete-later", "ref-makes", "ref-post"}


@pytest.fixture
async def at(serve, upstream, wire):
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
        upstream.on(method, "/json", {"n": 1, "items": [{"id": number} for number in range(3000)]})
    return wire(f"{await serve(CAPABILITY, base=upstream.url, answer_budget=4000)}/mcp", NEWEST)


async def test_tools_that_only_read_are_shown_as_such(at):
    shown = {tool["name"]: tool.get("annotations", {}) for tool in (await at.ask("tools/list"))["tools"]}
    assert {name for name in READING | MAKING if shown[name].get("readOnlyHint")} == READING


@pytest.mark.parametrize("name", sorted(READING | MAKING))
async def test_the_rest_of_an_answer_is_offered_where_the_call_may_be_made_again(at, upstream, name):
    document = json.loads((await at.call(name))["content"][0]["text"])
    parts = document[MORE]["parts"]
    assert all(("handle" in part) is (name in READING) for part in parts)
    assert parts
    sent = len(upstream.requests)
    for handle in [part["handle"] for part in parts if "handle" in part]:
        assert (await at.call("naftiko-continue", {"handle": handle}))["isError"] is False
    again = [request.method for request in upstream.requests[sent:]]
    assert not {"POST", "PUT", "DELETE"} & set(again)
