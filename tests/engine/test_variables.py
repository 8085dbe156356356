"""Variables from outside: where they come from, which wins, and what a missing one does (SEMANTICS 2)."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from consuming import consuming, request_of, url_of

from naftiko.ground.errors import InputError, MissingVariable, UnusableVariable, UpstreamUnreachable

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
    """After ``renew`` a rotated secret is seen; before, the file is not read again."""
    secrets = tmp_path / "secrets.yaml"
    secrets.write_text("api-token: old\n")
    capability = sending("{{TOKEN}}", tmp_path, [FILE_BIND])
    assert header_of(capability) == "old"
    secrets.write_text("api-token: new\n")
    assert header_of(capability) == "old"
    assert asyncio.run(capability.variables.renew(["TOKEN"]))
    assert header_of(capability) == "new"


def test_what_can_not_be_read_anew_keeps_its_value(tmp_path):
    secrets = tmp_path / "secrets.yaml"
    secrets.write_text("api-token: old\n")
    capability = sending("{{TOKEN}}", tmp_path, [FILE_BIND])
    assert header_of(capability) == "old"
    secrets.unlink()
    assert not asyncio.run(capability.variables.renew(["TOKEN"]))
    assert header_of(capability) == "old"


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


AROUND = ["k-123\n", "\r\n k-123\t\n\n", "k-123 ", "\tk-123"]
BAD = ["k-1\n23", "k-1\r\n23", "k-1\x0023", "k-1\x1b23", "k-1\x7f23", "k-1\udcff23"]
"""What nothing but a body may hold, and what nothing may."""
PLACES = {
    "bearer": {"api": {"authentication": {"type": "bearer", "token": "{{env.V}}"}}},
    "apikey header": {"api": {"authentication": {"type": "apikey", "key": "X-Key", "value": "{{env.V}}"}}},
    "apikey query": {
        "api": {"authentication": {"type": "apikey", "key": "k", "value": "{{env.V}}", "placement": "query"}}
    },
    "apikey cookie": {
        "api": {"authentication": {"type": "apikey", "key": "k", "value": "{{env.V}}", "placement": "cookie"}}
    },
    "basic": {"api": {"authentication": {"type": "basic", "username": "u", "password": "{{env.V}}"}}},
    "header": {"operation": {"inputParameters": [{"name": "X-V", "in": "header", "value": "a {{env.V}}"}]}},
    "query": {"operation": {"inputParameters": [{"name": "q", "in": "query", "value": "{{env.V}}"}]}},
    "cookie": {"operation": {"inputParameters": [{"name": "c", "in": "cookie", "value": "{{env.V}}"}]}},
    "path": {"path": "/x/{{env.V}}"},
    "path's query": {"path": "/x?q={{env.V}}"},
    "base": {"api": {"baseUri": "https://api.example/{{env.V}}"}},
    "base without a bind": {"api": {"baseUri": "https://api.example/{V}"}},
    "with": {
        "operation": {"inputParameters": [{"name": "q", "in": "query"}]},
        "tool": {"with": {"q": "<{{env.V}}>"}},
    },
    "bare in with": {
        "operation": {"inputParameters": [{"name": "X-V", "in": "header"}]},
        "tool": {"with": {"X-V": "env.V"}},
    },
    "extra": {"tool": {"with": {"q": "env.V"}}},
    "host": {"api": {"baseUri": "https://{{env.V}}.example"}},
}


def with_variable(place, value, **more):
    keys = dict(PLACES[place])
    return consuming(keys.pop("operation", None), environment={"V": value}, **keys, **more)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("value", AROUND)
def test_line_ends_and_blanks_around_a_value_are_dropped(place, value):
    """Whatever the variable is used for: the file of a secret ends in a line end (SEMANTICS 4.2)."""
    made, plain = (request_of(with_variable(place, text)) for text in (value, "k-123"))
    assert (made.url, made.headers) == (plain.url, plain.headers)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("value", BAD)
def test_a_control_character_inside_is_told_by_the_variables_name(place, value):
    """503, nothing sent, and never the value."""
    with pytest.raises((UnusableVariable, UpstreamUnreachable)) as caught:
        request_of(with_variable(place, value))
    told = f"{caught.value.detail} {caught.value.hint}"
    assert "V" in told
    assert "k-1" not in told
    assert caught.value.status == (503 if isinstance(caught.value, UnusableVariable) else 502)


@pytest.mark.parametrize("source", ["given", "prefixed", "file", "environment"])
def test_wherever_the_value_comes_from(source, tmp_path):
    """``--var``, NAFTIKO_VAR_, a file, the environment."""
    (tmp_path / "secrets.yaml").write_text("api-token: |\n  k-123\n\n")
    settings = {
        "given": {"variables": {"TOKEN": "k-123\n"}},
        "prefixed": {"environment": {"NAFTIKO_VAR_TOKEN": "k-123\n"}},
        "file": {},
        "environment": {"environment": {"TOKEN": " k-123\r\n"}},
    }[source]
    assert header_of(sending("{{TOKEN}}", tmp_path, [FILE_BIND] if source == "file" else [], **settings)) == "k-123"


def test_blanks_alone_are_no_value(tmp_path):
    capability = sending("{{TOKEN}}", tmp_path, [PLAIN_BIND], environment={"TOKEN_SOURCE": " \r\n"})
    with pytest.raises(MissingVariable, match="no value for TOKEN"):
        request_of(capability)


def test_a_body_may_have_lines():
    """A key in several lines is one value of a JSON document; other control characters are none anywhere."""
    operation = {"method": "POST", "body": {"type": "json", "data": {"key": "{{env.V}}"}}}
    made = request_of(consuming(operation, environment={"V": "-----BEGIN\nabc\n-----END\n"}))
    assert made.content == b'{"key":"-----BEGIN\\nabc\\n-----END"}'
    with pytest.raises(UnusableVariable):
        request_of(consuming(operation, environment={"V": "a\x00b"}))


@pytest.mark.parametrize("kind", ["bearer", "apikey"])
def test_a_literal_credential_is_trimmed_and_checked_too(kind):
    """A block of YAML text ends in a line end; a line break inside can't be meant."""
    key = {"bearer": "token", "apikey": "value"}[kind]
    for text in ("literal-1\n", "\nliteral-1\r\n"):
        request = request_of(consuming(api={"authentication": {"type": kind, key: text}}))
        assert "literal-1" in {value.removeprefix("Bearer ") for value in request.headers.values()}
    with pytest.raises(UnusableVariable, match=f"`{key}` in the authentication of `api`") as caught:
        request_of(consuming(api={"authentication": {"type": kind, key: "literal\n-1"}}))
    assert "literal" not in caught.value.detail


@pytest.mark.parametrize("value", ["a\x01b", "a\x7fb", "a\nb", "a\x1bb"])
def test_a_callers_control_character_in_a_header_is_the_callers_fault(value):
    """400, and no traceback of the transport; a tab may stand in a header (RFC 9110 chapter 5.5)."""
    capability = consuming({"inputParameters": [{"name": "X-A", "in": "header"}]})
    with pytest.raises(InputError, match="X-A"):
        request_of(capability, {"X-A": value})
    assert request_of(capability, {"X-A": "a\tb"}).headers["x-a"] == "a\tb"
