"""``/openapi.json`` says what is served: inputs, outputs, errors, security, to whoever may call."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from rest_serving import assert_problem, client_of, in_process, operation, rest_capability, route
from starlette.applications import Starlette
from starlette.routing import Mount

import naftiko
from naftiko.engine.settings import Settings
from naftiko.expose.rest import rest_app
from naftiko.expose.rest.openapi import openapi
from naftiko.expose.rest.options import RestOptions
from naftiko.expose.selection import Selection

TESTS = Path(__file__).parent.parent
FILES = [
    TESTS.parent / "capabilities" / "koyeb-instances.yaml",
    TESTS / "fixtures" / "tutorial" / "step-10-rest-adapter.yaml",
    *sorted((TESTS / "fixtures" / "schemathesis").glob("*.yaml")),
]
BASIC = {"type": "basic", "username": "ada", "password": "lovelace"}
KEY = {"type": "apikey", "key": "X-Key", "value": "the-key", "placement": "header"}
SAID = [{"name": "is", "type": "string", "value": "said"}]


async def described(*capabilities, options=None, **request):
    """The document, which is valid."""
    async with client_of(*capabilities, options=options) as client:
        response = await client.get("/openapi.json", **request)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    document = response.json()
    OpenAPIV31SpecValidator(document).validate()
    return document


def mock(path, method="GET", **more):
    return route(path, method, None, outputParameters=SAID, **more)


def front(*routes, namespace="front", **adapter):
    return rest_capability(routes, adapter={"namespace": namespace, **adapter})


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_documents_of_whole_files_are_valid(file):
    """OpenAPI 3.1, with an operation for each unit that can be called."""
    capability = naftiko.load(file, settings=Settings(environment={}, variables={"LEDGER_KEY": "k"}))
    document = await described(capability, headers={"X-Ledger-Key": "k"})
    assert document["openapi"] == "3.1.0"
    assert document["info"]["title"] == capability.label
    found = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    units = [unit for adapter in capability.adapters if adapter.kind == "rest" for unit in adapter.units]
    assert found == {(unit.method, unit.path.replace("{{", "{").replace("}}", "}")) for unit in units}


INPUTS = [
    {"name": "id", "in": "path", "type": "integer", "description": "Which one."},
    {"name": "tags", "in": "query", "type": "array", "items": {"type": "string"}},
    {"name": "kind", "in": "query", "type": "string", "required": True, "enum": ["a", "b"]},
    {"name": "filter", "in": "query", "type": "object"},
    {"name": "X-Tenant", "in": "header", "type": "string", "pattern": "^[a-z]+$"},
    {"name": "session", "in": "cookie", "type": "string"},
    {"name": "name", "in": "body", "type": "string", "required": True, "maxLength": 9},
    {"name": "size", "in": "body", "type": "string", "enum": ["s", "l"]},
    {"name": "REGION", "in": "environment", "type": "string"},
]


async def test_inputs_of_all_locations():
    """Each where it is read, with its checks; the server's environment is nobody's business."""
    document = await described(front(mock("/x/{id}", "POST", inputParameters=INPUTS)))
    declared = document["paths"]["/x/{id}"]["post"]
    by_name = {(found["name"], found["in"]): found for found in declared["parameters"]}
    assert set(by_name) == {
        ("id", "path"), ("tags", "query"), ("kind", "query"), ("filter", "query"), ("X-Tenant", "header"),
        ("session", "cookie"),
    }  # fmt: skip
    path = by_name["id", "path"]
    assert path == {
        "name": "id",
        "in": "path",
        "required": True,
        "schema": {"type": "integer"},
        "description": "Which one.",
    }
    assert by_name["tags", "query"]["schema"] == {"type": "array", "items": {"type": "string"}}
    assert by_name["kind", "query"]["required"] is True
    assert by_name["kind", "query"]["schema"]["enum"] == ["a", "b"]
    assert by_name["filter", "query"]["content"]["application/json"]["schema"]["type"] == "object"
    assert by_name["X-Tenant", "header"]["schema"]["pattern"] == "^[a-z]+$"
    assert "REGION" not in str(document)


async def test_fields_of_a_body_as_json_and_as_forms():
    """In JSON null is the absence of an optional field; a form has none."""
    document = await described(front(mock("/x/{id}", "POST", inputParameters=INPUTS)))
    body = document["paths"]["/x/{id}"]["post"]["requestBody"]
    assert body["required"] is True
    assert set(body["content"]) == {"application/json", "application/x-www-form-urlencoded", "multipart/form-data"}
    json, form = (body["content"][kind]["schema"] for kind in ("application/json", "multipart/form-data"))
    assert json["required"] == form["required"] == ["name"]
    assert json["properties"]["name"] == form["properties"]["name"] == {"type": "string", "maxLength": 9}
    accepts = Draft202012Validator(json).is_valid
    assert accepts({"name": "n", "size": None})
    assert accepts({"name": "n", "size": "s"})
    assert not accepts({"name": None})
    assert not accepts({"name": "n", "size": "m"})
    assert form["properties"]["size"] == {"type": "string", "enum": ["s", "l"]}
    async with client_of(front(mock("/x/{id}", "POST", inputParameters=INPUTS))) as client:
        assert (await client.post("/x/1?kind=a", json={"name": "n", "size": None})).status_code == 200
        assert_problem(await client.post("/x/1?kind=a", json={"name": None}), 400, "invalid-input")


async def test_whole_bodies():
    """An object has its shape; `string` is what many files say of any JSON; other media types pass as they are."""
    bodies = {}
    for kind in ("object", "string"):
        consumed = operation("POST", inputParameters=[{"name": "body", "in": "body", "type": kind, "required": True}])
        document = await described(rest_capability([route("/x", "POST")], {"do": consumed}))
        bodies[kind] = document["paths"]["/x"]["post"]["requestBody"]
        assert bodies[kind]["required"] is True
        assert bodies[kind]["content"]["*/*"] == {}
    assert bodies["object"]["content"]["application/json"] == {"schema": {"type": "object"}}
    assert bodies["string"]["content"]["application/json"] == {}


async def test_what_can_not_be_empty():
    """A query parameter that becomes a segment upstream, and a required list: an empty one is none."""
    parameters = [
        {"name": "id", "in": "path", "type": "string"},
        {"name": "tags", "in": "query", "type": "array", "required": True},
        {"name": "q", "in": "query", "type": "string", "required": True},
    ]
    consumed = operation("GET", "/things/{id}", inputParameters=parameters)
    document = await described(rest_capability([route("/things")], {"do": consumed}))
    found = {one["name"]: one["schema"] for one in document["paths"]["/things"]["get"]["parameters"]}
    assert found == {
        "id": {"type": "string", "minLength": 1},
        "tags": {"type": "array", "items": {}, "minItems": 1},
        "q": {"type": "string"},
    }
    async with client_of(rest_capability([route("/things")], {"do": consumed})) as client:
        assert_problem(await client.get("/things?id=&tags=a&q="), 400, "invalid-input")
        problem = assert_problem(await client.get("/things?id=1&q="), 400, "invalid-input")
    assert [error["name"] for error in problem["errors"]] == ["tags"]


async def test_a_head_route_has_no_content():
    document = await described(rest_capability([route("/x", "HEAD")], {"do": operation("HEAD")}))
    assert "content" not in document["paths"]["/x"]["head"]["responses"]["2XX"]


async def test_outputs_and_errors():
    """A mapped answer has its shape; an answer as it is may be anything, or nothing; errors are problems."""
    mapped = [{"type": "object", "properties": {"a": {"type": "string", "mapping": "$.a"}}}]
    document = await described(rest_capability([route("/mapped", outputParameters=mapped), route("/whole")]))
    answers = document["paths"]["/mapped"]["get"]["responses"]
    schema = answers["2XX"]["content"]["application/json"]["schema"]
    assert schema["properties"]["a"]["type"][:2] == ["string", "null"]
    assert all(Draft202012Validator(schema).is_valid({"a": value}) for value in (None, "x", 5, {"b": []}))
    whole = document["paths"]["/whole"]["get"]["responses"]
    assert (whole["2XX"]["content"], "content" in whole["204"]) == ({"*/*": {}}, False)
    problem = answers["default"]["content"]["application/problem+json"]["schema"]
    assert problem == {"$ref": "#/components/schemas/Problem"}
    async with client_of(front(mock("/x/{id}", inputParameters=INPUTS[:1]))) as client:
        refused = assert_problem(await client.get("/x/one"), 400, "invalid-input")
    Draft202012Validator(document["components"]["schemas"]["Problem"]).validate(refused)


async def test_what_can_not_be_called_is_not_described():
    """A unit that can't be executed, and a forward, which takes anything."""
    routes = [mock("/x"), route("/broken", call="api.nope")]
    forward = {"path": "/all/{rest}", "forward": {"targetNamespace": "api"}}
    document = await described(rest_capability([*routes, forward]))
    assert set(document["paths"]) == {"/x"}


