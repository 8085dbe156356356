"""What the file alone decides is told at load, where it stands, and stops only what it must (SEMANTICS 1.4)."""

from __future__ import annotations

import pytest
from linked_units import api, capability, rest, rules, tool

from naftiko.document.model import RAW_FORMATS
from naftiko.engine.formats import KNOWN
from naftiko.link.streams import FORMATS
from naftiko.plan.addresses import wrong_address, wrong_url


def told(loaded):
    return [
        (found.rule, found.severity.value, found.position.line, found.position.column) for found in loaded.diagnostics
    ]


@pytest.mark.parametrize(
    "text",
    [
        "http://h",
        "https://h:443/v1",
        "http://h:1",
        "http://h:65535/",
        "http://h:",
        "http://[::1]:80/x",
        "http://127.0.0.1:8080",
        "http://user:word@h:80/",
        "http://münchen.test/",
        "http://a_b.test./",
        "HTTPS://H/",
    ],
)
def test_a_url_that_can_be_called(text):
    assert wrong_url(text) == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("http://h:99999", "`99999` is no port"),
        ("http://h:0", "`0` is no port"),
        ("http://h:abc/v1", "`abc` is no port"),
        ("http://h:-1", "`-1` is no port"),
        ("http://h:80:90", "is no port"),
        ("http://h:80x", "is no port"),
        ("http://h:\uff11", "is no port"),
        ("ftp://h", "not http or https but `ftp`"),
        ("wss://h", "not http or https but `wss`"),
        ("http://", "no host"),
        ("http:///x", "no host"),
        ("http:/h/x", "neither http:// nor https://"),
        ("https//h/x", "neither http:// nor https://"),
        ("http://h h/x", "a space"),
        ("http://[::1", "no name and no address"),
        ("http://[::g]/", "no name and no address"),
        ("http://a..b", "`a..b` is no host"),
        ("http://999.1.1.1", "is no host"),
        ("http://" + "a" * 64 + ".test", "is no host"),
    ],
)
def test_a_url_that_can_not_be_called_says_why(text, why):
    assert why in wrong_url(text)


@pytest.mark.parametrize("text", ["localhost", "0.0.0.0", "::", "[::1]", "*", "fe80::1%eth0", "my-host", "a.b.test"])
def test_an_address_that_can_be_listened_on(text):
    assert wrong_address(text) == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("http://localhost", "a URL"),
        ("localhost:80", "a port"),
        ("a b", "no host"),
        ("1.2.3", "no host"),
        ("::g", "no IP address"),
    ],
)
def test_an_address_that_can_not_be_listened_on_says_why(text, why):
    assert why in wrong_address(text)


CONSUMED = (
    "consumes:\n- namespace: a\n  baseUri: {}\n  resources: [{{path: /r, operations: [{{name: o, method: GET}}]}}]\n"
)


@pytest.mark.parametrize(
    ("base", "rule", "why"),
    [
        ("http://h:99999", "bad-base-uri", "is no port"),
        ("http://h:abc/v1", "bad-base-uri", "is no port"),
        ('"http://{{env.HOST}}:99999"', "bad-base-uri", "is no port"),
        ("ftp://h/x", "bad-base-uri", "ftp"),
        ("http:/h/x", "bad-base-uri", "neither"),
        ('"http://a b/{{V}}"', "bad-base-uri", "a space"),
        ('"http://{{env.HOST}/x"', "broken-template", "lacks a brace"),
        ('"http://{HOST}}/x"', "broken-template", "lacks a brace"),
        ('"http://{HOST/x"', "broken-template", "lacks a brace"),
    ],
)
def test_a_base_uri_that_nothing_can_be_sent_to_stops_its_operations_alone(base, rule, why):
    mock = "- {name: m, description: d, outputParameters: [{name: x, value: y}]}\n"
    loaded = capability(CONSUMED.format(base) + tool("") + f"  {mock}")
    assert told(loaded)[0] == (rule, "error", 4, 12)
    assert why in loaded.diagnostics[0].message
    called, mocked = loaded.units
    assert (called.executable, mocked.executable) == (False, True)
    assert why in called.reason
    assert "/x" not in called.reason  # callers don't see where the upstream is


