"""What holds of JSONPath for every document and every text."""

from __future__ import annotations

import jsonpath_rfc9535
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonpath_ng import Child, Fields, Index, Root

from naftiko.expression.jsonpath import JSONPathError, parse
from naftiko.expression.jsonpath.segments import quoted
from naftiko.ground.types import ABSENT

KEYS = st.sampled_from(["a", "b", "a-b", "ü", "1st", "user details", "", "it's", "a.b", "\\", "\x01"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=25,
)
ODD_DOCUMENTS = st.recursive(
    SCALARS | st.binary(max_size=3) | st.just(float("nan")) | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.integers(), inner, max_size=3) | st.tuples(inner)
    ),
    max_leaves=15,
)
STEPS = st.lists(KEYS | st.integers(-3, 3) | st.just("*wild*"), max_size=5)
ALPHABET = st.sampled_from(
    [*"$@.[]()*?'\"\\,:!=<>&|~/ ab-10`{}ü\n", "..", "[?@.a", " =~ /", "==", "length(", " in [", ".length()"]
)

COMPLEX = [
    "$..a",
    "$..*",
    "$[::2]",
    "$..[-1:]",
    "$[?@.a]",
    "$..[?@.a > 1 || @.b < 'x']",
    "$..[?@.a == @.b]",
    "$..[?length(@) >= 1 && count(@.*) < 3]",
    "$..[?match(@.a, $.b) || search(@.b, @.a)]",
    "$..[?@.a =~ /.*/ && @.b nin [1, 'x', null]]",
    "$..[?@ == $]",
    "$..[?@.a empty || @.b size 2]",
    "$.*.sum()",
    "$..a.avg()",
    "$..*.max()",
    "$.keys()",
    "$..b.`parent`",
]


def spell(steps):
    return "$" + "".join(
        "[*]" if step == "*wild*" else f"[{step}]" if isinstance(step, int) else f"[{quoted(step)}]" for step in steps
    )


def ng_path(steps):
    path = Root()
    for step in steps:
        path = Child(path, Index(step) if isinstance(step, int) else Fields(step))
    return path


@given(DOCUMENTS, STEPS)
def test_names_indexes_and_wildcards_find_what_the_rfc_library_finds(document, steps):
    path = parse(spell(steps))
    found = path(document)
    values = found if not path.definite else [] if found is ABSENT else [found]
    expected = jsonpath_rfc9535.find(spell(steps), document).values()
    assert list(map(repr, values)) == list(map(repr, expected))


@given(DOCUMENTS, st.lists(st.sampled_from(["a", "b", "ü", "1st"]) | st.integers(0, 3), max_size=4))
def test_names_and_indexes_find_what_jsonpath_ng_finds(document, steps):
    """Where jsonpath-ng follows the RFC: it also lets an index select from an object or a string, so those are skipped."""
    found = parse(spell(steps))(document)
    if found is not ABSENT:
        assert [repr(match.value) for match in ng_path(steps).find(document)] == [repr(found)]


@given(DOCUMENTS)
def test_a_descent_finds_what_the_rfc_library_finds(document):
    for text in ("$..a", "$..*", "$..[0]", "$..[-1]", "$..a..b"):
        expected = jsonpath_rfc9535.find(text, document).values()
        assert list(map(repr, parse(text)(document))) == list(map(repr, expected))


@settings(max_examples=150, deadline=None)
@given(ODD_DOCUMENTS)
def test_no_document_makes_a_path_raise(document):
    for text in COMPLEX:
        path = parse(text)
        found = path(document)
        assert path.definite or isinstance(found, list)
        assert str(path.explain(document))


@settings(max_examples=400, deadline=None)
@given(st.lists(ALPHABET, max_size=14).map("".join) | st.text(max_size=12))
def test_every_text_is_a_path_or_a_clear_error_with_a_column_inside_it(text):
    for written in (text, f"$.{text}", f"$[{text}]", f"$[?{text}]"):
        broken = None
        try:
            path = parse(written)
        except JSONPathError as error:
            broken = error
        if broken is None:
            path({"a": [1, {"b": "x"}]})
            continue
        assert 0 <= broken.column < len(written), written
        assert broken.message


@given(st.text(max_size=8))
def test_any_key_can_be_named_in_quotes(key):
    assert parse(f"$[{quoted(key)}]")({key: 1}) == 1
