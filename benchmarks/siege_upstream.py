"""The upstream of the siege: it answers the good, fails the rest in every way, and echoes the credential it is sent."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import html
import json
import random
import urllib.parse
from collections.abc import AsyncIterator, Callable

SECRET = "s1ege&Token+with/marks=and-Length_40"
KEY = "k3y-in-the-query/that+is~long=enough"
PASSWORD = "p4ss:of/the+siege's=user_and-more"
SECRETS = (SECRET, KEY, PASSWORD)
BASIC = base64.b64encode(f"siege:{PASSWORD}".encode()).decode()
"""What HTTP's Basic makes of user and password (RFC 7617)."""
FILLER = "x" * 900


def spellings(secret: str) -> dict[str, bytes]:
    """Return how a secret may be written: as it is, and in every common encoding."""
    raw = secret.encode()
    percent = urllib.parse.quote(secret, safe="")
    return {
        "plain": raw,
        "percent": percent.encode(),
        "percent, small letters": "".join(c.lower() if c.isupper() and "%" in percent else c for c in percent).encode(),
        "percent twice": urllib.parse.quote(percent, safe="").encode(),
        "form": urllib.parse.quote_plus(secret).encode(),
        "html": html.escape(secret).encode(),
        "json": json.dumps(secret).replace("/", "\\/").strip('"').encode(),
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        **{f"base64 at {at}": _whole(base64.b64encode, at, raw) for at in range(3)},
        **{f"base64url at {at}": _whole(base64.urlsafe_b64encode, at, raw) for at in range(3)},
    }


def spellings_in_logs(secret: str) -> dict[str, bytes]:
    """Return both halves of each of them, and of what is written backwards: a part that was cut off is a leak, too."""
    whole = {**spellings(secret), "reversed": secret.encode()[::-1]}
    halves = ((name, text[: len(text) // 2], text[len(text) // 2 :]) for name, text in whole.items())
    return {f"{name}, {half}": text for name, *two in halves for half, text in zip(("begin", "end"), two, strict=True)}


def _whole(encode: Callable[[bytes], bytes], at: int, raw: bytes) -> bytes:
    """Return the characters of an encoding that are the secret's alone, whatever stands before and behind it."""
    return encode(bytes(at) + raw)[-(-at * 8 // 6) : (at + len(raw)) * 8 // 6]


def _answer(body: bytes, status: str = "200 OK", kind: str = "application/json", more: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


class _Exchange:
    def __init__(self, writer: asyncio.StreamWriter, target: str, headers: dict[str, str], body: bytes) -> None:
        self.writer = writer
        self.path, _, query = target.partition("?")
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        self.headers = headers
        self.body = body

    async def play(self) -> bool:
        """Answer; return whether the connection goes on."""
        _, kind, *rest = self.path.split("/")
        if kind == "good":
            await asyncio.sleep(random.random() * 0.02)
            document = {"id": rest[0], "filler": FILLER, "deep": {"id": rest[0]}}
            self.writer.write(_answer(json.dumps(document).encode()))
            return True
        if kind == "echo":
            self.writer.write(_answer(self.body, kind=self.headers.get("content-type", "application/json")))
            return True
        return await getattr(self, f"fault_{rest[0].replace('-', '_')}")()

    async def fault_hang_up(self) -> bool:
        return False

    async def fault_cut(self) -> bool:
        self.writer.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{"id": "ab')
        return False

    async def fault_stall(self) -> bool:
        await asyncio.sleep(3)
        self.writer.write(_answer(b'{"id": "late"}'))
        return True

    async def fault_garbage(self) -> bool:
        self.writer.write(random.randbytes(200) + b"\r\n\r\n")
        return False

    async def fault_status(self) -> bool:
        self.writer.write(_answer(b"{}", random.choice(["777 Odd", "99 Low", "1000 High", "103 Early"])))
        return True

    async def fault_header(self) -> bool:
        self.writer.write(_answer(b"{}", more="X-Evil: a\x01b\x1b[31m\r\n"))
        return True

    async def fault_echo(self) -> bool:
        said = {
            "headers": self.headers,
            "query": self.query,
            "encoded": {k: v.decode("latin-1") for k, v in self.said()},
        }
        body = json.dumps(said).encode()
        status = random.choice(["400 Bad Request", "401 Unauthorized", "403 Forbidden", "500 Oops", "200 OK"])
        self.writer.write(_answer(body, status))
        return True

    def said(self) -> list[tuple[str, bytes]]:
        """Return the credential that came, in every spelling."""
        came = [self.headers.get("authorization", "").rpartition(" ")[2], self.query.get("key", "")]
        if came[0] == BASIC:
            came += [f"siege:{PASSWORD}", PASSWORD]
        return [
            (f"{at} {name}", text) for at, value in enumerate(came) if value for name, text in spellings(value).items()
        ]

    async def fault_tell(self) -> bool:
        """Say the credential where an error tells of it: a target, a coding, a media type, a broken document."""
        _, text = random.choice(self.said() or [("nothing", b"nothing")])
        told = text.decode("latin-1").replace(" ", "+")
        self.writer.write(
            random.choice(
                [
                    _answer(b"{}", "302 Found", more=f"Location: http://other.invalid/{told}/{told}?key={told}\r\n"),
                    _answer(b"{}", more=f"Content-Encoding: {told}\r\n"),
                    _answer(b"<" + text * 3, kind=f"application/{told}+json"),
                    _answer(b'{"key": ' + text * 3),
                    _answer(text * 3, "500 Oops", "text/plain"),
                ]
            )
        )
        return True

    async def fault_html(self) -> bool:
        self.writer.write(_answer(b"<" * 65536 + b"<script>" * 1000, "500 Oops", "text/html"))
        return True

    async def fault_deep(self) -> bool:
        self.writer.write(_answer(b"[" * 100_000))
        return True

    async def fault_large(self) -> bool:
        piece = json.dumps([{"id": at, "name": f"name {at}"} for at in range(20_000)]).encode()
        self.writer.write(_answer(b'{"items": ' + piece + b', "id": "large"}'))
        await self.writer.drain()
        return True


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    endings = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, asyncio.CancelledError)
    with contextlib.suppress(*endings):
        goes_on = True
        while goes_on:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            _, target, _ = head[0].split(" ", 2)
            headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            goes_on = await _Exchange(writer, target, headers, body).play()
            await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def upstream(port: int) -> AsyncIterator[None]:
    """Listen while the context is open."""
    server = await asyncio.start_server(_serve, "127.0.0.1", port, limit=1 << 20, backlog=2048)
    try:
        yield
    finally:
        server.close()
