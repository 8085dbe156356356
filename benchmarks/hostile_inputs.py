"""What hostile inputs are made of, for ``benchmarks/hostile_cases.py``: texts of each format, grown to any size."""

from __future__ import annotations

import functools
import gzip
import random
from collections.abc import Callable
from typing import Final

BOUNDARY: Final = b"--X\r\nContent-Disposition: form-data; name="
CHARACTERS: Final = b"ab01 {}[]\",:\\<>&;%=#*_-`\n\r\t'/!?\xc3\xa9\x00\xff"
Maker = Callable[[random.Random, int], bytes]


def repeated(unit: bytes, *, before: bytes = b"", after: bytes = b"") -> Maker:
    """Return what makes a text of one unit, over and over."""
    return lambda _, size: before + unit * max(1, (size - len(before) - len(after)) // len(unit)) + after


def nested(opening: bytes, closing: bytes, inner: bytes = b"1") -> Maker:
    """Return what makes a text that is nested as deeply as its size allows."""

    def make(_: random.Random, size: int) -> bytes:
        depth = max(1, size // (len(opening) + len(closing)))
        return opening * depth + inner + closing * depth

    return make


def numbered(unit: bytes, *, before: bytes = b"", between: bytes = b",", after: bytes = b"") -> Maker:
    """Return what makes a text of units that differ by a number."""

    def make(_: random.Random, size: int) -> bytes:
        count = max(1, size // (len(unit) + len(between) + 4))
        return before + between.join([unit.replace(b"%d", b"%d" % at) for at in range(count)]) + after

    return make


def _varint(number: int) -> bytes:
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*made, number])


def noise(chance: random.Random, size: int) -> bytes:
    """Return bytes that mean something in many formats, in no order."""
    block = bytes(chance.choices(CHARACTERS, k=min(size, 5_000)))
    return (block * (size // len(block) + 1))[:size]


JSON: Final[dict[str, Maker]] = {
    "numbers": repeated(b"1,", before=b"[", after=b"1]"),
    "decimals": repeated(b"1.50,", before=b"[", after=b"1]"),
    "objects": repeated(b"{},", before=b"[", after=b"{}]"),
    "arrays": repeated(b"[],", before=b"[", after=b"[]]"),
    "texts": numbered(b'"t%d"', before=b"[", after=b"]"),
    "keys": numbered(b'"k%d":1', before=b"{", after=b"}"),
    "same keys": repeated(b'"k":1,', before=b"{", after=b'"k":1}'),
    "one text": repeated(b"x", before=b'"', after=b'"'),
    "escapes": repeated(b"\\ud800", before=b'["', after=b'"]'),
    "pairs": repeated(b"\\ud83d\\ude00", before=b'["', after=b'"]'),
    "digits": repeated(b"1" * 4000 + b",", before=b"[", after=b"1]"),
    "one number": repeated(b"1"),
    "exponents": repeated(b"1e999999,", before=b"[", after=b"1]"),
    "deep objects": nested(b'{"x":', b"}"),
    "deep arrays": nested(b"[", b"]"),
    "deep to the limit": lambda _, size: nested(b'{"x":', b"}", b'"' + b"x" * size + b'"')(_, 1_000),
    "broken": repeated(b"1,", before=b"["),
    "blanks": repeated(b" ", after=b"1"),
    "items": repeated(
        b'{"id":1234567,"name":"some name","price":12.50,"tags":["a","b"],"nested":{"x":1}},',
        before=b'{"items":[',
        after=b'{"id":1}]}',
    ),
    "few fields": repeated(b"{},", before=b'{"items":[', after=b"{}]}"),
    "noise": noise,
}
FORMATS: Final[dict[str, dict[str, Maker]]] = {
    "csv": {
        "rows": repeated(b"a,b,c\n"),
        "cells": repeated(b","),
        "lines": repeated(b"\n"),
        "quotes": repeated(b'"'),
        "open quote": repeated(b"a,\n", before=b'"'),
        "wide": lambda _, size: b"," * (size // 2) + b"\n1" * (size // 4),
        "noise": noise,
    },
    "tsv": {"cells": repeated(b"\t"), "noise": noise},
    "psv": {"cells": repeated(b"|"), "noise": noise},
    "xml": {
        "elements": repeated(b"<a/>", before=b"<r>", after=b"</r>"),
        "texts": repeated(b"<a>b</a>", before=b"<r>", after=b"</r>"),
        "deep": nested(b"<a>", b"</a>"),
        "attributes": numbered(b'a%d=""', before=b"<r ", between=b" ", after=b"/>"),
        "namespaces": numbered(b'xmlns:a%d="u"', before=b"<r ", between=b" ", after=b"/>"),
        "entities": repeated(b"&amp;", before=b"<r>", after=b"</r>"),
        "bomb": lambda _, size: (
            b'<!DOCTYPE r [<!ENTITY a "%b"><!ENTITY b "%b">]><r>&b;</r>' % (b"x" * (size // 2), b"&a;" * 1000)
        ),
        "comments": repeated(b"<!---->", before=b"<r>", after=b"</r>"),
        "noise": noise,
    },
    "markdown": {
        "brackets": repeated(b"["),
        "emphasis": repeated(b"*a_"),
        "stars": repeated(b"*" * 3 + b"a"),
        "quotes": repeated(b">"),
        "lists": numbered(b"- a", between=b"\n"),
        "deep list": lambda _, size: b"".join(b" " * at + b"- a\n" for at in range(int((2 * size) ** 0.5))),
        "ticks": lambda _, size: b"".join(b"`" * at + b" " for at in range(int((2 * size) ** 0.5))),
        "links": repeated(b"[a](b"),
        "references": numbered(b"[a%d]: b", between=b"\n"),
        "table": repeated(b"|a|b|\n", before=b"|a|b|\n|-|-|\n"),
        "wide table": lambda _, size: b"|a" * (size // 4) + b"\n" + b"|-" * (size // 4) + b"\n" + b"|1\n" * (size // 9),
        "front matter": repeated(b"a: b\n", before=b"---\n", after=b"---\n"),
        "headings": repeated(b"# a\n\nb\n\n"),
        "noise": noise,
    },
    "html": {
        "elements": repeated(b"<p>a"),
        "deep": repeated(b"<div>"),
        "less than": repeated(b"<"),
        "attributes": numbered(b"a%d=b", before=b"<p ", between=b" ", after=b">"),
        "table": repeated(b"<tr><td>a<td>b", before=b"<table>"),
        "entities": repeated(b"&lt;"),
        "comment": repeated(b"<!--"),
        "title": repeated(b"<title>"),
        "script": repeated(b"<script>"),
        "noise": noise,
    },
    "yaml": {
        "list": repeated(b"- a\n"),
        "keys": numbered(b"k%d: v", between=b"\n"),
        "flow": repeated(b"["),
        "flow items": repeated(b"a,", before=b"[", after=b"a]"),
        "aliases": repeated(b"- *a\n", before=b"- &a [x,x,x,x,x,x,x,x]\n"),
        "bomb": lambda _, size: (
            b"a0: &a0 [x]\n" + b"".join(b"a%d: &a%d [*a%d,*a%d]\n" % (n, n, n - 1, n - 1) for n in range(1, size // 24))
        ),
        "deep": lambda _, size: b"".join(b" " * at + b"a:\n" for at in range(int((2 * size) ** 0.5))),
        "text": repeated(b"a "),
        "noise": noise,
    },
    "avro": {
        "nulls": lambda _, size: b"\x00" + b"\xfe\xff\xff\xff\x0f" * (size // 5),
        "deep": repeated(b"\x02"),
        "texts": repeated(b"\x00\x02\x02a", before=b"\x00"),
        "noise": noise,
    },
    "protobuf": {
        "empty": repeated(b"\x0a\x00"),
        "numbers": repeated(b"\x10\x01"),
        "packed": lambda _, size: b"\x12" + _varint(size) + b"\x01" * size,
        "deep": lambda _, size: functools.reduce(
            lambda inner, _: b"\x0a" + _varint(len(inner)) + inner, range(90), b"\x1a" + _varint(size) + b"a" * size
        ),
        "texts": repeated(b"\x1a\x01a"),
        "noise": noise,
    },
    "text": {"lines": repeated(b"a\n"), "bytes": repeated(b"\xff"), "noise": noise},
    "binary": {"bytes": repeated(b"\x00\xff"), "noise": noise},
}
READ_AS_JSON: Final = ("json", "map", "filter", "every", "step")
FORMS: Final[dict[str, tuple[bytes, Maker]]] = {
    "percent": (b"application/x-www-form-urlencoded", repeated(b"%41", before=b"a=")),
    "ampersands": (b"application/x-www-form-urlencoded", repeated(b"&")),
    "plus": (b"application/x-www-form-urlencoded", repeated(b"+", before=b"a=")),
    "pairs": (b"application/x-www-form-urlencoded", numbered(b"a%d=b", between=b"&")),
    "parts": (
        b"multipart/form-data; boundary=X",
        numbered(BOUNDARY + b'"a%d"\r\n\r\nz', between=b"\r\n", after=b"\r\n--X--\r\n"),
    ),
    "file": (
        b"multipart/form-data; boundary=X",
        repeated(b"a", before=BOUNDARY + b'"a"; filename="f"\r\n\r\n', after=b"\r\n--X--\r\n"),
    ),
    "returns": (
        b"multipart/form-data; boundary=X",
        repeated(b"\r", before=BOUNDARY + b'"a"; filename="f"\r\n\r\n', after=b"\r\n--X--\r\n"),
    ),
    "near borders": (
        b"multipart/form-data; boundary=X",
        repeated(b"\r\n--", before=BOUNDARY + b'"a"; filename="f"\r\n\r\n', after=b"\r\n--X--\r\n"),
    ),
    "long header": (
        b"multipart/form-data; boundary=X",
        repeated(b"a", before=BOUNDARY + b'"a"\r\nX: ', after=b"\r\n\r\nz\r\n--X--\r\n"),
    ),
    "noise": (b"multipart/form-data; boundary=X", noise),
}
ARGUMENTS: Final[dict[str, tuple[bytes, Maker]]] = {
    "unknown names": (b"fields", numbered(b'"unknown%d":1', before=b"{", after=b"}")),
    "one long name": (b"fields", repeated(b"alpha", before=b'{"', after=b'":1}')),
    "a text of JSON": (b"fields", repeated(b"1,", before=b'{"any":"{\\"a\\":[', after=b'1]}"}')),
    "wrong items": (b"checked", repeated(b"1,", before=b'{"list":[', after=b"1]}")),
    "right items": (b"checked", repeated(b'{"x":"a"},', before=b'{"list":[', after=b'{"x":"a"}]}')),
    "unique objects": (b"checked", numbered(b'{"a":%d}', before=b'{"unique":[', after=b"]}")),
    "unique kinds": (b"checked", numbered(b'{"a":%d},[%d],%d', before=b'{"unique":[', after=b"]}")),
    "numbers": (b"fields", repeated(b"1,", before=b'{"list":[', after=b"1]}")),
    "deep": (b"fields", lambda _, size: b'{"any":%b}' % nested(b'{"a":', b"}")(_, size)),
    "escapes": (b"fields", repeated(b"\\ud800", before=b'{"a":"', after=b'"}')),
}


SCHEMAS: Final[dict[str, Maker]] = {
    "patterns": repeated(b'"' + b"a" * 500 + b'!",', before=b'{"patterns":[', after=b'"a"]}'),
    "names by pattern": numbered(b'"' + b"a" * 60 + b'!%d":1', before=b'{"names":{', after=b"}}"),
    "names of nobody": numbered(b'"b%d":1', before=b'{"left":{', after=b"}}"),
    "long names of nobody": numbered(b'"' + b"a" * 3000 + b'!%d":1', before=b'{"left":{', after=b"}}"),
    "items of nobody": repeated(b"1,", before=b'{"rest":[', after=b"1]}"),
    "contains": repeated(b'{"a":1},', before=b'{"some":[', after=b"{}]}"),
    "one of many": repeated(b'{"a":1},', before=b'{"one":[', after=b"{}]}"),
    "names": numbered(b'"n%d":1', before=b'{"named":{', after=b"}}"),
    "dependent": numbered(b'"n%d":1', before=b'{"dependent":{"a":1,', after=b"}}"),
    "multiples": repeated(b"1e300,", before=b'{"multiple":[', after=b"1]}"),
    "formats": repeated(b'"2020-01-01T00:00:00Z",', before=b'{"times":[', after=b'""]}'),
    "addresses": repeated(b'"' + b"a." * 100 + b'@b",', before=b'{"addresses":[', after=b'""]}'),
    "a tree": lambda _, size: b'{"tree":%b}' % nested(b'{"next":', b"}", b"{}")(_, min(size, 1_500)),
    "a wide tree": repeated(b'{"next":{}},', before=b'{"trees":[', after=b"{}]}"),
    "constants": numbered(b'{"a":[%d]}', before=b'{"constant":[', after=b"]}"),
}
FEW_JSON: Final = {
    name: JSON[name] for name in ("numbers", "decimals", "one text", "escapes", "pairs", "digits", "items", "noise")
}
FEW: Final = {
    "json": FEW_JSON,
    "html": {name: FORMATS["html"][name] for name in ("elements", "less than", "entities", "noise")},
    "text": FORMATS["text"],
}


def _bomb(_: random.Random, size: int) -> bytes:
    return gzip.compress(b"[" + b"1," * size * 5 + b"1]", 6)


CODED: Final[dict[str, Maker]] = {
    "bomb of gzip": _bomb,
    "members of gzip": repeated(gzip.compress(b"1")),
    "empty members of gzip": repeated(gzip.compress(b"")),
    "noise as gzip": lambda chance, size: gzip.compress(noise(chance, size), 1),
    "empty blocks of deflate": repeated(b"\x00\x00\x00\xff\xff", before=b"\x78\x9c"),
    "broken deflate": noise,
}
CHUNKS: Final[dict[str, Maker]] = {
    "small": repeated(b"1\r\n1\r\n", after=b"0\r\n\r\n"),
    "extension": repeated(b"a", before=b"1;", after=b"\r\n1\r\n0\r\n\r\n"),
    "trailers": repeated(b"X: a\r\n", before=b"1\r\n1\r\n0\r\n", after=b"\r\n"),
    "zeros": repeated(b"0", after=b"1\r\n1\r\n0\r\n\r\n"),
}