async def test_one_route_with_two_names_for_its_placeholder():
    """To OpenAPI these are one path: the first name is the document's, and each method keeps its own type."""
    routes = [
        mock("/x/{id}", inputParameters=[{"name": "id", "in": "path", "type": "integer"}]),
        mock("/x/{{key}}", "DELETE", inputParameters=[{"name": "key", "in": "path", "type": "string"}]),
        mock("/x/{id}", inputParameters=[{"name": "id", "in": "path", "type": "boolean"}]),
    ]
    item = (await described(front(*routes)))["paths"]["/x/{id}"]
    assert set(item) == {"get", "delete"}
    kinds = {
        method: [(found["name"], found["schema"]["type"]) for found in item[method]["parameters"]] for method in item
    }
    assert kinds == {"get": [("id", "integer")], "delete": [("id", "string")]}


SECURED = [
    (BASIC, {"front.basic": {"type": "http", "scheme": "basic"}}),
    ({"type": "bearer", "token": "t"}, {"front.bearer": {"type": "http", "scheme": "bearer"}}),
    (KEY, {"front.apiKey.X-Key": {"type": "apiKey", "name": "X-Key", "in": "header"}}),
    ({**KEY, "placement": "query"}, {"front.apiKey.X-Key": {"type": "apiKey", "name": "X-Key", "in": "query"}}),
    ({**BASIC, "type": "digest"}, {"front.digest": {"type": "http", "scheme": "digest"}}),
]


