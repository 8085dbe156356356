"""REFERENCE 16.5 and 16.9: the REST adapter; authentication in (49 to 51) has its own tests."""

from __future__ import annotations

from reference import Recorder, loaded, rest

FRONT = """
consumes:
- namespace: api
  type: http
  baseUri: https://api.example
  resources:
  - name: x
    path: /x/{id}
    operations: [{name: get, method: GET, inputParameters: [{name: id, in: path}, {name: limit, in: query}, {name: name, in: query, value: "{{x}}"}]}]
exposes:
- type: rest
  namespace: front
  port: 1
  resources:
  - name: x
    path: /x/{id}
    operations:
    - {name: get, method: GET, inputParameters: [{name: id, in: path}, {name: limit, in: query}, {name: x, in: query}], call: api.get, with: {id: rest.id, limit: rest.limit, x: rest.x}}
  - name: broken
    path: /broken
    operations: [{name: broken, method: GET, call: invalidCallFormat}]
  - name: proxy
    path: /proxy/{{path}}
    forward: {targetNamespace: api, trustedHeaders: [X-Trace]}
"""


async def test_48_what_is_not_there():
    """Unlike there: 405 with Allow for another method, a problem for a broken call; no outputs is the raw body."""
    upstream = Recorder({"raw": 1})
    async with rest(loaded(FRONT, upstream)) as client:
        assert (await client.post("/x/1")).status_code == 405
        assert (await client.get("/x/1/")).status_code == 404
        assert (await client.get("/broken")).status_code == 501
        assert (await client.get("/x/1")).json() == {"raw": 1}


async def test_48_and_79_forward():
    """A trusted header goes on; unlike there the query does too."""
    upstream = Recorder({"ok": 1})
    async with rest(loaded(FRONT, upstream)) as client:
        assert (await client.get("/proxy/v1/pages?q=1", headers={"X-Trace": "abc-123", "X-Other": "1"})).json() == {
            "ok": 1
        }
    assert str(upstream.last.url) == "https://api.example/v1/pages?q=1"
    assert upstream.last.headers["x-trace"] == "abc-123"
    assert "x-other" not in upstream.last.headers


async def test_80_83_84_and_86_unlike_there():
    """Nothing is sent for nothing, `{id}` is filled, `rest.limit` is a reference, path values are decoded and encoded."""
    upstream = Recorder()
    async with rest(loaded(FRONT, upstream)) as client:
        await client.get("/x/a%20b?limit=5")
        assert str(upstream.last.url) == "https://api.example/x/a%20b?limit=5"
        await client.get("/x/1")
        assert str(upstream.last.url) == "https://api.example/x/1"


async def test_85_no_content():
    """204 is an answer, not an error."""
    capability = loaded(FRONT, Recorder("", 204))
    assert (await capability.units[0].run({"id": "1"})).status == 204
    async with rest(capability) as client:
        assert (await client.get("/x/1")).status_code == 204
