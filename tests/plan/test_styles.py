"""Arrays and objects written as OpenAPI 3 has it: style, explode, allowReserved (SEMANTICS 4.2)."""

from __future__ import annotations

import json
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from linked_units import api, only_unit, query_of, request_of, rest, rules, tool

from naftiko.ground.errors import InputError

COLORS = ["blue", "black", "brown"]
RGB = {"R": 100, "G": 200, "B": 150}


def of(declared, resource="/r", **more):
    unit, loaded = only_unit(
        api(f"inputParameters: [{{name: color, {declared}}}]", resource=resource, **more), tool("")
    )
    assert not list(loaded.diagnostics)
    return unit


# The table of https://spec.openapis.org/oas/v3.1.1.html#style-examples, its delimiters as they go on the wire.
@pytest.mark.parametrize(
    ("style", "value", "query"),
    [
        ("style: form, explode: false", "", "color="),
        ("style: form, explode: false", "blue", "color=blue"),
        ("style: form, explode: false", COLORS, "color=blue,black,brown"),
        ("style: form, explode: false", RGB, "color=R,100,G,200,B,150"),
        ("style: form", COLORS, "color=blue&color=black&color=brown"),
        ("explode: true", COLORS, "color=blue&color=black&color=brown"),
        ("explode: false", COLORS, "color=blue,black,brown"),
        ("style: form", RGB, "R=100&G=200&B=150"),
        ("style: spaceDelimited", COLORS, "color=blue%20black%20brown"),
        ("style: spaceDelimited, explode: false", RGB, "color=R%20100%20G%20200%20B%20150"),
        ("style: spaceDelimited, explode: true", COLORS, "color=blue&color=black&color=brown"),
        ("style: pipeDelimited", COLORS, "color=blue%7Cblack%7Cbrown"),
        ("style: pipeDelimited", RGB, "color=R%7C100%7CG%7C200%7CB%7C150"),
        ("style: deepObject", RGB, "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150"),
        ("style: deepObject, explode: true", {"a": {"b": [1, 2]}, "n": None}, "color%5Ba%5D%5Bb%5D=1&color%5Ba%5D%5Bb%5D=2"),
        ("style: deepObject", {"a": [{"b": 1}]}, "color%5Ba%5D%5B0%5D%5Bb%5D=1"),
        ("style: deepObject", COLORS, "color=blue&color=black&color=brown"),
        ("style: form, explode: false", ["a,b", None, "c&d", True, 1.50], "color=a%2Cb,c%26d,true,1.5"),
        ("style: form, explode: false", [], ""),
        ("style: form, explode: false", [None], ""),
        ("style: form, explode: false", {}, ""),
        ("style: form, explode: false", {"a": None}, ""),
        ("style: deepObject", {}, ""),
        ("allowReserved: true", "a:/?@!$'()*,;=b", "color=a:/?@!$'()*,;=b"),
        ("allowReserved: true", "a#b&c+d e[%20]%", "color=a%23b%26c%2Bd%20e%5B%20%5D%25"),
        ("style: form, explode: false, allowReserved: true", ["a/b", "c:d"], "color=a/b,c:d"),
        ("allowReserved: false", "a/b", "color=a%2Fb"),
    ],
)  # fmt: skip
def test_the_styles_of_a_query(style, value, query):
    kind = {list: "array", dict: "object"}.get(type(value), "string")
    request = request_of(of(f"in: query, type: {kind}, {style}"), color=value)
    assert request.url.query.decode() == query


