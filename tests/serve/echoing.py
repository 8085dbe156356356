"""An upstream that shows callers all that it got, in whatever encoding its path names."""

from __future__ import annotations

import base64
import contextlib
import html
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, unquote

ENCODINGS = {
    "plain": str,
    "percent": lambda text: quote(text, safe=""),
    "percent-twice": lambda text: quote(quote(text, safe=""), safe=""),
    "percent-all": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "json-escapes": lambda text: "".join(f"\\u{ord(each):04x}" for each in text),
    "html": html.escape,
    "html-numbers": lambda text: "".join(f"&#{ord(each)};" for each in text),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64-1": lambda text: base64.urlsafe_b64encode(b"x" + text.encode()).decode(),
    "base64-2": lambda text: base64.b64encode(b"xx" + text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "hex-upper": lambda text: text.encode().hex().upper(),
}
"""What an answer has of the request: its line, its headers, its body."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode("latin-1")
        if self.headers.get("Authorization") is None and "/digest" in self.path:
            self._say(401, {}, b"", [("WWW-Authenticate", 'Digest realm="r", nonce="n0nce", qop="auth"')])
            return
        _, kind, encoding, *_ = self.path.split("?")[0].split("/")
        encode = ENCODINGS[encoding]
        said = {name: encode(value) for name, value in self.headers.items()}
        got = {
            "line": encode(self.requestline),
            "url": encode(unquote(self.path)),
            "headers": said,
            "body": encode(body),
        }
        data = json.dumps(got).encode()
        if kind == "message":
            data = json.dumps({"message": f"bad request: {json.dumps(got)}"}).encode()
        credential = self.headers.get("Authorization") or self.headers.get("X-A") or "none"
        more = [("X-Request-Id", encode(credential)), ("X-Seen", encode(unquote(self.requestline)))]
        self._say(200 if kind == "good" else 400, got, data, more)

    def _say(self, status: int, got: dict[str, object], data: bytes, headers: list[tuple[str, str]]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        if "/chunks/" in self.path or "/fw/" in self.path:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for at in range(0, len(data), 37):
                piece = data[at : at + 37]
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    do_GET = do_POST = _answer  # noqa: N815  # names of http.server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its signature
        """Say nothing."""


@contextlib.contextmanager
def echoing() -> Iterator[str]:
    """Give the URL of an upstream that echoes: ``/good/ENCODING``, ``/bad/ENCODING``, ``/message/ENCODING``."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
