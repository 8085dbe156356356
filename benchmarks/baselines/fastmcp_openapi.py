"""FastMCP's proxy of an OpenAPI document: the usual way to make an API of tools."""

import os

import httpx
from fastmcp import FastMCP

UPSTREAM = os.environ["UPSTREAM"]
SPEC = {
    "openapi": "3.1.0",
    "info": {"title": "up", "version": "1"},
    "paths": {
        "/small": {"get": {"operationId": "small", "responses": {"200": {"description": "ok"}}}},
    },
}
try:
    import httpx2 as client_library
except ImportError:
    client_library = httpx

server = FastMCP.from_openapi(SPEC, client=client_library.AsyncClient(base_url=UPSTREAM))
app = server.http_app(path="/mcp", stateless_http=True, json_response=True)
