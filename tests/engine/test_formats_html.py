"""html: the tables of a page."""

from __future__ import annotations

from pathlib import Path

import pytest

from naftiko.engine.formats import FormatError, FormatOptions, decoder

FIXTURES = Path(__file__).parent.parent / "fixtures" / "formats"
PAGE = (FIXTURES / "products.html").read_bytes()
PRODUCTS = [
    {"Name": "Widget", "Price": "$99", "In stock": "yes"},
    {"Name": "Gadget Mark II", "Price": "$149", "In stock": ""},
]
PRICES = [{"Currency": "EUR", "Rate": "1.0"}, {"Currency": "SEK", "Rate": "11.4"}]


def tables(page, selector=None):
    return decoder("html", FormatOptions(schema=selector))(page, None)["tables"]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (None, [PRODUCTS, PRICES]),
        ("table.products", [PRODUCTS]),
        ("#main", [PRODUCTS]),
        ("body, table.prices", [PRODUCTS, PRICES]),
        ("table.prices, table.products", [PRODUCTS, PRICES]),
        ("#main + table", [PRICES]),
        ("table:has(tfoot)", [PRODUCTS]),
        ("nav", []),
        (".nothing", []),
    ],
)
def test_the_selector_chooses_tables_or_what_holds_them(selector, expected):
    assert tables(PAGE, selector) == expected


def test_a_row_with_a_header_cell_is_no_data():
    page = b"<table><tr><th>Name</th></tr><tr><th>Section</th></tr><tr><td>Gadget</td></tr></table>"
    assert tables(page) == [[{"Name": "Gadget"}]]


def test_a_table_inside_a_cell_keeps_its_rows():
    page = b"<table><tr><th>A<tr><td>x<table><tr><th>B<tr><td>y</table></table>"
    assert tables(page) == [[{"A": "x B y"}], [{"B": "y"}]]


def test_repeated_headers_lose_no_cell():
    assert tables(b"<table><tr><th>A<th>A<tr><td>1<td>2</table>") == [[{"A": "1", "A_2": "2"}]]


def test_scripts_and_comments_are_no_text():
    page = b"<table><tr><th>A<tr><td>x<script>y<z</script><!-- c -->&lt;&amp;</table>"
    assert tables(page) == [[{"A": "x<&"}]]


@pytest.mark.parametrize("page", [b"", b"   ", b"plain text", b"<!-- only a comment -->", b"<html></html>", b"</p>"])
def test_a_page_without_tables(page):
    assert tables(page) == []


@pytest.mark.parametrize(
    ("head", "charset", "encoding"),
    [
        (b'<meta charset="iso-8859-1">', None, "latin-1"),
        (b'<meta http-equiv="Content-Type" content="text/html; charset=windows-1252">', None, "cp1252"),
        (b'<meta charset="utf-8">', "iso-8859-1", "latin-1"),
        (b'<meta charset="utf-16">', None, "utf-8"),
        (b"", None, "utf-8"),
    ],
)
def test_the_charset_of_the_answer_then_of_the_page(head, charset, encoding):
    page = head + "<table><tr><th>Stad<tr><td>Göteborg</table>".encode(encoding)
    assert decoder("html")(page, charset) == {"tables": [[{"Stad": "Göteborg"}]]}


@pytest.mark.parametrize("selector", ["table[", "a:unknown", ">", "table > > td", "td::before"])
def test_a_broken_selector_is_told_at_load(selector):
    with pytest.raises(FormatError, match="is not a CSS selector"):
        decoder("html", FormatOptions(schema=selector))


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (b"<div>" * 300, "200 levels"),
        (b"<p></p>" * 200_001, "200,000 elements"),
        (b"<p " + b" ".join(b"a%d" % number for number in range(501)) + b">", "<p> has more than 500 attributes"),
        (b"x" * (8 * 1024 * 1024 + 1), "larger than 8,388,608 bytes"),
        (b"<p>\xff", "byte 3 is wrong"),
        (b"<table><tr><th>a<tr><td>" + b"<p></p>" * 3_000_000, "larger than"),
    ],
)
def test_limits(page, message):
    with pytest.raises(FormatError, match=message):
        tables(page)


@pytest.mark.parametrize("selector", ["table ~ table", "table:nth-child(2)", "div:has(table)", "table:first-of-type"])
def test_a_selector_that_is_slow_on_purpose_made_pages_gets_smaller_ones(selector):
    assert tables(b"<table><tr><th>a</table>" * 1000, selector) is not None
    with pytest.raises(FormatError, match="5,000 elements"):
        tables(b"<p></p>" * 5_001, selector)
