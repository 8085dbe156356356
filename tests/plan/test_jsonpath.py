"""JSONPath: the spellings that people write, what is found, what is missing, what is broken (SEMANTICS 5.3)."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from naftiko.expression.jsonpath import JSONPath, JSONPathError, parse
from naftiko.ground import jsontext
from naftiko.ground.types import ABSENT

DOCUMENT = {
    "a": {"b": {"c": 1, "null": None}},
    "user details": {"email": "x@y.z", "contact email": "c@y.z"},
    "a-b": 2,
    "@id": 3,
    "$ref": 4,
    "x": {"ü": 5},
    "1st": 6,
    "where": 7,
    "it's": 8,
    'q"q': 9,
    "": 10,
    "dotted.name": 11,
    "a/b:c": 12,
    "items": [{"name": "n0", "price": 5}, {"name": "n1", "price": 15}, {"price": 25}],
    "numbers": [3, 1, 2.5, True, "9"],
    "empty": [],
    "tags": [{"id": 1, "t": ["x"]}, {"id": 2, "t": []}, {"id": 3}],
}


@pytest.mark.parametrize("text", ["$", "$.", "", " ", " $ ", "\t$.\n", "@", "@."])
def test_the_whole_document(text):
    path = parse(text)
    assert path(DOCUMENT) is DOCUMENT
    assert path.definite
    assert path.name is None


@pytest.mark.parametrize(
    ("text", "value", "name"),
    [
        ("$.a.b.c", 1, "c"),
        ("$.a.b.c.", 1, "c"),
        (" $.a.b.c ", 1, "c"),
        ("a.b.c", 1, "c"),
        (".a.b.c", 1, "c"),
        ("@.a.b.c", 1, "c"),
        ("['a'].b", {"c": 1, "null": None}, "b"),
        ("$['a']['b'][\"c\"]", 1, "c"),
        ("$.['a'].['b'].c", 1, "c"),
        ("$ .a [ 'b' ]\n.c", 1, "c"),
        ("$.user details.email", "x@y.z", "email"),
        ("$.user details.contact email", "c@y.z", "contact email"),
        ("$['user details']['contact email']", "c@y.z", "contact email"),
        ("$.['user details'].email", "x@y.z", "email"),
        ("$.a-b", 2, "a-b"),
        ("$.@id", 3, "@id"),
        ("@id", 3, "@id"),
        ("$.$ref", 4, "$ref"),
        ("$.x.ü", 5, "ü"),
        ("$['x']['\\u00fc']", 5, "ü"),
        ("$.1st", 6, "1st"),
        ("where", 7, "where"),
        ("$['it\\'s']", 8, "it's"),
        ('$["it\'s"]', 8, "it's"),
        ("$['q\"q']", 9, 'q"q'),
        ("$['']", 10, ""),
        ("$['dotted.name']", 11, "dotted.name"),
        ("$.a/b:c", 12, "a/b:c"),
        ("$.items[0].name", "n0", "name"),
        ("$.items[-1].price", 25, "price"),
        ("items[1]", {"name": "n1", "price": 15}, "items"),
        ("$.items[(@.length-1)].price", 25, "price"),
        ("$.a.b.null", None, "null"),
    ],
)
def test_a_definite_path_gives_the_value_itself(text, value, name):
    path = parse(text)
    assert path.definite
    assert path(DOCUMENT) == value
    assert path.name == name
    assert path.text == text


@pytest.mark.parametrize(
    "text",
    [
        "$.nope",
        "$.a.nope.c",
        "$.items[3]",
        "$.items[-4]",
        "$.items.name",
        "$.a[0]",
        "$.1st.x",
        "$.a.b.null.x",
        "$['0']",
        "$.user.0",
    ],
)
def test_nothing_found_is_absent_which_null_is_not(text):
    assert parse(text)(DOCUMENT) is ABSENT


@pytest.mark.parametrize("text", ["$.a", "$[0]", "$[-1]", "$.a[0]", "$['length']", "$['']"])
@pytest.mark.parametrize("document", [None, True, 0, 1.5, "text", b"bytes", [], {}])
def test_a_scalar_has_no_members_and_a_string_no_items(text, document):
    assert parse(text)(document) is ABSENT


def test_an_index_is_no_key_of_an_object_that_has_integers_for_keys():
    """YAML documents may have them."""
    assert parse("$[0]")({0: "zero"}) is ABSENT
    assert parse("$.a[0]")({"a": {0: "zero"}}) is ABSENT


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("$.items[*].name", ["n0", "n1"]),
        ("items[*].price", [5, 15, 25]),
        ("$.items.*.price", [5, 15, 25]),
        ("$.items[*]", DOCUMENT["items"]),
        ("$.x.*", [5]),
        ("$.x[*]", [5]),
        ("$.tags[*].t[*]", ["x"]),
        ("$.tags[*].t[0]", ["x"]),
        ("$.nope[*].name", []),
        ("$.1st[*]", []),
        ("$.empty[*]", []),
        ("$..price", [5, 15, 25]),
        ("$..a-b", [2]),
        ("..price", [5, 15, 25]),
        ("$..['price']", [5, 15, 25]),
        ("$.items..[0]", [{"name": "n0", "price": 5}]),
        ("$.items[0:2].name", ["n0", "n1"]),
        ("$.items[::-1].price", [25, 15, 5]),
        ("$.items[-2:].price", [15, 25]),
        ("$.items[0,2].price", [5, 25]),
        ("$.items[?(@.price>10)].price", [15, 25]),
        ("$.items[?@.price > 10 && @.name].name", ["n1"]),
        ("$.items[?@.name == 'n0' || @.price == 25].price", [5, 25]),
        ("$.items[?!@.name].price", [25]),
        ("$.items[?match(@.name, 'n[0-9]')].name", ["n0", "n1"]),
        ("$.items[?search(@.name, '1')].name", ["n1"]),
        ("$.items[?@.price == $.x.ü].price", [5]),
        ("$..[?@.price == 15].name", ["n1"]),
    ],
)
def test_an_indefinite_path_gives_a_list(text, values):
    path = parse(text)
    assert not path.definite
    assert path(DOCUMENT) == values


def test_a_list_of_results_is_the_callers_own():
    document = {"items": [1, 2]}
    parse("$.items[*]")(document).append(3)
    assert document == {"items": [1, 2]}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$.items.length()", 3),
        ("$.items.size()", 3),
        ("$.items[*].name.length()", 2),
        ("$.items[?@.price > 5].length()", 2),
        ("$.a.b.length()", 2),
        ("$.items[0].name.length()", 2),
        ("$.numbers.min()", 1),
        ("$.numbers.max()", 3),
        ("$.numbers.sum()", 6.5),
        ("$.items[*].price.sum()", 45),
        ("$.items[*].price.avg()", 15),
        ("$.a.b.keys()", ["c", "null"]),
        ("$.items.first()", {"name": "n0", "price": 5}),
        ("$.items.last()", {"price": 25}),
        ("$..price.max( )", 25),
        ("$.items.`len`", 3),
        ("$.a.b.`keys`", ["c", "null"]),
        ("$.1st.length()", ABSENT),
        ("$.nope.length()", ABSENT),
        ("$.nope[*].length()", 0),
        ("$.empty.min()", ABSENT),
        ("$.a.sum()", ABSENT),
        ("$.a.b.concat()", ""),
        ("$.sum($.items[*].price)", 45.0),
        ("$.max($..price)", 25.0),
        ("$.min($.items[*].price, 3.5)", 3.5),
        ("$.avg($.items[*].price)", 15.0),
        ("$.stddev($.items[*].price)", 8.16496580927726),
        ("$.numbers.stddev()", 0.8498365855987975),
        ("$.numbers.sum($.items.length(), 1)", 10.5),
        ("$.sum( $.items [0] .price , [1,2] )", 8.0),
        ("$.sum($.nope)", ABSENT),
        ("$.concat($.a.b.c, $['user details'].email)", "1x@y.z"),
        ("$.concat($['@id'], '-', \"it's\", ', ', true, null, $.nope)", "3-it's, true"),
        ("$.items[*].name.concat('!')", "n0n1!"),
        ("$.length($.items)", 3),
        ("$.keys($.a.b)", ["c", "null"]),
        ("$.first($.items).name", "n0"),
        ("$.items.first().name", "n0"),
        ("$.items.last().price", 25),
        ("$.items.index(1).name", "n1"),
        ("$.items.index(-1).price", 25),
        ("$.items.index(3)", ABSENT),
        ("$.items.index($.a.b.c).name", "n1"),
        ("$.items.index(true)", ABSENT),
        ("$.items.index($.nope)", ABSENT),
        ("$.numbers.append(10, 'x').length()", 7),
        ("$.numbers.append($.nope, [1]).last()", [1]),
        ("$.numbers.append(1).avg()", 1.875),
        ("$.a.append(1)", {"b": {"c": 1, "null": None}}),
        ("$.empty.first()", ABSENT),
        ("$.empty.last()", ABSENT),
        ("$.items.keys()", ABSENT),
    ],
)
def test_a_function_at_the_end_gives_one_value(text, value):
    path = parse(text)
    assert path.definite
    assert path(DOCUMENT) == value


def test_what_a_function_is_given_stays_as_it_is():
    document = {"l": [1]}
    assert parse("$.l.append(2)")(document) == [1, 2]
    assert document == {"l": [1]}


@pytest.mark.parametrize(
    ("text", "numbers", "written"),
    [
        ("$.sum()", "[1,2,3]", "6.0"),
        ("$.max()", "[1,25]", "25.0"),
        ("$.sum()", "[0.1,0.2]", "0.30000000000000004"),
        ("$.sum()", "[1.10,2.20]", "3.3000000000000003"),
        ("$.sum()", "[1.50,1.50]", "3.0"),
        ("$.sum()", "[100000000000000000000001,1]", "100000000000000000000002"),
        ("$.sum()", "[9007199254740993,1.0]", "9007199254740994"),
        ("$.sum()", "[12345678901234567.89,0.01]", "12345678901234567.9"),
        ("$.max()", "[1.10,1.1]", "1.10"),
        ("$.max()", "[9007199254740993,9007199254740992]", "9007199254740993"),
        ("$.min()", "[1e400,12345678901234567.89]", "12345678901234567.89"),
        ("$.avg()", "[100000000000000000000001,100000000000000000000002]", "100000000000000000000001.5"),
        ("$.avg()", "[1,2]", "1.5"),
        ("$.avg()", "[1.10,0.20,0]", "0.43333333333333335"),
        ("$.concat()", '["a",1,"b"]', '"ab"'),
        ("$.concat($[0])", "[1.10]", '"1.10"'),
    ],
)
def test_calculations_are_doubles_or_exact(text, numbers, written):
    """As the reference engine's (45.0), but for numbers that no double holds."""
    assert jsontext.write(parse(text)(jsontext.read(numbers))).decode() == written