@pytest.mark.parametrize(
    ("style", "value", "text"),
    [
        ("style: simple", "blue", "blue"),
        ("style: simple", COLORS, "blue,black,brown"),
        ("style: simple", RGB, "R,100,G,200,B,150"),
        ("style: simple, explode: true", COLORS, "blue,black,brown"),
        ("explode: true", RGB, "R=100,G=200,B=150"),
        ("style: label", "blue", ".blue"),
        ("style: label", COLORS, ".blue,black,brown"),
        ("style: label", RGB, ".R,100,G,200,B,150"),
        ("style: label, explode: true", COLORS, ".blue.black.brown"),
        ("style: label, explode: true", RGB, ".R=100.G=200.B=150"),
        ("style: matrix", "blue", ";color=blue"),
        ("style: matrix", COLORS, ";color=blue,black,brown"),
        ("style: matrix", RGB, ";color=R,100,G,200,B,150"),
        ("style: matrix, explode: true", COLORS, ";color=blue;color=black;color=brown"),
        ("style: matrix, explode: true", RGB, ";R=100;G=200;B=150"),
        ("style: simple", ["a/b", "c,d", "e?f#g"], "a%2Fb,c%2Cd,e%3Ff%23g"),
        ("style: matrix", "a;b=c", ";color=a%3Bb%3Dc"),
    ],
)
@pytest.mark.parametrize("braces", ["{color}", "{{color}}", "{Color}"])
def test_the_styles_of_a_path(style, value, text, braces):
    kind = {list: "array", dict: "object"}.get(type(value), "string")
    unit = of(f"in: path, type: {kind}, {style}", resource=f"/r/x{braces}/y")
    if braces == "{Color}" and "matrix" in style:
        text = text.replace(";color", ";Color")
    assert request_of(unit, color=value).url.raw_path.decode() == f"/r/x{text}/y"


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        ("in: query, type: object, style: deepObject", {}),
        ("in: query, type: object, style: deepObject", {"a": None, "b": {}}),
        ("in: query, type: object, style: form", {"a": None}),
        ("in: query, type: array, style: pipeDelimited", []),
        ("in: header, type: object, style: simple", {}),
        ("in: cookie, type: object, style: form", {}),
    ],
)
def test_a_required_value_that_leaves_no_trace_is_none(declared, value):
    """A request without its filter would be answered with everybody's data (SEMANTICS 3.2)."""
    with pytest.raises(InputError, match="no value for `color`"):
        request_of(of(f"{declared}, required: true"), color=value)


@pytest.mark.parametrize("value", [[], [None], {}])
def test_a_path_without_a_value_is_not_sent(value):
    kind = "array" if isinstance(value, list) else "object"
    with pytest.raises(InputError, match="color"):
        request_of(of(f"in: path, type: {kind}, style: simple", resource="/r/{color}"), color=value)


@pytest.mark.parametrize(("style", "value"), [("label", "."), ("label", [""]), ("simple", [".."]), ("label", ["", ""])])
def test_no_style_makes_a_dot_segment(style, value):
    kind = "array" if isinstance(value, list) else "string"
    explode = ", explode: true" if len(value) == 2 else ""
    with pytest.raises(InputError, match="color"):
        request_of(of(f"in: path, type: {kind}, style: {style}{explode}", resource="/r/{color}"), color=value)


@pytest.mark.parametrize(
    ("style", "value", "text"),
    [
        ("style: simple", COLORS, "blue,black,brown"),
        ("style: simple", RGB, "R,100,G,200,B,150"),
        ("style: simple, explode: true", RGB, "R=100,G=200,B=150"),
        ("explode: true", COLORS, "blue,black,brown"),
    ],
)
def test_the_styles_of_a_header(style, value, text):
    kind = "array" if isinstance(value, list) else "object"
    assert request_of(of(f"in: header, type: {kind}, {style}"), color=value).headers["color"] == text


def test_a_header_in_a_style_holds_no_line_break():
    with pytest.raises(InputError, match="line break"):
        request_of(of("in: header, type: array, style: simple"), color=["a\r\nX: 1"])


@pytest.mark.parametrize(
    ("style", "value", "text"),
    [
        ("style: form, explode: false", COLORS, "color=blue,black,brown"),
        ("style: form, explode: false", RGB, "color=R,100,G,200,B,150"),
        ("style: form", COLORS, "color=blue; color=black; color=brown"),
        ("style: form", RGB, "R=100; G=200; B=150"),
        ("style: form", ["a; b"], "color=a%3B%20b"),
    ],
)
def test_the_styles_of_a_cookie(style, value, text):
    kind = "array" if isinstance(value, list) else "object"
    assert request_of(of(f"in: cookie, type: {kind}, {style}"), color=value).headers["cookie"] == text


