"""REFERENCE 16.2: client, authentication out, imports, binds."""

from __future__ import annotations

import pytest

from naftiko.ground.errors import MissingVariable
from reference import Recorder, loaded, tool

CALL = """
consumes:
- namespace: api
  type: http
  baseUri: https://api.example.com/v1
  authentication: AUTHENTICATION
  resources:
  - name: items
    path: /items
    operations: [{name: list, method: GET}]
exposes:
- type: mcp
  namespace: tools
  port: 1
  tools: [{name: list, description: d, call: api.list}]
"""


def requested(authentication, **settings):
    return loaded(CALL.replace("AUTHENTICATION", authentication), **settings).units[0].request({})


def test_19_api_key_in_the_query():
    """Appended to the URL."""
    request = requested("{type: apikey, key: api_key, value: abc123, placement: query}")
    assert str(request.url) == "https://api.example.com/v1/items?api_key=abc123"


def test_19_an_api_key_is_encoded():
    """Unlike there: a key with `&` is still one value."""
    request = requested('{type: apikey, key: api_key, value: "a&b=c", placement: query}')
    assert request.url.params.multi_items() == [("api_key", "a&b=c")]


def test_20_a_bearer_token_is_sent_as_it_is():
    """Raw, after the scheme."""
    assert requested("{type: bearer, token: ntn_test_abc123}").headers["authorization"] == "Bearer ntn_test_abc123"


def test_basic_sends_the_password():
    """Unlike the alpha2 engine, whose password is never the real one."""
    assert (
        requested("{type: basic, username: bob, password: secret}").headers["authorization"] == "Basic Ym9iOnNlY3JldA=="
    )


def test_21_a_trailing_slash_of_a_base_uri_is_fine():
    """Unlike there, where it is an error: it is joined with one slash."""
    text = CALL.replace("AUTHENTICATION", "{type: bearer, token: t}").replace("/v1\n", "/v1/\n")
    assert str(loaded(text).units[0].request({}).url) == "https://api.example.com/v1/items"


HELLO = """
naftiko: "1.0.0-alpha5"
consumes:
- namespace: hello
  type: http
  baseUri: https://hello.example
  resources: [{name: hi, path: /hi, operations: [{name: say, method: GET}]}]
"""
IMPORTING = """
consumes:
- {import: hello, location: ./nested/hello.yaml, as: hello-en}
- {import: hello, location: ./nested/hello.yaml, as: hello-fr}
- namespace: inline
  type: http
  baseUri: https://inline.example
  resources: [{name: x, path: /x, operations: [{name: get, method: GET}]}]
exposes:
- type: mcp
  namespace: tools
  port: 1
  tools:
  - {name: en, description: d, call: hello-en.say}
  - {name: fr, description: d, call: hello-fr.say}
  - {name: inline, description: d, call: inline.get}
"""


async def test_22_and_23_imports(tmp_path):
    """Relative to the importing file, twice under two names, in order with inline entries."""
    (tmp_path / "nested").mkdir()
    (tmp_path / "nested" / "hello.yaml").write_text(HELLO)
    upstream = Recorder()
    capability = loaded(
        IMPORTING, upstream, path=tmp_path / "capability.yaml", base_uris={"hello-fr": "https://fr.example"}
    )
    assert list(capability.plan.apis) == ["hello-en", "hello-fr", "inline"]
    for name in ("en", "fr", "inline"):
        await tool(capability, name)
    assert [request.url.host for request in upstream.requests] == ["hello.example", "fr.example", "inline.example"]


@pytest.mark.parametrize(("location", "word"), [("./missing.yaml", "missing.yaml"), ("./nested/hello.yaml", "nope")])
def test_22_an_import_that_finds_nothing_is_told(tmp_path, location, word):
    """A missing file, or a namespace that isn't in it."""
    (tmp_path / "nested").mkdir()
    (tmp_path / "nested" / "hello.yaml").write_text(HELLO)
    text = IMPORTING.replace(
        "{import: hello, location: ./nested/hello.yaml, as: hello-en}", f"{{import: nope, location: {location}}}"
    )
    capability = loaded(text, path=tmp_path / "capability.yaml")
    assert any(word in str(found) for found in capability.errors)


BOUND = """
binds:
- namespace: notion
  location: file:///./SECRETS
  keys: {NOTION_TOKEN: token}
- namespace: env
  keys: {API_KEY: API_KEY}
""" + CALL.replace("AUTHENTICATION", '{type: bearer, token: "{{TOKEN}}"}')


@pytest.mark.parametrize(
    ("name", "content"), [("secrets.yaml", "token: from-file\n"), ("secrets.json", '{"token": "from-file"}')]
)
def test_24_binds_of_files(tmp_path, name, content):
    """YAML and JSON, relative to the capability file (there: to the working directory)."""
    (tmp_path / name).write_text(content)
    text = BOUND.replace("SECRETS", name).replace("{{TOKEN}}", "{{NOTION_TOKEN}}")
    request = loaded(text, path=tmp_path / "capability.yaml").units[0].request({})
    assert request.headers["authorization"] == "Bearer from-file"


def test_24_binds_of_the_environment():
    """A value that is there, and one that isn't: only the call that needs it fails (there: the start)."""
    text = BOUND.replace("{{TOKEN}}", "{{API_KEY}}")
    assert loaded(text, environment={"API_KEY": "v"}).units[0].request({}).headers["authorization"] == "Bearer v"
    with pytest.raises(MissingVariable, match="API_KEY"):
        loaded(text).units[0].request({})