@pytest.mark.parametrize("numbers", ["[1e50000]", "[1e-5000,1.50]", "[1e999999999999,1]", '["1"]', "[true]", "[]"])
def test_a_sum_that_makes_no_sense_is_none(numbers):
    assert parse("$.sum()")(jsontext.read(numbers)) is ABSENT


def test_numbers_that_no_float_can_hold_have_an_exact_average():
    assert parse("$.avg()")([10**400, 2]) == 10**400 // 2 + 1
    assert parse("$.stddev()")([10**400, 2]) is ABSENT


@pytest.mark.parametrize(
    ("text", "document", "value"),
    [
        ("$.length", {"length": 5}, 5),
        ("$.length", {"length": None}, None),
        ("$.length", {"a": 1}, ABSENT),
        ("$.length", [1, 2], 2),
        ("$.length", [], 0),
        ("$.length", "text", ABSENT),
        ("$.length.", [1, 2], 2),
        ("length", [1, 2], 2),
        ("$.l.length", {"l": [1, 2, 3]}, 3),
        ("$.l['length']", {"l": [1, 2, 3]}, ABSENT),
        ("$.l.length.x", {"l": [1, 2, 3]}, ABSENT),
        ("$.l.length.x", {"l": {"length": {"x": 1}}}, 1),
        ("$.l[*].t.length", {"l": [{"t": [1]}, {"t": {"length": 7}}, {"t": "x"}, {}]}, [1, 7]),
        ("$..length", {"l": [1, 2, {"length": 9}]}, [9]),
    ],
)
def test_the_length_of_an_array_without_parentheses(text, document, value):
    """Arrays have no members; an object's own member of that name wins (SEMANTICS 5.3)."""
    path = parse(text)
    assert path(document) == value
    assert path.name in {"length", "x"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$['id','name']", {"id": 1, "name": "n"}),
        ('$["name", "id"]', {"name": "n", "id": 1}),
        ("$['id','nope']", {"id": 1}),
        ("$['nope','none']", ABSENT),
        ("$['id','id']", {"id": 1}),
        ("$.l['id','name']", ABSENT),
        ("$.l[*]['id','t']", [{"id": 2, "t": ["x"]}, {"id": 3}]),
        ("$..['id','t']", [{"id": 2, "t": ["x"]}]),
        ("$['o','l'][0].id", [2]),
        ("$['o','nope'].a", [{"b": 1}]),
        ("$['o','l'].length()", 2),
        ("$['id','name'].keys()", ABSENT),
        ("$['id',0]", [1]),
    ],
)
def test_names_at_the_end_are_one_object(text, value):
    """As the reference engine has it; in the midst of a path each name is a step of its own, as in the RFC."""
    document = {"id": 1, "name": "n", "l": [{"id": 2, "t": ["x"]}, {"id": 3}], "o": {"a": {"b": 1}}}
    path = parse(text)
    assert path(document) == value
    assert path.definite == (not isinstance(value, list))


