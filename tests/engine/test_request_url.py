"""The URL of an upstream request (SEMANTICS 2, 4.1 and 4.2)."""

from __future__ import annotations

import pytest
from consuming import consuming, inputs, request_of, url_of

from naftiko.ground.errors import InputError, MissingVariable, NotExecutable


@pytest.mark.parametrize(
    ("base", "path", "expected"),
    [
        ("https://h.example/v1", "/x", "https://h.example/v1/x"),
        ("https://h.example/v1/", "/x", "https://h.example/v1/x"),
        ("https://h.example/v1//", "//x", "https://h.example/v1/x"),
        ("https://h.example/v1", "x", "https://h.example/v1/x"),
        ("https://h.example", "/", "https://h.example/"),
        ("https://h.example/", "", "https://h.example"),
        ("HTTPS://h.example", "/x", "https://h.example/x"),
        ("h.example/v1", "/x", "https://h.example/v1/x"),
        ("https://h.example/v1?tenant=a", "/x", "https://h.example/v1/x?tenant=a"),
        ("https://h.example/v1", "/x?fixed=1#part", "https://h.example/v1/x?fixed=1"),
        ("https://h.example/v1", "/x#/y", "https://h.example/v1/x"),
    ],
)
def test_base_and_path_are_joined_with_exactly_one_slash(base, path, expected):
    """Whatever slashes stand at the seam; a fragment is not sent, queries are kept."""
    assert url_of(consuming(path=path, api={"baseUri": base})).removesuffix("/") == expected.removesuffix("/")


def test_all_queries_are_joined_in_order():
    """That of the base URI, that of the path, then the parameters."""
    capability = consuming(
        {"inputParameters": inputs("q")}, path="/x?fixed=1", api={"baseUri": "https://h.example?tenant=a"}
    )
    assert url_of(capability, {"q": "é&="}) == "https://h.example/x?tenant=a&fixed=1&q=%C3%A9%26%3D"


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("string", "a b+c", "a%20b%2Bc"),
        ("string", "", ""),
        ("boolean", True, "true"),
        ("boolean", False, "false"),
        ("integer", 5, "5"),
        ("integer", 10**25, "1" + "0" * 25),
        ("number", 5.0, "5.0"),
        ("number", 5.25, "5.25"),
        ("object", {"a": [1, "é"]}, "%7B%22a%22%3A%5B1%2C%22%C3%A9%22%5D%7D"),
    ],
)
def test_values_in_the_query(kind, value, expected):
    """Booleans are words, numbers have their digits, objects are JSON text; all is percent-encoded."""
    assert url_of(consuming({"inputParameters": inputs(q=kind)}), {"q": value}).endswith(f"?q={expected}")


def test_an_array_repeats_its_key():
    """``a=1&a=2``; null elements and an empty list send nothing."""
    capability = consuming({"inputParameters": inputs(tag="array")})
    assert url_of(capability, {"tag": ["a,b", 2, None, True]}).endswith("?tag=a%2Cb&tag=2&tag=true")
    assert url_of(capability, {"tag": []}).endswith("/things")


def test_an_operator_chooses_comma_arrays_for_an_api():
    """One value, its elements joined by commas; a comma inside an element is encoded."""
    capability = consuming({"inputParameters": inputs(tag="array")}, comma_arrays=("ap*",))
    assert url_of(capability, {"tag": ["a,b", "c"]}).endswith("?tag=a%2Cb,c")


@pytest.mark.parametrize("name", ["page[token]", "$orderby", "body.tty_size.height", "a b", "é"])
def test_a_parameter_is_named_as_it_is_written(name):
    """Dots and brackets are a part of the name, which comes back as it was once decoded."""
    request = request_of(consuming({"inputParameters": inputs(name)}), {name: "v"})
    assert list(request.url.params.multi_items()) == [(name, "v")]


def test_an_absent_optional_input_sends_nothing():
    """No ``limit=``, no ``null``; null counts as absent."""
    capability = consuming({"inputParameters": inputs("q", limit="integer")})
    assert url_of(capability, {}).endswith("/things")
    assert url_of(capability, {"q": None, "limit": None}).endswith("/things")


@pytest.mark.parametrize("value", ["a/b", "a?b", "a#b", "a%2Fb", "é", "a b", "%", "..a", "a;b=c", "//"])
def test_a_path_value_is_one_segment(value):
    """No character of a value changes the path's structure, and the value comes out as it went in."""
    request = request_of(consuming({"inputParameters": inputs("id", location="path")}, path="/x/{id}/y"), {"id": value})
    segments = request.url.raw_path.decode().split("/")
    assert len(segments) == 5
    from urllib.parse import unquote

    assert unquote(segments[3]) == value
    assert request.url.query == b""


