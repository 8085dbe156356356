"""The ASGI app of skill adapters that share a port (SEMANTICS 10)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, unquote

from starlette.types import ASGIApp, Receive, Scope, Send

from naftiko.engine.capability import Capability
from naftiko.engine.skills import NoFiles, Skill, Unfit
from naftiko.expose.authentication import Credentials, Guard, Principal, Refusal, ResourceMetadata, guard
from naftiko.expose.http.gate import Gate
from naftiko.expose.http.paths import inner_path
from naftiko.expose.http.replies import Refused, Reply, problem, wrong_method
from naftiko.expose.served import Exposed
from naftiko.expose.skill.adapter import CATALOGUE_PATH
from naftiko.expose.skill.files import archive, contents
from naftiko.expose.skill.options import SkillOptions
from naftiko.expose.spaces import Spaces
from naftiko.expression.scope import Scope as PlanScope
from naftiko.ground.errors import MissingVariable, TakesNoCalls
from naftiko.ground.http import READING
from naftiko.observe import sanitize as neutral
from naftiko.observe.requests import request_now
from naftiko.plan.skills import SkillTool

_OK: Final = int(HTTPStatus.OK)
_BAD: Final = int(HTTPStatus.BAD_REQUEST)
_NOT_FOUND: Final = int(HTTPStatus.NOT_FOUND)
_SHOWN: Final = 200
"""Characters of a caller's own words that an answer repeats."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Shelf:
    """The skills of one adapter, and who may see them."""

    skills: Sequence[Skill]
    guard: Guard | None
    capability: Capability
    namespace: str


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request that is in order.

    Attributes:
        skills: those that its caller may see, by name; the first of a name.
        rest: what its path has behind ``/skills``, decoded segment by segment.
    """

    skills: dict[str, Skill]
    rest: list[str]
    scope: Scope
    send: Send

    def skill(self) -> Skill:
        """Return the skill that the path names.

        Raises:
            Refused: there is none.
        """
        found = self.skills.get(self.rest[0])
        if found is None:
            raise Refused(_NOT_FOUND, "not-found", f"Skill not found: {self.rest[0][:_SHOWN]}")
        return found


class SkillApp:
    """Shows skills, and what they are made of; it runs nothing.

    Args:
        catalogues: the adapters by what stands before ``/skills``.
        gate: which hosts it may be called by; ``None``: any.
    """

    def __init__(self, catalogues: dict[str, Sequence[_Shelf]], gate: Gate | None) -> None:
        self._catalogues = catalogues
        self._gate = gate
        self._guards = [shelf.guard for shelves in catalogues.values() for shelf in shelves if shelf.guard is not None]
        self._app: ASGIApp = ResourceMetadata(self._serve, self._guards) if self._guards else self._serve

    def owns(self, path: str) -> bool:
        """Tell whether a path is below a catalogue."""
        return self._split(path) is not None

    def has_metadata(self, path: str) -> bool:
        """Tell whether the metadata of a protected resource is at this path (RFC 9728 chapter 3.1)."""
        for each in self._guards:
            with contextlib.suppress(MissingVariable):  # without it nobody knows where the resource is
                if path in each.metadata_paths():
                    return True
        return False

    def _split(self, path: str) -> tuple[str, str] | None:
        """Return what stands before ``/skills`` and what behind it; ``None`` where no catalogue is there."""
        before, mark, behind = path.partition(CATALOGUE_PATH)
        if not mark or before not in self._catalogues or (behind and not behind.startswith("/")):
            return None
        return before, behind

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request."""
        return self._app(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        method: str = scope["method"]
        unwelcome = None if self._gate is None else self._gate.refusal(scope, changes=False)
        reply: Reply | None
        try:
            if unwelcome is not None:
                reply = problem(unwelcome.status, unwelcome.kind, unwelcome.detail)
            else:
                reply = await self._answer(method, scope, send)
        except Refused as refused:
            reply = refused.reply
        if reply is not None:
            await reply.send(scope, send)

    async def _answer(self, method: str, scope: Scope, send: Send) -> Reply | None:
        path = inner_path(scope)
        split = self._split(path)
        if split is None:
            return problem(_NOT_FOUND, "not-found", f"there is nothing at {path[:_SHOWN]}; the skills are at /skills")
        before, behind = split
        record = request_now.get()
        if record is not None:
            record.adapter, record.route = "skill", f"{before}{CATALOGUE_PATH}"
        shelves = await self._opened(self._catalogues[before], scope)
        rest = _segments(behind)
        handler = _handler(rest)
        if handler is None:
            return problem(_NOT_FOUND, "not-found", f"there is nothing at {path[:_SHOWN]}")
        if method not in READING:
            return wrong_method(method, ("GET",))
        for shelf in shelves:
            if shelf.capability.engine.held:
                _check_held(shelf)
        skills: dict[str, Skill] = {}
        for shelf in shelves:
            for skill in shelf.skills:
                skills.setdefault(skill.plan.name, skill)
        return await handler(_Asked(skills, rest, scope, send))

    @staticmethod
    async def _opened(shelves: Sequence[_Shelf], scope: Scope) -> list[_Shelf]:
        """Return the adapters whose authentication lets a request in.

        Raises:
            Refused: none does.
        """
        request = Credentials.of(scope)
        opened, first = [], None
        for shelf in shelves:
            found: Principal | Refusal | None = None
            if shelf.guard is not None:
                found = await shelf.guard.identify(request)
            if isinstance(found, Refusal):
                first = first or found
            else:
                opened.append(shelf)
        if not opened and first is not None:
            raise Refused(first.status, first.kind, first.detail, first.headers)
        return opened


def _check_held(shelf: _Shelf) -> None:
    if ("skill", shelf.namespace) in shelf.capability.engine.held:
        error = TakesNoCalls(f"`{shelf.namespace or 'skill'}` takes no calls just now; try again later")
        after = (("retry-after", str(round(error.retry_after or 0))),)
        raise Refused(error.status, error.kind, error.detail, after)


def _segments(behind: str) -> list[str]:
    """Return the decoded segments of what stands behind ``/skills``.

    Raises:
        Refused: one of them would lead somewhere else than it says.
    """
    raw = behind.split("/")[1:]
    decoded = [unquote(segment, errors="replace") for segment in raw]
    if any(segment in {".", ".."} for segment in decoded):
        raise Refused(_BAD, "unsafe-path", "Path traversal attempt detected")
    unsafe = next((each for each in decoded if any(mark in each for mark in ("/", "\\", "\0"))), None)
    if unsafe is not None:
        raise Refused(_BAD, "unsafe-path", f"Unsafe path segment in request: {_safe(unsafe)}")
    return decoded


def _safe(text: str) -> str:
    return neutral.one_line(text)[:_SHOWN]


_Handler = Callable[[_Asked], Awaitable[Reply | None]]


def _handler(rest: Sequence[str]) -> _Handler | None:
    """Return what answers at a path behind ``/skills``."""
    if not rest:
        return _catalogue
    if not rest[0]:
        return None
    if len(rest) == 1:
        return _skill
    if rest[1] == "contents":
        return _file if len(rest) > 2 else _contents  # noqa: PLR2004  # a skill, `contents`, and a path
    return _download if list(rest[1:]) == ["download"] else None


async def _catalogue(asked: _Asked) -> Reply:
    shown = [_summary(skill) for skill in asked.skills.values()]
    return Reply(_OK, neutral.shown({"count": len(shown), "skills": shown}))


def _summary(skill: Skill) -> dict[str, Any]:
    said = skill.plan.frontmatter
    license_ = {"license": said["license"]} if "license" in said else {}
    return {
        "name": skill.plan.name,
        "description": skill.plan.description,
        **license_,
        "tools": [tool.name for tool in skill.plan.tools],
    }


async def _skill(asked: _Asked) -> Reply:
    plan = asked.skill().plan
    return Reply(_OK, neutral.shown({**plan.frontmatter, "tools": [_tool(tool) for tool in plan.tools]}))


def _tool(tool: SkillTool) -> dict[str, Any]:
    said = {"name": tool.name, "description": tool.description}
    if tool.instruction is not None:
        return {**said, "type": "instruction", "instruction": tool.instruction}
    reference = {"targetNamespace": tool.namespace, "action": tool.action, "mode": tool.mode}
    schema = {} if tool.schema is None else {"inputSchema": tool.schema}
    return {**said, "type": "derived", "invocationRef": reference, **schema}


async def _contents(asked: _Asked) -> Reply:
    skill = asked.skill()
    files = await _read(skill, skill.files)
    shown = [{"path": file.path, "size": file.size, "type": file.media_type} for file in files]
    return Reply(_OK, {"name": skill.plan.name, "files": shown})


async def _read(skill: Skill, read: Callable[[], Any]) -> Any:
    """Return what is read of a skill's files.

    Raises:
        Refused: there are none, or they are too many.
    """
    try:
        return await asyncio.to_thread(read)
    except NoFiles as error:
        _log.warning("the files of the skill `%s` are not served: %s", skill.plan.name, error)
        detail = f"Location directory not found for skill: {skill.plan.name}"
        raise Refused(_NOT_FOUND, "not-found", detail) from error
    except Unfit as error:
        _log.warning("the skill `%s` is not served whole: %s", skill.plan.name, error)
        raise Refused(int(HTTPStatus.INTERNAL_SERVER_ERROR), "skill-too-large", str(error)) from error


async def _file(asked: _Asked) -> Reply | None:
    skill, path = asked.skill(), "/".join(asked.rest[2:])
    return await contents(skill, path, _read, asked.scope, asked.send)


async def _download(asked: _Asked) -> Reply | None:
    skill = asked.skill()
    files = await _read(skill, skill.whole)
    return await archive(skill, files, asked.scope, asked.send)


def build(exposed: Sequence[Exposed], options: SkillOptions, spaces: Spaces) -> SkillApp:
    """Return the app of adapters that share a listener: all together, and each alone below its namespace."""
    alone: dict[str, list[Exposed]] = {}
    for each in exposed:
        alone.setdefault(f"/{quote(spaces.of(each.adapter), safe='')}", []).append(each)
    mine = {path: f"{path}{CATALOGUE_PATH}" for path in alone}
    catalogues: dict[str, Sequence[_Shelf]] = {
        "": [_shelf(each, CATALOGUE_PATH, tuple(mine.values())) for each in exposed]
    }
    for path, its in alone.items():
        catalogues[path] = [_shelf(each, mine[path], (CATALOGUE_PATH,)) for each in its]
    gate = Gate(hosts=options.allowed_hosts, takes_short_names=True) if options.guard_hosts else None
    return SkillApp(catalogues, gate)


def _shelf(exposed: Exposed, path: str, others: tuple[str, ...]) -> _Shelf:
    capability, adapter = exposed
    its_guard = guard(
        adapter.plan.model.authentication,
        adapter.plan.secrets,
        PlanScope({}, capability.variables),
        resource_path=path,
        other_paths=others,
        shared=capability.shared,
    )
    names = {plan.name for plan in adapter.plan.skills}
    skills = [each for each in capability.skills if each.adapter is adapter.plan and each.plan.name in names]
    return _Shelf(skills, its_guard, capability, adapter.namespace)