@pytest.mark.parametrize(
    ("text", "prices"),
    [
        ("$.l[?(@.n =~ /N.*/i)].p", [1, 2]),
        ("$.l[?(@.n =~ /n/)].p", []),
        ("$.l[?(@.n =~ /n[^\\]]/)].p", [1, 2]),
        ("$.l[?(@.n =~ /a\\/b/)].p", [3]),
        ("$.l[?(@.n =~ /it's/)].p", [4]),
        ("$.l[?(@.n =~ '^N|/')].p", [3]),
        ("$.l[?(@.n in ['n1', \"a/b\"])].p", [1, 3]),
        ("$.l[?(@.p in [1, 4])].p", [1, 4]),
        ("$.l[?(@.p in [])].p", []),
        ("$.l[?(@.n nin ['n1', 'n2'])].p", [3, 4]),
        ("$.l[?(@.t empty true)].p", [2]),
        ("$.l[?(@.t empty)].p", [2]),
        ("$.l[?(@.t empty false)].p", [1, 3]),
        ("$.l[?(@.t size 2)].p", [3]),
        ("$.l[?(@.t.length() > 0)].p", [1, 3]),
        ("$.l[?(@.t.size() == 2 && @.n =~ /a.b/)].p", [3]),
        ("$.l[?(@.first-name == 'f')].p", [1]),
        ("$.l[?@.$ref == 'r'].p", [2]),
        ("$.l[?@['first-name'] == 'f'].p", [1]),
        ("$.l[?(@.t contains 'x')].p", [1, 3]),
        ("$.l[?(@.t contains'x')].p", [1, 3]),
        ("$.l[?(@.n CONTAINS 'n')].p", [1, 2]),
        ("$.l[?(!(@.t contains 'x'))].p", [2, 4]),
        ("$.l[?(@.t contains @.t[1])].p", [3]),
        ("$.l[?('y' in @.t)].p", [3]),
        ("$.l[?(@.n in $.names)].p", [2, 4]),
        ("$.l[?(@.n nin $.names)].p", [1, 3]),
        ("$.l[?(@.t subsetof ['x', 'z'])].p", [1, 2]),
        ("$.l[?(@.t subsetof $.letters)].p", [1, 2, 3]),
        ("$.l[?(@.t anyof ['y', \"z\"])].p", [3]),
        ("$.l[?(['y'] anyof @.t)].p", [3]),
        ("$.l[?(@.t noneof ['y', 'z'])].p", [1, 2]),
        ("$.l[?(@.t all ['x', 'y'])].p", [3]),
        ("$.l[?(@.p in [1, 2.0, '3', true])].p", [1, 2]),
        ("$.l[?(@.t anyof [])].p", []),
        ("$.l[?(@.nope contains 'x' || @.p === 4)].p", [4]),
        ("$.l[?(@.p !== 4 && @.first-name in ['f'])].p", [1]),
        ("$.l[?(@.n in [\"it's\", 'a\\'b'])].p", [4]),
        ("$.l[?@.n == \"@.t contains 'x'\"]", []),
        ("$.l[?@.n == '@.first-name']", []),
        ('$.l[?@.n == "x =~ /y/"]', []),
    ],
)
def test_filters_in_the_words_of_jayway(text, prices):
    document = {
        "l": [
            {"p": 1, "n": "n1", "t": ["x"], "first-name": "f"},
            {"p": 2, "n": "n2", "t": [], "$ref": "r"},
            {"p": 3, "n": "a/b", "t": ["x", "y"]},
            {"p": 4, "n": "it's"},
        ],
        "names": ["n2", "it's"],
        "letters": ["x", "y"],
    }
    assert parse(text)(document) == prices