def test_without_a_style_nothing_changes():
    array, json_object = of("in: query, type: array"), of("in: query, type: object")
    assert array.plan.action.call.operation.parameters[0].style is None
    assert query_of(request_of(array, color=COLORS)) == [("color", each) for each in COLORS]
    assert json.loads(query_of(request_of(json_object, color=RGB))[0][1]) == RGB


def test_a_fixed_value_is_written_in_its_style_too():
    unit, _ = only_unit(api("inputParameters: [{name: c, in: query, style: pipeDelimited, value: [a, b]}]"), tool(""))
    assert request_of(unit).url.query == b"c=a%7Cb"


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ("in: query, style: nonsense", "`nonsense` is no style"),
        ("in: query, style: simple", "`simple` means nothing for a parameter `in: query`"),
        ("in: query, style: DeepObject", "`deepObject` is meant"),
        ("in: header, style: form", "`form` means nothing for a parameter `in: header`"),
        ("in: cookie, style: deepObject", "`deepObject` means nothing"),
        ("in: body, style: form", "`style` means nothing in a body"),
        ("in: body, explode: true", "`explode` means nothing in a body"),
        ("in: header, allowReserved: true", "`allowReserved` means nothing"),
    ],
)
def test_what_means_nothing_is_told_and_not_followed(declared, said):
    _, loaded = only_unit(api(f"inputParameters: [{{name: c, type: array, {declared}}}]", method="POST"), tool(""))
    (found,) = loaded.diagnostics
    assert (found.rule, said in found.message.replace("the style ", "")) == ("unknown-style", True), found
    assert found.hint


def test_a_style_in_the_wrong_place_changes_nothing():
    unit, _ = only_unit(api("inputParameters: [{name: c, in: query, type: array, style: label}]"), tool(""))
    assert query_of(request_of(unit, c=["a", "b"])) == [("c", "a"), ("c", "b")]


@pytest.mark.parametrize(("exposed", "count"), [("tool", 1), ("rest", 0)])
def test_a_tools_own_argument_has_no_style(exposed, count):
    declared = "inputParameters: [{name: c, in: query, type: array, style: form, explode: false}]"
    _, loaded = only_unit(
        api("inputParameters: [{name: c, in: query, type: array}]"), (tool if exposed == "tool" else rest)(declared)
    )
    assert rules(loaded) == ["unknown-style"] * count


@given(value=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=4))
def test_no_element_becomes_two_or_another_parameter(value):
    """Whatever the characters: what goes in comes out, cut at the delimiters that are written."""
    for unit, mark in ((COMMA, ","), (PIPE, "%7C"), (SPACE, "%20")):
        query = request_of(unit, color=value).url.query.decode()
        assert query.startswith("color=")
        assert "&" not in query
        assert "#" not in query
        pieces = query.removeprefix("color=").split(mark)
        if mark == ",":
            assert [unquote(piece) for piece in pieces] == value
    pairs = query_of(request_of(DEEP, color={str(at): each for at, each in enumerate(value)}))
    assert pairs == [(f"color[{at}]", each) for at, each in enumerate(value)]


@given(value=st.text(st.characters(exclude_categories=["Cs"])))
def test_a_reserved_value_stays_in_its_parameter(value):
    query = request_of(RESERVED, color=value).url.query.decode()
    assert query.startswith("color=")
    assert not set("&#+ []") & set(query)


COMMA, PIPE, SPACE = (
    of(f"in: query, type: array, {style}")
    for style in ("style: form, explode: false", "style: pipeDelimited", "style: spaceDelimited")
)
DEEP = of("in: query, type: object, style: deepObject")
RESERVED = of("in: query, type: string, allowReserved: true")
