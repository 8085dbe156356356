"""xml: the shapes of SEMANTICS 5.1, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naftiko.engine.formats import FormatError, FormatOptions, decoder
from naftiko.engine.request import dump_json
from naftiko.expression.jsonpath import parse
from naftiko.ground.types import ABSENT

FIXTURES = Path(__file__).parent.parent / "fixtures" / "formats"
decode = decoder("xml")


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ("<root><name>Alice</name></root>", {"name": "Alice"}),
        ("<r/>", {}),
        ("<r>  </r>", {}),
        ("<r>t</r>", {"": "t"}),
        ("<r a='1'>t</r>", {"a": "1", "": "t"}),
        ("<r><a/></r>", {"a": ""}),
        ("<r><a> x </a></r>", {"a": " x "}),
        ("<r><a>1</a><b/><a>2</a></r>", {"a": ["1", "2"], "b": ""}),
        ("<r><a><b>1</b></a><a><b>2</b></a></r>", {"a": [{"b": "1"}, {"b": "2"}]}),
        ("<r a='1'><a>2</a></r>", {"a": ["1", "2"]}),
        ("<r><p>one <b>two</b> three</p></r>", {"p": {"": ["one ", " three"], "b": "two"}}),
        ("<r><p>one <b>two</b></p></r>", {"p": {"": "one ", "b": "two"}}),
        ("<r>a<!-- c -->b<?pi?>c</r>", {"": "abc"}),
        ("<r><a><![CDATA[<x> & ]]></a></r>", {"a": "<x> & "}),
        ("<r><a>&lt;&#233;&amp;</a></r>", {"a": "<é&"}),
        ("<x:r xmlns:x='u'><x:a x:b='1'>t</x:a></x:r>", {"a": {"b": "1", "": "t"}}),
        (
            "<r xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'><a xsi:nil='true'/><b xsi:nil='false'>x</b></r>",
            {"a": None, "b": "x"},
        ),
    ],
)
def test_shapes(text, document):
    assert decode(text.encode(), None) == document


def test_a_list_of_users():
    document = decode((FIXTURES / "users.xml").read_bytes(), None)
    assert [user["id"] for user in document["user"]] == ["1", "2", "3"]
    assert document["user"][0] == {"id": "1", "name": "Alice Smith", "email": "alice@example.com"}


def test_a_soap_answer_loses_its_prefixes():
    body = decode((FIXTURES / "vessels-soap.xml").read_bytes(), None)["Body"]["vessels"]
    assert body["total"] == "2"
    assert body["vessel"] == [
        {"vesselCode": "V001", "vesselName": "Sea Eagle", "flag": None},
        {"vesselCode": "V002", "vesselName": "Harbor Star", "flag": "NO"},
    ]
    assert body["note"] == {"lang": "en", "": ["Updated ", " at noon"], "b": "daily"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252", "shift_jis"])
def test_the_declared_encoding_is_used(encoding):
    word = "日本" if encoding == "shift_jis" else "Göteborg"
    text = f'<?xml version="1.0" encoding="{encoding}"?><r><a>{word}</a></r>'
    assert decode(text.encode(encoding), None) == {"a": word}


def test_the_charset_of_the_answer_beats_the_declaration():
    text = '<?xml version="1.0" encoding="utf-8"?><r><a>é</a></r>'
    assert decode(text.encode("latin-1"), "iso-8859-1") == {"a": "é"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"<r>\n<a></r>", "mismatched tag at line 2, column 6"),
        (b"<r", "line 1, column"),
        (b"", "no element found"),
        (b"<r/><r/>", "junk after document element"),
        (b"<a:b/>", "unbound prefix"),
        (b"<r>\xff</r>", "byte 3 is wrong"),
        (b"<r>\x00</r>", "line 1, column 4"),
        (b"<r>&nbsp;</r>", "undefined entity"),
        (b"not xml", "syntax error at line 1, column 1"),
    ],
)
def test_what_is_not_xml_is_told_with_its_place(text, message):
    with pytest.raises(FormatError, match=message):
        decode(text, None)


@pytest.mark.parametrize(
    "dtd",
    [
        '<!DOCTYPE r [<!ENTITY a "x"><!ENTITY b "&a;&a;&a;&a;">]><r>&b;</r>',
        '<!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>',
        '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>',
        '<!DOCTYPE r [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd"> %p;]><r/>',
        "<!DOCTYPE r><r/>",
    ],
)
def test_any_document_type_declaration_is_refused(dtd):
    with pytest.raises(FormatError, match=r"DTD\) at line 1, which is refused"):
        decode(dtd.encode(), None)


def test_depth_and_number_of_elements_are_limited():
    assert decode(b"<a>" * 200 + b"</a>" * 200, None) is not None
    with pytest.raises(FormatError, match="200 levels"):
        decode(b"<a>" * 201 + b"</a>" * 201, None)
    with pytest.raises(FormatError, match="more than 10 values"):
        decoder("xml", FormatOptions(max_values=10))(b"<r>" + b"<a/>" * 10 + b"</r>", None)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1), min_size=2))
def test_text_of_leaves_is_kept_as_it_is(texts):
    """What is written with escapes comes back unchanged, blanks included."""
    from xml.sax.saxutils import escape

    body = "".join(f"<a>{escape(text)}</a>" for text in texts)
    try:
        document = decode(f"<r>{body}</r>".encode(), None)
    except FormatError:  # characters that XML 1.0 has no way to write
        assert any(ord(char) in {0xFFFE, 0xFFFF} for text in texts for char in text)
        return
    assert document == {"a": texts}


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("&#xD83D;&#xDE00;", "😀"),
        ("&#55357;&#56832;!", "😀!"),
        ("&#xD83D; &#xDE00;", "\ufffd \ufffd"),
        ("&#xd83d;&#xD83D;&#xDE00;", "\ufffd😀"),
    ],
)
def test_surrogates_as_references_are_characters(written, text):
    """Writers that think in UTF-16 spell an emoji so; XML has no such characters."""
    assert decode(f"<r><a>{written}</a></r>".encode(), None) == {"a": text}


def test_other_characters_that_xml_can_not_hold_stay_errors():
    with pytest.raises(FormatError, match="invalid character number at line 1, column 7"):
        decode(b"<r><a>&#0;&#xD83D;</a></r>", None)


def test_a_document_knows_its_root_which_changes_nothing_else():
    document = decode(b"<x:users xmlns:x='u'><user id='1'/></x:users>", None)
    assert document == {"user": {"id": "1"}}
    assert dump_json(document) == b'{"user":{"id":"1"}}'
    assert (list(document), len(document), "users" in document, document.get("users")) == (["user"], 1, False, None)


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("<root><user>Ann</user></root>", "$.root.user", "Ann"),
        ("<root><user>Ann</user></root>", "root.user", "Ann"),
        ("<root><user>Ann</user></root>", "$['root']['user']", "Ann"),
        ("<root><user>Ann</user></root>", "$.root", {"user": "Ann"}),
        ("<root><user>Ann</user></root>", "$.user", "Ann"),
        ("<root><user>Ann</user></root>", "$.other.user", ABSENT),
        ("<root><root>inner</root></root>", "$.root", "inner"),
        ("<root root='own'><user>Ann</user></root>", "$.root.user", ABSENT),
        ("<a><b><c>1</c></b></a>", "$.b.a.c", ABSENT),
        ("<a><b>1</b><b>2</b></a>", "$.a.b[*]", ["1", "2"]),
        ("<a><b>1</b><b>2</b></a>", "$.a.b.length", 2),
        ("<a><b>1</b><b>2</b></a>", "$.concat($.a.b)", "12"),
        ("<a><b k='1'/><b k='2'/></a>", "$.a.b[?(@.k == '2')].k", ["2"]),
        ("<a><b k='1'/></a>", "$..a", []),
        ("<s:Envelope xmlns:s='u'><s:Body><r>1</r></s:Body></s:Envelope>", "$.Envelope.Body.r", "1"),
        ("<r>t</r>", "$.r['']", "t"),
    ],
)
def test_a_path_may_begin_with_the_name_of_the_root(text, path, value):
    """Where people keep it; a member of that name wins."""
    assert parse(path)(decode(text.encode(), None)) == value