def test_backquoted_names_are_jsonpath_ngs():
    assert parse("$.a.b.`parent`")({"a": {"b": 1}}) == [{"b": 1}]
    assert parse("$.a.`split(-, 1, -1)`")({"a": "x-y"}) == ["y"]
    assert parse("$.a.`split(-, 1, -1)`")({"a": 5}) == []
    assert parse("$['`'].b")({"`": {"b": 1}}) == 1


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("$a", 1, "missing after '$'"),
        ("$.a..", 4, "ends where"),
        ("$..", 2, "ends where"),
        ("$.a[", 3, "never closed"),
        ("$.a['x]", 5, "unclosed string"),
        ("$.a[b]", 4, "stands in quotes"),
        ("$.a[,1]", 4, "is missing"),
        ("$.a[1 2]", 6, "is missing"),
        ("$.a[?@.b[*] == 1]", 12, "only a path of names and indexes"),
        ("$.a[?@.b and @.c]", 9, "unexpected 'a' in a filter"),
        ("$.a[?length(@.b, 1) > 1]", 5, "length() takes 1"),
        ("$.a[]", 3, "empty"),
        ("$.a[0]b", 6, "unexpected 'b'"),
        ("$.a]", 3, "unexpected ']'"),
        ("$.a b*", 5, "stands alone"),
        ("$.{{name}}", 2, "template"),
        ("$.title }", 8, "unexpected '}'"),
        ("$.a?b", 3, "a filter stands in brackets"),
        ("$.a.lenght()", 4, "no such function: lenght"),
        ("$.a.length(1, 2)", 10, "at most one argument"),
        ("$.a.index()", 9, "one argument"),
        ("$.a.concat($.b", 10, "never closed"),
        ("$.a.concat('x)", 11, "begins with $, or JSON"),
        ("$.a.concat(,1)", 11, "argument is missing"),
        ("$.a.concat(1,)", 13, "argument is missing"),
        ("$.a.concat(1, b)", 14, "begins with $, or JSON"),
        ("$.a.concat(1, $.b[)", 10, "never closed"),
        ("$.a.concat(1, $.b['x' 'y'])", 23, "is missing"),
        ("$.sum($.lenght())", 8, "no such function: lenght"),
        ("$.a.sum(" + "[" * 30 + "]" * 30 + ")", 27, "too deeply"),
        ("$.items[?@.t contains]", 13, "unexpected"),
        ("$.a..length()", 5, "one dot"),
        ("$.a == 1", 4, "unexpected '='"),
        ("$.a[01]", 4, "leading zero"),
        ("$.items[?@.a =~ /(/]", 16, "pattern is broken"),
        ("$.items[?@.a =~ /x/q]", 16, "no such flag"),
        ("$.items[?@.a =~ /((a{999}){999}){999}/]", 16, "repeats too much"),
        ("$.items[?nope(@.a)]", 9, "nope"),
        ("$.items[?@.first-name == 'a' && nope(@.a)]", 32, "nope"),
        ("$.items[?@.a == ]", 16, "unexpected"),
        ("$.`bogus`", 8, "jsonpath-ng"),
        ("$.a.`sub(/(a*)*b/, x)`", 4, "can't be used"),
    ],
)
def test_a_broken_expression_says_what_and_where(text, column, says):
    with pytest.raises(JSONPathError, match=r"column \d+") as raised:
        parse(text)
    assert says in raised.value.message
    assert raised.value.column == column


