"""The Skills extension: a file's skills in its MCP servers (SEP-2640; SEMANTICS 10).

Each file of a skill is a resource, for whatever client. Those of 2026-07-28 and newer may also ask for the skills
themselves, with a digest of each file, and for what is in a directory.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import quote, unquote

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, METHOD_NOT_FOUND

from naftiko.engine.directory import NotServed
from naftiko.engine.skills import SKILL_FILE, Manifest, NoFiles, Skill, SkillFile, Unfit
from naftiko.expose.mcp import media, revisions
from naftiko.expose.mcp.listening import ToldServer
from naftiko.expose.mcp.recorded import Handler, recorded, watched
from naftiko.expose.mcp.sources import McpSource
from naftiko.ground.media_types import bare
from naftiko.observe import sanitize as neutral
from naftiko.observe.observer import Observer

EXTENSION: Final = "io.modelcontextprotocol/skills"
_SETTINGS: Final[dict[str, dict[str, Any]]] = {EXTENSION: {"directoryRead": True}}
_SCHEME: Final = "skill://"
_DIRECTORY: Final = "inode/directory"
_FILES_OF_A_PAGE: Final = 2_000
"""Files of the skills that one answer of skills/list has; a skill is never divided."""
_log = logging.getLogger(__name__)
_ReadT = TypeVar("_ReadT")


class SkillServer(ToldServer):
    """The SDK's server, which tells clients of the extension that know the revision it is for."""

    def get_capabilities(
        self,
        notification_options: NotificationOptions | None = None,
        experimental_capabilities: dict[str, dict[str, Any]] | None = None,
        extensions: dict[str, dict[str, Any]] | None = None,
        *,
        protocol_version: str | None = None,
    ) -> types.ServerCapabilities:
        """Return what the server says that it can do."""
        if protocol_version is not None and revisions.is_modern(protocol_version):
            extensions = {**(self.extensions if extensions is None else extensions), **_SETTINGS}
        return super().get_capabilities(
            notification_options, experimental_capabilities, extensions, protocol_version=protocol_version
        )


class GetSkillParams(types.RequestParams):
    """The parameters of skills/get."""

    uri: str


class ReadDirectoryParams(types.PaginatedRequestParams):
    """The parameters of resources/directory/read."""

    uri: str


