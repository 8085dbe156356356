"""An answer as it is read: what llhttp tells piece by piece becomes a status, headers and a body.

llhttp keeps the grammar of RFC 9112. Kept here is what depends on the request (an answer to HEAD has no body), what
belongs to no single message (interim answers, RFC 9110, 15.2), and how much of a head is read at all.
"""

from __future__ import annotations

from typing import Final

import httpx
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from naftiko.engine.transport.message import MOST_INTERIM, FlawedAnswer, flaw_of_head

_LONGEST: Final = 64 * 1024
"""Bytes of the longest line of a head: cookies and policies of real APIs pass the usual 8 KiB."""
_MOST_FIELDS: Final = 128
"""Fields of a head, and of what comes behind a body."""
_MOST_IN_VAIN: Final = 256 * 1024
"""Bytes that bring neither the end of a head nor a byte of a body: heads and trailers that never end."""

_FIRST: Final = 100
_FIRST_FINAL: Final = 200
_SWITCHING: Final = 101
_EMPTY: Final = frozenset({204, 304})
"""Answers without a body, whatever their headers say (RFC 9112, 6.3)."""


class Reading:
    """One answer, of which some is here.

    Attributes:
        status: its status.
        reason: its reason phrase.
        headers: the headers as they came, without those behind the body (RFC 9110, 6.5.1).
        size: bytes of the body that came and were not taken yet.
        heard: whether a byte of it, or of an interim answer, came.
        has_head: whether status and headers are here.
        is_complete: whether all of it is here.
        is_coded: whether the body has a content coding.
        keeps: whether the connection may serve another request; known once the answer is complete.
        error: why it will never be complete.
    """

    __slots__ = (
        "_in_vain",
        "_interim",
        "_is_interim",
        "_is_long",
        "_parser",
        "_pieces",
        "_to_head",
        "_trailers",
        "_until_close",
        "error",
        "has_head",
        "headers",
        "heard",
        "is_coded",
        "is_complete",
        "keeps",
        "reason",
        "size",
        "status",
    )

    def __init__(self, method: str) -> None:
        self.status = 0
        self.reason = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.size = 0
        self.heard = self.has_head = self.is_complete = self.is_coded = self.keeps = False
        self.error: Exception | None = None
        self._pieces: list[bytes] = []
        self._to_head = method == "HEAD"
        self._until_close = self._is_interim = self._is_long = False
        self._interim = self._in_vain = self._trailers = 0
        self._parser: HttpResponseParser | None = HttpResponseParser(self)
        # What such servers send is read: a lone line feed, a blank behind the size of a chunk, bytes in a value that
        # ``flaw_of_head`` has better words for. None of these says anything else about where a message ends.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
        )

    def feed(self, data: bytes) -> None:
        """Read what came; afterwards it has more of its head or body, is complete, or has an error."""
        parser = self._parser
        if parser is None:  # it is complete: whatever this is, nobody asked for it
            self.keeps = False
            return
        self.heard = True
        before = self.size
        self._is_long = self._in_vain + len(data) > _LONGEST
        try:
            parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self._broken(error)
        if self.is_complete or self.error is not None:
            self._parser = None  # it knows us and we know it: a circle that only the collector would find
        elif self.size > before:
            self._in_vain = 0
        else:
            self._in_vain += len(data)
            if self._in_vain > _MOST_IN_VAIN:
                self.fail(httpx.RemoteProtocolError("too much of nothing"))

    def fail(self, error: Exception) -> None:
        """Note why there will be no more of it."""
        self._parser = None
        if self.error is None:
            self.error = error

    def end(self) -> bool:
        """Read the end of the connection; return whether it is the end of the answer too (RFC 9112, 6.3)."""
        self._parser = None
        if self._until_close and not self.is_complete and self.error is None:
            self.is_complete = True
        return self.is_complete

    def take(self) -> bytes:
        """Return what came of the body since the last time."""
        pieces, self._pieces, self.size = self._pieces, [], 0
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    # What llhttp tells.

    def on_message_begin(self) -> None:
        """Notice a message behind the answer: it is nobody's, and the connection is no longer to be trusted."""
        if self.is_complete:
            raise _UnaskedError

    def on_status(self, part: bytes) -> None:
        """Take (a part of) the reason phrase."""
        self.reason += part

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; those behind the body are nobody's (RFC 9110, 6.5.1), and are counted."""
        if not self.has_head:
            self.headers.append((name, value.strip(b" \t")))
            return
        self._trailers += 1
        if self._trailers > _MOST_FIELDS:
            raise _TooLongError

    def on_headers_complete(self) -> None:
        """See what the head says about the body (RFC 9112, 6.3)."""
        parser = self._parser
        assert parser is not None  # noqa: S101 - for the type checker: it is the one that calls
        status = self.status = parser.get_status_code()
        if _FIRST <= status < _FIRST_FINAL and status != _SWITCHING:
            self._is_interim = True
            return
        self._take_head(status)
        self.has_head = True
        self.keeps = parser.should_keep_alive()
        if self._to_head:
            self.is_complete = True
            self.keeps = self.keeps or self._says_nothing_of_closing(parser)
        elif status in _EMPTY:
            self.is_complete = True

    def _take_head(self, status: int) -> None:
        headers = self.headers
        names = {name.lower() for name, _ in headers}
        codings: list[str] = []
        if b"transfer-encoding" in names:
            codings = [value.decode("latin-1") for name, value in headers if name.lower() == b"transfer-encoding"]
        if len(headers) > _MOST_FIELDS or (self._is_long and max(len(value) for _, value in headers) > _LONGEST):
            raise _TooLongError
        if flaw := flaw_of_head(status, headers, codings):
            raise FlawedAnswer(flaw)
        self.is_coded = b"content-encoding" in names
        self._until_close = b"content-length" not in names and not (codings and codings[0].strip().lower() == "chunked")

    def on_body(self, piece: bytes) -> None:
        """Take a piece of the body."""
        if self.is_complete or self._is_interim:
            raise _UnaskedError
        self._pieces.append(piece)
        self.size += len(piece)

    def on_message_complete(self) -> None:
        """See the end of an interim answer or of the answer."""
        if self._is_interim:
            self._is_interim = False
            self._interim += 1
            if self._interim > MOST_INTERIM:
                raise _TooLongError
            self.headers = []
            self.reason = b""
        else:
            self.is_complete = True

    def _says_nothing_of_closing(self, parser: HttpResponseParser) -> bool:
        """Tell whether the connection stays open behind an answer to HEAD (RFC 9112, 9.3).

        llhttp, which can't know about HEAD, says no where a body without a length would follow.
        """
        told = b",".join([value.lower() for name, value in self.headers if name.lower() == b"connection"])
        return parser.get_http_version() == "1.1" and b"close" not in told

    def _broken(self, error: Exception) -> None:
        """Take what llhttp, or one of the methods above, found wrong."""
        if self.is_complete:  # with what came behind the answer
            self.keeps = False
            return
        told = error.__context__
        self.fail(told if isinstance(told, FlawedAnswer) else httpx.RemoteProtocolError("not an HTTP answer"))


class _UnaskedError(Exception):
    """Something came behind the answer, or behind an interim one, where there is no body."""


class _TooLongError(Exception):
    """A head, or what comes behind a body, is longer than any honest one."""
