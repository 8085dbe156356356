"""An object of outputs has what each of its paths finds by itself, whatever the document is."""

from __future__ import annotations

import pytest

from naftiko.expression import jsonpath
from naftiko.expression.scope import NOTHING
from naftiko.ground.types import Rooted
from naftiko.plan.outputs import FoundValue, ObjectOf

PATHS = ("$", "$.a", "$.a.b", "$.a.b.c", "$['a']['b c']", "$.a[0]", "$.a[0].b", "$..c", "$.root.a", "$.a.root.b", "$.b")
DOCUMENTS = (
    *({}, [], None, "a", 1, True, {"a": None}, {"a": 1}, {"a": "b"}, {"a": []}, {"a": [1]}, {"a": [{"b": 2}]}),
    *({"a": {}}, {"a": {"b": None}}, {"a": {"b": "c"}}, {"a": {"b": {"c": 3}}}, {"a": {"b c": [4]}}, [{"a": 1}]),
    Rooted({"a": Rooted({"b": 5}, "root")}, "root"),
    {"a": Rooted({"b": {"c": 6}}, "root")},
    Rooted({}, "a"),
)


@pytest.mark.parametrize("document", DOCUMENTS, ids=repr)
def test_an_object_has_what_its_paths_find(document):
    outputs = tuple((path, FoundValue(jsonpath.parse(path))) for path in PATHS)
    alone = {name: output.build(document, NOTHING) for name, output in outputs}
    assert ObjectOf(None, outputs).build(document, NOTHING) == alone


def test_lengths_and_consumed_outputs_count_in_an_object_too():
    consumed = (jsonpath.parse("$.inner.value"), jsonpath.parse("$"))
    made = ObjectOf(
        None,
        (
            ("short", FoundValue(jsonpath.parse("$.long"), max_length=3)),
            ("named", FoundValue(jsonpath.parse("$.value"), consumed=consumed)),
        ),
    )
    assert made.build({"long": "abcdef", "inner": {"value": 7}}, NOTHING) == {"short": "abc", "named": 7}
