"""Base URIs and the variables that complete them (SEMANTICS 2)."""

from __future__ import annotations

import json

import pytest
from linked_units import api, only_unit, tool
from test_references import Variables

import naftiko
from naftiko.engine.settings import Settings
from naftiko.expression.references import ADAPTER_PREFIXES, Names
from naftiko.expression.scope import Scope
from naftiko.ground.errors import InputError, MissingVariable, UpstreamUnreachable
from naftiko.plan.base import parse_base


def base(text):
    return parse_base(text, Names(prefixes=ADAPTER_PREFIXES, binds={"": frozenset({"HOST"})}))


def filled(text, variables=None, **inputs):
    return base(text).fill(Scope(inputs, Variables(**(variables or {}))))


@pytest.mark.parametrize(
    ("text", "variables", "uri"),
    [
        ("https://h/v1/", {}, "https://h/v1"),
        ("  https://h  ", {}, "https://h"),
        ("h/v1", {}, "https://h/v1"),
        ("", {}, ""),
        ("https://{domain}.h", {"domain": "acme"}, "https://acme.h"),
        ("https://{{HOST}}/v1", {"HOST": "x:8"}, "https://x:8/v1"),
        ("{{HOST}}", {"HOST": "http://h"}, "http://h"),
        ("https://h/{version}/x", {"version": "v2"}, "https://h/v2/x"),
        ("https://h/v1?key=1#f", {}, "https://h/v1"),
        ("http://${H}:${P}/api", {"H": "127.0.0.1", "P": "80"}, "http://127.0.0.1:80/api"),
        ("http://${{HOST}}/$x", {"HOST": "h"}, "http://h/$x"),
        ("http://h:80{P}", {"P": "80"}, "http://h:8080"),
        ("https://münchen.test/ü b", {}, "https://xn--mnchen-3ya.test/%C3%BC%20b"),
        ("https://{domain}/x", {"domain": "u:p@MÜNCHEN.test:8"}, "https://u:p@xn--mnchen-3ya.test:8/x"),
        ("https://h/{version}", {"version": "ü/b c%41"}, "https://h/%C3%BC/b%20c%41"),
    ],
)
def test_filling(text, variables, uri):
    assert filled(text, variables) == uri


def test_the_query_of_a_base_is_kept_apart():
    assert base("https://h/v1?key=1#f").query == "key=1"


def test_a_missing_variable_never_becomes_empty():
    for text in ("https://{domain}.h", "https://h/{version}", "https://{{HOST}}"):
        with pytest.raises(MissingVariable):
            filled(text)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("http://{H}:{{P}}/{v}", ("H", "P")),
        ("HTTPS://api.{REGION}.test", ("REGION",)),
        ("{{WHOLE}}/v1", ()),
        ("{{WHOLE}}", ()),
        ("https://{{USER}}:{{PASS}}@h/x", ()),
        ("https://h/{{HOST}}", ()),
    ],
)
def test_the_variables_that_are_a_host_or_a_port(text, names):
    """They are shown: a whole URL, a user and a path may be secret, a host is not."""
    assert base(text).origin_names == names


BAD_PORTS = ["abc", "99999", "0", "-1", "80 90", "80:90", "\uff11\uff12", "8\u00b2"]
BAD_HOSTS = [
    "a..b",
    "[::1",
    "[zz]",
    "a b",
    "1.2.3.999",
    "xn--",
    "x" * 64,
    "h\\x",
    "ü" * 70,
    "\u2488.test",
    "@",
    "h?x=1",
]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("http://h:{V}/x", port) for port in BAD_PORTS),
        *(("https://{{V}}/x", host) for host in BAD_HOSTS),
        *(("{V}", url) for url in ("ftp://h", "http://", "http://:80", "https//h", "http://[::1]x:1")),
    ],
)
def test_variables_that_make_no_url(text, value):
    """A clear error that names the variable; the value may be a secret."""
    unit, loaded = only_unit(api("", resource="/r").replace("https://api.test", json.dumps(text)), tool(""), V=value)
    assert not loaded.errors
    with pytest.raises(UpstreamUnreachable, match="not an http or https URL") as caught:
        unit.request()
    assert caught.value.hint == "correct its baseUri, or the value of V"
    assert (caught.value.status, caught.value.detail.count(value)) == (502, 0)


def test_a_host_and_a_port_of_a_bind_are_no_secrets():
    """A dry run shows where a request goes; a credential of a bind stays hidden."""
    text = "binds: [{namespace: env, keys: {PS_HOST: PS_HOST, PS_PORT: PS_PORT, PS_KEY: PS_KEY}}]\n" + api(
        "", resource="/{{PS_KEY}}"
    ).replace("https://api.test", '"http://${PS_HOST}:${PS_PORT}/api"')
    _, loaded = only_unit(text, tool(""), PS_HOST="127.0.0.1", PS_PORT="22001", PS_KEY="k-12345")
    redact = loaded.variables.redactor.redact
    assert redact(str(loaded.units[0].request().url)) == "http://127.0.0.1:22001/api/***"


def test_only_a_placeholder_in_the_path_may_come_from_a_call():
    found = base("https://{domain}/{version}/{{HOST}}")
    assert found.path_names == ("version",)
    assert found.variables == ("domain", "HOST")
    assert not found.constant
    assert filled("https://{domain}/x", {"domain": "ours"}, domain="evil.test") == "https://ours/x"


@pytest.mark.parametrize("value", ["a/b", "a%2Fb", "?x", "#x", "a b"])
def test_what_a_call_gives_stays_one_segment(value):
    uri = filled("https://h/{version}/x", version=value)
    assert uri.count("/") == 4
    assert "?" not in uri
    assert "%2F" not in uri.replace("%252F", "") or value == "a/b"


def test_with_fills_a_placeholder_in_the_path():
    consumes = "consumes:\n- namespace: a\n  baseUri: https://h/{{tenant}}/v1\n  resources:\n  - path: /r\n    operations: [{name: o}]\n"
    unit, loaded = only_unit(consumes, tool("with: {tenant: tools.org}"))
    assert [given.name for given in unit.inputs] == ["org"]
    assert str(unit.request({"org": "a/b"}).url) == "https://h/a%2Fb/v1/r"
    assert not list(loaded.diagnostics)


def test_the_operators_base_uri_wins_over_the_files():
    text = "naftiko: 0.5\n" + api("", resource="/r") + tool("")
    loaded = naftiko.loads(text, settings=Settings(base_uris={"a*": "http://stand-in/{part}"}, variables={"part": "p"}))
    assert str(loaded.units[0].request().url) == "http://stand-in/p/r"


BASE_WITH_TENANT = "consumes:\n- namespace: a\n  baseUri: https://h/{tenant}/v1\n  resources:\n  - path: /r\n    operations: [{name: o}]\n"


@pytest.mark.parametrize("given", [{}, {"org": None}, {"org": ""}])
def test_a_callers_input_without_a_value_is_no_empty_segment(given):
    """``https://h//v1`` is another place; a variable of the operator's may stand in."""
    exposed = tool("with: {tenant: tools.org}\ninputParameters: [{name: org, type: string, required: false}]")
    unit, _ = only_unit(BASE_WITH_TENANT, exposed)
    with pytest.raises(InputError, match=r"no value for `org`, which `a\.o` requires as `tenant`"):
        unit.request(given)
    unit, _ = only_unit(BASE_WITH_TENANT, exposed, tenant="ours")
    if not given:
        assert str(unit.request(given).url) == "https://h/ours/v1/r"
