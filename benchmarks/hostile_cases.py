"""Hostile inputs for ``benchmarks/hostile.py``: what a caller or an upstream may send, grown to a size from a seed."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from hostile_inputs import (
    ARGUMENTS,
    CHUNKS,
    CODED,
    FEW,
    FEW_JSON,
    FORMATS,
    FORMS,
    JSON,
    READ_AS_JSON,
    SCHEMAS,
    Maker,
    noise,
    numbered,
    repeated,
)

MCP: Final = b"Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
OLDER: Final = b"MCP-Protocol-Version: 2025-11-25\r\n"
NEWEST: Final = b"MCP-Protocol-Version: 2026-07-28\r\n"
WHAT: Final = b"w0000000"
"""Stands in a request for what tells the upstream which answer it is about."""
SESSION: Final = b"5e55105e55105e55105e55105e551000"
"""Stands in a request for an MCP session that is open."""
HEAD_LIMIT: Final = 60_000
MCP_LIMIT: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class Case:
    """One input.

    Attributes:
        name: what it is, the same for all sizes.
        port: ``rest`` or ``mcp``; ``session`` for the MCP of a server that keeps sessions.
        request: its bytes.
        size: of the input that is hostile.
        answer: what the upstream answers, head and all, or ``None`` where it is not about that.
        leaves: whether the caller sends no more when it has sent that, and may get no answer.
    """

    name: str
    port: str
    request: bytes = field(repr=False)
    size: int
    answer: bytes | None = field(default=None, repr=False)
    leaves: bool = False


META: Final = b'"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}'


def rest(path: str, body: bytes | None = None, headers: bytes = b"", method: bytes = b"") -> bytes:
    """Return a request to REST."""
    method = method or (b"GET" if body is None else b"POST")
    length = b"" if body is None else b"Content-Length: %d\r\n" % len(body)
    return b"%b %b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%b%b\r\n%b" % (
        *(method, path.encode("latin-1"), headers, length, body or b""),
    )


@dataclass(frozen=True, slots=True)
class Way:
    """A way of an MCP message through the server.

    Attributes:
        port: as in ``Case``.
        headers: what it has beside the usual ones.
        meta: the members of ``_meta``.
        routed: whether the headers say the method and the name too.
    """

    port: str
    headers: bytes = OLDER
    meta: bytes = b""
    routed: bool = False

    def posted(self, body: bytes, headers: bytes = b"") -> bytes:
        """Return a POST of a message."""
        return rest("/mcp", body, MCP + self.headers + headers)

    def asked(self, method: bytes, params: bytes, name: bytes = b"") -> bytes:
        """Return a request; ``params`` are its members."""
        meta = b'"_meta":{%b},' % self.meta if self.meta else b""
        body = b'{"jsonrpc":"2.0","id":1,"method":"%b","params":{%b%b}}' % (method, meta, params)
        routing = b"Mcp-Method: %b\r\nMcp-Name: %b\r\n" % (method, name) if self.routed else b""
        return self.posted(body, routing)

    def called(self, tool: bytes, arguments: bytes) -> bytes:
        """Return a call of a tool."""
        return self.asked(b"tools/call", b'"name":"%b","arguments":%b' % (tool, arguments), tool)

    def read(self, uri: bytes) -> bytes:
        """Return a read of a resource."""
        return self.asked(b"resources/read", b'"uri":"%b"' % uri, uri)


WAYS: Final = {
    "": Way("mcp"),
    ", progress": Way("mcp", meta=b'"progressToken":1'),
    ", newest": Way("mcp", NEWEST, META, routed=True),
    ", newest with progress": Way("mcp", NEWEST, META + b',"progressToken":1', routed=True),
    ", session": Way("session", OLDER + b"Mcp-Session-Id: %b\r\n" % SESSION),
}
SIZES: Final = ("largest", *("small", "middle", "small") * 2, "large", *("small", "small", "middle") * 2)
"""Which sizes fourteen cases of one kind have, one after the other; of any seven in a row one is large."""
SPANS: Final = {"large": (1_000_000, 10_000_000), "middle": (20_000, 1_000_000), "small": (500, 20_000)}
"""Bytes from and to which."""


def cases(seed: int, count: int, largest: int) -> Iterator[Case]:
    """Yield so many cases; every kind comes before one comes again.

    All kinds come in the same sizes, but each turn has all sizes, each of them of other kinds.
    """
    chance = random.Random(seed)  # the same cases each time
    kinds = [*_answers(), *_heads_of_answers(), *_bodies(), *_messages(), *_heads()]
    chance.shuffle(kinds)
    for done in range(count):
        turn, at = divmod(done, len(kinds))
        name = SIZES[(turn + at) % len(SIZES)]
        low, high = (math.log(min(each, largest)) for each in SPANS.get(name, (largest, largest)))
        yield kinds[at](chance, round(math.exp(chance.uniform(low, high))))


_Kind = Callable[[random.Random, int], Case]


def kinds() -> int:
    """Return how many kinds there are."""
    return sum(1 for _ in (*_answers(), *_heads_of_answers(), *_bodies(), *_messages(), *_heads()))


def _answers() -> Iterator[_Kind]:
    """Answers of the upstream, read in each way that there is."""
    for way in READ_AS_JSON:
        for name, make in JSON.items():
            yield _answer(f"answer {way}: {name}", _get(way), make)
    for way, makers in FORMATS.items():
        for name, make in makers.items():
            yield _answer(f"answer {way}: {name}", _get(way), make, b"text/plain")
    for name, make in {**FORMATS["html"], **FEW_JSON}.items():
        for way in ("json", "step", "forward"):
            kind = b"application/json" if name in FEW_JSON else b"text/html"
            yield _answer(f"error page {way}: {name}", _get(way), make, kind, status=500)
    for name, make in CODED.items():
        coding = b"gzip" if "gzip" in name else b"deflate"
        yield _answer(f"answer map: {name}", _get("map"), make, coding=coding)
        yield _answer(f"answer forward: {name}", _get("forward"), make, coding=coding)
    yield from _answers_to_tools()


def _answers_to_tools() -> Iterator[_Kind]:
    what = b'{"what":"%b"}' % WHAT
    for at, (suffix, way) in enumerate(WAYS.items()):
        for tool, makers in (FEW if at else {"json": JSON, "html": FORMATS["html"], "text": FORMATS["text"]}).items():
            request = way.called(tool.encode(), what)
            media_type = b"application/json" if tool == "json" else b"text/plain"
            for name, make in makers.items():
                yield _answer(f"tool {tool}: {name}{suffix}", request, make, media_type, port=way.port)
        if "progress" in suffix:
            continue
        for kind, makers in FEW.items():
            request = way.read(b"%b://%b" % (kind.encode(), WHAT))
            media_type = b"application/json" if kind == "json" else b"text/plain"
            for name, make in makers.items():
                yield _answer(f"resource {kind}: {name}{suffix}", request, make, media_type, port=way.port)
    for name, make in {**FORMATS["html"], **JSON}.items():
        media_type = b"text/html" if name in FORMATS["html"] else b"application/json"
        request = WAYS[""].called(b"json", what)
        yield _answer(f"error page tool: {name}", request, make, media_type, status=500, port="mcp")


def _get(way: str) -> bytes:
    return rest(f"/{way}/{WHAT.decode()}")


def _answer(
    name: str,
    request: bytes,
    make: Maker,
    media_type: bytes = b"application/json",
    *,
    port: str = "rest",
    coding: bytes = b"",
    status: int = 200,
) -> _Kind:
    said = b"Content-Type: %b\r\n" % media_type + (b"Content-Encoding: %b\r\n" % coding if coding else b"")

    def made(chance: random.Random, size: int) -> Case:
        body = make(chance, size)
        return Case(name, port, request, len(body), wire(body, said, status))

    return made


def wire(body: bytes, head: bytes = b"Content-Type: application/json\r\n", status: int = 200) -> bytes:
    """Return an answer of an upstream as it is sent."""
    length = b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body)
    return b"HTTP/1.1 %d X\r\n%b%b%b" % (status, head, length, body)


def _heads_of_answers() -> Iterator[_Kind]:
    """What an upstream may send beside a body."""
    parts: dict[str, Maker] = {
        "many fields": numbered(b"X-%d: a\r\n", between=b""),
        "same fields": repeated(b"Set-Cookie: a=b\r\n"),
        "one field": repeated(b"a", before=b"X: ", after=b"\r\n"),
        "links": repeated(b'</a>; rel="next", ', before=b"Link: ", after=b"</b>\r\n"),
        "location": repeated(b"/a", before=b"Location: ", after=b"\r\n"),
        "parameters": repeated(b"; a=b", before=b"Content-Type: application/json", after=b"\r\n"),
        "tags": repeated(b'"a", ', before=b"ETag: ", after=b'"b"\r\n'),
        "noise": noise,
    }
    for way in ("json", "map", "forward"):
        for name, make in parts.items():
            yield _raw(f"head of an answer {way}: {name}", way, lambda c, s, m=make: wire(b"{}", m(c, s), 200))
        yield _raw(f"redirect {way}", way, lambda c, s, m=parts["location"]: wire(b"", m(c, s), 302))
        chunked = b"HTTP/1.1 200 X\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        small = repeated(b"1\r\n1\r\n", before=chunked, after=b"0\r\n\r\n")
        yield _raw(f"chunks of an answer {way}", way, small)
        long = repeated(b"a", before=chunked + b"1;", after=b"\r\n1\r\n0\r\n\r\n")
        yield _raw(f"an extension of an answer's chunk {way}", way, long)
        trailers = repeated(b"X: a\r\n", before=chunked + b"1\r\n1\r\n0\r\n", after=b"\r\n")
        yield _raw(f"trailers of an answer {way}", way, trailers)
        hints = repeated(b"HTTP/1.1 103 X\r\n\r\n", after=wire(b"{}"))
        yield _raw(f"early hints {way}", way, hints)
        yield _raw(f"no answer {way}", way, noise)


def _raw(name: str, way: str, make: Maker) -> _Kind:
    def made(chance: random.Random, size: int) -> Case:
        answer = make(chance, size)
        return Case(name, "rest", _get(way), len(answer), answer)

    return made


def _bodies() -> Iterator[_Kind]:
    """Bodies of REST callers."""
    for path in ("fields", "checked", "raw"):
        for name, make in JSON.items():
            yield _body(f"body {path}: {name}", f"/{path}/x" if path != "checked" else "/checked", make)
    for name, (kind, make) in FORMS.items():
        yield _body(f"form: {name}", "/fields/x", make, kind)
        yield _body(f"form passed on: {name}", "/raw/x", make, kind)
    yield _body("body checked: wrong items", "/checked", repeated(b"1,", before=b'{"list":[', after=b"1]}"))
    yield _body("body checked: right items", "/checked", ARGUMENTS["right items"][1])
    for name, make in CODED.items():
        coding = b"Content-Encoding: %b\r\n" % (b"gzip" if "gzip" in name else b"deflate")
        yield _body(f"body fields: {name}", "/fields/x", make, headers=coding)
    for path in ("/fields/x", "/raw/x", "/forward/x", "/ping", "/mcp"):
        port = "mcp" if path == "/mcp" else "rest"
        for name, make in {**CHUNKS, "noise": noise}.items():
            yield _sent(f"chunks {path}: {name}", path, make, port)
    for name in ("one text", "noise"):
        yield _body(f"forward: {name}", "/forward/x", JSON[name])


def _sent(name: str, path: str, make: Maker, port: str) -> _Kind:
    head = MCP + OLDER if port == "mcp" else b"Content-Type: application/json\r\n"
    request = rest(path, headers=head + b"Transfer-Encoding: chunked\r\n", method=b"POST")

    def made(chance: random.Random, size: int) -> Case:
        body = make(chance, size)
        return Case(name, port, request + body, len(body), leaves=True)

    return made


def _body(name: str, path: str, make: Maker, media_type: bytes = b"application/json", headers: bytes = b"") -> _Kind:
    def made(chance: random.Random, size: int) -> Case:
        body = make(chance, size)
        return Case(name, "rest", rest(path, body, b"Content-Type: %b\r\n%b" % (media_type, headers)), len(body))

    return made


def _messages() -> Iterator[_Kind]:
    """Messages of MCP clients."""
    schemas = {name: (b"checked", make) for name, make in SCHEMAS.items()}
    for suffix, way in WAYS.items():
        # What is large takes the same way with progress and without.
        arguments = {**ARGUMENTS, **schemas} if suffix in {"", ", session"} else {}
        for name, (tool, make) in arguments.items():
            yield _message(f"arguments: {name}{suffix}", way, lambda w, c, s, t=tool, m=make: w.called(t, m(c, s)))
        for name, make in (JSON if suffix in {"", ", session"} else FEW_JSON).items():
            yield _message(f"message: {name}{suffix}", way, lambda w, c, s, m=make: w.posted(m(c, s)))
            yield _message(
                f"other method: {name}{suffix}",
                way,
                lambda w, c, s, m=make: w.asked(b"prompts/get", b'"name":"x","arguments":%b' % m(c, s)),
            )
        batch = repeated(b'{"jsonrpc":"2.0","id":1,"method":"ping"},', before=b"[", after=b"{}]")
        yield _message(f"batch{suffix}", way, lambda w, c, s, m=batch: w.posted(m(c, s)))
        yield _message(f"uri{suffix}", way, lambda w, _, s: w.read(b"x://%b" % (b"z" * s)))
        yield _message(
            f"handle{suffix}", way, lambda w, _, s: w.called(b"naftiko-continue", b'{"handle":"%b"}' % (b"A" * s))
        )
        yield _message(f"name{suffix}", way, lambda w, _, s: w.called(b"a" * s, b"{}"))


def _message(name: str, way: Way, make: Callable[[Way, random.Random, int], bytes]) -> _Kind:
    def made(chance: random.Random, size: int) -> Case:
        request = make(way, chance, min(size, MCP_LIMIT))
        return Case(name, way.port, request, len(request))

    return made


def _heads() -> Iterator[_Kind]:
    """Heads of requests, up to their limit and beyond it."""
    parts: dict[str, Maker] = {
        "path": lambda _, s: rest("/" + "a/" * (s // 2)),
        "cut path": lambda _, s: rest("/cut/" + "-" * s),
        "encoded path": lambda _, s: rest("/json/" + "%2f" * (s // 3)),
        "forwarded path": lambda _, s: rest("/forward/" + "a/%2e./" * (s // 7)),
        "pattern": lambda _, s: rest("/pattern?q=" + "a" * s + "!"),
        "query": lambda _, s: rest("/pattern?" + "&".join(f"a{at}=b" for at in range(s // 8))),
        "same query": lambda _, s: rest("/pattern?" + "q=a&" * (s // 4)),
        "encoded query": lambda _, s: rest("/forward/x?" + "%41" * (s // 3)),
        "cookies": lambda _, s: rest("/ping", headers=b"Cookie: " + b"a=b; " * (s // 5) + b"\r\n"),
        "one header": lambda _, s: rest("/ping", headers=b"X: " + b"a" * s + b"\r\n"),
        "many headers": lambda _, s: rest("/ping", headers=b"".join(b"X-%d: a\r\n" % at for at in range(s // 10))),
        "commas": lambda _, s: rest("/ping", headers=b"If-None-Match: " + b'"a",' * (s // 4) + b"\r\n"),
        "accept": lambda _, s: rest("/mcp", b"{}", MCP[:32] + b"Accept: " + b"a/b;q=1," * (s // 8) + b"\r\n"),
        "basic": lambda _, s: rest("/basic", headers=b"Authorization: Basic " + b"A" * s + b"\r\n"),
        "digest": lambda _, s: rest("/digest", headers=b"Authorization: Digest " + b'a="b",' * (s // 6) + b"\r\n"),
        "bearer": lambda _, s: rest("/bearer", headers=b"Authorization: Bearer " + b"A.A." * (s // 4) + b"\r\n"),
        "method": lambda _, s: rest("/ping", method=b"A" * s),
        "noise": noise,
    }
    for name, make in parts.items():
        yield _head(f"head: {name}", make)


def _head(name: str, make: Maker) -> _Kind:
    def made(chance: random.Random, size: int) -> Case:
        request = make(chance, min(size, HEAD_LIMIT) if chance.random() < 0.7 else size)
        return Case(name, chance.choice(["rest", "mcp"]), request, len(request), leaves=b"\r\n\r\n" not in request)

    return made
