"""Python, by Monty: an interpreter of its own for a subset of the language, in processes of its own."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, Final

from naftiko.engine.scripting.sandbox import (
    AT_ONCE,
    CHECKING,
    HINT,
    MOST_PRINTED,
    MOST_RESULT,
    PATIENCE,
    Lacking,
    Limits,
    Outcome,
    ScriptError,
    Source,
    overloaded,
    too_large,
)
from naftiko.ground.jsontext import write

_DEPTH: Final = 500
_CONTEXT: Final = "import json as _json\ncontext = _json.loads(_context)\n_context = None\nresult = None"
_RESULT: Final = "import json as _json\n_json.dumps(result)"
_CHECK: Final = "raise SystemExit\n"
"""Put above a source that is compiled and not run: all of it is read before its first line is done."""


class Python:
    """The sandbox of Python; see ``sandbox.Sandbox``.

    Raises:
        Lacking: Monty is not installed.
    """

    def __init__(self) -> None:
        try:
            import pydantic_monty  # noqa: PLC0415  # an extra
        except ImportError:
            raise Lacking("needs pydantic-monty, which is not installed", hint=HINT) from None
        self._monty: ModuleType = pydantic_monty
        self._pool: Any = None
        self._leaving = contextlib.AsyncExitStack()

    async def run(self, sources: Sequence[Source], context: bytes, limits: Limits) -> Outcome:
        """Run scripts; see ``sandbox.Sandbox.run``."""
        printed = _Printed()
        async with await self._session(limits) as session:
            names = ["", *(each.name for each in sources)]
            try:
                await session.feed_run(_CONTEXT, inputs={"_context": context.decode()}, print_callback=printed)
                for source in sources:
                    await session.feed_run(source.text, print_callback=printed)
                result = await self._result(session, printed)
            except self._monty.MontyError as error:
                raise self._failed(error, names, limits) from None
        if len(result) > MOST_RESULT:
            raise too_large()
        return Outcome(result, printed.text)

    async def check(self, source: Source) -> ScriptError | None:
        """Compile a script; see ``sandbox.Sandbox.check``."""
        async with await self._session(CHECKING) as session:
            try:
                await session.feed_run(_CHECK + source.text, print_callback=_Printed())
            except self._monty.MontyError as error:
                failed = self._failed(error, [source.name], CHECKING, above=1)
                return None if "SystemExit" in failed.reason else failed
        return None

    async def aclose(self) -> None:
        """End its processes."""
        self._pool = None
        await self._leaving.aclose()

    async def _session(self, limits: Limits) -> contextlib.AbstractAsyncContextManager[Any]:
        if self._pool is None:
            pool = self._monty.AsyncMonty(min_processes=0, max_processes=AT_ONCE, checkout_timeout=PATIENCE)
            self._pool = await self._leaving.enter_async_context(pool)
        checkout = self._pool.checkout(
            limits={
                "max_feed_duration_secs": limits.processor_seconds,
                "max_memory": limits.memory,
                "max_recursion_depth": _DEPTH,
                "max_total_sleep_secs": 0.0,
            },
            os_policy={"sleep": "zero"},
        )
        return _Session(checkout)

    async def _result(self, session: Any, printed: _Printed) -> bytes:
        """Return the result as JSON; it is made there, and here only of what JSON has no words for, such as a set."""
        try:
            text: str = await session.feed_run(_RESULT, print_callback=printed)
            if "NaN" not in text and "Infinity" not in text:
                return b"" if text == "null" else text.encode()
        except self._monty.MontyRuntimeError as error:
            if not isinstance(error.exception(), TypeError):
                raise
        value = await session.feed_run("result", print_callback=printed)
        return write(_plain(value, ()))

    def _failed(self, error: Any, names: Sequence[str], limits: Limits, above: int = 0) -> ScriptError:
        if isinstance(error, self._monty.MontyCrashedError):
            timed_out = limits.exceeded if error.timed_out else "failed: its process has ended"
            return ScriptError(timed_out)
        message = error.display("type-msg") if hasattr(error, "display") else str(error)
        if "time limit exceeded" in message:
            return ScriptError(limits.exceeded)
        if "memory limit exceeded" in message:
            return ScriptError(limits.out_of_memory)
        frames = error.traceback() if hasattr(error, "traceback") else []
        return ScriptError(f"failed: {message.strip()}", _where(frames, names, above))


class _Session:
    """A checked out session; that none is free in time is told to the caller."""

    def __init__(self, checkout: Any) -> None:
        self._checkout = checkout

    async def __aenter__(self) -> Any:
        try:
            return await self._checkout.__aenter__()
        except TimeoutError:
            raise overloaded() from None

    async def __aexit__(self, *raised: object) -> None:
        await self._checkout.__aexit__(*raised)


class _Printed:
    """Keeps what is printed, as much of it as is logged."""

    def __init__(self) -> None:
        self.text = ""

    def __call__(self, stream: str, text: str) -> None:
        del stream
        self.text += text[: MOST_PRINTED - len(self.text)]


def _where(frames: Sequence[Any], names: Sequence[str], above: int) -> str:
    """Return where the innermost frame is; Monty numbers what it is fed."""
    if not frames:
        return ""
    frame = frames[-1]
    number = "".join(filter(str.isdigit, frame.filename))
    at = int(number) if number else 0
    return f"{names[at]}:{frame.line - above}:{frame.column}" if at < len(names) and names[at] else ""


def _plain(value: Any, around: tuple[int, ...]) -> Any:
    """Return a value as JSON has it: sets as lists, dates as text, what is no number by its name.

    Raises:
        ScriptError: it contains itself.
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else json.dumps(value)  # noqa: PLR0124  # NaN
    if id(value) in around:
        raise ScriptError("failed: its result contains itself")
    inside = (*around, id(value))
    if isinstance(value, Mapping):
        return {key if isinstance(key, str) else str(key): _plain(each, inside) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each, inside) for each in value]
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
