"""What an error page says, told to a model: the whole of it, in linear time (issue rows: HTML errors, 64 KB pages)."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from naftiko.expose.http.markup import is_markup, text_of_markup
from naftiko.expose.http.problems import EXCERPT_LENGTH, excerpt

LARGEST = 64 * 1024
NGINX = """<html>
<head><title>404 Not Found</title></head>
<body>
<center><h1>404 Not Found</h1></center>
<hr><center>nginx/1.25.3</center>
</body>
</html>"""
S3 = """<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message><Key><![CDATA[a<b>&c]]></Key></Error>"""


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("<title>500</title><h1>Server Error</h1><p>trace id 5</p>", "500: Server Error trace id 5"),
        (NGINX, "404 Not Found nginx/1.25.3"),
        (S3, "NoSuchKey The specified key does not exist. a<b>&c"),
        ("<title>Oh &amp; no</title><style>p{}</style><p>st<b>ac</b>k</p>", "Oh & no: stack"),
        ("<h1>Hi</h1><script>if (a < b) alert('<p>no</p>')</script>there<script>never closed", "Hi there"),
        ("<p>1 < 2 &lt;3&gt; &nosuch; &#233;&#xE9;</p>", "1 < 2 <3> &nosuch; éé"),
        ("<!-- <p>no</p> --><p>yes<!-- open", "yes"),
        ("<svg><title>Logo</title></svg><svg/><h1>Down</h1>", "Down"),
        ("<TITLE>A</TITLE><BODY>b", "A: b"),
        ("<title></title>", ""),
        ("<noscript>Enable JavaScript</noscript>", "Enable JavaScript"),
        ("<p>&#99999999999999999999999;</p>", "&#99999999999999999999999;"),
    ],
)
def test_a_page_says_its_title_and_its_text(page, said):
    assert text_of_markup(page) == said


@given(st.text(st.sampled_from("<>/!-ab &#;[]\"'"), max_size=200) | st.text(max_size=200))
def test_any_text_is_one_line_of_its_own_characters(text):
    said = text_of_markup(text)
    assert said == " ".join(said.split())


HOSTILE = [
    "<script",
    "<script>",
    "<",
    "<!--",
    "&#",
    "<a ",
    "</",
    "&",
    "<title>",
    "<![CDATA[",
    "</script",
    "<svg/>",
    "&#9",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hostile_page_is_read_once(piece):
    """Counted and not timed: a page twice as long is looked at twice as often."""
    assert _looks(piece, 2048) <= 3 * _looks(piece, 1024) + 100


def _looks(piece, times):
    class Counting(str):
        __slots__ = ()
        looked = 0

        def find(self, *args):
            found = str.find(self, *args)
            start = args[1] if len(args) > 1 else 0
            Counting.looked += (len(self) if found < 0 else found) - start + 1
            return found

    text_of_markup(Counting(piece * times))
    return Counting.looked


@pytest.mark.parametrize(
    ("content", "media_type", "said"),
    [
        (NGINX.encode(), "text/html", "404 Not Found nginx/1.25.3"),
        ("<h1>Gesperrt für</h1>".encode("latin-1"), "text/html; charset=iso-8859-1", "Gesperrt für"),
        (b'{"message": "cut \\ud83d"}', "application/json", "cut \ufffd"),
        (b"<p>" + b"x" * LARGEST, "text/html", "x" * (EXCERPT_LENGTH - 1) + "…"),
        (b"plain & <simple", "text/plain", "plain & <simple"),
    ],
)
def test_the_excerpt_of_an_upstreams_error(content, media_type, said):
    response = httpx.Response(500, content=content, headers={"content-type": media_type})
    assert excerpt(response, lambda text: text) == said


def test_an_error_in_a_coding_that_is_not_known_says_nothing():
    response = httpx.Response(500, headers={"content-encoding": "compress"}, stream=httpx.ByteStream(b""))
    response._content = b"\x1f\x9d\x01"
    assert excerpt(response, lambda text: text) == ""


def test_what_is_a_page():
    assert is_markup("x", "application/xhtml+xml")
    assert is_markup("\ufeff\n <!doctype html>", "")
    assert not is_markup("a < b", "text/plain")