def test_a_value_that_keeps_its_slashes_spans_segments():
    """``{+x}``: only slashes stay as they are."""
    capability = consuming({"inputParameters": inputs("id", location="path")}, path="/x/{+id}")
    assert url_of(capability, {"id": "a/b c/d.txt"}).endswith("/v1/x/a/b%20c/d.txt")


def test_a_path_placeholder_without_a_value_is_the_callers_fault():
    """Nothing is sent to ``/x//y``."""
    capability = consuming({"inputParameters": inputs("id", location="path")}, path="/x/{id}/y")
    with pytest.raises(InputError, match="id"):
        url_of(capability, {})
    with pytest.raises(InputError, match="id"):
        url_of(capability, {"id": ""})


def test_placeholders_of_the_base_uri_are_variables():
    """``{domain}`` and ``{{region}}`` are completed by the operator, by NAFTIKO_VAR_, or by the environment."""
    api = {"baseUri": "https://{domain}.h.example/{{region}}"}
    given = consuming(api=api, variables={"domain": "acme", "region": "eu"})
    prefixed = consuming(api=api, environment={"NAFTIKO_VAR_DOMAIN": "acme", "region": "eu"})
    assert url_of(given) == url_of(prefixed) == "https://acme.h.example/eu/things"


@pytest.mark.parametrize(("base", "named"), [("", "base URI"), ("https://{domain}", "domain")])
def test_a_base_uri_that_is_not_complete_says_how_to_complete_it(base, named):
    """Nothing is sent to half an address."""
    with pytest.raises(MissingVariable, match=named) as caught:
        url_of(consuming(api={"baseUri": base}))
    assert "--base-uri api=" in caught.value.hint or "--var domain=" in caught.value.hint


def test_a_base_uri_that_is_none_is_told_at_load():
    """Nobody needs a call to find it out."""
    capability = consuming(api={"baseUri": "ftp://h"})
    assert [found.rule for found in capability.errors] == ["bad-base-uri", "blocked-call"]
    with pytest.raises(NotExecutable, match="not http or https"):
        url_of(capability)


def test_the_operators_base_uri_wins():
    """By namespace or by pattern; an exact name wins over a pattern."""
    assert url_of(consuming(base_uris={"*": "http://127.0.0.1:9"})) == "http://127.0.0.1:9/things"
    assert url_of(consuming(base_uris={"*": "http://a", "api": "http://b/c/"})) == "http://b/c/things"


def test_parameters_of_three_levels_are_merged_inner_over_outer():
    """Those of consumes, of the resource and of the operation."""
    operation = {"name": "do", "method": "GET", "inputParameters": [{"name": "c", "in": "query", "value": "operation"}]}
    resource_level = [
        {"name": "b", "in": "query", "value": "resource"},
        {"name": "c", "in": "query", "value": "resource"},
    ]
    consumes_level = [{"name": name, "in": "query", "value": "consumes"} for name in "abc"]
    capability = consuming(
        api={
            "inputParameters": consumes_level,
            "resources": [{"name": "r", "path": "/x", "inputParameters": resource_level, "operations": [operation]}],
        }
    )
    assert url_of(capability).endswith("/x?a=consumes&b=resource&c=operation")


@pytest.mark.parametrize("kind", ["string", "object", "array"])
def test_half_a_surrogate_pair_is_a_replacement_character(kind):
    """JSON can write it, no encoding of the wire can; it breaks nothing, however deep it stands (SEMANTICS 5.2)."""
    value = {"string": "a\ud800", "object": {"k\udfff": ["a\ud800"]}, "array": ["a\ud800"]}[kind]
    capability = consuming(
        {"inputParameters": [*inputs(q=kind), *inputs("p", location="path"), *inputs("X-A", location="header")]},
        path="/x/{p}",
    )
    request = request_of(capability, {"q": value, "p": "\ud83d", "X-A": "\ude00b"})
    assert request.url.path == "/v1/x/\ufffd"
    assert request.headers["x-a"] == "\ufffdb"
    shown = {"string": "a\ufffd", "object": '{"k\ufffd":["a\ufffd"]}', "array": "a\ufffd"}[kind]
    assert request.url.params["q"] == shown
