"""Hostile inputs for ``benchmarks/hostile.py``: what a caller or an upstream may send, grown to a size from a seed."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

ACCEPT: Final = b"Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2025-11-25\r\n"
BOUNDARY: Final = b"--X\r\nContent-Disposition: form-data; name="
CHARACTERS: Final = b"ab01 {}[]\",:\\<>&;%=#*_-`\n\r\t'/!?\xc3\xa9\x00\xff"
HEAD_LIMIT: Final = 60_000


@dataclass(frozen=True, slots=True)
class Case:
    """One input.

    Attributes:
        name: what it is, the same for all sizes.
        port: ``rest`` or ``mcp``.
        request: its bytes.
        size: of the input that is hostile.
        answer: what the upstream answers, or ``None`` where it is not about that.
        media_type: of the answer.
        coding: of the answer, or ``b""``.
        status: of the answer.
    """

    name: str
    port: str
    request: bytes = field(repr=False)
    size: int
    answer: bytes | None = field(default=None, repr=False)
    media_type: bytes = b"application/json"
    coding: bytes = b""
    status: int = 200


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
        "noise": noise,
    },
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
    "patterns": (b"checked", repeated(b'"' + b"a" * 500 + b'!",', before=b'{"patterns":[', after=b'"a"]}')),
    "names by pattern": (b"checked", numbered(b'"' + b"a" * 60 + b'!%d":1', before=b'{"names":{', after=b"}}")),
    "contains": (b"checked", repeated(b'{"a":1},', before=b'{"some":[', after=b"{}]}")),
    "a tree": (b"checked", lambda _, size: b'{"tree":%b}' % nested(b'{"next":', b"}", b"{}")(_, min(size, 1_500))),
    "numbers": (b"fields", repeated(b"1,", before=b'{"list":[', after=b"1]}")),
    "deep": (b"fields", lambda _, size: b'{"any":%b}' % nested(b'{"a":', b"}")(_, size)),
    "escapes": (b"fields", repeated(b"\\ud800", before=b'{"a":"', after=b'"}')),
}


def rest(path: str, body: bytes | None = None, headers: bytes = b"", method: bytes = b"") -> bytes:
    """Return a request to REST."""
    method = method or (b"GET" if body is None else b"POST")
    length = b"" if body is None else b"Content-Length: %d\r\n" % len(body)
    return b"%b %b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%b%b\r\n%b" % (
        *(method, path.encode("latin-1"), headers, length, body or b""),
    )


def message(method: bytes, params: bytes) -> bytes:
    """Return a JSON-RPC request to MCP."""
    body = b'{"jsonrpc":"2.0","id":1,"method":"%b","params":%b}' % (method, params)
    return posted(body)


def posted(body: bytes) -> bytes:
    """Return a POST to MCP."""
    return rest("/mcp", body, b"Content-Type: application/json\r\n" + ACCEPT)


def called(tool: bytes, arguments: bytes) -> bytes:
    """Return a call of a tool."""
    return message(b"tools/call", b'{"name":"%b","arguments":%b}' % (tool, arguments))


def cases(seed: int, count: int, largest: int) -> Iterator[Case]:
    """Yield so many cases; every kind comes before one comes again, with sizes between 1 KB and the largest."""
    chance = random.Random(seed)  # the same cases each time
    kinds = [*_answers(), *_bodies(), *_messages(), *_heads()]
    done = 0
    while done < count:
        chance.shuffle(kinds)
        for kind in kinds[: count - done]:
            size = largest if chance.random() < 0.2 else int(10 ** chance.uniform(3, len(str(largest)) - 1))
            yield kind(chance, min(size, largest))
            done += 1


_Kind = Callable[[random.Random, int], Case]


def _answers() -> Iterator[_Kind]:
    """Answers of the upstream, read in each way that there is."""
    for way in READ_AS_JSON:
        for name, make in JSON.items():
            yield _answer(f"answer {way}: {name}", rest(f"/{way}/x"), "rest", make, b"application/json")
    for way, makers in FORMATS.items():
        for name, make in makers.items():
            yield _answer(f"answer {way}: {name}", rest(f"/{way}/x"), "rest", make, b"text/plain")
    for name, make in JSON.items():
        yield _answer(f"tool json: {name}", called(b"json", b'{"what":"x"}'), "mcp", make, b"application/json")
    for way in ("html", "text"):
        for name, make in FORMATS[way].items():
            yield _answer(f"tool {way}: {name}", called(way.encode(), b'{"what":"x"}'), "mcp", make, b"text/plain")
    for name, make in {**FORMATS["html"], **JSON}.items():
        kind = b"text/html" if name in FORMATS["html"] else b"application/json"
        yield _answer(f"error page: {name}", called(b"json", b'{"what":"x"}'), "mcp", make, kind, status=500)
    yield _answer("bomb of gzip", rest("/map/x"), "rest", _bomb, b"application/json", coding=b"gzip")


def _answer(
    name: str, request: bytes, port: str, make: Maker, media_type: bytes, *, coding: bytes = b"", status: int = 200
) -> _Kind:
    def made(chance: random.Random, size: int) -> Case:
        answer = make(chance, size)
        return Case(name, port, request, len(answer), answer, media_type, coding, status)

    return made


def _bomb(_: random.Random, size: int) -> bytes:
    return gzip.compress(b"[" + b"1," * size * 5 + b"1]", 6)


def _bodies() -> Iterator[_Kind]:
    """Bodies of REST callers."""
    for path in ("fields", "checked", "raw"):
        for name, make in JSON.items():
            yield _body(f"body {path}: {name}", f"/{path}/x" if path != "checked" else "/checked", make)
    for name, (kind, make) in FORMS.items():
        yield _body(f"form: {name}", "/fields/x", make, kind)
    yield _body("body checked: wrong items", "/checked", repeated(b"1,", before=b'{"list":[', after=b"1]}"))
    yield _body("body checked: right items", "/checked", ARGUMENTS["right items"][1])
    yield _body("body of gzip", "/fields/x", _bomb, headers=b"Content-Encoding: gzip\r\n")


def _body(name: str, path: str, make: Maker, media_type: bytes = b"application/json", headers: bytes = b"") -> _Kind:
    def made(chance: random.Random, size: int) -> Case:
        body = make(chance, size)
        return Case(name, "rest", rest(path, body, b"Content-Type: %b\r\n%b" % (media_type, headers)), len(body))

    return made


def _messages() -> Iterator[_Kind]:
    """Messages of MCP clients."""
    for name, (tool, make) in ARGUMENTS.items():
        yield _message(f"arguments: {name}", lambda chance, size, t=tool, m=make: called(t, m(chance, size)))
    for name, make in JSON.items():
        yield _message(f"message: {name}", lambda chance, size, m=make: posted(m(chance, size)))
        yield _message(
            f"other method: {name}",
            lambda chance, size, m=make: message(b"prompts/get", b'{"name":"x","arguments":%b}' % m(chance, size)),
        )
    yield _message(
        "batch",
        lambda c, s: posted(repeated(b'{"jsonrpc":"2.0","id":1,"method":"ping"},', before=b"[", after=b"{}]")(c, s)),
    )
    yield _message("uri", lambda _, s: message(b"resources/read", b'{"uri":"x://%b"}' % (b"z" * s)))


def _message(name: str, make: Maker) -> _Kind:
    def made(chance: random.Random, size: int) -> Case:
        request = make(chance, min(size, 4_000_000))
        return Case(name, "mcp", request, len(request))

    return made


def _heads() -> Iterator[_Kind]:
    """Heads of requests, up to their limit and beyond it."""
    parts: dict[str, Maker] = {
        "path": lambda _, s: rest("/" + "a/" * (s // 2)),
        "cut path": lambda _, s: rest("/cut/" + "-" * s),
        "encoded path": lambda _, s: rest("/json/" + "%2f" * (s // 3)),
        "pattern": lambda _, s: rest("/pattern?q=" + "a" * s + "!"),
        "query": lambda _, s: rest("/pattern?" + "&".join(f"a{at}=b" for at in range(s // 8))),
        "cookies": lambda _, s: rest("/ping", headers=b"Cookie: " + b"a=b; " * (s // 5) + b"\r\n"),
        "one header": lambda _, s: rest("/ping", headers=b"X: " + b"a" * s + b"\r\n"),
        "many headers": lambda _, s: rest("/ping", headers=b"".join(b"X-%d: a\r\n" % at for at in range(s // 10))),
        "commas": lambda _, s: rest("/ping", headers=b"If-None-Match: " + b'"a",' * (s // 4) + b"\r\n"),
        "method": lambda _, s: rest("/ping", method=b"A" * s),
        "noise": noise,
    }
    for name, make in parts.items():
        yield _head(f"head: {name}", make)


def _head(name: str, make: Maker) -> _Kind:
    def made(chance: random.Random, size: int) -> Case:
        request = make(chance, min(size, HEAD_LIMIT) if chance.random() < 0.7 else min(size, 1_000_000))
        return Case(name, chance.choice(["rest", "mcp"]), request, len(request))

    return made
