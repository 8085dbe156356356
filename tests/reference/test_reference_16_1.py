"""REFERENCE 16.1: templates, inputs, `with` — the items that hold here as they do there."""

from __future__ import annotations

import json

import pytest

from naftiko.expression.scope import Scope
from naftiko.expression.template import parse
from naftiko.ground.types import ABSENT
from reference import Recorder, loaded, rest


def rendered(text, **inputs):
    """A template, each placeholder an input."""
    return parse(text, lambda name: lambda scope: scope.input(name)).render(Scope(inputs, None))


@pytest.mark.parametrize(
    ("text", "inputs", "expected"),
    [("plain", {}, "plain"), ("hello {{name}}/{{missing}}", {"name": "alice"}, "hello alice/")],
)
def test_1_templates(text, inputs, expected):
    """A text without placeholders is itself; a missing part of an output's text is nothing."""
    assert rendered(text, **inputs) == expected


def test_3_no_html_escaping():
    """Non-ASCII stays."""
    assert rendered("{{a}}, {{b}} & <c>", a="Erik Lindstrøm", b="Göteborg") == "Erik Lindstrøm, Göteborg & <c>"


VOYAGES = """
consumes:
- namespace: api
  type: http
  baseUri: https://api.example
  resources:
  - name: voyages
    path: /voyages
    operations:
    - name: create
      method: POST
      body: |
        {"shipImo": "{{shipImo}}", "crewIds": {{crewIds}}}
exposes:
- type: rest
  namespace: shipyard-api
  port: 1
  resources:
  - name: voyages
    path: /voyages
    operations:
    - name: create
      method: POST
      inputParameters:
      - {name: shipImo, in: body, type: string}
      - {name: crewIds, in: body, type: array}
      call: api.create
      with: {shipImo: shipyard-api.shipImo, crewIds: "{{crewIds}}"}
"""


async def test_2_and_12_a_raw_json_body():
    """The text stays as it is written, lists are JSON, the upstream's 201 comes back."""
    upstream = Recorder({"ok": 1}, 201)
    async with rest(loaded(VOYAGES, upstream)) as client:
        response = await client.post("/voyages", json={"shipImo": "IMO-9321483", "crewIds": ["CREW-001", "CREW-003"]})
    assert response.status_code == 201
    assert upstream.last.content == b'{"shipImo": "IMO-9321483", "crewIds": ["CREW-001","CREW-003"]}'


LOCATIONS = """
exposes:
- type: rest
  namespace: front
  port: 1
  inputParameters:
  - {name: X-Tenant, in: header, type: string}
  resources:
  - name: search
    path: /search/{{shipId}}
    inputParameters:
    - {name: shipId, in: path, type: string}
    operations:
    - name: search
      method: POST
      inputParameters:
      - {name: q, in: query, type: string}
      - {name: fixed, in: query, type: string, value: fixed}
      - {name: name, in: body, type: string, value: $.name}
      - {name: meta, in: body, value: $.meta}
      - {name: none, in: body, value: $.does.not.exist}
      outputParameters:
      - {name: values, type: string, value: "{{shipId}} {{q}} {{X-Tenant}} {{fixed}} {{name}}"}
      - {name: meta, value: "{{meta}}"}
      - {name: none, value: "{{none}}"}
"""


async def test_4_5_and_8_inputs_of_three_levels_and_all_locations():
    """Server, resource and operation; a constant always wins; what is not in the body is nothing."""
    async with rest(loaded(LOCATIONS)) as client:
        response = await client.post(
            "/search/IMO-1?q=ships&fixed=mine",
            json={"name": "Voyager", "meta": {"rank": 1}},
            headers={"X-Tenant": "acme"},
        )
    assert response.json() == {"values": "IMO-1 ships acme fixed Voyager", "meta": {"rank": 1}, "none": None}


OUTBOUND = """
consumes:
- namespace: api
  type: http
  baseUri: https://api.example
  inputParameters:
  - {name: Notion-Version, in: header, value: "2025-09-03"}
  - {name: X-Trace, in: header, value: "trace-{{requestId}}"}
  resources:
  - name: ships
    path: /ships/{{imo_number}}
    operations:
    - name: get
      method: GET
      inputParameters:
      - {name: imo_number, in: path}
      - {name: search, in: query, value: "{{q}}"}
exposes:
- type: rest
  namespace: shipyard-api
  port: 1
  resources:
  - name: ships
    path: /ships/{{imo}}
    operations:
    - name: get
      method: GET
      inputParameters:
      - {name: imo, in: path, type: string}
      - {name: q, in: query, type: string}
      - {name: requestId, in: query, type: string}
      call: api.get
      with: {imo_number: "{{imo}}", q: shipyard-api.q, requestId: shipyard-api.requestId}
"""


