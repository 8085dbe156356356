"""JavaScript, by QuickJS, in processes that do nothing else and have nothing: no environment, no files of ours."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import re
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
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

_PROGRAM: Final = Path(__file__).with_name("javascript_process.py")
_GRACE: Final = 1.0
"""Seconds after the time limit after which the process is ended, whatever it does."""
_PLACE: Final = re.compile(r"<input>:(\d+):(\d+)")
_LINE: Final = 1024 * 1024


class JavaScript:
    """The sandbox of JavaScript; see ``sandbox.Sandbox``.

    Raises:
        Lacking: QuickJS is not installed.
    """

    def __init__(self) -> None:
        found = importlib.util.find_spec("_quickjs")
        if found is None or found.origin is None:
            raise Lacking("needs quickjs-ng, which is not installed", hint=HINT)
        self._libraries = str(Path(found.origin).parent)
        self._idle: deque[_Process] = deque()
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def run(self, sources: Sequence[Source], context: bytes, limits: Limits) -> Outcome:
        """Run scripts; see ``sandbox.Sandbox.run``."""
        told, result = await self._done(sources, context, limits, checks=False)
        if "failed" in told:
            raise _failed(told, limits)
        return Outcome(result, told["printed"])

    async def check(self, source: Source) -> ScriptError | None:
        """Compile a script; see ``sandbox.Sandbox.check``."""
        told, _ = await self._done([source], b"null", CHECKING, checks=True)
        return _failed(told, CHECKING, above=1) if "failed" in told else None

    async def _done(
        self, sources: Sequence[Source], context: bytes, limits: Limits, *, checks: bool
    ) -> tuple[dict[str, Any], bytes]:
        job = {
            "sources": [(each.name, each.text) for each in sources],
            "seconds": limits.processor_seconds,
            "memory": limits.memory,
            "most": MOST_RESULT,
            "printed": MOST_PRINTED,
            "checks": checks,
            "bytes": len(context),
        }
        try:
            await asyncio.wait_for(self._turns.acquire(), PATIENCE)
        except TimeoutError:
            raise overloaded() from None
        process: _Process | None = None
        try:
            process = self._idle.pop() if self._idle else await _started(self._libraries)
            async with asyncio.timeout(limits.timeout / 1000 + _GRACE):
                done = await process.exchange(json.dumps(job).encode() + b"\n" + context)
        except TimeoutError:
            raise ScriptError(f"exceeded the timeout limit ({limits.timeout} ms)") from None
        except (asyncio.IncompleteReadError, OSError):
            raise ScriptError("failed: its process has ended, as one does that takes too much memory") from None
        else:
            self._idle.append(process)
            process = None
            return done
        finally:
            self._turns.release()
            if process is not None:
                await process.end()

    async def aclose(self) -> None:
        """End the processes that wait for a script."""
        while self._idle:
            await self._idle.pop().end()


class _Process:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def exchange(self, message: bytes) -> tuple[dict[str, Any], bytes]:
        """Give it a job; return what it tells, and the result."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:  # never: it is started with both
            raise OSError
        stdin.write(message)
        await stdin.drain()
        told: dict[str, Any] = json.loads(await stdout.readuntil(b"\n"))
        return told, await stdout.readexactly(told["bytes"])

    async def end(self) -> None:
        """End it, whatever it does, also where who waits for its end has no time left."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await asyncio.shield(self._process.wait())


async def _started(libraries: str) -> _Process:
    # Nothing of the environment is a script's business; a process needs none of it but where Windows itself lies.
    environment = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
    return _Process(
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(_PROGRAM), libraries),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment,
            cwd=_PROGRAM.anchor,
            limit=_LINE,
            start_new_session=True,  # Ctrl-C is the server's: its scripts end with it
        )
    )


def _failed(told: dict[str, Any], limits: Limits, above: int = 0) -> ScriptError:
    """Return the error of a script.

    Args:
        told: what its process says: the text of the error and its stack, and which source was run.
        limits: of the run.
        above: lines that were put above the source.
    """
    if told["failed"] == "too large":
        return too_large()
    message, _, stack = told["failed"].partition("\n    at ")
    if message == "InternalError: interrupted":
        return ScriptError(limits.exceeded)
    if message == "InternalError: out of memory":
        return ScriptError(limits.out_of_memory)
    place = _PLACE.search(stack)
    line, column = (int(place[1]) - above, int(place[2])) if place else (0, 0)
    where = ":".join([told["source"], *([str(line), str(column)] if line > 0 else [])]) if told["source"] else ""
    return ScriptError(f"failed: {message.strip()}", where)
