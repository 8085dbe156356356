"""Base URIs and the variables that complete them (SEMANTICS 2)."""

from __future__ import annotations

import pytest
from linked_units import api, only_unit, tool
from test_references import Variables

import naftiko
from naftiko.engine.settings import Settings
from naftiko.errors import MissingVariable
from naftiko.plan.base import parse_base
from naftiko.plan.references import ADAPTER_PREFIXES, Names
from naftiko.plan.scope import Scope


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