@pytest.mark.parametrize(("authentication", "schemes"), SECURED, ids=lambda value: str(value.get("type", "")))
def test_security_is_said(authentication, schemes):
    """The scheme that the adapter asks for, on every operation."""
    from naftiko.expose.rest.openapi import openapi

    capability = front(mock("/x"), authentication=authentication)
    document = openapi([(capability, capability.adapters[0], "")])
    OpenAPIV31SpecValidator(document).validate()
    assert document["components"]["securitySchemes"] == schemes
    assert document["paths"]["/x"]["get"]["security"] == [{key: [] for key in schemes}]
    assert "lovelace" not in str(document)
    assert "the-key" not in str(document)


async def test_the_document_is_for_those_who_may_call():
    """Without the credential a 401 that asks for it; of two adapters a caller sees what is open to them."""
    secret = front(mock("/secret"), namespace="secret", authentication=KEY)
    async with client_of(secret) as client:
        refused = await client.get("/openapi.json")
        assert (refused.status_code, "/secret" in refused.text) == (401, False)
        assert (await client.head("/openapi.json")).status_code == 401
    assert set((await described(secret, headers={"X-Key": "the-key"}))["paths"]) == {"/secret"}
    both = (secret, front(mock("/open"), namespace="open"))
    assert set((await described(*both))["paths"]) == {"/open"}
    document = await described(*both, headers={"X-Key": "the-key"})
    assert set(document["paths"]) == {"/open", "/secret"}
    assert "security" not in document["paths"]["/open"]["get"]


async def test_methods_on_the_document():
    """HEAD has the length and no body, OPTIONS and others say what is allowed."""
    async with client_of(front(mock("/x"))) as client:
        got, head = await client.get("/openapi.json"), await client.head("/openapi.json")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(got.content))
        refused = await client.post("/openapi.json")
        assert_problem(refused, 405, "method-not-allowed")
        told = await client.options("/openapi.json")
        assert refused.headers["allow"] == told.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_a_capabilitys_own_route_wins():
    """By name or by a placeholder; one with other methods leaves GET to the document."""
    for path in ("/openapi.json", "/{file}"):
        async with in_process(front(mock(path))) as client:
            assert (await client.get("/openapi.json")).json() == {"is": "said"}
    async with in_process(front(mock("/openapi.json", "POST"))) as client:
        assert (await client.post("/openapi.json")).json() == {"is": "said"}
        assert (await client.get("/openapi.json")).json()["openapi"] == "3.1.0"
        assert (await client.delete("/openapi.json")).headers["allow"] == "OPTIONS, POST"


