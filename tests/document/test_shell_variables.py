"""Credentials with a shell's variables mean ours, and say so (SEMANTICS 1.4 and 2)."""

from __future__ import annotations

from pathlib import Path

import pytest

from naftiko.document.load import parse_document
from naftiko.document.shell import as_template, meant

HEAD = "naftiko: 1.0.0-alpha2\n"


@pytest.mark.parametrize(
    ("written", "template"),
    [
        ("$env.TOKEN", "{{env.TOKEN}}"),
        ("${TOKEN}", "{{TOKEN}}"),
        ("${token}", "{{token}}"),
        ("${env.TOKEN}", "{{env.TOKEN}}"),
        ("${env:TOKEN}", "{{env.TOKEN}}"),
        ("${TOKEN:-none}", "{{TOKEN}}"),
        ("Token ${A}:${B}", "Token {{A}}:{{B}}"),
    ],
)
@pytest.mark.parametrize("place", ["consumes:\n- namespace: a\n", "exposes:\n- type: mcp\n"])
def test_a_variable_in_a_credential_is_read(place, written, template):
    loaded = parse_document(f"{HEAD}{place}  auth: {{type: bearer, token: '{written}'}}\n", Path("f.yaml"))
    (thing,) = loaded.document.consumes or loaded.document.exposes
    assert thing.authentication.token == template
    (found,) = loaded.findings
    assert (found.rule, found.severity.value, found.position.line) == ("shell-variable", "warning", 4)
    assert found.position.column == 31


@pytest.mark.parametrize(
    ("block", "keys"),
    [
        ("{type: basic, username: '${U}', password: $env.P}", {"username": "{{U}}", "password": "{{env.P}}"}),
        ("{type: apikey, key: X-K, value: '${K}', placement: header}", {"value": "{{K}}", "key": "X-K"}),
        ("{type: apikey, headers: {A: '${A}', B: b}}", {"headers": {"A": "{{A}}", "B": "b"}}),
        ("{type: digest, username: u, password: '${P}'}", {"password": "{{P}}"}),
        (
            "{type: oauth2, clientId: '${I}', clientSecret: $env.S}",
            {"client_id": "{{I}}", "client_secret": "{{env.S}}"},
        ),
    ],
)
def test_every_value_of_every_kind_is_read(block, keys):
    loaded = parse_document(f"{HEAD}consumes:\n- namespace: a\n  authentication: {block}\n", Path("f.yaml"))
    authentication = loaded.document.consumes[0].authentication
    assert {key: getattr(authentication, key) for key in keys} == keys
    assert {found.rule for found in loaded.findings} == {"shell-variable"}


def test_what_stands_beside_a_variable_is_not_shown():
    loaded = parse_document(f"{HEAD}consumes:\n- auth: {{type: bearer, token: 'hidden${{A}}'}}\n", Path("f.yaml"))
    (found,) = loaded.findings
    assert "hidden" not in found.message + found.hint


@pytest.mark.parametrize(
    "text", ["", "$", "${}", "$5", "a$b", "pa$$word", "{{TOKEN}}", "$.a.b", "$env", "${a b}", "$ENV.X", "{TOKEN}"]
)
def test_other_texts_are_texts(text):
    assert as_template(text) is None


@pytest.mark.parametrize(
    ("text", "template"),
    [
        ("$TOKEN", "{{TOKEN}}"),
        ("$(TOKEN)", "{{TOKEN}}"),
        ("%TOKEN%", "{{TOKEN}}"),
        ("<TOKEN>", "{{TOKEN}}"),
        ("$top", None),
    ],
)
def test_other_spellings_are_a_guess(text, template):
    assert (as_template(text), meant(text)) == (None, template)
