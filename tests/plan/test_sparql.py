"""Values in SPARQL texts: none leaves its place, whatever its characters (SEMANTICS 4.3)."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from linked_units import api, only_unit, request_of, tool

from naftiko.expression.sparql import places
from naftiko.ground.errors import InputError

QUERY = """# about {{topic}}
PREFIX ex: <http://ex.org/>
SELECT ?s WHERE {
  <http://ex.org/{{id}}> ex:knows ?s .
  ?s ex:name "{{name}}"@en ; ex:note '''It's {{note}}''' ; ex:age {{age}} .
  FILTER(?age < {{most}} && ?t > 3)
} LIMIT {{limit}}"""
NASTY = st.text(st.sampled_from("\\\"'\n\r\tu0022U>}<{ #x;.") | st.characters(exclude_categories=["Cs"]), max_size=12)
CODEPOINT = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})")
ESCAPES = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f", "\\": "\\", '"': '"', "'": "'"}


def of(query):
    unit, loaded = only_unit(api(f"body: {{type: sparql, data: {json.dumps(query)}}}", method="POST"), tool(""))
    assert not list(loaded.diagnostics)
    return lambda **values: request_of(unit, **values).content.decode()


def read_literal(text):
    """Read a literal by a small reader of its own: (its value, what stands behind it)."""
    assert text[0] == '"'
    value, at = [], 1
    while text[at] != '"':
        assert text[at] not in "\n\r"
        if text[at] == "\\":
            at += 1
            value.append(ESCAPES[text[at]])
        else:
            value.append(text[at])
        at += 1
    return "".join(value), text[at + 1 :]


def codepoints(text):
    """Read the escapes that are read before all others, as the careless do: behind any backslash."""
    return CODEPOINT.sub(lambda found: chr(int(found[1] or found[2], 16)), text)


def careful_codepoints(text):
    r"""Read them as the careful do: a ``\\`` is no beginning of one."""
    return re.sub(
        r"\\\\|" + CODEPOINT.pattern, lambda found: found[0] if found[0] == "\\\\" else codepoints(found[0]), text
    )


LITERAL = of('ASK { ?s ?p "{{v}}" }')


@given(value=NASTY)
@example("\\u0022 } ; DROP ALL #")
@example("\\U00000022")
@example("\\\\u0022")
def test_a_literal_holds_any_value(value):
    text = LITERAL(v=value)
    for decode in (codepoints, careful_codepoints):
        made, rest = read_literal(decode(text).removeprefix("ASK { ?s ?p "))
        assert (made, rest) == (value, " }")


@given(value=NASTY)
def test_an_iri_holds_any_value(value):
    text = of('ASK { <http://h/{{v}}> ?p "<x" }')(v=value)
    assert re.fullmatch(r"ASK \{ <http://h/[^<>\"{}|^`\\\x00-\x20]*> \?p \"<x\" \}", codepoints(text))


@given(value=NASTY)
def test_a_long_literal_and_a_comment_end_where_the_file_says(value):
    text = of("ASK { ?s ?p '''a{{v}}''' } # {{v}}\nLIMIT 1")(v=value)
    body, _, tail = text.rpartition(" } # ")
    assert re.fullmatch(r"ASK \{ \?s \?p '''a(?:[^\\']|\\.)*'''", body, re.DOTALL)
    assert tail.endswith("\nLIMIT 1")
    assert len(tail.splitlines()) == 2


@pytest.mark.parametrize(
    "value",
    [5, 1.5, -2, True, "10", "-1e3", "?x", "$x", "ex:thing", ":local", "ex:", "a", "DESC", "en-GB", "<http://h/a#b>"],
)
def test_one_term_may_stand_bare(value):
    shown = {True: "true"}.get(value, str(value)) if not isinstance(value, str) else value
    assert of("SELECT {{v}} x")(v=value) == f"SELECT {shown} x"


@pytest.mark.parametrize(
    "value",
    [
        "", "1 2", "?x ?y", "1}", "a.b", "?o.?p", '"x"', "x#", "<a", "<a b>", "a;b", "(1)", "a\n", "{}", "a|b", "\\u0022", {"a": 1}, [1],
        "ex:a/ex:b", "<a>.<b>",
    ],
)  # fmt: skip
def test_anything_more_is_refused_by_its_name(value):
    """It could be any part of a query: `1 } ; DROP ALL #`."""
    with pytest.raises(InputError, match="`v` stands bare in a SPARQL text") as caught:
        of("SELECT * { ?s ?p {{v}} }")(v=value)
    assert [problem.name for problem in caught.value.problems] == ["v"]


def test_a_query_that_is_the_callers_own_is_sent_as_it_is():
    query = 'SELECT * { ?s ?p "x" } # all'
    for data in ("{{q}}", "{{{ q }}}", "\n {{q}}\n"):
        assert of(data)(q=query) == query


def test_where_placeholders_stand():
    place = places(QUERY)
    found = {name: place(QUERY.index("{{" + name)) for name in ("topic", "id", "name", "note", "age", "most", "limit")}
    assert found == {
        "topic": "comment",
        "id": "iri",
        "name": "string",
        "note": "string",
        "age": "bare",
        "most": "bare",
        "limit": "bare",
    }


def test_a_whole_query():
    text = of(QUERY)(topic="a\nDROP ALL", id="a b>", name='O"Brien', note="it's", age=5, most="7", limit=10)
    assert text == (
        "# about a DROP ALL\nPREFIX ex: <http://ex.org/>\nSELECT ?s WHERE {\n  <http://ex.org/a%20b%3E> ex:knows ?s .\n"
        "  ?s ex:name \"O\\\"Brien\"@en ; ex:note '''It's it\\'s''' ; ex:age 5 .\n  FILTER(?age < 7 && ?t > 3)\n} LIMIT 10"
    )


@pytest.mark.parametrize("text", ['"', "'''a", '"\\', "<", "#", "'{{v}}", "<{{v}}", "<a{{v}} b>"])
def test_a_broken_query_is_no_reason_to_fail(text):
    place = places(text)
    assert {place(at) for at in range(len(text))} <= {"string", "iri", "comment", "bare"}
