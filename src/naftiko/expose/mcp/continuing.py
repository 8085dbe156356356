"""The tool that fetches the rest of an answer that was cut to fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from naftiko.expose.mcp.fitting import CONTINUE
from naftiko.expose.mcp.handles import Handles, Place, wrong_handle
from naftiko.expose.mcp.tool import Tool
from naftiko.ground.errors import CallError
from naftiko.plan.inputs import Input, InputSet

_HANDLE: Final = Input(
    "handle",
    "handle",
    "argument",
    "string",
    required=True,
    schema={"type": "string", "description": "The handle of a part, from the `_more` of a cut answer."},
)


class Tools(Protocol):
    """What it asks of a server's tools."""

    def identified(self, identity: str) -> Tool | None:
        """Return a tool by its ``namespace/name``."""
        ...

    async def run(
        self, tool: Tool, arguments: Mapping[str, Any], version: str, place: Place | None = None
    ) -> dict[str, Any]:
        """Call a tool; return the rest of its answer from a place on."""
        ...


class ContinueTool:
    """``naftiko-continue``: calls the tool of a handle again, and answers with what comes after the cut.

    Only a tool of this very server can be continued, behind the same authentication as the tool itself.
    """

    name: Final = CONTINUE
    schema: Final[Mapping[str, Any]] = {
        "type": "object",
        "properties": {"handle": _HANDLE.schema},
        "required": ["handle"],
        "additionalProperties": False,
    }

    def __init__(self, tools: Tools, handles: Handles) -> None:
        self._tools = tools
        self._handles = handles
        self._inputs = InputSet([_HANDLE])

    def declaration(self, *, modern: bool) -> dict[str, Any]:
        """Return it as tools/list shows it, in wire form."""
        del modern
        return {
            "name": self.name,
            "title": "Continue a cut answer",
            "description": "Fetches the rest of an answer that was cut to fit. Such an answer says so, with a handle "
            "for each part that was cut.",
            "inputSchema": self.schema,
            "annotations": {"readOnlyHint": True, "destructiveHint": False, "idempotentHint": True},
        }

    def continued(self, arguments: Mapping[str, Any]) -> Tool | None:
        """Return the tool whose answer arguments continue; ``None``: none."""
        try:
            return self._tools.identified(self._handles.read(self._inputs.check(arguments)["handle"]).tool)
        except CallError:
            return None

    async def call(self, arguments: Mapping[str, Any], version: str) -> dict[str, Any]:
        """Return the rest, within the budget of its tool.

        Raises:
            InputError: the handle is not good.
        """
        place = self._handles.read(self._inputs.check(arguments)["handle"])
        tool = self._tools.identified(place.tool)
        if tool is None or not tool.is_repeatable:
            raise wrong_handle("is of a tool that is not served here")
        return await self._tools.run(tool, place.arguments, version, place)
