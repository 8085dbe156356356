"""csv, tsv, psv: header line, objects of strings, strict quotes."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naftiko.engine.formats import FormatError, FormatOptions, decoder

FIXTURES = Path(__file__).parent.parent / "fixtures" / "formats"
decode = decoder("csv")


def test_values_are_strings_and_short_rows_lack_keys():
    assert decode((FIXTURES / "users.csv").read_bytes(), None) == [
        {"id": "1", "name": "Alice Smith", "email": "alice@example.com", "age": "39"},
        {"id": "2", "name": "Johnson, Bob", "email": 'bob "the builder"\n@example.com', "age": "41"},
        {"id": "3", "name": "Carol White", "email": "carol@example.com"},
    ]


@pytest.mark.parametrize(("name", "separator"), [("csv", ","), ("tsv", "\t"), ("psv", "|")])
def test_each_format_has_its_separator(name, separator):
    text = "id,name\n1,a;b\n2,c\n".replace(",", separator)
    assert decoder(name)(text.encode(), None) == [{"id": "1", "name": "a;b"}, {"id": "2", "name": "c"}]


def test_line_ends_blank_lines_and_the_mark_of_excel():
    text = b"\xef\xbb\xbfid,name\r\n\r\n1, A \r\n\r\n2,B"
    assert decode(text, None) == [{"id": "1", "name": " A "}, {"id": "2", "name": "B"}]


def test_a_header_alone_is_an_empty_array():
    assert decode(b"id,name\n", None) == []


def test_a_trailing_separator_is_no_column():
    assert decode(b"id,name\n1,A,\n", None) == [{"id": "1", "name": "A"}]


def test_repeated_headers_lose_no_value():
    assert decode(b"price,price,price_2,\n1,2,3,4\n", None) == [
        {"price": "1", "price_2": "2", "price_2_2": "3", "": "4"}
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a,b\n1,2\n1,2,3\n", "line 3: 3 values for 2 columns"),
        (b'a\n"x', "line 2: unexpected end of data"),
        (b'a\n"x"y\n', "line 2: ',' expected"),
        (b"\n\n", "no header line"),
        (b"a\n" + b"x" * 200_000, "line 2: field larger than field limit"),
        (b"a\n\xe9", "byte 2 is wrong"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text, message):
    with pytest.raises(FormatError, match=message):
        decode(text, None)


def test_the_charset_of_the_answer_is_used():
    assert decode("stad\nGöteborg".encode("cp1252"), "windows-1252") == [{"stad": "Göteborg"}]


def test_the_number_of_values_is_limited():
    limited = decoder("csv", FormatOptions(max_values=1000))
    with pytest.raises(FormatError, match="1,000 values"):
        limited(b"a\n" + b"x\n" * 501, None)
    with pytest.raises(FormatError, match="1,000 values"):
        limited(b"," * 1001, None)


@given(st.lists(st.tuples(st.text(), st.text()), max_size=5))
def test_what_python_writes_is_read_back(rows):
    written = io.StringIO()
    writer = csv.writer(written, quoting=csv.QUOTE_ALL)
    writer.writerow(["a", "b"])
    writer.writerows(rows)
    try:
        content = written.getvalue().encode()
    except UnicodeEncodeError:
        return
    assert decode(content, None) == [{"a": first, "b": second} for first, second in rows]