class ServedSkill:
    """A skill at its URI.

    Args:
        skill: what it is.
        namespace: of the adapter that declares it; the first segment of its path.

    Attributes:
        root: the URI of its directory.
    """

    def __init__(self, skill: Skill, namespace: str) -> None:
        self._skill = skill
        self.root = f"{_SCHEME}{quote(namespace, safe='')}/{skill.name}"
        self.uri = f"{self.root}/{SKILL_FILE}"
        self._told = ""

    def of(self, read: Callable[[], _ReadT]) -> _ReadT | None:
        """Return what is read of it; ``None`` where agents couldn't load it, which the log says once."""
        try:
            return read()
        except (NoFiles, Unfit) as error:
            if str(error) != self._told:
                self._told = str(error)
                _log.warning(
                    "%s: the skill `%s` is in no MCP server: %s",
                    self._skill.plan.position,
                    self._skill.name,
                    error,
                )
        return None

    def manifest(self) -> Manifest | None:
        """Return all of it."""
        return self.of(self._skill.manifest)

    def entry(self) -> dict[str, Any] | None:
        """Return its entry, as skills/list and skills/get have it."""
        found = self.manifest()
        if found is None:
            return None
        resources = [
            {"uri": self._uri(file), "digest": f"sha256:{digest}", "size": file.size} for file, digest in found.files
        ]
        return {"uri": self.uri, "frontmatter": found.frontmatter, "resources": resources}

    def _uri(self, file: SkillFile) -> str:
        return f"{self.root}/{quote(file.path)}"

    def declarations(self) -> Iterator[dict[str, Any]]:
        """Yield its files as resources, in wire form."""
        found = self.manifest()
        if found is not None:
            yield from (self._declared(file, found) for file, _ in found.files)

    def _declared(self, file: SkillFile, found: Manifest) -> dict[str, Any]:
        if file.path == SKILL_FILE:
            description = neutral.prose(found.frontmatter["description"])
            said = {"name": self._skill.name, "description": description}
        else:
            said = {"name": neutral.prose(f"{self._skill.name}/{file.path}")}
        return {"uri": self._uri(file), **said, "mimeType": file.media_type, "size": file.size}

    def contents(self, uri: str) -> dict[str, Any]:
        """Return a file's contents, in wire form: the very bytes, whose digest a client compares.

        Raises:
            NotServed: there is no such file.
        """
        path = _path(uri[len(self.root) + 1 :])
        found = self.manifest()
        if found is None or not any(file.path == path for file, _ in found.files):
            raise NotServed("there is no such file")
        try:
            file, content = self._skill.read(path)
        except NoFiles as error:
            raise NotServed("there is no such file") from error
        shown: dict[str, Any] = {"uri": uri, "mimeType": file.media_type}
        if media.is_text(bare(file.media_type)):
            try:
                return {**shown, "text": content.decode()}
            except UnicodeDecodeError:
                pass
        return {**shown, "blob": base64.b64encode(content).decode("ascii")}

    def children(self, uri: str) -> list[dict[str, Any]] | None:
        """Return what is directly in one of its directories, in wire form; ``None`` where the URI is none."""
        found = self.manifest()
        if found is None:
            return None
        below = _path(uri[len(self.root) + 1 :])
        prefix = f"{below}/" if below else ""
        inside = [file for file, _ in found.files if file.path.startswith(prefix)]
        if below and not inside:
            return None
        children: dict[str, dict[str, Any]] = {}
        for file in inside:
            name, _, deeper = file.path[len(prefix) :].partition("/")
            if deeper:
                at = f"{self.root}/{quote(prefix + name)}"
                children.setdefault(name, {"uri": at, "name": neutral.prose(name), "mimeType": _DIRECTORY})
            else:
                own = {"name": neutral.prose(name)} if name != SKILL_FILE or below else {}
                children[name] = {**self._declared(file, found), **own}
        return list(children.values())


def _path(text: str) -> str:
    return unquote(text, errors="replace")