@pytest.mark.parametrize(
    "base",
    [
        "http://h",
        "h.test/v1",
        "localhost:3000",
        '""',
        '"{{BASE}}"',
        '"{{BASE}}:99999/x"',
        '"{scheme}://h"',
        '"http://{{HOST}}:{{PORT}}/v1"',
        "https://{domain}.h.test",
        '"http://127.0.0.1:{port}"',
    ],
)
def test_a_base_uri_that_something_may_be_sent_to_is_left_alone(base):
    loaded = capability(CONSUMED.format(base) + tool(""))
    assert told(loaded) == []
    assert loaded.units[0].executable


def test_the_operators_base_uri_replaces_a_bad_one():
    import naftiko
    from naftiko.engine.settings import Settings

    settings = Settings(environment={}, base_uris={"a": "http://h"})
    loaded = naftiko.loads("naftiko: 1.0.0-alpha2\n" + CONSUMED.format("http://h:99999") + tool(""), settings=settings)
    assert loaded.diagnostics == ()
    assert str(loaded.units[0].request().url) == "http://h/r"


@pytest.mark.parametrize(
    ("written", "severity", "rule", "hint"),
    [
        ("GETT", "warning", "unknown-method", "did you mean `GET`?"),
        ("PSOT", "warning", "unknown-method", "did you mean `POST`?"),
        ("delet", "warning", "unknown-method", "did you mean `DELETE`?"),
        ("FETCH", "warning", "unknown-method", ""),
        ("GET /x", "error", "bad-method", ""),
        ('"GET,POST"', "error", "bad-method", ""),
        ('""', "error", "bad-method", ""),
    ],
)
def test_a_method_that_is_none_on_both_sides(written, severity, rule, hint):
    loaded = capability(api("", method=written) + rest("", method=written))
    assert [found[:2] for found in told(loaded)] == [(rule, severity)] * 2
    assert [found.hint for found in loaded.diagnostics] == [hint] * 2
    assert [found.position.column for found in loaded.diagnostics] == [15, 15]


@pytest.mark.parametrize("method", ["get", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "QUERY", "PURGE"])
def test_a_method_that_is_one(method):
    assert rules(capability(api("", method=method) + tool(""))) == []


@pytest.mark.parametrize("format_", ["jsno", "INI", "application/json"])
def test_an_unknown_format_stops_the_operation(format_):
    loaded = capability(api(f"outputRawFormat: {format_}") + tool(""))
    assert told(loaded)[0][:2] == ("unknown-format", "error")
    assert not loaded.units[0].executable
    assert format_ in loaded.units[0].reason


@pytest.mark.parametrize("format_", [*RAW_FORMATS, "JSON"])
def test_a_known_format_does_not(format_):
    loaded = capability(api(f"outputRawFormat: {format_}") + tool(""))
    assert "unknown-format" not in rules(loaded)
    assert loaded.units[0].executable


def test_the_language_and_the_engine_know_the_same_formats():
    assert set(RAW_FORMATS) == KNOWN | set(FORMATS)


@pytest.mark.parametrize("size", ["5 megs", "MiB", "0", "-1", "1e6"])
def test_a_size_that_is_none_is_told(size):
    loaded = capability(api(f"outputRawFormat: binary\nmaxBinarySize: '{size}'") + tool(""))
    assert told(loaded) == [("bad-size", "warning", 11, 22)]


@pytest.mark.parametrize("size", ["4096", "512KiB", "1.5 MiB", "5mb", "1G"])
def test_a_size_that_is_one(size):
    assert rules(capability(api(f"outputRawFormat: binary\nmaxBinarySize: '{size}'") + tool(""))) == []


@pytest.mark.parametrize("address", ["http://localhost", "localhost:80", "a b", '"{{HOST}"'])
@pytest.mark.parametrize("kind", ["rest", "mcp", "skill", "control"])
def test_an_address_that_is_none_is_told(kind, address):
    loaded = capability(f"exposes:\n- type: {kind}\n  address: {address}\n")
    assert [found for found in told(loaded) if found[0] == "bad-address"] == [("bad-address", "error", 4, 12)]


