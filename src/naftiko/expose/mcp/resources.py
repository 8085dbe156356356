"""Resources: dynamic ones, templates and files (SEMANTICS 7)."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeAlias

from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, PaginatedRequestParams, ReadResourceRequestParams

from naftiko.engine.answer import Answer
from naftiko.engine.capability import Unit
from naftiko.engine.directory import Directory, NotServed, ServedFile
from naftiko.engine.reach import OutOfReach, is_there
from naftiko.engine.run import Finish
from naftiko.expose.http.limits import CallLimit
from naftiko.expose.http.problems import Redact, report
from naftiko.expose.limiting import Limiter, limiter_of
from naftiko.expose.mcp import media, revisions
from naftiko.expose.mcp.callers import arrive, arrived, caller_of
from naftiko.expose.mcp.exact_numbers import marked
from naftiko.expose.mcp.failures import failure_text
from naftiko.expose.mcp.progress import reporting
from naftiko.expose.mcp.results import encoded, lightened_block, text_of
from naftiko.expose.mcp.skills import SkillBook
from naftiko.expose.mcp.sources import McpSource
from naftiko.expose.mcp.uris import UriTemplate
from naftiko.ground.errors import InputError, UpstreamStatus
from naftiko.ground.media_types import bare
from naftiko.ground.sizes import binary_bytes
from naftiko.observe import sanitize as neutral
from naftiko.observe.requests import request_now
from naftiko.plan.unit import ResourcePlan

_log = logging.getLogger(__name__)
Declarations: TypeAlias = list[dict[str, Any]]
"""What resources/list says of each."""
_FAILED: Final = -32000
"""The code of a read that failed upstream; JSON-RPC leaves it to servers, and it is no HTTP status anywhere."""
_GONE: Final = frozenset({404, 410})
_GONE_UPSTREAM: Final = -32002
"""The code of a read whose upstream says that there is no such thing, in every revision: "resource not found" before
2026-07-28. Since then an unknown URI is -32602, as wrong parameters are, and this one is neither."""


@dataclass(frozen=True, slots=True)
class Dynamic:
    """A resource that a unit answers; with variables it is a template.

    Attributes:
        hint: how long clients may keep what is read, where its API's answers are stored for a time that the file says.
    """

    plan: ResourcePlan
    unit: Unit
    redact: Redact
    template: UriTemplate
    limit: CallLimit
    hint: Mapping[str, Any] = field(default_factory=dict)

    def declaration(self) -> dict[str, Any]:
        """Return it as it is listed, in wire form."""
        key = "uriTemplate" if self.template.variables else "uri"
        return {key: self.template.text, **_described(self.plan), **_mime_type(self.plan.mime_type)}

    def match(self, uri: str) -> dict[str, str] | None:
        """Return the values of its variables, if the URI is its."""
        return self.template.match(uri)

    async def read(self, context: ServerRequestContext[Any, Any], uri: str, values: Mapping[str, str]) -> Any:
        """Run the unit; return the contents, in wire form.

        Raises:
            MCPError: the unit failed.
        """
        record = request_now.get()
        if record is not None:
            record.tool = self.plan.name
        try:
            async with reporting(context, self.plan.name):
                with self.limit:
                    unit = self.unit
                    if unit.hooks is None:
                        return await self._read(uri, values)
                    with unit.run_of(unit.hooks, caller_of(context)):
                        return await self._read(uri, values)
        except Exception as error:  # noqa: BLE001  # what escapes here is told to the client by the SDK
            told = report(error, self.redact, unit=f"resource {self.plan.name}")
            raise MCPError(_code(error), failure_text(self.plan.name, told), {"uri": uri}) from None

    async def _read(self, uri: str, values: Mapping[str, str]) -> list[Any]:
        checked = self.unit.checked(self.unit.plan.inputs.spread(values))
        finish = Finish(partial(_contents, uri, _shown_as(self.plan, self.unit)), reads=True)
        return [marked(await self.unit.run_checked(checked, finish=finish))]


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitedResource(Dynamic):
    """The same with limits for callers."""

    limiter: Limiter

    async def read(self, context: ServerRequestContext[Any, Any], uri: str, values: Mapping[str, str]) -> Any:
        """See ``Dynamic.read``; in a session each message has a request of its own."""
        arrive(context)
        return await Dynamic.read(self, context, uri, values)

    async def _read(self, uri: str, values: Mapping[str, str]) -> list[Any]:
        async with self.limiter.calling(arrived.get()):
            return await Dynamic._read(self, uri, values)  # noqa: SLF001  # its own: with slots `super()` means another class


def _hint(unit: Unit, scope: str | None) -> dict[str, Any]:
    """Return for how long clients may keep what a unit reads: as long as it is stored here."""
    call = None if unit.plan.action is None else unit.plan.action.inner.only_call
    policies = None if call is None else call.operation.resilience
    if policies is None or policies.cache is None or policies.cache.ttl is None:
        return {}
    return {"ttlMs": round(policies.cache.ttl * 1000), "cacheScope": scope or "private"}


def _code(error: Exception) -> int:
    if isinstance(error, InputError):
        return INVALID_PARAMS
    if isinstance(error, UpstreamStatus) and error.response.status_code in _GONE:
        return _GONE_UPSTREAM
    return _FAILED


def _described(plan: ResourcePlan) -> dict[str, Any]:
    said = {"name": plan.name, "title": plan.label, "description": plan.description}
    return {name: neutral.prose(value) for name, value in said.items() if value}


def _named(plan: ResourcePlan, file: ServedFile) -> dict[str, str]:
    """Return what tells a file of a directory from the others: clients list resources by name, or by title."""
    if not file.relative:
        return {}
    name = {"name": f"{plan.name}/{file.relative}"}
    said = {**name, "title": f"{plan.label}: {file.relative}"} if plan.label else name
    return {key: neutral.prose(value) for key, value in said.items()}


def _mime_type(declared: str | None) -> dict[str, str]:
    return {"mimeType": declared} if declared else {}


@dataclass(frozen=True, slots=True)
class _ShownAs:
    """How an answer is shown as the contents of a resource, wherever that is made.

    Attributes:
        name: of the resource.
        mime_type: that the file declares.
        binary: whether it is bytes whatever it says.
        limit: of bytes.
    """

    name: str
    mime_type: str | None
    binary: bool
    limit: int


def _shown_as(plan: ResourcePlan, unit: Unit) -> _ShownAs:
    return _ShownAs(plan.name, plan.mime_type, plan.binary, binary_bytes(unit.plan.max_binary_size))


def _contents(uri: str, shown_as: _ShownAs, answer: Answer) -> dict[str, Any]:
    sent = bare(answer.media_type)
    kind = shown_as.mime_type or sent or "text/plain"
    shown: dict[str, Any] = {"uri": uri, "mimeType": kind}
    if shown_as.binary or (answer.has_content and not media.is_text(sent or bare(kind))):
        shown["blob"] = encoded(answer.content, shown_as.name, shown_as.limit)
    else:
        shown["text"] = text_of(answer)
    return lightened_block(shown)


@dataclass(frozen=True, slots=True)
class Static:
    """A directory of files."""

    plan: ResourcePlan
    directory: Directory
    limit: int

    def declarations(self) -> list[dict[str, Any]]:
        """Return its files as they are listed, in wire form; reads the directory."""
        said = _described(self.plan)
        return [
            {"uri": file.uri, **said, **_named(self.plan, file), "mimeType": file.media_type}
            for file in self.directory.files()
        ]

    def read(self, uri: str) -> dict[str, Any]:
        """Read a file; return its contents, in wire form.

        Raises:
            NotServed: there is no such file, it can't be read, or it is too large.
        """
        try:
            file = self.directory.find(uri)
            size = file.path.stat().st_size
            if size > self.limit:
                raise NotServed(f"it has {size} bytes, more than the {self.limit} that are served")
            return _file_contents(uri, file, file.path.read_bytes())
        except OSError as error:
            raise NotServed(f"it can't be read ({error.strerror})") from error
        except ValueError as error:  # half a surrogate pair, which no file system has
            raise NotServed("its path is not allowed") from error


def _file_contents(uri: str, file: ServedFile, content: bytes) -> dict[str, Any]:
    shown: dict[str, Any] = {"uri": uri, "mimeType": file.media_type}
    if media.is_text(bare(file.media_type)):
        try:
            return {**shown, "text": content.decode("utf-8-sig")}
        except UnicodeDecodeError:
            pass
    return {**shown, "blob": base64.b64encode(content).decode("ascii")}


class ResourceBook:
    """The resources of a server, in the order of its adapters; the first one that a URI fits answers."""

    def __init__(self, sources: Sequence[McpSource], limit: CallLimit, skills: SkillBook | None = None) -> None:
        self._resources: list[Dynamic | Static] = []
        self._skills = skills
        for source in sources:
            for plan, unit in zip(source.adapter.plan.resources, source.resource_units, strict=True):
                if unit is not None:
                    hint = _hint(unit, source.model.cache_scope)
                    made = (plan, unit, source.redact, UriTemplate(plan.uri), limit, hint)
                    limiter = limiter_of(source.capability, source.adapter.plan, unit.plan)
                    found = Dynamic(*made) if limiter is None else LimitedResource(*made, limiter=limiter)
                    self._resources.append(found)
                elif plan.directory is not None:
                    self._add_files(source, plan)

    def _add_files(self, source: McpSource, plan: ResourcePlan) -> None:
        try:
            self._resources.append(static_resource(source, plan))
        except OutOfReach as error:
            _log.warning("%s: the resource `%s` is not served: %s", plan.position, plan.name, error)

    def __bool__(self) -> bool:
        return bool(self._resources) or self._skills is not None

    @property
    def templates(self) -> list[Dynamic]:
        """The resources whose URI has variables."""
        return [found for found in self._resources if isinstance(found, Dynamic) and found.template.variables]

    async def list(self, _context: ServerRequestContext[Any, Any], _params: PaginatedRequestParams) -> dict[str, Any]:
        """Answer resources/list: everything but templates, directories file by file."""
        return revisions.complete(resources=await self._declarations())

    async def _declarations(self) -> Declarations:
        listed: Declarations = []
        for found in self._resources:
            if isinstance(found, Static):
                listed.extend(await asyncio.to_thread(found.declarations))
            elif not found.template.variables:
                listed.append(found.declaration())
        if self._skills is not None:
            listed.extend(await asyncio.to_thread(self._skills.declarations))
        return listed

    async def listed(self) -> Declarations:
        """Return all resources and templates, in wire form."""
        return [*await self._declarations(), *(found.declaration() for found in self.templates)]

    async def list_templates(
        self, _context: ServerRequestContext[Any, Any], _params: PaginatedRequestParams
    ) -> dict[str, Any]:
        """Answer resources/templates/list."""
        return revisions.complete(resourceTemplates=[found.declaration() for found in self.templates])

    async def read(self, context: ServerRequestContext[Any, Any], params: ReadResourceRequestParams) -> dict[str, Any]:
        """Answer resources/read.

        Raises:
            MCPError: there is no such resource, or it can't be read.
        """
        reason = ""
        for found in self._resources:
            if isinstance(found, Dynamic):
                values = found.match(params.uri)
                if values is not None:
                    contents = await found.read(context, params.uri, values)
                    return revisions.complete(contents=contents, **found.hint)
            elif found.directory.holds(params.uri):
                try:
                    return revisions.complete(contents=[await asyncio.to_thread(found.read, params.uri)])
                except NotServed as error:
                    reason = f": {error}"
        if self._skills is not None and (skill := self._skills.holding(params.uri)) is not None:
            try:
                return revisions.complete(contents=[await asyncio.to_thread(skill.contents, params.uri)])
            except NotServed as error:
                reason = f": {error}"
        code = revisions.not_found_code(context.protocol_version)
        raise MCPError(code, f"Resource not found: {params.uri}{reason}", {"uri": params.uri})


def static_resource(source: McpSource, plan: ResourcePlan) -> Static:
    """Return a resource whose files are in a directory, or are one file.

    Raises:
        OutOfReach: it lies where the capability may not read.
    """
    root = source.file(plan.directory or "")
    if not is_there(root):
        _log.warning("%s: the resource `%s` has no files: %s does not exist", plan.position, plan.name, root)
    return Static(plan, Directory(plan.uri, root, plan.mime_type), binary_bytes(source.model.max_binary_size))