class SkillBook:
    """The skills of a server.

    Args:
        skills: each with the namespace of the adapter that declares it.
        hint: how long an answer may be kept, and by whom: ``ttlMs`` and ``cacheScope``.
    """

    def __init__(self, skills: Sequence[tuple[Skill, str]], hint: dict[str, Any]) -> None:
        found: dict[str, ServedSkill] = {}
        for skill, namespace in skills:
            served = ServedSkill(skill, namespace)
            if found.setdefault(served.root, served) is not served:
                _log.warning("%s: there is a skill %s already; this one is left out", skill.plan.position, served.root)
        self._skills = found
        self._hint = hint

    def serve(self, server: Server[Any], observer: Observer | None) -> None:
        """Let a server answer the methods of the extension."""
        handlers: tuple[tuple[str, Any, Handler[Any]], ...] = (
            ("skills/list", types.PaginatedRequestParams, self.list),
            ("skills/get", GetSkillParams, self.get),
            ("resources/directory/read", ReadDirectoryParams, self.read_directory),
        )
        for method, params, handler in handlers:
            server.add_request_handler(method, params, recorded(watched(_since_modern(handler), observer)))

    def declarations(self) -> list[dict[str, Any]]:
        """Return all files of all skills as resources, in wire form; reads their directories."""
        return list(itertools.chain.from_iterable(each.declarations() for each in self._skills.values()))

    def holding(self, uri: str) -> ServedSkill | None:
        """Return the skill that a URI is in, or whose directory it is."""
        if not uri.startswith(_SCHEME):
            return None
        namespace, _, rest = uri[len(_SCHEME) :].partition("/")
        return self._skills.get(f"{_SCHEME}{namespace}/{rest.partition('/')[0]}")

    async def list(self, _context: ServerRequestContext[Any, Any], params: Any) -> dict[str, Any]:
        """Answer skills/list.

        Raises:
            MCPError: the cursor is none.
        """
        roots = list(self._skills)
        first = 0
        if params.cursor is not None:
            if params.cursor not in self._skills:
                raise MCPError(INVALID_PARAMS, "the cursor is none of this server's; list the skills anew")
            first = roots.index(params.cursor)
        entries, following = await asyncio.to_thread(self._page, roots[first:])
        more = {} if following is None else {"nextCursor": following}
        return revisions.complete(skills=entries, **more, **self._hint)

    def _page(self, roots: Sequence[str]) -> tuple[Sequence[dict[str, Any]], str | None]:
        """Return the entries of one page, and where the next one begins."""
        entries: list[dict[str, Any]] = []
        count = 0
        for root in roots:
            if count >= _FILES_OF_A_PAGE:
                return entries, root
            entry = self._skills[root].entry()
            if entry is not None:
                entries.append(entry)
                count += len(entry["resources"])
        return entries, None

    async def get(self, _context: ServerRequestContext[Any, Any], params: GetSkillParams) -> dict[str, Any]:
        """Answer skills/get.

        Raises:
            MCPError: no skill is there.
        """
        served = self.holding(params.uri)
        if served is not None and served.uri == params.uri:
            entry = await asyncio.to_thread(served.entry)
            if entry is not None:
                return revisions.complete(skill=entry, **self._hint)
        raise MCPError(INVALID_PARAMS, f"No skill is served at {params.uri}", {"uri": params.uri})

    async def read_directory(
        self, _context: ServerRequestContext[Any, Any], params: ReadDirectoryParams
    ) -> dict[str, Any]:
        """Answer resources/directory/read.

        Raises:
            MCPError: the URI is no directory of a skill.
        """
        served = self.holding(params.uri)
        if served is not None and params.cursor is None:
            children = await asyncio.to_thread(served.children, params.uri)
            if children is not None:
                return revisions.complete(resources=children)
        raise MCPError(INVALID_PARAMS, f"{params.uri} is not a directory resource", {"uri": params.uri})


def _since_modern(handler: Handler[Any]) -> Handler[Any]:
    """Return a handler of a method that clients of older revisions don't have."""

    async def handle(context: ServerRequestContext[Any, Any], params: Any) -> dict[str, Any]:
        if not revisions.is_modern(context.protocol_version):
            raise MCPError(METHOD_NOT_FOUND, "Method not found", context.method)
        return await handler(context, params)

    return handle


def skill_book(sources: Sequence[McpSource]) -> SkillBook | None:
    """Return the skills that a server of adapters has; ``None`` where there are none."""
    found: dict[int, tuple[Skill, str]] = {}
    for source in sources:
        for skill in source.capability.skills:
            if _is_for(skill, source):
                found[id(skill)] = (skill, skill.adapter.namespace or source.capability.path.stem)
    if not found:
        return None
    models = [source.model for source in sources]
    is_public = all(model.cache_scope == "public" for model in models)
    ttl = min(max(model.ttl_ms or 0, 0) for model in models)
    return SkillBook(list(found.values()), {"ttlMs": ttl, "cacheScope": "public" if is_public else "private"})


def _is_for(skill: Skill, source: McpSource) -> bool:
    """Tell whether a skill is for the clients of an MCP adapter.

    It is one of those that name no tool of other MCP adapters alone; and who may see the skill by its catalogue's
    authentication may call here.
    """
    authentication = skill.adapter.model.authentication
    if authentication is not None and source.model.listens:
        own = source.model.authentication
        if own is None or own.without_place() != authentication.without_place():
            return False
    servers = {tool.namespace for tool in skill.plan.tools if tool.unit is not None and tool.unit.method is None}
    return not servers or source.adapter.namespace in servers