async def test_the_document_can_be_turned_off():
    async with in_process(front(mock("/x")), RestOptions(openapi=False)) as client:
        assert_problem(await client.get("/openapi.json"), 404, "not-found")


async def test_several_capabilities_on_one_port():
    """One document of all of them; a route that two have takes what either takes, and each answers what it asks for."""
    one = front(mock("/x"), mock("/one"), namespace="one")
    two = front(mock("/x", inputParameters=[{"name": "q", "in": "query"}]), mock("/two"), namespace="two")
    document = await described(one, two)
    assert set(document["paths"]) == {"/x", "/one", "/two"}
    assert document["paths"]["/x"]["get"]["parameters"] == [{"name": "q", "in": "query", "schema": {}}]
    assert [tag["name"] for tag in document["tags"]] == ["one", "two"]


async def test_with_prefixes_each_capability_has_its_own_paths():
    """And an operation's id stays unique."""
    one, two = (rest_capability([mock("/x")], api={"namespace": name}) for name in ("one", "two"))
    document = await described(one, two, options=RestOptions(prefix=True))
    assert set(document["paths"]) == {"/one/x", "/two/x"}
    ids = [item["get"]["operationId"] for item in document["paths"].values()]
    assert len(set(ids)) == 2


async def test_a_route_that_is_not_served_is_not_described():
    """Deny wins over allow; both know `namespace/name`."""
    routes = [mock("/x"), mock("/x", "DELETE"), mock("/y")]
    options = RestOptions(selection=Selection(allow=("front/*",), deny=("DELETE *", "front/GET /y")))
    async with client_of(front(*routes), options=options) as client:
        assert set((await client.get("/openapi.json")).json()["paths"]["/x"]) == {"get"}
        assert_problem(await client.get("/y"), 404, "not-found")
        assert (await client.delete("/x")).headers["allow"] == "GET, HEAD, OPTIONS"
        assert (await client.get("/x")).json() == {"is": "said"}
    other = RestOptions(selection=Selection(allow=("other/*",)))
    async with client_of(front(*routes), options=other) as client:
        assert_problem(await client.get("/x"), 404, "not-found")
        assert (await client.get("/openapi.json")).json()["paths"] == {}


async def test_the_server_is_where_the_document_is():
    """Whatever path a proxy, or another app, puts both at."""
    capability = front(mock("/things/{id}"))
    async with capability:
        mounted = Starlette(routes=[Mount("/deep/down", app=rest_app(capability))])
        transport = httpx.ASGITransport(mounted)
        async with httpx.AsyncClient(transport=transport, base_url="https://api.example") as client:
            found = await client.get("/deep/down/openapi.json")
            document = found.json()
            [path] = document["paths"]
            server = urljoin(str(found.url), document["servers"][0]["url"])
            called = await client.get(server.rstrip("/") + path.replace("{id}", "7"))
            assert (called.status_code, called.json()) == (200, {"is": "said"})
            assert (await client.get("/deep/down/nothing")).status_code == 404
            assert (await client.post("/deep/down/openapi.json")).status_code == 405
    assert urljoin("https://proxy.example/prefix/openapi.json", document["servers"][0]["url"]) == (
        "https://proxy.example/prefix/"
    )


SUMMARIES = """
naftiko: 1.0.0-alpha2
exposes:
- type: rest
  namespace: web
  port: 1
  resources:
  - path: /a
    operations:
    - {method: GET, name: getThings, label: Things, outputParameters: [{name: a, value: b}]}
    - {method: POST, name: addThing, description: "Adds a thing, e.g. a cup. It is shown at once.", outputParameters: [{name: a, value: b}]}
    - {method: PUT, name: put-all_things, outputParameters: [{name: a, value: b}]}
    - {method: PATCH, name: long, description: LONG, outputParameters: [{name: a, value: b}]}
"""


def test_every_operation_has_a_summary_of_one_line():
    text = SUMMARIES.replace("LONG", "word " * 100)
    capability = naftiko.loads(text, settings=Settings(environment={}))
    item = openapi([(capability, capability.adapters[0], "")])["paths"]["/a"]
    assert item["get"]["summary"] == "Things"
    assert item["post"]["summary"].startswith("Adds a thing")
    assert item["put"]["summary"] == "Put all things"
    assert len(item["patch"]["summary"]) <= 120
