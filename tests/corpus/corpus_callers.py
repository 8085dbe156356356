"""Call units as their callers do: every input where the oracle says that it belongs, whatever the product says of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
from oracle import Digits, ExpectedInput, ExpectedUnit, json_text, read_json

MCP_HEADERS = {
    "content-type": "application/json",
    "accept": "application/json, text/event-stream",
    "mcp-protocol-version": "2025-06-18",
}
PLACEHOLDER = re.compile(r"\{\{([^{}]+)\}\}|\{([^{}]+)\}")
SAFE_TOOL = re.compile(r"[a-zA-Z0-9_-]{1,64}")
SAFE_PROPERTY = re.compile(r"[a-zA-Z0-9_.-]{1,64}")


@dataclass(frozen=True)
class Answer:
    """What a caller got.

    Attributes:
        status: of the HTTP answer; of a tool's, 200, or 400 where it says that it is an error.
        text: the body of a REST answer, the text of a tool's.
        structured: the ``structuredContent`` of a tool's.
    """

    status: int
    text: str
    structured: Any = None

    @property
    def value(self) -> Any:
        """The JSON value in it, its numbers as they are written; the text where it is none."""
        try:
            return read_json(self.text)
        except ValueError:
            return self.text


async def call_route(each: ExpectedUnit, inputs: Mapping[str, Any], client: httpx.AsyncClient) -> Answer:
    """Call a route as an HTTP client would."""
    placed = [(one, inputs[one.name]) for one in each.inputs if one.name in inputs]
    query = [
        f"{quote(one.name, safe='')}={quote(as_text(element), safe='')}"
        for one, value in placed
        if one.location == "query"
        for element in (value if isinstance(value, list) else [value])
    ]
    headers = {one.name: _header_text(value) for one, value in placed if one.location == "header"}
    cookies = [f"{one.name}={quote(as_text(value), safe='')}" for one, value in placed if one.location == "cookie"]
    if cookies:
        headers["Cookie"] = "; ".join(cookies)
    body: Any = inputs.get("body") if each.passes_body else None
    for one, value in placed:
        if one.location == "body":
            body = _place_in_body(one, value, body)
    content = None if body is None else json_text(body).encode()
    if content is not None:
        headers.setdefault("Content-Type", "application/json")
    path = _filled(each, inputs)
    response = await client.request(
        each.method or "GET", f"{path}?{'&'.join(query)}" if query else path, headers=headers, content=content
    )
    return Answer(response.status_code, response.text)


async def call_forward(each: ExpectedUnit, rest: str, content: bytes, client: httpx.AsyncClient) -> bool:
    """Call a route that is passed on; tell whether its path has room for the rest of one.

    Args:
        each: the route.
        rest: of the path, encoded, with a query.
        content: the body.
        client: calls it.
    """
    path, query = PLACEHOLDER.sub(lambda _: rest.partition("?")[0], each.path or ""), rest.partition("?")[2]
    await client.request("PATCH", f"{path}?{query}", content=content, headers={"Content-Type": "application/json"})
    return path != each.path


def _filled(each: ExpectedUnit, inputs: Mapping[str, Any]) -> str:
    """Return the exposed path, its placeholders filled; ``{x+}``, ``{+x}`` and ``{x*}`` are x."""
    carried = {one.placeholder: one.name for one in each.inputs if one.placeholder}

    def fill(hit: re.Match[str]) -> str:
        name = (hit[1] or hit[2]).strip().strip("+*").strip()
        return quote(as_text(inputs.get(carried.get(name, name), inputs.get(name, "x"))), safe="")

    return PLACEHOLDER.sub(fill, each.path or "")


def as_text(value: Any) -> str:
    """Return a value as a caller writes it in a path, a query or a header."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.text if isinstance(value, Digits) else json_text(value)


def _header_text(value: Any) -> str:
    return ",".join(map(as_text, value)) if isinstance(value, list) else as_text(value)


def _place_in_body(one: ExpectedInput, value: Any, body: Any) -> Any:
    """Choice: a declared input of the body named ``body`` is the whole of it."""
    if one.whole_body or (one.name == "body" and not one.source):
        return value
    inside = body if isinstance(body, dict) else {}
    return _at_path(inside, one.source, value) if one.source else {**inside, one.name: value}


def _at_path(body: dict[str, Any], source: str, value: Any) -> dict[str, Any]:
    """Put a value where a simple JSONPath (``$.a.b``) finds it."""
    inside = body
    *above, last = source.removeprefix("$.").split(".")
    for name in above:
        inside = inside.setdefault(name, {})
    inside[last] = value
    return body


async def _rpc(client: httpx.AsyncClient, method: str, params: Any) -> Any:
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    response = await client.post("/mcp", content=json_text(message).encode(), headers=MCP_HEADERS)
    answer = read_json(response.text)
    return answer.get("result", answer)


async def list_tools(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """Return what ``tools/list`` shows; a server that has resources and no tools doesn't know the method."""
    answer = await _rpc(client, "tools/list", {})
    if answer.get("error", {}).get("message") == "Method not found":
        return []
    tools: list[dict[str, Any]] = answer["tools"]
    return tools


@dataclass(frozen=True)
class ShownTool:
    """A tool as an agent is shown it.

    Attributes:
        name: how it is called.
        names: how each of its arguments is called, by the file's name.
        schema: of its arguments.
    """

    name: str
    names: Mapping[str, str]
    schema: Mapping[str, Any]

    @property
    def is_safe(self) -> bool:
        """Whether common clients take all of its names."""
        return bool(SAFE_TOOL.fullmatch(self.name)) and all(
            SAFE_PROPERTY.fullmatch(name) for name in self.schema["properties"]
        )


def shown_tool(each: ExpectedUnit, alias: str, aliases: Mapping[str, str], tools: list[Any]) -> ShownTool | None:
    """Find a tool in the list: under its own name, and with its own names of arguments, where those are safe.

    Args:
        each: what the file says of it.
        alias: another name that the product says it has; it counts only where the file's isn't safe.
        aliases: the same for its arguments.
        tools: the list.
    """
    name = each.name if each.name and SAFE_TOOL.fullmatch(each.name) else alias
    found = next((tool for tool in tools if tool["name"] == name), None)
    if found is None:
        return None
    names = {
        one.name: one.name if SAFE_PROPERTY.fullmatch(one.name) else aliases.get(one.name, "") for one in each.inputs
    }
    return ShownTool(name, names, found["inputSchema"])


async def call_tool(tool: ShownTool, inputs: Mapping[str, Any], client: httpx.AsyncClient) -> Answer:
    """Call a tool as an MCP client would, under the names that it was shown."""
    arguments = {tool.names[name]: value for name, value in inputs.items() if name in tool.names}
    result = await _rpc(client, "tools/call", {"name": tool.name, "arguments": arguments})
    first = result["content"][0]
    text = first["text"] if "text" in first else json_text(first)
    return Answer(400 if result.get("isError") else 200, text, result.get("structuredContent"))
