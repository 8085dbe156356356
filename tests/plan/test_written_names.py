"""Names that files write in their own way: Google's resource names, bare binds, single braces (SEMANTICS 2, 3.1, 4.1)."""

from __future__ import annotations

import pytest
from linked_units import api, only_unit, query_of, request_of, rest, rules, tool

import naftiko
from naftiko.engine.capability import Unit
from naftiko.engine.settings import Settings
from naftiko.ground.errors import InputError, MissingVariable

BINDS = (
    "binds: [{namespace: secrets, location: 'file:///./absent.yaml', keys: {REGISTRY_TOKEN: t, REGISTRY_VERSION: v}}]\n"
)


def based(base, resource="/v1/{name}"):
    return api("", resource=resource).replace("https://api.test", f"'{base}'")


@pytest.mark.parametrize(
    "base",
    ["https://pubsub.googleapis.com", "https://us-central1-run.googleapis.com/", "HTTPS://A.GoogleAPIs.com:443/x", "a.googleapis.com"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["name", "parent", "resource"])
def test_googles_resource_names_keep_their_slashes(base, name):
    """They are paths themselves: ``projects/p/topics/t``."""
    unit, _ = only_unit(based(base, f"/v1/{{{name}}}:act"), tool(""))
    assert request_of(unit, **{name: "projects/p/topics/a b"}).url.raw_path.endswith(b"/v1/projects/p/topics/a%20b:act")
    for value in ("projects/../x", "projects/%2e%2e/x", "../x", "a/./b"):
        with pytest.raises(InputError, match="segment"):
            unit.request({name: value})


@pytest.mark.parametrize(
    ("base", "path"),
    [
        ("https://pubsub.googleapis.com", "/v1/{topic}"),
        ("https://googleapis.com.evil.test", "/v1/{name}"),
        ("https://evil.test/a.googleapis.com/x", "/v1/{name}"),
        ("https://xgoogleapis.com", "/v1/{name}"),
        ("https://api.test", "/v1/{name}"),
    ],
)
def test_all_others_are_one_segment(base, path):
    unit, _ = only_unit(based(base, path), tool(""))
    (given,) = unit.inputs
    assert request_of(unit, **{given.name: "a/b"}).url.raw_path.endswith(b"/v1/a%2Fb")


@pytest.mark.parametrize(
    ("file", "operator"), [("https://a.googleapis.com", "http://127.0.0.1:9"), ("", "https://a.googleapis.com")]
)
def test_a_stand_in_of_the_operators_changes_nothing(file, operator):
    text = "naftiko: 1.0.0-alpha2\n" + based(file) + tool("")
    loaded = naftiko.loads(text, settings=Settings(base_uris={"a": operator}, environment={}))
    assert str(loaded.units[0].request({"name": "p/t"}).url) == f"{operator}/v1/p/t"


@pytest.mark.parametrize(
    "authentication",
    [
        "{type: bearer, token: REGISTRY_TOKEN}",
        "{type: apikey, key: X-Key, value: REGISTRY_TOKEN}",
        "{type: apikey, headers: {X-Key: REGISTRY_TOKEN}}",
        "{type: basic, username: u, password: secrets.REGISTRY_TOKEN}",
    ],
)
@pytest.mark.parametrize("mock", [False, True])
def test_the_name_of_a_variable_is_never_hidden(authentication, mock):
    """A bare bind name in a credential is a name; a literal beside it is a secret."""
    consumed = api("inputParameters: [{name: X-Version, in: header, value: REGISTRY_VERSION}]",
                   consumes=f"authentication: {authentication}")  # fmt: skip
    loaded = naftiko.loads(
        "naftiko: 1.0.0-alpha2\n" + BINDS + consumed + tool(""), settings=Settings(environment={}, mock=mock)
    )
    redact = loaded.variables.redactor.redact
    if mock:
        loaded.units[0].request()
    else:
        with pytest.raises(MissingVariable) as caught:
            loaded.units[0].request()
        assert "REGISTRY_" in redact(caught.value.detail)
        assert "absent.yaml" in redact(caught.value.hint)
    assert (
        redact("no value for REGISTRY_TOKEN and REGISTRY_VERSION") == "no value for REGISTRY_TOKEN and REGISTRY_VERSION"
    )


def test_a_literal_stays_hidden():
    _, loaded = only_unit(api("", consumes="authentication: {type: bearer, token: literal-token}"), tool(""))
    assert loaded.variables.redactor.redact("literal-token") == "***"


def test_a_value_that_is_its_own_name_hides_nothing():
    loaded = naftiko.loads(
        "naftiko: 1.0.0-alpha2\n"
        + api("", consumes="authentication: {type: bearer, token: '{{env.A_TOKEN}}'}")
        + tool(""),
        settings=Settings(environment={"A_TOKEN": "A_TOKEN"}),
    )
    loaded.units[0].request()
    assert loaded.variables.redactor.redact("no value for A_TOKEN") == "no value for A_TOKEN"


@pytest.mark.parametrize("where", ["header", "query", "cookie"])
@pytest.mark.parametrize("text", ["REGISTRY_VERSION", "secrets.REGISTRY_VERSION"])
def test_a_bare_bind_name_in_a_parameters_value(where, text):
    """As in a credential, with a warning; ``with`` and bodies keep such a word as text."""
    unit, loaded = only_unit(
        BINDS + api(f"inputParameters: [{{name: v, in: {where}, value: {text}}}]"), tool(""), REGISTRY_VERSION="2"
    )
    assert rules(loaded) == ["bare-bind"]
    request = request_of(unit)
    sent = {
        "header": request.headers.get("v"),
        "cookie": request.headers.get("cookie", "")[2:],
        "query": dict(query_of(request)).get("v"),
    }
    assert sent[where] == "2"


def test_other_words_in_a_value_are_text():
    unit, loaded = only_unit(BINDS + api("inputParameters: [{name: v, in: header, value: REGISTRY}]"), tool(""))
    assert not loaded.diagnostics
    assert request_of(unit).headers["v"] == "REGISTRY"
    unit, _ = only_unit(BINDS + api("body: {type: json, data: {v: REGISTRY_VERSION}}", method="POST"), tool(""))
    assert request_of(unit).content == b'{"v":"REGISTRY_VERSION"}'


def resource(with_, uri="data://{org}/items/{id}"):
    adapter = f"exposes:\n- type: mcp\n  namespace: m\n  resources:\n  - name: r\n    uri: '{uri}'\n    call: a.o\n    with: {with_}\n"
    loaded = naftiko.loads(
        "naftiko: 1.0.0-alpha2\n" + api("", resource="/r/{id}") + adapter, settings=Settings(environment={})
    )
    (plan,) = loaded.adapters[0].plan.resources
    return Unit(plan.unit, loaded.engine)


@pytest.mark.parametrize(
    ("with_", "path"),
    [
        ("{id: '{id}'}", b"/r/7"),
        ("{id: '{{id}}'}", b"/r/7"),
        ("{id: '{org}-{id}'}", b"/r/acme-7"),
        ("{id: '{other}'}", b"/r/%7Bother%7D"),
    ],
)
def test_single_braces_in_a_resources_with(with_, path):
    """The variable of its URI is meant; any other text keeps its braces."""
    assert resource(with_).request({"org": "acme", "id": "7"}).url.raw_path == path


def test_single_braces_in_a_routes_with():
    """The same for the placeholders of a route, and for a declared input that stands alone."""
    consumed = api("inputParameters: [{name: q, in: query}]")
    unit, _ = only_unit(consumed, rest("with: {q: 'id:{id}'}", path="/x/{id}"))
    assert query_of(request_of(unit, id="7")) == [("q", "id:7")]
    unit, _ = only_unit(consumed, tool("with: {q: '{ref}'}\ninputParameters: [{name: ref, type: string}]"))
    assert query_of(request_of(unit, ref="7")) == [("q", "7")]
    unit, _ = only_unit(
        consumed, tool("with: {q: 'a{ref}'}\ninputParameters: [{name: ref, type: string, required: false}]")
    )
    assert query_of(request_of(unit)) == [("q", "a{ref}")]
