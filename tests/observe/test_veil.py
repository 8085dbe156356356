"""Credentials are masked in bytes, in whatever encoding they come back; what is none stays as it is."""

from __future__ import annotations

import base64
import html
import json
import random
import time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naftiko.observe.masking import SecretMask

SECRETS = (
    "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
    'p4ss/w+rd="x&y\\z',
    "gr\N{LATIN SMALL LETTER U WITH DIAERESIS}n-4711-geheim",
    "Y2lkOnNlY3JldC10b2tlbi8xMjM=",
)


def percent_all(text):
    return "".join(f"%{byte:02x}" for byte in text.encode())


def json_all(text):
    return "".join(f"\\u{ord(character):04X}" for character in text)


def decimal_all(text):
    return "".join(f"&#{ord(character)};" for character in text)


def alternating(text):
    return "".join(character if at % 2 else f"\\u{ord(character):04x}" for at, character in enumerate(text))


def wrapped(text):
    encoded = base64.b64encode(b"Authorization: Bearer " + text.encode()).decode()
    return "\r\n".join(encoded[at : at + 40] for at in range(12, len(encoded), 40))


ENCODINGS = {
    "plain": str,
    "upper": lambda text: "".join(each.upper() if each.isascii() else each for each in text),
    "percent": lambda text: quote(text, safe=""),
    "percent-lower": lambda text: quote(text, safe="").replace("%2F", "%2f").replace("%3D", "%3d"),
    "percent-all": percent_all,
    "percent-twice": lambda text: quote(quote(text, safe=""), safe=""),
    "percent-all-twice": lambda text: quote(percent_all(text), safe=""),
    "form": quote_plus,
    "json": lambda text: json.dumps(text)[1:-1],
    "json-slashes": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "json-all": json_all,
    "json-in-json": lambda text: json.dumps(json.dumps(json.dumps(text))),
    "json-all-in-json": lambda text: json.dumps(json_all(text)),
    "json-alternating": alternating,
    "javascript": lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()),
    "html": html.escape,
    "html-twice": lambda text: html.escape(html.escape(text)),
    "html-decimal": decimal_all,
    "html-decimal-twice": lambda text: html.escape(decimal_all(text)),
    "html-hex": lambda text: "".join(f"&#x{ord(character):04x};" for character in text),
    "percent-in-html": lambda text: decimal_all(quote(text, safe="")),
    "hex": lambda text: text.encode().hex(),
    "hex-upper": lambda text: text.encode().hex().upper(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64-inside": lambda text: base64.b64encode(f"x{text}yz".encode()).decode(),
    "base64-inside-2": lambda text: base64.b64encode(f"xx{text}y".encode()).decode(),
    "base64-url": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "base64-percent": lambda text: quote(base64.b64encode(text.encode()).decode(), safe=""),
    "base64-json": lambda text: json.dumps(base64.b64encode(text.encode()).decode()).replace("/", "\\/"),
    "base64-wrapped": wrapped,
}


def veil_of(*values, name=""):
    made = SecretMask()
    for value in values:
        made.carry(name)
        made.add(value)
    return made


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("secret", SECRETS)
def test_every_encoding_is_masked(encoding, secret):
    """What stands around it stays, and nothing of it is left that could be decoded."""
    written = ENCODINGS[encoding](secret)
    masked = veil_of(secret).masked(f"<{{before: \t {written} \u00e9 after>".encode())
    assert b"***" in masked
    assert masked.startswith(b"<{before: \t ")
    assert masked.endswith(" \u00e9 after>".encode())
    rest = masked.decode().removeprefix("<{before: \t ").removesuffix(" \u00e9 after>")
    assert len(rest) <= 3 + 60, rest  # of base64, the neighbours' own characters are left


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-be", "utf-32-le"])
def test_wide_texts(codec):
    data = f"a {SECRETS[0]} b".encode(codec)
    masked = veil_of(SECRETS[0]).masked(data, same_length=True)
    assert len(masked) == len(data)
    assert SECRETS[0] not in masked.replace(b"\0", b"").decode("latin-1")


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("secret", SECRETS)
def test_pieces_of_a_stream(encoding, secret):
    """Wherever a stream is cut, the same bytes are masked as in a whole, each by one, and none is kept back at the end."""
    data = f"id: 1\ndata: {ENCODINGS[encoding](secret)}\n\n{ENCODINGS[encoding](secret)}".encode()
    veil = veil_of(secret)
    whole = veil.masked(data, same_length=True)
    for size in (1, 2, 3, 7, 16, 50):
        stream = veil.stream()
        made = b"".join(stream.feed(data[at : at + size]) for at in range(0, len(data), size)) + stream.rest()
        assert len(made) == len(data)
        shown = SECRETS if encoding in {"plain", "json", "hex"} else ()
        assert not any(each.encode() in made for each in shown)
        if encoding != "base64-wrapped":
            assert made == whole, size


