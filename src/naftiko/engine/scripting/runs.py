"""Runs of scripts: what is run, by which sandbox, and what is told of it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from naftiko.engine.process_pool.outside import ROLE, NotYet, Ran
from naftiko.engine.process_pool.wire import Shared
from naftiko.engine.reach import FileRoots, located
from naftiko.engine.scripting.governance import Governance
from naftiko.engine.scripting.sandbox import Limits, Outcome, Sandbox, ScriptError, Source, Unread
from naftiko.expression.scope import Variables
from naftiko.ground.errors import CallError
from naftiko.ground.seen import seen
from naftiko.plan.script import GROOVY, LANGUAGES, Script, why_unsafe

_MOST_SOURCE: Final = 1024 * 1024
"""Bytes of a file of a script."""
_log = logging.getLogger(__name__)


class ScriptFailed(CallError):
    """A script step that failed; the detail begins with ``Script step 'NAME'``."""

    kind = "script-failed"
    title = "A script failed"


class Scripting(Shared):
    """The scripts of one capability.

    Attributes:
        governance: what they may do.
    """

    def __init__(self, governance: Governance, base: Path, roots: FileRoots, variables: Variables) -> None:
        super().__init__()
        self.governance = governance
        self._base = base
        self._roots = roots
        self._variables = variables
        self._sandboxes: dict[str, SharedSandbox] = {}

    async def ran(self, script: Script, context: bytes, key: str) -> Ran:
        """Run a script, and count it.

        Args:
            script: the script.
            context: what it sees as ``context``: a JSON object.
            key: which run of its flow this is, where the flow goes on in another process, which asks the server.

        Raises:
            ScriptFailed: it failed, may not run, or reached a limit.
        """
        outside = ROLE.outside
        if outside is None:
            return await self._counted(script, context)
        found = outside.ran(key)
        if found is None:
            outside.wanted[key] = WantedScript(self, script, context, key)
            raise NotYet
        return found

    async def _counted(self, script: Script, context: bytes) -> Ran:
        stats = self.governance.stats
        began = time.perf_counter()
        stats.last = time.time()
        try:
            outcome = await self._outcome(script, context)
        except BaseException as error:
            stats.errors += 1
            if not isinstance(error, ScriptError):
                raise
            raise _told(script, error) from None
        finally:
            stats.runs += 1
            stats.seconds += time.perf_counter() - began
        if outcome.printed:
            _log.debug("script step %r printed: %s", script.step, outcome.printed)
        return Ran(outcome.result)

    async def _outcome(self, script: Script, context: bytes) -> Outcome:
        governance = self.governance
        if not governance.enabled:
            raise ScriptError(
                "requires scripting support. Scripting is disabled",
                hint="let it run: management.scripting.enabled of the control adapter, or NAFTIKO_SCRIPTING",
            )
        language = self.language(script)
        sources = [self.source(script, name) for name in (*script.dependencies, script.file)]
        limits = Limits(governance.timeout, governance.statement_limit)
        return await self._sandbox(language).run(sources, context, limits)

    def language(self, script: Script) -> str:
        """Return the language of a script.

        Raises:
            ScriptError: it has none, or none that is run here.
        """
        written = script.language or self.governance.default_language
        if not written:
            raise ScriptError("has no language", hint="give it one: `language: javascript` or `language: python`")
        if written.lower() == GROOVY:
            raise ScriptError("is in Groovy, which is not run: it has no sandbox", hint=_NO_GROOVY)
        language = LANGUAGES.get(written.lower())
        if language is None:
            raise ScriptError(f"has the unknown language `{written}`", hint="javascript and python are known")
        allowed = self.governance.allowed_languages
        if allowed and written not in allowed and language not in allowed:
            raise ScriptError(
                f"has language `{written}`, which is not in the allowed languages: [{', '.join(allowed)}]"
            )
        return language

    def source(self, script: Script, name: str) -> Source:
        """Read a file of a script, as it is now.

        Raises:
            ScriptError: it can't be read, or may not.
        """
        path = self.path(script, name)
        try:
            content = seen("source", path, lambda: _begun(path))
        except OSError as error:
            raise Unread(f"cannot read file {name}: {error.strerror}", hint=f"it should lie at {path}") from None
        if len(content) > _MOST_SOURCE:
            raise Unread(f"cannot read file {name}: it has more than {_MOST_SOURCE} bytes")
        try:
            return Source(name, content.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise Unread(f"cannot read file {name}: it is not UTF-8 (byte {error.start})") from None

    def path(self, script: Script, name: str) -> Path:
        """Return where a file of a script lies.

        Raises:
            ScriptError: nothing says where, or it may not be read.
        """
        directory = self.directory(script)
        unsafe = why_unsafe(name)
        if unsafe:
            raise ScriptError(f"names the file `{name}`: {unsafe}")
        try:
            real = directory.joinpath(*name.split("/")).resolve()
        except (OSError, RuntimeError):  # links in a circle
            raise Unread(f"cannot read file {name}: its links lead nowhere") from None
        if not real.is_relative_to(directory):
            raise Unread(f"names the file `{name}`: it leads out of {directory}")
        why = self._roots.why_not(real)
        if why:
            raise Unread(f"cannot read file {name}: {why}")
        return real

    def directory(self, script: Script) -> Path:
        """Return the location of a script.

        Raises:
            ScriptError: nothing says where it is.
        """
        location = script.location or self.governance.default_location
        if not location:
            raise ScriptError("has no location", hint="give it one: `location: file:///DIRECTORY`")
        return located(location, self._base, self._variables)

    def files(self, script: Script) -> list[Path]:
        """Return where the files of a script should lie, whether they may be read or not; none where nobody knows."""
        try:
            directory = self.directory(script)
        except ScriptError:
            return []
        return [directory.joinpath(*name.split("/")) for name in (*script.dependencies, script.file)]

    async def check(self, script: Script) -> ScriptError | None:
        """Return what is wrong with a script that is not run; ``None``: nothing that is known before."""
        try:
            sandbox = self._sandbox(self.language(script))
            for name in (*script.dependencies, script.file):
                wrong = await sandbox.check(self.source(script, name))
                if wrong is not None:
                    return wrong
        except ScriptError as error:
            return error
        return None

    def _sandbox(self, language: str) -> Sandbox:
        """Return the sandbox of a language, which is made when it is first used."""
        shared = self._sandboxes.get(language)
        if shared is None:
            shared = self._sandboxes[language] = SharedSandbox.of(language)
        return shared.sandbox

    async def aclose(self) -> None:
        """Let go of its sandboxes."""
        sandboxes, self._sandboxes = self._sandboxes, {}
        for shared in sandboxes.values():
            await shared.leave()


@dataclass(slots=True)
class SharedSandbox:
    """A sandbox, which all capabilities that are served by an event loop have in common.

    Attributes:
        sandbox: of a language.
        users: how many capabilities use it; with the last one its processes end.
    """

    sandbox: Sandbox
    key: tuple[int, str]
    users: int = 0

    @classmethod
    def of(cls, language: str) -> SharedSandbox:
        """Return the one of a language, for one more user.

        Raises:
            ScriptError: its library is not installed.
        """
        key = (id(asyncio.get_running_loop()), language)
        found = _SHARED.get(key)
        if found is None:
            found = _SHARED[key] = cls(_SANDBOXES[language](), key)
        found.users += 1
        return found

    async def leave(self) -> None:
        """Use it no more."""
        self.users -= 1
        if not self.users:
            del _SHARED[self.key]
            await self.sandbox.aclose()


_SHARED: Final[dict[tuple[int, str], SharedSandbox]] = {}


@dataclass(frozen=True, slots=True)
class WantedScript:
    """A script that a flow waits for which goes on in another process."""

    scripting: Scripting
    script: Script
    context: bytes
    key: str

    async def answer(self) -> Ran:
        """Run it."""
        return await self.scripting.ran(self.script, self.context, self.key)


def _told(script: Script, error: ScriptError) -> ScriptFailed:
    at = f" ({error.where})" if error.where else ""
    return ScriptFailed(f"Script step '{script.step}' {error.reason}{at}", hint=error.hint)


def _javascript() -> Sandbox:
    from naftiko.engine.scripting.javascript import JavaScript  # noqa: PLC0415  # an extra

    return JavaScript()


def _python() -> Sandbox:
    from naftiko.engine.scripting.python import Python  # noqa: PLC0415  # an extra

    return Python()


_SANDBOXES: Final[Mapping[str, Callable[[], Sandbox]]] = {"javascript": _javascript, "python": _python}
_NO_GROOVY: Final = "write it in JavaScript or Python: `language: javascript` is nearest"


def _begun(path: Path) -> bytes:
    """Return a file, and of a larger one than a script may be just more than that."""
    with path.open("rb") as file:
        return file.read(_MOST_SOURCE + 1)