@pytest.mark.parametrize("address", ["localhost", '"::"', '"{{HOST}}"', '"{{env.HOST}}"', '""'])
def test_an_address_that_may_be_one_is_left_alone(address):
    assert "bad-address" not in rules(capability(f"exposes:\n- type: rest\n  address: {address}\n"))


@pytest.mark.parametrize("path", ["/x/{id", "/x/id}", "/x/{{id}", "/x/{id}}", "/{a}/{b"])
def test_a_path_with_a_loose_brace_is_told(path):
    loaded = capability(api("") + rest("", path=path))
    assert [found[:3] for found in told(loaded)] == [("broken-template", "error", 15)]


@pytest.mark.parametrize(
    ("operation", "line"),
    [
        ("body: {data: {k: '{{a}'}}", 10),
        ('body: \'{"k": "{{a}"}\'', 10),
        ("body: {type: text, data: '{a}}'}", 10),
        ("inputParameters: [{name: p, in: query, value: '{{a}'}]", 10),
        ("inputParameters: [{name: p, in: header, value: {k: '{{a}'}}]", 10),
    ],
)
def test_a_broken_template_of_an_operation_stops_it(operation, line):
    """Nothing is sent that isn't what the file means."""
    loaded = capability(api(operation, method="POST") + tool(""))
    assert ("broken-template", "error", line) in [found[:3] for found in told(loaded)]
    assert not loaded.units[0].executable
    assert rules(loaded).count("blocked-call") == 1


@pytest.mark.parametrize("key", ["headers: {X-A: '{{a}'}", "inputParameters: [{name: X-A, in: header, value: '{{a}'}]"])
def test_a_broken_template_of_an_api_stops_its_operations(key):
    loaded = capability(api("", consumes=key) + tool(""))
    assert "broken-template" in rules(loaded)
    assert not loaded.units[0].executable


WITHS = ["p: '{{a}'", "p: {k: ['{a}}']}", "p: '{{#a}}'", "p: '$.s['", "p: 'x {{a'"]


@pytest.mark.parametrize("with_", WITHS)
@pytest.mark.parametrize("place", ["unit", "step", "function", "ref"])
def test_a_broken_value_of_with_stops_the_unit(place, with_):
    """Without the parameter the request would ask for something else."""
    given = f"with: {{{with_}}}"
    step = f"steps: [{{type: call, name: s, call: a.o, {given}}}]"
    functions = f"aggregates: [{{namespace: g, functions: [{{name: f, call: a.o, {given}}}]}}]\n"
    called = "aggregates: [{namespace: g, functions: [{name: f, call: a.o, inputParameters: [{name: p}]}]}]\n"
    units = {
        "unit": tool(given),
        "step": tool(step, call="x-y: z"),
        "function": functions + tool("", call="ref: g.f"),
        "ref": called + tool(given, call="ref: g.f"),
    }
    loaded = capability(api("inputParameters: [{name: p, in: query}]") + units[place])
    found = [each for each in loaded.diagnostics if each.rule in {"broken-template", "broken-jsonpath"}]
    assert len(found) == 1
    assert found[0].severity.value == "error"
    assert [unit.executable for unit in loaded.units] == [False]


def test_every_broken_value_of_with_is_told():
    loaded = capability(api("") + tool("with: {p: '{{a}', q: ok, r: '$.s[', t: '{b}}'}"))
    assert rules(loaded).count("broken-template") == 2
    assert rules(loaded).count("broken-jsonpath") == 1


@pytest.mark.parametrize("output", ["value: 'a {{b}'", "value: {k: '{{b}'}"])
def test_a_broken_template_of_an_output_is_told_and_is_null(output):
    loaded = capability(api("") + tool(f"outputParameters: [{{name: x, {output}}}]"))
    assert rules(loaded) == ["broken-template"]
    assert loaded.units[0].executable
