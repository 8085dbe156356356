"""How MCP adapters are served: tools, resources and prompts over HTTP and stdio (SEMANTICS 7 and 8)."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from naftiko.document.model import AdapterModel, McpAdapter, McpPrompt
from naftiko.expose.announcement import Announcement
from naftiko.expose.http.gate import LOOPBACK
from naftiko.expose.mcp.options import MAIN_PATH, McpOptions
from naftiko.expose.served import Exposed, Listening, Mounted, ServedKind

if TYPE_CHECKING:
    from naftiko.engine.capability import Adapter, Capability, Unit
    from naftiko.expose.mcp.app import McpApp
    from naftiko.expose.spaces import Spaces
    from naftiko.link.adapters.kind import AdapterKind
    from naftiko.plan.unit import ResourcePlan


class _Mcp(ServedKind[McpOptions]):
    model: ClassVar[type[AdapterModel]] = McpAdapter
    title: ClassVar[str] = "MCP"
    nouns: ClassVar[tuple[str, ...]] = ("tool", "resource", "prompt")
    default_port: ClassVar[int] = 9090
    options = McpOptions
    is_slow: ClassVar[bool] = True  # the SDK takes half a second to import
    client_path: ClassVar[str | None] = MAIN_PATH
    speaks_stdio: ClassVar[bool] = True

    def linking(self) -> AdapterKind[Any]:
        from naftiko.link.adapters.mcp import MCP as LINKED  # noqa: PLC0415  # see `ServedKind`

        return LINKED

    def mount(self, exposed: Sequence[Exposed], options: McpOptions, spaces: Spaces) -> Mounted:
        from naftiko.expose.mcp.sdk import import_server  # noqa: PLC0415  # who asks only for addresses needs no model

        import_server()
        from naftiko.expose.mcp.app import McpApp  # noqa: PLC0415  # imports the SDK

        return _MountedMcp(McpApp(exposed, options, spaces))

    def path(self, name: str, *, alone: bool, prefix: bool) -> str:
        return MAIN_PATH if alone and not prefix else f"/{name}{MAIN_PATH}"

    def key(self, unit: Unit) -> Hashable:
        return unit.alias

    def what(self, unit: Unit) -> str:
        return f"the tool {unit.name}"

    def amounts(self, adapter: Adapter) -> dict[str, int]:
        plan = adapter.plan
        counts = (len(adapter.units), len(plan.resources), len(plan.prompts))
        return dict(zip(self.nouns, counts, strict=True))

    def announced(self, listening: Listening) -> Iterator[Announcement]:
        """Yield where all of them are together, which names a client may call, and how to look at them."""
        exposed, url = listening.exposed, listening.url
        if len(exposed) > 1:
            tools = sum(len(adapter.units) for _, adapter in exposed)
            text = f"mcp  {url}{MAIN_PATH}  all {tools} tools of {len(exposed)} adapters"
            facts = {"event": "listening", "adapter": self.kind, "url": f"{url}{MAIN_PATH}", "units": tools}
            yield Announcement(text, facts)
        allowed = listening.allowed_hosts
        if not listening.is_loopback and "*" not in allowed:
            names = (*LOOPBACK, *allowed)
            text = f"mcp  {url} answers to the host names {', '.join(names)}; any other is refused without --allow-host"
            yield Announcement(text, {"event": "hosts", "url": url, "hosts": list(names)}, is_warning=not allowed)
        if listening.dev:
            command = f"npx @modelcontextprotocol/inspector --transport http --server-url {url}{MAIN_PATH}"
            yield Announcement(f"inspect: {command}", {"event": "inspect", "command": command})

    def description(self, exposed: Exposed) -> Mapping[str, Any]:
        plan = exposed.adapter.plan
        return {
            "resources": [_resource(resource, exposed.capability) for resource in plan.resources],
            "prompts": [_prompt(prompt) for prompt in plan.prompts],
        }

    def prepare(self) -> None:
        from naftiko.expose.mcp.sdk import build_all, import_server  # noqa: PLC0415  # see `mount`

        import_server()
        build_all()

    async def serve_stdio(self, exposed: Sequence[Exposed], options: McpOptions) -> None:
        from naftiko.expose.mcp.sdk import import_server  # noqa: PLC0415  # see `mount`

        import_server()
        from naftiko.expose.mcp.stdio import serve_stdio  # noqa: PLC0415  # imports the SDK

        await serve_stdio(exposed, options)


class _MountedMcp(Mounted):
    """The MCP app, which is at ``/`` too where nothing else is."""

    def __init__(self, app: McpApp) -> None:
        super().__init__(app, frozenset(app.paths) - {"/"})
        self._mcp = app

    def has_metadata(self, path: str) -> bool:
        return self._mcp.has_metadata(path)

    async def start(self) -> None:
        from naftiko.expose.mcp.sdk import build_soon  # noqa: PLC0415  # see `mount`

        await self._mcp.start()
        build_soon()

    def succeed(self, before: _MountedMcp) -> None:
        self._mcp.succeed(before._mcp)  # of its class

    async def aclose(self) -> None:
        await self._mcp.aclose()


def _resource(plan: ResourcePlan, capability: Capability) -> dict[str, Any]:
    from naftiko.engine.capability import Unit  # noqa: PLC0415  # whoever asks only for addresses needs no engine
    from naftiko.expose.description import run_description  # noqa: PLC0415  # likewise

    unit = None if plan.unit is None else Unit(plan.unit, capability.engine)
    return {
        "name": plan.name,
        "uri": plan.uri,
        "mimeType": plan.mime_type,
        "description": plan.description,
        "location": plan.directory,
        **run_description(unit, capability),
    }


def _prompt(prompt: McpPrompt) -> dict[str, Any]:
    return {
        "name": prompt.name,
        "description": prompt.description,
        "location": prompt.location,
        "arguments": [
            {
                "name": argument.name,
                "required": argument.required and argument.default is None,
                "description": argument.description,
                **({} if argument.default is None else {"default": argument.default}),
            }
            for argument in prompt.arguments
        ],
    }


MCP = _Mcp()
"""Tools, resources and prompts for agents."""
