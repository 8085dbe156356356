"""Make an SDK server of adapters: its name, its instructions, its handlers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import mcp_types as types
from mcp.server.caching import CacheableMethod, CacheHint

from naftiko import __version__
from naftiko.expose.http.limits import CallLimit
from naftiko.expose.mcp.completion import Completer
from naftiko.expose.mcp.listening import Offered, ToldServer
from naftiko.expose.mcp.prompts import PromptBook
from naftiko.expose.mcp.recorded import recorded, watched
from naftiko.expose.mcp.resources import ResourceBook
from naftiko.expose.mcp.skills import SkillServer, skill_book
from naftiko.expose.mcp.sources import McpSource
from naftiko.expose.mcp.tools import ToolBook
from naftiko.observe import sanitize as neutral

_NAME_OF_SEVERAL = "naftiko"


def make_server(sources: Sequence[McpSource], tools: ToolBook, limit: CallLimit) -> ToldServer:
    """Return the server of one adapter, or of several together; capabilities follow from what they declare.

    Args:
        sources: the adapters.
        tools: their tools.
        limit: how many calls may run at once, in the whole app.
    """
    skills = skill_book(sources)
    resources, prompts = ResourceBook(sources, limit, skills), PromptBook(sources)
    kind = ToldServer if skills is None else SkillServer
    server = kind(
        neutral.prose(_name(sources)),
        version=_version(sources),
        title=_title(sources),
        instructions=_instructions(sources),
        cache_hints=_cache_hints(sources),
        get_tool_input_schema=tools.schema_of,
    )

    async def offered() -> Offered:
        return Offered(tools.listed(modern=True), await resources.listed(), prompts.listed())

    server.offered = offered
    # Handlers are added one by one, since they return wire forms: a model would be dumped, checked and dumped again.
    if tools or not (resources or prompts):
        server.add_request_handler(
            "tools/list", types.PaginatedRequestParams, recorded(watched(tools.list, tools.requests))
        )
        server.add_request_handler("tools/call", types.CallToolRequestParams, recorded(tools.call))
    if resources:
        server.add_request_handler(
            "resources/list", types.PaginatedRequestParams, recorded(watched(resources.list, tools.requests))
        )
        server.add_request_handler(
            "resources/templates/list",
            types.PaginatedRequestParams,
            recorded(watched(resources.list_templates, tools.requests)),
        )
        server.add_request_handler("resources/read", types.ReadResourceRequestParams, recorded(resources.read))
    if skills is not None:
        skills.serve(server, tools.requests)
    if prompts:
        server.add_request_handler(
            "prompts/list", types.PaginatedRequestParams, recorded(watched(prompts.list, tools.requests))
        )
        server.add_request_handler(
            "prompts/get", types.GetPromptRequestParams, recorded(watched(prompts.get, tools.requests))
        )
    if prompts or resources.templates:
        completer = Completer(prompts, resources)
        server.add_request_handler(
            "completion/complete", types.CompleteRequestParams, recorded(watched(completer.complete, tools.requests))
        )
    return server


def _name(sources: Sequence[McpSource]) -> str:
    return sources[0].namespace if len(sources) == 1 else _NAME_OF_SEVERAL


def _version(sources: Sequence[McpSource]) -> str:
    """Return the file's version; naftiko's own where there is none, or several files."""
    info = sources[0].capability.plan.info if len(sources) == 1 else None
    return (info.version if info else None) or __version__


def _title(sources: Sequence[McpSource]) -> str | None:
    if len(sources) != 1:
        return None
    source = sources[0]
    return neutral.prose(source.model.label or source.capability.label)


def _instructions(sources: Sequence[McpSource]) -> str | None:
    descriptions = dict.fromkeys(source.model.description for source in sources if source.model.description)
    return neutral.prose("\n\n".join(descriptions)) or None


def _cache_hints(sources: Sequence[McpSource]) -> dict[CacheableMethod, CacheHint]:
    """Return how long clients may keep lists (``ttlMs``, ``cacheScope``); of several adapters the most careful.

    What is read from a resource is an upstream's to say, so it is stale at once.
    """
    hint = CacheHint(
        min((max(source.model.ttl_ms or 0, 0) for source in sources), default=0),
        "public" if sources and all(source.model.cache_scope == "public" for source in sources) else "private",
    )
    hints: dict[CacheableMethod, CacheHint] = dict.fromkeys(get_args(CacheableMethod), hint)
    hints["resources/read"] = CacheHint()
    return hints