def test_brackets_nested_deeper_than_the_stack_are_a_clear_error():
    with pytest.raises(JSONPathError, match="nested too deeply"):
        parse("$[?" + "(" * 5000 + "@.a" + ")" * 5000 + "]")


@pytest.mark.parametrize(
    ("text", "matched", "missing", "sentence"),
    [
        ("$.a.b.zz", "$.a.b", ".zz", "$.a.b has no zz: it is an object with c, null"),
        ("$.nope.x", "$", ".nope", "and 7 more"),
        ("$.items[7].name", "$.items", "[7]", "$.items has no [7]: it is an array of 3"),
        ("$.items.name", "$.items", ".name", "it is an array of 3"),
        ("$.1st.x", "$['1st']", ".x", "it is a number"),
        ("$.a.b.null.x", "$.a.b.null", ".x", "it is null"),
        ("$.user details.phone", "$['user details']", ".phone", "with email, contact email"),
        ("$.items[*].nope", "$.items[*]", ".nope", "an object with name, price"),
        ("$.items[?@.price > 99].name", "$.items", "[?@.price > 99]", "an array of 3"),
        ("$.a..zz", "$.a", "..zz", "an object with b"),
        ("$.nope.length()", "$", ".nope", "$ has no nope"),
        ("$.a.b.c", "$.a.b.c", "", "$.a.b.c is there"),
    ],
)
def test_a_miss_is_explained_by_what_is_there(text, matched, missing, sentence):
    explanation = parse(text).explain(DOCUMENT)
    assert (explanation.matched, explanation.missing) == (matched, missing)
    assert sentence in str(explanation)


