"""The MCP SDK's low-level server with a tool that does nothing: what the SDK's own layers allow."""

import contextlib

import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from starlette.applications import Starlette
from starlette.routing import Route

SCHEMA = {"type": "object", "properties": {}}
TOOL = types.Tool(name="small", description="Nothing.", input_schema=SCHEMA)


async def list_tools(context, params):  # noqa: ARG001
    return types.ListToolsResult(tools=[TOOL])


async def call_tool(context, params):  # noqa: ARG001
    return types.CallToolResult(content=[types.TextContent(text="ok")])


server = Server(
    "noop",
    version="1",
    on_list_tools=list_tools,
    on_call_tool=call_tool,
    get_tool_input_schema=lambda name: SCHEMA if name == "small" else None,
)
manager = StreamableHTTPSessionManager(app=server, json_response=True, stateless=True)


@contextlib.asynccontextmanager
async def lifespan(app):  # noqa: ARG001
    async with manager.run():
        yield


app = Starlette(routes=[Route("/mcp", StreamableHTTPASGIApp(manager))], lifespan=lifespan)
