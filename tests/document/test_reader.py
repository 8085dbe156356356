"""YAML with positions: what scalars mean, what is refused, and where each node stands (SEMANTICS 1.1)."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from yaml.nodes import MappingNode

from naftiko.document.findings import Findings
from naftiko.document.reader import (
    FREE_NODES,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_EXPANSION,
    entries,
    plain,
    read,
    shown,
    source_lines,
)
from naftiko.ground.jsontext import write


def parsed(text):
    findings = Findings("f.yaml")
    root = read(text, findings)
    return (None if root is None else plain(root, findings)), findings


def value_of(scalar):
    data, findings = parsed(f"x: {scalar}\n")
    assert not list(findings)
    return data["x"]


def only(findings):
    assert len(findings) == 1, [str(found) for found in findings]
    return next(iter(findings))


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("True", True),
        ("FALSE", False),
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("12:30:45", "12:30:45"),
        ("2024-01-31", "2024-01-31"),
        ("2024-01-31T10:00:00Z", "2024-01-31T10:00:00Z"),
        ("0123", 123),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("-7", -7),
        ("+7", 7),
        ("1e3", 1000.0),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1.0.0", "1.0.0"),
        ("~", None),
        ("null", None),
        ("", None),
        ("-.inf", -math.inf),
        ('"5"', "5"),
        ("'true'", "true"),
        ("!!str 5", "5"),
        ("!!int 5", 5),
        ("!!float 5", 5.0),
        ("!!bool true", True),
        ("!!null x", None),
        ("=", "="),
    ],
)
def test_scalars_are_read_by_the_yaml_1_2_core_schema(written, value):
    assert value_of(written) == value
    assert isinstance(value_of(written), type(value))


def test_not_a_number_is_a_number():
    assert math.isnan(value_of(".nan"))


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        *((text, text) for text in ("1.10", "1.0", "0.00000001", "12345678901234567.89", "100000000000000000000001")),
        *((text, text) for text in ("-0", "1e400", "1E+2", "9" * 5000, f"-{'9' * 400}")),
        *((".5", "0.5"), ("5.", "5"), ("+5", "5"), ("-007.50", "-7.50"), ("0x1F", "31"), ("0o17", "15")),
        *((f"0x{'f' * 20}", str(16**20 - 1)), ("+.5e-3", "0.5e-3")),
    ],
)
def test_a_number_keeps_its_digits(written, digits):
    assert write([value_of(written)]).decode() == f"[{digits}]"


@pytest.mark.parametrize("written", ["1" * 100_001, "0x" + "f" * 5000])
def test_a_number_that_nobody_means_stays_text(written):
    assert value_of(written) == written


@pytest.mark.parametrize("tag", ["!!int", "!!bool", "!!float"])
def test_a_core_tag_that_does_not_fit_is_told(tag):
    data, findings = parsed(f"x: {tag} word\n")
    found = only(findings)
    assert (found.rule, found.position.line, data["x"]) == ("yaml-tag", 1, "word")


@pytest.mark.parametrize(
    "text",
    [
        "a:\n  b: !secret x\n",
        "a:\n  b: !include other.yaml\n",
        "a:\n  b: !custom {c: d}\n",
        "a:\n  b: !custom [c]\n",
        "a:\n  b: !!python/object/apply:os.system [x]\n",
        "a:\n  b: !!timestamp 2024-01-01\n",
        "a:\n  !key b: c\n",
    ],
)
def test_custom_tags_are_refused_with_their_line(text):
    _, findings = parsed(text)
    found = only(findings)
    assert (found.rule, found.position.line) == ("yaml-tag", 2)
    assert "not allowed" in found.message


def test_a_duplicate_key_is_an_error_that_names_both_lines():
    data, findings = parsed("a: 1\nb: 2\na: 3\n")
    found = only(findings)
    assert found.rule == "duplicate-key"
    assert (found.position.line, found.related[0].line) == (3, 1)
    assert "line 1" in found.message
    assert data == {"a": 1, "b": 2}


def test_duplicate_keys_deep_in_free_data_are_told_too():
    _, findings = parsed("with:\n  a: {b: 1, b: 2}\n  c:\n  - d: 1\n    d: 2\n")
    assert [(found.rule, found.position.line) for found in findings] == [("duplicate-key", 2), ("duplicate-key", 5)]


def test_aliases_and_merge_keys():
    data, findings = parsed("base: &b {x: 1, y: 2}\nmore: &m {y: 3, z: 4}\nt:\n  <<: [*b, *m]\n  x: 9\nu: *b\n")
    assert not list(findings)
    assert data["t"] == {"x": 9, "y": 2, "z": 4}
    assert data["u"] == {"x": 1, "y": 2}


def test_a_quoted_merge_key_is_a_key():
    data, _ = parsed("'<<': {a: 1}\n")
    assert data == {"<<": {"a": 1}}


def test_merging_what_is_no_mapping_is_told():
    _, findings = parsed("a:\n  <<: [1, {b: 2}]\n")
    assert only(findings).rule == "yaml-key"


def test_a_key_that_is_no_text_is_told_with_how_to_quote_a_template():
    _, findings = parsed("a: {{{name}}: 1}\n".replace("{{{name}}: 1}", "{{name}}"))
    found = only(findings)
    assert found.rule == "yaml-key"
    assert "{{name}}" in found.hint


def alias_bomb(width, depth):
    levels = ["a0: &a0 [x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, depth)]
    return "\n".join(levels) + "\n"


def nested(depth):
    return "[" * depth + "]" * depth


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (alias_bomb(10, 9), "too large"),
        ("a: &a [*a]\n", "itself"),
        ("a: &a {b: {c: *a}}\n", "itself"),
        (f"a: {nested(MAX_DEPTH + 5)}\n", "deep"),
        (f"a: &a {nested(150)}\nb: {nested(150).replace('[]', '[*a]')}\n", "deep"),
        ("x" * (MAX_BYTES + 1), "MiB"),
    ],
    ids=["alias bomb", "list in itself", "mapping in itself", "deep", "deep through an alias", "huge"],
)
def test_limits_are_told_not_suffered(text, word):
    data, findings = parsed(text)
    assert data is None
    assert only(findings).rule == "yaml-limit"
    assert word in only(findings).message


@pytest.mark.parametrize(("more", "refused"), [(0, False), (1, True)])
def test_aliases_may_make_as_many_nodes_as_the_limit_says_and_not_one_more(more, refused):
    """Of 100 lists of 1,000 nodes in a list in a map; what is left up to the limit are texts."""
    containers = 3
    made = 100 * 1000 + containers
    texts = ["x"] * (FREE_NODES + MAX_EXPANSION * containers - made + more)
    listed = ", ".join([f"&a [{', '.join(['x'] * 999)}]", *["*a"] * 99, *texts])
    data, findings = parsed(f"k: [{listed}]\n")
    assert (data is None) is refused
    assert [found.rule for found in findings] == ["yaml-limit"] * refused


def test_a_document_may_use_aliases_generously():
    data, findings = parsed("a: &a {x: 1}\nb: [" + ", ".join(["*a"] * 500) + "]\n")
    assert not list(findings)
    assert len(data["b"]) == 500


def test_nesting_beyond_the_parser_is_a_message():
    data, findings = parsed("a: " + nested(5000))
    assert data is None
    assert only(findings).severity.value == "error"


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"\xef\xbb\xbfa: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
        ("a: é\n".encode("utf-16"), {"a": "é"}),
        ("\ufeffa: 1\n", {"a": 1}),
        (b"---\na: 1\n...\n", {"a": 1}),
    ],
    ids=["BOM and CRLF", "UTF-16", "BOM in text", "document markers"],
)
def test_encodings(content, value):
    data, findings = parsed(content)
    assert not list(findings)
    assert data == value


def test_a_byte_that_is_no_utf8_has_its_place():
    _, findings = parsed(b"a: 1\nb: caf\xe9\n")
    found = only(findings)
    assert (found.rule, found.position.line, found.position.column) == ("yaml-encoding", 2, 7)


@pytest.mark.parametrize(
    ("text", "rule", "line", "hint"),
    [
        ("", "no-root-key", 1, "naftiko"),
        ("- a\n", "no-root-key", 1, "naftiko"),
        ("word\n", "no-root-key", 1, "naftiko"),
        ("a: 1\n---\nb: 2\n", "yaml-syntax", 2, "one capability a file"),
        ("a: 1\n\tb: 2\n", "yaml-syntax", 2, "tabs"),
        ("a: b: c\n", "yaml-syntax", 1, "quote"),
        ("a: @x\n", "yaml-syntax", 1, "quote"),
        ("a: `x`\n", "yaml-syntax", 1, "quote"),
        ("a: %x\n", "yaml-syntax", 1, "quote the value: it starts with `%`"),
        ("a: {% if x %}\n", "yaml-syntax", 1, "template of another tool"),
        ("a: *x\n", "yaml-syntax", 1, "anchor"),
        ('a: 1\nb: "x\nc: 2\n', "yaml-syntax", 2, "quote"),
        ('a: 1\nb: "x\nc: "y"\n', "yaml-syntax", 2, "line 3"),
        ("a: 1\nb 2\nc: 3\n", "yaml-syntax", 2, "`:`"),
        ("a:\n  b: 1\n c: 2\n", "yaml-syntax", 3, "indentation"),
        ("a:\n  - b\n  c: 1\n", "yaml-syntax", 3, "list"),
        ("a:\n    b: 1\n  c: 2\n    d:\n", "yaml-syntax", 3, "indentation"),
        ("a: \x07\n", "yaml-syntax", 1, "character"),
        ('a: "x\ud800"\n', "yaml-syntax", 1, "character"),
    ],
)
def test_broken_yaml_is_told_where_the_mistake_is_and_what_to_do(text, rule, line, hint):
    data, findings = parsed(text)
    found = only(findings)
    assert data is None
    assert (found.rule, found.position.line) == (rule, line), str(found)
    assert hint in found.hint


def test_nodes_have_lines_and_columns():
    findings = Findings("f.yaml")
    root = read("a: 1\nb:\n  long: value\n", findings)
    inner = entries(entries(root, findings)["b"][1], findings)
    position = findings.position(inner["long"][1])
    assert (position.line, position.column, position.width) == (3, 9, 5)
    assert str(position) == "f.yaml:3:9"


def test_what_is_no_mapping_has_no_entries():
    findings = Findings("f.yaml")
    root = read("a: [1]\n", findings)
    assert entries(entries(root, findings)["a"][1], findings) == {}


def test_values_are_named_shortly_in_messages():
    findings = Findings("f.yaml")
    root = read(f"a: {{}}\nb: []\nc:\nd: word\ne: {'x' * 99}\n", findings)
    assert isinstance(root, MappingNode)
    names = [shown(value) for _, value in root.value]
    assert names[:4] == ["a mapping", "a list", "nothing", "`word`"]
    assert len(names[4]) == 42


def test_lines_of_a_file_that_is_gone_are_none(tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfa: 1\r\nb: \xff\n")
    assert source_lines(tmp_path / "a.yaml") == ["a: 1", "b: \ufffd"]
    assert source_lines(tmp_path / "gone.yaml") == []


YAML_LIKE = st.text(alphabet=st.sampled_from("ab:-\n []{}&*!'\"|>#%@`,?<~0.\t\r\ufeff\u2028é"), max_size=60)


@settings(max_examples=400, deadline=None)
@given(st.one_of(YAML_LIKE, st.text(max_size=60), st.binary(max_size=60)))
@example("&a [*a]")
@example("? [a]\n: b")
@example("\ud800")
@example("<<: *a")
@example("!<tag:x> y")
def test_arbitrary_text_never_raises(text):
    """Whatever the text, the reader gives a mapping or says at least one thing about it."""
    data, findings = parsed(text)
    assert isinstance(data, dict) or len(findings) > 0