def test_an_explanation_shows_keys_and_no_values():
    explanation = (
        parse("$.login.token")({"login": {"password": "s3cret"}}),
        parse("$.login.token").explain({"login": {"password": "s3cret"}}),
    )
    assert explanation[0] is ABSENT
    assert explanation[1].keys == ("password",)
    assert "s3cret" not in str(explanation[1])


def nest(depth):
    document = {"b": 0}
    for _ in range(depth):
        document = {"a": document, "l": [1]}
    return document


@pytest.mark.parametrize(
    "text", ["$..b", "$.a.a.a", "$..[?@..b]", "$[?@ == $.a]", "$..[?@ == $.a]", "$.`parent`", "$..[1:2]"]
)
def test_a_document_deeper_than_the_stack_never_raises(text):
    path = parse(text)
    found = path(nest(50_000))
    assert found is not None
    assert path.explain(nest(50_000)).matched


def test_a_descent_reaches_the_bottom_of_a_deep_document():
    assert parse("$..b")(nest(50_000)) == [0]


@pytest.mark.parametrize(
    "text",
    ["$[?match(@.s, '(a|aa)+c')]", "$[?search(@.s, '(a|aa)+$')]", "$[?@.s =~ /(a|aa)+c/]", "$[?match(@.s, $[0].p)]"],
)
def test_no_pattern_hangs(text, caplog):
    """Eight hundred subjects that would each take longer than the universe share one budget."""
    document = [{"s": "a" * 5000 + "b", "p": "(a|aa)+c"}] * 800
    began = time.process_time()
    assert parse(text)(document) == []
    assert time.process_time() - began < 2
    assert "cut short" in caplog.text
    caplog.clear()
    assert parse("$[?match(@.s, 'a+b')]")(document[:1]) == document[:1], "the next evaluation has its own budget"


def test_a_pattern_out_of_a_document_cant_take_the_memory():
    document = {"p": "((a{999}){999}){999}", "l": ["a"]}
    began = time.process_time()
    assert parse("$.l[?match(@, $.p)]")(document) == []
    assert time.process_time() - began < 1


@pytest.mark.parametrize("value", [None, 1, [], {}, "x"])
def test_a_pattern_that_is_none_matches_nothing(value):
    document = {"p": value, "l": ["a"]}
    assert parse("$.l[?match(@, $.p)]")(document) == []
    assert parse("$.l[?search($.p, 'a')]")(document) == []


def test_flags_out_of_a_document_that_are_none_match_nothing():
    document = {"i": "i", "bad": 5, "l": ["A"]}
    assert parse("$.l[?like(@, 'a', $.i)]")(document) == ["A"]
    assert parse("$.l[?like(@, 'a', $.bad)]")(document) == []
    assert parse("$.l[?like(@, 'a', $.nope)]")(document) == []


def test_a_path_is_compiled_once_and_cant_be_changed():
    path = parse("$.a.b")
    assert parse("$.a.b") is path
    assert isinstance(path, JSONPath)
    assert path == parse("$.a.b")
    assert len({path, parse("$.a.b"), parse("$.a")}) == 2
    with pytest.raises(AttributeError):
        path.text = "$.c"


def test_threads_share_a_path():
    path = parse("$.items[?@.n =~ /x.*/].n")
    wrong = []

    def work(mark):
        document = {"items": [{"n": f"x{mark}"}, {"n": "y"}]}
        wrong.extend(found for _ in range(200) if (found := path(document)) != [f"x{mark}"])

    threads = [threading.Thread(target=work, args=(mark,)) for mark in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert wrong == []


def test_simple_paths_import_no_library():
    code = (
        "import sys; from naftiko.expression.jsonpath import parse\n"
        "parse('$.a[0][*].b..c.length()')([])\n"
        "sys.exit(any(name.split('.')[0] in {'jsonpath_rfc9535', 'jsonpath_ng', 'regex'} for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
