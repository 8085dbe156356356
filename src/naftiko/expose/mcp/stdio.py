"""An MCP server over stdin and stdout, for the configuration of a desktop client."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, BinaryIO, Final, cast

import anyio
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp_types import INVALID_REQUEST, PARSE_ERROR, ErrorData, JSONRPCError, jsonrpc_message_adapter
from pydantic import ValidationError

from naftiko.expose.http.bodies import whole_json
from naftiko.expose.http.limits import CallLimit
from naftiko.expose.mcp.exact_numbers import Numbers, now_handling
from naftiko.expose.mcp.incoming import id_of, wrong_message
from naftiko.expose.mcp.options import McpOptions
from naftiko.expose.mcp.server import make_server
from naftiko.expose.mcp.sources import Exposing, mcp_sources, prefixed, spaces_among
from naftiko.expose.mcp.tools import tool_book
from naftiko.ground import jsontext

_log = logging.getLogger(__name__)
_STDIN: Final = 0


async def serve_stdio(exposed: Iterable[Exposing], options: McpOptions) -> None:
    """See ``naftiko.expose.mcp.stdio_server``.

    Whoever starts the process is trusted: authentication is not asked for.
    """
    sources = mcp_sources(exposed)
    if options.prefix:
        sources = prefixed(sources, spaces_among(sources, prefix=True))
    limit = CallLimit(options.max_concurrency)
    server = make_server(sources, tool_book(sources, options, limit), limit)
    with _standard_input() as stdin:
        lines = _Lines(stdin)
        async with stdio_server(cast("Any", lines)) as (received, sent):
            lines.sent.set_result(sent)
            await server.run(received, Numbers(sent), server.create_initialization_options())


@contextlib.contextmanager
def _standard_input() -> Iterator[BinaryIO]:
    """Yield stdin; meanwhile file descriptor 0 is empty, so that nothing else takes what the client sends."""
    try:
        own = os.dup(_STDIN) if sys.stdin.buffer.fileno() == _STDIN else None
    except (OSError, ValueError, AttributeError):
        own = None
    if own is None:
        yield sys.stdin.buffer
        return
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123  # a device
        os.dup2(nothing.fileno(), _STDIN)
    try:
        # A thread may still wait for a line at the end: the descriptor must not become another file's.
        yield os.fdopen(own, "rb", closefd=False)
    finally:
        os.dup2(own, _STDIN)


class _Lines:
    """The lines of stdin that are messages; the others are answered with an error, and logged.

    Attributes:
        sent: takes the errors; known once the SDK's transport has begun.
    """

    def __init__(self, stdin: BinaryIO) -> None:
        self._stdin = anyio.wrap_file(stdin)
        self.sent: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def __aiter__(self) -> AsyncIterator[str]:
        async for raw in self._stdin:
            line = whole_json(raw).decode("utf-8", "replace")
            if not line.strip():
                continue
            wrong, identity = _wrong_line(line)
            if wrong is None:
                now_handling(line.encode())
                yield line
                continue
            _log.warning("a line on stdin is not served: %s", wrong.message)
            sent = await self.sent
            await sent.send(SessionMessage(JSONRPCError(jsonrpc="2.0", id=identity, error=wrong)))


def _wrong_line(line: str) -> tuple[ErrorData | None, Any]:
    """Return what is wrong with a line that is no message, and the id that whoever sent it waits for, if it has one."""
    try:
        message = jsontext.read(line)
    except ValueError as error:
        return ErrorData(code=PARSE_ERROR, message=f"the line is no JSON: {error}"), None
    wrong = wrong_message(message)
    if not wrong:
        try:
            jsonrpc_message_adapter.validate_python(message, by_name=False)
        except ValidationError:
            wrong = "the line is no JSON-RPC message"
    return (ErrorData(code=INVALID_REQUEST, message=wrong), id_of(message)) if wrong else (None, None)