def test_events_pass_as_they_come():
    """A piece that ends outside of anything secret is passed on whole."""
    stream = veil_of(SECRETS[0]).stream()
    assert stream.feed(b'data: {"n": 1}\n\n') == b'data: {"n": 1}\n\n'
    assert stream.feed(b"data: sk_li") == b"data: "
    assert stream.feed(b"on\n\n") == b"sk_lion\n\n"


@given(st.binary(max_size=400))
def test_other_bytes_stay(data):
    """Whatever they are; and the same object is given back."""
    assert veil_of(*SECRETS).masked(data) is data


@given(
    st.lists(st.sampled_from(["%", "%2", "\\u00", "\\", "&#", "&amp;", "x", "\0", "4e", SECRETS[0][:9]]), max_size=40)
)
def test_odd_escapes_are_no_fault(pieces):
    data = "".join(pieces).encode()
    veil = veil_of(SECRETS[0])
    assert veil.masked(data, strict=True) == data
    stream = veil.stream()
    assert stream.feed(data) + stream.rest() == data


def test_short_ones_beside_their_names():
    """A short credential may be any word: in a good answer it is hidden where its name or scheme stands before it."""
    veil = veil_of("admin", name="X-A")
    assert veil.masked(b'{"role": "admin", "X-A": "admin", "x-a":["admin"], "authorization":"Bearer admin"}') == (
        b'{"role": "admin", "X-A": "***", "x-a":["***"], "authorization":"Bearer ***"}'
    )
    assert veil.masked(b'{"role": "admin"}', strict=True) == b'{"role": "***"}'
    assert veil_of("abc").masked(b"abc abcd a-abc", strict=True) == b"*** abcd a-abc"


def test_own_credentials_of_a_call():
    veil = SecretMask()
    assert not veil
    assert veil.masked(b"nonce 0123456789abcdef", ["0123456789abcdef"]) == b"nonce ***"
    assert veil.masked(b"nonce 0123456789abcdef") == b"nonce 0123456789abcdef"


def test_passing_ones_are_forgotten():
    veil = SecretMask()
    for at in range(100):
        veil.add(f"token-number-{at:04}", lasting=False)
    assert veil.masked(b"token-number-0099") == b"***"
    assert veil.masked(b"token-number-0001") == b"token-number-0001"


def seconds(veil, data):
    best = 9.0
    for _ in range(3):
        start = time.process_time()
        veil.masked(data)
        best = min(best, time.process_time() - start)
    return best


@pytest.mark.parametrize(
    "piece", [b"\\", b"%25", b"&amp;", b"%73", b"s", b"\\u0073", b"sk_live_4eC39HqLyjWDarjtT1zdp7d", b"&#", b"\0"]
)
def test_time_grows_with_the_length(piece):
    """Nothing that an upstream writes makes it slower than its length does."""
    veil = veil_of(SECRETS[0])
    small, large = (piece * (size // len(piece)) for size in (32_000, 128_000))
    assert seconds(veil, large) < 16 * max(seconds(veil, small), 0.002)


def test_large_bodies_are_masked_across_windows():
    secret = SECRETS[1]
    written = quote(secret, safe="").encode()
    size = 256 * 1024
    data = b"x" * (size - 7) + written + b"y" * size + secret.encode() + b"z"
    masked = veil_of(secret).masked(data)
    assert masked == b"x" * (size - 7) + b"***" + b"y" * size + b"***z"


def test_randomly_spelled():
    """Each character spelt in a way of its own."""
    choose = random.Random(4711).choice
    ways = (str, percent_all, json_all, decimal_all, lambda text: quote(percent_all(text), safe=""))
    for _ in range(50):
        written = "".join(choose(ways)(character) for character in SECRETS[0])
        assert veil_of(SECRETS[0]).masked(written.encode()) == b"***", written


@pytest.mark.parametrize("same_length", [False, True])
def test_a_large_body_that_says_it_a_million_times_has_none(same_length):
    veil = SecretMask()
    veil.add(SECRETS[0])
    veil.add("pin")
    said = (f"<{SECRETS[0]}>".encode() + b"X <pin> spin pins ") * 10_000
    masked = veil.masked(said, strict=True, same_length=same_length)
    once = b"<%b>X <%b> spin pins " % ((b"*" * len(SECRETS[0]), b"*" * 3) if same_length else (b"***", b"***"))
    assert masked == once * 10_000


def test_a_credential_across_any_border_is_masked_once():
    veil = SecretMask()
    veil.add(SECRETS[0])
    for before in range(65_536 - 800, 65_536 + 20, 7):
        said = b"-" * before + percent_all(SECRETS[0]).encode() + b"-" * 70_000
        assert veil.masked(said) == b"-" * before + b"***" + b"-" * 70_000
