"""Variables from outside: where they come from, which wins, and what a missing one does (SEMANTICS 2)."""

from __future__ import annotations

import httpx
import pytest
from consuming import consuming, request_of, url_of

from naftiko.errors import MissingVariable

FILE_BIND = {"namespace": "vault", "location": "file:///./secrets.yaml", "keys": {"TOKEN": "api-token"}}
PLAIN_BIND = {"namespace": "plain", "keys": {"TOKEN": "TOKEN_SOURCE"}}


def header_of(capability):
    return request_of(capability).headers["x-token"]


def sending(text, tmp_path, binds=(), **settings):
    header = {"name": "X-Token", "in": "header", "value": text}
    return consuming(
        {"inputParameters": [header]}, more={"binds": list(binds)}, file=tmp_path / "capability.yaml", **settings
    )


def test_the_order_of_precedence(tmp_path):
    """--var, then NAFTIKO_VAR_, then the bind, then the environment."""
    (tmp_path / "secrets.yaml").write_text("api-token: from the bind\n")
    environment = {"TOKEN": "from the environment", "NAFTIKO_VAR_TOKEN": "prefixed"}
    assert (
        header_of(sending("{{TOKEN}}", tmp_path, [FILE_BIND], environment=environment, variables={"TOKEN": "given"}))
        == "given"
    )
    assert header_of(sending("{{TOKEN}}", tmp_path, [FILE_BIND], environment=environment)) == "prefixed"
    del environment["NAFTIKO_VAR_TOKEN"]
    assert header_of(sending("{{TOKEN}}", tmp_path, [FILE_BIND], environment=environment)) == "from the bind"
    assert header_of(sending("{{env.TOKEN}}", tmp_path, environment=environment)) == "from the environment"


@pytest.mark.parametrize("text", ["{{TOKEN}}", "{{plain.TOKEN}}", "{{env.TOKEN_SOURCE}}", "{{ TOKEN }}"])
def test_every_spelling_of_a_bind_variable(text, tmp_path):
    """With and without the bind's namespace; ``env.`` whether or not a bind lists it."""
    assert header_of(sending(text, tmp_path, [PLAIN_BIND], environment={"TOKEN_SOURCE": "v"})) == "v"


@pytest.mark.parametrize("environment", [{}, {"TOKEN_SOURCE": ""}])
def test_a_missing_variable_never_becomes_an_empty_text(environment, tmp_path):
    """The call fails, says what to set, and nothing is sent."""
    capability = sending("Bearer {{TOKEN}}", tmp_path, [PLAIN_BIND], environment=environment)
    with pytest.raises(MissingVariable, match="TOKEN") as caught:
        request_of(capability)
    assert "TOKEN_SOURCE" in caught.value.hint
    assert capability.missing_variables() == {"TOKEN": ["do"]}


@pytest.mark.parametrize("content", ["api-token: ''\n", "other: x\n", "api-token: null\n"])
def test_an_empty_value_in_a_bind_is_a_missing_one(content, tmp_path):
    """The hint names the file and the key."""
    (tmp_path / "secrets.yaml").write_text(content)
    with pytest.raises(MissingVariable) as caught:
        request_of(sending("{{TOKEN}}", tmp_path, [FILE_BIND]))
    assert "api-token" in caught.value.hint
    assert "secrets.yaml" in caught.value.hint


async def test_nothing_is_sent_without_the_variable(tmp_path):
    """Not even a request with an empty header."""
    seen = []
    capability = sending(
        "{{TOKEN}}", tmp_path, [PLAIN_BIND], handler=lambda request: seen.append(request) or httpx.Response(200)
    )
    with pytest.raises(MissingVariable):
        await capability.units[0].run({})
    assert not seen


def test_variables_work_wherever_text_goes_out(tmp_path):
    """In base URI, path, query, body and credential."""
    capability = consuming(
        {
            "method": "POST",
            "inputParameters": [{"name": "q", "in": "query", "value": "{{env.V}}-q"}],
            "body": {"type": "json", "data": {"v": "{{env.V}}"}},
        },
        path="/{{env.V}}/x",
        api={"baseUri": "https://{{env.V}}.example", "authentication": {"type": "bearer", "token": "{{env.V}}"}},
        environment={"V": "val"},
    )
    request = request_of(capability)
    assert str(request.url) == "https://val.example/val/x?q=val-q"
    assert request.content == b'{"v":"val"}'
    assert request.headers["authorization"] == "Bearer val"


def test_a_value_is_never_a_template_itself(tmp_path):
    """What an operator gives is text: braces in it stay."""
    assert (
        header_of(sending("{{env.V}}", tmp_path, environment={"V": "{{env.OTHER}}", "OTHER": "x"})) == "{{env.OTHER}}"
    )


def test_reading_anew(tmp_path):
    """After ``forget`` a rotated secret is seen; before, the file is not read again."""
    secrets = tmp_path / "secrets.yaml"
    secrets.write_text("api-token: old\n")
    capability = sending("{{TOKEN}}", tmp_path, [FILE_BIND])
    assert header_of(capability) == "old"
    secrets.write_text("api-token: new\n")
    assert header_of(capability) == "old"
    capability.variables.forget()
    assert header_of(capability) == "new"


@pytest.mark.parametrize("text", ["env.TOKEN_SOURCE", "plain.TOKEN"])
@pytest.mark.parametrize(
    "with_", [{"q": "{}"}, {"q": ["{}"]}, {"q": {"in": "{}"}}], ids=["alone", "in a list", "in a map"]
)
def test_a_bare_variable_in_with(text, with_, tmp_path):
    """``env.NAME`` in ``with`` is the variable (SEMANTICS 3.1); so is a name that a bind lists, by its namespace."""
    filled = {key: [text] if isinstance(value, list) else {"in": text} if isinstance(value, dict) else text
              for key, value in with_.items()}  # fmt: skip
    capability = consuming(
        {"inputParameters": [{"name": "q", "in": "query"}]},
        tool={"with": filled},
        more={"binds": [PLAIN_BIND]},
        environment={"TOKEN_SOURCE": "v-1"},
    )
    assert not capability.diagnostics
    assert "v-1" in str(request_of(capability).url)
    unset = consuming(
        {"inputParameters": [{"name": "q", "in": "query"}]}, tool={"with": filled}, more={"binds": [PLAIN_BIND]}
    )
    assert list(unset.missing_variables()) == [text]
    with pytest.raises(MissingVariable, match="TOKEN"):
        request_of(unset)


def test_what_only_looks_like_a_variable():
    """An input of that very name, a text that goes on after the name, a namespace that no bind has."""
    operation = {"inputParameters": [{"name": "q", "in": "query"}]}
    declared = {"with": {"q": "env.X"}, "inputParameters": [{"name": "env.X", "type": "string"}]}
    assert url_of(consuming(operation, tool=declared, environment={"X": "no"}), {"env.X": "v"}).endswith("?q=v")
    for text in ("env.x.example", "env.", "environment.X", "env.X Y", "production.TOKEN"):
        capability = consuming(operation, tool={"with": {"q": text}}, environment={"X": "no"})
        assert dict(request_of(capability).url.params) == {"q": text}