async def test_6_7_11_and_15_fixed_values_are_templates_of_the_arguments():
    """`trace-…` and the search text are filled, a path parameter is renamed by `with`."""
    upstream = Recorder()
    async with rest(loaded(OUTBOUND, upstream)) as client:
        assert (await client.get("/ships/IMO-9321483?q=ice%20class&requestId=abc-123")).status_code == 200
    assert upstream.last.url.path == "/ships/IMO-9321483"
    assert upstream.last.url.params["search"] == "ice class"
    assert upstream.last.headers["x-trace"] == "trace-abc-123"
    assert upstream.last.headers["notion-version"] == "2025-09-03"


async def test_7_a_missing_input_leaves_its_key_absent():
    """No `search=`, no half a header."""
    upstream = Recorder()
    async with rest(loaded(OUTBOUND, upstream)) as client:
        assert (await client.get("/ships/IMO-9321483")).status_code == 200
    assert not upstream.last.url.query
    assert "x-trace" not in upstream.last.headers


PATHS = """
consumes:
- namespace: api
  type: http
  baseUri: https://api.example
  resources:
  - name: items
    path: /items
    operations:
    - name: post
      method: POST
      inputParameters:
      - {name: q, in: query}
      - {name: X-API-Key, in: header, value: ABC123}
      body: {type: json, data: {user: "{{user}}"}}
exposes:
- type: rest
  namespace: front
  port: 1
  resources:
  - name: items
    path: /items
    operations:
    - name: post
      method: POST
      inputParameters:
      - {name: user, in: body, value: $.user}
      - {name: q, in: body, type: string, value: $.user.id}
      call: api.post
"""


async def test_9_and_10_values_out_of_the_body():
    """Objects stay objects upstream, text is not quoted in the query."""
    upstream = Recorder()
    async with rest(loaded(PATHS, upstream)) as client:
        await client.post("/items", json={"user": {"id": "999", "name": "Alice"}})
    assert json.loads(upstream.last.content) == {"user": {"id": "999", "name": "Alice"}}
    assert upstream.last.url.query == b"q=999"
    assert upstream.last.headers["x-api-key"] == "ABC123"


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [
        ("xml", "application/xml"),
        ("formUrlEncoded", "application/x-www-form-urlencoded"),
        ("sparql", "application/sparql-query"),
    ],
)
def test_17_media_types_of_bodies(kind, media_type):
    """As the reference engine's; here the body is also of that type."""
    text = PATHS.replace('{type: json, data: {user: "{{user}}"}}', f'{{type: {kind}, data: "a={{{{user}}}}"}}')
    request = loaded(text).units[0].request({"user": "x"})
    assert request.headers["content-type"] == media_type


STEPS = """
consumes:
- namespace: api
  type: http
  baseUri: https://api.example
  resources:
  - name: voyage
    path: /voyages/{{voyageId}}
    operations:
    - {name: get, method: GET, inputParameters: [{name: voyageId, in: path}]}
aggregates:
- namespace: planning
  functions:
  - name: get
    inputParameters: [{name: voyageId, type: string, required: true}]
    steps:
    - {name: one, type: call, call: api.get, with: {voyageId: planning.voyageId}}
exposes:
- type: mcp
  namespace: shipyard-tools
  port: 1
  tools:
  - name: direct
    description: d
    inputParameters: [{name: voyageId, type: string, required: true}]
    steps:
    - {name: one, type: call, call: api.get, with: {voyageId: shipyard-tools.voyageId}}
  - {name: by-ref, description: d, ref: planning.get}
"""


@pytest.mark.parametrize("name", ["direct", "by-ref"])
async def test_18_references_inside_of_steps(name):
    """The adapter's namespace in a tool's steps, the aggregate's in a function's."""
    from reference import tool

    upstream = Recorder()
    await tool(loaded(STEPS, upstream), name, voyageId="VOY-2026-042")
    assert upstream.last.url.path == "/voyages/VOY-2026-042"


def test_absent_is_not_an_empty_text():
    """The value that stands for nothing at all."""
    assert not ABSENT
